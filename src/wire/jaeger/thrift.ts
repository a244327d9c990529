/**
 * Jaeger's thrift (jaeger.thrift's Batch in TBinaryProtocol), as clients post it over HTTP. A body that cannot be
 * read throws InputError; spans whose ids or times cannot be kept are refused one by one.
 */

import type { SpanLimits } from '../otlp/traces.ts';
import { SpanBatchBuilder, type SpanValue } from '../span-batch.ts';
import {
  type JaegerProcess,
  type JaegerReference,
  type JaegerSpan,
  resourceOf,
  toSpanRecord,
} from './span.ts';
import {
  THRIFT_BOOL,
  THRIFT_DOUBLE,
  THRIFT_I32,
  THRIFT_I64,
  THRIFT_LIST,
  THRIFT_STRING,
  THRIFT_STRUCT,
  ThriftReader,
} from './thrift-protocol.ts';

/** Field heads as one number, so that a field of an unexpected type is skipped. */
const at = (id: number, type: number) => id * 16 + type;

const BATCH_PROCESS = at(1, THRIFT_STRUCT);
const BATCH_SPANS = at(2, THRIFT_LIST);
const PROCESS_NAME = at(1, THRIFT_STRING);
const PROCESS_TAGS = at(2, THRIFT_LIST);
const SPAN_TRACE_LOW = at(1, THRIFT_I64);
const SPAN_TRACE_HIGH = at(2, THRIFT_I64);
const SPAN_ID = at(3, THRIFT_I64);
const SPAN_PARENT = at(4, THRIFT_I64);
const SPAN_NAME = at(5, THRIFT_STRING);
const SPAN_REFERENCES = at(6, THRIFT_LIST);
const SPAN_START = at(8, THRIFT_I64);
const SPAN_DURATION = at(9, THRIFT_I64);
const SPAN_TAGS = at(10, THRIFT_LIST);
const SPAN_LOGS = at(11, THRIFT_LIST);
const REFERENCE_TYPE = at(1, THRIFT_I32);
const REFERENCE_TRACE_LOW = at(2, THRIFT_I64);
const REFERENCE_TRACE_HIGH = at(3, THRIFT_I64);
const REFERENCE_SPAN = at(4, THRIFT_I64);
const LOG_TIME = at(1, THRIFT_I64);
const LOG_FIELDS = at(2, THRIFT_LIST);
const TAG_KEY = at(1, THRIFT_STRING);
const TAG_TYPE = at(2, THRIFT_I32);
const TAG_STRING = at(3, THRIFT_STRING);
const TAG_DOUBLE = at(4, THRIFT_DOUBLE);
const TAG_BOOL = at(5, THRIFT_BOOL);
const TAG_LONG = at(6, THRIFT_I64);
const TAG_BINARY = at(7, THRIFT_STRING);

/** Decodes a Batch. */
export function decodeJaegerThrift(body: Uint8Array, tenant: string, limits: SpanLimits): SpanBatchBuilder {
  const reader = new ThriftReader(body);
  const builder = new SpanBatchBuilder(tenant, limits);
  const spans: JaegerSpan[] = [];
  let process: JaegerProcess | undefined;
  while (reader.field()) {
    switch (at(reader.id, reader.type)) {
      case BATCH_PROCESS:
        process = readProcess(reader);
        break;
      case BATCH_SPANS:
        reader.structs(() => spans.push(readSpan(reader, builder)));
        break;
      default:
        reader.skip();
    }
  }
  const resource = resourceOf(process);
  for (const span of spans) builder.add(toSpanRecord(span, resource));
  return builder;
}

function readProcess(reader: ThriftReader): JaegerProcess {
  let serviceName = '';
  const tags = new Map<string, SpanValue>();
  while (reader.field()) {
    switch (at(reader.id, reader.type)) {
      case PROCESS_NAME:
        serviceName = reader.string();
        break;
      case PROCESS_TAGS:
        reader.structs(() => readTag(reader, tags));
        break;
      default:
        reader.skip();
    }
  }
  return { serviceName, tags };
}

