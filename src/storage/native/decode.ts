/**
 * Decoder of ClickHouse's Native format (protocol revision 0, as HTTP gives it), block by block from a stream of
 * chunks of any size. Numbers are little endian, which every platform that ClickHouse runs on is.
 */

import {
  ArrayColumn,
  BigIntColumn,
  Block,
  type Column,
  DictionaryColumn,
  FixedStringColumn,
  MapColumn,
  NullableColumn,
  NumberColumn,
  StringColumn,
  TupleColumn,
} from './columns.ts';
import { parseType, type TypeTree } from './type.ts';

/** The bytes are not what the format says. Usually an exception text in the middle of a result. */
export class NativeFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NativeFormatError';
  }
}

/** A step of decoding: `yield` asks for more bytes. */
type Step<T> = Generator<undefined, T, undefined>;

const MAX_ITEMS = 0xffffffff;

/** Feed chunks with `push`, take blocks with `next`. Holds at most one unfinished block. */
export class NativeDecoder {
  #buffer: Uint8Array = new Uint8Array(0);
  /** Whether the buffer is ours to append to (else it is a received chunk). */
  #owned = false;
  #at = 0;
  #end = 0;
  #step: Step<Block> | undefined;

  push(chunk: Uint8Array): void {
    if (this.#at === this.#end) {
      // Nothing left over: read straight from the chunk. Columns copy what they keep.
      this.#buffer = chunk;
      this.#owned = false;
      this.#at = 0;
      this.#end = chunk.length;
      return;
    }
    if (this.#owned && this.#end + chunk.length <= this.#buffer.length) {
      this.#buffer.set(chunk, this.#end);
      this.#end += chunk.length;
      return;
    }
    const left = this.#end - this.#at;
    const need = left + chunk.length;
    const next = new Uint8Array(Math.max(need * 2, 1 << 18));
    next.set(this.#buffer.subarray(this.#at, this.#end));
    next.set(chunk, left);
    this.#buffer = next;
    this.#owned = true;
    this.#at = 0;
    this.#end = need;
  }

  /** The next whole block, or undefined when more bytes are needed. */
  next(): Block | undefined {
    for (;;) {
      if (this.#step === undefined) {
        if (this.#at === this.#end) return undefined;
        this.#step = this.#block();
      }
      const result = this.#step.next();
      if (result.done !== true) return undefined;
      this.#step = undefined;
      if (result.value.rows > 0) return result.value;
    }
  }

  /** True when the stream may end here. */
  get idle(): boolean {
    return this.#step === undefined && this.#at === this.#end;
  }

  /** What was received but not understood yet (an exception text may be in it). */
  rest(): Uint8Array {
    return this.#buffer.subarray(this.#at, this.#end);
  }

  *#need(bytes: number): Step<void> {
    while (this.#end - this.#at < bytes) yield;
  }

  *#varuint(): Step<number> {
    let value = 0;
    let scale = 1;
    for (;;) {
      if (this.#at === this.#end) yield* this.#need(1);
      const byte = this.#buffer[this.#at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
      if (scale > 2 ** 56) throw new NativeFormatError('number too long');
    }
  }

  *#text(): Step<string> {
    const size = yield* this.#varuint();
    if (size > 100_000) throw new NativeFormatError('name too long');
    yield* this.#need(size);
    const text = new TextDecoder().decode(this.#buffer.subarray(this.#at, this.#at + size));
    this.#at += size;
    return text;
  }

  /** An unsigned 64-bit count that must be small. */
  *#count(): Step<number> {
    yield* this.#need(8);
    const view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset + this.#at, 8);
    this.#at += 8;
    const value = view.getUint32(0, true) + view.getUint32(4, true) * 4294967296;
    return value;
  }

  /** A copy of the next bytes in memory of its own, aligned for any typed array. */
  *#take(bytes: number): Step<ArrayBuffer> {
    const out = new Uint8Array(bytes);
    let filled = 0;
    while (filled < bytes) {
      if (this.#at === this.#end) yield* this.#need(1);
      const part = Math.min(bytes - filled, this.#end - this.#at);
      out.set(this.#buffer.subarray(this.#at, this.#at + part), filled);
      this.#at += part;
      filled += part;
    }
    return out.buffer;
  }

  *#block(): Step<Block> {
    const columnCount = yield* this.#varuint();
    const rows = yield* this.#varuint();
    if (columnCount > 10_000 || rows > MAX_ITEMS) throw new NativeFormatError('not a block');
    const names: string[] = [];
    const columns: Column[] = [];
    for (let i = 0; i < columnCount; i++) {
      names.push(yield* this.#text());
      const type = parseType(yield* this.#text());
      if (rows > 0) yield* this.#prefix(type);
      columns.push(yield* this.#column(type, rows));
    }
    return new Block(rows, names, columns);
  }

  /** State prefixes of a column come before all of its data. */
  *#prefix(type: TypeTree): Step<void> {
    if (type.name === 'LowCardinality') {
      const version = yield* this.#count();
      if (version !== 1) throw new NativeFormatError(`LowCardinality version ${version}`);
      return;
    }
    for (const inner of type.of) yield* this.#prefix(inner);
  }

  *#column(type: TypeTree, rows: number): Step<Column> {
    const text = type.text;
    switch (type.name) {
      case 'UInt8':
      case 'Bool':
        return new NumberColumn(text, new Uint8Array(yield* this.#take(rows)));
      case 'Int8':
      case 'Enum8':
        return new NumberColumn(text, new Int8Array(yield* this.#take(rows)));
      case 'UInt16':
      case 'Date':
        return new NumberColumn(text, new Uint16Array(yield* this.#take(rows * 2)));
      case 'Int16':
      case 'Enum16':
        return new NumberColumn(text, new Int16Array(yield* this.#take(rows * 2)));
      case 'UInt32':
      case 'DateTime':
        return new NumberColumn(text, new Uint32Array(yield* this.#take(rows * 4)));
      case 'Int32':
      case 'Date32':
        return new NumberColumn(text, new Int32Array(yield* this.#take(rows * 4)));
      case 'Float32':
        return new NumberColumn(text, new Float32Array(yield* this.#take(rows * 4)));
      case 'Float64':
        return new NumberColumn(text, new Float64Array(yield* this.#take(rows * 8)));
      case 'UInt64':
        return new BigIntColumn(text, new BigUint64Array(yield* this.#take(rows * 8)));
      case 'Int64':
      case 'DateTime64':
        return new BigIntColumn(text, new BigInt64Array(yield* this.#take(rows * 8)));
      case 'String':
        return yield* this.#strings(text, rows);
      case 'FixedString': {
        const width = Number(type.arguments);
        return new FixedStringColumn(text, new Uint8Array(yield* this.#take(rows * width)), width);
      }
      case 'Nothing':
        return new NumberColumn(text, new Uint8Array(yield* this.#take(rows)));
      case 'Nullable': {
        const nulls = new Uint8Array(yield* this.#take(rows));
        return new NullableColumn(text, nulls, yield* this.#column(inner(type, 0), rows));
      }
      case 'LowCardinality':
        return yield* this.#dictionary(type, rows);
      case 'Array': {
        const ends = yield* this.#ends(rows);
        return new ArrayColumn(text, ends, yield* this.#column(inner(type, 0), ends[rows - 1] ?? 0));
      }
      case 'Map': {
        const ends = yield* this.#ends(rows);
        const items = ends[rows - 1] ?? 0;
        const keys = yield* this.#column(inner(type, 0), items);
        return new MapColumn(text, ends, keys, yield* this.#column(inner(type, 1), items));
      }
      case 'Tuple': {
        const elements: Column[] = [];
        for (const element of type.of) elements.push(yield* this.#column(element, rows));
        return new TupleColumn(text, rows, elements);
      }
      default:
        throw new NativeFormatError(`type ${text} is not supported`);
    }
  }

  *#ends(rows: number): Step<Uint32Array> {
    const wide = new Uint32Array(yield* this.#take(rows * 8));
    const ends = new Uint32Array(rows);
    for (let i = 0; i < rows; i++) {
      if (wide[2 * i + 1] !== 0) throw new NativeFormatError('array too long');
      ends[i] = wide[2 * i] as number;
    }
    return ends;
  }

  *#strings(type: string, rows: number): Step<StringColumn> {
    const starts = new Uint32Array(rows);
    const ends = new Uint32Array(rows);
    // Scan within the buffer; when it runs out, wait for more. The buffer may move then: `scan` is relative to #at.
    let scan = 0;
    let row = 0;
    while (row < rows) {
      const buffer = this.#buffer;
      const origin = this.#at;
      const end = this.#end;
      let at = origin + scan;
      while (row < rows) {
        let size = 0;
        let shift = 0;
        let p = at;
        let byte = 0x80;
        while (p < end && byte >= 0x80) {
          byte = buffer[p++] as number;
          size += (byte & 0x7f) * 2 ** shift;
          shift += 7;
        }
        if (byte >= 0x80 || p + size > end) break;
        starts[row] = p - origin;
        at = p + size;
        ends[row] = at - origin;
        row++;
      }
      scan = at - origin;
      if (row < rows) {
        const have = this.#end - this.#at;
        while (this.#end - this.#at === have) yield;
      }
    }
    // Not slice(): a Buffer's would share the chunk's memory.
    const data = new Uint8Array(this.#buffer.subarray(this.#at, this.#at + scan));
    this.#at += scan;
    return new StringColumn(type, data, starts, ends);
  }

  *#dictionary(type: TypeTree, rows: number): Step<Column> {
    const of = inner(type, 0);
    const nullable = of.name === 'Nullable';
    const keyType = nullable ? inner(of, 0) : of;
    let result: DictionaryColumn | undefined;
    let done = 0;
    while (done < rows) {
      const flags = yield* this.#count();
      if ((flags & 0x100) !== 0) throw new NativeFormatError('LowCardinality with a global dictionary');
      const keyCount = yield* this.#count();
      const keys = yield* this.#column(keyType, keyCount);
      const count = yield* this.#count();
      const indices = yield* this.#indices(flags & 0xff, count);
      if (done > 0) throw new NativeFormatError('LowCardinality in several parts');
      result = new DictionaryColumn(type.text, keys, indices, nullable);
      done += count;
      if (count === 0) throw new NativeFormatError('LowCardinality without rows');
    }
    return (
      result ?? new DictionaryColumn(type.text, yield* this.#column(keyType, 0), new Uint8Array(0), nullable)
    );
  }

  *#indices(width: number, count: number): Step<Uint8Array | Uint16Array | Uint32Array> {
    if (width === 0) return new Uint8Array(yield* this.#take(count));
    if (width === 1) return new Uint16Array(yield* this.#take(count * 2));
    if (width === 2) return new Uint32Array(yield* this.#take(count * 4));
    throw new NativeFormatError(`LowCardinality index width ${width}`);
  }
}

function inner(type: TypeTree, at: number): TypeTree {
  const found = type.of[at];
  if (found === undefined) throw new NativeFormatError(`type ${type.text} lacks an argument`);
  return found;
}
