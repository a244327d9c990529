/** Functions on how a counter or a gauge moves over a range: rate, increase, delta, irate, idelta, resets, changes, deriv, predict_linear. */

import type { Histogram } from '../../../model/histogram.ts';
import {
  addHistograms,
  compact,
  detectReset,
  divideHistogram,
  equalHistograms,
  type Incompatible,
  multiplyHistogram,
  subtractHistograms,
  toSchema,
  withHint,
} from '../../vector/histogram/arithmetic.ts';
import { usesCustomBuckets } from '../../vector/histogram/bounds.ts';
import { KahanSum } from '../../vector/kahan.ts';
import { FLOAT } from '../../vector/series.ts';
import { type Samples, upperBound } from '../samples.ts';
import type { Window } from '../window.ts';
import type { RangeFunction, WindowGrid } from './function.ts';

/**
 * The change over the window, extrapolated to its borders. Samples that end close to a border (within 1.1 average
 * intervals) are taken to go on to it, others for half an interval; a counter is not extrapolated below zero.
 */
function extrapolate(w: Window, isCounter: boolean, isRate: boolean): void {
  const floats = w.to - w.from;
  if (w.histogramTo > w.histogramFrom) {
    if (floats > 0) w.note('mixed-floats-histograms');
    else if (w.histograms > 1) extrapolateHistograms(w, isCounter, isRate);
    return;
  }
  if (floats < 2) return;
  const { times, values } = w.samples;
  const first = values[w.from] as number;
  let result = (values[w.to - 1] as number) - first;
  if (isCounter) {
    let previous = first;
    for (let i = w.from + 1; i < w.to; i++) {
      const v = values[i] as number;
      if (v < previous) result += previous;
      previous = v;
    }
  }
  const factor = extrapolationFactor(
    w,
    times[w.from] as number,
    times[w.to - 1] as number,
    floats,
    isRate,
    isCounter && result > 0 && first >= 0 ? first / result : Number.POSITIVE_INFINITY,
  );
  w.setFloat(result * factor);
}

/**
 * `extrapolate` for all steps of a series of floats. Resets are rare, so they are found once; each window then costs the
 * same whatever it holds.
 */
function extrapolateColumn(
  samples: Samples,
  windows: WindowGrid,
  kinds: Uint8Array,
  values: Float64Array,
  isCounter: boolean,
  isRate: boolean,
): boolean {
  const { times: t, values: v } = samples;
  const { firstEndMs, stepMs, points, rangeMs } = windows;
  const rangeSeconds = rangeMs / 1000;
  const resets = isCounter ? resetsOf(v) : [];
  let nextReset = 0;
  let from = upperBound(t, firstEndMs - rangeMs);
  let to = from;
  let any = false;
  for (let i = 0; i < points; i++) {
    const endMs = firstEndMs + i * stepMs;
    const startMs = endMs - rangeMs;
    while (from < t.length && (t[from] as number) <= startMs) from++;
    if (to < from) to = from;
    while (to < t.length && (t[to] as number) <= endMs) to++;
    const count = to - from;
    if (count < 2) continue;
    const first = v[from] as number;
    const firstTime = t[from] as number;
    const lastTime = t[to - 1] as number;
    let result = (v[to - 1] as number) - first;
    if (resets.length > 0) {
      while (nextReset < resets.length && (resets[nextReset] as number) <= from) nextReset++;
      for (let r = nextReset; r < resets.length && (resets[r] as number) < to; r++) {
        result += v[(resets[r] as number) - 1] as number;
      }
    }
    let toStart = (firstTime - startMs) / 1000;
    let toEnd = (endMs - lastTime) / 1000;
    const sampled = (lastTime - firstTime) / 1000;
    const average = sampled / (count - 1);
    const threshold = average * 1.1;
    if (toStart >= threshold) toStart = average / 2;
    if (isCounter && result > 0 && first >= 0) {
      const toZero = sampled * (first / result);
      if (toZero < toStart) toStart = toZero;
    }
    if (toEnd >= threshold) toEnd = average / 2;
    const factor = (sampled + toStart + toEnd) / sampled;
    kinds[i] = FLOAT;
    values[i] = result * (isRate ? factor / rangeSeconds : factor);
    any = true;
  }
  return any;
}

/** Indices of the samples that are below the one before. */
function resetsOf(values: Float64Array): number[] {
  const out: number[] = [];
  for (let i = 1; i < values.length; i++) if ((values[i] as number) < (values[i - 1] as number)) out.push(i);
  return out;
}

/** `zeroShare`: how far back (in sampled intervals) the counter would be at zero. */
function extrapolationFactor(
  w: Window,
  firstTime: number,
  lastTime: number,
  count: number,
  isRate: boolean,
  zeroShare: number,
): number {
  let toStart = (firstTime - w.startMs) / 1000;
  let toEnd = (w.endMs - lastTime) / 1000;
  const sampled = (lastTime - firstTime) / 1000;
  const average = sampled / (count - 1);
  const threshold = average * 1.1;
  if (toStart >= threshold) toStart = average / 2;
  if (zeroShare !== Number.POSITIVE_INFINITY) {
    const toZero = sampled * zeroShare;
    if (toZero < toStart) toStart = toZero;
  }
  if (toEnd >= threshold) toEnd = average / 2;
  const factor = (sampled + toStart + toEnd) / sampled;
  return isRate ? factor / (w.rangeMs / 1000) : factor;
}

