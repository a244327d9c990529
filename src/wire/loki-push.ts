/**
 * Loki's push API in JSON and in protobuf (logproto.PushRequest, decompressed) into LogBatches. What is malformed
 * throws InputError, and then nothing of the request is taken; entries beyond limits are refused one by one.
 */

import { InputError } from '../model/errors.ts';
import { Labels } from '../model/labels.ts';
import { Interner } from './interner.ts';
import { DEFAULT_LOG_LIMITS, LogBatchBuilder, type LogLimits, refuseStream } from './log-batch.ts';
import { levelOfLine, withServiceName } from './log-level.ts';
import { ProtobufReader } from './protobuf.ts';
import { Rejected } from './rejected.ts';
import { isLabelName, parseStreamLabels } from './stream-labels.ts';

export interface LokiPushOptions {
  readonly limits: LogLimits;
  /** Entries later than this are refused. */
  readonly maxTimestampNs: bigint;
}

export const DEFAULT_LOKI_PUSH_OPTIONS: LokiPushOptions = {
  limits: DEFAULT_LOG_LIMITS,
  maxTimestampNs: 0x7fffffffffffffffn,
};

export interface DecodedLogs {
  readonly batch: LogBatchBuilder;
  readonly rejected: Rejected;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });
const MAX_INT64 = 0x7fffffffffffffffn;

/** Decodes `{"streams": [{"stream": {...}, "values": [["<ns>", "<line>", {metadata}], ...]}]}`. */
export function decodeLokiJson(
  body: Uint8Array,
  tenant: string,
  options = DEFAULT_LOKI_PUSH_OPTIONS,
): DecodedLogs {
  let request: unknown;
  try {
    request = JSON.parse(utf8.decode(body));
  } catch (cause) {
    throw new InputError(`malformed JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const push = new Push(tenant, options);
  const streams = member(request, 'streams', 'the request');
  if (streams === undefined || streams === null) return push;
  if (!Array.isArray(streams)) throw new InputError('streams must be an array');
  for (let s = 0; s < streams.length; s++) {
    const path = `streams[${s}]`;
    const values = member(streams[s], 'values', path) ?? [];
    if (!Array.isArray(values)) throw new InputError(`${path}.values must be an array`);
    const labels = jsonLabels(member(streams[s], 'stream', path), `${path}.stream`);
    push.startStream(labels, values.length);
    for (let v = 0; v < values.length; v++) jsonEntry(push, values[v], `${path}.values[${v}]`);
  }
  return push;
}

function member(value: unknown, name: string, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`${path} must be an object`);
  }
  return (value as Record<string, unknown>)[name];
}

function jsonLabels(value: unknown, path: string): Labels {
  if (value === undefined || value === null) return Labels.EMPTY;
  if (typeof value !== 'object' || Array.isArray(value)) throw new InputError(`${path} must be an object`);
  const pairs = Object.entries(value);
  for (const [name, text] of pairs) {
    if (typeof text !== 'string') throw new InputError(`${path}.${name} must be a string`);
    if (!isLabelName(name)) {
      throw new InputError(`couldn't parse labels: invalid label name ${JSON.stringify(name)}`, {
        hint: 'letters, digits and underscores, not starting with a digit',
      });
    }
  }
  return Labels.fromPairs(pairs);
}

function jsonEntry(push: Push, value: unknown, path: string): void {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) {
    throw new InputError(
      `${path} must be an array of a timestamp, a line, and optionally structured metadata`,
    );
  }
  const [time, line, metadata] = value as [unknown, unknown, unknown];
  if (typeof time !== 'string' || !/^-?\d{1,19}$/.test(time)) {
    throw new InputError(`${path}[0] must be a string of nanoseconds since the epoch`);
  }
  const timeNs = BigInt(time);
  if (timeNs > MAX_INT64) throw new InputError(`${path}[0] does not fit 64 bits`);
  if (typeof line !== 'string') throw new InputError(`${path}[1] must be a string`);
  let entries = 0;
  let bytes = 0;
  if (metadata !== undefined && metadata !== null) {
    if (typeof metadata !== 'object' || Array.isArray(metadata))
      throw new InputError(`${path}[2] must be an object`);
    for (const name of Object.keys(metadata)) {
      const text = (metadata as Record<string, unknown>)[name];
      if (typeof text !== 'string') throw new InputError(`${path}[2].${name} must be a string`);
      entries++;
      bytes += name.length + text.length;
    }
  }
  if (
    !push.accepts(
      timeNs,
      line.length * 3 > push.limits.maxLineBytes ? Buffer.byteLength(line) : 0,
      entries,
      bytes,
    )
  ) {
    return;
  }
  const { batch } = push;
  batch.startRow();
  if (entries > 0) {
    for (const name of Object.keys(metadata as object)) {
      batch.metadataText(batch.keys.indexOf(name), (metadata as Record<string, string>)[name] as string);
    }
  }
  batch.bodies.pushString(line);
  push.endEntry(timeNs, batch.knownLevel(push.stream) ?? levelOfLine(line));
}

/** Decodes a logproto.PushRequest that is already decompressed. */
export function decodeLokiProtobuf(
  body: Uint8Array,
  tenant: string,
  options = DEFAULT_LOKI_PUSH_OPTIONS,
): DecodedLogs {
  const push = new Push(tenant, options);
  const reader = new ProtobufReader(body);
  const keys = new Interner(push.batch.keys);
  const end = body.length;
  while (reader.pos < end) {
    if (reader.tag() === 10) protobufStream(push, reader, keys, reader.enter(end));
    else reader.skip();
  }
  return push;
}

