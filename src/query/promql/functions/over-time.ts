/** Aggregations over the samples of one series in a range: the *_over_time functions and smoothing. */

import type { Histogram } from '../../../model/histogram.ts';
import { formatPlain } from '../../syntax/numbers.ts';
import { EvaluationError } from '../../vector/evaluation-error.ts';
import {
  addHistograms,
  divideHistogram,
  type Incompatible,
  subtractHistograms,
} from '../../vector/histogram/arithmetic.ts';
import { KahanSum } from '../../vector/kahan.ts';
import { quantile } from '../../vector/quantile.ts';
import { FLOAT, NONE, newSeries, type StepSeries } from '../../vector/series.ts';
import type { Window } from '../window.ts';
import { absentLabels } from './absent.ts';
import type { Call, RangeFunction } from './function.ts';

/** Whether there are floats to work on; tells when histograms beside them are passed over. */
function hasFloats(w: Window): boolean {
  if (w.to === w.from) return false;
  if (w.histogramTo > w.histogramFrom) w.note('histograms-ignored');
  return true;
}

/** Sum or mean: over floats or over histograms, but not over both. */
function sumOrMean(
  w: Window,
  floats: (w: Window) => number,
  histograms: (list: readonly Histogram[]) => Histogram | Incompatible,
): void {
  if (w.histogramTo === w.histogramFrom) {
    w.setFloat(floats(w));
    return;
  }
  if (w.to > w.from) {
    w.note('mixed-floats-histograms');
    return;
  }
  const result = histograms(w.samples.histograms.slice(w.histogramFrom, w.histogramTo));
  if (result === 'schema') w.note('mixed-schemas');
  else if (result === 'bounds') w.note('incompatible-bounds');
  else w.setHistogram(result);
}

function sumFloats(w: Window): number {
  const { values } = w.samples;
  const sum = new KahanSum();
  for (let i = w.from; i < w.to; i++) sum.add(values[i] as number);
  return Number.isFinite(sum.sum) || Number.isNaN(sum.sum) ? sum.total : sum.sum;
}

/** The mean from the sum while that does not overflow, step by step from there on. */
function meanFloats(w: Window): number {
  const { values } = w.samples;
  const state = new KahanSum();
  state.sum = values[w.from] as number;
  let isIncremental = false;
  let count = 1;
  for (let i = w.from + 1; i < w.to; i++) {
    const v = values[i] as number;
    count++;
    if (!isIncremental) {
      const { sum, compensation } = state;
      state.add(v);
      if (state.sum !== Number.POSITIVE_INFINITY && state.sum !== Number.NEGATIVE_INFINITY) continue;
      isIncremental = true;
      state.sum = sum / (count - 1);
      state.compensation = compensation / (count - 1);
    }
    const q = (count - 1) / count;
    state.sum *= q;
    state.compensation *= q;
    state.add(v / count);
  }
  return isIncremental ? state.total : state.sum / count + state.compensation / count;
}

function sumHistograms(list: readonly Histogram[]): Histogram | Incompatible {
  let sum = list[0] as Histogram;
  for (let i = 1; i < list.length; i++) {
    const next = addHistograms(sum, list[i] as Histogram);
    if (typeof next === 'string') return next;
    sum = next;
  }
  return sum;
}

function meanHistograms(list: readonly Histogram[]): Histogram | Incompatible {
  let mean = list[0] as Histogram;
  for (let i = 1; i < list.length; i++) {
    const count = i + 1;
    const step = subtractHistograms(
      divideHistogram(list[i] as Histogram, count),
      divideHistogram(mean, count),
    );
    const next = typeof step === 'string' ? step : addHistograms(mean, step);
    if (typeof next === 'string') return next;
    mean = next;
  }
  return mean;
}

/** The index of the float that wins against all before it; NaN loses against anything. */
function best(w: Window, wins: (candidate: number, champion: number) => boolean): number {
  const { values } = w.samples;
  let at = w.from;
  for (let i = w.from; i < w.to; i++) {
    const champion = values[at] as number;
    if (wins(values[i] as number, champion) || Number.isNaN(champion)) at = i;
  }
  return at;
}

function extreme(name: string, wins: (candidate: number, champion: number) => boolean): RangeFunction {
  return {
    kind: 'range',
    name,
    apply: (w) => {
      if (hasFloats(w)) w.setFloat(w.samples.values[best(w, wins)] as number);
    },
  };
}

function extremeTime(name: string, wins: (candidate: number, champion: number) => boolean): RangeFunction {
  return {
    kind: 'range',
    name,
    apply: (w) => {
      if (hasFloats(w)) w.setFloat((w.samples.times[best(w, wins)] as number) / 1000);
    },
  };
}

/** Variance by Welford's method with compensated sums. */
function variance(w: Window): number {
  const { values } = w.samples;
  const mean = new KahanSum();
  const squares = new KahanSum();
  let count = 0;
  for (let i = w.from; i < w.to; i++) {
    const v = values[i] as number;
    count++;
    const delta = v - mean.total;
    mean.add(delta / count);
    squares.add(delta * (v - mean.total));
  }
  return squares.total / count;
}

