/**
 * Builds SpanBatches for formats that are read into one object per span (Zipkin, Jaeger): checks ids and times,
 * applies limits, numbers resources and scopes. Knows nothing of what the formats' fields mean.
 */

import type { AttributeColumn } from '../model/attributes.ts';
import type { SpanBatch } from '../model/batch.ts';
import { LimitError } from '../model/errors.ts';
import { cutUtf8 } from './otlp/any-value.ts';
import { isId, isZero } from './otlp/ids.ts';
import { newSpanBatch, type SpanLimits } from './otlp/traces.ts';
import { Rejected } from './rejected.ts';

/** bigint is an int64, number a double, bytes are kept as OTLP's bytes value. */
export type SpanValue = string | bigint | number | boolean | Uint8Array;
export type SpanAttributes = ReadonlyMap<string, SpanValue>;

export const KIND_UNSPECIFIED = 0;
export const KIND_INTERNAL = 1;
export const KIND_SERVER = 2;
export const KIND_CLIENT = 3;
export const KIND_PRODUCER = 4;
export const KIND_CONSUMER = 5;

/** Values of a `span.kind` tag, whichever case they come in. */
export const KIND_NAMES: ReadonlyMap<string, number> = new Map([
  ['unspecified', KIND_UNSPECIFIED],
  ['internal', KIND_INTERNAL],
  ['server', KIND_SERVER],
  ['client', KIND_CLIENT],
  ['producer', KIND_PRODUCER],
  ['consumer', KIND_CONSUMER],
]);

export const STATUS_UNSET = 0;
export const STATUS_OK = 1;
export const STATUS_ERROR = 2;

export interface SpanEventRecord {
  readonly timeNs: bigint;
  readonly name: string;
  readonly attributes: SpanAttributes;
}

export interface SpanLinkRecord {
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  /** 8 bytes. */
  readonly spanId: Uint8Array;
  readonly traceState: string;
  readonly attributes: SpanAttributes;
}

export interface SpanRecord {
  readonly resource: SpanAttributes;
  readonly scopeName: string;
  readonly scopeVersion: string;
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  /** 8 bytes. */
  readonly spanId: Uint8Array;
  /** 8 bytes; empty or all zero for a root. */
  readonly parentId: Uint8Array;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly name: string;
  readonly kind: number;
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly traceState: string;
  readonly attributes: SpanAttributes;
  readonly events: readonly SpanEventRecord[];
  readonly links: readonly SpanLinkRecord[];
}

export const NO_BYTES = new Uint8Array(0);
const MAX_NS = 0x7fff_ffff_ffff_ffffn;
const encoder = new TextEncoder();
/** Spans, events and links of one request together. An empty one takes a byte or two on the wire, but not here. */
export const MAX_ITEMS_PER_REQUEST = 500_000;

export class SpanBatchBuilder {
  readonly batch: SpanBatch;
  readonly rejected = new Rejected();
  readonly #limits: SpanLimits;
  readonly #resources = new Map<string, number>();
  readonly #scopes = new Map<string, number>();
  #items = 0;

  constructor(tenant: string, limits: SpanLimits) {
    this.batch = newSpanBatch(tenant);
    this.#limits = limits;
  }

