/** Columns cut from larger blocks: many series on one grid without a buffer of their own each. */

/** How many points one block holds. */
const BLOCK_POINTS = 1 << 16;

/** Hands out pairs of zeroed columns of the same length. */
export class Columns {
  readonly #points: number;
  readonly #perBlock: number;
  #kinds = new Uint8Array(0);
  #values = new Float64Array(0);
  #used = 0;
  kinds: Uint8Array = this.#kinds;
  values: Float64Array = this.#values;

  constructor(points: number) {
    this.#points = points;
    this.#perBlock = Math.max(1, Math.floor(BLOCK_POINTS / Math.max(1, points)));
    this.#used = this.#perBlock;
    this.next();
  }

  /** The columns in `kinds` and `values` have been taken: prepares the next ones. Untouched ones may be used again. */
  next(): void {
    const points = this.#points;
    if (this.#used === this.#perBlock) {
      this.#kinds = new Uint8Array(points * this.#perBlock);
      this.#values = new Float64Array(points * this.#perBlock);
      this.#used = 0;
    }
    const from = this.#used++ * points;
    this.kinds = this.#kinds.subarray(from, from + points);
    this.values = this.#values.subarray(from, from + points);
  }
}
