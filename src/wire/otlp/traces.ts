/**
 * OTLP traces (ExportTraceServiceRequest, TracesData) in protobuf into a SpanBatch. Spans whose ids or times cannot
 * be kept are refused one by one; a message that cannot be read throws InputError.
 */

import { AttributeColumn, Dictionary } from '../../model/attributes.ts';
import type { SpanBatch } from '../../model/batch.ts';
import { BytesColumn, Slots8, Slots32, Slots64 } from '../../model/column.ts';
import { ProtobufReader } from '../protobuf.ts';
import { Rejected } from '../rejected.ts';
import { type AttributeLimits, AttributeReader, cutUtf8, DEFAULT_ATTRIBUTE_LIMITS } from './any-value.ts';
import { isId, isZero } from './ids.ts';

export interface SpanLimits extends AttributeLimits {
  readonly maxSpanNameBytes: number;
  readonly maxEventsPerSpan: number;
  readonly maxLinksPerSpan: number;
}

export const DEFAULT_SPAN_LIMITS: SpanLimits = {
  ...DEFAULT_ATTRIBUTE_LIMITS,
  maxSpanNameBytes: 4096,
  maxEventsPerSpan: 2048,
  maxLinksPerSpan: 2048,
};

export function newSpanBatch(tenant: string): SpanBatch {
  return {
    tenant,
    keys: new Dictionary(),
    resources: new AttributeColumn(),
    resourceIndex: new Slots32(),
    scopes: new AttributeColumn(),
    scopeNames: [],
    scopeVersions: [],
    scopeIndex: new Slots32(),
    traceIds: new BytesColumn(),
    spanIds: new BytesColumn(),
    parentIds: new BytesColumn(),
    startsNs: new Slots64(),
    endsNs: new Slots64(),
    names: new BytesColumn(),
    kinds: new Slots8(),
    statusCodes: new Slots8(),
    statusMessages: new BytesColumn(),
    traceStates: new BytesColumn(),
    flags: new Slots32(),
    attributes: new AttributeColumn(),
    droppedAttributes: new Slots32(),
    droppedEvents: new Slots32(),
    droppedLinks: new Slots32(),
    eventEnds: new Slots32(),
    eventTimesNs: new Slots64(),
    eventNames: new BytesColumn(),
    eventAttributes: new AttributeColumn(),
    linkEnds: new Slots32(),
    linkTraceIds: new BytesColumn(),
    linkSpanIds: new BytesColumn(),
    linkTraceStates: new BytesColumn(),
    linkAttributes: new AttributeColumn(),
  };
}

export interface DecodedSpans {
  readonly batch: SpanBatch;
  readonly rejected: Rejected;
}

/** Decodes a whole request. Throws InputError with the byte offset when it is not well-formed. */
export function decodeTraces(
  body: Uint8Array,
  tenant: string,
  limits: SpanLimits = DEFAULT_SPAN_LIMITS,
): DecodedSpans {
  const decoder = new TraceDecoder(body, tenant, limits);
  decoder.request();
  return { batch: decoder.batch, rejected: decoder.rejected };
}

class TraceDecoder {
  readonly batch: SpanBatch;
  readonly rejected = new Rejected();
  readonly #reader: ProtobufReader;
  readonly #limits: SpanLimits;
  readonly #attributes: AttributeReader;
  #resource = 0;
  #scope = 0;

  constructor(body: Uint8Array, tenant: string, limits: SpanLimits) {
    this.batch = newSpanBatch(tenant);
    this.#reader = new ProtobufReader(body);
    this.#limits = limits;
    this.#attributes = new AttributeReader(this.batch.keys, limits);
  }

  request(): void {
    const reader = this.#reader;
    const end = reader.bytes.length;
    while (reader.pos < end) {
      if (reader.tag() === 10) this.#resourceSpans(reader.enter(end));
      else reader.skip();
    }
    reader.leave(end);
  }

