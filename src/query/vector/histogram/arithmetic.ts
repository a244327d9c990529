/**
 * Arithmetic of native histograms: adding, subtracting, scaling, comparing. Histograms are immutable; every operation
 * gives a new one in compact form (no empty buckets) with float counts.
 */

import type { BucketSpan, CounterResetHint, Histogram } from '../../../model/histogram.ts';
import { exponentialBound, negativeBuckets, positiveBuckets, usesCustomBuckets } from './bounds.ts';

/** Why two histograms cannot be combined. */
export type Incompatible = 'schema' | 'bounds';

/** Buckets of one side by ascending index. */
interface Side {
  index: number[];
  count: number[];
}

function expand(spans: readonly BucketSpan[], counts: readonly number[]): Side {
  const side: Side = { index: [], count: [] };
  let index = 0;
  let at = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++) {
      side.index.push(index++);
      side.count.push(counts[at++] as number);
    }
  }
  return side;
}

/** Spans and counts without empty buckets. */
function collapse(side: Side): { spans: BucketSpan[]; counts: number[] } {
  const spans: BucketSpan[] = [];
  const counts: number[] = [];
  let next = 0;
  let start = 0;
  let length = 0;
  const flush = (): void => {
    if (length > 0) spans.push({ offset: spans.length === 0 ? start : start - next, length });
    if (length > 0) next = start + length;
  };
  for (let i = 0; i < side.index.length; i++) {
    const count = side.count[i] as number;
    if (count === 0) continue;
    const index = side.index[i] as number;
    counts.push(count);
    if (length > 0 && index === start + length) length++;
    else {
      flush();
      start = index;
      length = 1;
    }
  }
  flush();
  return { spans, counts };
}

/** Merges buckets into those of a lower resolution. */
function reduce(side: Side, from: number, to: number): Side {
  if (from === to) return side;
  const out: Side = { index: [], count: [] };
  const factor = 2 ** (from - to);
  for (let i = 0; i < side.index.length; i++) {
    const index = Math.floor(((side.index[i] as number) - 1) / factor) + 1;
    const last = out.index.length - 1;
    if (last >= 0 && out.index[last] === index)
      out.count[last] = (out.count[last] as number) + (side.count[i] as number);
    else {
      out.index.push(index);
      out.count.push(side.count[i] as number);
    }
  }
  return out;
}

function combineSides(a: Side, b: Side, sign: 1 | -1): Side {
  const out: Side = { index: [], count: [] };
  let i = 0;
  let k = 0;
  while (i < a.index.length || k < b.index.length) {
    const x = i < a.index.length ? (a.index[i] as number) : Number.POSITIVE_INFINITY;
    const y = k < b.index.length ? (b.index[k] as number) : Number.POSITIVE_INFINITY;
    const index = Math.min(x, y);
    let count: number;
    if (x === y) count = (a.count[i++] as number) + sign * (b.count[k++] as number);
    else if (x < y) count = a.count[i++] as number;
    else count = sign * (b.count[k++] as number);
    out.index.push(index);
    out.count.push(count);
  }
  return out;
}

/** Leaves out leading buckets that lie within the zero bucket. */
function aboveThreshold(side: Side, schema: number, threshold: number): Side {
  let from = 0;
  while (from < side.index.length && exponentialBound(side.index[from] as number, schema) <= threshold)
    from++;
  return from === 0 ? side : { index: side.index.slice(from), count: side.count.slice(from) };
}

/**
 * The zero count for a zero threshold of at least `threshold`. The threshold is raised to the end of a populated
 * bucket that it would cut.
 */
export function zeroCountFor(h: Histogram, threshold: number): { count: number; threshold: number } {
  if (threshold === h.zeroThreshold) return { count: h.zeroCount, threshold };
  const positive = positiveBuckets(h);
  const negative = negativeBuckets(h);
  for (;;) {
    let count = h.zeroCount;
    let again = false;
    for (const { bucket } of positive) {
      if (bucket.lower >= threshold) break;
      count += bucket.count;
      if (bucket.upper > threshold) {
        if (bucket.count !== 0) threshold = bucket.upper;
        break;
      }
    }
    for (const { bucket } of negative) {
      if (bucket.upper <= -threshold) break;
      count += bucket.count;
      if (bucket.lower < -threshold) {
        if (bucket.count !== 0) {
          threshold = -bucket.lower;
          again = true;
        }
        break;
      }
    }
    if (!again) return { count, threshold };
  }
}

