/**
 * Aggregation operators that keep some of the input series as they are: topk, bottomk, limitk, limit_ratio. On a
 * grid of one point the answer is ordered (best first within each group); on longer grids a series keeps the points
 * at which it was chosen.
 */

import { formatGeneral } from '../syntax/numbers.ts';
import { EvaluationError } from './evaluation-error.ts';
import { type Grouping, groupSeries } from './grouping.ts';
import { labelHashFraction } from './label-hash.ts';
import type { NoteSink } from './notes.ts';
import { HISTOGRAM, hasPoints, NONE, type StepSeries } from './series.ts';

export type SelectOperation = 'topk' | 'bottomk' | 'limitk' | 'limit_ratio';

/** `parameter[i]` is k (or the ratio) at point i. Throws EvaluationError when k is no number of series. */
export function selectK(
  operation: SelectOperation,
  input: readonly StepSeries[],
  points: number,
  grouping: Grouping,
  parameter: Float64Array,
  note: NoteSink,
): StepSeries[] {
  if (operation === 'limit_ratio') return limitRatio(input, points, grouping, parameter, note);
  let most = Number.NEGATIVE_INFINITY;
  for (const k of parameter) if (k > most || Number.isNaN(k)) most = k;
  if (most < 1) return [];
  const { labels, groupOf } = groupSeries(input, grouping);
  const members: number[][] = labels.map(() => []);
  for (let i = 0; i < input.length; i++) (members[groupOf[i] as number] as number[]).push(i);
  const chosen: Uint8Array[] | undefined = points === 1 ? undefined : input.map(() => new Uint8Array(points));
  const out: StepSeries[] = [];
  const candidates: number[] = [];
  for (let i = 0; i < points; i++) {
    const parameterValue = parameter[i] as number;
    if (!isInt64(parameterValue)) {
      if (!input.some((series) => series.kinds[i] !== NONE)) continue;
      throw new EvaluationError(`Scalar value ${formatGeneral(parameterValue)} overflows int64`);
    }
    const k = Math.min(Math.trunc(parameterValue), input.length);
    if (k < 1) continue;
    for (const group of members) {
      candidates.length = 0;
      for (const at of group) {
        const kind = (input[at] as StepSeries).kinds[i];
        if (kind === NONE) continue;
        if (kind === HISTOGRAM && operation !== 'limitk') note({ kind: 'histogram-ignored', operation });
        else if (operation === 'limitk') {
          if (candidates.length < k) candidates.push(at);
        } else keepBest(candidates, at, k, input, i, operation === 'topk');
      }
      for (const at of candidates) {
        if (chosen === undefined) out.push(input[at] as StepSeries);
        else (chosen[at] as Uint8Array)[i] = 1;
      }
    }
  }
  return chosen === undefined ? out : masked(input, chosen);
}

/** Keeps `best` sorted, best first, at most k long. The first of equals stays before the later one; NaN is worst. */
function keepBest(
  best: number[],
  candidate: number,
  k: number,
  input: readonly StepSeries[],
  point: number,
  isTop: boolean,
): void {
  const value = (input[candidate] as StepSeries).values[point] as number;
  const isBetter = (other: number): boolean => {
    if (Number.isNaN(value)) return false;
    return Number.isNaN(other) || (isTop ? value > other : value < other);
  };
  const sampleOf = (at: number): number => (input[at] as StepSeries).values[point] as number;
  if (best.length === k && !isBetter(sampleOf(best[k - 1] as number))) return;
  let low = 0;
  let high = best.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBetter(sampleOf(best[middle] as number))) high = middle;
    else low = middle + 1;
  }
  if (best.length === k) best.pop();
  best.splice(low, 0, candidate);
}

function isInt64(value: number): boolean {
  return value < 2 ** 63 && value >= -(2 ** 63);
}

function limitRatio(
  input: readonly StepSeries[],
  points: number,
  _grouping: Grouping,
  parameter: Float64Array,
  note: NoteSink,
): StepSeries[] {
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const ratio of parameter) {
    if (ratio < least || Number.isNaN(ratio)) least = ratio;
    if (ratio > most || Number.isNaN(ratio)) most = ratio;
  }
  if (least === 0 && most === 0) return [];
  if (most > 1) note({ kind: 'invalid-ratio', value: most, used: 1 });
  if (least < -1) note({ kind: 'invalid-ratio', value: least, used: -1 });
  const chosen = input.map(() => new Uint8Array(points));
  const offsets = input.map((series) => labelHashFraction(series.labels));
  for (let i = 0; i < points; i++) {
    const raw = parameter[i] as number;
    if (Number.isNaN(raw)) {
      if (!input.some((series) => series.kinds[i] !== NONE)) continue;
      throw new EvaluationError('Ratio value NaN is NaN');
    }
    const ratio = Math.max(-1, Math.min(1, raw));
    if (ratio === 0) continue;
    for (let at = 0; at < input.length; at++) {
      if ((input[at] as StepSeries).kinds[i] === NONE) continue;
      const offset = offsets[at] as number;
      if (ratio > 0 ? offset < ratio : offset >= 1 + ratio) (chosen[at] as Uint8Array)[i] = 1;
    }
  }
  return masked(input, chosen);
}

/** The series with only the chosen points. */
function masked(input: readonly StepSeries[], chosen: readonly Uint8Array[]): StepSeries[] {
  const out: StepSeries[] = [];
  for (let at = 0; at < input.length; at++) {
    const series = input[at] as StepSeries;
    const keep = chosen[at] as Uint8Array;
    for (let i = 0; i < keep.length; i++) keep[i] = keep[i] === 1 ? (series.kinds[i] as number) : NONE;
    const kept = { ...series, kinds: keep };
    if (hasPoints(kept)) out.push(kept);
  }
  return out;
}
