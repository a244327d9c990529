/**
 * Tempo API trace JSON (v2 `{trace: {resourceSpans}}`, v1 `{batches}`, bare OTLP) -> flat spans.
 * Ids may be base64 (protobuf's JSON) or hex (OTLP's JSON); enums numbers or names; 64-bit integers text or
 * numbers. Refuses to guess about trees: see `tree.ts`.
 */

import type {
  Attribute,
  AttributeValue,
  DecodedTrace,
  Dropped,
  Resource,
  Scope,
  Span,
  SpanEvent,
  SpanKind,
  SpanLink,
  SpanStatus,
} from './model.ts';

type Json = Record<string, unknown>;

const KINDS: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES: readonly SpanStatus[] = ['unset', 'ok', 'error'];
const UNKNOWN_SERVICE = 'unknown_service';
const MAX_DEPTH = 32;

/** Thrown when an answer is not a trace at all (an HTML page of a proxy, an unknown shape). */
export class NotATrace extends Error {}

/** Decodes one answer. An empty trace is a valid answer (no spans): the caller says "not found". */
export function decodeTrace(json: unknown): DecodedTrace {
  const top = object(json);
  if (top === null) throw new NotATrace('the answer is not a JSON object');
  const inner = object(top.trace) ?? top;
  const batches = inner.resourceSpans ?? inner.batches ?? (top.trace !== undefined ? [] : undefined);
  if (batches === undefined && Object.keys(inner).length > 0)
    throw new NotATrace('the answer holds neither "trace", "resourceSpans" nor "batches"');
  const spans: Span[] = [];
  for (const batch of list(batches)) decodeBatch(batch, spans);
  const status = top.status;
  return {
    spans,
    partial: status === 'PARTIAL' || status === 1,
    message: text(top.message),
  };
}

function decodeBatch(batch: Json, out: Span[]): void {
  const attributes = decodeAttributes(object(batch.resource)?.attributes);
  const serviceValue = attributes.find((a) => a.key === 'service.name')?.value;
  const service = serviceValue?.type === 'string' ? serviceValue.value : '';
  const resource: Resource = { service: service === '' ? UNKNOWN_SERVICE : service, attributes };
  for (const group of list(batch.scopeSpans ?? batch.instrumentationLibrarySpans)) {
    const raw = object(group.scope ?? group.instrumentationLibrary) ?? {};
    const scope: Scope = {
      name: text(raw.name),
      version: text(raw.version),
      attributes: decodeAttributes(raw.attributes),
    };
    // One trace has one id, written the same way in every span.
    let written: unknown;
    let traceId = '';
    for (const raw of list(group.spans)) {
      if (raw.traceId !== written || traceId === '') {
        written = raw.traceId;
        traceId = hexId(written).padStart(32, '0');
      }
      out.push(new DecodedSpan(raw, traceId, resource, scope));
    }
  }
}

const NONE: readonly never[] = [];

