/**
 * Metrics from all spans, as Tempo's metrics-generator makes them: a sink that stands before the storage sink, counts
 * what was committed, and writes the series of each tenant whenever it is told to collect. The clock and the timer
 * are its owner's.
 */

import type { BatchSink, LogBatch, MetricBatch, SpanBatch } from '../../model/batch.ts';
import type { GeneratorOptions } from './options.ts';
import { SeriesStore } from './series-store.ts';
import { type EdgeCounts, ServiceGraph, serviceGraphSlots } from './service-graph.ts';
import { SpanMetrics, spanMetricsSlots } from './span-metrics.ts';
import { SpanReader, WantedKeys } from './span-reader.ts';

/** What one tenant's generator has done since the start. */
export interface TenantStatistics {
  readonly tenant: string;
  readonly received: number;
  /** Spans that were not counted, by reason. */
  readonly outsideSlack: number;
  readonly spanMetricsFiltered: number;
  readonly edges: Readonly<EdgeCounts> | undefined;
  readonly waitingEdges: number;
  readonly activeSeries: number;
  readonly seriesAdded: number;
  readonly seriesRemoved: number;
  readonly seriesLimited: number;
}

/** All state of one tenant. */
class TenantGenerator {
  readonly #options: GeneratorOptions;
  readonly #reader: SpanReader;
  readonly store: SeriesStore;
  readonly spanMetrics: SpanMetrics | undefined;
  readonly serviceGraph: ServiceGraph | undefined;
  received = 0;
  outsideSlack = 0;
  lastMs: number;

  constructor(options: GeneratorOptions, nowMs: number) {
    const { spanMetrics, serviceGraph } = options;
    const wanted = new WantedKeys();
    const metricsSlots = spanMetrics && spanMetricsSlots(spanMetrics, wanted);
    const graphSlots = serviceGraph && serviceGraphSlots(serviceGraph, wanted);
    this.#options = options;
    this.lastMs = nowMs;
    this.store = new SeriesStore(options, nowMs);
    this.#reader = new SpanReader({
      wanted,
      wholeResources: spanMetrics?.targetInfo === true,
      ratioSlots: [metricsSlots?.weight, graphSlots?.weight].filter((slot) => slot !== undefined),
    });
    this.spanMetrics =
      spanMetrics &&
      metricsSlots &&
      new SpanMetrics(spanMetrics, options, metricsSlots, this.#reader, this.store);
    this.serviceGraph =
      serviceGraph && graphSlots && new ServiceGraph(serviceGraph, graphSlots, this.#reader, this.store);
  }

  observe(batch: SpanBatch, nowMs: number): void {
    const { spanMetrics, serviceGraph } = this;
    const reader = this.#reader;
    const { startsNs, endsNs } = batch;
    const rows = batch.kinds.length;
    const firstMs = nowMs - this.#options.slackMs;
    const lastMs = nowMs + this.#options.slackMs;
    const withSize = spanMetrics?.withSize === true;
    this.lastMs = nowMs;
    this.received += rows;
    serviceGraph?.expire(nowMs);
    reader.open(batch);
    spanMetrics?.open(batch);
    serviceGraph?.open(batch);
    for (let row = 0; row < rows; row++) {
      const endHigh = endsNs.high(row);
      const endLow = endsNs.low(row);
      const endMs = (endHigh * 4294967296 + endLow) / 1e6;
      if (endMs < firstMs || endMs > lastMs) {
        this.outsideSlack++;
        continue;
      }
      // The difference is exact, although the times are beyond what a number can hold.
      const ns = (endHigh - startsNs.high(row)) * 4294967296 + (endLow - startsNs.low(row));
      const seconds = ns > 0 ? ns / 1e9 : 0;
      const resource = reader.resource(row);
      reader.span(row, withSize);
      spanMetrics?.count(batch, row, resource, seconds, nowMs);
      serviceGraph?.count(batch, row, resource, seconds, nowMs);
    }
    reader.close();
  }

  statistics(tenant: string): TenantStatistics {
    const { store } = this;
    return {
      tenant,
      received: this.received,
      outsideSlack: this.outsideSlack,
      spanMetricsFiltered: this.spanMetrics?.filtered ?? 0,
      edges: this.serviceGraph?.counts,
      waitingEdges: this.serviceGraph?.waiting ?? 0,
      activeSeries: store.active,
      seriesAdded: store.added,
      seriesRemoved: store.removed,
      seriesLimited: store.limited,
    };
  }
}

export interface GeneratorContext {
  readonly now: () => number;
  /** A write that failed, or a bug while counting; neither fails the push. */
  readonly onError: (what: 'collection' | 'spans', error: unknown) => void;
}

export class MetricsGenerator implements BatchSink {
  readonly #inner: BatchSink;
  readonly #options: GeneratorOptions;
  readonly #context: GeneratorContext;
  readonly #tenants = new Map<string, TenantGenerator>();
  #collecting: Promise<void> | undefined;
  /** Spans of tenants beyond the limit. */
  refusedSpans = 0;
  collections = 0;
  failedCollections = 0;

  constructor(inner: BatchSink, options: GeneratorOptions, context: GeneratorContext) {
    this.#inner = inner;
    this.#options = options;
    this.#context = context;
  }

  writeMetrics(batch: MetricBatch): Promise<void> {
    return this.#inner.writeMetrics(batch);
  }

  writeLogs(batch: LogBatch): Promise<void> {
    return this.#inner.writeLogs(batch);
  }

  /** Spans are counted once they are committed: what is sent again after a refusal is not counted twice. */
  async writeSpans(batch: SpanBatch): Promise<void> {
    await this.#inner.writeSpans(batch);
    try {
      this.#observe(batch);
    } catch (error) {
      this.#context.onError('spans', error);
    }
  }

  #observe(batch: SpanBatch): void {
    const nowMs = this.#context.now();
    let generator = this.#tenants.get(batch.tenant);
    if (generator === undefined) {
      if (this.#tenants.size >= this.#options.maxTenants) {
        this.refusedSpans += batch.kinds.length;
        return;
      }
      generator = new TenantGenerator(this.#options, nowMs);
      this.#tenants.set(batch.tenant, generator);
    }
    generator.observe(batch, nowMs);
  }

  /** Writes all series as they stand. A call while one is under way waits for that one. Never rejects. */
  collect(): Promise<void> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  async #collect(): Promise<void> {
    const nowMs = this.#context.now();
    for (const [tenant, generator] of this.#tenants) {
      generator.serviceGraph?.expire(nowMs);
      this.collections++;
      try {
        await generator.store.collect(tenant, nowMs, (batch) => this.#inner.writeMetrics(batch));
      } catch (error) {
        this.failedCollections++;
        this.#context.onError('collection', error);
      }
      const idleMs = nowMs - generator.lastMs;
      if (idleMs > this.#options.staleMs && generator.store.empty) this.#tenants.delete(tenant);
    }
  }

  statistics(): TenantStatistics[] {
    return [...this.#tenants].map(([tenant, generator]) => generator.statistics(tenant));
  }
}
