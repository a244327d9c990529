/**
 * What LogQL asks of storage. `hints` change the cost, never the answer: the engine applies every stage itself to
 * whatever comes back, so a source may skip lines only when a hint proves them unwanted.
 */

import type { Labels } from './labels.ts';
import type { Matcher } from './matcher.ts';

/** A line filter that stands before any stage which changes the line. All of a list must hold. */
export type LineHint =
  | { readonly kind: 'contains'; readonly any: readonly string[]; readonly negate: boolean }
  | { readonly kind: 'regex'; readonly any: readonly string[]; readonly negate: boolean };

export interface LogHints {
  readonly lines?: readonly LineHint[];
  /**
   * Tests of labels that stand before any stage which adds labels: of the stream's label where the stream has one of
   * that name, else of structured metadata. Metadata names are compared as label names (`k8s.pod` is `k8s_pod`); where
   * a stream has the name, the metadata's label is called `NAME_extracted`.
   */
  readonly metadata?: readonly Matcher[];
}

/** Lines of streams that satisfy all matchers with startNs <= time < endNs. */
export interface LogSelect {
  readonly tenant: string;
  readonly matchers: readonly Matcher[];
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly direction: 'forward' | 'backward';
  /** Set only when every returned line is wanted for certain (all filters are in the hints). */
  readonly limit?: number;
  readonly hints: LogHints;
  /** False when the lines themselves are not needed (only counts): `lines` are then empty strings, `lineBytes` right. */
  readonly needLines: boolean;
  /** False when nothing looks at structured metadata: `metadata` may then be empty label sets. */
  readonly needMetadata?: boolean;
  /** Lines may come in any order (each stream's own lines still in order of time), which is cheaper. */
  readonly anyOrder?: boolean;
}

/** A block of lines in the order that was asked for. Row i belongs to streams[streamIndex[i]]. */
export interface LogBlock {
  readonly streams: readonly Labels[];
  readonly streamIndex: Uint32Array;
  readonly timesNs: BigInt64Array;
  readonly lines: readonly string[];
  readonly lineBytes: Uint32Array;
  /** Structured metadata of each line, sorted by name, detected_level, trace_id and span_id included. */
  readonly metadata: readonly Labels[];
}

export interface StreamQuery {
  readonly tenant: string;
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly limit?: number;
}

/** What a bucketed count asks: exact only if the whole pipeline is expressed by the hints. */
export interface LogBuckets {
  readonly select: LogSelect;
  /** Point i covers (startNs + i*stepNs - windowNs, startNs + i*stepNs]. */
  readonly gridStartNs: bigint;
  readonly stepNs: bigint;
  readonly points: number;
  readonly windowNs: bigint;
  readonly measure: 'lines' | 'bytes';
  /**
   * Group by these labels (of the stream, else of structured metadata; absent ones left out); undefined: by the whole
   * label set of stream and metadata.
   */
  readonly by?: readonly string[];
}

export interface LogsSource {
  /** Blocks in time order over all streams. Stop iterating to cancel. Time ties may come in any order. */
  select(request: LogSelect, signal?: AbortSignal): AsyncIterable<LogBlock>;
  /**
   * Bucketed counts computed in storage, or undefined when the source cannot do this one exactly. `present[i]` is 0
   * where a group has no line at point i. A step of 0 means a single point.
   */
  buckets?(
    request: LogBuckets,
    signal?: AbortSignal,
  ): Promise<{ labels: Labels; values: Float64Array; present: Uint8Array }[] | undefined>;
  streams(query: StreamQuery, signal?: AbortSignal): Promise<Labels[]>;
  labelNames(query: StreamQuery, signal?: AbortSignal): Promise<string[]>;
  labelValues(name: string, query: StreamQuery, signal?: AbortSignal): Promise<string[]>;
  /** Per stream: lines and bytes in the time range. */
  volume(
    query: StreamQuery,
    signal?: AbortSignal,
  ): Promise<{ labels: Labels; lines: number; bytes: number; chunks: number }[]>;
}
