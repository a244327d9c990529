/**
 * JSON over HTTP between the services: a router that tells the instrumentation its route (so that
 * metrics aggregate by http.route), and a client with time-outs and kept-alive connections. Spans,
 * metrics and trace context come from the automatic instrumentation of node:http, not from here.
 */
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import { withFate } from './fate.ts';
import { log, logError, tenths } from './log.ts';
import type { ServiceName, Topology } from './protocol.ts';
import type { TracedRequestOptions } from './telemetry.ts';

const maxBodyBytes = 64 * 1024;

/** A failure that has an HTTP status: of this service, or handed on from one behind it. */
export class ServiceError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ServiceError';
    this.status = status;
  }
}

export interface Visit {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Parsed JSON body; an empty object where there was none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status?: number;
  /** JSON value; a string is sent as HTML. */
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST';
  /** Path with `{name}` for its parameters; becomes http.route. */
  readonly path: string;
  handle(visit: Visit): Promise<Answer>;
}

interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly string[];
}

function matchPath(segments: readonly string[], path: string): Record<string, string> | undefined {
  const parts = path.split('/');
  if (parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i]!;
    const part = parts[i]!;
    if (segment.startsWith('{')) params[segment.slice(1, -1)] = part;
    else if (segment !== part) return undefined;
  }
  return params;
}

async function readBody(message: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new ServiceError(413, `body above ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return {};
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // falls through to the refusal below
  }
  throw new ServiceError(400, 'the body is not a JSON object');
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const html = typeof body === 'string';
  const payload = html ? body : JSON.stringify(body);
  const traceId = trace.getActiveSpan()?.spanContext().traceId;
  response.writeHead(status, {
    'content-type': html ? 'text/html; charset=utf-8' : 'application/json',
    'content-length': Buffer.byteLength(payload),
    ...(traceId === undefined ? {} : { 'x-trace-id': traceId }),
  });
  response.end(payload);
}

/** Listens on 127.0.0.1 and answers by the routes; every request runs in a context with its own fate. */
export function serve(
  service: ServiceName,
  seed: string,
  port: number,
  routes: readonly Route[],
): Promise<{ server: Server; port: number }> {
  const compiled: CompiledRoute[] = routes.map((route) => ({ route, segments: route.path.split('/') }));

  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startMs = performance.now();
    const url = new URL(message.url ?? '/', 'http://shop');
    let found: { route: Route; params: Record<string, string> } | undefined;
    for (const { route, segments } of compiled) {
      if (route.method !== message.method) continue;
      const params = matchPath(segments, url.pathname);
      if (params) {
        found = { route, params };
        break;
      }
    }
    if (!found) {
      log('info', `${message.method} ${url.pathname}: no such page`, { status: 404 });
      send(response, 404, { error: 'not found' });
      return;
    }
    const { route, params } = found;
    const metadata = getRPCMetadata(context.active());
    if (metadata) metadata.route = route.path;
    const place = `${service} ${route.method} ${route.path}`;
    await context.with(withFate(context.active(), seed, place), async () => {
      let status = 200;
      let body: unknown;
      try {
        const given = await readBody(message);
        const result = await route.handle({
          params,
          query: url.searchParams,
          headers: message.headers,
          body: given,
        });
        status = result.status ?? 200;
        body = result.body;
      } catch (error) {
        status = error instanceof ServiceError ? error.status : 500;
        body = { error: error instanceof Error ? error.message : String(error) };
        if (status >= 500) {
          logError(`${route.method} ${route.path} failed`, error, { 'http.route': route.path });
          trace.getActiveSpan()?.setStatus({ code: SpanStatusCode.ERROR });
        }
      }
      log(
        status >= 500 ? 'error' : 'info',
        `${route.method} ${url.pathname} ${status}`,
        { status, duration_ms: tenths(performance.now() - startMs) },
        { 'http.route': route.path },
      );
      send(response, status, body);
    });
  };

  const server = createServer((message, response) => {
    answer(message, response).catch((error) => {
      logError('request failed', error);
      if (!response.headersSent) send(response, 500, { error: 'internal error' });
      else response.destroy();
    });
  });
  server.keepAliveTimeout = 30_000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve({ server, port: (server.address() as AddressInfo).port });
    });
  });
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST';
  /** Path template, for instance `/products/{id}`. */
  readonly template: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

/** The other services, as far as they are up. */
export class Peers {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32, timeout: 30_000 });
  #ports: Topology = {};

  update(ports: Topology): void {
    this.#ports = ports;
  }

  /** Calls a peer; resolves with the JSON body, rejects with ServiceError (502 unreachable, 504 time-out). */
  call<T>(peer: ServiceName, options: CallOptions): Promise<T> {
    const port = this.#ports[peer];
    const timeoutMs = options.timeoutMs ?? 5000;
    if (port === undefined) return Promise.reject(new ServiceError(502, `${peer} is not up`));
    let path = options.template;
    for (const [name, value] of Object.entries(options.params ?? {})) {
      path = path.replace(`{${name}}`, encodeURIComponent(value));
    }
    if (options.query) path += `?${new URLSearchParams(options.query)}`;
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const traced: TracedRequestOptions = { peerService: peer, urlTemplate: options.template };
    return new Promise<T>((resolve, reject) => {
      let expired = false;
      const outgoing = request(
        {
          host: '127.0.0.1',
          port,
          path,
          method: options.method ?? 'GET',
          agent: this.#agent,
          headers:
            payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) },
          ...traced,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', fail);
          response.on('end', () => {
            clearTimeout(timer);
            const text = Buffer.concat(chunks).toString('utf8');
            const status = response.statusCode ?? 500;
            try {
              const value = JSON.parse(text) as T & { error?: string };
              if (status < 400) resolve(value);
              else reject(new ServiceError(status, `${peer}: ${value.error ?? `status ${status}`}`));
            } catch {
              reject(new ServiceError(502, `${peer} answered something else than JSON`));
            }
          });
        },
      );
      const fail = (error: Error): void => {
        clearTimeout(timer);
        if (expired) reject(new ServiceError(504, `${peer} did not answer within ${timeoutMs} ms`));
        else reject(new ServiceError(502, `${peer} is unreachable: ${error.message}`));
      };
      const timer = setTimeout(() => {
        expired = true;
        outgoing.destroy(new Error(`timeout after ${timeoutMs} ms`));
      }, timeoutMs);
      outgoing.on('error', fail);
      outgoing.end(payload);
    });
  }
}
