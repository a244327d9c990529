/** Rows that say on which day something (a series, stream, resource or scope) was active; only those not known yet. */

import type { BlockEncoder } from '../native.ts';
import type { KnownIds } from './known-ids.ts';

/** Collects (item, day) pairs of one push that are not known to be stored. */
export class ActivityRows {
  /** Which item of the batch each row is about. */
  readonly index: number[] = [];
  readonly days: number[] = [];
  readonly #ids: Uint32Array;
  readonly #known: KnownIds;
  readonly #tenant: number;
  #seen: Set<string> | undefined;
  #lastItem = -1;
  #lastDay = Number.NaN;

  /** `ids`: two uint32 halves per item of the batch. */
  constructor(ids: Uint32Array, known: KnownIds, tenant: string) {
    this.#ids = ids;
    this.#known = known;
    this.#tenant = known.tenant(tenant);
  }

  get length(): number {
    return this.index.length;
  }

  /** The item was active on that day. */
  readonly add = (item: number, day: number): void => {
    if (item === this.#lastItem && day === this.#lastDay) return;
    this.#lastItem = item;
    this.#lastDay = day;
    const low = this.#ids[2 * item] as number;
    const high = this.#ids[2 * item + 1] as number;
    if (this.#known.has(low, high, day, this.#tenant)) return;
    const key = `${item}/${day}`;
    this.#seen ??= new Set();
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.index.push(item);
    this.days.push(day);
  };

  /** Remembers all rows as stored. Call after their commit. */
  committed(): void {
    for (let row = 0; row < this.index.length; row++) {
      const item = this.index[row] as number;
      this.#known.add(
        this.#ids[2 * item] as number,
        this.#ids[2 * item + 1] as number,
        this.days[row] as number,
        this.#tenant,
      );
    }
  }

  /** The columns week, first_day and last_day. */
  write(out: BlockEncoder): void {
    const days = Int32Array.from(this.days);
    out.fixed(
      'week',
      'Int32',
      days.map((day) => Math.floor(day / 7)),
      4,
    );
    out.fixed('first_day', 'Int32', days, 4);
    out.fixed('last_day', 'Int32', days, 4);
  }
}
