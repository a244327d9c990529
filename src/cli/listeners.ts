/** Which dialect is served on which port and below which prefix. */

import type { ListenerName, ServeOptions } from '../config/serve-options.ts';
import type { Dialect, GrpcMethod, Route } from '../http/handler.ts';
import { type FinishedRequest, Listener, type Mount } from '../http/listener.ts';

/** What the parts offer. */
export interface Dialects {
  readonly trivium: Dialect;
  readonly prometheus: Dialect;
  readonly loki: Dialect;
  readonly tempo: Dialect;
  /** Tempo's API as the UI and the prefix on `http` have it. */
  readonly tempoBelowPrefix: Dialect;
  readonly otlp: Dialect;
  readonly pushgateway: Dialect;
  readonly zipkin: Dialect;
  readonly jaeger: Dialect;
  readonly grpcMethods: readonly GrpcMethod[];
}

interface Plan {
  readonly name: ListenerName;
  readonly speaks: string;
  readonly mounts: readonly Mount[];
}

/** A dialect with the routes of receivers that speak on its port; `before` go before its own. */
export function withRoutes(
  dialect: Dialect,
  routes: readonly Route[],
  before: readonly Route[] = [],
): Dialect {
  return { ...dialect, routes: [...before, ...dialect.routes, ...routes] };
}

/** Every listener with what it serves; each port also answers gRPC. */
export function listenerPlans(dialects: Dialects): readonly Plan[] {
  const { trivium, prometheus, loki, tempo, tempoBelowPrefix, otlp, pushgateway, zipkin, jaeger } = dialects;
  return [
    {
      name: 'http',
      speaks: 'UI and all APIs below their prefixes',
      mounts: [
        { prefix: '', dialect: trivium },
        { prefix: '/prometheus', dialect: prometheus },
        { prefix: '/loki', dialect: loki },
        { prefix: '/tempo', dialect: tempoBelowPrefix },
        { prefix: '/otlp', dialect: otlp },
        { prefix: '/pushgateway', dialect: pushgateway },
      ],
    },
    {
      name: 'prometheus',
      speaks: 'Prometheus API, remote write',
      mounts: [{ prefix: '', dialect: prometheus }],
    },
    { name: 'loki', speaks: 'Loki API, push', mounts: [{ prefix: '', dialect: loki }] },
    { name: 'tempo', speaks: 'Tempo API', mounts: [{ prefix: '', dialect: tempo }] },
    {
      name: 'otlp-grpc',
      speaks: 'OTLP over gRPC and HTTP',
      mounts: [
        { prefix: '', dialect: otlp },
        { prefix: '/otlp', dialect: otlp },
      ],
    },
    {
      name: 'otlp-http',
      speaks: 'OTLP over HTTP and gRPC',
      mounts: [
        { prefix: '', dialect: otlp },
        { prefix: '/otlp', dialect: otlp },
      ],
    },
    { name: 'pushgateway', speaks: 'Pushgateway API', mounts: [{ prefix: '', dialect: pushgateway }] },
    { name: 'zipkin', speaks: 'Zipkin spans', mounts: [{ prefix: '', dialect: zipkin }] },
    {
      name: 'jaeger-grpc',
      speaks: 'Jaeger spans over gRPC and HTTP',
      mounts: [{ prefix: '', dialect: jaeger }],
    },
    {
      name: 'jaeger-http',
      speaks: 'Jaeger spans over HTTP and gRPC',
      mounts: [{ prefix: '', dialect: jaeger }],
    },
  ];
}

/** An open listener and what it says of itself on the status page. */
export interface OpenListener {
  readonly listener: Listener;
  readonly speaks: string;
}

/** Opens all listeners that are not switched off; when one cannot be opened, closes the others and rejects. */
export async function openListeners(
  plans: readonly Plan[],
  grpcMethods: readonly GrpcMethod[],
  options: ServeOptions,
  hooks: { onFinished: (request: FinishedRequest) => void; onBug: (error: unknown) => void },
): Promise<OpenListener[]> {
  const open: OpenListener[] = [];
  try {
    for (const { name, speaks, mounts } of plans) {
      const port = options.ports[name];
      if (port === undefined) continue;
      const listener = await Listener.open({
        name,
        host: options.host,
        port,
        mounts,
        grpcMethods,
        maxBodyBytes: options.limits.maxBodyBytes,
        ...hooks,
      });
      open.push({ listener, speaks });
    }
  } catch (error) {
    await Promise.all(open.map(({ listener }) => listener.close(0)));
    throw error;
  }
  return open;
}
