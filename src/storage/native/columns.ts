/**
 * Typed columns as they come from ClickHouse's Native format. Numbers stay in typed arrays, strings stay bytes until
 * somebody asks for one. They know nothing of HTTP or of what a column means.
 */

/** A column of a block. `value(row)` gives a plain JavaScript value; the classes give faster ways in. */
export interface Column {
  readonly type: string;
  readonly length: number;
  value(row: number): unknown;
}

export type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array;

/** UInt8..32, Int8..32, Float32/64, Bool, Enum, Date, DateTime: anything that fits a JavaScript number. */
export class NumberColumn implements Column {
  readonly type: string;
  readonly values: NumberArray;

  constructor(type: string, values: NumberArray) {
    this.type = type;
    this.values = values;
  }

  get length(): number {
    return this.values.length;
  }

  /** A number; a boolean for Bool. */
  value(row: number): unknown {
    const value = this.values[row] as number;
    return this.type === 'Bool' ? value !== 0 : value;
  }
}

/** UInt64, Int64, DateTime64. */
export class BigIntColumn implements Column {
  readonly type: string;
  readonly values: BigInt64Array | BigUint64Array;

  constructor(type: string, values: BigInt64Array | BigUint64Array) {
    this.type = type;
    this.values = values;
  }

  get length(): number {
    return this.values.length;
  }

  value(row: number): bigint {
    return this.values[row] as bigint;
  }

  /** Two uint32 halves per value, little endian: [low, high, low, high, ...]. Shares memory with `values`. */
  halves(): Uint32Array {
    const { buffer, byteOffset, length } = this.values;
    return new Uint32Array(buffer as ArrayBuffer, byteOffset, length * 2);
  }

  /** As float64; exact for values below 2^53 (milliseconds since the epoch are). */
  numbers(): Float64Array {
    const halves = this.halves();
    const out = new Float64Array(this.values.length);
    if (this.values instanceof BigUint64Array) {
      for (let i = 0; i < out.length; i++)
        out[i] = (halves[2 * i + 1] as number) * 4294967296 + (halves[2 * i] as number);
    } else {
      for (let i = 0; i < out.length; i++)
        out[i] = ((halves[2 * i + 1] as number) | 0) * 4294967296 + (halves[2 * i] as number);
    }
    return out;
  }
}

