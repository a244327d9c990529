/**
 * Columnar batches: what wire decoders make and storage writers take. One batch is what one push carries for one
 * tenant; an acknowledgement is given for a batch as a whole.
 */

import type { AttributeColumn, Dictionary } from './attributes.ts';
import type { BytesColumn, Slots8, Slots32, Slots64 } from './column.ts';
import type { Histogram } from './histogram.ts';
import type { Labels } from './labels.ts';

/** An example of what was counted, with a link to its trace. Time in milliseconds. */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

/** What a metric is, by metric family name (as Prometheus keeps it). */
export interface MetricMetadata {
  readonly family: string;
  readonly type:
    | 'counter'
    | 'gauge'
    | 'histogram'
    | 'gaugehistogram'
    | 'summary'
    | 'info'
    | 'stateset'
    | 'unknown';
  readonly help: string;
  readonly unit: string;
}

/** Samples of many series. Row i: series[seriesIndex[i]] had values[i] at timestampsMs[i]. */
export interface MetricBatch {
  readonly tenant: string;
  /** Distinct series of this batch, metric name included. */
  readonly series: Labels[];
  readonly seriesIndex: Slots32;
  /** Milliseconds since the epoch, as float64 (exact below 2^53). */
  readonly timestampsMs: Slots64;
  /** float64 bits, stale marker's payload kept. */
  readonly values: Slots64;
  readonly histograms: {
    readonly series: number;
    readonly timestampMs: number;
    readonly stale: boolean;
    readonly histogram: Histogram | null;
  }[];
  readonly exemplars: { readonly series: number; readonly exemplar: Exemplar }[];
  readonly metadata: MetricMetadata[];
}

/** Log records of many streams. */
export interface LogBatch {
  readonly tenant: string;
  /** Distinct streams (indexed labels) of this batch. */
  readonly streams: Labels[];
  readonly streamIndex: Slots32;
  /** Nanoseconds since the epoch. */
  readonly timesNs: Slots64;
  /** When the collector saw it; 0 when unknown. */
  readonly observedNs: Slots64;
  /** The line, UTF-8. */
  readonly bodies: BytesColumn;
  /** OTLP severity number, 0 when unknown. */
  readonly severities: Slots8;
  /** 16 bytes each, or empty. */
  readonly traceIds: BytesColumn;
  /** 8 bytes each, or empty. */
  readonly spanIds: BytesColumn;
  /** Structured metadata: all values are strings (Loki's model), trace_id, span_id and detected_level included. */
  readonly keys: Dictionary;
  readonly metadata: AttributeColumn;
}

/** Span kinds and status codes carry OTLP's numbers. Row i of every column belongs to span i. */
export interface SpanBatch {
  readonly tenant: string;
  /** Attribute keys of resources, scopes, spans, events and links. */
  readonly keys: Dictionary;
  /** Row r: attributes of resource r. */
  readonly resources: AttributeColumn;
  readonly resourceIndex: Slots32;
  /** Row s: attributes, name and version of scope s. */
  readonly scopes: AttributeColumn;
  readonly scopeNames: string[];
  readonly scopeVersions: string[];
  readonly scopeIndex: Slots32;
  /** 16 bytes each. */
  readonly traceIds: BytesColumn;
  /** 8 bytes each. */
  readonly spanIds: BytesColumn;
  /** 8 bytes each, or empty for a root. */
  readonly parentIds: BytesColumn;
  readonly startsNs: Slots64;
  readonly endsNs: Slots64;
  readonly names: BytesColumn;
  readonly kinds: Slots8;
  readonly statusCodes: Slots8;
  readonly statusMessages: BytesColumn;
  readonly traceStates: BytesColumn;
  readonly flags: Slots32;
  readonly attributes: AttributeColumn;
  readonly droppedAttributes: Slots32;
  readonly droppedEvents: Slots32;
  readonly droppedLinks: Slots32;
  /** End of each span's events in the event columns. */
  readonly eventEnds: Slots32;
  readonly eventTimesNs: Slots64;
  readonly eventNames: BytesColumn;
  readonly eventAttributes: AttributeColumn;
  /** End of each span's links in the link columns. */
  readonly linkEnds: Slots32;
  readonly linkTraceIds: BytesColumn;
  readonly linkSpanIds: BytesColumn;
  readonly linkTraceStates: BytesColumn;
  readonly linkAttributes: AttributeColumn;
}

/**
 * Where receivers hand batches to. A promise is fulfilled only after the data are committed to storage. It rejects
 * with `OverloadedError` (answer 429/503, retry later) or another error (answer 500/503).
 */
export interface BatchSink {
  writeMetrics(batch: MetricBatch): Promise<void>;
  writeLogs(batch: LogBatch): Promise<void>;
  writeSpans(batch: SpanBatch): Promise<void>;
}
