/**
 * OTLP's AnyValue and KeyValue in protobuf: into attribute columns without an object per attribute, as text for
 * labels and log lines, and as JSON for what has no column type.
 */

import type { AttributeColumn, Dictionary } from '../../model/attributes.ts';
import { Interner } from '../interner.ts';
import { decodeUtf8, type ProtobufReader } from '../protobuf.ts';

/** Nesting of arrays and key/value lists inside of one attribute. */
export const MAX_VALUE_DEPTH = 32;

/** Limits on attributes. What is beyond is dropped (and counted as dropped) or cut, never refused. */
export interface AttributeLimits {
  /** Attributes of one resource, scope, span, event, link, point or record. */
  readonly maxAttributes: number;
  readonly maxAttributeKeyBytes: number;
  /** Longer string values are cut at a character boundary. */
  readonly maxAttributeValueBytes: number;
}

export const DEFAULT_ATTRIBUTE_LIMITS: AttributeLimits = {
  maxAttributes: 1024,
  maxAttributeKeyBytes: 1024,
  maxAttributeValueBytes: 65_536,
};

/** The last field that was set in an AnyValue: its number (0 for none), and where its content lies. */
export class AnyValueView {
  kind = 0;
  start = 0;
  end = 0;
  /** int_value and double_value. */
  low = 0;
  high = 0;