function mergeHints(a: CounterResetHint, b: CounterResetHint): CounterResetHint {
  if (a === b) return a;
  return a === 'gauge' || b === 'gauge' ? 'gauge' : 'unknown';
}

/** Whether two histograms can be added at all. */
export function incompatibility(a: Histogram, b: Histogram): Incompatible | undefined {
  if (usesCustomBuckets(a) !== usesCustomBuckets(b)) return 'schema';
  return usesCustomBuckets(a) && !sameNumbers(a.customValues, b.customValues) ? 'bounds' : undefined;
}

/** a + b; a text where they cannot be combined. */
export function addHistograms(a: Histogram, b: Histogram): Histogram | Incompatible {
  return combine(a, b, 1);
}

/** a - b; a text where they cannot be combined. Keeps the reset hint of a. */
export function subtractHistograms(a: Histogram, b: Histogram): Histogram | Incompatible {
  return combine(a, b, -1);
}

function combine(a: Histogram, b: Histogram, sign: 1 | -1): Histogram | Incompatible {
  const problem = incompatibility(a, b);
  if (problem !== undefined) return problem;
  const counterReset = sign === 1 ? mergeHints(a.counterReset, b.counterReset) : a.counterReset;
  const count = a.count + sign * b.count;
  const sum = a.sum + sign * b.sum;
  if (usesCustomBuckets(a)) {
    const positive = collapse(
      combineSides(
        expand(a.positiveSpans, a.positiveCounts),
        expand(b.positiveSpans, b.positiveCounts),
        sign,
      ),
    );
    return {
      schema: a.schema,
      count,
      sum,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpans: positive.spans,
      positiveCounts: positive.counts,
      negativeSpans: [],
      negativeCounts: [],
      customValues: a.customValues,
      counterReset,
      isFloat: true,
    };
  }
  let aZero = { count: a.zeroCount, threshold: a.zeroThreshold };
  let bZero = { count: b.zeroCount, threshold: b.zeroThreshold };
  while (aZero.threshold !== bZero.threshold) {
    if (aZero.threshold > bZero.threshold) bZero = zeroCountFor(b, aZero.threshold);
    if (bZero.threshold > aZero.threshold) aZero = zeroCountFor(a, bZero.threshold);
  }
  const threshold = aZero.threshold;
  const schema = Math.min(a.schema, b.schema);
  const side = (h: Histogram, positive: boolean, widened: boolean): Side => {
    let all = positive
      ? expand(h.positiveSpans, h.positiveCounts)
      : expand(h.negativeSpans, h.negativeCounts);
    // What the wider zero bucket has taken in is cut off before buckets are merged; a histogram's own zero bucket may
    // overlap its lowest buckets, which stay.
    if (widened) all = aboveThreshold(all, h.schema, threshold);
    return reduce(all, h.schema, schema);
  };
  const aWidened = threshold !== a.zeroThreshold;
  const bWidened = threshold !== b.zeroThreshold;
  const other = (positive: boolean): Side => aboveThreshold(side(b, positive, bWidened), schema, threshold);
  const positive = collapse(combineSides(side(a, true, aWidened), other(true), sign));
  const negative = collapse(combineSides(side(a, false, aWidened), other(false), sign));
  return {
    schema,
    count,
    sum,
    zeroThreshold: threshold,
    zeroCount: aZero.count + sign * bZero.count,
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
    customValues: [],
    counterReset,
    isFloat: true,
  };
}

/** Every count and the sum multiplied. */
export function multiplyHistogram(h: Histogram, factor: number): Histogram {
  return compact({
    ...h,
    zeroCount: h.zeroCount * factor,
    count: h.count * factor,
    sum: h.sum * factor,
    positiveCounts: h.positiveCounts.map((c) => c * factor),
    negativeCounts: h.negativeCounts.map((c) => c * factor),
    isFloat: true,
  });
}