function extrapolateHistograms(w: Window, isCounter: boolean, isRate: boolean): void {
  const { histograms, histogramTimes } = w.samples;
  const change = histogramChange(w, histograms.slice(w.histogramFrom, w.histogramTo), isCounter);
  if (change === undefined) return;
  const factor = extrapolationFactor(
    w,
    histogramTimes[w.histogramFrom] as number,
    histogramTimes[w.histogramTo - 1] as number,
    w.histograms,
    isRate,
    Number.POSITIVE_INFINITY,
  );
  w.setHistogram(multiplyHistogram(change, factor));
}

function noteIncompatible(w: Window, reason: Incompatible): undefined {
  w.note(reason === 'schema' ? 'mixed-schemas' : 'incompatible-bounds');
  return undefined;
}

/** last - first, plus what was lost at resets; undefined (with a note) when the layouts do not fit. */
function histogramChange(w: Window, points: readonly Histogram[], isCounter: boolean): Histogram | undefined {
  let previous = points[0] as Histogram;
  const last = points[points.length - 1] as Histogram;
  if (isCounter && (previous.counterReset === 'gauge' || last.counterReset === 'gauge'))
    w.note('histogram-not-counter');
  const second = points[1] as Histogram;
  if (isCounter && detectReset(second, previous)) {
    // A reset right behind the first sample: it only marks the time, so its layout does not matter.
    previous = emptyLike(second);
  }
  const custom = usesCustomBuckets(previous);
  if (usesCustomBuckets(last) !== custom) return noteIncompatible(w, 'schema');
  let schema = Math.min(previous.schema, last.schema);
  if (isCounter) {
    for (const point of points.slice(1, -1)) {
      if (point.counterReset === 'gauge') w.note('histogram-not-counter');
      if (point.schema < schema) schema = point.schema;
      if (usesCustomBuckets(point) !== custom) return noteIncompatible(w, 'schema');
    }
  }
  const start = subtractHistograms(custom ? last : toSchema(last, schema), previous);
  if (typeof start === 'string') return noteIncompatible(w, start);
  let change = start;
  if (isCounter) {
    for (const point of points.slice(1)) {
      if (detectReset(point, previous)) {
        const sum = addHistograms(change, previous);
        if (typeof sum === 'string') return noteIncompatible(w, sum);
        change = sum;
      }
      previous = point;
    }
  } else if ((points[0] as Histogram).counterReset !== 'gauge' || last.counterReset !== 'gauge') {
    w.note('histogram-not-gauge');
  }
  return withHint(compact(change), 'gauge');
}

function emptyLike(h: Histogram): Histogram {
  return {
    ...h,
    count: 0,
    sum: 0,
    zeroCount: 0,
    zeroThreshold: 0,
    positiveSpans: [],
    positiveCounts: [],
    negativeSpans: [],
    negativeCounts: [],
    counterReset: 'unknown',
  };
}

/** The last two samples, whichever kind they are. */
function instantChange(w: Window, isRate: boolean): void {
  if (w.floats + w.histograms < 2) return;
  const { times, values, histogramTimes, histograms } = w.samples;
  const newest: { time: number; float: number; histogram: Histogram | undefined }[] = [];
  for (let i = Math.max(w.from, w.to - 2); i < w.to; i++) {
    newest.push({ time: times[i] as number, float: values[i] as number, histogram: undefined });
  }
  for (let i = Math.max(w.histogramFrom, w.histogramTo - 2); i < w.histogramTo; i++) {
    newest.push({ time: histogramTimes[i] as number, float: 0, histogram: histograms[i] });
  }
  newest.sort((a, b) => a.time - b.time);
  const [before, now] = newest.slice(-2) as [(typeof newest)[number], (typeof newest)[number]];
  const interval = now.time - before.time;
  if (interval === 0) return;
  if (now.histogram === undefined && before.histogram === undefined) {
    // After a reset a counter has risen by what it holds now.
    const change = isRate && now.float < before.float ? now.float : now.float - before.float;
    w.setFloat(isRate ? change / (interval / 1000) : change);
    return;
  }
  if (now.histogram === undefined || before.histogram === undefined) {
    w.note('mixed-floats-histograms');
    return;
  }
  const areGauges = now.histogram.counterReset === 'gauge' && before.histogram.counterReset === 'gauge';
  const isGauge = now.histogram.counterReset === 'gauge' || before.histogram.counterReset === 'gauge';
  if (isRate && isGauge) w.note('histogram-not-counter');
  if (!isRate && !areGauges) w.note('histogram-not-gauge');
  let change: Histogram = now.histogram;
  if (!isRate || !detectReset(now.histogram, before.histogram)) {
    const difference = subtractHistograms(now.histogram, before.histogram);
    if (typeof difference === 'string') {
      noteIncompatible(w, difference);
      return;
    }
    change = difference;
  }
  change = withHint(compact(change), 'gauge');
  w.setHistogram(isRate ? divideHistogram(change, interval / 1000) : change);
}