  /** Reads an AnyValue that ends at `end`. */
  read(reader: ProtobufReader, end: number): void {
    this.kind = 0;
    while (reader.pos < end) {
      const tag = reader.tag();
      switch (tag) {
        case 10:
        case 42:
        case 50:
        case 58:
          this.kind = tag >>> 3;
          this.end = reader.enter(end);
          this.start = reader.pos;
          reader.pos = this.end;
          break;
        case 16:
        case 24:
          this.kind = tag >>> 3;
          reader.varint64();
          this.low = reader.low;
          this.high = reader.high;
          break;
        case 33:
          this.kind = 4;
          reader.fixed64();
          this.low = reader.low;
          this.high = reader.high;
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
  }
}

export const ANY_STRING = 1;
export const ANY_BOOL = 2;
export const ANY_INT = 3;
export const ANY_DOUBLE = 4;
export const ANY_ARRAY = 5;
export const ANY_KVLIST = 6;
export const ANY_BYTES = 7;

const bits = new Uint32Array(2);
const asFloat = new Float64Array(bits.buffer);

/** The double with these halves. */
export function doubleOf(low: number, high: number): number {
  bits[0] = low;
  bits[1] = high;
  return asFloat[0] as number;
}

/** The signed 64-bit integer with these halves, in decimal. */
export function int64Text(low: number, high: number): string {
  const signed = high | 0;
  if (signed >= -0x200000 && signed < 0x200000) return String(signed * 4294967296 + low);
  return String((BigInt(signed) << 32n) | BigInt(low));
}

/** A double as Go's JSON encoder and OTLP's text form write it. */
export function doubleText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/** Reads KeyValue lists into attribute columns. One reader serves one batch. */
export class AttributeReader {
  readonly #keys: Interner;
  readonly #limits: AttributeLimits;
  readonly #value = new AnyValueView();
  /** Per key: the row for which it was seen last, to drop repeated keys. */
  #seen = new Int32Array(64).fill(-1);
  #row = 0;
  #count = 0;
  /** Attributes that were left out of the present row: too many, key empty or too long, key repeated. */
  dropped = 0;

  constructor(keys: Dictionary, limits: AttributeLimits) {
    this.#keys = new Interner(keys);
    this.#limits = limits;
  }

  /** Call before the attributes of each row. */
  startRow(): void {
    this.#row++;
    this.#count = 0;
    this.dropped = 0;
  }

  /** Reads the KeyValue that follows (its length first) and appends it. The first of equal keys is kept. */
  read(reader: ProtobufReader, parentEnd: number, column: AttributeColumn): void {
    const end = reader.enter(parentEnd);
    let keyStart = 0;
    let keyEnd = 0;
    const value = this.#value;
    value.kind = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10:
          keyEnd = reader.enter(end);
          keyStart = reader.pos;
          reader.pos = keyEnd;
          break;
        case 18:
          value.read(reader, reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const size = keyEnd - keyStart;
    if (size === 0 || size > this.#limits.maxAttributeKeyBytes || this.#count >= this.#limits.maxAttributes) {
      this.dropped++;
      return;
    }
    const key = this.#keys.indexOf(reader.bytes, keyStart, keyEnd);
    if (key >= this.#seen.length) {
      const next = new Int32Array(this.#seen.length * 4 > key ? this.#seen.length * 4 : key * 2).fill(-1);
      next.set(this.#seen);
      this.#seen = next;
    }
    if (this.#seen[key] === this.#row) {
      this.dropped++;
      return;
    }
    this.#seen[key] = this.#row;
    this.#count++;
    switch (value.kind) {
      case ANY_STRING:
        column.pushStringBytes(
          key,
          reader.bytes,
          value.start,
          cutUtf8(reader.bytes, value.start, value.end, this.#limits.maxAttributeValueBytes),
        );
        break;
      case ANY_BOOL:
        column.pushBool(key, value.low !== 0 || value.high !== 0);
        break;
      case ANY_INT:
        column.pushInt(key, value.low, value.high);
        break;
      case ANY_DOUBLE:
        column.pushDouble(key, doubleOf(value.low, value.high));
        break;
      default:
        column.pushOther(key, otlpJson(reader, value, 0));
    }
  }
}

/** The end of the longest prefix of at most `limit` bytes that does not cut a character. */
export function cutUtf8(bytes: Uint8Array, start: number, end: number, limit: number): number {
  if (end - start <= limit) return end;
  let cut = start + limit;
  while (cut > start && ((bytes[cut] as number) & 0xc0) === 0x80) cut--;
  return cut;
}

function text(reader: ProtobufReader, start: number, end: number): string {
  return (
    decodeUtf8(reader.bytes, start, end) ?? Buffer.from(reader.bytes.subarray(start, end)).toString('utf8')
  );
}

/** A value as the JSON text of an OTLP AnyValue. Moves the reader; the caller's position is kept. */
function otlpJson(reader: ProtobufReader, value: AnyValueView, depth: number): string {
  const { kind, start, end, low, high } = value;
  switch (kind) {
    case ANY_STRING:
      return `{"stringValue":${JSON.stringify(text(reader, start, end))}}`;
    case ANY_BOOL:
      return `{"boolValue":${low !== 0 || high !== 0}}`;
    case ANY_INT:
      return `{"intValue":"${int64Text(low, high)}"}`;
    case ANY_DOUBLE: {
      const number = doubleOf(low, high);
      if (Number.isFinite(number)) return `{"doubleValue":${doubleText(number)}}`;
      return `{"doubleValue":"${Number.isNaN(number) ? 'NaN' : number > 0 ? 'Infinity' : '-Infinity'}"}`;
    }
    case ANY_ARRAY:
    case ANY_KVLIST: {
      if (depth >= MAX_VALUE_DEPTH) reader.fail('attribute value nested too deeply');
      const back = reader.pos;
      const parts: string[] = [];
      const item = new AnyValueView();
      reader.pos = start;
      while (reader.pos < end) {
        if (reader.tag() !== 10) {
          reader.skip();
          continue;
        }
        const itemEnd = reader.enter(end);
        if (kind === ANY_ARRAY) {
          item.read(reader, itemEnd);
          parts.push(otlpJson(reader, item, depth + 1));
        } else {
          const key = readPair(reader, itemEnd, item);
          parts.push(`{"key":${JSON.stringify(key)},"value":${otlpJson(reader, item, depth + 1)}}`);
        }
      }
      reader.leave(end);
      reader.pos = back;
      return kind === ANY_ARRAY
        ? `{"arrayValue":{"values":[${parts.join(',')}]}}`
        : `{"kvlistValue":{"values":[${parts.join(',')}]}}`;
    }
    case ANY_BYTES:
      return `{"bytesValue":"${Buffer.from(reader.bytes.subarray(start, end)).toString('base64')}"}`;
    default:
      return '{}';
  }
}

/** Reads a KeyValue that ends at `end`: gives its key and leaves its value in `value`. */
export function readPair(reader: ProtobufReader, end: number, value: AnyValueView): string {
  let key = '';
  value.kind = 0;
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 10:
        key = reader.string(reader.enter(end));
        break;
      case 18:
        value.read(reader, reader.enter(end));
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  return key;
}

/**
 * A value as plain text, as OpenTelemetry's non-OTLP form has it: strings as they are, numbers and booleans in
 * decimal, bytes in base64, arrays and key/value lists as JSON with sorted keys, nothing as ''.
 */
export function plainText(reader: ProtobufReader, value: AnyValueView): string {
  switch (value.kind) {
    case ANY_STRING:
      return text(reader, value.start, value.end);
    case ANY_BYTES:
      return Buffer.from(reader.bytes.subarray(value.start, value.end)).toString('base64');
    case ANY_DOUBLE:
      return doubleText(doubleOf(value.low, value.high));
    case 0:
      return '';
    default:
      return plainJson(reader, value, 0);
  }
}

/** A value as plain JSON (not OTLP's typed form). Moves the reader; the caller's position is kept. */
function plainJson(reader: ProtobufReader, value: AnyValueView, depth: number): string {
  const { kind, start, end, low, high } = value;
  switch (kind) {
    case ANY_STRING:
      return JSON.stringify(text(reader, start, end));
    case ANY_BOOL:
      return low !== 0 || high !== 0 ? 'true' : 'false';
    case ANY_INT:
      return int64Text(low, high);
    case ANY_DOUBLE: {
      const number = doubleOf(low, high);
      return Number.isFinite(number) ? doubleText(number) : `"${doubleText(number)}"`;
    }
    case ANY_BYTES:
      return `"${Buffer.from(reader.bytes.subarray(start, end)).toString('base64')}"`;
    case ANY_ARRAY:
    case ANY_KVLIST: {
      if (depth >= MAX_VALUE_DEPTH) reader.fail('attribute value nested too deeply');
      const back = reader.pos;
      const item = new AnyValueView();
      const values: string[] = [];
      const pairs = new Map<string, string>();
      reader.pos = start;
      while (reader.pos < end) {
        if (reader.tag() !== 10) {
          reader.skip();
          continue;
        }
        const itemEnd = reader.enter(end);
        if (kind === ANY_ARRAY) {
          item.read(reader, itemEnd);
          values.push(plainJson(reader, item, depth + 1));
        } else {
          const key = readPair(reader, itemEnd, item);
          pairs.set(key, plainJson(reader, item, depth + 1));
        }
      }
      reader.leave(end);
      reader.pos = back;
      if (kind === ANY_ARRAY) return `[${values.join(',')}]`;
      const keys = [...pairs.keys()].sort();
      return `{${keys.map((key) => `${JSON.stringify(key)}:${pairs.get(key)}`).join(',')}}`;
    }
    default:
      return 'null';
  }
}
