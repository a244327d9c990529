/**
 * Remembers, for one target, what the lines of its last scrapes mean, by their raw bytes: an exposition repeats itself
 * almost byte by byte, so that a known series costs one comparison instead of parsing and building its labels. Lines
 * mostly come in the same order; each entry knows its successor, and then not even a hash is computed. Never wrong,
 * because bytes are compared.
 */

import { hashBytes } from '../series-cache.ts';

/** Longest run of occupied slots that is searched; what lies behind is not remembered. */
const MAX_PROBES = 32;
/** Forgotten entries may stay until there are twice as many as live ones, and this many more. */
const SLACK = 1000;

export class LineCache<T> {
  #slots = new Int32Array(32).fill(-1);
  #hashes = new Int32Array(16);
  #starts = new Int32Array(16);
  #sizes = new Int32Array(16);
  #scopes = new Int32Array(16);
  #next = new Int32Array(16);
  #seen = new Int32Array(16);
  #values: T[] = [];
  #arena = new Uint8Array(256);
  #view = new DataView(this.#arena.buffer);
  #used = 0;
  #first = -1;
  #last = -1;
  #pass = 0;
  #seenCount = 0;
  /** Entries that were seen in the last pass that went well. */
  #goodCount = 0;
  /** Hash of the key that was looked up last, for `add`. */
  #hash = 0;

  get size(): number {
    return this.#values.length;
  }

  /** Memory held for keys, in bytes. */
  get keyBytes(): number {
    return this.#arena.length;
  }

  /** Starts a pass over one exposition. */
  begin(): void {
    this.#pass++;
    this.#last = -1;
    this.#seenCount = 0;
  }

