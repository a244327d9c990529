/** Attribute columns as the five typed map columns of spans, resources and scopes, and as OTLP JSON texts. */

import {
  ATTRIBUTE_BOOL,
  ATTRIBUTE_DOUBLE,
  ATTRIBUTE_INT,
  ATTRIBUTE_OTHER,
  ATTRIBUTE_STRING,
  type AttributeColumn,
} from '../../model/attributes.ts';
import { type BlockEncoder, ByteWriter } from '../native.ts';

/** Columns of the five maps, in the order in which `attributeMaps` writes them. */
export const ATTRIBUTE_COLUMNS =
  'attributes_string, attributes_int, attributes_double, attributes_bool, attributes_other';

class MapColumn {
  readonly name: string;
  readonly valueType: string;
  readonly ends: Uint32Array;
  readonly values = new ByteWriter(1024);
  #keys = new Uint32Array(64);
  count = 0;

  constructor(name: string, valueType: string, rows: number) {
    this.name = name;
    this.valueType = valueType;
    this.ends = new Uint32Array(rows);
  }

  key(index: number): void {
    if (this.count === this.#keys.length) {
      const next = new Uint32Array(this.#keys.length * 2);
      next.set(this.#keys);
      this.#keys = next;
    }
    this.#keys[this.count++] = index;
  }

  write(out: BlockEncoder, keys: readonly string[]): void {
    // Only the keys that this map uses, in the order of their first use: other maps of the batch have their own.
    const used: string[] = [];
    const number = new Int32Array(keys.length).fill(-1);
    const indices = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i++) {
      const key = this.#keys[i] as number;
      let at = number[key] as number;
      if (at < 0) {
        at = used.length;
        used.push(keys[key] as string);
        number[key] = at;
      }
      indices[i] = at;
    }
    out.map(this.name, this.valueType, this.ends, used, indices, (writer) =>
      writer.raw(this.values.result()),
    );
  }
}

/** Writes five columns. `rows[i]` says which row of the attribute column belongs to row i of the block. */
export function attributeMaps(
  out: BlockEncoder,
  column: AttributeColumn,
  keys: readonly string[],
  rows?: readonly number[],
): void {
  const count = rows?.length ?? column.rows;
  const string = new MapColumn('attributes_string', 'String', count);
  const int = new MapColumn('attributes_int', 'Int64', count);
  const double = new MapColumn('attributes_double', 'Float64', count);
  const bool = new MapColumn('attributes_bool', 'UInt8', count);
  const other = new MapColumn('attributes_other', 'String', count);
  const text = column.texts.data();
  const slots = column.slots.bytes();
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : (rows[i] as number);
    const end = column.rowEnd(row);
    for (let at = column.rowStart(row); at < end; at++) {
      const key = column.keys.get(at);
      const type = column.types.get(at);
      if (type === ATTRIBUTE_STRING || type === ATTRIBUTE_OTHER) {
        const map = type === ATTRIBUTE_STRING ? string : other;
        map.key(key);
        const textRow = column.slots.low(at);
        map.values.slice(text, column.texts.start(textRow), column.texts.end(textRow));
      } else if (type === ATTRIBUTE_BOOL) {
        bool.key(key);
        bool.values.varuint(column.slots.low(at) === 0 ? 0 : 1);
      } else {
        const map = type === ATTRIBUTE_INT ? int : double;
        map.key(key);
        map.values.raw(slots.subarray(at * 8, at * 8 + 8));
      }
    }
    string.ends[i] = string.count;
    int.ends[i] = int.count;
    double.ends[i] = double.count;
    bool.ends[i] = bool.count;
    other.ends[i] = other.count;
  }
  for (const map of [string, int, double, bool, other]) map.write(out, keys);
}

/** The attributes of a row as OTLP JSON: a list of key/value. '' when there are none. */
export function attributesJson(column: AttributeColumn, keys: readonly string[], row: number): string {
  const start = column.rowStart(row);
  const end = column.rowEnd(row);
  if (start === end) return '';
  let text = '[';
  for (let at = start; at < end; at++) {
    if (at > start) text += ',';
    text += `{"key":${JSON.stringify(keys[column.keys.get(at)])},"value":${valueJson(column, at)}}`;
  }
  return `${text}]`;
}

function valueJson(column: AttributeColumn, at: number): string {
  switch (column.types.get(at)) {
    case ATTRIBUTE_STRING:
      return `{"stringValue":${JSON.stringify(column.text(at))}}`;
    case ATTRIBUTE_BOOL:
      return `{"boolValue":${column.slots.low(at) !== 0}}`;
    case ATTRIBUTE_INT:
      return `{"intValue":"${column.slots.bigInt(at)}"}`;
    case ATTRIBUTE_DOUBLE: {
      const value = column.slots.float(at);
      // Not-a-number and the infinities are strings in OTLP's JSON.
      return `{"doubleValue":${Number.isFinite(value) ? value : `"${value}"`}}`;
    }
    default:
      return column.text(at);
  }
}

/** The value of a string attribute of a row, or ''. */
export function stringAttribute(
  column: AttributeColumn,
  keys: readonly string[],
  row: number,
  name: string,
): string {
  const end = column.rowEnd(row);
  for (let at = column.rowStart(row); at < end; at++)
    if (keys[column.keys.get(at)] === name && column.types.get(at) === ATTRIBUTE_STRING)
      return column.text(at);
  return '';
}

/** A text that is equal for equal attributes, whatever their order. */
export function canonicalAttributes(column: AttributeColumn, keys: readonly string[], row: number): string {
  const parts: string[] = [];
  const end = column.rowEnd(row);
  for (let at = column.rowStart(row); at < end; at++)
    parts.push(
      `${JSON.stringify(keys[column.keys.get(at)])}:${column.types.get(at)}:${valueJson(column, at)}`,
    );
  return parts.sort().join('\n');
}
