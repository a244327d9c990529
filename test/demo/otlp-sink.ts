/**
 * A receiver of OTLP/HTTP JSON for the demo's tests: takes what SDK exporters send and keeps it flat.
 * It is a witness, not a backend; it checks nothing by itself.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Attributes = Record<string, unknown>;

export interface SeenSpan {
  service: string;
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startNs: bigint;
  endNs: bigint;
  status: number;
  attributes: Attributes;
  links: { traceId: string; spanId: string }[];
}

export interface SeenLog {
  service: string;
  severity: string;
  severityNumber: number;
  body: string;
  traceId: string;
  spanId: string;
  attributes: Attributes;
}

export interface SeenPoint {
  service: string;
  metric: string;
  unit: string;
  type: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary';
  /** 1 delta, 2 cumulative, undefined for gauges. */
  temporality: number | undefined;
  monotonic: boolean | undefined;
  value: number;
  attributes: Attributes;
  exemplars: number;
}

interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  arrayValue?: { values?: AnyValue[] };
}

interface KeyValue {
  key: string;
  value: AnyValue;
}

function plain(value: AnyValue): unknown {
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(plain);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue;
}

function flat(attributes: KeyValue[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

/* biome-ignore lint/suspicious/noExplicitAny: OTLP/JSON as it comes */
type Json = any;

export class OtlpSink {
  readonly spans: SeenSpan[] = [];
  readonly logs: SeenLog[] = [];
  readonly points: SeenPoint[] = [];
  readonly resources = new Map<string, Attributes>();
  readonly #server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json;
      if (message.url === '/v1/traces') this.#takeTraces(body);
      else if (message.url === '/v1/logs') this.#takeLogs(body);
      else if (message.url === '/v1/metrics') this.#takeMetrics(body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });

  static open(): Promise<OtlpSink> {
    const sink = new OtlpSink();
    return new Promise((resolve) => sink.#server.listen(0, '127.0.0.1', () => resolve(sink)));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #service(resource: Json): string {
    const attributes = flat(resource?.attributes);
    const service = String(attributes['service.name']);
    this.resources.set(service, attributes);
    return service;
  }

  #takeTraces(body: Json): void {
    for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
      const service = this.#service(resource);
      for (const span of scopeSpans.flatMap((scope: Json) => scope.spans)) {
        this.spans.push({
          service,
          name: span.name,
          kind: span.kind,
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId ?? '',
          startNs: BigInt(span.startTimeUnixNano),
          endNs: BigInt(span.endTimeUnixNano),
          status: span.status?.code ?? 0,
          attributes: flat(span.attributes),
          links: span.links ?? [],
        });
      }
    }
  }

  #takeLogs(body: Json): void {
    for (const { resource, scopeLogs } of body.resourceLogs ?? []) {
      const service = this.#service(resource);
      for (const record of scopeLogs.flatMap((scope: Json) => scope.logRecords)) {
        this.logs.push({
          service,
          severity: record.severityText,
          severityNumber: record.severityNumber,
          body: String(plain(record.body)),
          traceId: record.traceId ?? '',
          spanId: record.spanId ?? '',
          attributes: flat(record.attributes),
        });
      }
    }
  }

  #takeMetrics(body: Json): void {
    for (const { resource, scopeMetrics } of body.resourceMetrics ?? []) {
      const service = this.#service(resource);
      for (const metric of scopeMetrics.flatMap((scope: Json) => scope.metrics)) {
        for (const type of ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'] as const) {
          const data = metric[type];
          if (!data) continue;
          for (const point of data.dataPoints) {
            this.points.push({
              service,
              metric: metric.name,
              unit: metric.unit ?? '',
              type,
              temporality: data.aggregationTemporality,
              monotonic: data.isMonotonic,
              value: Number(point.asDouble ?? point.asInt ?? point.count),
              attributes: flat(point.attributes),
              exemplars: point.exemplars?.length ?? 0,
            });
          }
        }
      }
    }
  }
}
