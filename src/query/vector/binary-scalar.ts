/** Operators between a vector and a scalar. */

import type { Histogram } from '../../model/histogram.ts';
import type { NoteSink } from './notes.ts';
import {
  type ArithmeticOperator,
  arithmetic,
  type ComparisonOperator,
  comparison,
  histogramResult,
  isComparison,
} from './operators.ts';
import { FLOAT, HISTOGRAM, hasPoints, NONE, type StepSeries } from './series.ts';

export interface VectorScalarOptions {
  readonly operator: ArithmeticOperator | ComparisonOperator;
  /** The scalar stands on the left. */
  readonly scalarLeft: boolean;
  /** Comparisons give 1 or 0 instead of filtering. */
  readonly returnBool: boolean;
}

/**
 * The values of the result; labels are those of the input (dropping the name is up to the caller). Series without
 * any point left are left out.
 */
export function vectorScalar(
  input: readonly StepSeries[],
  scalar: Float64Array,
  options: VectorScalarOptions,
  note: NoteSink,
): StepSeries[] {
  const out: StepSeries[] = [];
  for (const series of input) {
    const result =
      series.histograms === undefined
        ? floats(series, scalar, options)
        : mixed(series, scalar, options, note);
    if (hasPoints(result)) out.push(result);
  }
  return out;
}

function floats(series: StepSeries, scalar: Float64Array, options: VectorScalarOptions): StepSeries {
  const { operator, scalarLeft, returnBool } = options;
  const { kinds: inKinds, values: inValues } = series;
  const points = inKinds.length;
  if (!isComparison(operator)) {
    const apply = arithmetic(operator);
    const values = new Float64Array(points);
    for (let i = 0; i < points; i++) {
      if (inKinds[i] === NONE) continue;
      const v = inValues[i] as number;
      const s = scalar[i] as number;
      values[i] = scalarLeft ? apply(s, v) : apply(v, s);
    }
    return { ...series, values };
  }
  const holds = comparison(operator);
  const kinds = returnBool ? inKinds : new Uint8Array(points);
  const values = returnBool ? new Float64Array(points) : inValues;
  for (let i = 0; i < points; i++) {
    if (inKinds[i] === NONE) continue;
    const v = inValues[i] as number;
    const s = scalar[i] as number;
    if (scalarLeft ? holds(s, v) : holds(v, s)) {
      if (returnBool) values[i] = 1;
      else kinds[i] = FLOAT;
    }
  }
  return { ...series, kinds, values };
}

function mixed(
  series: StepSeries,
  scalar: Float64Array,
  options: VectorScalarOptions,
  note: NoteSink,
): StepSeries {
  const { operator, scalarLeft, returnBool } = options;
  const plain = floats(series, scalar, options);
  const points = series.kinds.length;
  const kinds = new Uint8Array(points);
  const values = plain.values.slice();
  const histograms = new Array<Histogram | undefined>(points);
  for (let i = 0; i < points; i++) {
    if (series.kinds[i] !== HISTOGRAM) {
      kinds[i] = plain.kinds[i] as number;
      continue;
    }
    const h = series.histograms?.[i] as Histogram;
    const s = scalar[i] as number;
    const result = scalarLeft ? histogramResult(operator, s, h, note) : histogramResult(operator, h, s, note);
    if (result === undefined) continue;
    if (returnBool) {
      kinds[i] = FLOAT;
      values[i] = 1;
    } else if (typeof result === 'number') {
      kinds[i] = FLOAT;
      values[i] = result;
    } else {
      kinds[i] = HISTOGRAM;
      histograms[i] = result;
    }
  }
  return { ...series, kinds, values, histograms };
}
