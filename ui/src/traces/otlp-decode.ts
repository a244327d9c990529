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
    for (const span of list(group.spans)) out.push(decodeSpan(span, resource, scope));
  }
}

function decodeSpan(raw: Json, resource: Resource, scope: Scope): Span {
  const startNs = nanoseconds(raw.startTimeUnixNano);
  const endNs = nanoseconds(raw.endTimeUnixNano);
  const status = object(raw.status);
  const parent = hexId(raw.parentSpanId);
  return {
    traceId: hexId(raw.traceId).padStart(32, '0'),
    spanId: hexId(raw.spanId).padStart(16, '0'),
    parentSpanId: parent === '' || /^0+$/.test(parent) ? '' : parent.padStart(16, '0'),
    traceState: text(raw.traceState),
    name: text(raw.name),
    kind: oneOf(raw.kind, KINDS, 'SPAN_KIND_'),
    startNs,
    endNs,
    durationNs: endNs > startNs ? Number(endNs - startNs) : 0,
    status: oneOf(status?.code, STATUSES, 'STATUS_CODE_'),
    statusMessage: text(status?.message),
    resource,
    scope,
    attributes: decodeAttributes(raw.attributes),
    events: raw.events === undefined ? NONE : list(raw.events).map(decodeEvent),
    links: raw.links === undefined ? NONE : list(raw.links).map(decodeLink),
    dropped: decodeDropped(raw),
  };
}

const NONE: readonly never[] = [];

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
  const dropped = {
    attributes: count(raw.droppedAttributesCount),
    events: count(raw.droppedEventsCount),
    links: count(raw.droppedLinksCount),
  };
  return dropped.attributes + dropped.events + dropped.links > 0 ? dropped : null;
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
  const name = v.startsWith(prefix) ? v.slice(prefix.length) : v;
  const lower = name.toLowerCase() as T;
  return names.includes(lower) ? lower : (names[Number(v)] ?? names[0]!);
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
const DIGITS = '0123456789abcdef';
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
      const byte = (held >> bits) & 255;
      out += DIGITS[byte >> 4]! + DIGITS[byte & 15]!;
    }
    held &= (1 << bits) - 1;
  }
  return out;
}
