/** The exporters of the OpenTelemetry SDK for Node deliver all signals and every kind of instrument. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { OTLPLogExporter as GrpcLogs } from '@opentelemetry/exporter-logs-otlp-grpc';
import { OTLPLogExporter as JsonLogs } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPLogExporter as ProtoLogs } from '@opentelemetry/exporter-logs-otlp-proto';
import { OTLPMetricExporter as GrpcMetrics } from '@opentelemetry/exporter-metrics-otlp-grpc';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonMetrics,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtoMetrics } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as GrpcTraces } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonTraces } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoTraces } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, SimpleSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { logRows, metricLines, spanRows } from './memory-sink.ts';
import { openReceivers, type ReceiverListener } from './receiver-listener.ts';

const resource = resourceFromAttributes({
  'service.name': 'cart',
  'service.namespace': 'shop',
  'service.instance.id': 'cart-1',
  'host.name': 'h1',
});
let receivers: ReceiverListener;

before(async () => {
  receivers = await openReceivers();
});
after(async () => {
  await receivers.close();
});

type Transport =
  | 'grpc'
  | 'grpc+gzip'
  | 'http/protobuf'
  | 'http/protobuf+gzip'
  | 'http/json'
  | 'http/json+gzip';
const TRANSPORTS: readonly Transport[] = [
  'grpc',
  'grpc+gzip',
  'http/protobuf',
  'http/protobuf+gzip',
  'http/json',
  'http/json+gzip',
];

/** Options for the exporter of a signal; compression is spelt alike by all of them. */
function exporterOptions(transport: Transport, signal: string): { url: string; compression: never } {
  const compression = (transport.endsWith('gzip') ? 'gzip' : 'none') as never;
  return transport.startsWith('grpc')
    ? { url: receivers.url, compression }
    : { url: `${receivers.url}/v1/${signal}`, compression };
}

function pick<T>(transport: Transport, grpc: () => T, proto: () => T, json: () => T): T {
  return transport.startsWith('grpc') ? grpc() : transport.startsWith('http/protobuf') ? proto() : json();
}

