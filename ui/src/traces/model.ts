/**
 * The trace as the trace pages see it: flat spans with exact times, and values of every OTLP type.
 * Knows nothing of HTTP, of React, or of how a trace is drawn.
 */

export type SpanKind = 'unspecified' | 'internal' | 'server' | 'client' | 'producer' | 'consumer';
export type SpanStatus = 'unset' | 'ok' | 'error';

/** An OTLP AnyValue: 64-bit integers stay exact, bytes are shown as hex text. */
export type AttributeValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'bytes'; readonly value: string }
  | { readonly type: 'array'; readonly value: readonly AttributeValue[] }
  | { readonly type: 'map'; readonly value: readonly Attribute[] }
  | { readonly type: 'empty'; readonly value: null };

export interface Attribute {
  readonly key: string;
  readonly value: AttributeValue;
}

/** The process that made spans; one object is shared by all of its spans. */
export interface Resource {
  readonly service: string;
  readonly attributes: readonly Attribute[];
}

/** The instrumentation library that made spans; shared likewise. */
export interface Scope {
  readonly name: string;
  readonly version: string;
  readonly attributes: readonly Attribute[];
}

export interface SpanEvent {
  readonly timeNs: bigint;
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly droppedAttributes: number;
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState: string;
  readonly attributes: readonly Attribute[];
}

/** How a span entered the model, where that was not the ordinary way. */
export interface Dropped {
  readonly attributes: number;
  readonly events: number;
  readonly links: number;
}

export interface Span {
  /** 32 and 16 lower-case hex digits; `parentSpanId` is empty for a root. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Never negative: a span that ends before it starts lasts 0. */
  readonly durationNs: number;
  readonly status: SpanStatus;
  readonly statusMessage: string;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly attributes: readonly Attribute[];
  readonly events: readonly SpanEvent[];
  readonly links: readonly SpanLink[];
  readonly dropped: Dropped | null;
}

/** A decoded answer: spans in the order of the answer, and whether the server said that some are missing. */
export interface DecodedTrace {
  readonly spans: readonly Span[];
  readonly partial: boolean;
  /** The server's reason when partial, or empty. */
  readonly message: string;
}

/** The attribute's value, or undefined. Linear: attribute lists are short. */
export function attribute(attributes: readonly Attribute[], key: string): AttributeValue | undefined {
  for (const a of attributes) if (a.key === key) return a.value;
  return undefined;
}

/** The value of the first of `keys` that is present, as text; empty if none is. */
export function attributeText(attributes: readonly Attribute[], ...keys: string[]): string {
  for (const key of keys) {
    const v = attribute(attributes, key);
    if (v !== undefined && v.type !== 'empty') return valueText(v);
  }
  return '';
}

/** A value as a person reads it; arrays and maps in JSON's manner. */
export function valueText(v: AttributeValue): string {
  switch (v.type) {
    case 'string':
      return v.value;
    case 'int':
      return v.value.toString();
    case 'double':
    case 'bool':
      return String(v.value);
    case 'bytes':
      return `0x${v.value}`;
    case 'empty':
      return '';
    default:
      return nestedText(v);
  }
}

function nestedText(v: AttributeValue): string {
  if (v.type === 'array') return `[${v.value.map(nestedText).join(', ')}]`;
  if (v.type === 'map')
    return `{${v.value.map((a) => `${JSON.stringify(a.key)}: ${nestedText(a.value)}`).join(', ')}}`;
  if (v.type === 'string') return JSON.stringify(v.value);
  return v.type === 'empty' ? 'null' : valueText(v);
}
