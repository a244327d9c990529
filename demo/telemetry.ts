/**
 * Sets the OpenTelemetry SDK up in one service process: traces, metrics and logs over OTLP, W3C trace
 * context and baggage, automatic instrumentation of node:http and of the runtime. Nothing of the shop
 * is known here; services use the API packages only, as an instrumented application would.
 */
import type { RequestOptions } from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { DiagLogLevel, diag, metrics, ValueType } from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import { AggregationTemporalityPreference } from '@opentelemetry/exporter-metrics-otlp-http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider, type LogRecordExporter } from '@opentelemetry/sdk-logs';
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import type { OtlpProtocol, ServiceConfig } from './protocol.ts';

const metricIntervalMs = 5000;
const batchDelayMs = 1000;
const exportTimeoutMs = 5000;
const warningIntervalMs = 60_000;

/** Options that the services' HTTP client adds to node:http's, read by the instrumentation's hooks. */
export interface TracedRequestOptions {
  readonly peerService?: string;
  readonly urlTemplate?: string;
}

interface Exporters {
  readonly traces: SpanExporter;
  readonly metrics: PushMetricExporter;
  readonly logs: LogRecordExporter;
}

/** The exporters of one protocol; only that protocol's packages are loaded (gRPC's are large). */
async function openExporters(protocol: OtlpProtocol, endpoint: string, delta: boolean): Promise<Exporters> {
  const temporalityPreference = delta
    ? AggregationTemporalityPreference.DELTA
    : AggregationTemporalityPreference.CUMULATIVE;
  const base = endpoint.replace(/\/+$/, '');
  const common = { timeoutMillis: exportTimeoutMs };
  if (protocol === 'grpc') {
    const [trace, metric, log] = await Promise.all([
      import('@opentelemetry/exporter-trace-otlp-grpc'),
      import('@opentelemetry/exporter-metrics-otlp-grpc'),
      import('@opentelemetry/exporter-logs-otlp-grpc'),
    ]);
    return {
      traces: new trace.OTLPTraceExporter({ ...common, url: base }),
      metrics: new metric.OTLPMetricExporter({ ...common, url: base, temporalityPreference }),
      logs: new log.OTLPLogExporter({ ...common, url: base }),
    };
  }
  const [trace, metric, log] =
    protocol === 'http/json'
      ? await Promise.all([
          import('@opentelemetry/exporter-trace-otlp-http'),
          import('@opentelemetry/exporter-metrics-otlp-http'),
          import('@opentelemetry/exporter-logs-otlp-http'),
        ])
      : await Promise.all([
          import('@opentelemetry/exporter-trace-otlp-proto'),
          import('@opentelemetry/exporter-metrics-otlp-proto'),
          import('@opentelemetry/exporter-logs-otlp-proto'),
        ]);
  return {
    traces: new trace.OTLPTraceExporter({ ...common, url: `${base}/v1/traces` }),
    metrics: new metric.OTLPMetricExporter({ ...common, url: `${base}/v1/metrics`, temporalityPreference }),
    logs: new log.OTLPLogExporter({ ...common, url: `${base}/v1/logs` }),
  };
}

/** The message inside what the SDK's error handler hands over (an error's fields as JSON, stack and all). */
function plainDiagnostic(given: string): string {
  try {
    const { message } = JSON.parse(given) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message;
  } catch {
    // plain text already
  }
  return given.split('\n')[0]!.slice(0, 300);
}

/** The SDK's own complaints (endpoint away, queue full): at most one a minute and never a stack. */
function limitDiagnostics(warn: (message: string) => void): void {
  let nextAtMs = 0;
  const report = (given: string): void => {
    if (Date.now() < nextAtMs) return;
    nextAtMs = Date.now() + warningIntervalMs;
    warn(`telemetry: ${plainDiagnostic(given)}`);
  };
  const silent = (): void => {};
  diag.setLogger(
    { error: report, warn: report, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}

/** Host and port as node:http's options carry them, to leave the exporters' own requests alone. */
function goesTo(endpoint: URL, options: RequestOptions): boolean {
  const host = options.hostname ?? options.host;
  return host === endpoint.hostname && String(options.port ?? '') === endpoint.port;
}

/**
 * Starts the SDK. Returns the function that flushes and stops it.
 *
 * node:http is patched through require(): the instrumentation's require hook changes the module's
 * exports in place and syncBuiltinESMExports() carries the change over to ES modules' bindings, so no
 * loader hook is needed (docs/decisions/0006-demo-instrumentation.md has the figures).
 */
export async function startTelemetry(
  config: ServiceConfig,
  warn: (message: string) => void,
): Promise<() => Promise<void>> {
  limitDiagnostics(warn);
  const resource = resourceFromAttributes({
    'service.name': config.service,
    'service.namespace': 'shop',
    'service.version': '1.4.2',
    'service.instance.id': `${config.service}-0`,
    'deployment.environment.name': 'demo',
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
  });
  // Payments reports deltas, everybody else cumulative sums: both exist in the wild.
  const delta = config.service === 'payments';
  const exporters = await openExporters(config.otlpProtocol, config.otlpEndpoint, delta);

  const traces = new NodeTracerProvider({
    resource,
    spanProcessors: [
      new BatchSpanProcessor(exporters.traces, {
        scheduledDelayMillis: batchDelayMs,
        maxQueueSize: 4096,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  });
  traces.register();

  const meters = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: exporters.metrics,
        exportIntervalMillis: metricIntervalMs,
        exportTimeoutMillis: metricIntervalMs - 1,
      }),
    ],
    views: [
      { instrumentName: 'checkout.duration', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
    ],
  });
  metrics.setGlobalMeterProvider(meters);

  const loggers = new LoggerProvider({
    resource,
    processors: [
      new BatchLogRecordProcessor({
        exporter: exporters.logs,
        scheduledDelayMillis: batchDelayMs,
        maxQueueSize: 4096,
        exportTimeoutMillis: exportTimeoutMs,
      }),
    ],
  });
  logs.setGlobalLoggerProvider(loggers);

  const endpoint = new URL(config.otlpEndpoint);
  const http = new HttpInstrumentation({
    ignoreOutgoingRequestHook: (options) => goesTo(endpoint, options),
    startOutgoingSpanHook: (options) => {
      const { peerService, urlTemplate } = options as TracedRequestOptions;
      return {
        ...(peerService === undefined ? {} : { 'peer.service': peerService }),
        ...(urlTemplate === undefined ? {} : { 'url.template': urlTemplate }),
      };
    },
    // The semantic conventions name a client span "{method} {url.template}" where there is one.
    requestHook: (span, request) => {
      const template = (span as { attributes?: Record<string, unknown> }).attributes?.['url.template'];
      if (typeof template === 'string') span.updateName(`${request.method} ${template}`);
    },
  });
  const runtime = new RuntimeNodeInstrumentation({ monitoringPrecision: 20 });
  for (const instrumentation of [http, runtime]) {
    instrumentation.setTracerProvider(traces);
    instrumentation.setMeterProvider(meters);
  }
  createRequire(import.meta.url)('node:http');
  syncBuiltinESMExports();

  const memory = metrics.getMeter('shop').createObservableUpDownCounter('process.memory.usage', {
    unit: 'By',
    description: 'Resident memory of the process.',
    valueType: ValueType.INT,
  });
  memory.addCallback((result) => result.observe(process.memoryUsage.rss()));

  return async () => {
    await Promise.allSettled([traces.shutdown(), loggers.shutdown(), meters.shutdown()]);
  };
}
