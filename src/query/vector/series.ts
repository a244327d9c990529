/**
 * Vectors over a time grid: every series is one column of points. An instant query is a grid of one point. Shared by
 * PromQL, LogQL and TraceQL; knows nothing of their syntax, of sources or of JSON.
 */

import type { Histogram } from '../../model/histogram.ts';
import { type Labels, METRIC_NAME } from '../../model/labels.ts';
import { EvaluationError } from './evaluation-error.ts';

/** Points at startMs, startMs + stepMs, ...; `points` of them (at least one). */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly points: number;
}

/** What a series has at a point of the grid. */
export const NONE = 0;
export const FLOAT = 1;
export const HISTOGRAM = 2;

/** One series on a grid. Point i holds what `kinds[i]` says. Columns may be shared: copy before changing them. */
export interface StepSeries {
  readonly labels: Labels;
  /** NONE, FLOAT or HISTOGRAM for each point. */
  readonly kinds: Uint8Array;
  /** The value of FLOAT points; of no meaning elsewhere. */
  readonly values: Float64Array;
  /** The value of HISTOGRAM points; absent when the series has none. */
  readonly histograms?: (Histogram | undefined)[] | undefined;
  /** The metric name is still there, but is to be dropped from the result (delayed name removal). */
  readonly dropName?: boolean;
}

/** Reserved labels that describe the metric itself and go when a function or an operator changes its meaning. */
const DESCRIBING: ReadonlySet<string> = new Set([METRIC_NAME, '__type__', '__unit__']);

/** The labels without the metric's name, type and unit. */
export function withoutName(labels: Labels): Labels {
  const first = labels.names[0];
  // Names are sorted, and few begin with two underscores.
  if (first === undefined || first > '__unit__') return labels;
  return labels.without(DESCRIBING);
}

/** An empty series with room for all points of a grid. */
export function newSeries(labels: Labels, points: number, withHistograms = false): StepSeries {
  return {
    labels,
    kinds: new Uint8Array(points),
    values: new Float64Array(points),
    histograms: withHistograms ? new Array<Histogram | undefined>(points) : undefined,
  };
}

/** The time of point i. */
export function timeAt(grid: Grid, point: number): number {
  return grid.startMs + point * grid.stepMs;
}

/** The first and the last time of a grid. */
export function lastTime(grid: Grid): number {
  return grid.startMs + (grid.points - 1) * grid.stepMs;
}

export function hasPoints(series: StepSeries): boolean {
  const kinds = series.kinds;
  for (let i = 0; i < kinds.length; i++) if (kinds[i] !== NONE) return true;
  return false;
}

/** Leaves out the series without points; the same array when there are none of them. */
export function dropEmpty(list: readonly StepSeries[]): readonly StepSeries[] {
  for (const series of list) if (!hasPoints(series)) return list.filter(hasPoints);
  return list;
}

/** Present points over all series. */
export function countPoints(list: readonly StepSeries[]): number {
  let count = 0;
  for (const series of list) {
    const kinds = series.kinds;
    for (let i = 0; i < kinds.length; i++) if (kinds[i] !== NONE) count++;
  }
  return count;
}

/**
 * Collects series whose labels may become equal. Series with equal labels become one as long as they never have a
 * point at the same time; where they do, the query is in error ("vector cannot contain metrics with the same
 * labelset").
 */
export class SeriesCollector {
  readonly #byKey = new Map<string, { series: StepSeries; owned: boolean }>();

  add(series: StepSeries): void {
    const key = series.labels.key;
    const slot = this.#byKey.get(key);
    if (slot === undefined) {
      this.#byKey.set(key, { series, owned: false });
      return;
    }
    if (!slot.owned) {
      slot.series = copySeries(slot.series);
      slot.owned = true;
    }
    slot.series = mergeInto(slot.series, series);
  }

  result(): StepSeries[] {
    const out: StepSeries[] = [];
    for (const { series } of this.#byKey.values()) if (hasPoints(series)) out.push(series);
    return out;
  }
}

/** The text of the error for two series that became equal. */
export const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

/** Throws when two of the series have equal labels, whether or not their points meet. */
export function assertDistinct(list: readonly StepSeries[]): void {
  const seen = new Set<string>();
  for (const series of list) {
    const key = series.labels.key;
    if (seen.has(key)) throw new EvaluationError(SAME_LABELSET);
    seen.add(key);
  }
}

export function copySeries(series: StepSeries): StepSeries {
  return {
    ...series,
    kinds: series.kinds.slice(),
    values: series.values.slice(),
    histograms: series.histograms?.slice(),
  };
}

function mergeInto(target: StepSeries, source: StepSeries): StepSeries {
  let histograms = target.histograms;
  for (let i = 0; i < source.kinds.length; i++) {
    const kind = source.kinds[i] as number;
    if (kind === NONE) continue;
    if (target.kinds[i] !== NONE) throw new EvaluationError(SAME_LABELSET);
    target.kinds[i] = kind;
    if (kind === FLOAT) target.values[i] = source.values[i] as number;
    else {
      histograms ??= new Array<Histogram | undefined>(target.kinds.length);
      histograms[i] = source.histograms?.[i];
    }
  }
  return histograms === target.histograms ? target : { ...target, histograms };
}