  /** Ends a pass; forgets what was not in it when that has become much. `ok`: it was read to its end. */
  end(ok: boolean): void {
    if (ok) this.#goodCount = this.#seenCount;
    if (this.#values.length > this.#goodCount * 2 + SLACK) this.#compact();
  }

  /**
   * The entry that followed the last one in the last pass, if its key is at bytes[at...]; -1 otherwise. Does not
   * move on: call `take` for that.
   */
  predict(bytes: Uint8Array, view: DataView, at: number, scope: number): number {
    const entry = this.#last < 0 ? this.#first : (this.#next[this.#last] as number);
    if (entry < 0 || entry >= this.#values.length) return -1;
    const size = this.#sizes[entry] as number;
    if (at + size > bytes.length) return -1;
    return this.#same(entry, bytes, view, at, at + size, scope) ? entry : -1;
  }

  /** The entry whose key is bytes[start..end), or -1. */
  find(bytes: Uint8Array, view: DataView, start: number, end: number, scope: number): number {
    const hash = hashBytes(bytes, view, start, end) ^ Math.imul(scope, 0x9e3779b1);
    this.#hash = hash;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const entry = this.#slots[slot] as number;
      if (entry < 0) break;
      if (this.#hashes[entry] === hash && this.#same(entry, bytes, view, start, end, scope)) return entry;
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #same(
    entry: number,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    scope: number,
  ): boolean {
    if (this.#sizes[entry] !== end - start || this.#scopes[entry] !== scope) return false;
    let from = this.#starts[entry] as number;
    const arena = this.#view;
    let at = start;
    for (const last = end - 4; at <= last; at += 4, from += 4) {
      if (view.getInt32(at, true) !== arena.getInt32(from, true)) return false;
    }
    for (; at < end; at++, from++) if (bytes[at] !== this.#arena[from]) return false;
    return true;
  }

  /** The value of an entry. */
  value(entry: number): T {
    return this.#values[entry] as T;
  }

  /** The length of an entry's key in bytes. */
  sizeOf(entry: number): number {
    return this.#sizes[entry] as number;
  }

  /** Notes that an entry comes next in this pass. */
  take(entry: number): T {
    if (this.#last < 0) this.#first = entry;
    else this.#next[this.#last] = entry;
    this.#last = entry;
    if (this.#seen[entry] !== this.#pass) {
      this.#seen[entry] = this.#pass;
      this.#seenCount++;
    }
    return this.#values[entry] as T;
  }

  /** Remembers the key that `find` was called with last and did not find, and takes it. */
  add(bytes: Uint8Array, start: number, end: number, scope: number, value: T): void {
    const size = end - start;
    const mask = this.#slots.length - 1;
    let slot = this.#hash & mask;
    for (let probe = 0; ; probe++) {
      if (probe === MAX_PROBES) return;
      if ((this.#slots[slot] as number) < 0) break;
      slot = (slot + 1) & mask;
    }
    if (this.#used + size > this.#arena.length) {
      const next = new Uint8Array(Math.max(this.#arena.length * 2, this.#used + size));
      next.set(this.#arena.subarray(0, this.#used));
      this.#arena = next;
      this.#view = new DataView(next.buffer);
    }
    const entry = this.#values.length;
    if (entry === this.#hashes.length) {
      this.#hashes = grow(this.#hashes);
      this.#starts = grow(this.#starts);
      this.#sizes = grow(this.#sizes);
      this.#scopes = grow(this.#scopes);
      this.#next = grow(this.#next);
      this.#seen = grow(this.#seen);
    }
    this.#arena.set(bytes.subarray(start, end), this.#used);
    this.#hashes[entry] = this.#hash;
    this.#starts[entry] = this.#used;
    this.#sizes[entry] = size;
    this.#scopes[entry] = scope;
    this.#next[entry] = -1;
    this.#used += size;
    this.#values.push(value);
    this.#slots[slot] = entry;
    this.take(entry);
    if (this.#values.length * 2 > this.#slots.length) this.#rehash(this.#slots.length * 2);
  }

  #rehash(size: number): void {
    const slots = new Int32Array(size).fill(-1);
    const mask = size - 1;
    for (let entry = 0; entry < this.#values.length; entry++) {
      let slot = (this.#hashes[entry] as number) & mask;
      let probe = 0;
      while ((slots[slot] as number) >= 0 && probe++ < MAX_PROBES) slot = (slot + 1) & mask;
      // A slot that is still taken belongs to a run that is too long: that entry is forgotten.
      if ((slots[slot] as number) < 0) slots[slot] = entry;
    }
    this.#slots = slots;
  }

  #compact(): void {
    const old = { values: this.#values, arena: this.#arena, starts: this.#starts, sizes: this.#sizes };
    const { hashes, scopes, seen } = { hashes: this.#hashes, scopes: this.#scopes, seen: this.#seen };
    const live: number[] = [];
    let bytes = 0;
    for (let entry = 0; entry < old.values.length; entry++) {
      if (seen[entry] !== this.#pass) continue;
      live.push(entry);
      bytes += old.sizes[entry] as number;
    }
    const capacity = Math.max(16, live.length);
    const columns = Array.from({ length: 6 }, () => new Int32Array(capacity)) as Int32Array<ArrayBuffer>[];
    [this.#hashes, this.#starts, this.#sizes, this.#scopes, this.#next, this.#seen] = columns as [
      Int32Array<ArrayBuffer>,
      Int32Array<ArrayBuffer>,
      Int32Array<ArrayBuffer>,
      Int32Array<ArrayBuffer>,
      Int32Array<ArrayBuffer>,
      Int32Array<ArrayBuffer>,
    ];
    this.#arena = new Uint8Array(Math.max(256, bytes));
    this.#view = new DataView(this.#arena.buffer);
    this.#used = 0;
    this.#values = [];
    for (const entry of live) {
      const at = this.#values.length;
      const start = old.starts[entry] as number;
      const size = old.sizes[entry] as number;
      this.#arena.set(old.arena.subarray(start, start + size), this.#used);
      this.#hashes[at] = hashes[entry] as number;
      this.#starts[at] = this.#used;
      this.#sizes[at] = size;
      this.#scopes[at] = scopes[entry] as number;
      this.#next[at] = at + 1;
      this.#seen[at] = this.#pass;
      this.#used += size;
      this.#values.push(old.values[entry] as T);
    }
    this.#first = live.length > 0 ? 0 : -1;
    this.#last = -1;
    let slots = 32;
    while (slots < live.length * 2) slots *= 2;
    this.#rehash(slots);
  }
}

function grow(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const next = new Int32Array(column.length * 2);
  next.set(column);
  return next;
}