  /** Call before an object is made for a span, event or link. Throws LimitError when there are too many. */
  spend(items = 1): void {
    this.#items += items;
    if (this.#items <= MAX_ITEMS_PER_REQUEST) return;
    throw new LimitError(
      'max-span-items-per-request',
      `more than ${MAX_ITEMS_PER_REQUEST} spans, events and links in one request`,
    );
  }

  /** Appends a span, or counts it as rejected. */
  add(span: SpanRecord): void {
    const reason = refusal(span);
    if (reason !== undefined) {
      this.rejected.add(reason, 1, span.name);
      return;
    }
    const { batch } = this;
    const limits = this.#limits;
    batch.resourceIndex.push(this.#resource(span.resource));
    batch.scopeIndex.push(this.#scope(span.scopeName, span.scopeVersion));
    batch.traceIds.pushBytes(span.traceId);
    batch.spanIds.pushBytes(span.spanId);
    batch.parentIds.pushBytes(isZero(span.parentId, 0, span.parentId.length) ? NO_BYTES : span.parentId);
    batch.startsNs.pushBigInt(span.startNs);
    batch.endsNs.pushBigInt(span.endNs);
    batch.names.pushString(cut(span.name, limits.maxSpanNameBytes));
    batch.kinds.push(span.kind);
    batch.statusCodes.push(span.statusCode);
    batch.statusMessages.pushString(cut(span.statusMessage, limits.maxAttributeValueBytes));
    batch.traceStates.pushString(cut(span.traceState, limits.maxAttributeValueBytes));
    batch.flags.push(0);
    batch.droppedAttributes.push(this.#row(batch.attributes, span.attributes));
    let droppedEvents = 0;
    span.events.forEach((event, index) => {
      if (index >= limits.maxEventsPerSpan || event.timeNs < 0n || event.timeNs > MAX_NS) {
        droppedEvents++;
        return;
      }
      batch.eventTimesNs.pushBigInt(event.timeNs);
      batch.eventNames.pushString(cut(event.name, limits.maxSpanNameBytes));
      this.#row(batch.eventAttributes, event.attributes);
    });
    let droppedLinks = 0;
    span.links.forEach((link, index) => {
      if (index >= limits.maxLinksPerSpan || !validId(link.traceId, 16) || !validId(link.spanId, 8)) {
        droppedLinks++;
        return;
      }
      batch.linkTraceIds.pushBytes(link.traceId);
      batch.linkSpanIds.pushBytes(link.spanId);
      batch.linkTraceStates.pushString(cut(link.traceState, limits.maxAttributeValueBytes));
      this.#row(batch.linkAttributes, link.attributes);
    });
    batch.droppedEvents.push(droppedEvents);
    batch.droppedLinks.push(droppedLinks);
    batch.eventEnds.push(batch.eventNames.length);
    batch.linkEnds.push(batch.linkSpanIds.length);
  }

  #resource(attributes: SpanAttributes): number {
    let key = '';
    for (const [name, value] of attributes) key += `${name}\u0000${typeof value}${value}\u0001`;
    let index = this.#resources.get(key);
    if (index === undefined) {
      index = this.batch.resources.rows;
      this.#row(this.batch.resources, attributes);
      this.#resources.set(key, index);
    }
    return index;
  }

  #scope(name: string, version: string): number {
    const key = `${name}\u0000${version}`;
    let index = this.#scopes.get(key);
    if (index === undefined) {
      const { batch } = this;
      index = batch.scopes.rows;
      batch.scopeNames.push(name);
      batch.scopeVersions.push(version);
      batch.scopes.endRow();
      this.#scopes.set(key, index);
    }
    return index;
  }

  /** Appends a row of attributes and gives how many were left out. */
  #row(column: AttributeColumn, attributes: SpanAttributes): number {
    const limits = this.#limits;
    let count = 0;
    let dropped = 0;
    for (const [name, value] of attributes) {
      if (name === '' || count >= limits.maxAttributes || longer(name, limits.maxAttributeKeyBytes)) {
        dropped++;
        continue;
      }
      count++;
      const key = this.batch.keys.indexOf(name);
      if (typeof value === 'string') column.pushString(key, cut(value, limits.maxAttributeValueBytes));
      else if (typeof value === 'boolean') column.pushBool(key, value);
      else if (typeof value === 'number') column.pushDouble(key, value);
      else if (typeof value === 'bigint') {
        const bits = BigInt.asUintN(64, value);
        column.pushInt(key, Number(bits & 0xffff_ffffn), Number(bits >> 32n));
      } else {
        const kept = value.subarray(0, limits.maxAttributeValueBytes);
        column.pushOther(key, `{"bytesValue":"${Buffer.from(kept).toString('base64')}"}`);
      }
    }
    column.endRow();
    return dropped;
  }
}

function refusal(span: SpanRecord): string | undefined {
  if (!validId(span.traceId, 16)) return 'trace id is empty, all zero or longer than 16 bytes';
  if (!validId(span.spanId, 8)) return 'span id is empty, all zero or longer than 8 bytes';
  if (span.parentId.length !== 0 && span.parentId.length !== 8) return 'parent id is longer than 8 bytes';
  if (span.startNs < 0n || span.endNs < 0n) return 'time before 1970';
  if (span.startNs > MAX_NS || span.endNs > MAX_NS) return 'time beyond the year 2262';
  return undefined;
}

function validId(id: Uint8Array, size: number): boolean {
  return isId(id, 0, id.length, size);
}

function longer(text: string, maxBytes: number): boolean {
  if (text.length * 3 <= maxBytes) return false;
  return text.length > maxBytes || Buffer.byteLength(text) > maxBytes;
}

function cut(text: string, maxBytes: number): string {
  if (!longer(text, maxBytes)) return text;
  const bytes = encoder.encode(text);
  return Buffer.from(bytes.buffer, 0, cutUtf8(bytes, 0, bytes.length, maxBytes)).toString('utf8');
}
