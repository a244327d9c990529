/** The syntax tree of PromQL. Immutable after parsing; the planner makes its own structures. Durations are milliseconds. */

import type { Matcher } from '../../model/matcher.ts';
import type { Range } from '../syntax/positions.ts';
import type { Cardinality } from '../vector/matching.ts';
import type { BinaryOperator } from '../vector/operators.ts';
import type { FunctionSignature } from './signatures.ts';

export type ValueType = 'none' | 'scalar' | 'vector' | 'matrix' | 'string';

export type AggregateOperator =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export type Expr =
  | AggregateExpr
  | BinaryExpr
  | CallExpr
  | MatrixSelector
  | NumberLiteral
  | ParenExpr
  | StringLiteral
  | SubqueryExpr
  | UnaryExpr
  | VectorSelector;

export interface AggregateExpr {
  readonly kind: 'aggregate';
  readonly operator: AggregateOperator;
  readonly expr: Expr;
  readonly param: Expr | undefined;
  readonly grouping: readonly string[];
  readonly without: boolean;
  readonly range: Range;
}

/** How two vectors are matched; absent where an operand is a scalar. */
export interface Matching {
  readonly card: Cardinality;
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly include: readonly string[];
}

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: Expr;
  readonly right: Expr;
  readonly matching: Matching | undefined;
  readonly returnBool: boolean;
  readonly range: Range;
}

export interface CallExpr {
  readonly kind: 'call';
  readonly func: FunctionSignature;
  readonly args: readonly Expr[];
  readonly range: Range;
}

/** `@ 12.5`, `@ start()` or `@ end()`. */
export type AtModifier = { readonly timestampMs: number } | { readonly preprocessor: 'start' | 'end' };

/** A duration in the text: a literal, or arithmetic on literals (kept as it was written). */
export interface DurationValue {
  readonly ms: number;
  readonly expr: DurationExpr | undefined;
}

/** Arithmetic on durations, in seconds. */
export type DurationExpr =
  | { readonly kind: 'number'; readonly literal: NumberLiteral }
  | {
      readonly kind: 'operation';
      readonly operator: '+' | '-' | '*' | '/' | '%' | '^';
      /** Absent for a sign. */
      readonly left: DurationExpr | undefined;
      readonly right: DurationExpr;
      readonly wrapped: boolean;
      readonly range: Range;
    };

export interface VectorSelector {
  readonly kind: 'vector-selector';
  /** The metric name in front of the braces, '' when there is none. */
  readonly name: string;
  /** With the matcher for `name` at the end. */
  readonly matchers: readonly Matcher[];
  readonly offset: DurationValue | undefined;
  readonly at: AtModifier | undefined;
  readonly range: Range;
}

export interface MatrixSelector {
  readonly kind: 'matrix-selector';
  readonly selector: VectorSelector;
  readonly window: DurationValue;
  readonly range: Range;
}

export interface SubqueryExpr {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly window: DurationValue;
  /** Absent: the default step. */
  readonly step: DurationValue | undefined;
  readonly offset: DurationValue | undefined;
  readonly at: AtModifier | undefined;
  readonly range: Range;
}

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** Written as a duration (5m); value is in seconds. */
  readonly isDuration: boolean;
  readonly range: Range;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  /** When byte escapes in the text made something that is no UTF-8: how it is shown. */
  readonly invalid?: string | undefined;
  readonly range: Range;
}

export interface ParenExpr {
  readonly kind: 'paren';
  readonly expr: Expr;
  readonly range: Range;
}

export interface UnaryExpr {
  readonly kind: 'unary';
  readonly operator: '+' | '-';
  readonly expr: Expr;
  readonly range: Range;
}

export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'aggregate':
    case 'vector-selector':
      return 'vector';
    case 'matrix-selector':
    case 'subquery':
      return 'matrix';
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'paren':
    case 'unary':
      return typeOf(expr.expr);
    case 'call':
      return expr.func.returns;
    case 'binary':
      return typeOf(expr.left) === 'scalar' && typeOf(expr.right) === 'scalar' ? 'scalar' : 'vector';
  }
}

/** The direct subexpressions, in the order of the text. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'aggregate':
      return expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
    case 'binary':
      return [expr.left, expr.right];
    case 'call':
      return expr.args;
    case 'matrix-selector':
      return [expr.selector];
    case 'subquery':
    case 'paren':
    case 'unary':
      return [expr.expr];
    default:
      return [];
  }
}

/** The expression inside any parentheses. */
export function unwrapParens(expr: Expr): Expr {
  while (expr.kind === 'paren') expr = expr.expr;
  return expr;
}
