/** Power-of-two buckets, as Tempo counts for quantiles and histograms, and quantiles of them. */

import type { Static } from '../static.ts';

const NS_PER_SECOND = 1e9;

/** The least power of two that is not below the number (at least 2). */
export function roundUpToPower(value: number): number {
  let power = 2 ** Math.ceil(Math.log2(value));
  // log2 of numbers next to a power may be off by a bit.
  if (power / 2 >= value) power /= 2;
  else if (power < value) power *= 2;
  return power;
}

/** The upper bound of a value's bucket; durations in seconds. Values below 2 (ns) and doubles have none. */
export function log2Bucket(value: Static): number | undefined {
  if ((value.type !== 'int' && value.type !== 'duration') || value.value < 2n) return undefined;
  const power = roundUpToPower(Number(value.value));
  return value.type === 'duration' ? power / NS_PER_SECOND : power;
}

/**
 * The quantile of bucketed values: interpolated exponentially within the bucket where it falls; the bucket's bound when
 * its last value is hit exactly. 0 when there are none. `bounds` ascend, `counts` belong to them.
 */
export function quantile(q: number, bounds: readonly number[], counts: readonly number[]): number {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0 || !(q >= 0 && q <= 1)) return 0;
  const wanted = Math.max(1, Math.ceil(q * total));
  let seen = 0;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    const count = counts[i] as number;
    const bound = bounds[i] as number;
    if (seen + count > wanted) {
      const lower = Math.log2(below === 0 ? bound / 2 : below);
      const upper = Math.log2(bound);
      return 2 ** (lower + (upper - lower) * ((wanted - seen) / count));
    }
    seen += count;
    if (seen === wanted) return bound;
    if (count > 0) below = bound;
  }
  return bounds.at(-1) ?? 0;
}
