/** The points of OTLP metrics into series of a batch: one method per kind of point. Used by metrics.ts only. */

import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../../model/histogram.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/stale.ts';
import { refuseHistogram } from '../histogram-check.ts';
import { type SparseBuckets, toSpans } from '../histogram-resolution.ts';
import type { KnownSeries, MetricBatchBuilder } from '../metric-batch.ts';
import type { ProtobufReader } from '../protobuf.ts';
import type { Rejected } from '../rejected.ts';
import { doubleOf } from './any-value.ts';
import type { DeltaJournal, ExplicitTotal, ExponentialTotal } from './delta.ts';
import { readBuckets } from './metric-buckets.ts';
import { ExemplarReader, millisecondsOf } from './metric-exemplars.ts';
import { PointKey } from './metric-key.ts';
import { decimalText, type Pair } from './metric-labels.ts';
import {
  DELTA,
  type MetricContext,
  type MetricMemory,
  type PointKind,
  type PointSeries,
} from './metric-memory.ts';

const NO_RECORDED_VALUE = 1;
/** Prometheus's zero threshold for histograms that name none. */
const DEFAULT_ZERO_THRESHOLD = 1e-128;
const MIN_SCALE = -4;
const MAX_SCALE = 8;

export class PointWriter {
  readonly #memory: MetricMemory;
  readonly #reader: ProtobufReader;
  readonly #batch: MetricBatchBuilder;
  readonly #rejected: Rejected;
  readonly #journal: DeltaJournal;
  readonly #maxTimestampMs: number;
  readonly #exemplars: ExemplarReader;
  #context!: MetricContext;
  #delta = false;
  readonly #key = new PointKey();
  /** Fields that all points have. */
  #startMs = 0;
  #timestampMs = 0;
  #tooLate = false;
  #flags = 0;
  points = 0;
  /** Times of the points of the present resource. */
  earliestMs = Number.POSITIVE_INFINITY;
  latestMs = Number.NEGATIVE_INFINITY;

  constructor(
    memory: MetricMemory,
    reader: ProtobufReader,
    batch: MetricBatchBuilder,
    rejected: Rejected,
    journal: DeltaJournal,
    maxTimestampMs: number,
  ) {
    this.#memory = memory;
    this.#reader = reader;
    this.#batch = batch;
    this.#rejected = rejected;
    this.#journal = journal;
    this.#maxTimestampMs = maxTimestampMs;
    this.#exemplars = new ExemplarReader(reader);
  }

  startResource(): void {
    this.earliestMs = Number.POSITIVE_INFINITY;
    this.latestMs = Number.NEGATIVE_INFINITY;
  }

  startMetric(context: MetricContext, temporality: number): void {
    this.#context = context;
    this.#delta = temporality === DELTA;
  }

