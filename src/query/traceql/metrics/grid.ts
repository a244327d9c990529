/** The time grid of a metrics query. Intervals are right-closed: a sample at T covers (T - step, T]. */

import { InputError } from '../../../model/errors.ts';

export interface Grid {
  /** Time of the first sample. */
  readonly startNs: bigint;
  readonly stepNs: bigint;
  readonly points: number;
}

const NS_PER_MS = 1_000_000n;

/**
 * The grid of a range query: start is rounded down to a multiple of the step, end is rounded up; the first sample
 * stands at the rounded start.
 */
export function rangeGrid(startNs: bigint, endNs: bigint, stepNs: bigint, maxPoints: number): Grid {
  if (stepNs <= 0n) throw new InputError('step must be greater than 0');
  if (endNs <= startNs) throw new InputError('end must be after start');
  const first = (startNs / stepNs) * stepNs;
  const last = ((endNs + stepNs - 1n) / stepNs) * stepNs;
  const points = (last - first) / stepNs + 1n;
  if ((endNs - startNs) / stepNs > BigInt(maxPoints)) {
    const least = (endNs - startNs) / BigInt(maxPoints) / NS_PER_MS + 1n;
    throw new InputError(`the step is too small: more than ${maxPoints} intervals; use at least ${least}ms`);
  }
  return { startNs: first, stepNs, points: Number(points) };
}

/** The grid of an instant query: one interval, (start, end]. */
export function instantGrid(startNs: bigint, endNs: bigint): Grid {
  if (endNs <= startNs) throw new InputError('end must be after start');
  return { startNs: endNs, stepNs: endNs - startNs, points: 1 };
}

/** The first and last nanosecond that the grid covers. */
export function covered(grid: Grid): { firstNs: bigint; lastNs: bigint } {
  return {
    firstNs: grid.startNs - grid.stepNs + 1n,
    lastNs: grid.startNs + BigInt(grid.points - 1) * grid.stepNs,
  };
}

/** A function that gives the index of the point a time belongs to, or -1. Exact for ranges below 100 days. */
export function pointIndex(grid: Grid): (timeNs: bigint) => number {
  const origin = grid.startNs - grid.stepNs;
  const step = Number(grid.stepNs);
  const { points } = grid;
  return (timeNs) => {
    const offset = Number(timeNs - origin);
    if (offset <= 0) return -1;
    const index = Math.floor((offset - 1) / step);
    return index < points ? index : -1;
  };
}

/** Time of a point in milliseconds. */
export function pointMs(grid: Grid, index: number): number {
  return Number((grid.startNs + BigInt(index) * grid.stepNs) / NS_PER_MS);
}
