/**
 * Classic histograms into native ones with custom buckets (`convert_classic_histograms_to_nhcb`): consecutive
 * _bucket, _sum and _count series of one label set become one histogram. Stands between a parser and its sink.
 */

import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../../model/histogram.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { goFloat } from './go-text.ts';
import type { ExposedExemplar, ExpositionSink, MetricType } from './sink.ts';

interface Group<S> {
  readonly series: S;
  readonly bounds: number[];
  readonly counts: number[];
  sum: number;
  count: number | undefined;
  timestampMs: number;
  readonly exemplars: ExposedExemplar[];
}

/** What the parser remembers for a series: the inner series and, for parts of a histogram, their role. */
export interface NhcbSeries<S> {
  /** Undefined when only the histogram is wanted. */
  readonly plain: S | undefined;
  readonly group: Group<S> | undefined;
  readonly role: 'bucket' | 'sum' | 'count' | 'plain';
  readonly bound: number;
}

const SUFFIX = /^(.+)_(bucket|sum|count)$/s;

export class NhcbSink<S> implements ExpositionSink<NhcbSeries<S>> {
  readonly #inner: ExpositionSink<S>;
  readonly #keepClassic: boolean;
  /** Groups by labels without `le`; kept by the caller for as long as the parser's memory. */
  readonly #groups: Map<string, Group<S>>;
  #open: Group<S> | undefined;

  constructor(inner: ExpositionSink<S>, keepClassic: boolean, groups: Map<string, unknown>) {
    this.#inner = inner;
    this.#keepClassic = keepClassic;
    this.#groups = groups as Map<string, Group<S>>;
  }

  series(names: readonly string[], values: readonly string[], type: MetricType): NhcbSeries<S> {
    const part = type === 'histogram' ? SUFFIX.exec(values[0] as string) : null;
    const role = part?.[2] as 'bucket' | 'sum' | 'count' | undefined;
    const le = names.indexOf('le');
    const bound = le > 0 ? goFloat(values[le] as string) : undefined;
    if (part === null || role === undefined || (role === 'bucket') !== (bound !== undefined)) {
      return { plain: this.#inner.series(names, values, type), group: undefined, role: 'plain', bound: 0 };
    }
    const groupNames = names.filter((_, i) => i !== le);
    const groupValues = values.filter((_, i) => i !== le);
    groupValues[groupNames.indexOf(METRIC_NAME)] = part[1] as string;
    const key = JSON.stringify(groupNames.map((name, i) => [name, groupValues[i]]).sort());
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = {
        series: this.#inner.series(groupNames, groupValues, type),
        bounds: [],
        counts: [],
        sum: 0,
        count: undefined,
        timestampMs: Number.NaN,
        exemplars: [],
      };
      this.#groups.set(key, group);
    }
    const plain = this.#keepClassic ? this.#inner.series(names, values, type) : undefined;
    return { plain, group, role, bound: bound ?? 0 };
  }

  sample({ plain, group, role, bound }: NhcbSeries<S>, value: number, timestampMs: number): void {
    if (plain !== undefined) this.#inner.sample(plain, value, timestampMs);
    if (group !== this.#open) this.flush();
    if (group === undefined) return;
    this.#open = group;
    group.timestampMs = timestampMs;
    if (role === 'sum') group.sum = value;
    else if (role === 'count') group.count = value;
    else {
      group.bounds.push(bound);
      group.counts.push(value);
    }
  }

  histogram(series: NhcbSeries<S>, histogram: Histogram, timestampMs: number): void {
    this.flush();
    this.#inner.histogram(series.plain as S, histogram, timestampMs);
  }

  exemplar(series: NhcbSeries<S>, exemplar: ExposedExemplar, ofHistogram: boolean): void {
    if (series.plain !== undefined) this.#inner.exemplar(series.plain, exemplar, ofHistogram);
    if (series.group !== undefined) series.group.exemplars.push(exemplar);
  }

  metadata(family: string, kind: 'type' | 'help' | 'unit', text: string): void {
    this.#inner.metadata(family, kind, text);
  }

  /** Hands over the histogram under construction. Call at the end of the page, too. */
  flush(): void {
    const group = this.#open;
    this.#open = undefined;
    if (group === undefined) return;
    const histogram = toHistogram(group);
    if (histogram !== undefined) {
      this.#inner.histogram(group.series, histogram, group.timestampMs);
      for (const exemplar of group.exemplars) this.#inner.exemplar(group.series, exemplar, true);
    }
    group.bounds.length = 0;
    group.counts.length = 0;
    group.exemplars.length = 0;
    group.sum = 0;
    group.count = undefined;
  }
}

/** Undefined when the buckets make no histogram (counts that fall, bounds that are not numbers). */
function toHistogram({ bounds, counts, sum, count }: Group<unknown>): Histogram | undefined {
  const order = bounds.map((_, i) => i).sort((a, b) => (bounds[a] as number) - (bounds[b] as number));
  const customValues: number[] = [];
  const positiveCounts: number[] = [];
  let below = 0;
  let last = Number.NEGATIVE_INFINITY;
  let total = count;
  for (const i of order) {
    const bound = bounds[i] as number;
    const cumulative = counts[i] as number;
    if (Number.isNaN(bound) || !(cumulative >= below) || !(bound > last)) return undefined;
    last = bound;
    if (bound === Number.POSITIVE_INFINITY) {
      total ??= cumulative;
      continue;
    }
    customValues.push(bound);
    positiveCounts.push(cumulative - below);
    below = cumulative;
  }
  total ??= below;
  if (!(total >= below)) return undefined;
  positiveCounts.push(total - below);
  const isFloat = positiveCounts.some((bucket) => !Number.isInteger(bucket));
  return {
    schema: CUSTOM_BUCKETS_SCHEMA,
    count: total,
    sum,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: positiveCounts.length }],
    positiveCounts,
    negativeSpans: [],
    negativeCounts: [],
    customValues,
    counterReset: 'unknown',
    isFloat,
  };
}