/** The newest sample of either kind. */
function newest(w: Window): { time: number; histogram: Histogram | undefined } {
  const { times, histogramTimes, histograms } = w.samples;
  const floatTime = w.to > w.from ? (times[w.to - 1] as number) : Number.NEGATIVE_INFINITY;
  const isHistogram =
    w.histogramTo > w.histogramFrom && (histogramTimes[w.histogramTo - 1] as number) >= floatTime;
  return isHistogram
    ? { time: histogramTimes[w.histogramTo - 1] as number, histogram: histograms[w.histogramTo - 1] }
    : { time: floatTime, histogram: undefined };
}

function smooth(w: Window): void {
  const smoothing = w.params[1] as number;
  const trend = w.params[2] as number;
  if (smoothing <= 0 || smoothing >= 1) {
    throw new EvaluationError(
      `invalid smoothing factor. Expected: 0 < sf < 1, got: ${formatPlain(smoothing)}`,
    );
  }
  if (trend <= 0 || trend >= 1) {
    throw new EvaluationError(`invalid trend factor. Expected: 0 < tf < 1, got: ${formatPlain(trend)}`);
  }
  if (w.floats > 0 && w.histograms > 0) w.note('histograms-ignored');
  if (w.floats < 2) return;
  const { values } = w.samples;
  let before = 0;
  let level = values[w.from] as number;
  let slope = (values[w.from + 1] as number) - level;
  for (let i = w.from + 1; i < w.to; i++) {
    if (i > w.from + 1) slope = trend * (level - before) + (1 - trend) * slope;
    const next = smoothing * (values[i] as number) + (1 - smoothing) * (level + slope);
    before = level;
    level = next;
  }
  w.setFloat(level);
}

/** Ones where no series has a point. */
function absentPoints(series: readonly StepSeries[], call: Call): StepSeries[] {
  const { points } = call.grid;
  const out = newSeries(absentLabels(call.exprs[0]), points);
  let any = false;
  for (let i = 0; i < points; i++) {
    if (series.some((one) => one.kinds[i] !== NONE)) continue;
    out.kinds[i] = FLOAT;
    out.values[i] = 1;
    any = true;
  }
  return any ? [{ ...out, dropName: true }] : [];
}

export const overTimeFunctions: readonly RangeFunction[] = [
  { kind: 'range', name: 'sum_over_time', apply: (w) => sumOrMean(w, sumFloats, sumHistograms) },
  { kind: 'range', name: 'avg_over_time', apply: (w) => sumOrMean(w, meanFloats, meanHistograms) },
  extreme('min_over_time', (a, b) => a < b),
  extreme('max_over_time', (a, b) => a > b),
  extremeTime('ts_of_min_over_time', (a, b) => a <= b),
  extremeTime('ts_of_max_over_time', (a, b) => a >= b),
  { kind: 'range', name: 'ts_of_last_over_time', apply: (w) => w.setFloat(newest(w).time / 1000) },
  { kind: 'range', name: 'count_over_time', apply: (w) => w.setFloat(w.floats + w.histograms) },
  { kind: 'range', name: 'present_over_time', apply: (w) => w.setFloat(1) },
  { kind: 'range', name: 'absent_over_time', apply: (w) => w.setFloat(1), finish: absentPoints },
  {
    kind: 'range',
    name: 'last_over_time',
    keepsName: true,
    apply: (w) => {
      const { histogram } = newest(w);
      if (histogram !== undefined) w.setHistogram(histogram);
      else w.setFloat(w.samples.values[w.to - 1] as number);
    },
  },
  {
    kind: 'range',
    name: 'quantile_over_time',
    apply: (w) => {
      const q = w.params[0] as number;
      if (w.to === w.from) return;
      if (!(q >= 0 && q <= 1)) w.invalidQuantile(q, 0);
      hasFloats(w);
      w.setFloat(quantile(q, w.samples.values.slice(w.from, w.to)));
    },
  },
  {
    kind: 'range',
    name: 'stddev_over_time',
    apply: (w) => {
      if (hasFloats(w)) w.setFloat(Math.sqrt(variance(w)));
    },
  },
  {
    kind: 'range',
    name: 'stdvar_over_time',
    apply: (w) => {
      if (hasFloats(w)) w.setFloat(variance(w));
    },
  },
  {
    kind: 'range',
    name: 'mad_over_time',
    apply: (w) => {
      if (!hasFloats(w)) return;
      const values = w.samples.values.slice(w.from, w.to);
      const median = quantile(0.5, values);
      w.setFloat(
        quantile(
          0.5,
          values.map((v) => Math.abs(v - median)),
        ),
      );
    },
  },
  { kind: 'range', name: 'double_exponential_smoothing', apply: smooth },
];
