/**
 * A native (exponential) histogram that is filled value by value and bounded in its buckets: when it has too many,
 * its resolution is halved. It knows nothing of series or time.
 */

import type { BucketSpan, Histogram } from '../../model/histogram.ts';

/** Values up to this count as zero (as Prometheus's client libraries have it: 2^-128). */
const ZERO_THRESHOLD = 2 ** -128;
const MIN_SCHEMA = -4;

export class NativeBuckets {
  readonly #maxBuckets: number;
  #schema: number;
  #zeroCount = 0;
  #counts = new Map<number, number>();

  constructor(schema: number, maxBuckets: number) {
    this.#schema = schema;
    this.#maxBuckets = maxBuckets;
  }

  /** Counts a value (not negative) `weight` times. */
  observe(value: number, weight: number): void {
    if (!(value > ZERO_THRESHOLD)) {
      this.#zeroCount += weight;
      return;
    }
    const index = bucketIndex(value, this.#schema);
    const count = this.#counts.get(index);
    this.#counts.set(index, (count ?? 0) + weight);
    if (count === undefined) {
      while (this.#counts.size > this.#maxBuckets && this.#schema > MIN_SCHEMA) this.#halve();
    }
  }

  #halve(): void {
    const merged = new Map<number, number>();
    for (const [index, count] of this.#counts) {
      const wide = Math.ceil(index / 2);
      merged.set(wide, (merged.get(wide) ?? 0) + count);
    }
    this.#counts = merged;
    this.#schema--;
  }

  /** The histogram as it stands. */
  histogram(sum: number): Histogram {
    const indices = [...this.#counts.keys()].sort((a, b) => a - b);
    const spans: { offset: number; length: number }[] = [];
    const counts: number[] = [];
    let count = this.#zeroCount;
    let whole = Number.isInteger(this.#zeroCount);
    let next = 0;
    for (const index of indices) {
      const last = spans.at(-1);
      if (last !== undefined && index === next) last.length++;
      else spans.push({ offset: last === undefined ? index : index - next, length: 1 });
      next = index + 1;
      const here = this.#counts.get(index) as number;
      counts.push(here);
      count += here;
      whole &&= Number.isInteger(here);
    }
    return {
      schema: this.#schema,
      count,
      sum,
      zeroThreshold: ZERO_THRESHOLD,
      zeroCount: this.#zeroCount,
      positiveSpans: spans satisfies BucketSpan[],
      positiveCounts: counts,
      negativeSpans: [],
      negativeCounts: [],
      customValues: [],
      counterReset: 'unknown',
      isFloat: !whole,
    };
  }
}

/** The bucket of a positive value: the smallest i with value <= 2^(i * 2^-schema). */
export function bucketIndex(value: number, schema: number): number {
  const scale = 2 ** schema;
  const index = Math.ceil(Math.log2(value) * scale);
  // The logarithm is off by an ulp now and then: the neighbours' bounds decide.
  if (value <= 2 ** ((index - 1) / scale)) return index - 1;
  return value > 2 ** (index / scale) ? index + 1 : index;
}
