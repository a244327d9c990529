/** Reproducible random numbers for property tests: the seed comes from SEED or the clock, and is printed. */

export class Random {
  readonly seed: number;
  #state: number;

  constructor(what: string, seed = Number(process.env.SEED ?? Date.now() % 1_000_000_000)) {
    this.seed = seed;
    this.#state = seed | 0;
    console.log(`${what}: SEED=${seed}`);
  }

  /** 0 <= x < 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** 0 <= n < limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  list<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.below(max + 1) }, make);
  }

  /** Any 64 bits, small numbers more often. */
  int64(): bigint {
    const bits = (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32));
    return BigInt.asIntN(64, bits >> BigInt(this.below(64)));
  }

  hex(bytes: number): string {
    return Array.from({ length: bytes }, () => this.below(256).toString(16).padStart(2, '0')).join('');
  }

  text(): string {
    return this.pick([
      '',
      'a',
      'GET',
      'größe',
      '日本',
      '🙂',
      'x'.repeat(this.below(90)),
      'with "quotes" and \\',
      '\n\t',
    ]);
  }

  double(): number {
    return this.pick([
      0,
      -0,
      1,
      0.1,
      -2.5,
      1e300,
      5e-324,
      this.next(),
      this.below(1000),
      NaN,
      Infinity,
      -Infinity,
    ]);
  }
}
