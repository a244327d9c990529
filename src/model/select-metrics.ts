/**
 * What PromQL asks of storage. Hints change the cost of an answer, never the answer: a source may ignore all of
 * them, and then returns raw samples.
 */

import type { Exemplar, MetricMetadata } from './batch.ts';
import type { Histogram } from './histogram.ts';
import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';

/** Functions that storage may compute on a time grid instead of sending raw samples. */
export type GridFunction =
  | 'last'
  | 'rate'
  | 'irate'
  | 'increase'
  | 'delta'
  | 'idelta'
  | 'changes'
  | 'resets'
  | 'sum_over_time'
  | 'avg_over_time'
  | 'min_over_time'
  | 'max_over_time'
  | 'count_over_time'
  | 'last_over_time'
  | 'present_over_time';

/** The grid: points at startMs, startMs+stepMs, ..., endMs; each looks at (point-windowMs, point]. Offset already applied. */
export interface GridHint {
  readonly func: GridFunction;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly windowMs: number;
  /** The aggregation that follows at once, which storage may do as well. */
  readonly grouping?: {
    readonly op: 'sum' | 'count' | 'min' | 'max' | 'avg' | 'group';
    readonly by: boolean;
    readonly labels: readonly string[];
  };
}

/** Series whose labels satisfy all matchers with samples in [startMs, endMs] (both inclusive). */
export interface MetricSelect {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly startMs: number;
  readonly endMs: number;
  readonly grid?: GridHint;
  /** At most this many samples may be returned; beyond, a LimitError('query.max-samples'). */
  readonly maxSamples?: number;
}

/** Raw samples of one series, ascending in time, one sample per time. Floats and histograms never share a time. */
export interface RawSeries {
  readonly labels: Labels;
  readonly timestampsMs: Float64Array;
  /** float64 bits as stored: stale markers keep their payload (test through a Uint32Array view). */
  readonly values: Float64Array;
  /** Histogram samples, ascending in time; null histogram = stale marker. */
  readonly histograms: readonly { readonly timestampMs: number; readonly histogram: Histogram | null }[];
}

/** Points of one series (or group) on the requested grid; `present[i]` = 0 where there is no point. */
export interface GridSeries {
  readonly labels: Labels;
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

/** Storage says what it did: raw samples, or the grid (`grouped` = the grouping hint was carried out as well). */
export type MetricSelectResult =
  | { readonly kind: 'raw'; readonly series: readonly RawSeries[] }
  | { readonly kind: 'grid'; readonly grouped: boolean; readonly series: readonly GridSeries[] };

/** Matcher sets are alternatives (match[] may be repeated); an empty list means everything. */
export interface SeriesQuery {
  readonly tenant: string;
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly startMs: number;
  readonly endMs: number;
  readonly limit?: number;
}

/** What the Prometheus API and PromQL read. All calls stop their work in storage when the signal aborts. */
export interface MetricsSource {
  select(request: MetricSelect, signal?: AbortSignal): Promise<MetricSelectResult>;
  series(query: SeriesQuery, signal?: AbortSignal): Promise<Labels[]>;
  labelNames(query: SeriesQuery, signal?: AbortSignal): Promise<string[]>;
  labelValues(name: string, query: SeriesQuery, signal?: AbortSignal): Promise<string[]>;
  exemplars(query: SeriesQuery, signal?: AbortSignal): Promise<{ labels: Labels; exemplars: Exemplar[] }[]>;
  metadata(tenant: string, family?: string, limit?: number): Promise<MetricMetadata[]>;
}