for (const transport of TRANSPORTS) {
  describe(transport, () => {
    it('delivers traces', async () => {
      receivers.sink.clear();
      const options = exporterOptions(transport, 'traces');
      const exporter: SpanExporter = pick<SpanExporter>(
        transport,
        () => new GrpcTraces(options),
        () => new ProtoTraces(options),
        () => new JsonTraces(options),
      );
      const provider = new BasicTracerProvider({
        resource,
        spanProcessors: [new SimpleSpanProcessor(exporter)],
      });
      const tracer = provider.getTracer('lib', '1.2.3');
      const root = tracer.startSpan('GET /cart', {
        kind: SpanKind.SERVER,
        startTime: [1_700_000_000, 123_456_789],
      });
      const child = tracer.startSpan(
        'query',
        {
          kind: SpanKind.CLIENT,
          startTime: [1_700_000_000, 200_000_000],
          links: [
            {
              context: {
                traceId: '0af7651916cd43dd8448eb211c80319c',
                spanId: 'b7ad6b7169203331',
                traceFlags: TraceFlags.SAMPLED,
              },
              attributes: { why: 'batch' },
            },
          ],
        },
        trace.setSpan(ROOT_CONTEXT, root),
      );
      child.setAttributes({ rows: 3, ratio: 0.5, cached: false, 'db.system': 'postgres', tags: ['a', 'b'] });
      child.addEvent('retry', { attempt: 2 }, [1_700_000_000, 210_000_001]);
      child.setStatus({ code: SpanStatusCode.ERROR, message: 'größer' });
      child.end([1_700_000_000, 300_000_000]);
      root.end([1_700_000_001, 0]);
      await provider.forceFlush();
      await provider.shutdown();

      const spans = receivers.sink.spans.flatMap(spanRows).sort((a, b) => Number(a.startNs - b.startNs));
      assert.equal(spans.length, 2);
      const [first, second] = spans;
      assert.equal(first?.name, 'GET /cart');
      assert.equal(first?.kind, 2);
      assert.equal(first?.parentId, '');
      assert.equal(first?.startNs, 1_700_000_000_123_456_789n);
      assert.equal(first?.endNs, 1_700_000_001_000_000_000n);
      assert.equal(first?.resource['service.name'], 'cart');
      assert.deepEqual(first?.scope, { name: 'lib', version: '1.2.3', attributes: {} });
      assert.equal(second?.parentId, first?.spanId);
      assert.equal(second?.traceId, first?.traceId);
      assert.deepEqual(second?.attributes, {
        rows: 3n,
        ratio: 0.5,
        cached: false,
        'db.system': 'postgres',
        tags: { json: { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } } },
      });
      assert.equal(second?.status, 2);
      assert.equal(second?.message, 'größer');
      assert.deepEqual(second?.events, [
        { timeNs: 1_700_000_000_210_000_001n, name: 'retry', attributes: { attempt: 2n } },
      ]);
      assert.deepEqual(second?.links, [
        {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          traceState: '',
          attributes: { why: 'batch' },
        },
      ]);
    });

    it('delivers every kind of instrument', async () => {
      receivers.sink.clear();
      const values = await instruments(transport, AggregationTemporalityPreference.CUMULATIVE);
      assert.deepEqual(values, EXPECTED);
      const families = Object.fromEntries(
        receivers.sink.metrics.flatMap((batch) =>
          batch.metadata.map(({ family, type, unit, help }) => [family, `${type} [${unit}] ${help}`]),
        ),
      );
      assert.deepEqual(families, {
        orders_total: 'counter [] orders placed',
        queue_length: 'gauge [] ',
        cpu_temperature_celsius: 'gauge [celsius] ',
        request_duration_seconds: 'histogram [seconds] how long',
        request_size_bytes: 'histogram [bytes] ',
        page_faults_total: 'counter [] ',
        memory_usage_bytes: 'gauge [bytes] ',
        disk_usage_ratio: 'gauge [] ',
        target_info: 'gauge [] Target metadata',
      });
    });

    it('delivers deltas, which become totals', async () => {
      receivers.sink.clear();
      const values = await instruments(
        transport,
        AggregationTemporalityPreference.DELTA,
        `delta-${transport}`,
      );
      assert.deepEqual(
        values,
        EXPECTED.map((line) => line.replaceAll('cart-1', `delta-${transport}`)),
      );
    });

    it('delivers logs', async () => {
      receivers.sink.clear();
      const options = exporterOptions(transport, 'logs');
      const exporter = pick<GrpcLogs | ProtoLogs | JsonLogs>(
        transport,
        () => new GrpcLogs(options),
        () => new ProtoLogs(options),
        () => new JsonLogs(options),
      );
      const provider = new LoggerProvider({
        resource,
        processors: [new SimpleLogRecordProcessor({ exporter: exporter as never })],
      });
      const logger = provider.getLogger('log-lib', '0.1');
      const context = trace.setSpanContext(ROOT_CONTEXT, {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        traceFlags: TraceFlags.SAMPLED,
      });
      logger.emit({
        timestamp: [1_700_000_000, 5],
        observedTimestamp: [1_700_000_001, 6],
        severityNumber: SeverityNumber.WARN,
        severityText: 'WARN',
        body: 'connections: 10/10',
        attributes: { 'pool.size': 10, nested: { deep: { x: true } } },
        context,
      });
      logger.emit({
        timestamp: [1_700_000_000, 7],
        observedTimestamp: [1_700_000_001, 8],
        body: { b: [1, 'x'], a: 'y' },
      });
      await provider.forceFlush();
      await provider.shutdown();
      const rows = receivers.sink.logs.flatMap(logRows).sort((a, b) => Number(a.timeNs - b.timeNs));
      const stream = { service_name: 'cart', service_namespace: 'shop', service_instance_id: 'cart-1' };
      assert.deepEqual(rows, [
        {
          stream,
          timeNs: 1_700_000_000_000_000_005n,
          observedNs: 1_700_000_001_000_000_006n,
          body: 'connections: 10/10',
          severity: 13,
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          metadata: {
            pool_size: '10',
            nested_deep_x: 'true',
            observed_timestamp: '1700000001000000006',
            severity_number: '13',
            severity_text: 'WARN',
            flags: '1',
            trace_id: '0af7651916cd43dd8448eb211c80319c',
            span_id: 'b7ad6b7169203331',
            host_name: 'h1',
            scope_name: 'log-lib',
            scope_version: '0.1',
            detected_level: 'warn',
          },
        },
        {
          stream,
          timeNs: 1_700_000_000_000_000_007n,
          observedNs: 1_700_000_001_000_000_008n,
          body: '{"a":"y","b":[1,"x"]}',
          severity: 0,
          traceId: '',
          spanId: '',
          metadata: {
            observed_timestamp: '1700000001000000008',
            host_name: 'h1',
            scope_name: 'log-lib',
            scope_version: '0.1',
            detected_level: 'unknown',
          },
        },
      ]);
    });
  });
}

