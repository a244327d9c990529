/**
 * Deterministic randomness for the demo shop: a seeded generator for sequences (users, journeys,
 * arrival times) and a keyed hash for facts that must not depend on the order in which concurrent
 * requests happen to interleave. Knows nothing of the shop; never touches Math.random.
 */

/** 32-bit hash of a string (FNV-1a, then murmur3's finaliser so that near keys land far apart). */
export function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** Uniform number in [0, 1) that depends on the key alone. */
export function uniformOf(key: string): number {
  return hash32(key) / 4294967296;
}

/** Log-normal value with the given median; u1 and u2 are uniform in [0, 1) (Box-Muller). */
export function logNormal(u1: number, u2: number, median: number, sigma: number): number {
  const z = Math.sqrt(-2 * Math.log(1 - u1)) * Math.cos(2 * Math.PI * u2);
  return median * Math.exp(sigma * z);
}

/** A reproducible sequence of numbers (mulberry32); two with the same seed never differ. */
export class Sequence {
  #state: number;

  constructor(seed: string) {
    this.#state = hash32(seed);
  }

  /** Next uniform number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Next integer in [min, max], both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of the entries, by their weights. */
  pick<T>(entries: readonly { readonly weight: number; readonly value: T }[]): T {
    let total = 0;
    for (const entry of entries) total += entry.weight;
    let rest = this.next() * total;
    for (const entry of entries) {
      rest -= entry.weight;
      if (rest < 0) return entry.value;
    }
    return entries[entries.length - 1]!.value;
  }

  /** Waiting time until the next event of a Poisson process with this rate (in the rate's unit of time). */
  exponential(rate: number): number {
    return -Math.log(1 - this.next()) / rate;
  }
}
