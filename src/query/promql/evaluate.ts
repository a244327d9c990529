/** Evaluates a plan on the samples that were read. */

import type { GridSeries } from '../../model/select-metrics.ts';
import { quote } from '../syntax/strings.ts';
import { aggregate } from '../vector/aggregate.ts';
import { vectorScalar } from '../vector/binary-scalar.ts';
import { Columns } from '../vector/columns.ts';
import { countValues } from '../vector/count-values.ts';
import { EvaluationError } from '../vector/evaluation-error.ts';
import { multiplyHistogram } from '../vector/histogram/arithmetic.ts';
import { binaryVector } from '../vector/matching.ts';
import {
  type ArithmeticOperator,
  type ComparisonOperator,
  isComparison,
  isSetOperator,
  scalarResult,
} from '../vector/operators.ts';
import { selectK } from '../vector/select-k.ts';
import {
  assertDistinct,
  countPoints,
  FLOAT,
  SeriesCollector,
  type StepSeries,
  withoutName,
} from '../vector/series.ts';
import { setOperation } from '../vector/sets.ts';
import type { Annotations } from './annotations.ts';
import type { BinaryExpr } from './ast.ts';
import type { Budget } from './budget.ts';
import type { Call, Value } from './functions/function.ts';
import { functionNamed } from './functions/index.ts';
import { addInfo } from './info.ts';
import { instantValues, repeatPoint } from './instant.ts';
import type { Plan, WindowPlan } from './plan.ts';
import { labelsText } from './printer.ts';
import { evaluateRange } from './range.ts';
import { type MarkedSamples, type Samples, samplesOfSteps, upperBound } from './samples.ts';

/** What a read gave: samples, or points that storage computed. */
export type Fetched =
  | { readonly kind: 'samples'; readonly series: readonly MarkedSamples[] }
  | { readonly kind: 'grid'; readonly grouped: boolean; readonly series: readonly GridSeries[] };

export interface EvaluationContext {
  readonly fetched: readonly Fetched[];
  readonly annotations: Annotations;
  readonly budget: Budget;
  readonly lookbackMs: number;
  readonly delayNameRemoval: boolean;
}

/** How many series are done between looks at the clock. */
const SERIES_PER_CHECK = 200;

export async function evaluate(plan: Plan, context: EvaluationContext): Promise<Value> {
  const { budget } = context;
  await budget.breathe();
  const before = budget.held;
  const value = await evaluateNode(plan, context);
  const operands = budget.held - before;
  if (value.type === 'vector') {
    // Points are counted one by one only where it matters.
    const most = value.series.length * plan.grid.points;
    budget.hold(budget.held + most <= budget.maxSamples ? most : countPoints(value.series));
  }
  budget.release(operands);
  return value;
}

async function evaluateVector(plan: Plan, context: EvaluationContext): Promise<readonly StepSeries[]> {
  const value = await evaluate(plan, context);
  if (value.type !== 'vector') throw new Error('not an instant vector');
  return value.series;
}

async function evaluateNode(plan: Plan, context: EvaluationContext): Promise<Value> {
  const { points } = plan.grid;
  switch (plan.kind) {
    case 'nothing':
      return plan.type === 'scalar' ? { type: 'scalar', values: new Float64Array(0) } : vector([]);
    case 'number':
      return { type: 'scalar', values: new Float64Array(points).fill(plan.value) };
    case 'string':
      return { type: 'string', text: plan.text, invalid: plan.invalid };
    case 'instant':
      return vector(await instant(plan, context));
    case 'range-call':
      return vector(await rangeCall(plan, context));
    case 'call': {
      const func = functionNamed(plan.expr.func.name);
      if (func === undefined || func.kind === 'range') throw new Error(`no function ${plan.expr.func.name}`);
      const argument = plan.args[0];
      if (argument?.kind === 'instant' && argument.asTimestamps) {
        return vector(dropNames(await evaluateVector(argument, context), context));
      }
      const args: Value[] = [];
      for (const arg of plan.args) args.push(await evaluate(arg, context));
      const call: Call = {
        grid: plan.grid,
        exprs: plan.expr.args,
        args,
        annotations: context.annotations,
        delayNameRemoval: context.delayNameRemoval,
      };
      return func.kind === 'scalar'
        ? { type: 'scalar', values: func.evaluate(call) }
        : vector(func.evaluate(call));
    }
    case 'info':
      return vector(
        addInfo(
          await evaluateVector(plan.base, context),
          await evaluateVector(plan.info, context),
          await evaluateVector(plan.infoTimes, context),
          plan,
        ),
      );
    case 'aggregate':
      return vector(await aggregation(plan, context));
    case 'binary':
      return binary(
        plan.expr,
        await evaluate(plan.left, context),
        await evaluate(plan.right, context),
        points,
        context,
      );
    case 'unary':
      return unary(plan.expr.operator, await evaluate(plan.input, context), context);
    case 'invariant': {
      const value = await evaluate(plan.input, context);
      if (value.type === 'string') return value;
      if (value.type === 'scalar') {
        return { type: 'scalar', values: new Float64Array(points).fill(value.values[0] as number) };
      }
      return vector(value.series.map((series) => repeatPoint(series, points)));
    }
    case 'matrix':
      throw new Error('a range vector is no operand');
  }
}

