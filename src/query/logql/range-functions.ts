/** Range functions over the values that unwrap took from labels: one window in, one number out. */

import { quantile } from '../vector/quantile.ts';
import type { RangeOperation } from './ast.ts';

/**
 * Values in time order; `times` are nanoseconds. The window has at least one value: values[from..to).
 */
export type WindowFunction = (
  times: readonly number[],
  values: readonly number[],
  from: number,
  to: number,
) => number;

function sum(values: readonly number[], from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += values[i] as number;
  return total;
}

/** Welford's variance of the population. */
function variance(values: readonly number[], from: number, to: number): number {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    count++;
    const delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  return squares / count;
}

/**
 * Loki's rate_counter: Prometheus's rate, but the samples' times are taken as milliseconds although they are
 * nanoseconds. So the extrapolation to the edges of the window all but vanishes; answers must agree with Loki's.
 */
function counterRate(
  times: readonly number[],
  values: readonly number[],
  from: number,
  to: number,
  windowNs: number,
): number {
  const count = to - from;
  if (count < 2) return 0;
  const first = values[from] as number;
  let result = (values[to - 1] as number) - first;
  let before = 0;
  for (let i = from; i < to; i++) {
    const value = values[i] as number;
    if (value < before) result += before;
    before = value;
  }
  const windowSeconds = windowNs / 1e9;
  let toStart = windowSeconds;
  const sampled = ((times[to - 1] as number) - (times[from] as number)) / 1000;
  const average = sampled / (count - 1);
  if (result > 0 && first >= 0) toStart = Math.min(toStart, sampled * (first / result));
  const threshold = average * 1.1;
  // The window is taken to end with the last sample.
  const toEnd = 0;
  let interval = sampled;
  interval += toStart < threshold ? toStart : average / 2;
  interval += toEnd < threshold ? toEnd : average / 2;
  return (result * (interval / sampled)) / windowSeconds;
}

/** The function of an operation. `parameter` is the quantile. */
export function windowFunction(
  operation: RangeOperation,
  windowNs: number,
  parameter: number | undefined,
): WindowFunction {
  const seconds = windowNs / 1e9;
  switch (operation) {
    case 'sum_over_time':
      return (_, values, from, to) => sum(values, from, to);
    case 'rate':
      return (_, values, from, to) => sum(values, from, to) / seconds;
    case 'avg_over_time':
      return (_, values, from, to) => sum(values, from, to) / (to - from);
    case 'min_over_time':
      return (_, values, from, to) => {
        let best = values[from] as number;
        for (let i = from + 1; i < to; i++) {
          const value = values[i] as number;
          if (value < best || Number.isNaN(best)) best = value;
        }
        return best;
      };
    case 'max_over_time':
      return (_, values, from, to) => {
        let best = values[from] as number;
        for (let i = from + 1; i < to; i++) {
          const value = values[i] as number;
          if (value > best || Number.isNaN(best)) best = value;
        }
        return best;
      };
    case 'stdvar_over_time':
      return (_, values, from, to) => variance(values, from, to);
    case 'stddev_over_time':
      return (_, values, from, to) => Math.sqrt(variance(values, from, to));
    case 'first_over_time':
      return (_, values, from) => values[from] as number;
    case 'last_over_time':
      return (_, values, _from, to) => values[to - 1] as number;
    case 'quantile_over_time':
      return (_, values, from, to) => quantile(parameter as number, values.slice(from, to));
    case 'rate_counter':
      return (times, values, from, to) => counterRate(times, values, from, to, windowNs);
    default:
      throw new Error(`${operation} has no window function`);
  }
}
