/** Puts the parts together: storage first, then what reads and writes it, then the ports; closes in reverse. */

import path from 'node:path';
import { lokiDialect } from '../api/loki/index.ts';
import { prometheusDialect } from '../api/prometheus/index.ts';
import { pushgatewayDialect } from '../api/pushgateway/index.ts';
import { tempoDialect } from '../api/tempo/index.ts';
import { triviumDialect } from '../api/trivium/index.ts';
import { Pushgateway } from '../collector/pushgateway/pushgateway.ts';
import { jaegerGrpcMethods, jaegerReceiverRoutes } from '../collector/receivers/jaeger.ts';
import { lokiReceiverRoutes } from '../collector/receivers/loki.ts';
import { OtlpReceiver } from '../collector/receivers/otlp.ts';
import { remoteWriteRoutes } from '../collector/receivers/prometheus-remote-write.ts';
import { spanReceiverDialect } from '../collector/receivers/span-push.ts';
import { zipkinReceiverRoutes } from '../collector/receivers/zipkin.ts';
import type { ServeOptions, SignalPeriods } from '../config/serve-options.ts';
import { Gate, gated } from '../http/gate.ts';
import type { Dialect } from '../http/handler.ts';
import { DEFAULT_TENANT } from '../http/tenant.ts';
import { openStorage, STORAGE_METRICS, type StorageOptions } from '../storage/index.ts';
import { inferredExemplars } from '../storage/select/exemplars.ts';
import { logsSource } from '../storage/select/logs.ts';
import { metricsSource } from '../storage/select/metrics.ts';
import { spansSource } from '../storage/select/spans.ts';
import { TEXT_CONTENT_TYPE, toText } from '../telemetry/exposition.ts';
import { httpMetrics } from '../telemetry/http-metrics.ts';
import { Intake } from '../telemetry/intake.ts';
import type { Logger } from '../telemetry/logger.ts';
import { registerProcessMetrics } from '../telemetry/process-metrics.ts';
import { receiverCounters } from '../telemetry/receiver-counters.ts';
import type { Registry } from '../telemetry/registry.ts';
import { storageMetrics } from '../telemetry/storage-metrics.ts';
import { listenerPlans, type OpenListener, openListeners, withRoutes } from './listeners.ts';
import { openMetricsGenerator } from './metrics-generator.ts';
import { storeOwnMetrics } from './own-metrics.ts';
import { openPrometheusPart } from './prometheus.ts';
import { readStatus } from './status.ts';

/** Receivers' words for the signals. */
const RECEIVED_AS = { spans: 'traces', metric_points: 'metrics', log_records: 'logs' } as const;
/** Queries that may stand in line for each that may run. */
const WAITING_PER_QUERY = 50;
/** Routes that read stored data, and so stand behind the gate of query.max-concurrency. */
const QUERIES =
  /\/(query(_range|_exemplars)?|series|labels?|search|traces|stats|volume(_range)?|detected_\w+|patterns|federate|read)(\/|$)/;
/** How long requests under way may take once the server closes. */
const DRAIN_MS = 5_000;
/** Other processes on the same ClickHouse may push: groups are read again when they are older. */
const PUSHED_GROUPS_RELOAD_MS = 60_000;

export interface RunningServer {
  /** Listeners in the order of the table of ports. */
  readonly listeners: readonly { readonly name: string; readonly host: string; readonly port: number }[];
  /** Reads the configurations of the parts again; rejects when one cannot be used. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

export interface ServeContext {
  readonly version: string;
  /** The folder of package.json. */
  readonly root: string;
  readonly log: Logger;
  readonly registry: Registry;
  readonly now: () => number;
  /** Where the demo is controlled, while it runs. */
  readonly demoUrl: () => string | undefined;
}

