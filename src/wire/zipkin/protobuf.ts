/** Zipkin's protobuf of API v2 (zipkin.proto3.ListOfSpans). A body that cannot be read throws InputError. */

import type { SpanLimits } from '../otlp/traces.ts';
import { ProtobufReader } from '../protobuf.ts';
import {
  KIND_CLIENT,
  KIND_CONSUMER,
  KIND_PRODUCER,
  KIND_SERVER,
  KIND_UNSPECIFIED,
  NO_BYTES,
  SpanBatchBuilder,
} from '../span-batch.ts';
import { widened } from './ids.ts';
import { toSpanRecord, type ZipkinEndpoint } from './span.ts';

/** By the numbers of zipkin.proto3.Span.Kind. */
const KINDS: readonly number[] = [KIND_UNSPECIFIED, KIND_CLIENT, KIND_SERVER, KIND_PRODUCER, KIND_CONSUMER];

/** Decodes a ListOfSpans. `nowUs` stands in for times that are missing. */
export function decodeZipkinProtobuf(
  body: Uint8Array,
  tenant: string,
  nowUs: bigint,
  limits: SpanLimits,
): SpanBatchBuilder {
  const builder = new SpanBatchBuilder(tenant, limits);
  const reader = new ProtobufReader(body);
  while (reader.pos < body.length) {
    if (reader.tag() === 10) readSpan(reader, reader.enter(body.length), builder, nowUs);
    else reader.skip();
  }
  reader.leave(body.length);
  return builder;
}

function readSpan(reader: ProtobufReader, end: number, builder: SpanBatchBuilder, nowUs: bigint): void {
  builder.spend();
  let traceId: Uint8Array = NO_BYTES;
  let id: Uint8Array = NO_BYTES;
  let parentId: Uint8Array = NO_BYTES;
  let kind = 0;
  let name = '';
  let timestampUs = 0n;
  let durationUs = 0n;
  let local: ZipkinEndpoint | undefined;
  let remote: ZipkinEndpoint | undefined;
  const annotations: { timestampUs: bigint; value: string }[] = [];
  const tags = new Map<string, string>();
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        traceId = widened(readBytes(reader, end), 16);
        break;
      case 18:
        parentId = widened(readBytes(reader, end), 8);
        break;
      case 26:
        id = widened(readBytes(reader, end), 8);
        break;
      case 32:
        kind = reader.varint32();
        break;
      case 42:
        name = reader.string(reader.enter(end));
        break;
      case 49:
        reader.fixed64();
        timestampUs = uint64(reader);
        break;
      case 56:
        reader.varint64();
        durationUs = uint64(reader);
        break;
      case 66:
        local = readEndpoint(reader, reader.enter(end));
        break;
      case 74:
        remote = readEndpoint(reader, reader.enter(end));
        break;
      case 82:
        builder.spend();
        annotations.push(readAnnotation(reader, reader.enter(end)));
        break;
      case 90: {
        const [key, value] = readTag(reader, reader.enter(end));
        tags.set(key, value);
        break;
      }
      default:
        // debug and shared among others: a shared id is seen by the kinds of the spans that have it.
        reader.skip();
    }
  }
  reader.leave(end);
  builder.add(
    toSpanRecord(
      {
        traceId,
        id,
        parentId,
        kind: KINDS[kind] ?? KIND_UNSPECIFIED,
        name,
        timestampUs,
        durationUs,
        local,
        remote,
        annotations,
        tags,
      },
      nowUs,
    ),
  );
}

function readBytes(reader: ProtobufReader, parentEnd: number): Uint8Array {
  const end = reader.enter(parentEnd);
  const bytes = reader.bytes.subarray(reader.pos, end);
  reader.pos = end;
  return bytes;
}

function uint64(reader: ProtobufReader): bigint {
  return (BigInt(reader.high) << 32n) | BigInt(reader.low);
}

function readAnnotation(reader: ProtobufReader, end: number): { timestampUs: bigint; value: string } {
  let timestampUs = 0n;
  let value = '';
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 9:
        reader.fixed64();
        timestampUs = uint64(reader);
        break;
      case 18:
        value = reader.string(reader.enter(end));
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return { timestampUs, value };
}

function readTag(reader: ProtobufReader, end: number): [key: string, value: string] {
  let key = '';
  let value = '';
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        key = reader.string(reader.enter(end));
        break;
      case 18:
        value = reader.string(reader.enter(end));
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return [key, value];
}

function readEndpoint(reader: ProtobufReader, end: number): ZipkinEndpoint {
  let serviceName = '';
  let ipv4 = '';
  let ipv6 = '';
  let port = 0;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        serviceName = reader.string(reader.enter(end));
        break;
      case 18: {
        const bytes = readBytes(reader, end);
        if (bytes.length === 4) ipv4 = bytes.join('.');
        break;
      }
      case 26: {
        const bytes = readBytes(reader, end);
        if (bytes.length === 16) ipv6 = ipv6Text(bytes);
        break;
      }
      case 32:
        port = reader.varint32() & 0xffff;
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return { serviceName, ipv4, ipv6, port };
}

/** RFC 5952: lower case, the longest run of at least two zero groups as `::`. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number)).toString(16),
  );
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === '0') length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}
