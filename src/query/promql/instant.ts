/** Instant selectors: the newest sample within the look-back at each point of the grid. */

import type { Histogram } from '../../model/histogram.ts';
import type { Columns } from '../vector/columns.ts';
import { FLOAT, type Grid, HISTOGRAM, NONE, type StepSeries } from '../vector/series.ts';
import { type MarkedSamples, upperBound } from './samples.ts';

/** When a selector looks at its series: at each point of the grid, or always at the same time; minus the offset. */
export interface SelectorTimes {
  readonly grid: Grid;
  readonly offsetMs: number;
  readonly atMs: number | undefined;
}

/** The time that point i looks at. */
export function referenceTime(times: SelectorTimes, point: number): number {
  return (times.atMs ?? times.grid.startMs + point * times.grid.stepMs) - times.offsetMs;
}

/**
 * The values of a series, each no older than the look-back (which is left-open) and not followed by a stale marker.
 * With `asTimestamps` the value is the sample's time in seconds. The result lies in `columns`. Undefined when there is no point.
 */
export function instantValues(
  samples: MarkedSamples,
  times: SelectorTimes,
  lookbackMs: number,
  columns: Columns,
  asTimestamps = false,
): StepSeries | undefined {
  const { points } = times.grid;
  const first = referenceTime(times, 0);
  const isFixed = times.atMs !== undefined;
  const step = isFixed ? 0 : times.grid.stepMs;
  const { times: t, values: v, histogramTimes: ht, histograms: hs, staleTimes: st } = samples;
  const { kinds, values } = columns;
  let histograms: (Histogram | undefined)[] | undefined;
  let any = false;
  let i = upperBound(t, first);
  let h = ht.length === 0 ? 0 : upperBound(ht, first);
  let s = st.length === 0 ? 0 : upperBound(st, first);
  for (let point = 0; point < points; point++) {
    const reference = first + point * step;
    while (i < t.length && (t[i] as number) <= reference) i++;
    while (h < ht.length && (ht[h] as number) <= reference) h++;
    while (s < st.length && (st[s] as number) <= reference) s++;
    const floatTime = i > 0 ? (t[i - 1] as number) : Number.NEGATIVE_INFINITY;
    const histogramTime = h > 0 ? (ht[h - 1] as number) : Number.NEGATIVE_INFINITY;
    const time = Math.max(floatTime, histogramTime);
    if (time <= reference - lookbackMs || (s > 0 && (st[s - 1] as number) >= time)) continue;
    any = true;
    if (asTimestamps) {
      kinds[point] = FLOAT;
      values[point] = time / 1000;
    } else if (floatTime >= histogramTime) {
      kinds[point] = FLOAT;
      values[point] = v[i - 1] as number;
    } else {
      kinds[point] = HISTOGRAM;
      histograms ??= new Array<Histogram | undefined>(points);
      histograms[point] = hs[h - 1];
    }
  }
  if (!any) return undefined;
  columns.next();
  return { labels: samples.labels, kinds, values, histograms };
}

/** The same point at every step: a result that does not depend on the evaluation time. */
export function repeatPoint(series: StepSeries, points: number): StepSeries {
  const kind = series.kinds[0] ?? NONE;
  const out = {
    ...series,
    kinds: new Uint8Array(points).fill(kind),
    values: new Float64Array(points).fill(series.values[0] as number),
    histograms:
      kind === HISTOGRAM ? new Array<Histogram | undefined>(points).fill(series.histograms?.[0]) : undefined,
  };
  return out;
}