function vector(series: readonly StepSeries[]): Value {
  return { type: 'vector', series };
}

/** The computed points of storage as series. */
function gridSeries(series: readonly GridSeries[]): StepSeries[] {
  return series.map(({ labels, values, present }) => ({ labels, values, kinds: present }));
}

async function instant(
  plan: Plan & { kind: 'instant' },
  context: EvaluationContext,
): Promise<readonly StepSeries[]> {
  const fetched = context.fetched[plan.fetch] as Fetched;
  if (fetched.kind === 'grid') return gridSeries(fetched.series);
  const out: StepSeries[] = [];
  const columns = new Columns(plan.grid.points);
  let done = 0;
  for (const samples of fetched.series) {
    if (++done % SERIES_PER_CHECK === 0) await context.budget.breathe();
    const series = instantValues(samples, plan.times, context.lookbackMs, columns, plan.asTimestamps);
    if (series !== undefined) out.push(series);
  }
  return out;
}

/** Marks series as no longer the metric itself, or takes the name away at once. */
function dropNames(series: readonly StepSeries[], context: EvaluationContext): StepSeries[] {
  const collector = new SeriesCollector();
  for (const one of series) {
    collector.add({
      ...one,
      labels: context.delayNameRemoval ? one.labels : withoutName(one.labels),
      dropName: true,
    });
  }
  return collector.result();
}

/** The samples that windows are cut from. */
async function windowSamples(window: WindowPlan, context: EvaluationContext): Promise<readonly Samples[]> {
  if (window.source.kind === 'fetch') {
    const fetched = context.fetched[window.source.fetch] as Fetched;
    if (fetched.kind === 'grid') throw new Error('storage computed what nobody can use');
    return fetched.series;
  }
  const input = window.source.input;
  const series = await evaluateVector(input, context);
  return series.map((one) => samplesOfSteps(one, input.grid));
}

const COUNTER_NAME = /_(?:total|sum|count|bucket)$/;

async function rangeCall(
  plan: Plan & { kind: 'range-call' },
  context: EvaluationContext,
): Promise<readonly StepSeries[]> {
  const { expr, window, rangeArg } = plan;
  const func = functionNamed(expr.func.name);
  if (func?.kind !== 'range') throw new Error(`${expr.func.name} takes no range vector`);
  const args: Value[] = [];
  for (const arg of plan.args) args.push(await evaluate(arg, context));
  const call: Call = {
    grid: plan.grid,
    exprs: expr.args,
    args,
    annotations: context.annotations,
    delayNameRemoval: context.delayNameRemoval,
  };
  let series: StepSeries[] = [];
  const noteCounter = (metric: string): void => {
    if (metric !== '' && !COUNTER_NAME.test(metric)) {
      context.annotations.metric('not-a-counter', metric, expr.args[rangeArg]?.range.start ?? 0);
    }
  };
  const fetched = window.source.kind === 'fetch' ? context.fetched[window.source.fetch] : undefined;
  if (fetched?.kind === 'grid') {
    series = gridSeries(fetched.series);
    if (func.wantsCounter) for (const one of series) noteCounter(one.labels.get('__name__'));
    if (fetched.grouped) return series;
  } else {
    let done = 0;
    const evaluator = evaluateRange(func, plan, args, context.annotations);
    for (const samples of await windowSamples(window, context)) {
      if (++done % SERIES_PER_CHECK === 0) await context.budget.breathe();
      const one = evaluator(samples);
      if (one === undefined) continue;
      if (func.wantsCounter && one.kinds.includes(FLOAT)) noteCounter(samples.labels.get('__name__'));
      series.push(one);
    }
  }
  if (func.finish !== undefined) return func.finish(series, call);
  if (func.keepsName) return series;
  series = series.map((one) => ({
    ...one,
    labels: context.delayNameRemoval ? one.labels : withoutName(one.labels),
    dropName: true,
  }));
  if (!context.delayNameRemoval) assertDistinct(series);
  return series;
}