/** Every count and the sum divided. Division by zero leaves no buckets. */
export function divideHistogram(h: Histogram, divisor: number): Histogram {
  const out = {
    ...h,
    zeroCount: h.zeroCount / divisor,
    count: h.count / divisor,
    sum: h.sum / divisor,
    isFloat: true,
  };
  if (divisor === 0)
    return { ...out, positiveSpans: [], positiveCounts: [], negativeSpans: [], negativeCounts: [] };
  return compact({
    ...out,
    positiveCounts: h.positiveCounts.map((c) => c / divisor),
    negativeCounts: h.negativeCounts.map((c) => c / divisor),
  });
}

/** Without empty buckets. */
export function compact(h: Histogram): Histogram {
  const positive = collapse(expand(h.positiveSpans, h.positiveCounts));
  const negative = collapse(expand(h.negativeSpans, h.negativeCounts));
  return {
    ...h,
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
  };
}

export function withHint(h: Histogram, counterReset: CounterResetHint): Histogram {
  return h.counterReset === counterReset ? h : { ...h, counterReset };
}

/** The histogram with a lower resolution. Only for exponential schemas. */
export function toSchema(h: Histogram, schema: number): Histogram {
  if (h.schema === schema) return h;
  const positive = collapse(reduce(expand(h.positiveSpans, h.positiveCounts), h.schema, schema));
  const negative = collapse(reduce(expand(h.negativeSpans, h.negativeCounts), h.schema, schema));
  return {
    ...h,
    schema,
    counterReset: 'unknown',
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
  };
}

/** Equal data: the same buckets (empty ones included), counts, sum and bounds. Reset hints do not matter. */
export function equalHistograms(a: Histogram, b: Histogram): boolean {
  return (
    a.schema === b.schema &&
    sameNumber(a.count, b.count) &&
    sameNumber(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    sameNumber(a.zeroCount, b.zeroCount) &&
    (!usesCustomBuckets(a) || sameNumbers(a.customValues, b.customValues)) &&
    sameSide(a.positiveSpans, a.positiveCounts, b.positiveSpans, b.positiveCounts) &&
    sameSide(a.negativeSpans, a.negativeCounts, b.negativeSpans, b.negativeCounts)
  );
}

function sameSide(
  aSpans: readonly BucketSpan[],
  aCounts: readonly number[],
  bSpans: readonly BucketSpan[],
  bCounts: readonly number[],
): boolean {
  if (!sameNumbers(aCounts, bCounts)) return false;
  const a = expand(aSpans, aCounts);
  const b = expand(bSpans, bCounts);
  return sameNumbers(a.index, b.index);
}

/** Equal as data: NaN equals NaN, 0 differs from -0. */
function sameNumber(a: number, b: number): boolean {
  return Object.is(a, b);
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/**
 * Whether a counter histogram was reset between `previous` and `current`: some count went down, a populated bucket
 * vanished, or the layout changed in a way that only a reset explains. A hint saves the work.
 */
export function detectReset(current: Histogram, previous: Histogram): boolean {
  if (current.counterReset === 'reset') return true;
  if (current.counterReset === 'not_reset') return false;
  if (current.count < previous.count) return true;
  if (incompatibility(current, previous) !== undefined) return true;
  if (usesCustomBuckets(current)) {
    return sideReset(
      expand(current.positiveSpans, current.positiveCounts),
      expand(previous.positiveSpans, previous.positiveCounts),
    );
  }
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
  const zero = zeroCountFor(previous, current.zeroThreshold);
  if (zero.threshold !== current.zeroThreshold || current.zeroCount < zero.count) return true;
  const side = (h: Histogram, positive: boolean): Side =>
    aboveThreshold(
      reduce(
        positive ? expand(h.positiveSpans, h.positiveCounts) : expand(h.negativeSpans, h.negativeCounts),
        h.schema,
        current.schema,
      ),
      current.schema,
      current.zeroThreshold,
    );
  return (
    sideReset(side(current, true), side(previous, true)) ||
    sideReset(side(current, false), side(previous, false))
  );
}

function sideReset(current: Side, previous: Side): boolean {
  let at = 0;
  for (let i = 0; i < previous.index.length; i++) {
    const index = previous.index[i] as number;
    const count = previous.count[i] as number;
    while (at < current.index.length && (current.index[at] as number) < index) at++;
    if (at < current.index.length && current.index[at] === index) {
      if ((current.count[at] as number) < count) return true;
    } else if (count !== 0) return true;
  }
  return false;
}
