/** Boundaries of native histograms' buckets. */

import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../../../model/histogram.ts';

const MAX_SCHEMA = 8;

/**
 * Prometheus keeps its borders in a table that deviates a little from the correctly rounded values. Equal borders
 * matter more than right ones, so this says by how many units in the last place each of the 256 is lower (`p`: one
 * higher).
 */
const DEVIATIONS =
  '00000010001000000012001111111111001000100111001100110p1100110011' +
  '0000001111221021001000100001000000010p00102200110111001010221111' +
  '1010112211211011111111212122212200110010112210221122101121221121' +
  '1132112122322232222222333344324311211222213311222132112222432233';

/** 2^(i/256) for i in 0..255, as Prometheus has them. */
let roots: Float64Array | undefined;

function fineRoots(): Float64Array {
  if (roots !== undefined) return roots;
  // 2^(1/256) in fixed point by eight square roots, then its powers; 200 bits leave ample room for rounding.
  const bits = 200n;
  let root = 2n << bits;
  for (let i = 0; i < MAX_SCHEMA; i++) root = squareRoot(root << bits);
  roots = new Float64Array(2 ** MAX_SCHEMA);
  let power = 1n << bits;
  const integers = new BigInt64Array(roots.buffer);
  for (let i = 0; i < roots.length; i++) {
    roots[i] = Number(power) / 2 ** Number(bits);
    const deviation = DEVIATIONS[i] as string;
    integers[i] = (integers[i] as bigint) - (deviation === 'p' ? -1n : BigInt(deviation));
    power = (power * root) >> bits;
  }
  return roots;
}

function squareRoot(value: bigint): bigint {
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1);
  for (;;) {
    const y = (x + value / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}

/** The upper bound of the positive exponential bucket with this index: 2^(index * 2^-schema). */
export function exponentialBound(index: number, schema: number): number {
  if (schema <= 0) {
    const exponent = index * 2 ** -schema;
    // The last bucket before the one for infinities ends at the largest number.
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const perPower = 2 ** schema;
  const power = Math.floor(index / perPower);
  const part = index - power * perPower;
  if (part === 0) return power === 1024 ? Number.MAX_VALUE : 2 ** power;
  const root = fineRoots()[part * 2 ** (MAX_SCHEMA - schema)] as number;
  return power < -1000 ? root * 2 ** (power + 100) * 2 ** -100 : root * 2 ** power;
}

export function usesCustomBuckets(histogram: Histogram): boolean {
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA;
}

/** One bucket with its borders. */
export interface Bucket {
  lower: number;
  upper: number;
  lowerInclusive: boolean;
  upperInclusive: boolean;
  count: number;
}

function customBound(index: number, bounds: readonly number[]): number {
  if (index < 0) return Number.NEGATIVE_INFINITY;
  return index < bounds.length ? (bounds[index] as number) : Number.POSITIVE_INFINITY;
}

/** Buckets on the positive side with their index, ascending; empty ones included. */
export function positiveBuckets(h: Histogram): { index: number; bucket: Bucket }[] {
  return sideBuckets(h, true);
}

/** Buckets on the negative side by ascending index, so descending in value; empty ones included. */
export function negativeBuckets(h: Histogram): { index: number; bucket: Bucket }[] {
  return sideBuckets(h, false);
}

function sideBuckets(h: Histogram, positive: boolean): { index: number; bucket: Bucket }[] {
  const spans = positive ? h.positiveSpans : h.negativeSpans;
  const counts = positive ? h.positiveCounts : h.negativeCounts;
  const custom = usesCustomBuckets(h);
  const out: { index: number; bucket: Bucket }[] = [];
  let index = 0;
  let at = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length; i++, index++, at++) {
      const count = counts[at] as number;
      const high = custom ? customBound(index, h.customValues) : exponentialBound(index, h.schema);
      const low = custom ? customBound(index - 1, h.customValues) : exponentialBound(index - 1, h.schema);
      out.push({
        index,
        bucket: positive
          ? {
              lower: low,
              upper: high,
              lowerInclusive: custom && low === Number.NEGATIVE_INFINITY,
              upperInclusive: true,
              count,
            }
          : { lower: -high, upper: -low, lowerInclusive: true, upperInclusive: false, count },
      });
    }
  }
  return out;
}

/**
 * All buckets in ascending order of value: negative, zero, positive. Where a bucket overlaps the zero bucket, its
 * border is set to the zero threshold.
 */
export function allBuckets(h: Histogram): Bucket[] {
  const zero = h.zeroThreshold;
  const out: Bucket[] = [];
  for (const { bucket } of negativeBuckets(h).reverse()) {
    if (bucket.upper < 0 && bucket.upper > -zero) bucket.upper = -zero;
    out.push(bucket);
  }
  if (h.zeroCount > 0) {
    out.push({ lower: -zero, upper: zero, lowerInclusive: true, upperInclusive: true, count: h.zeroCount });
  }
  for (const { bucket } of positiveBuckets(h)) {
    if (bucket.lower > 0 && bucket.lower < zero) bucket.lower = zero;
    out.push(bucket);
  }
  return out;
}

/** Populated buckets in ascending order, as the HTTP API shows them. */
export function populatedBuckets(h: Histogram): Bucket[] {
  return allBuckets(h).filter((bucket) => bucket.count !== 0);
}
