/** Buckets of exponential histograms: spans from dense counts, and merging buckets to a coarser schema. */

import type { BucketSpan, Histogram } from '../model/histogram.ts';

/** Gaps of up to this many empty buckets are kept as zeros inside a span (as Prometheus's clients do). */
const MAX_FILLED_GAP = 2;

/** Buckets by index, for merging and adding. */
export type SparseBuckets = Map<number, number>;

/** Spans and counts of buckets by index. Empty buckets at the ends are left out. */
export function toSpans(buckets: SparseBuckets): { spans: BucketSpan[]; counts: number[] } {
  const spans: { offset: number; length: number }[] = [];
  const counts: number[] = [];
  let next = 0;
  for (const index of [...buckets.keys()].sort((a, b) => a - b)) {
    const count = buckets.get(index) as number;
    if (count === 0) continue;
    const span = spans.at(-1);
    const gap = index - next;
    if (span === undefined || gap > MAX_FILLED_GAP) {
      spans.push({ offset: gap, length: 1 });
    } else {
      span.length += gap + 1;
      for (let i = 0; i < gap; i++) counts.push(0);
    }
    counts.push(count);
    next = index + 1;
  }
  return { spans, counts };
}

/** Buckets by index from spans and counts; index i covers (base^(i-1), base^i]. */
export function fromSpans(spans: readonly BucketSpan[], counts: readonly number[]): SparseBuckets {
  const buckets: SparseBuckets = new Map();
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) buckets.set(index++, counts[at++] as number);
  }
  return buckets;
}

/**
 * The index of the bucket that holds bucket `index` when the schema is lowered by `levels`. Upper bounds belong to
 * their bucket, so index i goes to ceil(i / 2^levels).
 */
export function coarserIndex(index: number, levels: number): number {
  return levels >= 31 ? (index > 0 ? 1 : 0) : ((index - 1) >> levels) + 1;
}

export function coarser(buckets: SparseBuckets, levels: number): SparseBuckets {
  if (levels === 0) return buckets;
  const merged: SparseBuckets = new Map();
  for (const [index, count] of buckets) {
    const target = coarserIndex(index, levels);
    merged.set(target, (merged.get(target) ?? 0) + count);
  }
  return merged;
}

/** The histogram with the coarser `schema`. */
export function reduceResolution(histogram: Histogram, schema: number): Histogram {
  const levels = histogram.schema - schema;
  const positive = toSpans(coarser(fromSpans(histogram.positiveSpans, histogram.positiveCounts), levels));
  const negative = toSpans(coarser(fromSpans(histogram.negativeSpans, histogram.negativeCounts), levels));
  return {
    ...histogram,
    schema,
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
  };
}
