/** Metric queries: range aggregations, vector aggregations, operators, label_replace, over one grid. */

import { Labels } from '../../model/labels.ts';
import { compileRegex, expandTemplate } from '../syntax/regex.ts';
import { aggregate } from '../vector/aggregate.ts';
import { vectorScalar } from '../vector/binary-scalar.ts';
import type { Grouping } from '../vector/grouping.ts';
import { binaryVector, type VectorMatching } from '../vector/matching.ts';
import { isComparison, isSetOperator, type SetOperator, scalarResult } from '../vector/operators.ts';
import { selectK } from '../vector/select-k.ts';
import { FLOAT, newSeries, SeriesCollector, type StepSeries } from '../vector/series.ts';
import { setOperation } from '../vector/sets.ts';
import type { AggregateExpr, BinaryExpr, LabelReplaceExpr, MetricExpr, RangeOperation } from './ast.ts';
import type { EvaluationContext } from './context.ts';
import { labelText } from './errors.ts';
import { evaluateRange } from './evaluate-range.ts';

/** A number, or series on the grid. */
export type MetricValue = { readonly scalar: number } | { readonly series: readonly StepSeries[] };

/** LogQL has no histograms, so the vector operations have nothing to tell. */
const noNotes = (): void => {};

export async function evaluateMetric(expr: MetricExpr, context: EvaluationContext): Promise<MetricValue> {
  switch (expr.kind) {
    case 'number':
      return { scalar: expr.value };
    case 'vector': {
      const series = newSeries(Labels.EMPTY, context.grid.points);
      series.kinds.fill(FLOAT);
      series.values.fill(expr.value);
      return { series: [series] };
    }
    case 'range':
      return { series: await evaluateRange(expr, undefined, context) };
    case 'aggregate':
      return { series: await evaluateAggregate(expr, context) };
    case 'label-replace':
      return { series: labelReplace(expr, await seriesOf(expr.inner, context)) };
    case 'binary':
      return evaluateBinary(expr, context);
  }
}

async function seriesOf(expr: MetricExpr, context: EvaluationContext): Promise<readonly StepSeries[]> {
  const value = await evaluateMetric(expr, context);
  if ('series' in value) return value.series;
  const series = newSeries(Labels.EMPTY, context.grid.points);
  series.kinds.fill(FLOAT);
  series.values.fill(value.scalar);
  return [series];
}

/** Range operations whose samples a sum around them can group at once, so that fewer labels are needed. */
const SUMS: ReadonlySet<RangeOperation> = new Set<RangeOperation>([
  'bytes_over_time',
  'bytes_rate',
  'sum_over_time',
  'rate',
  'count_over_time',
]);

async function evaluateAggregate(
  expr: AggregateExpr,
  context: EvaluationContext,
): Promise<readonly StepSeries[]> {
  const { operation, inner } = expr;
  const { points } = context.grid;
  const groupingExpr = expr.grouping ?? { without: false, labels: [] };
  const grouping: Grouping = { by: !groupingExpr.without, labels: groupingExpr.labels };
  let input: readonly StepSeries[];
  if (
    operation === 'sum' &&
    inner.kind === 'range' &&
    SUMS.has(inner.operation) &&
    inner.grouping === undefined
  ) {
    input = await evaluateRange(inner, groupingExpr, context);
  } else input = await seriesOf(inner, context);
  switch (operation) {
    case 'sort':
    case 'sort_desc':
      return sortSeries(input, operation === 'sort_desc', points);
    case 'topk':
    case 'bottomk':
    case 'approx_topk': {
      const k = new Float64Array(points).fill(expr.parameter as number);
      // Without a grouping all series compete.
      return selectK(operation === 'bottomk' ? 'bottomk' : 'topk', input, points, grouping, k, noNotes);
    }
    default:
      return aggregate(operation, input, points, grouping, undefined, noNotes);
  }
}

/** Ordered by value at the only point; over a range series have no order. */
function sortSeries(
  input: readonly StepSeries[],
  descending: boolean,
  points: number,
): readonly StepSeries[] {
  if (points !== 1) return input;
  const value = (series: StepSeries): number => series.values[0] as number;
  return [...input].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    // NaN comes last either way.
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    return descending ? y - x : x - y;
  });
}

async function evaluateBinary(expr: BinaryExpr, context: EvaluationContext): Promise<MetricValue> {
  const { operator, returnBool } = expr;
  const [left, right] = await Promise.all([
    evaluateMetric(expr.left, context),
    evaluateMetric(expr.right, context),
  ]);
  const { points } = context.grid;
  if ('scalar' in left && 'scalar' in right) {
    if (isSetOperator(operator)) throw new Error('set operator between scalars');
    return { scalar: scalarResult(operator, left.scalar, divisor(operator, right.scalar)) };
  }
  if ('scalar' in left || 'scalar' in right) {
    if (isSetOperator(operator)) throw new Error('set operator with a scalar');
    const scalarLeft = 'scalar' in left;
    const scalar = 'scalar' in left ? left.scalar : divisor(operator, (right as { scalar: number }).scalar);
    let series = ('series' in left ? left : (right as { series: readonly StepSeries[] })).series;
    if (scalarLeft) series = withoutZeros(operator, series);
    const column = new Float64Array(points).fill(scalar);
    return { series: vectorScalar(series, column, { operator, scalarLeft, returnBool }, noNotes) };
  }
  const matching = vectorMatching(expr);
  if (isSetOperator(operator)) {
    return { series: setOperation(operator as SetOperator, left.series, right.series, points, matching) };
  }
  const series = binaryVector(
    left.series,
    withoutZeros(operator, right.series),
    points,
    { operator, matching, returnBool: returnBool && isComparison(operator), labelText },
    noNotes,
  );
  return { series };
}

/** In LogQL a division by zero is NaN, not an infinity. */
function divisor(operator: BinaryExpr['operator'], value: number): number {
  return (operator === '/' || operator === '%') && value === 0 ? Number.NaN : value;
}

function withoutZeros(operator: BinaryExpr['operator'], input: readonly StepSeries[]): readonly StepSeries[] {
  if (operator !== '/' && operator !== '%') return input;
  return input.map((series) =>
    series.values.includes(0)
      ? { ...series, values: series.values.map((value) => (value === 0 ? Number.NaN : value)) }
      : series,
  );
}

function vectorMatching(expr: BinaryExpr): VectorMatching {
  const { matching, operator } = expr;
  if (matching === undefined) {
    const card = isSetOperator(operator) ? 'many-to-many' : 'one-to-one';
    return { card, on: false, labels: [], include: [] };
  }
  const card =
    matching.group === undefined
      ? isSetOperator(operator)
        ? 'many-to-many'
        : 'one-to-one'
      : matching.group === 'left'
        ? 'many-to-one'
        : 'one-to-many';
  return { card, on: matching.on, labels: matching.labels, include: matching.include };
}

function labelReplace(expr: LabelReplaceExpr, input: readonly StepSeries[]): StepSeries[] {
  const regex = compileRegex(expr.regex, { anchored: true });
  const collector = new SeriesCollector();
  for (const series of input) {
    const found = regex.match(series.labels.get(expr.source));
    if (found === undefined) collector.add(series);
    else {
      const value = expandTemplate(expr.replacement, found.groups, regex.groupNames);
      collector.add({ ...series, labels: series.labels.with(expr.target, value) });
    }
  }
  return collector.result();
}
