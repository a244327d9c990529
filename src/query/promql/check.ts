/** Type checks of a parsed query, with Prometheus's words. */

import { InputError } from '../../model/errors.ts';
import { isSpace } from '../syntax/positions.ts';
import { matcherTest } from '../syntax/regex.ts';
import { quote } from '../syntax/strings.ts';
import { isComparison, isSetOperator } from '../vector/operators.ts';
import type {
  AggregateExpr,
  BinaryExpr,
  CallExpr,
  Expr,
  Matching,
  ValueType,
  VectorSelector,
} from './ast.ts';
import { typeOf } from './ast.ts';

/** The name of a type in documentation and errors. */
export function documentedType(type: ValueType): string {
  return type === 'vector' ? 'instant vector' : type === 'matrix' ? 'range vector' : type;
}

/** Throws InputError where the types of the expression do not fit. Also completes the matching of set operators. */
export function checkTypes(text: string, expr: Expr): ValueType {
  switch (expr.kind) {
    case 'aggregate':
      checkAggregate(text, expr);
      break;
    case 'binary':
      checkBinary(text, expr);
      break;
    case 'call':
      checkCall(text, expr);
      break;
    case 'paren':
      checkTypes(text, expr.expr);
      break;
    case 'unary': {
      const type = checkTypes(text, expr.expr);
      if (type !== 'scalar' && type !== 'vector') {
        fail(
          expr.range.start,
          `unary expression only allowed on expressions of type scalar or instant vector, got ${quote(documentedType(type))}`,
        );
      }
      break;
    }
    case 'subquery': {
      const type = checkTypes(text, expr.expr);
      if (type !== 'vector') {
        fail(expr.range.start, `subquery is only allowed on instant vector, got ${type} instead`);
      }
      break;
    }
    case 'matrix-selector':
      checkSelector(expr.selector);
      break;
    case 'vector-selector':
      checkSelector(expr);
      break;
  }
  return typeOf(expr);
}

function fail(position: number, message: string): never {
  throw new InputError(message, { position });
}

function expectType(text: string, expr: Expr, want: ValueType, context: string): void {
  const type = checkTypes(text, expr);
  if (type !== want) {
    fail(
      expr.range.start,
      `expected type ${documentedType(want)} in ${context}, got ${documentedType(type)}`,
    );
  }
}

function checkAggregate(text: string, expr: AggregateExpr): void {
  expectType(text, expr.expr, 'vector', 'aggregation expression');
  if (expr.param === undefined) return;
  expectType(
    text,
    expr.param,
    expr.operator === 'count_values' ? 'string' : 'scalar',
    'aggregation parameter',
  );
}

function checkBinary(text: string, expr: BinaryExpr): void {
  const left = checkTypes(text, expr.left);
  const right = checkTypes(text, expr.right);
  const { operator } = expr;
  const matching = expr.matching as Matching;
  const operatorStart = (): number => {
    let at = expr.left.range.end;
    while (isSpace(text[at] ?? '')) at++;
    return at;
  };
  if (expr.returnBool && !isComparison(operator)) {
    fail(operatorStart(), 'bool modifier can only be used on comparison operators');
  }
  if (isComparison(operator) && !expr.returnBool && left === 'scalar' && right === 'scalar') {
    fail(operatorStart(), 'comparisons between scalars must use BOOL modifier');
  }
  if (matching.on) {
    for (const label of matching.labels) {
      if (matching.include.includes(label)) {
        fail(operatorStart(), `label ${quote(label)} must not occur in ON and GROUP clause at once`);
      }
    }
  }
  for (const [side, type] of [
    [expr.left, left],
    [expr.right, right],
  ] as const) {
    if (type !== 'scalar' && type !== 'vector') {
      fail(side.range.start, 'binary expression must contain only scalar and instant vector types');
    }
  }
  const start = expr.range.start;
  if (left === 'scalar' || right === 'scalar') {
    if (matching.labels.length > 0) fail(start, 'vector matching only allowed between instant vectors');
    if (isSetOperator(operator)) {
      fail(start, `set operator ${quote(operator)} not allowed in binary scalar expression`);
    }
    (expr as { matching: Matching | undefined }).matching = undefined;
  } else if (isSetOperator(operator)) {
    if (matching.card !== 'one-to-one') fail(start, `no grouping allowed for ${quote(operator)} operation`);
    (expr as { matching: Matching | undefined }).matching = { ...matching, card: 'many-to-many' };
  }
}

function checkCall(text: string, expr: CallExpr): void {
  const { func, args } = expr;
  const start = expr.range.start;
  const call = `call to ${quote(func.name)}`;
  const declared = func.args.length;
  if (func.variadic === 0) {
    if (args.length !== declared)
      fail(start, `expected ${declared} argument(s) in ${call}, got ${args.length}`);
  } else {
    const least = declared - 1;
    if (args.length < least)
      fail(start, `expected at least ${least} argument(s) in ${call}, got ${args.length}`);
    const most = least + func.variadic;
    if (func.variadic > 0 && args.length > most) {
      fail(start, `expected at most ${most} argument(s) in ${call}, got ${args.length}`);
    }
  }
  const isInfo = func.name === 'info';
  args.forEach((arg, i) => {
    const want = func.args[Math.min(i, declared - 1)] as ValueType;
    if (isInfo && i === 1) {
      if (arg.kind !== 'vector-selector') {
        fail(
          arg.range.start,
          `expected type ${documentedType(want)} in call to function "info", got ${documentedType(typeOf(arg))}`,
        );
      }
      if (arg.name !== '')
        fail(arg.range.start, 'expected label selectors only, got vector selector instead');
      return;
    }
    expectType(text, arg, want, `call to function ${quote(func.name)}`);
  });
}

function checkSelector(selector: VectorSelector): void {
  if (selector.name !== '') return;
  if (selector.matchers.some((matcher) => !matcherTest(matcher)(''))) return;
  fail(selector.range.start, 'vector selector must contain at least one non-empty matcher');
}
