/**
 * Looks up the few attributes that generated metrics are about: one pass over a span's attributes finds all of them
 * and sums up the span's size. Resources are recognised across batches, so that their texts are decoded once.
 * It does not know what the attributes are used for.
 */

import { attributeFromJson } from '../../model/attribute-json.ts';
import {
  ATTRIBUTE_BOOL,
  ATTRIBUTE_DOUBLE,
  ATTRIBUTE_INT,
  ATTRIBUTE_STRING,
  type AttributeColumn,
} from '../../model/attributes.ts';
import type { SpanBatch } from '../../model/batch.ts';
import { spanBytes, valueBytes } from './span-size.ts';

/** Distinct resources that are remembered. */
const MAX_RESOURCES = 10_000;

/** A resource as far as metrics are concerned. The same object for the same values, as long as it is remembered. */
export interface ResourceView {
  /** Never given to two resources that differ. */
  readonly id: number;
  /** By slot; undefined when the resource does not have the attribute. */
  readonly values: readonly (string | undefined)[];
  /** All attributes in their order, when they are wanted. */
  readonly all: readonly (readonly [string, string])[];
  /** Doubles under the keys of sampling ratios, by slot. */
  readonly ratios: ReadonlyMap<number, number>;
}

/** The attributes that somebody wants, numbered. */
export class WantedKeys {
  readonly keys: string[] = [];

  slot(key: string): number {
    const known = this.keys.indexOf(key);
    return known < 0 ? this.keys.push(key) - 1 : known;
  }
}

export interface ReaderOptions {
  readonly wanted: WantedKeys;
  /** Whether `ResourceView.all` is filled. */
  readonly wholeResources: boolean;
  /** Slots of keys that hold sampling ratios. */
  readonly ratioSlots: readonly number[];
}

export class SpanReader {
  readonly #options: ReaderOptions;
  readonly #slots: ReadonlyMap<string, number>;
  readonly #known = new Map<string, ResourceView>();
  #nextId = 0;

