/**
 * Attributes (OTLP key/value lists) of many rows in columns. Row i of the owner has the attributes
 * `ends[i-1] .. ends[i])`. Keys are indices into a dictionary that is shared by the whole batch.
 */

import { BytesColumn, Slots8, Slots32, Slots64 } from './column.ts';

/** Types of attribute values. `OTHER` is an array, a key/value list, bytes or an empty value as OTLP JSON text. */
export const ATTRIBUTE_STRING = 1;
export const ATTRIBUTE_BOOL = 2;
export const ATTRIBUTE_INT = 3;
export const ATTRIBUTE_DOUBLE = 4;
export const ATTRIBUTE_OTHER = 5;

/** Distinct strings of a batch, numbered in the order of first appearance. */
export class Dictionary {
  readonly strings: string[] = [];
  readonly #index = new Map<string, number>();

  indexOf(value: string): number {
    let index = this.#index.get(value);
    if (index === undefined) {
      index = this.strings.length;
      this.strings.push(value);
      this.#index.set(value, index);
    }
    return index;
  }
}

/** Attribute lists of many rows. Append the attributes of a row, then call `endRow()`; repeat for every row. */
export class AttributeColumn {
  /** End of each row's attributes. */
  readonly ends = new Slots32();
  /** Index of the key in the batch's key dictionary. */
  readonly keys = new Slots32();
  readonly types = new Slots8();
  /** int64 for INT, float64 for DOUBLE, 0 or 1 for BOOL, the row in `texts` for STRING and OTHER. */
  readonly slots = new Slots64();
  readonly texts = new BytesColumn();

  get rows(): number {
    return this.ends.length;
  }

  pushString(key: number, value: string): void {
    this.#head(key, ATTRIBUTE_STRING);
    this.slots.pushHalves(this.texts.length, 0);
    this.texts.pushString(value);
  }

  pushStringBytes(key: number, source: Uint8Array, start: number, end: number): void {
    this.#head(key, ATTRIBUTE_STRING);
    this.slots.pushHalves(this.texts.length, 0);
    this.texts.pushBytes(source, start, end);
  }

  pushBool(key: number, value: boolean): void {
    this.#head(key, ATTRIBUTE_BOOL);
    this.slots.pushHalves(value ? 1 : 0, 0);
  }

  pushInt(key: number, low: number, high: number): void {
    this.#head(key, ATTRIBUTE_INT);
    this.slots.pushHalves(low, high);
  }

  pushDouble(key: number, value: number): void {
    this.#head(key, ATTRIBUTE_DOUBLE);
    this.slots.pushFloat(value);
  }

  /** An array, key/value list, bytes or empty value as the JSON text of an OTLP AnyValue. */
  pushOther(key: number, json: string): void {
    this.#head(key, ATTRIBUTE_OTHER);
    this.slots.pushHalves(this.texts.length, 0);
    this.texts.pushString(json);
  }

  endRow(): void {
    this.ends.push(this.keys.length);
  }

  rowStart(row: number): number {
    return row === 0 ? 0 : this.ends.get(row - 1);
  }

  rowEnd(row: number): number {
    return this.ends.get(row);
  }

  /** The text of attribute `at` (an index between rowStart and rowEnd) when it is a STRING or OTHER. */
  text(at: number): string {
    return this.texts.string(this.slots.low(at));
  }

  #head(key: number, type: number): void {
    this.keys.push(key);
    this.types.push(type);
  }
}
