/** Builds MetricBatches: numbers distinct series, checks label sets against limits. Shared by all metric formats. */

import type { Exemplar, MetricBatch, MetricMetadata } from '../model/batch.ts';
import { Slots32, Slots64 } from '../model/column.ts';
import type { Histogram } from '../model/histogram.ts';
import { type Labels, METRIC_NAME } from '../model/labels.ts';

/** Limits on series. A series beyond them is refused with its samples. */
export interface SeriesLimits {
  readonly maxLabels: number;
  readonly maxLabelNameBytes: number;
  readonly maxLabelValueBytes: number;
  /** Buckets of one native histogram. */
  readonly maxHistogramBuckets: number;
}

export const DEFAULT_SERIES_LIMITS: SeriesLimits = {
  maxLabels: 128,
  maxLabelNameBytes: 1024,
  maxLabelValueBytes: 8192,
  maxHistogramBuckets: 4096,
};

/** Milliseconds beyond the year 9999 either way are refused: no clock is there. */
export const MAX_TIMESTAMP_MS = 253_402_300_799_999;

/** A series as decoders remember it across batches. */
export class KnownSeries {
  readonly labels: Labels;
  /** Whether no other object of the same decoder stands for these labels. */
  readonly unique: boolean;
  /** The batch (its serial number) in which `index` holds. */
  batch = 0;
  index = 0;
  #startedMs = Number.NaN;
  #startedTenant = '';

  constructor(labels: Labels, unique: boolean) {
    this.labels = labels;
    this.unique = unique;
  }

  /** Whether this start time is new for the tenant, so that a zero sample is due. */
  startsAt(startMs: number, tenant: string): boolean {
    if (this.#startedMs === startMs && this.#startedTenant === tenant) return false;
    this.#startedMs = startMs;
    this.#startedTenant = tenant;
    return true;
  }
}

/** One KnownSeries per label set, whichever way it was encoded, as long as there is room. */
export class SeriesRegister {
  readonly #maxSeries: number;
  readonly #byKey = new Map<string, KnownSeries>();

  constructor(maxSeries: number) {
    this.#maxSeries = maxSeries;
  }

  get(labels: Labels): KnownSeries {
    let known = this.#byKey.get(labels.key);
    if (known === undefined) {
      const room = this.#byKey.size < this.#maxSeries;
      known = new KnownSeries(labels, room);
      if (room) this.#byKey.set(labels.key, known);
    }
    return known;
  }

  /** Only together with every cache that holds its series. */
  clear(): void {
    this.#byKey.clear();
  }
}

let serials = 0;

/** Mutable batch under construction. */
export class MetricBatchBuilder implements MetricBatch {
  readonly tenant: string;
  readonly series: Labels[] = [];
  readonly seriesIndex = new Slots32();
  readonly timestampsMs = new Slots64();
  readonly values = new Slots64();
  readonly histograms: {
    series: number;
    timestampMs: number;
    stale: boolean;
    histogram: Histogram | null;
  }[] = [];
  readonly exemplars: { series: number; exemplar: Exemplar }[] = [];
  readonly metadata: MetricMetadata[] = [];
  /** Batches are told apart by number, so that what remembers one does not keep it alive. */
  readonly #serial = ++serials;
  /** Made when a series comes that may be known under another object. */
  #byKey: Map<string, number> | undefined;
  readonly #families = new Set<string>();

  constructor(tenant: string) {
    this.tenant = tenant;
  }

  /** The number of a series in this batch. */
  indexOf(known: KnownSeries): number {
    if (known.batch === this.#serial) return known.index;
    let index: number;
    if (known.unique && this.#byKey === undefined) {
      index = this.series.length;
      this.series.push(known.labels);
    } else {
      index = this.#indexOfLabels(known.labels);
    }
    known.batch = this.#serial;
    known.index = index;
    return index;
  }

  #indexOfLabels(labels: Labels): number {
    this.#byKey ??= new Map(this.series.map((one, index) => [one.key, index]));
    let index = this.#byKey.get(labels.key);
    if (index === undefined) {
      index = this.series.length;
      this.series.push(labels);
      this.#byKey.set(labels.key, index);
    }
    return index;
  }

  /** Appends a sample by its float64 bits. */
  pushBits(series: number, timestampMs: number, low: number, high: number): void {
    this.seriesIndex.push(series);
    this.timestampsMs.pushFloat(timestampMs);
    this.values.pushHalves(low, high);
  }

  pushValue(series: number, timestampMs: number, value: number): void {
    this.seriesIndex.push(series);
    this.timestampsMs.pushFloat(timestampMs);
    this.values.pushFloat(value);
  }

  /** Adds metadata; the first of a family is kept. */
  describe(metadata: MetricMetadata): void {
    if (this.#families.has(metadata.family)) return;
    this.#families.add(metadata.family);
    this.metadata.push(metadata);
  }
}

/** Why a label set cannot be a series, or undefined when it can. Names may be any UTF-8 (Prometheus 3). */
export function refuseLabels(labels: Labels, limits: SeriesLimits): string | undefined {
  if (labels.get(METRIC_NAME) === '') return 'series without a metric name';
  if (labels.size > limits.maxLabels) return `more than ${limits.maxLabels} labels (max-labels)`;
  for (let i = 0; i < labels.size; i++) {
    const name = labels.names[i] as string;
    const value = labels.values[i] as string;
    if (name === '') return 'empty label name';
    if (tooLong(name, limits.maxLabelNameBytes)) {
      return `label name of more than ${limits.maxLabelNameBytes} bytes (max-label-name-bytes)`;
    }
    if (tooLong(value, limits.maxLabelValueBytes)) {
      return `label value of more than ${limits.maxLabelValueBytes} bytes (max-label-value-bytes)`;
    }
  }
  return undefined;
}

function tooLong(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return false;
  return text.length > maxBytes || Buffer.byteLength(text) > maxBytes;
}
