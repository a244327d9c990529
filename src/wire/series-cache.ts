/**
 * Remembers decoded label sets by their encoded bytes, across requests: senders repeat the same series for ever, and
 * to build (sort, check, hash) a label set anew costs ten times more than to recognise its bytes. One value per
 * distinct byte string; bounded; never wrong, because bytes are compared, not only hashes.
 */

/** Longest run of occupied slots that is searched; what lies behind is not remembered. */
const MAX_PROBES = 16;

/** Longer keys are not remembered: a few of them would take the place of thousands. */
const MAX_KEY_BYTES = 16_384;

export interface SeriesCacheLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

export const DEFAULT_SERIES_CACHE_LIMITS: SeriesCacheLimits = { maxEntries: 200_000, maxBytes: 64 << 20 };

export class SeriesCache<T> {
  readonly #limits: SeriesCacheLimits;
  #slots = new Int32Array(1024).fill(-1);
  #hashes = new Int32Array(512);
  #starts = new Int32Array(512);
  #sizes = new Int32Array(512);
  /** Per entry: the one that came behind it last time. Senders keep their order, so it is tried before hashing. */
  #nexts = new Int32Array(512).fill(-1);
  #last = 0;
  #values: T[] = [];
  #arena = new Uint8Array(1 << 16);
  #view = new DataView(this.#arena.buffer);
  #used = 0;
  /** Misses since the cache was full. */
  #refused = 0;
  /** Hash of the key that was looked up last, for `add`. */
  #hash = 0;
  /** Called when everything was forgotten. */
  onClear: (() => void) | undefined;
  /** Look-ups that found something, and that did not. */
  hits = 0;
  misses = 0;

  constructor(limits: SeriesCacheLimits = DEFAULT_SERIES_CACHE_LIMITS) {
    this.#limits = limits;
  }

  get maxEntries(): number {
    return this.#limits.maxEntries;
  }

  get size(): number {
    return this.#values.length;
  }

  /** The value for the key in bytes[start..end), whose DataView is `view`. */
  get(bytes: Uint8Array, view: DataView, start: number, end: number): T | undefined {
    const next = this.#nexts[this.#last] as number;
    if (next >= 0 && this.#same(next, bytes, view, start, end)) {
      this.hits++;
      this.#last = next;
      return this.#values[next];
    }
    const hash = hashBytes(bytes, view, start, end);
    this.#hash = hash;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const entry = this.#slots[slot] as number;
      if (entry < 0) break;
      if (this.#hashes[entry] === hash && this.#same(entry, bytes, view, start, end)) {
        this.hits++;
        this.#nexts[this.#last] = entry;
        this.#last = entry;
        return this.#values[entry];
      }
      slot = (slot + 1) & mask;
    }
    this.misses++;
    return undefined;
  }

  #same(entry: number, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const size = end - start;
    if (this.#sizes[entry] !== size) return false;
    let from = this.#starts[entry] as number;
    const arena = this.#view;
    let at = start;
    for (const last = end - 4; at <= last; at += 4, from += 4) {
      if (view.getInt32(at, true) !== arena.getInt32(from, true)) return false;
    }
    for (; at < end; at++, from++) if (bytes[at] !== this.#arena[from]) return false;
    return true;
  }

  /**
   * Remembers the value of the key that `get` was called with last (and did not find). When the cache is full,
   * nothing is added.
   */
  add(bytes: Uint8Array, start: number, end: number, value: T): void {
    const size = end - start;
    if (size > MAX_KEY_BYTES) return;
    if (this.#values.length >= this.#limits.maxEntries || this.#used + size > this.#limits.maxBytes) {
      this.#refused++;
      return;
    }
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
      this.#nexts = grow(this.#nexts);
    }
    this.#arena.set(bytes.subarray(start, end), this.#used);
    this.#hashes[entry] = this.#hash;
    this.#starts[entry] = this.#used;
    this.#sizes[entry] = size;
    this.#used += size;
    this.#values.push(value);
    this.#nexts[entry] = -1;
    if (entry > 0) this.#nexts[this.#last] = entry;
    this.#last = entry;
    this.#slots[slot] = entry;
    if (this.#values.length * 2 > this.#slots.length) this.#rehash();
  }

  /** Call between requests: a full cache that misses for long is emptied and starts anew. */
  tidy(): void {
    if (this.#refused > this.#values.length * 4) this.clear();
  }

  clear(): void {
    this.#slots = new Int32Array(1024).fill(-1);
    this.#values = [];
    this.#nexts[0] = -1;
    this.#last = 0;
    this.#used = 0;
    this.#refused = 0;
    this.onClear?.();
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#values.length; entry++) {
      let slot = (this.#hashes[entry] as number) & mask;
      let probe = 0;
      while ((slots[slot] as number) >= 0 && probe++ < MAX_PROBES) slot = (slot + 1) & mask;
      // A slot that is still taken belongs to a run that is too long: that entry is forgotten.
      if ((slots[slot] as number) < 0) slots[slot] = entry;
    }
    this.#slots = slots;
  }
}

function grow(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const next = new Int32Array(column.length * 2);
  next.set(column);
  return next;
}

/** A 32-bit hash of bytes[start..end), four bytes at a time (in the manner of Murmur3). */
export function hashBytes(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (const last = end - 4; at <= last; at += 4) {
    let word = Math.imul(view.getInt32(at, true), 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash | 0;
}
