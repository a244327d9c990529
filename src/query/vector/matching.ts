/**
 * Operators between two vectors: one-to-one, many-to-one and one-to-many matching by labels. Series are matched once
 * for the whole grid; which of them meet is looked at point by point.
 */

import type { Histogram } from '../../model/histogram.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { NoteSink } from './notes.ts';
import {
  type ArithmeticOperator,
  arithmetic,
  type ComparisonOperator,
  comparison,
  histogramResult,
  isComparison,
} from './operators.ts';
import {
  FLOAT,
  HISTOGRAM,
  hasPoints,
  NONE,
  newSeries,
  SeriesCollector,
  type StepSeries,
  withoutName,
} from './series.ts';

export type Cardinality = 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';

export interface VectorMatching {
  readonly card: Cardinality;
  /** true: match on these labels only; false: on all but these (and the metric name). */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels that the result takes from the "one" side (group_left, group_right). */
  readonly include: readonly string[];
}

export interface BinaryOptions {
  readonly operator: ArithmeticOperator | ComparisonOperator;
  readonly matching: VectorMatching;
  readonly returnBool: boolean;
  /** Keep metric names for now and mark the series (delayed name removal). */
  readonly delayNameRemoval?: boolean;
  /** Replaces the operator on floats (languages that define it otherwise). */
  readonly compute?: (left: number, right: number) => number;
  /** How label sets are written in errors. */
  readonly labelText: (labels: Labels) => string;
}

/** A key that is equal for label sets that match each other. */
export function matchKey(matching: Pick<VectorMatching, 'on' | 'labels'>): (labels: Labels) => string {
  const names = new Set(matching.labels);
  if (matching.on) return names.size === 0 ? () => '' : (labels) => labels.keep(names).key;
  names.add(METRIC_NAME);
  return (labels) => labels.without(names).key;
}

/** The "one" side's series of one match group. */
interface OneSide {
  readonly series: StepSeries[];
  /** With several series: the index of the one that is present at each point, plus one. Computed when needed. */
  at: Uint32Array | undefined;
  /** Points at which a result was given (one-to-one only), to find further matches. */
  taken: Uint8Array | undefined;
  /** Results by labels (many-to-one only). */
  readonly results: Map<string, Uint8Array>;
}

/** Matches two vectors and applies the operator. Throws EvaluationError where the matching is not allowed. */
export function binaryVector(
  left: readonly StepSeries[],
  right: readonly StepSeries[],
  points: number,
  options: BinaryOptions,
  note: NoteSink,
): StepSeries[] {
  const { matching } = options;
  if (left.length === 0 || right.length === 0) return [];
  const swapped = matching.card === 'one-to-many';
  const many = swapped ? right : left;
  const one = swapped ? left : right;
  const key = matchKey(matching);
  const groups = new Map<string, OneSide>();
  for (const series of one) {
    const k = key(series.labels);
    const group = groups.get(k);
    if (group === undefined)
      groups.set(k, { series: [series], at: undefined, taken: undefined, results: new Map() });
    else group.series.push(series);
  }
  for (const group of groups.values()) {
    if (group.series.length > 1) group.at = resolve(group, many, points, options);
  }
  const collector = new SeriesCollector();
  const resultLabels = resultLabeller(options);
  for (const series of many) {
    const group = groups.get(key(series.labels));
    if (group === undefined) continue;
    for (let index = 0; index < group.series.length; index++) {
      const partner = group.series[index] as StepSeries;
      const labels = resultLabels(series.labels, partner.labels);
      const result = combine(series, partner, group.at, index + 1, labels, swapped, options, note);
      if (result === undefined) continue;
      claim(group, result, matching.card === 'one-to-one');
      collector.add(result);
    }
  }
  return collector.result();
}

/** Which series of a group is present at each point; two at one point are an error. */
function resolve(
  group: OneSide,
  many: readonly StepSeries[],
  points: number,
  options: BinaryOptions,
): Uint32Array {
  const at = new Uint32Array(points);
  for (let index = 0; index < group.series.length; index++) {
    const series = group.series[index] as StepSeries;
    for (let i = 0; i < points; i++) {
      if (series.kinds[i] === NONE) continue;
      const other = at[i] as number;
      // Where the other vector is empty, nothing is matched and nothing is wrong.
      if (other !== 0 && many.some((candidate) => candidate.kinds[i] !== NONE)) {
        const { matching, labelText } = options;
        const names = new Set(matching.labels);
        const matched = matching.on
          ? series.labels.keep(names)
          : series.labels.without(new Set([...names, METRIC_NAME]));
        const side = matching.card === 'one-to-many' ? 'left' : 'right';
        const duplicate = (group.series[other - 1] as StepSeries).labels;
        throw new EvaluationError(
          `found duplicate series for the match group ${labelText(matched)} on the ${side} hand-side of the ` +
            `operation: [${labelText(series.labels)}, ${labelText(duplicate)}];many-to-many matching not allowed: ` +
            'matching labels must be unique on one side',
        );
      }
      at[i] = index + 1;
    }
  }
  return at;
}

