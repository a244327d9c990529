/** What a PromQL function is to the engine. Each family of functions exports a list of them. */

import type { Labels } from '../../../model/labels.ts';
import { EvaluationError } from '../../vector/evaluation-error.ts';
import {
  FLOAT,
  type Grid,
  HISTOGRAM,
  SeriesCollector,
  type StepSeries,
  withoutName,
} from '../../vector/series.ts';
import type { Annotations } from '../annotations.ts';
import type { Expr } from '../ast.ts';
import type { Samples } from '../samples.ts';
import type { Window } from '../window.ts';

/** An evaluated argument. */
export type Value =
  | { readonly type: 'vector'; readonly series: readonly StepSeries[] }
  | { readonly type: 'scalar'; readonly values: Float64Array }
  | { readonly type: 'string'; readonly text: string; readonly invalid: string | undefined };

/** A call with its evaluated arguments. */
export interface Call {
  readonly grid: Grid;
  /** As written; for positions and for functions that look at selectors. */
  readonly exprs: readonly Expr[];
  readonly args: readonly Value[];
  readonly annotations: Annotations;
  /** Names are dropped at the end of the query, not by each function. */
  readonly delayNameRemoval: boolean;
}

/** Windows (firstEndMs + i*stepMs - rangeMs, firstEndMs + i*stepMs] for i below `points`. */
export interface WindowGrid {
  readonly firstEndMs: number;
  readonly stepMs: number;
  readonly points: number;
  readonly rangeMs: number;
}

/** Over a range vector: called for every step of every series whose window holds a sample. */
export interface RangeFunction {
  readonly kind: 'range';
  readonly name: string;
  readonly apply: (window: Window) => void;
  /**
   * All steps of a series without histograms at once; must give what `apply` gives at each of them. Returns whether
   * there is any point.
   */
  readonly column?: (
    samples: Samples,
    windows: WindowGrid,
    kinds: Uint8Array,
    values: Float64Array,
  ) => boolean;
  /** The metric name stays (the value is one of the series' own). */
  readonly keepsName?: boolean;
  /** Series are told about that look like no counters. */
  readonly wantsCounter?: boolean;
  /** Turns the result into its opposite (absent_over_time). */
  readonly finish?: (series: readonly StepSeries[], call: Call) => StepSeries[];
}

/** Over instant vectors and scalars, giving a vector. */
export interface VectorFunction {
  readonly kind: 'vector';
  readonly name: string;
  readonly evaluate: (call: Call) => readonly StepSeries[];
}

/** Giving a scalar for each step. */
export interface ScalarFunction {
  readonly kind: 'scalar';
  readonly name: string;
  readonly evaluate: (call: Call) => Float64Array;
}

export type PromqlFunction = RangeFunction | VectorFunction | ScalarFunction;

export function vectorArg(call: Call, index: number): readonly StepSeries[] {
  const value = call.args[index];
  if (value?.type !== 'vector') throw new Error(`argument ${index} is no instant vector`);
  return value.series;
}

export function scalarArg(call: Call, index: number): Float64Array {
  const value = call.args[index];
  if (value?.type !== 'scalar') throw new Error(`argument ${index} is no scalar`);
  return value.values;
}

export function stringArg(call: Call, index: number): string {
  const value = call.args[index];
  if (value?.type !== 'string') throw new Error(`argument ${index} is no string`);
  return value.text;
}

/** A string argument that is to be a label's name. Throws EvaluationError when it cannot be one. */
export function labelNameArg(call: Call, index: number, what: string): string {
  const value = call.args[index];
  if (value?.type !== 'string') throw new Error(`argument ${index} is no string`);
  if (value.text === '' || value.invalid !== undefined) throw new EvaluationError(`${what}: ${value.text}`);
  return value.text;
}

/** The labels of a result that is no longer the metric itself. */
export function resultLabels(call: Call, labels: Labels): Labels {
  return call.delayNameRemoval ? labels : withoutName(labels);
}

/** Applies a function to every float of a vector; histograms are left out, the name is dropped. */
export function mapFloats(
  call: Call,
  input: readonly StepSeries[],
  apply: (value: number, point: number) => number,
): StepSeries[] {
  const out = new SeriesCollector();
  for (const series of input) {
    const points = series.kinds.length;
    const values = new Float64Array(points);
    let kinds = series.kinds;
    if (series.histograms !== undefined) kinds = kinds.map((kind) => (kind === FLOAT ? FLOAT : 0));
    for (let i = 0; i < points; i++) if (kinds[i] === FLOAT) values[i] = apply(series.values[i] as number, i);
    out.add({ labels: resultLabels(call, series.labels), kinds, values, dropName: true });
  }
  return out.result();
}

/** Applies a function to every histogram of a vector; floats are left out, the name is dropped. */
export function mapHistograms(
  call: Call,
  input: readonly StepSeries[],
  apply: (
    histogram: NonNullable<NonNullable<StepSeries['histograms']>[number]>,
    series: StepSeries,
    point: number,
  ) => number,
): StepSeries[] {
  const out = new SeriesCollector();
  for (const series of input) {
    if (series.histograms === undefined) continue;
    const points = series.kinds.length;
    const kinds = new Uint8Array(points);
    const values = new Float64Array(points);
    for (let i = 0; i < points; i++) {
      const h = series.histograms[i];
      if (series.kinds[i] !== HISTOGRAM || h === undefined) continue;
      kinds[i] = FLOAT;
      values[i] = apply(h, series, i);
    }
    out.add({ labels: resultLabels(call, series.labels), kinds, values, dropName: true });
  }
  return out.result();
}
