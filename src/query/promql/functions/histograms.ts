/** Functions on histograms, native and classic. */

import type { Histogram } from '../../../model/histogram.ts';
import type { Labels } from '../../../model/labels.ts';
import { parseGoFloat } from '../../syntax/numbers.ts';
import { allBuckets, usesCustomBuckets } from '../../vector/histogram/bounds.ts';
import {
  type ClassicBucket,
  classicFraction,
  classicQuantile,
  nativeFraction,
  nativeQuantile,
} from '../../vector/histogram/quantiles.ts';
import { KahanSum } from '../../vector/kahan.ts';
import { FLOAT, HISTOGRAM, newSeries, SeriesCollector, type StepSeries } from '../../vector/series.ts';
import {
  type Call,
  mapHistograms,
  resultLabels,
  scalarArg,
  type VectorFunction,
  vectorArg,
} from './function.ts';

/** Buckets of one classic histogram: the series with all labels but `le`. */
interface ClassicHistogram {
  readonly labels: Labels;
  readonly buckets: { readonly upper: number; readonly series: StepSeries }[];
}

const LE: ReadonlySet<string> = new Set(['le']);

/** Groups float series by their labels without `le`; tells about those whose `le` is no number. */
function classicHistograms(call: Call, argument: number): Map<string, ClassicHistogram> {
  const groups = new Map<string, ClassicHistogram>();
  const position = call.exprs[argument]?.range.start ?? 0;
  for (const series of vectorArg(call, argument)) {
    if (!series.kinds.includes(FLOAT)) continue;
    const le = series.labels.get('le');
    const upper = parseGoFloat(le);
    if (upper === undefined) {
      call.annotations.badBucket(series.labels.get('__name__'), le, position);
      continue;
    }
    const labels = series.labels.without(LE);
    const group = groups.get(labels.key);
    if (group === undefined) groups.set(labels.key, { labels, buckets: [{ upper, series }] });
    else group.buckets.push({ upper, series });
  }
  return groups;
}

/** Evaluates both kinds point by point; where both are present under the same labels there is no result. */
function bothKinds(
  call: Call,
  argument: number,
  native: (h: Histogram, point: number, metric: string) => number,
  classic: (buckets: ClassicBucket[], point: number, metric: string) => number,
): StepSeries[] {
  const { points } = call.grid;
  const input = vectorArg(call, argument);
  const groups = classicHistograms(call, argument);
  const position = call.exprs[argument]?.range.start ?? 0;
  const out = new SeriesCollector();
  const conflicts = new Map<string, Uint8Array>();
  for (const series of input) {
    if (series.histograms === undefined) continue;
    const labels = resultLabels(call, series.labels);
    const result = newSeries(labels, points);
    const rival = groups.get(series.labels.key);
    for (let i = 0; i < points; i++) {
      if (series.kinds[i] !== HISTOGRAM) continue;
      if (rival?.buckets.some((bucket) => bucket.series.kinds[i] === FLOAT)) {
        call.annotations.metric('mixed-classic-native', series.labels.get('__name__'), position);
        let mask = conflicts.get(series.labels.key);
        if (mask === undefined) {
          mask = new Uint8Array(points);
          conflicts.set(series.labels.key, mask);
        }
        mask[i] = 1;
        continue;
      }
      result.kinds[i] = FLOAT;
      result.values[i] = native(series.histograms[i] as Histogram, i, labels.get('__name__'));
    }
    out.add({ ...result, dropName: true });
  }
  for (const group of groups.values()) {
    const result = newSeries(resultLabels(call, group.labels), points);
    const metric = group.labels.get('__name__');
    const conflict = conflicts.get(group.labels.key);
    for (let i = 0; i < points; i++) {
      if (conflict?.[i] === 1) continue;
      const buckets: ClassicBucket[] = [];
      for (const { upper, series } of group.buckets) {
        if (series.kinds[i] === FLOAT) buckets.push({ upper, count: series.values[i] as number });
      }
      if (buckets.length === 0) continue;
      result.kinds[i] = FLOAT;
      result.values[i] = classic(buckets, i, metric);
    }
    out.add({ ...result, dropName: true });
  }
  return out.result();
}

function histogramQuantile(call: Call): StepSeries[] {
  const q = scalarArg(call, 0);
  const quantilePosition = call.exprs[0]?.range.start ?? 0;
  const position = call.exprs[1]?.range.start ?? 0;
  for (const value of new Set(q))
    if (!(value >= 0 && value <= 1)) call.annotations.invalidQuantile(value, quantilePosition);
  return bothKinds(
    call,
    1,
    (h, i, metric) => {
      const { value, note } = nativeQuantile(q[i] as number, h);
      if (note === 'nan-result') call.annotations.metric('quantile-nan-result', metric, quantilePosition);
      if (note === 'nan-skew') call.annotations.metric('quantile-nan-skew', metric, quantilePosition);
      return value;
    },
    (buckets, i, metric) => {
      const { value, forcedMonotonic } = classicQuantile(q[i] as number, buckets);
      if (forcedMonotonic) call.annotations.metric('forced-monotonicity', metric, position);
      return value;
    },
  );
}

function histogramFraction(call: Call): StepSeries[] {
  const lower = scalarArg(call, 0);
  const upper = scalarArg(call, 1);
  const position = call.exprs[0]?.range.start ?? 0;
  return bothKinds(
    call,
    2,
    (h, i, metric) => {
      const { value, note } = nativeFraction(lower[i] as number, upper[i] as number, h);
      if (note === 'fraction-nans') call.annotations.metric('fraction-nans', metric, position);
      return value;
    },
    (buckets, i) => classicFraction(lower[i] as number, upper[i] as number, buckets),
  );
}

/** Variance from the buckets' middles: arithmetic for custom buckets, geometric for exponential ones. */
function variance(h: Histogram): number {
  const mean = h.sum / h.count;
  const sum = new KahanSum();
  for (const bucket of allBuckets(h)) {
    if (bucket.count === 0) continue;
    let middle: number;
    if (usesCustomBuckets(h)) middle = (bucket.upper + bucket.lower) / 2;
    else if (bucket.lower <= 0 && bucket.upper >= 0) middle = 0;
    else {
      middle = Math.sqrt(bucket.upper * bucket.lower);
      if (bucket.upper < 0) middle = -middle;
    }
    const delta = middle - mean;
    sum.add(bucket.count * delta * delta);
  }
  return sum.total / h.count;
}

function ofHistogram(name: string, apply: (h: Histogram) => number): VectorFunction {
  return { kind: 'vector', name, evaluate: (call) => mapHistograms(call, vectorArg(call, 0), apply) };
}

export const histogramFunctions: readonly VectorFunction[] = [
  ofHistogram('histogram_count', (h) => h.count),
  ofHistogram('histogram_sum', (h) => h.sum),
  ofHistogram('histogram_avg', (h) => h.sum / h.count),
  ofHistogram('histogram_stdvar', variance),
  ofHistogram('histogram_stddev', (h) => Math.sqrt(variance(h))),
  { kind: 'vector', name: 'histogram_quantile', evaluate: histogramQuantile },
  { kind: 'vector', name: 'histogram_fraction', evaluate: histogramFraction },
];
