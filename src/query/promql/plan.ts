/**
 * From a syntax tree to a plan: every node with the grid on which it is evaluated, and the list of what must be read
 * from the source. Times, offsets, `@` and subquery grids are all settled here.
 */

import { InputError } from '../../model/errors.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { GridFunction, GridHint } from '../../model/select-metrics.ts';
import { power } from '../vector/operators.ts';
import { type Grid, lastTime } from '../vector/series.ts';
import {
  type AggregateExpr,
  type AtModifier,
  type BinaryExpr,
  type CallExpr,
  type DurationExpr,
  type DurationValue,
  type Expr,
  type MatrixSelector,
  type SubqueryExpr,
  typeOf,
  type UnaryExpr,
  unwrapParens,
  type VectorSelector,
} from './ast.ts';
import type { SelectorTimes } from './instant.ts';

/** One read from the source. Equal reads of a query are done once. */
export interface Fetch {
  readonly matchers: readonly Matcher[];
  /** Inclusive. */
  readonly startMs: number;
  readonly endMs: number;
  readonly grid: GridHint | undefined;
}

export type Plan =
  | { readonly kind: 'nothing'; readonly grid: Grid; readonly type: 'vector' | 'scalar' }
  | { readonly kind: 'number'; readonly grid: Grid; readonly value: number }
  | {
      readonly kind: 'string';
      readonly grid: Grid;
      readonly text: string;
      readonly invalid: string | undefined;
    }
  | {
      readonly kind: 'instant';
      readonly grid: Grid;
      readonly fetch: number;
      readonly times: SelectorTimes;
      /** Values are the samples' own times in seconds (timestamp of a selector). */
      readonly asTimestamps: boolean;
    }
  | {
      readonly kind: 'range-call';
      readonly grid: Grid;
      readonly expr: CallExpr;
      readonly args: readonly Plan[];
      readonly rangeArg: number;
      readonly window: WindowPlan;
    }
  | { readonly kind: 'call'; readonly grid: Grid; readonly expr: CallExpr; readonly args: readonly Plan[] }
  | {
      readonly kind: 'info';
      readonly grid: Grid;
      readonly base: Plan;
      readonly info: Plan;
      readonly infoTimes: Plan;
      readonly nameMatchers: readonly Matcher[];
      readonly dataMatchers: readonly Matcher[];
    }
  | {
      readonly kind: 'aggregate';
      readonly grid: Grid;
      readonly expr: AggregateExpr;
      readonly input: Plan;
      readonly param: Plan | undefined;
    }
  | {
      readonly kind: 'binary';
      readonly grid: Grid;
      readonly expr: BinaryExpr;
      readonly left: Plan;
      readonly right: Plan;
    }
  | { readonly kind: 'unary'; readonly grid: Grid; readonly expr: UnaryExpr; readonly input: Plan }
  /** Evaluated at one point; the result holds for all points of the grid. */
  | { readonly kind: 'invariant'; readonly grid: Grid; readonly input: Plan }
  /** A range vector as the result of an instant query. */
  | { readonly kind: 'matrix'; readonly grid: Grid; readonly window: WindowPlan };

/** Where the samples of range windows come from, and when the windows end. */
export interface WindowPlan {
  readonly rangeMs: number;
  readonly times: SelectorTimes;
  readonly source:
    | { readonly kind: 'fetch'; readonly fetch: number }
    | { readonly kind: 'subquery'; readonly input: Plan };
}

export interface QueryPlan {
  readonly root: Plan;
  readonly fetches: readonly Fetch[];
}

export interface PlanOptions {
  readonly lookbackMs: number;
  readonly subqueryStepMs: number;
  readonly hints: boolean;
}

/** Functions whose result changes with the evaluation time although their arguments do not. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'hour',
  'minute',
  'month',
  'year',
  'predict_linear',
  'time',
  'timestamp',
]);

/** Functions that storage may compute on a grid. */
const GRID_FUNCTIONS: ReadonlySet<string> = new Set<GridFunction>([
  'rate',
  'irate',
  'increase',
  'delta',
  'idelta',
  'changes',
  'resets',
  'sum_over_time',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'count_over_time',
  'last_over_time',
  'present_over_time',
]);

