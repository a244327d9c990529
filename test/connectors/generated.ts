/** Runs spans through a metrics generator under a clock of the test's, and tells what it wrote. */

import { MetricsGenerator } from '../../src/collector/connectors/metrics-generator.ts';
import { DEFAULT_GENERATOR, type GeneratorOptions } from '../../src/collector/connectors/options.ts';
import { OtlpReceiver } from '../../src/collector/receivers/otlp.ts';
import type { MetricBatch } from '../../src/model/batch.ts';
import type { Labels } from '../../src/model/labels.ts';
import { isStaleBits } from '../../src/model/stale.ts';
import { MemorySink, seriesText } from '../collector/memory-sink.ts';
import { post } from '../collector/requests.ts';

/** When the clock of a test starts: any time will do. */
export const START_MS = 1_790_000_000_000;

export type Attributes = Record<string, string | number | boolean | { int: number } | string[]>;

export interface TestSpan {
  readonly service?: string;
  readonly resource?: Attributes;
  readonly trace?: number;
  readonly id?: number;
  readonly parent?: number;
  readonly name?: string;
  readonly kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  /** Start, against the clock. */
  readonly startMs?: number;
  readonly durationMs?: number;
  readonly status?: 'unset' | 'ok' | 'error';
  readonly message?: string;
  readonly attributes?: Attributes;
}

const KINDS = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };
const CODES = { unset: 0, ok: 1, error: 2 };

function anyValue(value: Attributes[string]): unknown {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { doubleValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  return { intValue: String(value.int) };
}

function keyValues(attributes: Attributes): unknown {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

export class Generated {
  nowMs = START_MS;
  readonly sink = new MemorySink();
  readonly errors: unknown[] = [];
  readonly generator: MetricsGenerator;
  readonly #routes;

  constructor(options: Partial<GeneratorOptions> = {}) {
    const now = () => this.nowMs;
    this.generator = new MetricsGenerator(
      this.sink,
      { ...DEFAULT_GENERATOR, ...options },
      { now, onError: (_, error) => this.errors.push(error) },
    );
    this.#routes = new OtlpReceiver({ sink: this.generator, now }).dialect.routes;
  }

  /** Posts an OTLP/JSON request. */
  async post(body: string, tenant = 'anonymous'): Promise<void> {
    const answer = await post(
      this.#routes,
      '/v1/traces',
      body,
      { 'content-type': 'application/json' },
      tenant,
    );
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  }

  async push(spans: readonly TestSpan[], tenant = 'anonymous'): Promise<void> {
    const resourceSpans = spans.map((span, i) => {
      const start = BigInt(this.nowMs + (span.startMs ?? -1000)) * 1_000_000n;
      const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
      const service: Attributes = span.service === undefined ? {} : { 'service.name': span.service };
      return {
        resource: { attributes: keyValues({ ...service, ...span.resource }) },
        scopeSpans: [
          {
            spans: [
              {
                traceId: hex(span.trace ?? 1, 32),
                spanId: hex(span.id ?? 1000 + i, 16),
                ...(span.parent === undefined ? {} : { parentSpanId: hex(span.parent, 16) }),
                name: span.name ?? 'op',
                kind: KINDS[span.kind ?? 'internal'],
                startTimeUnixNano: String(start),
                endTimeUnixNano: String(start + BigInt(Math.round((span.durationMs ?? 1) * 1e6))),
                status: { code: CODES[span.status ?? 'unset'], message: span.message ?? '' },
                attributes: keyValues(span.attributes ?? {}),
              },
            ],
          },
        ],
      };
    });
    await this.post(JSON.stringify({ resourceSpans }), tenant);
  }

  /** Lets time pass and collects. Gives what was written. */
  async collect(afterMs = 15_000): Promise<MetricBatch[]> {
    this.nowMs += afterMs;
    this.sink.metrics.length = 0;
    await this.generator.collect();
    return [...this.sink.metrics];
  }

  /** The last value of every series, as `name{labels} value`, of series whose name has `part`, sorted. */
  async values(part: string, afterMs = 15_000): Promise<string[]> {
    return lastValues(await this.collect(afterMs)).filter((line) => line.startsWith(part));
  }
}

export function lastValues(batches: readonly MetricBatch[]): string[] {
  const values = new Map<string, string>();
  for (const batch of batches) {
    for (let row = 0; row < batch.seriesIndex.length; row++) {
      const name = seriesText(batch.series[batch.seriesIndex.get(row)] as Labels);
      const stale = isStaleBits(batch.values.low(row), batch.values.high(row));
      values.set(name, stale ? 'stale' : String(Number(batch.values.float(row).toPrecision(12))));
    }
  }
  return [...values].map(([name, value]) => `${name} ${value}`).sort();
}