// A byte order mark is part of the text.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Short ASCII is decoded by hand: TextDecoder's call overhead is larger than the work. */
export function decodeUtf8(data: Uint8Array, start: number, end: number): string {
  const size = end - start;
  if (size === 0) return '';
  if (size <= 24) {
    let text = '';
    for (let i = start; i < end; i++) {
      const byte = data[i] as number;
      if (byte > 127) return decoder.decode(data.subarray(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decoder.decode(data.subarray(start, end));
}

/** String. Bytes of row i are `data[starts[i] .. ends[i])`. */
export class StringColumn implements Column {
  readonly type: string;
  readonly data: Uint8Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;

  constructor(type: string, data: Uint8Array, starts: Uint32Array, ends: Uint32Array) {
    this.type = type;
    this.data = data;
    this.starts = starts;
    this.ends = ends;
  }

  get length(): number {
    return this.ends.length;
  }

  value(row: number): string {
    return decodeUtf8(this.data, this.starts[row] as number, this.ends[row] as number);
  }

  bytes(row: number): Uint8Array {
    return this.data.subarray(this.starts[row], this.ends[row]);
  }

  byteLength(row: number): number {
    return (this.ends[row] as number) - (this.starts[row] as number);
  }
}

/** FixedString(width): row i is `data[i*width .. (i+1)*width)`. */
export class FixedStringColumn implements Column {
  readonly type: string;
  readonly data: Uint8Array;
  readonly width: number;

  constructor(type: string, data: Uint8Array, width: number) {
    this.type = type;
    this.data = data;
    this.width = width;
  }

  get length(): number {
    return this.data.length / this.width;
  }

  bytes(row: number): Uint8Array {
    return this.data.subarray(row * this.width, (row + 1) * this.width);
  }

  /** Lower-case hex. */
  hex(row: number): string {
    let text = '';
    for (let i = row * this.width; i < (row + 1) * this.width; i++) text += HEX[this.data[i] as number];
    return text;
  }

  value(row: number): Uint8Array {
    return this.bytes(row);
  }
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'));

/** LowCardinality: row i has keys[indices[i]]. Distinct values are decoded once. */
export class DictionaryColumn implements Column {
  readonly type: string;
  readonly keys: Column;
  readonly indices: Uint8Array | Uint16Array | Uint32Array;
  readonly #nullable: boolean;
  #decoded: unknown[] | undefined;

  constructor(
    type: string,
    keys: Column,
    indices: Uint8Array | Uint16Array | Uint32Array,
    nullable: boolean,
  ) {
    this.type = type;
    this.keys = keys;
    this.indices = indices;
    this.#nullable = nullable;
  }

  get length(): number {
    return this.indices.length;
  }

  /** The distinct values (key 0 is null when the type is nullable, else the default value). */
  decodedKeys(): readonly unknown[] {
    if (this.#decoded === undefined) {
      this.#decoded = new Array(this.keys.length);
      for (let i = 0; i < this.keys.length; i++) this.#decoded[i] = this.keys.value(i);
      if (this.#nullable) this.#decoded[0] = null;
    }
    return this.#decoded;
  }

  value(row: number): unknown {
    return this.decodedKeys()[this.indices[row] as number];
  }
}

export class NullableColumn implements Column {
  readonly type: string;
  /** 1 where the value is null. */
  readonly nulls: Uint8Array;
  readonly values: Column;

  constructor(type: string, nulls: Uint8Array, values: Column) {
    this.type = type;
    this.nulls = nulls;
    this.values = values;
  }

  get length(): number {
    return this.nulls.length;
  }

  value(row: number): unknown {
    return this.nulls[row] === 1 ? null : this.values.value(row);
  }
}

/** Row i has items `ends[i-1] .. ends[i])` of `items`. */
export class ArrayColumn implements Column {
  readonly type: string;
  readonly ends: Uint32Array;
  readonly items: Column;

  constructor(type: string, ends: Uint32Array, items: Column) {
    this.type = type;
    this.ends = ends;
    this.items = items;
  }

  get length(): number {
    return this.ends.length;
  }

  start(row: number): number {
    return row === 0 ? 0 : (this.ends[row - 1] as number);
  }

  end(row: number): number {
    return this.ends[row] as number;
  }

  value(row: number): unknown[] {
    const out: unknown[] = [];
    for (let i = this.start(row); i < this.end(row); i++) out.push(this.items.value(i));
    return out;
  }
}

/** Map: row i has the pairs `ends[i-1] .. ends[i])` of `keys` and `values`. */
export class MapColumn implements Column {
  readonly type: string;
  readonly ends: Uint32Array;
  readonly keys: Column;
  readonly values: Column;

  constructor(type: string, ends: Uint32Array, keys: Column, values: Column) {
    this.type = type;
    this.ends = ends;
    this.keys = keys;
    this.values = values;
  }

  get length(): number {
    return this.ends.length;
  }

  start(row: number): number {
    return row === 0 ? 0 : (this.ends[row - 1] as number);
  }

  end(row: number): number {
    return this.ends[row] as number;
  }

  value(row: number): Map<unknown, unknown> {
    const out = new Map<unknown, unknown>();
    for (let i = this.start(row); i < this.end(row); i++) out.set(this.keys.value(i), this.values.value(i));
    return out;
  }
}

export class TupleColumn implements Column {
  readonly type: string;
  readonly length: number;
  readonly elements: readonly Column[];

  constructor(type: string, length: number, elements: readonly Column[]) {
    this.type = type;
    this.length = length;
    this.elements = elements;
  }

  value(row: number): unknown[] {
    return this.elements.map((element) => element.value(row));
  }
}

/** Rows in columns. Accessors assert the type, so that a select and its reader cannot drift apart unnoticed. */
export class Block {
  readonly rows: number;
  readonly names: readonly string[];
  readonly columns: readonly Column[];

  constructor(rows: number, names: readonly string[], columns: readonly Column[]) {
    this.rows = rows;
    this.names = names;
    this.columns = columns;
  }

  column(name: string): Column {
    const column = this.columns[this.names.indexOf(name)];
    if (column === undefined) throw new TypeError(`no column ${name} in (${this.names.join(', ')})`);
    return column;
  }

  #as<T extends Column>(name: string, kind: abstract new (...args: never[]) => T): T {
    const column = this.column(name);
    if (column instanceof kind) return column;
    throw new TypeError(`column ${name} is ${column.type}, not a ${kind.name}`);
  }

  /** UInt8..32, Int8..32, Float32/64, Bool, Enum. */
  numbers(name: string): NumberArray {
    return this.#as(name, NumberColumn).values;
  }

  /** Float64. */
  floats(name: string): Float64Array {
    const values = this.numbers(name);
    if (values instanceof Float64Array) return values;
    throw new TypeError(`column ${name} is not Float64`);
  }

  /** Int64, UInt64, DateTime64. */
  bigints(name: string): BigIntColumn {
    return this.#as(name, BigIntColumn);
  }

  strings(name: string): StringColumn {
    return this.#as(name, StringColumn);
  }

  fixed(name: string): FixedStringColumn {
    return this.#as(name, FixedStringColumn);
  }

  dictionary(name: string): DictionaryColumn {
    return this.#as(name, DictionaryColumn);
  }

  array(name: string): ArrayColumn {
    return this.#as(name, ArrayColumn);
  }

  map(name: string): MapColumn {
    return this.#as(name, MapColumn);
  }

  /** Rows as objects, for small results. */
  *objects(): IterableIterator<Record<string, unknown>> {
    for (let row = 0; row < this.rows; row++) {
      const out: Record<string, unknown> = {};
      for (let i = 0; i < this.names.length; i++) out[this.names[i] as string] = this.columns[i]?.value(row);
      yield out;
    }
  }
}
