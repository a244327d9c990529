/** Adds up what a range function wants of spans, per group and point, and turns it into series. */

import { LimitError } from '../../../model/errors.ts';
import type { SpanBucketGroup } from '../../../model/select-spans.ts';
import type { MetricsStage } from '../ast.ts';
import { known } from '../fields.ts';
import { printField } from '../print.ts';
import { kindStatic, type Static, staticKey, statusStatic, stringStatic, toNumber } from '../static.ts';
import { type Grid, pointIndex } from './grid.ts';
import { log2Bucket, quantile } from './log2.ts';
import {
  groupLabels,
  type MetricSeries,
  NAME_LABEL,
  type SeriesExemplar,
  type SeriesLabel,
} from './series.ts';

type RangeStage = Extract<MetricsStage, { kind: 'range' }>;

const NS_PER_SECOND = 1e9;
/** Groups that one query may make. */
export const MAX_SERIES = 20_000;

interface Candidate {
  readonly traceId: string;
  readonly startNs: bigint;
  /** NaN: the value of its series at that point. */
  readonly value: number;
}

interface Group {
  readonly by: readonly Static[];
  /** Spans that were measured, per point. */
  readonly counts: Float64Array;
  /** Sums, minima or maxima. */
  readonly values: Float64Array | undefined;
  readonly buckets: Map<number, Float64Array> | undefined;
  readonly exemplars: (Candidate | undefined)[];
}

/** The value as what Tempo shows: durations in seconds. */
function measured(value: Static): number | undefined {
  const number = toNumber(value);
  if (number === undefined) return undefined;
  return value.type === 'duration' ? number / NS_PER_SECOND : number;
}

/** What is wanted of every span of a query. */
export class Accumulator {
  readonly #stage: RangeStage;
  readonly #grid: Grid;
  readonly #index: (timeNs: bigint) => number;
  readonly #groups = new Map<string, Group>();
  readonly #wantsExemplars: boolean;

  constructor(stage: RangeStage, grid: Grid, wantsExemplars: boolean) {
    this.#stage = stage;
    this.#grid = grid;
    this.#index = pointIndex(grid);
    this.#wantsExemplars = wantsExemplars;
  }

  #group(by: readonly Static[]): Group {
    const key = by.length === 1 ? staticKey(by[0] as Static) : by.map(staticKey).join('\u0001');
    let group = this.#groups.get(key);
    if (group === undefined) {
      if (this.#groups.size >= MAX_SERIES) {
        throw new LimitError(
          'traceql.max-series',
          `the query makes more than ${MAX_SERIES} series; group by less`,
        );
      }
      const { func } = this.#stage;
      const { points } = this.#grid;
      const bucketed = func === 'quantile_over_time' || func === 'histogram_over_time';
      group = {
        by,
        counts: new Float64Array(points),
        values:
          func === 'rate' || func === 'count_over_time' || bucketed ? undefined : new Float64Array(points),
        buckets: bucketed ? new Map() : undefined,
        exemplars: [],
      };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Adds a span. `value` is of the field that the function looks at (nil when it has none). */
  add(startNs: bigint, traceId: string, by: readonly Static[], value: Static): void {
    const index = this.#index(startNs);
    if (index < 0) return;
    const { func } = this.#stage;
    if (func === 'rate' || func === 'count_over_time') {
      const group = this.#group(by);
      group.counts[index] = (group.counts[index] as number) + 1;
      this.#exemplar(group, index, traceId, startNs, Number.NaN);
      return;
    }
    const number = measured(value);
    if (number === undefined) return;
    if (func === 'quantile_over_time' || func === 'histogram_over_time') {
      const bucket = log2Bucket(value);
      if (bucket === undefined) return;
      const group = this.#group(by);
      const counts = bucketCounts(group, bucket, this.#grid.points);
      counts[index] = (counts[index] as number) + 1;
      this.#exemplar(group, index, traceId, startNs, number);
      return;
    }
    const group = this.#group(by);
    const values = group.values as Float64Array;
    const before = values[index] as number;
    const seen = group.counts[index] as number;
    group.counts[index] = seen + 1;
    values[index] = seen === 0 ? number : this.#join(before, number);
    this.#exemplar(group, index, traceId, startNs, number);
  }

  #join(a: number, b: number): number {
    const { func } = this.#stage;
    return func === 'min_over_time' ? Math.min(a, b) : func === 'max_over_time' ? Math.max(a, b) : a + b;
  }

  /** Keeps one exemplar per group and point. */
  #exemplar(group: Group, index: number, traceId: string, startNs: bigint, value: number): void {
    if (this.#wantsExemplars && group.exemplars[index] === undefined) {
      group.exemplars[index] = { traceId, startNs, value };
    }
  }

