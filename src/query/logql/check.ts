/** What a query may not say although its grammar is right. Errors are InputErrors in Loki's words. */

import { InputError } from '../../model/errors.ts';
import { matcherTest } from '../syntax/regex.ts';
import type { AggregateExpr, LogExpr, RangeExpr, RangeOperation } from './ast.ts';
import type { Token } from './lex.ts';

/** A selector needs a matcher that a stream without the label fails. */
export function checkMatchers(log: LogExpr): void {
  if (log.matchers.some((matcher) => !matcherTest(matcher)(''))) return;
  throw new InputError(
    'queries require at least one regexp or equality matcher that does not have an empty-compatible value. ' +
      'For instance, app=~".*" does not meet this requirement, but app=~".+" will',
    { position: log.at },
  );
}

/** Operations that read values which unwrap took from a label. */
const NEEDS_UNWRAP: ReadonlySet<RangeOperation> = new Set<RangeOperation>([
  'avg_over_time',
  'sum_over_time',
  'max_over_time',
  'min_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'rate_counter',
  'first_over_time',
  'last_over_time',
]);

/** Operations that take `by` or `without` behind them. */
const TAKES_GROUPING: ReadonlySet<RangeOperation> = new Set<RangeOperation>([
  'avg_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'max_over_time',
  'min_over_time',
  'first_over_time',
  'last_over_time',
]);

export function checkRange(expr: RangeExpr): void {
  const { operation, unwrap, at } = expr;
  if (operation === 'quantile_over_time') {
    if (expr.parameter === undefined) {
      throw new InputError(`parameter required for operation ${operation}`, { position: at });
    }
  } else if (expr.parameter !== undefined) {
    throw new InputError(`parameter ${expr.parameter} not supported for operation ${operation}`, {
      position: at,
    });
  }
  if (expr.grouping !== undefined && !TAKES_GROUPING.has(operation)) {
    throw new InputError(`grouping not allowed for ${operation} aggregation`, {
      position: at,
      hint: `put a sum by (...) around ${operation}`,
    });
  }
  if (unwrap !== undefined && !NEEDS_UNWRAP.has(operation) && operation !== 'rate') {
    throw new InputError(`invalid aggregation ${operation} with unwrap`, { position: at });
  }
  if (unwrap === undefined && NEEDS_UNWRAP.has(operation)) {
    throw new InputError(`invalid aggregation ${operation} without unwrap`, {
      position: at,
      hint: `${operation} reads numbers from a label: add | unwrap LABEL`,
    });
  }
}

export function checkVector(expr: AggregateExpr, first: Token): void {
  const { operation, parameter, at } = expr;
  const takesParameter = operation === 'topk' || operation === 'bottomk' || operation === 'approx_topk';
  if (takesParameter && parameter === undefined) {
    throw new InputError(`parameter required for operation ${operation}`, { position: at });
  }
  if (!takesParameter && parameter !== undefined) {
    throw new InputError(`unsupported parameter for operation ${operation}(${first.text},`, {
      position: first.at,
    });
  }
  if (parameter !== undefined) {
    if (!Number.isInteger(parameter)) {
      throw new InputError(`invalid parameter ${operation}(${first.text},`, { position: first.at });
    }
    if (parameter <= 0) {
      throw new InputError(`invalid parameter (must be greater than 0) ${operation}(${first.text},`, {
        position: first.at,
      });
    }
  }
}

export function checkGrouping(expr: AggregateExpr): void {
  const { operation, grouping, at } = expr;
  if (grouping === undefined) return;
  if (operation === 'sort' || operation === 'sort_desc') {
    throw new InputError(`grouping not allowed for ${operation} aggregation`, { position: at });
  }
  if (operation === 'approx_topk' && grouping.labels.length > 0) {
    throw new InputError('grouping not allowed for approx_topk aggregation', { position: at });
  }
}
