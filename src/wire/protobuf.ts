/**
 * Protocol Buffers wire format over one Uint8Array: a bounds-checked reader that makes no object per message or
 * field, and a writer. Knows nothing of any schema.
 *
 * Messages are read by loops of the form
 *
 *     while (reader.pos < end) switch (reader.tag()) { case ...: ...; default: reader.skip() }
 *     reader.leave(end)
 *
 * where `end` comes from `reader.enter(parentEnd)`.
 */

import { InputError } from '../model/errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Nesting of groups that a skipped field may have. */
const MAX_GROUP_DEPTH = 32;

export class ProtobufReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  pos = 0;
  /** Halves of the integer that was read last by `varint64`, `fixed64` or `zigzag64`. */
  low = 0;
  high = 0;
  /** Wire type of the tag that was read last. */
  #wireType = 0;
  #field = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(what: string): never {
    throw new InputError(`malformed protobuf at byte ${this.pos}: ${what}`);
  }

  /** Reads a tag and returns field number * 8 + wire type. */
  tag(): number {
    const first = this.bytes[this.pos];
    let tag: number;
    if (first !== undefined && first < 0x80) {
      this.pos++;
      tag = first;
    } else {
      tag = this.varint32();
    }
    this.#wireType = tag & 7;
    this.#field = tag >>> 3;
    if (this.#field === 0) this.fail('field number 0');
    return tag;
  }

  /** Skips the value of the field whose tag was read last, whatever it is. */
  skip(): void {
    this.#skip(this.#wireType, this.#field, 0);
  }

  #skip(wireType: number, field: number, depth: number): void {
    switch (wireType) {
      case 0:
        this.varint64();
        return;
      case 1:
        this.#advance(8);
        return;
      case 2:
        this.#advance(this.varint32());
        return;
      case 3:
        if (depth >= MAX_GROUP_DEPTH) this.fail('groups nested too deeply');
        for (;;) {
          const tag = this.varint32();
          if ((tag & 7) === 4) {
            if (tag >>> 3 !== field) this.fail('group ends with another number');
            return;
          }
          this.#skip(tag & 7, tag >>> 3, depth + 1);
        }
      case 5:
        this.#advance(4);
        return;
      default:
        this.fail(`wire type ${wireType}`);
    }
  }

  #advance(size: number): void {
    if (size > this.bytes.length - this.pos) this.fail('field runs past the end');
    this.pos += size;
  }

  /** The low 32 bits of a varint as an unsigned number; the rest of a longer varint is dropped. */
  varint32(): number {
    const bytes = this.bytes;
    let pos = this.pos;
    let byte = bytes[pos++];
    if (byte === undefined) this.fail('field runs past the end');
    let value = byte & 0x7f;
    if (byte < 0x80) {
      this.pos = pos;
      return value;
    }
    for (let shift = 7; shift < 70; shift += 7) {
      byte = bytes[pos++];
      if (byte === undefined) this.fail('field runs past the end');
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.pos = pos;
        return value >>> 0;
      }
    }
    this.fail('varint of more than 10 bytes');
  }

  /** Reads a varint into `low` and `high`. */
  varint64(): void {
    const bytes = this.bytes;
    let pos = this.pos;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[pos++];
      if (byte === undefined) this.fail('field runs past the end');
      const part = byte & 0x7f;
      if (shift < 28) low |= part << shift;
      else if (shift === 28) {
        low |= part << 28;
        high |= part >>> 4;
      } else high |= part << (shift - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.pos = pos;
        return;
      }
    }
    this.fail('varint of more than 10 bytes');
  }

  /** A signed varint as a number; beyond 2^53 rounded. */
  int64(): number {
    this.varint64();
    return (this.high | 0) * 4294967296 + this.low;
  }

  /** An unsigned varint as a number; beyond 2^53 rounded. */
  uint64(): number {
    this.varint64();
    return this.high * 4294967296 + this.low;
  }

  /** sint32: zigzag. */
  sint32(): number {
    const value = this.varint32();
    return (value >>> 1) ^ -(value & 1);
  }

  /** sint64: zigzag, as a number; beyond 2^53 rounded. */
  sint64(): number {
    this.varint64();
    const sign = -(this.low & 1);
    const low = (((this.low >>> 1) | (this.high << 31)) ^ sign) >>> 0;
    const high = (this.high >>> 1) ^ sign;
    return high * 4294967296 + low;
  }

  bool(): boolean {
    this.varint64();
    return this.low !== 0 || this.high !== 0;
  }

  fixed32(): number {
    if (this.bytes.length - this.pos < 4) this.fail('field runs past the end');
    const value = this.view.getUint32(this.pos, true);
    this.pos += 4;
    return value;
  }

  /** Reads fixed64, sfixed64 or double bits into `low` and `high`. */
  fixed64(): void {
    const pos = this.pos;
    if (this.bytes.length - pos < 8) this.fail('field runs past the end');
    this.low = this.view.getUint32(pos, true);
    this.high = this.view.getUint32(pos + 4, true);
    this.pos = pos + 8;
  }

  /** fixed64 as an unsigned number; beyond 2^53 rounded. */
  fixed64Number(): number {
    this.fixed64();
    return this.high * 4294967296 + this.low;
  }

  /** sfixed64 as a number; beyond 2^53 rounded. */
  sfixed64Number(): number {
    this.fixed64();
    return (this.high | 0) * 4294967296 + this.low;
  }

  /** A double. NaN payloads may be lost: where they matter use `fixed64`. */
  double(): number {
    if (this.bytes.length - this.pos < 8) this.fail('field runs past the end');
    const value = this.view.getFloat64(this.pos, true);
    this.pos += 8;
    return value;
  }

  /** Reads a length and returns where the bytes, string, packed field or message ends, which is at most `end`. */
  enter(end: number): number {
    const size = this.varint32();
    if (size > end - this.pos) this.fail('field runs past the end');
    return this.pos + size;
  }

  /** Checks that a message was read exactly to its end. */
  leave(end: number): void {
    if (this.pos !== end) this.fail('message runs past its end');
  }

  /** The string up to `end`, which must be UTF-8. */
  string(end: number): string {
    const start = this.pos;
    this.pos = end;
    const text = decodeUtf8(this.bytes, start, end);
    if (text === undefined) this.fail('string is not UTF-8');
    return text;
  }
}