  /** Reads the point that ends at `end` and appends what becomes of it. */
  point(kind: PointKind, end: number): void {
    this.#key.start(this.#context);
    this.#startMs = 0;
    this.#timestampMs = 0;
    this.#tooLate = false;
    this.#flags = 0;
    this.#exemplars.start();
    const refused =
      kind === 'histogram'
        ? this.#histogram(end)
        : kind === 'exponential'
          ? this.#exponential(end)
          : kind === 'summary'
            ? this.#summary(end)
            : this.#number(end);
    if (refused !== undefined) {
      this.#rejected.add(refused, 1, this.#context.family);
      return;
    }
    this.points++;
    if (this.#timestampMs < this.earliestMs) this.earliestMs = this.#timestampMs;
    if (this.#timestampMs > this.latestMs) this.latestMs = this.#timestampMs;
  }

  #time(): number {
    const reader = this.#reader;
    reader.fixed64();
    if (reader.high >>> 31 !== 0) this.#tooLate = true;
    return millisecondsOf(reader.low, reader.high);
  }

  /** Why a point with these times and attributes is refused, or its series. */
  #series(): PointSeries | string {
    if (this.#tooLate) return 'time beyond the year 2262';
    if (this.#timestampMs === 0) return 'point without a time';
    if (this.#timestampMs > this.#maxTimestampMs) return 'timestamp too far in the future';
    const series = this.#key.series(this.#memory, this.#context);
    return series.refused ?? series;
  }

  #get(series: PointSeries, suffix: string, extra?: Pair): KnownSeries | string {
    return series.get(this.#context.family + suffix, this.#memory.options.limits, extra);
  }

  get #stale(): boolean {
    return (this.#flags & NO_RECORDED_VALUE) !== 0;
  }

  /** A name for the point's running total. */
  #deltaKey(series: PointSeries): string | undefined {
    const known = series.get(this.#context.family, this.#memory.options.limits);
    return typeof known === 'string' ? undefined : `${this.#context.tenant}\u0000${known.labels.key}`;
  }

  /** Appends a value, or a stale marker, with a zero at the start where that is wanted. */
  #push(known: KnownSeries, low: number, high: number, startMs: number): void {
    const index = this.#batch.indexOf(known);
    if (this.#stale) {
      this.#batch.pushBits(index, this.#timestampMs, STALE_LOW, STALE_HIGH);
      return;
    }
    if (this.#starts(known, startMs)) this.#batch.pushValue(index, startMs, 0);
    this.#batch.pushBits(index, this.#timestampMs, low, high);
  }

  #pushNumber(known: KnownSeries, value: number, startMs: number): void {
    scratchFloat[0] = value;
    this.#push(known, scratchBits[0] as number, scratchBits[1] as number, startMs);
  }

  #starts(known: KnownSeries, startMs: number): boolean {
    if (!this.#memory.options.createdTimestampZeroSamples) return false;
    return startMs !== 0 && startMs < this.#timestampMs && known.startsAt(startMs, this.#context.tenant);
  }

  /** NumberDataPoint: start = 2, time = 3, as_double = 4, exemplars = 5, as_int = 6, attributes = 7, flags = 8. */
  #number(end: number): string | undefined {
    const reader = this.#reader;
    let low = 0;
    let high = 0;
    let hasValue = false;
    while (reader.pos < end) {
      const at = reader.pos;
      const tag = reader.tag();
      switch (tag) {
        case 17:
          this.#startMs = this.#time();
          break;
        case 25:
          this.#timestampMs = this.#time();
          break;
        case 33:
          reader.fixed64();
          low = reader.low;
          high = reader.high;
          hasValue = true;
          break;
        case 49:
          scratchFloat[0] = reader.sfixed64Number();
          low = scratchBits[0] as number;
          high = scratchBits[1] as number;
          hasValue = true;
          break;
        case 42:
          this.#exemplars.note(at, tag);
          break;
        case 58:
          this.#key.attribute(reader, at, end);
          break;
        case 64:
          this.#flags = reader.varint32();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const series = this.#series();
    if (typeof series === 'string') return series;
    if (!hasValue && !this.#stale) return 'point without a value';
    const known = this.#get(series, '');
    if (typeof known === 'string') return known;
    let startMs = this.#startMs;
    if (this.#delta && !this.#stale) {
      const total = this.#memory.deltas.add(
        this.#deltaKey(series) as string,
        startMs,
        this.#timestampMs,
        { kind: 'number', value: doubleOf(low, high) },
        this.#journal,
      );
      if (typeof total === 'string') return total;
      startMs = total.startMs;
      this.#pushNumber(known, total.total.value, startMs);
    } else this.#push(known, low, high, startMs);
    for (const exemplar of this.#exemplars.read(this.#timestampMs)) {
      this.#batch.exemplars.push({ series: this.#batch.indexOf(known), exemplar });
    }
    return undefined;
  }

  /**
   * HistogramDataPoint: start = 2, time = 3, count = 4, sum = 5, bucket_counts = 6, explicit_bounds = 7, exemplars = 8,
   * attributes = 9, flags = 10.
   */
  #histogram(end: number): string | undefined {
    const reader = this.#reader;
    let count = 0;
    let sum = 0;
    let hasSum = false;
    let counts: number[] = [];
    let bounds: number[] = [];
    while (reader.pos < end) {
      const at = reader.pos;
      const tag = reader.tag();
      switch (tag) {
        case 17:
          this.#startMs = this.#time();
          break;
        case 25:
          this.#timestampMs = this.#time();
          break;
        case 33:
          count = reader.fixed64Number();
          break;
        case 41:
          sum = reader.double();
          hasSum = true;
          break;
        case 49:
          counts.push(reader.fixed64Number());
          break;
        case 50: {
          const packedEnd = reader.enter(end);
          while (reader.pos < packedEnd) counts.push(reader.fixed64Number());
          reader.leave(packedEnd);
          break;
        }
        case 57:
          bounds.push(reader.double());
          break;
        case 58: {
          const packedEnd = reader.enter(end);
          while (reader.pos < packedEnd) bounds.push(reader.double());
          reader.leave(packedEnd);
          break;
        }
        case 66:
          this.#exemplars.note(at, tag);
          break;
        case 74:
          this.#key.attribute(reader, at, end);
          break;
        case 80:
          this.#flags = reader.varint32();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const series = this.#series();
    if (typeof series === 'string') return series;
    const { limits, convertHistogramsToNhcb } = this.#memory.options;
    if (counts.length > limits.maxHistogramBuckets || bounds.length > limits.maxHistogramBuckets) {
      return `histogram of more than ${limits.maxHistogramBuckets} buckets (max-histogram-buckets)`;
    }
    if (bounds.at(-1) === Infinity) {
      // The last bucket is +Inf's anyway.
      bounds = bounds.slice(0, -1);
      if (counts.length === bounds.length + 2) {
        counts = [...counts.slice(0, -2), (counts.at(-2) as number) + (counts.at(-1) as number)];
      }
    }
    for (let i = 1; i < bounds.length; i++) {
      if (!((bounds[i] as number) > (bounds[i - 1] as number))) return 'explicit_bounds must be ascending';
    }
    let startMs = this.#startMs;
    if (this.#delta && !this.#stale) {
      const key = this.#deltaKey(series);
      if (key === undefined) return this.#get(series, '') as string;
      const point: ExplicitTotal = { kind: 'explicit', bounds, counts, count, sum, hasSum };
      const total = this.#memory.deltas.add(key, startMs, this.#timestampMs, point, this.#journal);
      if (typeof total === 'string') return total;
      startMs = total.startMs;
      ({ counts, count, sum, hasSum } = total.total);
    }
    if (convertHistogramsToNhcb) return this.#customBuckets(series, bounds, counts, count, sum, startMs);

    const buckets = this.#bucketSeries(series, bounds);
    if (typeof buckets === 'string') return buckets;
    const n = bounds.length;
    if (hasSum) this.#pushNumber(buckets[n + 2] as KnownSeries, sum, startMs);
    this.#pushNumber(buckets[n + 1] as KnownSeries, count, startMs);
    let cumulative = 0;
    for (let i = 0; i < n && i < counts.length; i++) {
      cumulative += counts[i] as number;
      this.#pushNumber(buckets[i] as KnownSeries, cumulative, startMs);
    }
    this.#pushNumber(buckets[n] as KnownSeries, count, startMs);
    for (const exemplar of this.#exemplars.read(this.#timestampMs)) {
      let bucket = 0;
      while (bucket < n && exemplar.value > (bounds[bucket] as number)) bucket++;
      this.#batch.exemplars.push({ series: this.#batch.indexOf(buckets[bucket] as KnownSeries), exemplar });
    }
    return undefined;
  }

  /** Series of the buckets with these bounds, of +Inf, _count and _sum. */
  #bucketSeries(series: PointSeries, bounds: readonly number[]): KnownSeries[] | string {
    const known = series.bounds;
    let same = series.bucketSeries.length > 0 && known.length === bounds.length;
    for (let i = 0; same && i < bounds.length; i++) same = known[i] === bounds[i];
    if (same) return series.bucketSeries;
    const all = [
      ...bounds.map((bound) => this.#get(series, '_bucket', ['le', decimalText(bound)])),
      this.#get(series, '_bucket', ['le', '+Inf']),
      this.#get(series, '_count'),
      this.#get(series, '_sum'),
    ];
    const refused = all.find((one) => typeof one === 'string');
    if (typeof refused === 'string') return refused;
    series.bounds = bounds;
    series.bucketSeries = all as KnownSeries[];
    return series.bucketSeries;
  }

  #customBuckets(
    series: PointSeries,
    bounds: readonly number[],
    counts: readonly number[],
    count: number,
    sum: number,
    startMs: number,
  ): string | undefined {
    const known = this.#get(series, '');
    if (typeof known === 'string') return known;
    const buckets: SparseBuckets = new Map(counts.map((value, index) => [index, value]));
    const { spans, counts: present } = toSpans(buckets);
    return this.#native(known, startMs, {
      schema: CUSTOM_BUCKETS_SCHEMA,
      count,
      sum,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpans: spans,
      positiveCounts: present,
      negativeSpans: [],
      negativeCounts: [],
      customValues: bounds,
      counterReset: 'unknown',
      isFloat: false,
    });
  }

  /** Appends a native histogram and the point's exemplars. */
  #native(known: KnownSeries, startMs: number, histogram: Histogram): string | undefined {
    const refused = this.#stale
      ? undefined
      : refuseHistogram(histogram, this.#memory.options.limits.maxHistogramBuckets);
    if (refused !== undefined) return refused;
    const series = this.#batch.indexOf(known);
    const { histograms, exemplars } = this.#batch;
    if (this.#stale) {
      histograms.push({ series, timestampMs: this.#timestampMs, stale: true, histogram: null });
    } else {
      if (this.#starts(known, startMs)) {
        const empty = {
          count: 0,
          sum: 0,
          zeroCount: 0,
          positiveSpans: [],
          positiveCounts: [],
          negativeSpans: [],
          negativeCounts: [],
        };
        histograms.push({
          series,
          timestampMs: startMs,
          stale: false,
          histogram: { ...histogram, ...empty },
        });
      }
      histograms.push({ series, timestampMs: this.#timestampMs, stale: false, histogram });
    }
    for (const exemplar of this.#exemplars.read(this.#timestampMs)) exemplars.push({ series, exemplar });
    return undefined;
  }

  /**
   * ExponentialHistogramDataPoint: attributes = 1, start = 2, time = 3, count = 4, sum = 5, scale = 6, zero_count = 7,
   * positive = 8, negative = 9, flags = 10, exemplars = 11, zero_threshold = 14.
   */
  #exponential(end: number): string | undefined {
    const reader = this.#reader;
    let count = 0;
    let sum = 0;
    let scale = 0;
    let zeroCount = 0;
    let zeroThreshold = 0;
    let positiveStart = 0;
    let positiveEnd = 0;
    let negativeStart = 0;
    let negativeEnd = 0;
    while (reader.pos < end) {
      const at = reader.pos;
      const tag = reader.tag();
      switch (tag) {
        case 10:
          this.#key.attribute(reader, at, end);
          break;
        case 17:
          this.#startMs = this.#time();
          break;
        case 25:
          this.#timestampMs = this.#time();
          break;
        case 33:
          count = reader.fixed64Number();
          break;
        case 41:
          sum = reader.double();
          break;
        case 48:
          scale = reader.sint32();
          break;
        case 57:
          zeroCount = reader.fixed64Number();
          break;
        case 66:
          positiveEnd = reader.enter(end);
          positiveStart = reader.pos;
          reader.pos = positiveEnd;
          break;
        case 74:
          negativeEnd = reader.enter(end);
          negativeStart = reader.pos;
          reader.pos = negativeEnd;
          break;
        case 80:
          this.#flags = reader.varint32();
          break;
        case 90:
          this.#exemplars.note(at, tag);
          break;
        case 113:
          zeroThreshold = reader.double();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const series = this.#series();
    if (typeof series === 'string') return series;
    const known = this.#get(series, '');
    if (typeof known === 'string') return known;
    if (scale < MIN_SCALE) return `exponential histogram with a scale below ${MIN_SCALE}`;
    const levels = Math.max(0, scale - MAX_SCALE);
    const maxBuckets = this.#memory.options.limits.maxHistogramBuckets;
    const positive = readBuckets(reader, positiveStart, positiveEnd, levels, maxBuckets);
    const negative = readBuckets(reader, negativeStart, negativeEnd, levels, maxBuckets);
    if (positive === undefined || negative === undefined) {
      return `histogram of more than ${maxBuckets} buckets (max-histogram-buckets)`;
    }
    let total: ExponentialTotal = {
      kind: 'exponential',
      scale: scale - levels,
      zeroThreshold: zeroThreshold > 0 ? zeroThreshold : DEFAULT_ZERO_THRESHOLD,
      zeroCount,
      positive,
      negative,
      count,
      sum,
    };
    let startMs = this.#startMs;
    if (this.#delta && !this.#stale) {
      const added = this.#memory.deltas.add(
        this.#deltaKey(series) as string,
        startMs,
        this.#timestampMs,
        total,
        this.#journal,
      );
      if (typeof added === 'string') return added;
      startMs = added.startMs;
      total = added.total;
    }
    const upper = toSpans(total.positive);
    const lower = toSpans(total.negative);
    return this.#native(known, startMs, {
      schema: total.scale,
      count: total.count,
      sum: total.sum,
      zeroThreshold: total.zeroThreshold,
      zeroCount: total.zeroCount,
      positiveSpans: upper.spans,
      positiveCounts: upper.counts,
      negativeSpans: lower.spans,
      negativeCounts: lower.counts,
      customValues: [],
      counterReset: 'unknown',
      isFloat: false,
    });
  }

  /** SummaryDataPoint: start = 2, time = 3, count = 4, sum = 5, quantile_values = 6, attributes = 7, flags = 8. */
  #summary(end: number): string | undefined {
    const reader = this.#reader;
    let count = 0;
    let sum = 0;
    const quantiles: [number, number][] = [];
    while (reader.pos < end) {
      const at = reader.pos;
      switch (reader.tag()) {
        case 17:
          this.#startMs = this.#time();
          break;
        case 25:
          this.#timestampMs = this.#time();
          break;
        case 33:
          count = reader.fixed64Number();
          break;
        case 41:
          sum = reader.double();
          break;
        case 50: {
          const valueEnd = reader.enter(end);
          let quantile = 0;
          let value = 0;
          while (reader.pos < valueEnd) {
            switch (reader.tag()) {
              case 9:
                quantile = reader.double();
                break;
              case 17:
                value = reader.double();
                break;
              default:
                reader.skip();
            }
          }
          reader.leave(valueEnd);
          quantiles.push([quantile, value]);
          break;
        }
        case 58:
          this.#key.attribute(reader, at, end);
          break;
        case 64:
          this.#flags = reader.varint32();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const series = this.#series();
    if (typeof series === 'string') return series;
    const maxBuckets = this.#memory.options.limits.maxHistogramBuckets;
    if (quantiles.length > maxBuckets)
      return `summary of more than ${maxBuckets} quantiles (max-histogram-buckets)`;
    const sumSeries = this.#get(series, '_sum');
    const countSeries = this.#get(series, '_count');
    if (typeof sumSeries === 'string') return sumSeries;
    if (typeof countSeries === 'string') return countSeries;
    this.#pushNumber(sumSeries, sum, this.#startMs);
    this.#pushNumber(countSeries, count, this.#startMs);
    for (const [quantile, value] of quantiles) {
      const known = this.#get(series, '', ['quantile', decimalText(quantile)]);
      if (typeof known === 'string') continue;
      // Quantiles are gauges: they have no start.
      this.#pushNumber(known, value, 0);
    }
    return undefined;
  }
}

const scratchBits = new Uint32Array(2);
const scratchFloat = new Float64Array(scratchBits.buffer);