type Grouping = NonNullable<GridHint['grouping']>;

const GROUPINGS: ReadonlySet<string> = new Set(['sum', 'count', 'min', 'max', 'avg', 'group']);

/** Plans a query. `queryGrid` is the grid of the whole query (one point for an instant query). */
export function planQuery(expr: Expr, queryGrid: Grid, options: PlanOptions): QueryPlan {
  const planner = new Planner(queryGrid, options);
  const root = planner.root(expr);
  return { root, fetches: planner.fetches };
}

class Planner {
  readonly fetches: Fetch[] = [];
  readonly #keys = new Map<string, number>();
  readonly #queryGrid: Grid;
  readonly #options: PlanOptions;
  readonly #invariant = new Map<Expr, boolean>();

  constructor(queryGrid: Grid, options: PlanOptions) {
    this.#queryGrid = queryGrid;
    this.#options = options;
  }

  root(expr: Expr): Plan {
    if (typeOf(expr) !== 'matrix') return this.#operand(expr, this.#queryGrid);
    const inner = unwrapParens(expr);
    const grid = this.#queryGrid;
    if (inner.kind === 'matrix-selector') return { kind: 'matrix', grid, window: this.#window(inner, grid) };
    if (inner.kind === 'subquery') {
      return { kind: 'matrix', grid, window: this.#window(inner, grid) };
    }
    throw new Error(`a range vector cannot come from ${inner.kind}`);
  }

  /** Plans an operand; what does not depend on the time is evaluated once. `grouping` is done right above it. */
  #operand(expr: Expr, grid: Grid, grouping?: Grouping): Plan {
    const inner = unwrapParens(expr);
    if (grid.points > 1 && inner.kind !== 'number' && inner.kind !== 'string' && this.#isInvariant(inner)) {
      return { kind: 'invariant', grid, input: this.#plan(inner, { ...grid, points: 1 }) };
    }
    return this.#plan(inner, grid, grouping);
  }

  #isInvariant(expr: Expr): boolean {
    const known = this.#invariant.get(expr);
    if (known !== undefined) return known;
    const result = this.#computeInvariant(expr);
    this.#invariant.set(expr, result);
    return result;
  }

  #computeInvariant(expr: Expr): boolean {
    switch (expr.kind) {
      case 'number':
      case 'string':
        return true;
      case 'vector-selector':
      case 'subquery':
        return expr.at !== undefined;
      case 'matrix-selector':
        return expr.selector.at !== undefined;
      case 'aggregate':
        return this.#isInvariant(expr.expr) && (expr.param === undefined || this.#isInvariant(expr.param));
      case 'binary':
        return this.#isInvariant(expr.left) && this.#isInvariant(expr.right);
      case 'call':
        return !TIME_DEPENDENT.has(expr.func.name) && expr.args.every((arg) => this.#isInvariant(arg));
      case 'paren':
      case 'unary':
        return this.#isInvariant(expr.expr);
    }
  }

  #plan(expr: Expr, grid: Grid, grouping?: Grouping): Plan {
    if (grid.points < 1)
      return { kind: 'nothing', grid, type: typeOf(expr) === 'scalar' ? 'scalar' : 'vector' };
    switch (expr.kind) {
      case 'number':
        return { kind: 'number', grid, value: expr.value };
      case 'string':
        return { kind: 'string', grid, text: expr.value, invalid: expr.invalid };
      case 'paren':
        return this.#plan(expr.expr, grid);
      case 'vector-selector':
        return this.#instant(expr, grid, false, grouping);
      case 'aggregate': {
        const grouping: Grouping | undefined = GROUPINGS.has(expr.operator)
          ? { op: expr.operator as 'sum', by: !expr.without, labels: expr.grouping }
          : undefined;
        return {
          kind: 'aggregate',
          grid,
          expr,
          input: this.#operand(expr.expr, grid, grouping),
          param: expr.param === undefined ? undefined : this.#operand(expr.param, grid),
        };
      }
      case 'binary':
        return {
          kind: 'binary',
          grid,
          expr,
          left: this.#operand(expr.left, grid),
          right: this.#operand(expr.right, grid),
        };
      case 'unary':
        return { kind: 'unary', grid, expr, input: this.#operand(expr.expr, grid) };
      case 'call':
        return this.#call(expr, grid, grouping);
      case 'matrix-selector':
      case 'subquery':
        throw new Error('a range vector stands in a call or at the top');
    }
  }

  #instant(selector: VectorSelector, grid: Grid, asTimestamps: boolean, grouping?: Grouping): Plan {
    const times = this.#selectorTimes(selector.at, selector.offset, grid);
    return {
      kind: 'instant',
      grid,
      fetch: this.#readOf(
        selector.matchers,
        times,
        this.#options.lookbackMs,
        asTimestamps ? undefined : 'last',
        grouping,
      ),
      times,
      asTimestamps,
    };
  }

  #call(expr: CallExpr, grid: Grid, grouping?: Grouping): Plan {
    const { name } = expr.func;
    if (name === 'info') return this.#info(expr, grid);
    if (name === 'timestamp') {
      const arg = unwrapParens(expr.args[0] as Expr);
      if (arg.kind === 'vector-selector') {
        // With @ every step gives a point, and the offset does not count.
        const selector = arg.at === undefined ? arg : { ...arg, offset: undefined };
        return { kind: 'call', grid, expr, args: [this.#instant(selector, grid, true)] };
      }
    }
    const rangeArg = expr.args.findIndex((arg) => typeOf(arg) === 'matrix');
    if (rangeArg < 0) {
      return { kind: 'call', grid, expr, args: expr.args.map((arg) => this.#operand(arg, grid)) };
    }
    const range = unwrapParens(expr.args[rangeArg] as Expr) as MatrixSelector | SubqueryExpr;
    return {
      kind: 'range-call',
      grid,
      expr,
      args: expr.args.map((arg, i) =>
        i === rangeArg ? { kind: 'nothing', grid, type: 'vector' } : this.#operand(arg, grid),
      ),
      rangeArg,
      window: this.#window(
        range,
        grid,
        GRID_FUNCTIONS.has(name) ? (name as GridFunction) : undefined,
        grouping,
      ),
    };
  }

  #window(
    range: MatrixSelector | SubqueryExpr,
    grid: Grid,
    func?: GridFunction,
    grouping?: Grouping,
  ): WindowPlan {
    const rangeMs = resolve(range.window, false);
    if (range.kind === 'matrix-selector') {
      const times = this.#selectorTimes(range.selector.at, range.selector.offset, grid);
      return {
        rangeMs,
        times,
        source: {
          kind: 'fetch',
          fetch: this.#readOf(range.selector.matchers, times, rangeMs, func, grouping),
        },
      };
    }
    const times = this.#selectorTimes(range.at, range.offset, grid);
    const stepMs = range.step === undefined ? this.#options.subqueryStepMs : resolve(range.step, false);
    if (stepMs < 1) throw new InputError('1:1: parse error: the step of a subquery must be at least 1ms');
    const first = (times.atMs ?? grid.startMs) - times.offsetMs - rangeMs;
    const last = (times.atMs ?? lastTime(grid)) - times.offsetMs;
    // The inner steps lie on multiples of the step, the first one behind the (left-open) start of the range.
    let startMs = stepMs * Math.trunc(first / stepMs);
    if (startMs <= first) startMs += stepMs;
    const points = last < startMs ? 0 : Math.floor((last - startMs) / stepMs) + 1;
    const inner = { startMs, stepMs, points };
    return { rangeMs, times, source: { kind: 'subquery', input: this.#operand(range.expr, inner) } };
  }

  #selectorTimes(at: AtModifier | undefined, offset: DurationValue | undefined, grid: Grid): SelectorTimes {
    let atMs: number | undefined;
    if (at !== undefined) {
      if ('timestampMs' in at) atMs = at.timestampMs;
      else atMs = at.preprocessor === 'start' ? this.#queryGrid.startMs : lastTime(this.#queryGrid);
    }
    return { grid, atMs, offsetMs: offset === undefined ? 0 : resolve(offset, true) };
  }

  #readOf(
    matchers: readonly Matcher[],
    times: SelectorTimes,
    windowMs: number,
    func: GridFunction | undefined,
    grouping?: Grouping,
  ): number {
    const { grid, atMs, offsetMs } = times;
    const first = (atMs ?? grid.startMs) - offsetMs;
    const last = (atMs ?? lastTime(grid)) - offsetMs;
    const hint: GridHint | undefined =
      func === undefined || !this.#options.hints || (atMs !== undefined && grid.points > 1)
        ? undefined
        : {
            func,
            startMs: first,
            endMs: last,
            stepMs: grid.stepMs,
            windowMs,
            ...(grouping === undefined ? {} : { grouping }),
          };
    return this.#register({ matchers, startMs: first - windowMs + 1, endMs: last, grid: hint });
  }

  #register(fetch: Fetch): number {
    const key = JSON.stringify(fetch);
    let index = this.#keys.get(key);
    if (index === undefined) {
      index = this.fetches.length;
      this.fetches.push(fetch);
      this.#keys.set(key, index);
    }
    return index;
  }

  #info(expr: CallExpr, grid: Grid): Plan {
    const selector = expr.args[1];
    const all = selector?.kind === 'vector-selector' ? selector.matchers : [];
    const names = all.filter((matcher) => matcher.name === '__name__');
    const nameMatchers: Matcher[] =
      names.length > 0 ? [...names] : [{ name: '__name__', op: '=', value: 'target_info' }];
    const dataMatchers = all.filter((matcher) => matcher.name !== '__name__');
    const times: SelectorTimes = { grid, atMs: undefined, offsetMs: 0 };
    const fetch = this.#readOf(
      [...nameMatchers, ...dataMatchers],
      times,
      this.#options.lookbackMs,
      undefined,
    );
    return {
      kind: 'info',
      grid,
      base: this.#operand(expr.args[0] as Expr, grid),
      info: { kind: 'instant', grid, fetch, times, asTimestamps: false },
      infoTimes: { kind: 'instant', grid, fetch, times, asTimestamps: true },
      // Without a selector every series named target_info is an info series; with one that names none, none is.
      nameMatchers: expr.args.length > 1 ? names : nameMatchers,
      dataMatchers,
    };
  }
}

/** A duration in milliseconds; arithmetic is done now. */
function resolve(value: DurationValue, mayBeNegative: boolean): number {
  if (value.expr === undefined) return value.ms;
  const seconds = durationSeconds(value.expr);
  const { start, end } = value.expr.kind === 'operation' ? value.expr.range : value.expr.literal.range;
  if (seconds <= 0 && !mayBeNegative)
    throw new InputError(`${start}:${end}: duration must be greater than 0`);
  if (!(Math.abs(seconds) <= 2 ** 63 / 1e9))
    throw new InputError(`${start}:${end}: duration is out of range`);
  return Math.trunc(seconds * 1000);
}

function durationSeconds(expr: DurationExpr): number {
  if (expr.kind === 'number') return expr.literal.value;
  const right = durationSeconds(expr.right);
  if (expr.left === undefined) return expr.operator === '-' ? -right : right;
  const left = durationSeconds(expr.left);
  const { start, end } = expr.range;
  switch (expr.operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) throw new InputError(`${start}:${end}: division by zero`);
      return left / right;
    case '%':
      if (right === 0) throw new InputError(`${start}:${end}: modulo by zero`);
      return left % right;
    case '^':
      return power(left, right);
  }
}