/** Decodes UTF-8, or gives undefined when the bytes are something else. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const size = end - start;
  if (size === 0) return '';
  if (size <= 24) {
    let text = '';
    let i = start;
    for (; i < end; i++) {
      const byte = bytes[i] as number;
      if (byte >= 0x80) break;
      text += ASCII[byte];
    }
    if (i === end) return text;
  }
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    return undefined;
  }
}

const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));

/** Writes Protocol Buffers. Nested messages are written by `message`, which puts the length before them afterwards. */
export class ProtobufWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(size = 256) {
    this.#bytes = new Uint8Array(size);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(size: number): void {
    const need = this.#length + size;
    if (need <= this.#bytes.length) return;
    let length = this.#bytes.length * 2;
    while (length < need) length *= 2;
    const next = new Uint8Array(length);
    next.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = next;
    this.#view = new DataView(next.buffer);
  }

  #varint(value: number): void {
    this.#reserve(5);
    while (value > 0x7f) {
      this.#bytes[this.#length++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    this.#bytes[this.#length++] = value;
  }

  /** uint32, enum or bool as 0 and 1. */
  uint32(field: number, value: number): void {
    this.#varint(field << 3);
    this.#varint(value >>> 0);
  }

  /** int64, uint64 (two's complement of 64 bits). */
  int64(field: number, value: bigint): void {
    this.#varint(field << 3);
    this.varint64(value);
  }

  /** A bare varint, for packed fields. */
  varint64(value: bigint): void {
    this.#reserve(10);
    const bits = BigInt.asUintN(64, value);
    let low = Number(bits & 0xffffffffn);
    let high = Number(bits >> 32n);
    while (high !== 0 || low > 0x7f) {
      this.#bytes[this.#length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#length++] = low;
  }

  sint32(field: number, value: number): void {
    this.#varint(field << 3);
    this.#varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  sint64(field: number, value: bigint): void {
    this.int64(field, (value << 1n) ^ (value >> 63n));
  }

  fixed32(field: number, value: number): void {
    this.#varint((field << 3) | 5);
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  fixed64(field: number, value: bigint): void {
    this.#varint((field << 3) | 1);
    this.rawFixed64(value);
  }

  /** A bare fixed64 or sfixed64, for packed fields. */
  rawFixed64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  double(field: number, value: number): void {
    this.#varint((field << 3) | 1);
    this.rawDouble(value);
  }

  /** A bare double, for packed fields. */
  rawDouble(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  bytes(field: number, value: Uint8Array): void {
    this.#varint((field << 3) | 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  string(field: number, value: string): void {
    this.#varint((field << 3) | 2);
    this.#reserve(value.length * 3 + 5);
    if (value.length <= 42) {
      // At most 126 bytes: the length takes one byte.
      const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#length + 1));
      this.#bytes[this.#length] = written;
      this.#length += written + 1;
      return;
    }
    const encoded = encoder.encode(value);
    this.#varint(encoded.length);
    this.#bytes.set(encoded, this.#length);
    this.#length += encoded.length;
  }

  /** Writes a message, or a packed field, whose content `write` writes. */
  message(field: number, write: () => void): void {
    this.#varint((field << 3) | 2);
    this.#reserve(1);
    const start = this.#length++;
    write();
    const size = this.#length - start - 1;
    if (size <= 0x7f) {
      this.#bytes[start] = size;
      return;
    }
    // The length needs more than the one byte that was left for it: move the content.
    let extra = 0;
    for (let rest = size >>> 7; rest !== 0; rest >>>= 7) extra++;
    this.#reserve(extra);
    this.#bytes.copyWithin(start + 1 + extra, start + 1, this.#length);
    const end = this.#length + extra;
    this.#length = start;
    this.#varint(size);
    this.#length = end;
  }
}
