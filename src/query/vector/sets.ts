/** Set operators between two vectors: and, or, unless. Always many-to-many. */

import { matchKey, type VectorMatching } from './matching.ts';
import type { SetOperator } from './operators.ts';
import { hasPoints, NONE, SeriesCollector, type StepSeries } from './series.ts';

/** Applies a set operator. Points keep their values; series without a point left are left out. */
export function setOperation(
  operator: SetOperator,
  left: readonly StepSeries[],
  right: readonly StepSeries[],
  points: number,
  matching: Pick<VectorMatching, 'on' | 'labels'>,
): StepSeries[] {
  const key = matchKey(matching);
  if (operator === 'or') {
    const present = presence(left, points, key);
    const collector = new SeriesCollector();
    for (const series of left) collector.add(series);
    for (const series of right) {
      const kept = filtered(series, present.get(key(series.labels)), false);
      if (kept !== undefined) collector.add(kept);
    }
    return collector.result();
  }
  const present = presence(right, points, key);
  const out: StepSeries[] = [];
  for (const series of left) {
    const kept = filtered(series, present.get(key(series.labels)), operator === 'and');
    if (kept !== undefined) out.push(kept);
  }
  return out;
}

/** For each match group, the points at which any of its series is present. */
function presence(
  list: readonly StepSeries[],
  points: number,
  key: (labels: StepSeries['labels']) => string,
): Map<string, Uint8Array> {
  const groups = new Map<string, Uint8Array>();
  for (const series of list) {
    const k = key(series.labels);
    let mask = groups.get(k);
    if (mask === undefined) {
      mask = new Uint8Array(points);
      groups.set(k, mask);
    }
    const { kinds } = series;
    for (let i = 0; i < points; i++) if (kinds[i] !== NONE) mask[i] = 1;
  }
  return groups;
}

/** The points where the mask is set (`wanted`) or not set; undefined when none remains. */
function filtered(series: StepSeries, mask: Uint8Array | undefined, wanted: boolean): StepSeries | undefined {
  if (mask === undefined) return wanted ? undefined : series;
  const kinds = series.kinds.slice();
  for (let i = 0; i < kinds.length; i++) if ((mask[i] === 1) !== wanted) kinds[i] = NONE;
  const out = { ...series, kinds };
  return hasPoints(out) ? out : undefined;
}
