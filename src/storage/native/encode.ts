/**
 * Encoder of ClickHouse's Native format: one block at a time into one growing buffer. Writers append whole columns;
 * it checks that every column has the block's number of rows.
 */

import assert from 'node:assert/strict';
import type { BytesColumn } from '../../model/column.ts';

const encoder = new TextEncoder();

/** A growing byte buffer. */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  reserve(count: number): void {
    const need = this.length + count;
    if (need <= this.bytes.length) return;
    let size = this.bytes.length * 2;
    while (size < need) size *= 2;
    const next = new Uint8Array(size);
    next.set(this.bytes.subarray(0, this.length));
    this.bytes = next;
  }

  varuint(value: number): void {
    this.reserve(10);
    while (value >= 0x80) {
      this.bytes[this.length++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    this.bytes[this.length++] = value;
  }

  /** An unsigned 64-bit number from a safe integer. */
  uint64(value: number): void {
    this.reserve(8);
    const low = value >>> 0;
    const high = Math.floor(value / 4294967296);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = low;
    bytes[at++] = low >>> 8;
    bytes[at++] = low >>> 16;
    bytes[at++] = low >>> 24;
    bytes[at++] = high;
    bytes[at++] = high >>> 8;
    bytes[at++] = high >>> 16;
    bytes[at++] = high >>> 24;
    this.length = at;
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** The memory of a typed array. */
  array(source: ArrayBufferView): void {
    this.raw(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  }

  /** Length-prefixed UTF-8. */
  text(value: string): void {
    const { length } = value;
    if (length < 32) {
      // Short ASCII, the usual label: written in place.
      this.reserve(length + 1);
      const { bytes } = this;
      const at = this.length;
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 127) break;
        bytes[at + 1 + i] = unit;
      }
      if (i === length) {
        bytes[at] = length;
        this.length = at + 1 + length;
        return;
      }
    }
    const encoded = encoder.encode(value);
    this.varuint(encoded.length);
    this.raw(encoded);
  }

  /** Length-prefixed bytes source[start..end). */
  slice(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    this.varuint(size);
    this.reserve(size);
    const { bytes } = this;
    let at = this.length;
    if (size < 48) {
      for (let i = start; i < end; i++) bytes[at++] = source[i] as number;
    } else {
      bytes.set(source.subarray(start, end), at);
      at += size;
    }
    this.length = at;
  }

  /** What was written; shares memory until the next write. */
  result(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}

/** Writes one block. Columns must be appended in the order given to the constructor's count. */
export class BlockEncoder {
  readonly rows: number;
  readonly out: ByteWriter;
  readonly #columns: number;
  #written = 0;

  constructor(columns: number, rows: number, capacity = 4096) {
    this.rows = rows;
    this.#columns = columns;
    this.out = new ByteWriter(capacity);
    this.out.varuint(columns);
    this.out.varuint(rows);
  }

  #head(name: string, type: string): void {
    this.#written++;
    this.out.text(name);
    this.out.text(type);
  }

  /** A column of fixed-width values as raw little-endian memory. */
  fixed(name: string, type: string, values: ArrayBufferView, width: number): void {
    assert.equal(values.byteLength, this.rows * width, `rows of ${name}`);
    this.#head(name, type);
    this.out.array(values);
  }

  uint8(name: string, values: Uint8Array): void {
    this.fixed(name, 'UInt8', values, 1);
  }

  float64(name: string, values: Float64Array | Uint8Array): void {
    this.fixed(name, 'Float64', values, 8);
  }

  /** Ids as two uint32 halves per row. */
  uint64(name: string, values: Uint32Array | BigUint64Array): void {
    this.fixed(name, 'UInt64', values, 8);
  }

  int64(name: string, values: BigInt64Array | Uint8Array): void {
    this.fixed(name, 'Int64', values, 8);
  }

  /** FixedString(width); rows of another length than `width` become zeros (absent ids). */
  fixedStrings(name: string, width: number, values: BytesColumn): void {
    assert.equal(values.length, this.rows, `rows of ${name}`);
    this.#head(name, `FixedString(${width})`);
    fixedBytes(this.out, width, values);
  }

  strings(name: string, values: BytesColumn): void {
    assert.equal(values.length, this.rows, `rows of ${name}`);
    this.#head(name, 'String');
    stringBytes(this.out, values);
  }

  texts(name: string, values: readonly string[]): void {
    assert.equal(values.length, this.rows, `rows of ${name}`);
    this.#head(name, 'String');
    for (const value of values) this.out.text(value);
  }

  /** LowCardinality(String) from distinct keys and an index per row. */
  dictionary(name: string, keys: readonly string[], indices: Uint32Array): void {
    assert.equal(indices.length, this.rows, `rows of ${name}`);
    this.#head(name, 'LowCardinality(String)');
    if (this.rows === 0) return;
    this.out.uint64(1);
    dictionaryData(this.out, keys, indices);
  }

  /** LowCardinality(String) with the same value in every row. */
  constant(name: string, value: string): void {
    this.#head(name, 'LowCardinality(String)');
    if (this.rows === 0) return;
    this.out.uint64(1);
    this.out.uint64(0x600);
    this.out.uint64(1);
    this.out.text(value);
    this.out.uint64(this.rows);
    this.out.reserve(this.rows);
    this.out.bytes.fill(0, this.out.length, this.out.length + this.rows);
    this.out.length += this.rows;
  }

  /**
   * Map(LowCardinality(String), V): `ends` per row, then keys as dictionary, then the values of all rows written by
   * `values` (which must write ends[rows-1] of them).
   */
  map(
    name: string,
    valueType: string,
    ends: Uint32Array,
    keys: readonly string[],
    keyIndices: Uint32Array,
    values: (out: ByteWriter) => void,
  ): void {
    assert.equal(ends.length, this.rows, `rows of ${name}`);
    this.#head(name, `Map(LowCardinality(String), ${valueType})`);
    if (this.rows === 0) return;
    this.out.uint64(1);
    this.ends(ends);
    if (keyIndices.length > 0) dictionaryData(this.out, keys, keyIndices);
    values(this.out);
  }

  /** Array(T): `ends` per row, then all items written by `items`. `prefix` is T's state prefix, if it has one. */
  array(
    name: string,
    type: string,
    ends: Uint32Array,
    items: (out: ByteWriter) => void,
    prefix = false,
  ): void {
    assert.equal(ends.length, this.rows, `rows of ${name}`);
    this.#head(name, `Array(${type})`);
    if (prefix) this.out.uint64(1);
    this.ends(ends);
    items(this.out);
  }

  /** Ends of arrays or maps as UInt64. */
  ends(ends: Uint32Array): void {
    const wide = new Uint32Array(ends.length * 2);
    for (let i = 0; i < ends.length; i++) wide[2 * i] = ends[i] as number;
    this.out.array(wide);
  }

  /** The encoded block. */
  finish(): Uint8Array {
    assert.equal(this.#written, this.#columns, 'columns of the block');
    return this.out.result();
  }
}

/** LowCardinality data without its state prefix. At least one row. */
export function dictionaryData(out: ByteWriter, keys: readonly string[], indices: Uint32Array): void {
  const width = keys.length <= 0x100 ? 0 : keys.length <= 0x10000 ? 1 : 2;
  out.uint64(0x600 | width);
  out.uint64(keys.length);
  for (const key of keys) out.text(key);
  out.uint64(indices.length);
  if (width === 0) out.raw(Uint8Array.from(indices));
  else if (width === 1) out.array(Uint16Array.from(indices));
  else out.array(indices);
}

/** Length-prefixed strings of a column. */
export function stringBytes(out: ByteWriter, values: BytesColumn): void {
  const data = values.data();
  out.reserve(data.length + values.length * 2);
  let start = 0;
  for (let row = 0; row < values.length; row++) {
    const end = values.end(row);
    out.slice(data, start, end);
    start = end;
  }
}

/** Fixed-width bytes of a column; rows of another length become zeros. */
export function fixedBytes(out: ByteWriter, width: number, values: BytesColumn): void {
  const data = values.data();
  const total = values.length * width;
  out.reserve(total);
  if (data.length === total && evenly(values, width)) {
    out.raw(data);
    return;
  }
  out.bytes.fill(0, out.length, out.length + total);
  for (let row = 0; row < values.length; row++) {
    const start = values.start(row);
    if (values.end(row) - start === width) out.bytes.set(data.subarray(start, start + width), out.length);
    out.length += width;
  }
}

function evenly(values: BytesColumn, width: number): boolean {
  for (let row = 0; row < values.length; row++) if (values.end(row) !== (row + 1) * width) return false;
  return true;
}
