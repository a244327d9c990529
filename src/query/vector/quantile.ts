/** Quantiles of plain values. */

/** Orders numbers ascending with NaN first, as Prometheus sorts samples. */
export function ascendingNaNFirst(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  if (Number.isNaN(b)) return 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The q-quantile with linear interpolation between neighbours. Sorts `values` in place. No values or q NaN: NaN;
 * q below 0 or above 1: the infinities.
 */
export function quantile(q: number, values: number[] | Float64Array): number {
  const n = values.length;
  if (n === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  values.sort(ascendingNaNFirst);
  const rank = q * (n - 1);
  const below = Math.max(0, Math.floor(rank));
  const above = Math.min(n - 1, below + 1);
  const weight = rank - Math.floor(rank);
  return (values[below] as number) * (1 - weight) + (values[above] as number) * weight;
}
