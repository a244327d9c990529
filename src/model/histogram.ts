/**
 * Native histograms in Prometheus's model. Buckets are absolute counts (never deltas), as float64: integer
 * histograms are floats without fraction, `isFloat` tells how they came in.
 */

/** Schema of histograms with custom bucket bounds (classic histograms kept natively). */
export const CUSTOM_BUCKETS_SCHEMA = -53;

/** Whether the counter may have been reset before this sample. Gauge histograms are never counters. */
export type CounterResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';

/** A run of consecutive buckets. The first span's offset is the index of its first bucket, later ones are gaps. */
export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

export interface Histogram {
  /** -4..8: exponential with base 2^(2^-schema); -53: custom bounds. */
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positiveSpans: readonly BucketSpan[];
  /** Absolute counts, one per bucket of the spans. */
  readonly positiveCounts: readonly number[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly negativeCounts: readonly number[];
  /** Upper bounds, ascending, +Inf left out; only for schema -53. */
  readonly customValues: readonly number[];
  readonly counterReset: CounterResetHint;
  readonly isFloat: boolean;
}
