/** Exemplars that nobody sent: spans whose duration falls into a histogram's bucket at that time. */

import type { Exemplar } from './batch.ts';
import type { Labels } from './labels.ts';

/** The label that tells an inferred exemplar from one that was sent. */
export const INFERRED_LABEL = 'inferred';

export interface InferExemplarsQuery {
  readonly tenant: string;
  /** Series of histograms: classic buckets (`le` in seconds or milliseconds by the name's unit) or native ones. */
  readonly series: readonly Labels[];
  readonly startMs: number;
  readonly endMs: number;
  /** At most this many for each series. */
  readonly limitPerSeries: number;
}

/**
 * Finds spans of the same service (the part of `job` behind the last '/') and route whose duration lies in the bucket.
 * Each exemplar has the labels trace_id, span_id and inferred="true"; its value is the duration in the metric's unit.
 * Series without any are left out.
 */
export type InferExemplars = (
  query: InferExemplarsQuery,
  signal?: AbortSignal,
) => Promise<{ labels: Labels; exemplars: Exemplar[] }[]>;
