/** Compensated summation (Neumaier's form of Kahan's), as Prometheus uses it for sums and averages. */

/** Adds `value` to sum[at] with its compensation[at]. The true sum is sum[at] + compensation[at]. */
export function kahanAdd(sum: Float64Array, compensation: Float64Array, at: number, value: number): void {
  const s = sum[at] as number;
  const t = s + value;
  if (t === Number.POSITIVE_INFINITY || t === Number.NEGATIVE_INFINITY) compensation[at] = 0;
  else if (Math.abs(s) >= Math.abs(value)) compensation[at] = (compensation[at] as number) + (s - t + value);
  else compensation[at] = (compensation[at] as number) + (value - t + s);
  sum[at] = t;
}

/** A running compensated sum. */
export class KahanSum {
  sum = 0;
  compensation = 0;

  add(value: number): void {
    const s = this.sum;
    const t = s + value;
    if (t === Number.POSITIVE_INFINITY || t === Number.NEGATIVE_INFINITY) this.compensation = 0;
    else if (Math.abs(s) >= Math.abs(value)) this.compensation += s - t + value;
    else this.compensation += value - t + s;
    this.sum = t;
  }

  get total(): number {
    return this.sum + this.compensation;
  }
}