/** Records twice with every instrument, exports after each, and gives the last samples without their times. */
async function instruments(
  transport: Transport,
  temporalityPreference: AggregationTemporalityPreference,
  instance = 'cart-1',
): Promise<string[]> {
  const options = { ...exporterOptions(transport, 'metrics'), temporalityPreference };
  const exporter = pick<PushMetricExporter>(
    transport,
    () => new GrpcMetrics(options),
    () => new ProtoMetrics(options),
    () => new JsonMetrics(options),
  );
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({
    resource: resource.merge(resourceFromAttributes({ 'service.instance.id': instance })),
    readers: [reader],
    views: [{ instrumentName: 'request.size', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter('m', '1');
  const orders = meter.createCounter('orders', { description: 'orders placed' });
  const queue = meter.createUpDownCounter('queue.length', { unit: '{jobs}' });
  const temperature = meter.createGauge('cpu.temperature', { unit: 'Cel' });
  const duration = meter.createHistogram('request.duration', {
    unit: 's',
    description: 'how long',
    advice: { explicitBucketBoundaries: [0.1, 1] },
  });
  const size = meter.createHistogram('request.size', { unit: 'By' });
  meter.createObservableCounter('page.faults').addCallback((result) => result.observe(41));
  meter
    .createObservableUpDownCounter('memory.usage', { unit: 'By' })
    .addCallback((result) => result.observe(1024));
  meter
    .createObservableGauge('disk.usage', { unit: '1' })
    .addCallback((result) => result.observe(0.25, { disk: 'sda' }));
  for (let round = 0; round < 2; round++) {
    orders.add(2, { 'payment.method': 'card' });
    queue.add(3);
    queue.add(-1);
    temperature.record(40.5 + round);
    duration.record(0.05, { 'http.route': '/cart' });
    duration.record(0.5, { 'http.route': '/cart' });
    duration.record(7, { 'http.route': '/cart' });
    size.record(1);
    size.record(4);
    await provider.forceFlush();
  }
  await provider.shutdown();
  assert.deepEqual(receivers.bugs, []);
  const last = new Map<string, string>();
  for (const batch of receivers.sink.metrics) {
    for (const line of metricLines(batch)) {
      const match = /^(\S+\{.*?\}) (.*) @\d+$/.exec(line);
      assert.ok(match !== null, line);
      last.set(match[1] as string, match[2] as string);
    }
  }
  return [...last].map(([series, value]) => `${series} ${value}`).sort();
}

const IDENTITY = 'instance="cart-1", job="shop/cart"';
const NATIVE = {
  schema: 6, // 160 buckets over two powers of two
  count: 4,
  sum: 10,
  zeroThreshold: 1e-128,
  zeroCount: 0,
  positiveSpans: [
    { offset: 0, length: 1 },
    { offset: 127, length: 1 },
  ],
  positiveCounts: [2, 2],
  negativeSpans: [],
  negativeCounts: [],
  customValues: [],
  counterReset: 'unknown',
  isFloat: false,
};
const EXPECTED = [
  `orders_total{${IDENTITY}, payment_method="card"} 4`,
  `queue_length{${IDENTITY}} 4`,
  `cpu_temperature_celsius{${IDENTITY}} 41.5`,
  `request_duration_seconds_bucket{http_route="/cart", ${IDENTITY}, le="0.1"} 2`,
  `request_duration_seconds_bucket{http_route="/cart", ${IDENTITY}, le="1"} 4`,
  `request_duration_seconds_bucket{http_route="/cart", ${IDENTITY}, le="+Inf"} 6`,
  `request_duration_seconds_sum{http_route="/cart", ${IDENTITY}} 15.1`,
  `request_duration_seconds_count{http_route="/cart", ${IDENTITY}} 6`,
  `request_size_bytes{${IDENTITY}} ${JSON.stringify(NATIVE)}`,
  `page_faults_total{${IDENTITY}} 41`,
  `memory_usage_bytes{${IDENTITY}} 1024`,
  `disk_usage_ratio{disk="sda", ${IDENTITY}} 0.25`,
  `target_info{host_name="h1", ${IDENTITY}} 1`,
].sort();
