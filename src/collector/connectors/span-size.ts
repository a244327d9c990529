/**
 * How many bytes a span takes as OTLP protobuf, from its columns: what traces_spanmetrics_size_total adds up.
 * Arrays and nested values count with their JSON text, which is a little longer.
 */

import {
  ATTRIBUTE_BOOL,
  ATTRIBUTE_DOUBLE,
  ATTRIBUTE_INT,
  type AttributeColumn,
} from '../../model/attributes.ts';
import type { SpanBatch } from '../../model/batch.ts';

/** A length-delimited field: tag, length, content. */
function field(bytes: number): number {
  return bytes + (bytes < 128 ? 2 : 1 + varintBytes(bytes));
}

function varintBytes(value: number): number {
  let bytes = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    bytes++;
  }
  return bytes;
}

function intBytes(low: number, high: number): number {
  // Negative numbers have ten bytes.
  if (high > 0x7fff_ffff) return 10;
  return varintBytes(high * 4294967296 + low);
}

/** One attribute as a field of a message, its key's length given. */
export function valueBytes(column: AttributeColumn, at: number, keyBytes: number): number {
  let value: number;
  switch (column.types.get(at)) {
    case ATTRIBUTE_BOOL:
      value = 2;
      break;
    case ATTRIBUTE_INT:
      value = 1 + intBytes(column.slots.low(at), column.slots.high(at));
      break;
    case ATTRIBUTE_DOUBLE:
      value = 9;
      break;
    default: {
      const text = column.slots.low(at);
      value = field(column.texts.end(text) - column.texts.start(text));
    }
  }
  return field(field(keyBytes) + field(value));
}

function rowBytes(column: AttributeColumn, row: number, keyBytes: Int32Array): number {
  let bytes = 0;
  for (let at = column.rowStart(row); at < column.rowEnd(row); at++) {
    bytes += valueBytes(column, at, keyBytes[column.keys.get(at)] as number);
  }
  return bytes;
}

function optional(bytes: number): number {
  return bytes === 0 ? 0 : field(bytes);
}

function counter(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** A span without its attributes. `keyBytes` has the lengths of the batch's keys. */
export function spanBytes(batch: SpanBatch, row: number, keyBytes: Int32Array): number {
  const message = batch.statusMessages.end(row) - batch.statusMessages.start(row);
  // Trace id, span id, and the two times, which are fixed64.
  let bytes = 18 + 10 + 18;
  bytes += optional(batch.parentIds.end(row) - batch.parentIds.start(row));
  bytes += optional(batch.names.end(row) - batch.names.start(row));
  bytes += optional(batch.traceStates.end(row) - batch.traceStates.start(row));
  bytes += batch.kinds.get(row) === 0 ? 0 : 2;
  bytes += field(optional(message) + (batch.statusCodes.get(row) === 0 ? 0 : 2));
  bytes += batch.flags.get(row) === 0 ? 0 : 6;
  bytes += counter(batch.droppedAttributes.get(row));
  bytes += counter(batch.droppedEvents.get(row)) + counter(batch.droppedLinks.get(row));
  for (let e = row === 0 ? 0 : batch.eventEnds.get(row - 1); e < batch.eventEnds.get(row); e++) {
    const name = batch.eventNames.end(e) - batch.eventNames.start(e);
    bytes += field(9 + optional(name) + rowBytes(batch.eventAttributes, e, keyBytes));
  }
  for (let l = row === 0 ? 0 : batch.linkEnds.get(row - 1); l < batch.linkEnds.get(row); l++) {
    const state = batch.linkTraceStates.end(l) - batch.linkTraceStates.start(l);
    bytes += field(18 + 10 + optional(state) + rowBytes(batch.linkAttributes, l, keyBytes));
  }
  return bytes;
}
