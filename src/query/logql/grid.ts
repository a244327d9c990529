/**
 * The times at which a metric query is evaluated, and which of them a sample counts for. Times are nanoseconds relative
 * to the grid's start, as float64: exact within 104 days of it, which covers the longest range with a wide margin
 * (max_query_length is 30 days); farther out they are off by a few nanoseconds.
 */

/** Points at startNs, startNs + stepNs, ... */
export interface TimeGrid {
  readonly startNs: bigint;
  readonly stepNs: bigint;
  readonly points: number;
}

/** The grid of a query; an instant query (start = end, or no step) has one point. */
export function makeGrid(startNs: bigint, endNs: bigint, stepNs: bigint): TimeGrid {
  if (stepNs <= 0n || endNs <= startNs) return { startNs, stepNs: 0n, points: 1 };
  return { startNs, stepNs, points: Number((endNs - startNs) / stepNs) + 1 };
}

/** Which points look at a time: those with point - window < time <= point. */
export class WindowIndex {
  readonly points: number;
  readonly #step: number;
  readonly #window: number;
  readonly #baseLow: number;
  readonly #baseHigh: number;
  /** The first and the last point that look at the time given last; none when first > last. */
  first = 0;
  last = -1;

  /** `offsetNs` moves all windows back. */
  constructor(grid: TimeGrid, windowNs: bigint, offsetNs: bigint) {
    this.points = grid.points;
    this.#step = Number(grid.stepNs);
    this.#window = Number(windowNs);
    const base = grid.startNs - offsetNs;
    this.#baseLow = Number(BigInt.asUintN(32, base));
    this.#baseHigh = Number(base >> 32n);
  }

  /** A time from its two halves (low unsigned, high signed), relative to the first point. */
  relative(low: number, high: number): number {
    return (high - this.#baseHigh) * 4294967296 + (low - this.#baseLow);
  }

  /** Finds the points for a relative time. Gives false when there is none. */
  find(time: number): boolean {
    if (this.#step === 0) {
      this.first = 0;
      this.last = time <= 0 && time > -this.#window ? 0 : -1;
      return this.last === 0;
    }
    this.first = time <= 0 ? 0 : ceilDivide(time, this.#step);
    this.last = Math.min(this.points - 1, ceilDivide(time + this.#window, this.#step) - 1);
    return this.first <= this.last;
  }

  /** The relative time of a point. */
  pointTime(point: number): number {
    return point * this.#step;
  }

  get window(): number {
    return this.#window;
  }
}

/** The least whole n with n * by >= value; the division alone may be off by one. */
function ceilDivide(value: number, by: number): number {
  let n = Math.ceil(value / by);
  while ((n - 1) * by >= value) n--;
  while (n * by < value) n++;
  return n;
}