/** Counts the neighbours for which the test holds; a change between float and histogram always counts. */
function countPairs(
  w: Window,
  floats: (now: number, before: number) => boolean,
  both: (now: Histogram, before: Histogram) => boolean,
): void {
  const { times, values, histogramTimes, histograms } = w.samples;
  let count = 0;
  if (w.histograms === 0) {
    for (let i = w.from + 1; i < w.to; i++) if (floats(values[i] as number, values[i - 1] as number)) count++;
    w.setFloat(count);
    return;
  }
  let i = w.from;
  let h = w.histogramFrom;
  let before: number | Histogram | undefined;
  while (i < w.to || h < w.histogramTo) {
    const takesFloat =
      h >= w.histogramTo || (i < w.to && (times[i] as number) < (histogramTimes[h] as number));
    const now = takesFloat ? (values[i++] as number) : (histograms[h++] as Histogram);
    if (before !== undefined) {
      if (typeof now === 'number' && typeof before === 'number') {
        if (floats(now, before)) count++;
      } else if (typeof now === 'number' || typeof before === 'number' || both(now, before)) count++;
    }
    before = now;
  }
  w.setFloat(count);
}

/** Least squares over the floats of the window, with time in seconds from `originMs`. */
function linearRegression(w: Window, originMs: number): { slope: number; intercept: number } {
  const { times, values } = w.samples;
  const sumX = new KahanSum();
  const sumY = new KahanSum();
  const sumXY = new KahanSum();
  const sumX2 = new KahanSum();
  const first = values[w.from] as number;
  let isConstant = true;
  for (let i = w.from; i < w.to; i++) {
    const y = values[i] as number;
    if (y !== first && i > w.from) isConstant = false;
    const x = ((times[i] as number) - originMs) / 1000;
    sumX.add(x);
    sumY.add(y);
    sumXY.add(x * y);
    sumX2.add(x * x);
  }
  if (isConstant) {
    if (first === Number.POSITIVE_INFINITY || first === Number.NEGATIVE_INFINITY) {
      return { slope: Number.NaN, intercept: Number.NaN };
    }
    return { slope: 0, intercept: first };
  }
  const n = w.to - w.from;
  const x = sumX.total;
  const y = sumY.total;
  const slope = (sumXY.total - (x * y) / n) / (sumX2.total - (x * x) / n);
  return { slope, intercept: y / n - (slope * x) / n };
}

/** Whether a regression is possible; tells when histograms were passed over. */
function hasLine(w: Window): boolean {
  if (w.floats > 0 && w.histograms > 0) w.note('histograms-ignored');
  return w.floats >= 2;
}

export const rateFunctions: readonly RangeFunction[] = [
  {
    kind: 'range',
    name: 'rate',
    apply: (w) => extrapolate(w, true, true),
    column: (samples, windows, kinds, values) =>
      extrapolateColumn(samples, windows, kinds, values, true, true),
    wantsCounter: true,
  },
  {
    kind: 'range',
    name: 'increase',
    apply: (w) => extrapolate(w, true, false),
    column: (samples, windows, kinds, values) =>
      extrapolateColumn(samples, windows, kinds, values, true, false),
    wantsCounter: true,
  },
  {
    kind: 'range',
    name: 'delta',
    apply: (w) => extrapolate(w, false, false),
    column: (samples, windows, kinds, values) =>
      extrapolateColumn(samples, windows, kinds, values, false, false),
  },
  { kind: 'range', name: 'irate', apply: (w) => instantChange(w, true) },
  { kind: 'range', name: 'idelta', apply: (w) => instantChange(w, false) },
  {
    kind: 'range',
    name: 'resets',
    apply: (w) => countPairs(w, (now, before) => now < before, detectReset),
  },
  {
    kind: 'range',
    name: 'changes',
    apply: (w) =>
      countPairs(
        w,
        (now, before) => now !== before && !(Number.isNaN(now) && Number.isNaN(before)),
        (now, before) => !equalHistograms(now, before),
      ),
  },
  {
    kind: 'range',
    name: 'deriv',
    apply: (w) => {
      // Times are taken from the first sample on, which keeps the numbers small.
      if (hasLine(w)) w.setFloat(linearRegression(w, w.samples.times[w.from] as number).slope);
    },
  },
  {
    kind: 'range',
    name: 'predict_linear',
    apply: (w) => {
      if (!hasLine(w)) return;
      const { slope, intercept } = linearRegression(w, w.timeMs);
      w.setFloat(slope * (w.params[1] as number) + intercept);
    },
  },
];