  /** ResourceSpans. The resource may stand behind its spans, so it is looked for first. */
  #resourceSpans(end: number): void {
    const reader = this.#reader;
    const start = reader.pos;
    this.#resource = this.batch.resources.rows;
    this.#attributes.startRow();
    while (reader.pos < end) {
      if (reader.tag() === 10) this.#attributeList(reader.enter(end), 10, this.batch.resources);
      else reader.skip();
    }
    reader.leave(end);
    this.batch.resources.endRow();
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 18) this.#scopeSpans(reader.enter(end));
      else reader.skip();
    }
  }

  #scopeSpans(end: number): void {
    const reader = this.#reader;
    const { batch } = this;
    const start = reader.pos;
    let name = '';
    let version = '';
    this.#scope = batch.scopes.rows;
    this.#attributes.startRow();
    while (reader.pos < end) {
      if (reader.tag() !== 10) {
        reader.skip();
        continue;
      }
      const scopeEnd = reader.enter(end);
      while (reader.pos < scopeEnd) {
        switch (reader.tag()) {
          case 10:
            name = reader.string(reader.enter(scopeEnd));
            break;
          case 18:
            version = reader.string(reader.enter(scopeEnd));
            break;
          case 26:
            this.#attributes.read(reader, scopeEnd, batch.scopes);
            break;
          default:
            reader.skip();
        }
      }
      reader.leave(scopeEnd);
    }
    reader.leave(end);
    batch.scopes.endRow();
    batch.scopeNames.push(name);
    batch.scopeVersions.push(version);
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 18) this.#span(reader.enter(end));
      else reader.skip();
    }
  }

  /** Reads all fields with this tag of a message as attributes into `column`; the row is not ended. */
  #attributeList(end: number, tag: number, column: AttributeColumn): void {
    const reader = this.#reader;
    while (reader.pos < end) {
      if (reader.tag() === tag) this.#attributes.read(reader, end, column);
      else reader.skip();
    }
    reader.leave(end);
  }

  #span(end: number): void {
    const reader = this.#reader;
    const { batch } = this;
    const { bytes } = reader;
    let traceStart = 0;
    let traceEnd = 0;
    let spanStart = 0;
    let spanEnd = 0;
    let parentStart = 0;
    let parentEnd = 0;
    let stateStart = 0;
    let stateEnd = 0;
    let nameStart = 0;
    let nameEnd = 0;
    let messageStart = 0;
    let messageEnd = 0;
    let kind = 0;
    let status = 0;
    let flags = 0;
    let startLow = 0;
    let startHigh = 0;
    let endLow = 0;
    let endHigh = 0;
    let droppedAttributes = 0;
    let droppedEvents = 0;
    let droppedLinks = 0;
    /** Where the first attribute, event or link stands, and what is behind the last one. */
    let itemsStart = 0;
    let itemsEnd = 0;
    while (reader.pos < end) {
      const at = reader.pos;
      switch (reader.tag()) {
        case 10:
          traceEnd = reader.enter(end);
          traceStart = reader.pos;
          reader.pos = traceEnd;
          break;
        case 18:
          spanEnd = reader.enter(end);
          spanStart = reader.pos;
          reader.pos = spanEnd;
          break;
        case 26:
          stateEnd = reader.enter(end);
          stateStart = reader.pos;
          reader.pos = stateEnd;
          break;
        case 34:
          parentEnd = reader.enter(end);
          parentStart = reader.pos;
          reader.pos = parentEnd;
          break;
        case 42:
          nameEnd = reader.enter(end);
          nameStart = reader.pos;
          reader.pos = nameEnd;
          break;
        case 48:
          kind = reader.varint32();
          break;
        case 57:
          reader.fixed64();
          startLow = reader.low;
          startHigh = reader.high;
          break;
        case 65:
          reader.fixed64();
          endLow = reader.low;
          endHigh = reader.high;
          break;
        case 74:
        case 90:
        case 106:
          if (itemsEnd === 0) itemsStart = at;
          reader.pos = reader.enter(end);
          itemsEnd = reader.pos;
          break;
        case 80:
          droppedAttributes = reader.varint32();
          break;
        case 96:
          droppedEvents = reader.varint32();
          break;
        case 112:
          droppedLinks = reader.varint32();
          break;
        case 122: {
          const statusEnd = reader.enter(end);
          while (reader.pos < statusEnd) {
            switch (reader.tag()) {
              case 18:
                messageEnd = reader.enter(statusEnd);
                messageStart = reader.pos;
                reader.pos = messageEnd;
                break;
              case 24:
                status = reader.varint32();
                break;
              default:
                reader.skip();
            }
          }
          reader.leave(statusEnd);
          break;
        }
        case 133:
          flags = reader.fixed32();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);

    if (!isId(bytes, traceStart, traceEnd, 16)) {
      this.rejected.add('trace_id must be 16 bytes and not all zero');
      return;
    }
    if (!isId(bytes, spanStart, spanEnd, 8)) {
      this.rejected.add('span_id must be 8 bytes and not all zero');
      return;
    }
    if (isZero(bytes, parentStart, parentEnd)) parentEnd = parentStart;
    else if (parentEnd - parentStart !== 8) {
      this.rejected.add('parent_span_id must be 8 bytes or empty');
      return;
    }
    if ((startHigh | endHigh) >>> 31 !== 0) {
      this.rejected.add('time beyond the year 2262');
      return;
    }

    const limits = this.#limits;
    batch.resourceIndex.push(this.#resource);
    batch.scopeIndex.push(this.#scope);
    batch.traceIds.pushBytes(bytes, traceStart, traceEnd);
    batch.spanIds.pushBytes(bytes, spanStart, spanEnd);
    batch.parentIds.pushBytes(bytes, parentStart, parentEnd);
    batch.startsNs.pushHalves(startLow, startHigh);
    batch.endsNs.pushHalves(endLow, endHigh);
    batch.names.pushBytes(bytes, nameStart, cutUtf8(bytes, nameStart, nameEnd, limits.maxSpanNameBytes));
    batch.kinds.push(kind <= 5 ? kind : 0);
    batch.statusCodes.push(status <= 2 ? status : 0);
    batch.statusMessages.pushBytes(
      bytes,
      messageStart,
      cutUtf8(bytes, messageStart, messageEnd, limits.maxAttributeValueBytes),
    );
    batch.traceStates.pushBytes(
      bytes,
      stateStart,
      cutUtf8(bytes, stateStart, stateEnd, limits.maxAttributeValueBytes),
    );
    batch.flags.push(flags);

    const eventsBefore = batch.eventNames.length;
    const linksBefore = batch.linkSpanIds.length;
    const attributes = this.#attributes;
    attributes.startRow();
    if (itemsEnd !== 0) {
      let others = false;
      reader.pos = itemsStart;
      while (reader.pos < itemsEnd) {
        switch (reader.tag()) {
          case 74:
            attributes.read(reader, itemsEnd, batch.attributes);
            break;
          case 90:
          case 106:
            others = true;
            reader.skip();
            break;
          default:
            reader.skip();
        }
      }
      droppedAttributes += attributes.dropped;
      if (others) {
        reader.pos = itemsStart;
        while (reader.pos < itemsEnd) {
          switch (reader.tag()) {
            case 90:
              if (batch.eventNames.length - eventsBefore < limits.maxEventsPerSpan)
                this.#event(reader.enter(itemsEnd));
              else {
                droppedEvents++;
                reader.skip();
              }
              break;
            case 106:
              if (batch.linkSpanIds.length - linksBefore >= limits.maxLinksPerSpan) {
                droppedLinks++;
                reader.skip();
              } else if (!this.#link(reader.enter(itemsEnd))) droppedLinks++;
              break;
            default:
              reader.skip();
          }
        }
      }
      reader.pos = end;
    }
    batch.attributes.endRow();
    batch.droppedAttributes.push(droppedAttributes);
    batch.droppedEvents.push(droppedEvents);
    batch.droppedLinks.push(droppedLinks);
    batch.eventEnds.push(batch.eventNames.length);
    batch.linkEnds.push(batch.linkSpanIds.length);
  }

  #event(end: number): void {
    const reader = this.#reader;
    const { batch } = this;
    let low = 0;
    let high = 0;
    let nameStart = 0;
    let nameEnd = 0;
    this.#attributes.startRow();
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 9:
          reader.fixed64();
          low = reader.low;
          high = reader.high;
          break;
        case 18:
          nameEnd = reader.enter(end);
          nameStart = reader.pos;
          reader.pos = nameEnd;
          break;
        case 26:
          this.#attributes.read(reader, end, batch.eventAttributes);
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    batch.eventAttributes.endRow();
    batch.eventTimesNs.pushHalves(low, high & 0x7fffffff);
    batch.eventNames.pushBytes(
      reader.bytes,
      nameStart,
      cutUtf8(reader.bytes, nameStart, nameEnd, this.#limits.maxSpanNameBytes),
    );
  }

  /** Appends a link, or leaves it out and gives false when it does not name a span. */
  #link(end: number): boolean {
    const reader = this.#reader;
    const { batch } = this;
    const { bytes } = reader;
    const start = reader.pos;
    let traceStart = 0;
    let traceEnd = 0;
    let spanStart = 0;
    let spanEnd = 0;
    let stateStart = 0;
    let stateEnd = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10:
          traceEnd = reader.enter(end);
          traceStart = reader.pos;
          reader.pos = traceEnd;
          break;
        case 18:
          spanEnd = reader.enter(end);
          spanStart = reader.pos;
          reader.pos = spanEnd;
          break;
        case 26:
          stateEnd = reader.enter(end);
          stateStart = reader.pos;
          reader.pos = stateEnd;
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    if (!isId(bytes, traceStart, traceEnd, 16) || !isId(bytes, spanStart, spanEnd, 8)) return false;
    this.#attributes.startRow();
    reader.pos = start;
    this.#attributeList(end, 34, batch.linkAttributes);
    batch.linkAttributes.endRow();
    batch.linkTraceIds.pushBytes(bytes, traceStart, traceEnd);
    batch.linkSpanIds.pushBytes(bytes, spanStart, spanEnd);
    batch.linkTraceStates.pushBytes(bytes, stateStart, stateEnd);
    return true;
  }
}