/** StreamAdapter: labels = 1, entries = 2. */
function protobufStream(push: Push, reader: ProtobufReader, keys: Interner, end: number): void {
  const start = reader.pos;
  let labels = '';
  let entries = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag === 10) labels = reader.string(reader.enter(end));
    else {
      if (tag === 18) entries++;
      reader.skip();
    }
  }
  reader.leave(end);
  push.startStream(parseStreamLabels(labels), entries);
  reader.pos = start;
  while (reader.pos < end) {
    if (reader.tag() === 18) protobufEntry(push, reader, keys, reader.enter(end));
    else reader.skip();
  }
}

/** EntryAdapter: timestamp = 1, line = 2, structuredMetadata = 3. */
function protobufEntry(push: Push, reader: ProtobufReader, keys: Interner, end: number): void {
  const { bytes } = reader;
  const start = reader.pos;
  let timeNs = 0n;
  let lineStart = 0;
  let lineEnd = 0;
  let entries = 0;
  let size = 0;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10: {
        const timeEnd = reader.enter(end);
        let seconds = 0;
        let nanos = 0;
        while (reader.pos < timeEnd) {
          switch (reader.tag()) {
            case 8:
              seconds = reader.int64();
              break;
            case 16:
              nanos = reader.int64();
              break;
            default:
              reader.skip();
          }
        }
        reader.leave(timeEnd);
        timeNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
        if (BigInt.asIntN(64, timeNs) !== timeNs) reader.fail('timestamp does not fit 64 bits');
        break;
      }
      case 18:
        lineEnd = reader.enter(end);
        lineStart = reader.pos;
        reader.pos = lineEnd;
        break;
      case 26: {
        const pairEnd = reader.enter(end);
        entries++;
        size += pairEnd - reader.pos;
        reader.pos = pairEnd;
        break;
      }
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  if (!push.accepts(timeNs, lineEnd - lineStart, entries, size)) return;
  const { batch } = push;
  batch.startRow();
  if (entries > 0) {
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 26) protobufMetadata(batch, reader, keys, reader.enter(end));
      else reader.skip();
    }
  }
  batch.bodies.pushBytes(bytes, lineStart, lineEnd);
  const level =
    batch.knownLevel(push.stream) ??
    levelOfLine(Buffer.from(bytes.subarray(lineStart, lineEnd)).toString('latin1'));
  push.endEntry(timeNs, level);
}

function protobufMetadata(batch: LogBatchBuilder, reader: ProtobufReader, keys: Interner, end: number): void {
  let nameStart = 0;
  let nameEnd = 0;
  let valueStart = 0;
  let valueEnd = 0;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        nameEnd = reader.enter(end);
        nameStart = reader.pos;
        reader.pos = nameEnd;
        break;
      case 18:
        valueEnd = reader.enter(end);
        valueStart = reader.pos;
        reader.pos = valueEnd;
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  batch.metadataBytes(keys.indexOf(reader.bytes, nameStart, nameEnd), reader.bytes, valueStart, valueEnd);
}

/** One push while it is decoded; what both encodings have in common. */
class Push implements DecodedLogs {
  readonly batch: LogBatchBuilder;
  readonly rejected = new Rejected();
  readonly limits: LogLimits;
  readonly #maxTimestampNs: bigint;
  stream = 0;
  #streamRefused: string | undefined;

  constructor(tenant: string, options: LokiPushOptions) {
    this.batch = new LogBatchBuilder(tenant);
    this.limits = options.limits;
    this.#maxTimestampNs = options.maxTimestampNs;
  }

  /** Begins a stream with `entries` entries; a stream without entries leaves no trace. */
  startStream(pushed: Labels, entries: number): void {
    const labels = withServiceName(pushed);
    this.#streamRefused = refuseStream(labels, this.limits);
    if (entries > 0 && this.#streamRefused === undefined) this.stream = this.batch.indexOfStream(labels);
  }

  /** Whether an entry is within the limits; otherwise it is counted as refused. */
  accepts(timeNs: bigint, lineBytes: number, metadataEntries: number, metadataBytes: number): boolean {
    const { limits } = this;
    const refused =
      this.#streamRefused ??
      (timeNs > this.#maxTimestampNs
        ? 'entry has a timestamp too far in the future'
        : lineBytes > limits.maxLineBytes
          ? `line longer than ${limits.maxLineBytes} bytes (max-line-bytes)`
          : metadataEntries > limits.maxMetadataEntries
            ? `more than ${limits.maxMetadataEntries} entries of structured metadata (max-metadata-entries)`
            : metadataBytes > limits.maxMetadataBytes
              ? `structured metadata of more than ${limits.maxMetadataBytes} bytes (max-metadata-bytes)`
              : undefined);
    if (refused === undefined) return true;
    this.rejected.add(refused);
    return false;
  }

  endEntry(timeNs: bigint, level: string): void {
    const low = Number(timeNs & 0xffffffffn);
    const high = Number(BigInt.asUintN(32, timeNs >> 32n));
    this.batch.endRow(this.stream, low, high, 0, 0, 0, level);
  }
}
