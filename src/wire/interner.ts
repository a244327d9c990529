/**
 * Numbers byte strings without decoding them again: attribute keys and label names come by the million, but few
 * are different. Each distinct one is decoded once; `map` may translate it on the way to the dictionary.
 */

import type { Dictionary } from '../model/attributes.ts';
import { InputError } from '../model/errors.ts';
import { decodeUtf8 } from './protobuf.ts';

/** Longest run of occupied slots that is searched; behind it (an attack by collisions) a Map takes over. */
const MAX_PROBES = 24;

export class Interner {
  readonly #dictionary: Dictionary;
  readonly #map: ((key: string) => string) | undefined;
  #slots = new Int32Array(256).fill(-1);
  /** Per entry: where its bytes are in the arena, its hash, and its index in the dictionary. */
  #starts = new Int32Array(128);
  #ends = new Int32Array(128);
  #hashes = new Int32Array(128);
  #indices = new Int32Array(128);
  #entries = 0;
  /** Per entry: the one that came behind it last time. Lists repeat in the same order, so it is tried first. */
  #nexts = new Int32Array(128).fill(-1);
  #last = 0;
  #arena = new Uint8Array(2048);
  #used = 0;
  readonly #overflow = new Map<string, number>();

  constructor(dictionary: Dictionary, map?: (key: string) => string) {
    this.#dictionary = dictionary;
    this.#map = map;
  }

  /** The dictionary index of the UTF-8 string in bytes[start..end). Throws InputError when it is not UTF-8. */
  indexOf(bytes: Uint8Array, start: number, end: number): number {
    const next = this.#nexts[this.#last] as number;
    if (next >= 0 && this.#same(next, bytes, start, end)) {
      this.#last = next;
      return this.#indices[next] as number;
    }
    let hash = 0x811c9dc5 ^ (end - start);
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const entry = this.#slots[slot] as number;
      if (entry < 0) return this.#insert(bytes, start, end, hash, slot);
      if (this.#hashes[entry] === hash && this.#same(entry, bytes, start, end)) {
        this.#nexts[this.#last] = entry;
        this.#last = entry;
        return this.#indices[entry] as number;
      }
      slot = (slot + 1) & mask;
    }
    const text = decode(bytes, start, end);
    let index = this.#overflow.get(text);
    if (index === undefined) {
      index = this.#dictionary.indexOf(this.#map === undefined ? text : this.#map(text));
      this.#overflow.set(text, index);
    }
    return index;
  }

  #same(entry: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[entry] as number;
    const size = end - start;
    if ((this.#ends[entry] as number) - from !== size) return false;
    const arena = this.#arena;
    for (let i = 0; i < size; i++) if (arena[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #insert(bytes: Uint8Array, start: number, end: number, hash: number, slot: number): number {
    const text = decode(bytes, start, end);
    const index = this.#dictionary.indexOf(this.#map === undefined ? text : this.#map(text));
    const size = end - start;
    if (this.#used + size > this.#arena.length) {
      const next = new Uint8Array(Math.max(this.#arena.length * 2, this.#used + size));
      next.set(this.#arena.subarray(0, this.#used));
      this.#arena = next;
    }
    this.#arena.set(bytes.subarray(start, end), this.#used);
    const entry = this.#entries++;
    if (entry === this.#starts.length) {
      this.#starts = grown(this.#starts);
      this.#ends = grown(this.#ends);
      this.#hashes = grown(this.#hashes);
      this.#indices = grown(this.#indices);
      this.#nexts = grown(this.#nexts);
    }
    this.#starts[entry] = this.#used;
    this.#used += size;
    this.#ends[entry] = this.#used;
    this.#hashes[entry] = hash;
    this.#indices[entry] = index;
    this.#nexts[entry] = -1;
    if (entry > 0) this.#nexts[this.#last] = entry;
    this.#last = entry;
    this.#slots[slot] = entry;
    if (this.#entries * 2 > this.#slots.length) this.#rehash();
    return index;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#entries; entry++) {
      let slot = (this.#hashes[entry] as number) & mask;
      while ((slots[slot] as number) >= 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

function grown(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const next = new Int32Array(column.length * 2);
  next.set(column);
  return next;
}

function decode(bytes: Uint8Array, start: number, end: number): string {
  const text = decodeUtf8(bytes, start, end);
  if (text === undefined) throw new InputError(`malformed protobuf at byte ${start}: string is not UTF-8`);
  return text;
}
