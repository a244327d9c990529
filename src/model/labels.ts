/**
 * Label sets: the identity of a series (metrics) or a stream (logs).
 *
 * A `Labels` value is immutable and sorted by name (code units of the UTF-8 bytes, as Prometheus sorts), without
 * empty values: a label with an empty value is the same as no label. It knows nothing of storage ids or JSON.
 */

/** The label that carries a metric's name. */
export const METRIC_NAME = '__name__';

/** An immutable, sorted label set. Compare by `key`, never by reference. */
export class Labels {
  /** Names, sorted ascending; `values[i]` belongs to `names[i]`. */
  readonly names: readonly string[];
  readonly values: readonly string[];
  #key: string | undefined;

  private constructor(names: readonly string[], values: readonly string[]) {
    this.names = names;
    this.values = values;
  }

  static readonly EMPTY = new Labels([], []);

  /** From any record; empty values are left out. */
  static from(record: Readonly<Record<string, string>>): Labels {
    return Labels.fromPairs(Object.entries(record));
  }

  /** From pairs in any order; empty values are left out, the last of equal names wins. */
  static fromPairs(pairs: Iterable<readonly [string, string]>): Labels {
    const map = new Map<string, string>();
    for (const [name, value] of pairs) {
      if (value === '') map.delete(name);
      else map.set(name, value);
    }
    const names = [...map.keys()].sort(compareCodePoints);
    return new Labels(
      names,
      names.map((name) => map.get(name) as string),
    );
  }

  /** From arrays that are already sorted by name, free of duplicates and of empty values. Not checked. */
  static fromSorted(names: readonly string[], values: readonly string[]): Labels {
    return new Labels(names, values);
  }

  get size(): number {
    return this.names.length;
  }

  /** The value, or '' when the label is absent (Prometheus's convention). */
  get(name: string): string {
    const index = this.names.indexOf(name);
    return index < 0 ? '' : (this.values[index] as string);
  }

  has(name: string): boolean {
    return this.names.includes(name);
  }

  /** A string that is equal for equal label sets; usable as a map key. */
  get key(): string {
    if (this.#key === undefined) {
      let key = '';
      for (let i = 0; i < this.names.length; i++) key += `${this.names[i]}\u0000${this.values[i]}\u0001`;
      this.#key = key;
    }
    return this.#key;
  }

  /** A copy with one label set, or removed when `value` is ''. */
  with(name: string, value: string): Labels {
    return Labels.fromPairs([...this.entries(), [name, value]]);
  }

  /** A copy without the given labels. */
  without(drop: ReadonlySet<string>): Labels {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = 0; i < this.names.length; i++) {
      const name = this.names[i] as string;
      if (drop.has(name)) continue;
      names.push(name);
      values.push(this.values[i] as string);
    }
    return names.length === this.names.length ? this : new Labels(names, values);
  }

  /** A copy with only the given labels. */
  keep(keep: ReadonlySet<string>): Labels {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = 0; i < this.names.length; i++) {
      const name = this.names[i] as string;
      if (!keep.has(name)) continue;
      names.push(name);
      values.push(this.values[i] as string);
    }
    return names.length === this.names.length ? this : new Labels(names, values);
  }

  *entries(): IterableIterator<[string, string]> {
    for (let i = 0; i < this.names.length; i++) yield [this.names[i] as string, this.values[i] as string];
  }

  toRecord(): Record<string, string> {
    const record: Record<string, string> = {};
    for (let i = 0; i < this.names.length; i++) record[this.names[i] as string] = this.values[i] as string;
    return record;
  }
}

/** Orders strings by Unicode code point, which is the order of their UTF-8 bytes. */
export function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates (0xD800..0xDFFF) stand for code points above all of the basic plane.
    if (x >= 0xd800 && x <= 0xdfff) x += 0x10000;
    if (y >= 0xd800 && y <= 0xdfff) y += 0x10000;
    return x < y ? -1 : 1;
  }
  return a.length < b.length ? -1 : 1;
}
