/**
 * Quantiles and fractions of histograms, native and classic (cumulative buckets), as Prometheus defines them:
 * linear interpolation in classic, custom and zero buckets, exponential elsewhere.
 */

import type { Histogram } from '../../../model/histogram.ts';
import { allBuckets, usesCustomBuckets } from './bounds.ts';

/** What a native histogram's answer has to tell about NaN observations. */
export type NativeNote = 'nan-result' | 'nan-skew' | 'fraction-nans';

/** The q-quantile of a native histogram. */
export function nativeQuantile(q: number, h: Histogram): { value: number; note?: NativeNote } {
  if (q < 0) return { value: Number.NEGATIVE_INFINITY };
  if (q > 1) return { value: Number.POSITIVE_INFINITY };
  if (h.count === 0 || Number.isNaN(q)) return { value: Number.NaN };
  // NaN observations raise the count but are in no bucket, so then ranks are counted from below.
  const hasNaN = Number.isNaN(h.sum);
  const forward = hasNaN || q < 0.5;
  const buckets = allBuckets(h);
  if (!forward) buckets.reverse();
  let rank = (forward ? q : 1 - q) * h.count;
  let count = 0;
  let at = 0;
  let bucket = { lower: 0, upper: 0, count: 0 };
  for (; at < buckets.length; at++) {
    bucket = buckets[at] as (typeof buckets)[number];
    if (bucket.count === 0) continue;
    count += bucket.count;
    if (count >= rank) break;
  }
  let { lower, upper } = bucket;
  const custom = usesCustomBuckets(h);
  if (custom) {
    if (lower === Number.NEGATIVE_INFINITY) {
      if (upper <= 0) return { value: upper };
      lower = 0;
    } else if (upper === Number.POSITIVE_INFINITY) return { value: lower };
  } else if (lower < 0 && upper > 0) {
    const positives = h.positiveCounts.length > 0;
    const negatives = h.negativeCounts.length > 0;
    if (!negatives && positives) lower = 0;
    else if (!positives && negatives) upper = 0;
  }
  if (count > h.count) count = h.count;
  if (count < rank) return hasNaN ? { value: Number.NaN, note: 'nan-result' } : { value: upper };
  if (forward) rank -= count - bucket.count;
  else rank = count - rank;
  let skewed = false;
  if (hasNaN) {
    for (at++; at < buckets.length; at++) count += (buckets[at] as (typeof buckets)[number]).count;
    skewed = count < h.count;
  }
  const fraction = rank / bucket.count;
  let value: number;
  if (custom || (lower <= 0 && upper >= 0)) value = lower + (upper - lower) * fraction;
  else {
    const logLower = Math.log2(Math.abs(lower));
    const logUpper = Math.log2(Math.abs(upper));
    value =
      lower > 0
        ? 2 ** (logLower + (logUpper - logLower) * fraction)
        : -(2 ** (logUpper + (logLower - logUpper) * (1 - fraction)));
  }
  return skewed ? { value, note: 'nan-skew' } : { value };
}

/** The fraction of a native histogram's observations between two values. */
export function nativeFraction(
  lower: number,
  upper: number,
  h: Histogram,
): { value: number; note?: NativeNote } {
  if (h.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return { value: Number.NaN };
  if (lower >= upper) return { value: 0 };
  const custom = usesCustomBuckets(h);
  const buckets = allBuckets(h);
  let count = 0;
  let rank = 0;
  let lowerRank: number | undefined;
  let upperRank: number | undefined;
  let at = 0;
  for (; at < buckets.length; at++) {
    const b = buckets[at] as (typeof buckets)[number];
    count += b.count;
    let isZero = false;
    if (b.lower <= 0 && b.upper >= 0) {
      isZero = true;
      const positives = h.positiveCounts.length > 0;
      const negatives = h.negativeCounts.length > 0;
      if (!negatives && positives) b.lower = 0;
      else if (!positives && negatives) b.upper = 0;
    }
    const rankOf = (v: number): number => {
      if (custom || isZero) return rank + (b.count * (v - b.lower)) / (b.upper - b.lower);
      const logLower = Math.log2(Math.abs(b.lower));
      const logUpper = Math.log2(Math.abs(b.upper));
      const logV = Math.log2(Math.abs(v));
      const fraction =
        v > 0 ? (logV - logLower) / (logUpper - logLower) : 1 - (logV - logUpper) / (logLower - logUpper);
      return rank + b.count * fraction;
    };
    if (lowerRank === undefined && b.lower >= lower) lowerRank = rank;
    if (upperRank === undefined && b.lower >= upper) upperRank = rank;
    if (lowerRank !== undefined && upperRank !== undefined) break;
    if (lowerRank === undefined && b.lower < lower && b.upper > lower) lowerRank = rankOf(lower);
    if (upperRank === undefined && b.lower < upper && b.upper > upper) upperRank = rankOf(upper);
    if (lowerRank !== undefined && upperRank !== undefined) break;
    rank += b.count;
  }
  let note: NativeNote | undefined;
  if (Number.isNaN(h.sum)) {
    for (at++; at < buckets.length; at++) count += (buckets[at] as (typeof buckets)[number]).count;
    if (count < h.count) note = 'fraction-nans';
  } else count = h.count;
  const low = lowerRank === undefined || lowerRank > count ? count : lowerRank;
  const high = upperRank === undefined || upperRank > count ? count : upperRank;
  const value = (high - low) / h.count;
  return note === undefined ? { value } : { value, note };
}

/** A cumulative bucket of a classic histogram. */
export interface ClassicBucket {
  upper: number;
  count: number;
}

/** Counts that differ by less than this relative amount are taken for rounding errors of equal counts. */
const SMALL_DELTA = 1e-12;

/** The q-quantile of cumulative buckets; `buckets` are sorted and repaired in place. */
export function classicQuantile(
  q: number,
  buckets: ClassicBucket[],
): { value: number; forcedMonotonic: boolean; fixedPrecision: boolean } {
  const plain = (value: number) => ({ value, forcedMonotonic: false, fixedPrecision: false });
  if (Number.isNaN(q)) return plain(Number.NaN);
  if (q < 0) return plain(Number.NEGATIVE_INFINITY);
  if (q > 1) return plain(Number.POSITIVE_INFINITY);
  buckets.sort(byUpper);
  if (buckets.at(-1)?.upper !== Number.POSITIVE_INFINITY) return plain(Number.NaN);
  const merged = coalesce(buckets);
  const repaired = repair(merged);
  const last = merged.length - 1;
  if (merged.length < 2) return plain(Number.NaN);
  const observations = (merged[last] as ClassicBucket).count;
  if (observations === 0) return plain(Number.NaN);
  let rank = q * observations;
  // Smallest b with count >= rank, over all but the last.
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((merged[middle] as ClassicBucket).count >= rank) high = middle;
    else low = middle + 1;
  }
  if (low === last) return { value: (merged[last - 1] as ClassicBucket).upper, ...repaired };
  const bucket = merged[low] as ClassicBucket;
  if (low === 0 && bucket.upper <= 0) return { value: bucket.upper, ...repaired };
  let start = 0;
  let count = bucket.count;
  if (low > 0) {
    const before = merged[low - 1] as ClassicBucket;
    start = before.upper;
    count -= before.count;
    rank -= before.count;
  }
  return { value: start + (bucket.upper - start) * (rank / count), ...repaired };
}