/** Attributes, events and links are decoded when first asked for: most spans are only ever drawn. */
class DecodedSpan implements Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly durationNs: number;
  readonly status: SpanStatus;
  readonly statusMessage: string;
  readonly resource: Resource;
  readonly scope: Scope;
  readonly dropped: Dropped | null;
  readonly #raw: Json;
  #attributes: readonly Attribute[] | null = null;
  #events: readonly SpanEvent[] | null = null;
  #links: readonly SpanLink[] | null = null;

  constructor(raw: Json, traceId: string, resource: Resource, scope: Scope) {
    const parent = hexId(raw.parentSpanId);
    const status = object(raw.status);
    this.#raw = raw;
    this.traceId = traceId;
    this.spanId = hexId(raw.spanId).padStart(16, '0');
    this.parentSpanId = parent === '' || /^0+$/.test(parent) ? '' : parent.padStart(16, '0');
    this.traceState = text(raw.traceState);
    this.name = text(raw.name);
    this.kind = oneOf(raw.kind, KINDS, 'SPAN_KIND_');
    this.startNs = nanoseconds(raw.startTimeUnixNano);
    this.endNs = nanoseconds(raw.endTimeUnixNano);
    this.durationNs = this.endNs > this.startNs ? Number(this.endNs - this.startNs) : 0;
    this.status = oneOf(status?.code, STATUSES, 'STATUS_CODE_');
    this.statusMessage = text(status?.message);
    this.resource = resource;
    this.scope = scope;
    this.dropped = decodeDropped(raw);
  }

  get attributes(): readonly Attribute[] {
    return (this.#attributes ??= decodeAttributes(this.#raw.attributes));
  }

  get events(): readonly SpanEvent[] {
    return (this.#events ??= this.#raw.events === undefined ? NONE : list(this.#raw.events).map(decodeEvent));
  }

  get links(): readonly SpanLink[] {
    return (this.#links ??= this.#raw.links === undefined ? NONE : list(this.#raw.links).map(decodeLink));
  }
}

function decodeEvent(raw: Json): SpanEvent {
  return {
    timeNs: nanoseconds(raw.timeUnixNano),
    name: text(raw.name),
    attributes: decodeAttributes(raw.attributes),
    droppedAttributes: count(raw.droppedAttributesCount),
  };
}

function decodeLink(raw: Json): SpanLink {
  return {
    traceId: hexId(raw.traceId).padStart(32, '0'),
    spanId: hexId(raw.spanId).padStart(16, '0'),
    traceState: text(raw.traceState),
    attributes: decodeAttributes(raw.attributes),
  };
}

function decodeDropped(raw: Json): Dropped | null {
  const attributes = count(raw.droppedAttributesCount);
  const events = count(raw.droppedEventsCount);
  const links = count(raw.droppedLinksCount);
  return attributes + events + links > 0 ? { attributes, events, links } : null;
}

function decodeAttributes(raw: unknown, depth = 0): readonly Attribute[] {
  if (!Array.isArray(raw) || raw.length === 0) return NONE;
  const out: Attribute[] = [];
  for (const item of raw as Json[])
    if (item !== null && typeof item === 'object')
      out.push({ key: text(item.key), value: decodeValue(item.value, depth) });
  return out;
}

/** OTLP AnyValue (common.proto). Unknown or absent members are the empty value. */
export function decodeValue(raw: unknown, depth = 0): AttributeValue {
  const v = object(raw);
  if (v === null || depth > MAX_DEPTH) return { type: 'empty', value: null };
  if (typeof v.stringValue === 'string') return { type: 'string', value: v.stringValue };
  if (v.intValue !== undefined) return { type: 'int', value: integer(v.intValue) };
  if (v.boolValue !== undefined) return { type: 'bool', value: v.boolValue === true };
  if (v.doubleValue !== undefined) return { type: 'double', value: Number(v.doubleValue) };
  if (v.bytesValue !== undefined) return { type: 'bytes', value: base64ToHex(text(v.bytesValue)) };
  if (v.arrayValue !== undefined)
    return {
      type: 'array',
      value: list(object(v.arrayValue)?.values).map((item) => decodeValue(item, depth + 1)),
    };
  if (v.kvlistValue !== undefined)
    return { type: 'map', value: decodeAttributes(object(v.kvlistValue)?.values, depth + 1) };
  return { type: 'empty', value: null };
}

// --- scalars ---------------------------------------------------------------------------------------------

function object(v: unknown): Json | null {
  return v !== null && typeof v === 'object' && !Array.isArray(v) ? (v as Json) : null;
}

function list(v: unknown): Json[] {
  if (!Array.isArray(v)) return [];
  return v.every((x) => x !== null && typeof x === 'object')
    ? (v as Json[])
    : (v.filter((x) => x !== null && typeof x === 'object') as Json[]);
}

function text(v: unknown): string {
  return typeof v === 'string' ? v : '';
}

function count(v: unknown): number {
  return v === undefined ? 0 : Number(v) || 0;
}

function integer(v: unknown): bigint {
  if (typeof v === 'string' && /^-?\d+$/.test(v)) return BigInt(v);
  if (typeof v === 'number' && Number.isFinite(v)) return BigInt(Math.trunc(v));
  return 0n;
}

function nanoseconds(v: unknown): bigint {
  const n = integer(v);
  return n < 0n ? 0n : n;
}

function oneOf<T extends string>(v: unknown, names: readonly T[], prefix: string): T {
  if (typeof v === 'number') return names[v] ?? names[0]!;
  if (typeof v !== 'string') return names[0]!;
  for (const name of names)
    if (v.length === prefix.length + name.length && v.slice(prefix.length).toLowerCase() === name)
      return name;
  return names[Number(v)] ?? names[0]!;
}

/**
 * An id as lower-case hex. Hex ids have 16 or 32 digits (or 1-32 when leading zeros were cut); base64 ids of
 * 8 and 16 bytes have 12 and 24 characters and always end in padding, so the two cannot be confused.
 */
export function hexId(v: unknown): string {
  if (typeof v !== 'string' || v === '') return '';
  if (v.endsWith('=')) return base64ToHex(v);
  return HEX.test(v) ? v.toLowerCase() : base64ToHex(v);
}

const HEX = /^[0-9a-fA-F]{1,32}$/;
const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const SEXTETS = (() => {
  const table = new Int8Array(128).fill(-1);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  for (let i = 0; i < 64; i++) table[alphabet.charCodeAt(i)] = i;
  table['-'.charCodeAt(0)] = 62;
  table['_'.charCodeAt(0)] = 63;
  return table;
})();

/** Base64 (either alphabet, padded or not) to hex; characters outside of it end the text. */
export function base64ToHex(s: string): string {
  let out = '';
  let bits = 0;
  let held = 0;
  for (let i = 0; i < s.length; i++) {
    const code = s.charCodeAt(i);
    const sextet = code < 128 ? SEXTETS[code]! : -1;
    if (sextet < 0) break;
    held = (held << 6) | sextet;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += HEX_OF_BYTE[(held >> bits) & 255]!;
    }
    held &= (1 << bits) - 1;
  }
  return out;
}