async function aggregation(
  plan: Plan & { kind: 'aggregate' },
  context: EvaluationContext,
): Promise<readonly StepSeries[]> {
  const { expr, input } = plan;
  const { points } = plan.grid;
  const grouping = { by: !expr.without, labels: expr.grouping };
  const note = context.annotations.sink(
    expr.operator === 'topk' || expr.operator === 'bottomk' ? expr.range.start : expr.expr.range.start,
    expr.param?.range.start,
  );
  const param = plan.param === undefined ? undefined : await evaluate(plan.param, context);
  const series = await evaluateVector(input, context);
  if (isGrouped(input, context)) return series;
  switch (expr.operator) {
    case 'count_values': {
      if (param?.type !== 'string') throw new Error('the parameter is no string');
      if (param.text === '' || param.invalid !== undefined)
        throw new EvaluationError(`invalid label name ${param.invalid ?? quote(param.text)}`);
      return countValues(param.text, series, points, grouping);
    }
    case 'topk':
    case 'bottomk':
    case 'limitk':
    case 'limit_ratio':
      return selectK(expr.operator, series, points, grouping, scalars(param), note);
    case 'quantile': {
      const q = scalars(param);
      let least = Number.POSITIVE_INFINITY;
      let most = Number.NEGATIVE_INFINITY;
      for (const value of q) {
        if (Number.isNaN(value)) note({ kind: 'invalid-quantile', value });
        if (value < least) least = value;
        if (value > most) most = value;
      }
      if (most > 1) note({ kind: 'invalid-quantile', value: most });
      if (least < 0) note({ kind: 'invalid-quantile', value: least });
      return aggregate('quantile', series, points, grouping, q, note);
    }
    default:
      return aggregate(expr.operator, series, points, grouping, undefined, note);
  }
}

function scalars(value: Value | undefined): Float64Array {
  if (value?.type !== 'scalar') throw new Error('the parameter is no scalar');
  return value.values;
}

/** Whether storage has already carried out the aggregation above this node. */
function isGrouped(input: Plan, context: EvaluationContext): boolean {
  const index =
    input.kind === 'instant'
      ? input.fetch
      : input.kind === 'range-call' && input.window.source.kind === 'fetch'
        ? input.window.source.fetch
        : undefined;
  const fetched = index === undefined ? undefined : context.fetched[index];
  return fetched?.kind === 'grid' && fetched.grouped;
}

function binary(
  expr: BinaryExpr,
  left: Value,
  right: Value,
  points: number,
  context: EvaluationContext,
): Value {
  const { operator, returnBool } = expr;
  const note = context.annotations.sink(expr.range.start);
  if (left.type === 'vector' && right.type === 'vector') {
    const { matching } = expr;
    if (matching === undefined) throw new Error('two vectors without matching');
    if (isSetOperator(operator))
      return vector(setOperation(operator, left.series, right.series, points, matching));
    return vector(
      binaryVector(
        left.series,
        right.series,
        points,
        { operator, matching, returnBool, delayNameRemoval: context.delayNameRemoval, labelText: labelsText },
        note,
      ),
    );
  }
  const scalarOperator = operator as ArithmeticOperator | ComparisonOperator;
  if (left.type === 'scalar' && right.type === 'scalar') {
    const values = new Float64Array(points);
    for (let i = 0; i < points; i++) {
      values[i] = scalarResult(scalarOperator, left.values[i] as number, right.values[i] as number);
    }
    return { type: 'scalar', values };
  }
  const scalarLeft = left.type === 'scalar';
  const series = left.type === 'vector' ? left.series : right.type === 'vector' ? right.series : [];
  const result = vectorScalar(
    series,
    scalars(scalarLeft ? left : right),
    { operator: scalarOperator, scalarLeft, returnBool },
    note,
  );
  return vector(returnBool || !isComparison(operator) ? dropNames(result, context) : result);
}

function unary(operator: '+' | '-', value: Value, context: EvaluationContext): Value {
  if (operator === '+' || value.type === 'string') return value;
  if (value.type === 'scalar') return { type: 'scalar', values: value.values.map((v) => -v) };
  const out = value.series.map((series) => ({
    ...series,
    labels: context.delayNameRemoval ? series.labels : withoutName(series.labels),
    values: series.values.map((v) => -v),
    histograms: series.histograms?.map((h) => (h === undefined ? undefined : multiplyHistogram(h, -1))),
    dropName: true,
  }));
  if (!context.delayNameRemoval) assertDistinct(out);
  return vector(out);
}

/** A range vector as the result of a query: the samples inside the window, by series. */
export async function evaluateMatrix(
  plan: Plan & { kind: 'matrix' },
  context: EvaluationContext,
): Promise<Samples[]> {
  const { window } = plan;
  const { atMs, offsetMs } = window.times;
  const endMs = (atMs ?? plan.grid.startMs) - offsetMs;
  const startMs = endMs - window.rangeMs;
  const out: Samples[] = [];
  for (const samples of await windowSamples(window, context)) {
    const from = upperBound(samples.times, startMs);
    const to = upperBound(samples.times, endMs);
    const histogramFrom = upperBound(samples.histogramTimes, startMs);
    const histogramTo = upperBound(samples.histogramTimes, endMs);
    const count = to - from + histogramTo - histogramFrom;
    if (count === 0) continue;
    context.budget.hold(count);
    out.push({
      labels: samples.labels,
      times: samples.times.subarray(from, to),
      values: samples.values.subarray(from, to),
      histogramTimes: samples.histogramTimes.subarray(histogramFrom, histogramTo),
      histograms: samples.histograms.slice(histogramFrom, histogramTo),
    });
  }
  return out;
}
