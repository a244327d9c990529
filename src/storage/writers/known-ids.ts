/**
 * Remembers which ids (series, streams, resources, scopes) are stored for a tenant and day, so that their labels are
 * not written again with every push. Forgetting is harmless (a row is written twice and merged), remembering something
 * that is not stored would not be: ids are added only after their commit.
 *
 * Two generations of open-addressing tables; when the young one is full the old one is dropped. At most
 * 2 x maxPerGeneration entries of 16 bytes, at a load of at most one half.
 */

const FIRST_SLOTS = 1 << 12;
const MAX_TENANTS = 100_000;

class Table {
  slots: number;
  size = 0;
  /** Four words per slot: low, high, day, tenant number (0 = free). */
  words: Uint32Array;

  constructor(slots: number) {
    this.slots = slots;
    this.words = new Uint32Array(slots * 4);
  }

  /** The slot of the key, or of the free place where it belongs. */
  find(low: number, high: number, day: number, tenant: number): number {
    const mask = this.slots - 1;
    const { words } = this;
    let slot = (low ^ Math.imul(high, 0x9e3779b1) ^ Math.imul(day + tenant * 31, 0x85ebca6b)) & mask;
    for (;;) {
      const at = slot * 4;
      if (words[at + 3] === 0) return at;
      if (words[at] === low && words[at + 1] === high && words[at + 2] === day && words[at + 3] === tenant)
        return at;
      slot = (slot + 1) & mask;
    }
  }

  grow(): void {
    const old = this.words;
    this.slots *= 2;
    this.words = new Uint32Array(this.slots * 4);
    for (let at = 0; at < old.length; at += 4) {
      if (old[at + 3] === 0) continue;
      const to = this.find(
        old[at] as number,
        old[at + 1] as number,
        old[at + 2] as number,
        old[at + 3] as number,
      );
      for (let i = 0; i < 4; i++) this.words[to + i] = old[at + i] as number;
    }
  }
}

export class KnownIds {
  readonly #max: number;
  #young = new Table(FIRST_SLOTS);
  #old = new Table(FIRST_SLOTS);
  readonly #tenants = new Map<string, number>();

  constructor(maxPerGeneration: number) {
    this.#max = maxPerGeneration;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** A number for a tenant, for `has` and `add`. Ask again for every push. */
  tenant(name: string): number {
    let number = this.#tenants.get(name);
    if (number === undefined) {
      if (this.#tenants.size >= MAX_TENANTS) this.clear();
      number = this.#tenants.size + 1;
      this.#tenants.set(name, number);
    }
    return number;
  }

  has(low: number, high: number, day: number, tenant: number): boolean {
    day >>>= 0;
    const young = this.#young;
    if (young.words[young.find(low, high, day, tenant) + 3] !== 0) return true;
    const old = this.#old;
    if (old.words[old.find(low, high, day, tenant) + 3] === 0) return false;
    this.add(low, high, day, tenant);
    return true;
  }

  add(low: number, high: number, day: number, tenant: number): void {
    day >>>= 0;
    if (this.#young.size >= this.#max) {
      this.#old = this.#young;
      this.#young = new Table(FIRST_SLOTS);
    }
    const table = this.#young;
    if (table.size * 2 >= table.slots) table.grow();
    const at = table.find(low, high, day, tenant);
    const { words } = table;
    if (words[at + 3] !== 0) return;
    words[at] = low;
    words[at + 1] = high;
    words[at + 2] = day;
    words[at + 3] = tenant;
    table.size++;
  }

  clear(): void {
    this.#young = new Table(FIRST_SLOTS);
    this.#old = new Table(FIRST_SLOTS);
    this.#tenants.clear();
  }
}
