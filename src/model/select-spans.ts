/**
 * What TraceQL and the Tempo API ask of storage. Conditions are hints: they find candidate traces, the engine
 * tests whole traces itself, so a source may return too many traces, never too few.
 */

/** A typed attribute value. Integers are bigint, arrays are homogeneous or `other` (OTLP JSON text). */
export type AttributeValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'array'; readonly value: readonly AttributeValue[] }
  | { readonly type: 'other'; readonly json: string };

export type Attributes = ReadonlyMap<string, AttributeValue>;

export interface SpanEvent {
  readonly timeNs: bigint;
  readonly name: string;
  readonly attributes: Attributes;
}

export interface SpanLink {
  /** Lower-case hex, 32 and 16 digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: Attributes;
}

export interface Resource {
  readonly attributes: Attributes;
}

export interface InstrumentationScope {
  readonly name: string;
  readonly version: string;
  readonly attributes: Attributes;
}

/** A span as read back. Kind and status are OTLP's numbers. Ids are lower-case hex; parentId is '' for a root. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly traceState: string;
  readonly flags: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}

export type AttributeScope = 'span' | 'resource' | 'event' | 'link' | 'instrumentation';
export type SpanField =
  | { readonly kind: 'attribute'; readonly scope: AttributeScope | 'any'; readonly name: string }
  | {
      readonly kind: 'intrinsic';
      readonly name:
        | 'name'
        | 'kind'
        | 'status'
        | 'statusMessage'
        | 'durationNs'
        | 'startNs'
        | 'traceId'
        | 'spanId'
        | 'parentId'
        | 'eventName'
        | 'scopeName'
        | 'scopeVersion'
        /** Of the trace's root, '' while it has none: only for tagValues, without a condition. */
        | 'rootName'
        | 'rootServiceName';
    };

/** A test of one field of one span. Only what storage can do exactly or as a superset is handed over. */
export type SpanCondition =
  | { readonly op: 'and' | 'or'; readonly of: readonly SpanCondition[] }
  | {
      readonly op: '=' | '!=' | '<' | '<=' | '>' | '>=' | '=~' | '!~';
      readonly field: SpanField;
      readonly value: AttributeValue;
    }
  | { readonly op: 'exists'; readonly field: SpanField }
  | { readonly op: 'true' };

export interface TraceSelect {
  readonly tenant: string;
  /** Traces with a span that overlaps [startNs, endNs]; all spans of such a trace are returned, also those outside. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Each must be satisfied by at least one span of the trace (they come from different spansets). */
  readonly anySpan: readonly SpanCondition[];
}

export interface SpanSelect {
  readonly tenant: string;
  /** Spans with startNs <= span.startNs < endNs. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly condition: SpanCondition;
}

export interface TagQuery {
  readonly tenant: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly condition?: SpanCondition;
  readonly limit?: number;
  /** Only spans without events and links whose instrumentation scope has no attributes. */
  readonly plainSpansOnly?: boolean;
}

/** What a bucketed aggregation asks: one number per group and time bucket, of spans that meet an exact condition. */
export interface SpanBuckets {
  readonly tenant: string;
  /** Point i covers (gridStartNs + (i-1)*stepNs, gridStartNs + i*stepNs], by the spans' start. */
  readonly gridStartNs: bigint;
  readonly stepNs: bigint;
  readonly points: number;
  readonly condition: SpanCondition;
  /** No field of scope `any`, of events or of links. */
  readonly by: readonly SpanField[];
  readonly measure:
    | { readonly kind: 'count' }
    /** Of the numbers (int, double) that the spans have in this field; spans without one are left out. */
    | { readonly kind: 'sum' | 'min' | 'max'; readonly field: SpanField }
    /** Counts per power of two that an int of at least 2 is rounded up to. */
    | { readonly kind: 'log2'; readonly field: SpanField };
  /** At most this many exemplars over all. */
  readonly exemplars: number;
}

/** One group of a bucketed aggregation. */
export interface SpanBucketGroup {
  /** One per field of `by`; undefined where the spans have no such attribute. Status and kind are ints. */
  readonly by: readonly (AttributeValue | undefined)[];
  /** Spans per point (those with a number, where a field is measured). */
  readonly counts: Float64Array;
  /** Sum, minimum or maximum per point; meaningless where `counts` is 0. */
  readonly values?: Float64Array;
  /** For `log2`: counts per point by upper bound. */
  readonly buckets?: ReadonlyMap<number, Float64Array>;
  readonly exemplars: readonly {
    readonly traceId: string;
    readonly startNs: bigint;
    readonly value?: number;
  }[];
}

export interface SpansSource {
  /** All spans of a trace; [] when unknown. */
  trace(
    tenant: string,
    traceId: string,
    range?: { startNs: bigint; endNs: bigint },
    signal?: AbortSignal,
  ): Promise<Span[]>;
  /** Candidate traces, newest start first. Stop iterating to cancel (early stop at the limit). */
  traces(request: TraceSelect, signal?: AbortSignal): AsyncIterable<{ traceId: string; spans: Span[] }>;
  /** Bucketed aggregation done in storage, or undefined when the source cannot do this one exactly. */
  buckets?(request: SpanBuckets, signal?: AbortSignal): Promise<SpanBucketGroup[] | undefined>;
  /** Single spans in time order, for metrics that need no structure. */
  spans(request: SpanSelect, signal?: AbortSignal): AsyncIterable<Span[]>;
  tagNames(query: TagQuery, signal?: AbortSignal): Promise<{ scope: AttributeScope; names: string[] }[]>;
  tagValues(field: SpanField, query: TagQuery, signal?: AbortSignal): Promise<AttributeValue[]>;
}
