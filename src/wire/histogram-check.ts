/** Checks native histograms as Prometheus does before it takes them. */

import { type BucketSpan, CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../model/histogram.ts';

/** Why a histogram cannot be stored, or undefined when it can. */
export function refuseHistogram(histogram: Histogram, maxBuckets: number): string | undefined {
  const { schema, positiveSpans, positiveCounts, negativeSpans, negativeCounts, customValues } = histogram;
  if (positiveCounts.length + negativeCounts.length > maxBuckets) {
    return `histogram of more than ${maxBuckets} buckets (max-histogram-buckets)`;
  }
  const spans = refuseSpans(positiveSpans, positiveCounts) ?? refuseSpans(negativeSpans, negativeCounts);
  if (spans !== undefined) return spans;
  if (schema === CUSTOM_BUCKETS_SCHEMA) {
    if (negativeCounts.length > 0 || histogram.zeroCount !== 0) {
      return 'histogram with custom buckets must not have negative buckets or a zero bucket';
    }
    let last = Number.NEGATIVE_INFINITY;
    for (const bound of customValues) {
      if (!(bound > last) || bound === Infinity)
        return 'custom bounds of a histogram must be ascending and finite';
      last = bound;
    }
    let index = 0;
    for (const span of positiveSpans) index += span.offset + span.length;
    if (index > customValues.length + 1) return 'histogram has more buckets than custom bounds';
    if ((positiveSpans[0]?.offset ?? 0) < 0)
      return 'histogram with custom buckets must not start below bucket 0';
  } else {
    if (!Number.isInteger(schema) || schema < -4 || schema > 8)
      return 'histogram schema must be -4 to 8, or -53';
    if (customValues.length > 0) return 'histogram with exponential buckets must not have custom bounds';
  }
  let buckets = histogram.zeroCount;
  for (const count of positiveCounts) {
    if (count < 0) return 'histogram bucket with a negative count';
    buckets += count;
  }
  for (const count of negativeCounts) {
    if (count < 0) return 'histogram bucket with a negative count';
    buckets += count;
  }
  // Observations of NaN are counted in no bucket; with NaN as sum the count may be larger. Floats may be rounded.
  if (
    !histogram.isFloat &&
    (Number.isNaN(histogram.sum) ? buckets > histogram.count : buckets !== histogram.count)
  ) {
    return 'histogram buckets do not add up to its count';
  }
  if (!(histogram.count >= 0) || !(histogram.zeroCount >= 0)) return 'histogram with a negative count';
  return undefined;
}

function refuseSpans(spans: readonly BucketSpan[], counts: readonly number[]): string | undefined {
  let buckets = 0;
  for (let i = 0; i < spans.length; i++) {
    const { offset, length } = spans[i] as BucketSpan;
    if (i > 0 && offset < 0) return 'histogram span with a negative offset';
    buckets += length;
  }
  return buckets === counts.length ? undefined : 'histogram spans do not match its buckets';
}
