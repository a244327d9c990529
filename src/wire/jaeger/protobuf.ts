/**
 * Jaeger's protobuf (jaeger.api_v2.PostSpansRequest), as agents and clients send it by gRPC. A message that cannot
 * be read throws InputError; spans whose ids or times cannot be kept are refused one by one.
 */

import type { SpanLimits } from '../otlp/traces.ts';
import { ProtobufReader } from '../protobuf.ts';
import { NO_BYTES, SpanBatchBuilder, type SpanValue } from '../span-batch.ts';
import {
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  resourceOf,
  toSpanRecord,
} from './span.ts';

interface ReadSpan extends JaegerSpan {
  /** In place of the batch's. */
  readonly process: JaegerProcess | undefined;
}

/** Decodes a PostSpansRequest. */
export function decodeJaegerProtobuf(body: Uint8Array, tenant: string, limits: SpanLimits): SpanBatchBuilder {
  const reader = new ProtobufReader(body);
  const builder = new SpanBatchBuilder(tenant, limits);
  while (reader.pos < body.length) {
    if (reader.tag() === 10) readBatch(reader, reader.enter(body.length), builder);
    else reader.skip();
  }
  reader.leave(body.length);
  return builder;
}

function readBatch(reader: ProtobufReader, end: number, builder: SpanBatchBuilder): void {
  const spans: ReadSpan[] = [];
  let process: JaegerProcess | undefined;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        spans.push(readSpan(reader, reader.enter(end), builder));
        break;
      case 18:
        process = readProcess(reader, reader.enter(end));
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  const resource = resourceOf(process);
  for (const span of spans) {
    builder.add(toSpanRecord(span, span.process === undefined ? resource : resourceOf(span.process)));
  }
}

function readProcess(reader: ProtobufReader, end: number): JaegerProcess {
  let serviceName = '';
  const tags = new Map<string, SpanValue>();
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        serviceName = reader.string(reader.enter(end));
        break;
      case 18:
        readKeyValue(reader, reader.enter(end), tags);
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return { serviceName, tags };
}

function readSpan(reader: ProtobufReader, end: number, builder: SpanBatchBuilder): ReadSpan {
  builder.spend();
  let traceId: Uint8Array = NO_BYTES;
  let spanId: Uint8Array = NO_BYTES;
  let name = '';
  let startNs = 0n;
  let durationNs = 0n;
  let process: JaegerProcess | undefined;
  const references: JaegerReference[] = [];
  const tags = new Map<string, SpanValue>();
  const logs: { timeNs: bigint; fields: Map<string, SpanValue> }[] = [];
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        traceId = readId(reader, end, 16);
        break;
      case 18:
        spanId = readId(reader, end, 8);
        break;
      case 26:
        name = reader.string(reader.enter(end));
        break;
      case 34:
        builder.spend();
        references.push(readReference(reader, reader.enter(end)));
        break;
      case 50:
        startNs = readTime(reader, reader.enter(end));
        break;
      case 58:
        durationNs = readTime(reader, reader.enter(end));
        break;
      case 66:
        readKeyValue(reader, reader.enter(end), tags);
        break;
      case 74:
        builder.spend();
        logs.push(readLog(reader, reader.enter(end)));
        break;
      case 82:
        process = readProcess(reader, reader.enter(end));
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return { traceId, spanId, parentId: NO_BYTES, name, references, startNs, durationNs, tags, logs, process };
}

function readReference(reader: ProtobufReader, end: number): JaegerReference {
  let traceId: Uint8Array = NO_BYTES;
  let spanId: Uint8Array = NO_BYTES;
  let type = 0;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        traceId = readId(reader, end, 16);
        break;
      case 18:
        spanId = readId(reader, end, 8);
        break;
      case 24:
        type = reader.varint32();
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return { followsFrom: type === 1, traceId, spanId };
}

function readLog(reader: ProtobufReader, end: number): { timeNs: bigint; fields: Map<string, SpanValue> } {
  let timeNs = 0n;
  const fields = new Map<string, SpanValue>();
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        timeNs = readTime(reader, reader.enter(end));
        break;
      case 18:
        readKeyValue(reader, reader.enter(end), fields);
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return { timeNs, fields };
}

/** Reads a KeyValue. Its type says which of the values counts. */
function readKeyValue(reader: ProtobufReader, end: number, tags: Map<string, SpanValue>): void {
  let key = '';
  let type = 0;
  let text = '';
  let bool = false;
  let int = 0n;
  let double = 0;
  let binary: Uint8Array = NO_BYTES;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        key = reader.string(reader.enter(end));
        break;
      case 16:
        type = reader.varint32();
        break;
      case 26:
        text = reader.string(reader.enter(end));
        break;
      case 32:
        bool = reader.bool();
        break;
      case 40:
        int = readInt64(reader);
        break;
      case 49:
        double = reader.double();
        break;
      case 58:
        binary = readBytes(reader, end).slice();
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  const values: readonly SpanValue[] = [text, bool, int, double, binary];
  const value = values[type];
  if (value === undefined) reader.fail(`tag of type ${type}`);
  tags.set(key, value);
}

function readBytes(reader: ProtobufReader, parentEnd: number): Uint8Array {
  const end = reader.enter(parentEnd);
  const bytes = reader.bytes.subarray(reader.pos, end);
  reader.pos = end;
  return bytes;
}

/** An id; one of fewer bytes gets zeros in front. */
function readId(reader: ProtobufReader, parentEnd: number, size: 8 | 16): Uint8Array {
  const bytes = readBytes(reader, parentEnd);
  if (bytes.length === 0 || bytes.length >= size) return bytes.slice();
  const id = new Uint8Array(size);
  id.set(bytes, size - bytes.length);
  return id;
}

function readInt64(reader: ProtobufReader): bigint {
  reader.varint64();
  return (BigInt(reader.high | 0) << 32n) | BigInt(reader.low);
}

/** google.protobuf.Timestamp or Duration in nanoseconds. */
function readTime(reader: ProtobufReader, end: number): bigint {
  let seconds = 0n;
  let nanos = 0n;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 8:
        seconds = readInt64(reader);
        break;
      case 16:
        nanos = readInt64(reader);
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return seconds * 1_000_000_000n + nanos;
}