  /** Adds what storage has added up. Its numbers are divided by `divisor` (nanoseconds to seconds). */
  addGroup(from: SpanBucketGroup, divisor: number): void {
    const by = from.by.map((value, i): Static => {
      const field = this.#stage.by[i];
      if (field?.kind === 'intrinsic' && value?.type === 'int') {
        if (field.name === 'status') return statusStatic(Number(value.value));
        if (field.name === 'kind') return kindStatic(Number(value.value));
        if (field.name === 'duration') return { type: 'duration', value: value.value };
      }
      return known(value);
    });
    const group = this.#group(by);
    // Different values may be one for us: several groups of storage may go into one of ours.
    from.counts.forEach((count, point) => {
      if (count === 0) return;
      if (from.values !== undefined && group.values !== undefined) {
        const value = (from.values[point] as number) / divisor;
        const seen = group.counts[point] !== 0;
        group.values[point] = seen ? this.#join(group.values[point] as number, value) : value;
      }
      group.counts[point] = (group.counts[point] as number) + count;
    });
    for (const [bound, counts] of from.buckets ?? []) {
      const own = bucketCounts(group, bound / divisor, this.#grid.points);
      counts.forEach((count, point) => {
        own[point] = (own[point] as number) + count;
      });
    }
    for (const { traceId, startNs, value } of from.exemplars) {
      const index = this.#index(startNs);
      if (index < 0) continue;
      this.#exemplar(group, index, traceId, startNs, value === undefined ? Number.NaN : value / divisor);
    }
  }

  /** The series of the function, with at most `exemplars` exemplars over all. */
  finish(exemplars: number): MetricSeries[] {
    const { func, by } = this.#stage;
    const names = by.map(printField);
    const counting = func === 'rate' || func === 'count_over_time';
    // Counting nothing at all gives zero.
    if (counting && by.length === 0) this.#group([]);
    const total = [...this.#groups.values()].reduce(
      (sum, group) => sum + group.exemplars.filter(Boolean).length,
      0,
    );
    const every = Math.max(1, Math.ceil(total / Math.max(1, exemplars)));
    let seen = 0;
    const thinned = (group: Group): Candidate[] =>
      group.exemplars.filter((one): one is Candidate => one !== undefined && seen++ % every === 0);
    const series: MetricSeries[] = [];
    for (const group of this.#groups.values()) {
      const labels = groupLabels(names, group.by);
      const kept = exemplars > 0 ? thinned(group) : [];
      if (group.buckets !== undefined) {
        series.push(...this.#bucketSeries(labels, group.buckets, kept));
        continue;
      }
      const values = this.#values(group);
      const named = by.length === 0 ? [{ name: NAME_LABEL, value: stringStatic(func) }] : labels;
      series.push({ labels: named, values, exemplars: this.#place(kept, values) });
    }
    return series;
  }

  #values(group: Group): Float64Array {
    const seconds = Number(this.#grid.stepNs) / NS_PER_SECOND;
    switch (this.#stage.func) {
      case 'rate':
        return group.counts.map((count) => count / seconds);
      case 'count_over_time':
        return group.counts;
      case 'avg_over_time':
        return group.counts.map((count, i) =>
          count === 0 ? Number.NaN : (group.values?.[i] as number) / count,
        );
      default:
        return group.counts.map((count, i) => (count === 0 ? Number.NaN : (group.values?.[i] as number)));
    }
  }

  #bucketSeries(
    labels: SeriesLabel[],
    buckets: Map<number, Float64Array>,
    kept: Candidate[],
  ): MetricSeries[] {
    const bounds = [...buckets.keys()].sort((a, b) => a - b);
    if (this.#stage.func === 'histogram_over_time') {
      return bounds.map((bound) => {
        const values = buckets.get(bound) as Float64Array;
        const own = kept.filter(({ value }) => value <= bound && value > bound / 2);
        return {
          labels: [...labels, { name: '__bucket', value: { type: 'double', value: bound } }],
          values,
          exemplars: this.#place(own, values),
        };
      });
    }
    const counts = bounds.map((bound) => buckets.get(bound) as Float64Array);
    return this.#stage.quantiles.map((q, i) => {
      const values = new Float64Array(this.#grid.points);
      for (let point = 0; point < values.length; point++) {
        values[point] = quantile(
          q,
          bounds,
          counts.map((each) => each[point] as number),
        );
      }
      return {
        labels: [...labels, { name: 'p', value: { type: 'double', value: q } }],
        values,
        // Each exemplar goes to one of the quantiles: the least that is not below it.
        exemplars: this.#place(
          kept.filter((one) => this.#quantileOf(one, bounds, counts) === i),
          values,
        ),
      };
    });
  }

  #quantileOf(exemplar: Candidate, bounds: readonly number[], counts: readonly Float64Array[]): number {
    const point = this.#index(exemplar.startNs);
    const at = counts.map((each) => each[point] as number);
    const { quantiles } = this.#stage;
    let best = -1;
    quantiles.forEach((q, i) => {
      if (quantile(q, bounds, at) < exemplar.value) return;
      if (best < 0 || q < (quantiles[best] as number)) best = i;
    });
    return best < 0 ? quantiles.indexOf(Math.max(...quantiles)) : best;
  }

  #place(kept: readonly Candidate[], values: Float64Array): SeriesExemplar[] {
    return kept.map(({ traceId, startNs, value }) => {
      const own = Number.isNaN(value) ? (values[this.#index(startNs)] ?? 0) : value;
      return { traceId, timestampMs: Number(startNs / 1_000_000n), value: own };
    });
  }
}

function bucketCounts(group: Group, bucket: number, points: number): Float64Array {
  let counts = group.buckets?.get(bucket);
  if (counts === undefined) {
    counts = new Float64Array(points);
    group.buckets?.set(bucket, counts);
  }
  return counts;
}