/** The fraction of observations between two values, from cumulative buckets. */
export function classicFraction(lower: number, upper: number, buckets: ClassicBucket[]): number {
  buckets.sort(byUpper);
  if (buckets.at(-1)?.upper !== Number.POSITIVE_INFINITY) return Number.NaN;
  const merged = coalesce(buckets);
  const count = (merged[merged.length - 1] as ClassicBucket).count;
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  let rank = 0;
  let lowerRank: number | undefined;
  let upperRank: number | undefined;
  for (let i = 0; i < merged.length; i++) {
    const b = merged[i] as ClassicBucket;
    const from = i > 0 ? (merged[i - 1] as ClassicBucket).upper : Number.NEGATIVE_INFINITY;
    const rankOf = (v: number): number => rank + ((b.count - rank) * (v - from)) / (b.upper - from);
    if (lowerRank === undefined && from >= lower) lowerRank = rank;
    if (upperRank === undefined && from >= upper) upperRank = rank;
    if (lowerRank !== undefined && upperRank !== undefined) break;
    if (lowerRank === undefined && from < lower && b.upper > lower) lowerRank = rankOf(lower);
    if (upperRank === undefined && from < upper && b.upper > upper) upperRank = rankOf(upper);
    if (lowerRank !== undefined && upperRank !== undefined) break;
    rank = b.count;
  }
  const low = lowerRank === undefined || lowerRank > count ? count : lowerRank;
  const high = upperRank === undefined || upperRank > count ? count : upperRank;
  return (high - low) / count;
}

function byUpper(a: ClassicBucket, b: ClassicBucket): number {
  return a.upper < b.upper ? -1 : a.upper > b.upper ? 1 : 0;
}

/** Adds up sorted buckets with equal bounds. */
function coalesce(buckets: ClassicBucket[]): ClassicBucket[] {
  const out: ClassicBucket[] = [];
  for (const bucket of buckets) {
    const last = out[out.length - 1];
    if (last !== undefined && last.upper === bucket.upper) last.count += bucket.count;
    else out.push({ upper: bucket.upper, count: bucket.count });
  }
  return out;
}

/** Makes counts monotonic: tiny differences are rounding errors, larger decreases are flattened. */
function repair(buckets: ClassicBucket[]): { forcedMonotonic: boolean; fixedPrecision: boolean } {
  let forcedMonotonic = false;
  let fixedPrecision = false;
  let previous = (buckets[0] as ClassicBucket).count;
  for (let i = 1; i < buckets.length; i++) {
    const bucket = buckets[i] as ClassicBucket;
    if (bucket.count === previous) continue;
    if (almostEqual(previous, bucket.count, SMALL_DELTA)) {
      bucket.count = previous;
      fixedPrecision = true;
    } else if (bucket.count < previous) {
      bucket.count = previous;
      forcedMonotonic = true;
    } else previous = bucket.count;
  }
  return { forcedMonotonic, fixedPrecision };
}

const MIN_NORMAL = 2.2250738585072014e-308;

/** Equal within a relative tolerance (NaN equals NaN). */
export function almostEqual(a: number, b: number, tolerance: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  const difference = Math.abs(a - b);
  const size = Math.abs(a) + Math.abs(b);
  if (a === 0 || b === 0 || size < MIN_NORMAL) return difference < tolerance * MIN_NORMAL;
  return difference / Math.min(size, Number.MAX_VALUE) < tolerance;
}