function readSpan(reader: ThriftReader, builder: SpanBatchBuilder): JaegerSpan {
  builder.spend();
  let low = 0n;
  let high = 0n;
  let id = 0n;
  let parent = 0n;
  let name = '';
  let startUs = 0n;
  let durationUs = 0n;
  const references: JaegerReference[] = [];
  const tags = new Map<string, SpanValue>();
  const logs: { timeNs: bigint; fields: Map<string, SpanValue> }[] = [];
  while (reader.field()) {
    switch (at(reader.id, reader.type)) {
      case SPAN_TRACE_LOW:
        low = reader.i64();
        break;
      case SPAN_TRACE_HIGH:
        high = reader.i64();
        break;
      case SPAN_ID:
        id = reader.i64();
        break;
      case SPAN_PARENT:
        parent = reader.i64();
        break;
      case SPAN_NAME:
        name = reader.string();
        break;
      case SPAN_REFERENCES:
        reader.structs(() => {
          builder.spend();
          references.push(readReference(reader));
        });
        break;
      case SPAN_START:
        startUs = reader.i64();
        break;
      case SPAN_DURATION:
        durationUs = reader.i64();
        break;
      case SPAN_TAGS:
        reader.structs(() => readTag(reader, tags));
        break;
      case SPAN_LOGS:
        reader.structs(() => {
          builder.spend();
          logs.push(readLog(reader));
        });
        break;
      default:
        reader.skip();
    }
  }
  return {
    traceId: traceIdOf(high, low),
    spanId: spanIdOf(id),
    parentId: spanIdOf(parent),
    name,
    references,
    startNs: startUs * 1000n,
    durationNs: durationUs * 1000n,
    tags,
    logs,
  };
}

function readReference(reader: ThriftReader): JaegerReference {
  let type = 0;
  let low = 0n;
  let high = 0n;
  let id = 0n;
  while (reader.field()) {
    switch (at(reader.id, reader.type)) {
      case REFERENCE_TYPE:
        type = reader.i32();
        break;
      case REFERENCE_TRACE_LOW:
        low = reader.i64();
        break;
      case REFERENCE_TRACE_HIGH:
        high = reader.i64();
        break;
      case REFERENCE_SPAN:
        id = reader.i64();
        break;
      default:
        reader.skip();
    }
  }
  return { followsFrom: type === 1, traceId: traceIdOf(high, low), spanId: spanIdOf(id) };
}

function readLog(reader: ThriftReader): { timeNs: bigint; fields: Map<string, SpanValue> } {
  let timeNs = 0n;
  const fields = new Map<string, SpanValue>();
  while (reader.field()) {
    switch (at(reader.id, reader.type)) {
      case LOG_TIME:
        timeNs = reader.i64() * 1000n;
        break;
      case LOG_FIELDS:
        reader.structs(() => readTag(reader, fields));
        break;
      default:
        reader.skip();
    }
  }
  return { timeNs, fields };
}

/** Reads a Tag. Its type says which of the values counts. */
function readTag(reader: ThriftReader, tags: Map<string, SpanValue>): void {
  let key = '';
  let type = 0;
  let text = '';
  let double = 0;
  let bool = false;
  let long = 0n;
  let binary = new Uint8Array(0);
  while (reader.field()) {
    switch (at(reader.id, reader.type)) {
      case TAG_KEY:
        key = reader.string();
        break;
      case TAG_TYPE:
        type = reader.i32();
        break;
      case TAG_STRING:
        text = reader.string();
        break;
      case TAG_DOUBLE:
        double = reader.double();
        break;
      case TAG_BOOL:
        bool = reader.bool();
        break;
      case TAG_LONG:
        long = reader.i64();
        break;
      case TAG_BINARY:
        binary = new Uint8Array(reader.binary());
        break;
      default:
        reader.skip();
    }
  }
  const values: readonly SpanValue[] = [text, double, bool, long, binary];
  const value = values[type];
  if (value === undefined) reader.fail(`tag of type ${type}`);
  tags.set(key, value);
}

function traceIdOf(high: bigint, low: bigint): Uint8Array {
  const id = new Uint8Array(16);
  const view = new DataView(id.buffer);
  view.setBigInt64(0, high);
  view.setBigInt64(8, low);
  return id;
}

function spanIdOf(value: bigint): Uint8Array {
  const id = new Uint8Array(8);
  new DataView(id.buffer).setBigInt64(0, value);
  return id;
}