/** Starts everything. Rejects, with all that was opened closed again, when a part cannot start. */
export async function serve(options: ServeOptions, context: ServeContext): Promise<RunningServer> {
  const { log, registry, now } = context;
  const startMs = now();
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const process = registerProcessMetrics(registry, startMs);
    closers.push(() => process.close());

    const storage = await openStorage(storageOptions(options, context));
    closers.push(() => storage.close());

    const generator = openMetricsGenerator(options.metricsGenerator, {
      sink: storage.sink,
      registry,
      log,
      now,
    });
    closers.push(() => generator.close());
    const intake = new Intake(generator.sink, registry, now);
    const receivers = receiverCounters(registry, (signal, items) =>
      intake.refuse(RECEIVED_AS[signal], items),
    );
    const otlp = new OtlpReceiver({ sink: intake, now, metrics: receivers });
    const buildInfo = {
      version: context.version,
      revision: '',
      branch: '',
      buildUser: '',
      buildDate: '',
      goVersion: '',
    };
    const problem = async () => {
      try {
        await storage.check();
        return undefined;
      } catch (error) {
        return `storage does not answer: ${error instanceof Error ? error.message : String(error)}`;
      }
    };
    let open: readonly OpenListener[] = [];

    const scraping = openPrometheusPart({
      options,
      version: context.version,
      sink: intake,
      tenant: DEFAULT_TENANT,
      registry,
      onConfig: (config) => otlp.translateMetrics(config.otlp),
      log,
      now,
    });
    closers.push(() => scraping.close());
    const prometheus = withRoutes(
      prometheusDialect({
        configYaml: scraping.configYaml,
        source: metricsSource(storage.scope),
        inferExemplars: inferredExemplars(storage.scope),
        now,
        startedMs: startMs,
        buildInfo,
        engine: {
          maxSamples: options.limits.maxSamples,
          timeoutMs: options.limits.queryTimeoutMs,
          pause: () => new Promise<void>((resolve) => setImmediate(resolve)),
          experimentalFunctions: options.features.has('promql-experimental-functions'),
          durationExpressions: options.features.has('promql-duration-expr'),
          delayNameRemoval: options.features.has('promql-delayed-name-removal'),
        },
      }),
      [
        ...remoteWriteRoutes({ sink: intake, now, metrics: receivers }),
        otlp.route('metrics', '/api/v1/otlp/v1/metrics'),
      ],
      scraping.routes,
    );
    const loki = withRoutes(
      lokiDialect({ source: logsSource(storage.scope), now, buildInfo }),
      lokiReceiverRoutes({ sink: intake, now, otlp, metrics: receivers }),
    );
    const tempoDeps = {
      source: spansSource(storage.scope),
      now,
      buildInfo,
      ready: async () => (await problem()) === undefined,
    };
    const tempo = tempoDialect(tempoDeps);
    const trivium = triviumDialect({
      uiDir: path.join(context.root, 'ui/dist'),
      notReady: problem,
      status: () =>
        readStatus({
          options,
          version: context.version,
          startMs,
          now,
          storage,
          intake,
          listeners: () => open,
        }),
      metrics: async () => ({ contentType: TEXT_CONTENT_TYPE, text: toText(await registry.collect()) }),
      demoUrl: context.demoUrl,
    });

    const gateway = new Pushgateway({
      store: storage.documents,
      sink: intake,
      now,
      defaultTenant: DEFAULT_TENANT,
      ...(options.storage.url === undefined ? {} : { reloadMs: PUSHED_GROUPS_RELOAD_MS }),
      onError: (message, error) => log.warn(message, { error }),
    });
    closers.push(() => gateway.close());
    const pushgateway = pushgatewayDialect({
      gateway,
      now,
      startedMs: startMs,
      buildInfo,
      flags: { 'web.enable-admin-api': String(options.pushgatewayAdminApi) },
      ready: async () => (await problem()) === undefined,
      adminApi: options.pushgatewayAdminApi,
    });
    const pushed = { sink: intake, now, metrics: receivers };
    const grpcMethods = [...otlp.grpcMethods, ...jaegerGrpcMethods(pushed)];
    const gate = queryGate(options, registry);
    const plans = listenerPlans({
      trivium,
      prometheus: gate(prometheus),
      loki: gate(loki),
      tempo: gate(tempo),
      // People also write names without scope or dot, which Tempo refuses; here they are taken with a warning.
      tempoBelowPrefix: gate(tempoDialect({ ...tempoDeps, bareNames: 'accept' })),
      otlp: otlp.dialect,
      pushgateway,
      zipkin: spanReceiverDialect('zipkin', zipkinReceiverRoutes(pushed)),
      jaeger: spanReceiverDialect('jaeger', jaegerReceiverRoutes(pushed)),
      grpcMethods,
    });
    open = await openListeners(plans, grpcMethods, options, {
      onFinished: httpMetrics(registry),
      onBug: (error) =>
        log.error('a request failed by a bug', {
          error,
          stack: error instanceof Error ? error.stack : undefined,
        }),
    });
    closers.push(async () => {
      await Promise.all(open.map(({ listener }) => listener.close(DRAIN_MS)));
    });

    scraping.start();
    gateway.start();
    const ownMetrics = storeOwnMetrics(registry, storage.sink, { tenant: DEFAULT_TENANT, now, log });
    closers.push(() => ownMetrics.close());
    return {
      listeners: open.map(({ listener: { name, host, port } }) => ({ name, host, port })),
      reload: scraping.reload,
      close: closeAll,
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** One gate for the queries of all dialects, with its metrics. */
function queryGate(options: ServeOptions, registry: Registry): (dialect: Dialect) => Dialect {
  const limit = options.limits.maxConcurrentQueries;
  const gate = new Gate(limit, limit * WAITING_PER_QUERY);
  const gauge = (name: string, help: string, value: number) =>
    ({ name, help, type: 'gauge', points: [{ labels: {}, value }] }) as const;
  registry.collector(() => [
    gauge('trivium_queries_running', 'Queries that run now.', gate.running),
    gauge('trivium_queries_waiting', 'Queries that wait for their turn.', gate.waiting),
    gauge('trivium_queries_limit', 'Limit query.max-concurrency.', limit),
  ]);
  return (dialect) => gated(dialect, gate, (path) => QUERIES.test(path));
}

/** Storage's word for what is kept for ever. */
function periods({ metrics, logs, traces }: SignalPeriods): Record<keyof SignalPeriods, number | 'none'> {
  return { metrics: metrics ?? 'none', logs: logs ?? 'none', traces: traces ?? 'none' };
}

function storageOptions(options: ServeOptions, { registry, log, now }: ServeContext): StorageOptions {
  const { url, user, password, cluster, memoryBytes } = options.storage;
  const { tenants, ...byDefault } = options.retentionMs;
  return {
    dataDir: options.dataDir,
    ...(url === undefined ? {} : { clickhouseUrl: url }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(cluster === undefined ? {} : { cluster }),
    maxMemoryBytes: memoryBytes,
    maxQueueBytes: options.limits.maxQueueBytes,
    queryTimeoutMs: options.limits.queryTimeoutMs,
    retention: {
      default: periods(byDefault),
      tenants: Object.fromEntries(Object.entries(tenants).map(([name, own]) => [name, periods(own)])),
    },
    metrics: storageMetrics(registry, STORAGE_METRICS),
    log: (level, message) => log[level](message, { from: 'storage' }),
    now,
  };
}