/** Notes where results were given; a second one for the same match is an error. */
function claim(group: OneSide, result: StepSeries, isOneToOne: boolean): void {
  const { kinds } = result;
  let taken: Uint8Array | undefined;
  if (isOneToOne) {
    taken = group.taken;
    if (taken === undefined) {
      group.taken = kinds.slice();
      return;
    }
  } else {
    taken = group.results.get(result.labels.key);
    if (taken === undefined) {
      group.results.set(result.labels.key, kinds.slice());
      return;
    }
  }
  for (let i = 0; i < kinds.length; i++) {
    if (kinds[i] === NONE) continue;
    if (taken[i] !== NONE) {
      throw new EvaluationError(
        isOneToOne
          ? 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)'
          : 'multiple matches for labels: grouping labels must ensure unique matches',
      );
    }
    taken[i] = 1;
  }
}

/** The result of one pair of series over the grid; undefined when it has no point. */
function combine(
  many: StepSeries,
  one: StepSeries,
  at: Uint32Array | undefined,
  index: number,
  labels: Labels,
  swapped: boolean,
  options: BinaryOptions,
  note: NoteSink,
): StepSeries | undefined {
  const { operator, returnBool } = options;
  const points = many.kinds.length;
  const hasHistograms = many.histograms !== undefined || one.histograms !== undefined;
  const out = newSeries(labels, points, hasHistograms);
  const { kinds, values } = out;
  const left = swapped ? one : many;
  const right = swapped ? many : one;
  const compares = isComparison(operator);
  const apply = options.compute ?? (compares ? undefined : arithmetic(operator));
  const holds = compares && options.compute === undefined ? comparison(operator) : undefined;
  for (let i = 0; i < points; i++) {
    const leftKind = left.kinds[i];
    const rightKind = right.kinds[i];
    if (leftKind === NONE || rightKind === NONE) continue;
    if (at !== undefined && at[i] !== index) continue;
    if (leftKind === FLOAT && rightKind === FLOAT) {
      const a = left.values[i] as number;
      const b = right.values[i] as number;
      if (apply !== undefined) {
        kinds[i] = FLOAT;
        values[i] = apply(a, b);
      } else if ((holds as (a: number, b: number) => boolean)(a, b)) {
        kinds[i] = FLOAT;
        values[i] = returnBool ? 1 : a;
      } else if (returnBool) kinds[i] = FLOAT;
      continue;
    }
    let failed = false;
    const result = histogramResult(
      operator,
      leftKind === HISTOGRAM ? (left.histograms?.[i] as Histogram) : (left.values[i] as number),
      rightKind === HISTOGRAM ? (right.histograms?.[i] as Histogram) : (right.values[i] as number),
      (what) => {
        failed = true;
        note(what);
      },
    );
    if (failed) continue;
    if (returnBool) {
      kinds[i] = FLOAT;
      values[i] = result === undefined ? 0 : 1;
    } else if (typeof result === 'number') {
      kinds[i] = FLOAT;
      values[i] = result;
    } else if (result !== undefined) {
      kinds[i] = HISTOGRAM;
      (out.histograms as (Histogram | undefined)[])[i] = result;
    }
  }
  if (!hasPoints(out)) return undefined;
  return returnBool && options.delayNameRemoval === true ? { ...out, dropName: true } : out;
}

function resultLabeller(options: BinaryOptions): (many: Labels, one: Labels) => Labels {
  const { matching, operator, returnBool } = options;
  const names = new Set(matching.labels);
  const changesMeaning = !isComparison(operator);
  const dropsName = changesMeaning || (returnBool && options.delayNameRemoval !== true);
  return (many, one) => {
    let labels = changesMeaning ? withoutName(many) : many;
    if (matching.card === 'one-to-one') labels = matching.on ? labels.keep(names) : labels.without(names);
    if (matching.include.length > 0) {
      const pairs: [string, string][] = [...labels.entries()];
      for (const name of matching.include) pairs.push([name, one.get(name)]);
      labels = Labels.fromPairs(pairs);
    }
    return dropsName && !changesMeaning ? withoutName(labels) : labels;
  };
}