  #batch!: SpanBatch;
  /** Slot by index of the batch's key dictionary, -1 for keys that nobody wants. */
  #slotOfKey = new Int32Array(64);
  /** Length of each key in UTF-8. */
  #keyBytes = new Int32Array(64);
  // The open batch's attributes as plain arrays: most of the time goes into reading them.
  #attributeKeys: Uint32Array = new Uint32Array(0);
  #attributeEnds: Uint32Array = this.#attributeKeys;
  #anyWanted = false;
  #resources: (ResourceView | undefined)[] = [];
  readonly #at: Int32Array;
  readonly #foundIn: Int32Array;
  #row = -1;
  /** Size of the current span as protobuf. */
  bytes = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#slots = new Map(options.wanted.keys.map((key, slot) => [key, slot]));
    this.#at = new Int32Array(options.wanted.keys.length);
    this.#foundIn = new Int32Array(options.wanted.keys.length);
  }

  /** Call before the rows of a batch. */
  open(batch: SpanBatch): void {
    this.#batch = batch;
    this.#resources = [];
    this.#foundIn.fill(-1);
    this.#attributeKeys = batch.attributes.keys.values();
    this.#attributeEnds = batch.attributes.ends.values();
    const { strings } = batch.keys;
    if (strings.length > this.#slotOfKey.length) {
      this.#slotOfKey = new Int32Array(strings.length * 2);
      this.#keyBytes = new Int32Array(strings.length * 2);
    }
    this.#anyWanted = false;
    for (let i = 0; i < strings.length; i++) {
      const key = strings[i] as string;
      const slot = this.#slots.get(key);
      if (slot !== undefined) this.#anyWanted = true;
      this.#slotOfKey[i] = slot ?? -1;
      this.#keyBytes[i] = Buffer.byteLength(key);
    }
  }

  /** Lets go of the batch. */
  close(): void {
    this.#resources = [];
  }

  /** The resource of a span of the open batch. */
  resource(row: number): ResourceView {
    const index = this.#batch.resourceIndex.get(row);
    return (this.#resources[index] ??= this.#read(index));
  }

  #read(index: number): ResourceView {
    const { wholeResources, ratioSlots } = this.#options;
    const column = this.#batch.resources;
    const { strings } = this.#batch.keys;
    const values: (string | undefined)[] = new Array(this.#at.length).fill(undefined);
    const all: [string, string][] = [];
    const ratios = new Map<number, number>();
    let key = '';
    for (let at = column.rowStart(index); at < column.rowEnd(index); at++) {
      const keyIndex = column.keys.get(at);
      const slot = this.#slotOfKey[keyIndex] as number;
      const first = slot >= 0 && values[slot] === undefined;
      if (!first && !wholeResources) continue;
      const name = strings[keyIndex] as string;
      const text = attributeText(column, at);
      if (first) values[slot] = text;
      if (first && ratioSlots.includes(slot) && column.types.get(at) === ATTRIBUTE_DOUBLE) {
        ratios.set(slot, column.slots.float(at));
        // A text that looks the same is another resource.
        key += '\u0002';
      }
      if (wholeResources) all.push([name, text]);
      key += `${name}\u0000${text}\u0001`;
    }
    let view = this.#known.get(key);
    if (view === undefined) {
      if (this.#known.size >= MAX_RESOURCES) this.#known.clear();
      view = { id: this.#nextId++, values, all, ratios };
      this.#known.set(key, view);
    }
    return view;
  }

  /** Reads a span of the open batch: finds the wanted attributes, and its size when that is wanted. */
  span(row: number, withSize: boolean): void {
    this.#row = row;
    if (!this.#anyWanted && !withSize) return;
    const { attributes } = this.#batch;
    const keys = this.#attributeKeys;
    const ends = this.#attributeEnds;
    const slotOfKey = this.#slotOfKey;
    const keyBytes = this.#keyBytes;
    const end = ends[row] as number;
    let bytes = 0;
    for (let at = row === 0 ? 0 : (ends[row - 1] as number); at < end; at++) {
      const key = keys[at] as number;
      const slot = slotOfKey[key] as number;
      if (slot >= 0 && this.#foundIn[slot] !== row) {
        this.#foundIn[slot] = row;
        this.#at[slot] = at;
      }
      if (withSize) bytes += valueBytes(attributes, at, keyBytes[key] as number);
    }
    if (withSize) this.bytes = bytes + spanBytes(this.#batch, row, keyBytes);
  }

  /** Where the current span has the attribute of a slot; -1 when it has not. */
  at(slot: number): number {
    return this.#foundIn[slot] === this.#row ? (this.#at[slot] as number) : -1;
  }

  /** The current span's own value. */
  spanValue(slot: number): string | undefined {
    const at = this.at(slot);
    return at < 0 ? undefined : attributeText(this.#batch.attributes, at);
  }

  /** The resource's value or, when it has none, the span's. */
  value(resource: ResourceView, slot: number): string | undefined {
    return resource.values[slot] ?? this.spanValue(slot);
  }

  /** How many spans the current one stands for: the inverse of a sampling ratio on the span or its resource. */
  weight(resource: ResourceView, slot: number): number {
    const at = this.at(slot);
    if (at >= 0 && this.#batch.attributes.types.get(at) === ATTRIBUTE_DOUBLE) {
      const ratio = this.#batch.attributes.slots.float(at);
      if (ratio > 0) return 1 / ratio;
    }
    const ratio = resource.ratios.get(slot) ?? 0;
    return ratio > 0 ? 1 / ratio : 1;
  }
}

/** A value as it stands in a label: arrays as [a, b], what has no plain form as OTLP's JSON. */
function attributeText(column: AttributeColumn, at: number): string {
  switch (column.types.get(at)) {
    case ATTRIBUTE_STRING:
      return column.text(at);
    case ATTRIBUTE_BOOL:
      return column.slots.low(at) === 1 ? 'true' : 'false';
    case ATTRIBUTE_INT:
      return String(column.slots.bigInt(at));
    case ATTRIBUTE_DOUBLE:
      return String(column.slots.float(at));
    default: {
      const value = attributeFromJson(column.text(at));
      if (value.type !== 'array') return value.type === 'other' ? value.json : String(value.value);
      return `[${value.value.map((item) => ('value' in item ? String(item.value) : '')).join(', ')}]`;
    }
  }
}
