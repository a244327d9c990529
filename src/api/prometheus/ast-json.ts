/** The syntax tree as parse_query shows it. */

import type { Matcher } from '../../model/matcher.ts';
import type { AtModifier, DurationValue, Expr, VectorSelector } from '../../query/promql/ast.ts';
import { formatPlain } from '../../query/syntax/numbers.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export function astJson(expr: Expr): Json {
  switch (expr.kind) {
    case 'aggregate':
      return {
        type: 'aggregation',
        op: expr.operator,
        expr: astJson(expr.expr),
        param: expr.param === undefined ? null : astJson(expr.param),
        grouping: expr.grouping,
        without: expr.without,
      };
    case 'binary':
      return {
        type: 'binaryExpr',
        op: expr.operator,
        lhs: astJson(expr.left),
        rhs: astJson(expr.right),
        matching:
          expr.matching === undefined
            ? null
            : {
                card: expr.matching.card,
                labels: expr.matching.labels,
                on: expr.matching.on,
                include: expr.matching.include,
              },
        bool: expr.returnBool,
      };
    case 'call':
      return {
        type: 'call',
        func: {
          name: expr.func.name,
          argTypes: expr.func.args,
          variadic: expr.func.variadic,
          returnType: expr.func.returns,
        },
        args: expr.args.map(astJson),
      };
    case 'matrix-selector':
      return { ...selectorJson(expr.selector), type: 'matrixSelector', range: expr.window.ms };
    case 'vector-selector':
      return { ...selectorJson(expr), type: 'vectorSelector' };
    case 'subquery':
      return {
        type: 'subquery',
        expr: astJson(expr.expr),
        range: expr.window.ms,
        offset: offsetMs(expr.offset),
        step: expr.step?.ms ?? 0,
        ...atJson(expr.at),
      };
    case 'number':
      return { type: 'numberLiteral', val: formatPlain(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'paren':
      return { type: 'parenExpr', expr: astJson(expr.expr) };
    case 'unary':
      return { type: 'unaryExpr', op: expr.operator, expr: astJson(expr.expr) };
  }
}

function selectorJson(selector: VectorSelector): { readonly [key: string]: Json } {
  return {
    name: selector.name,
    offset: offsetMs(selector.offset),
    matchers: selector.matchers.map((matcher: Matcher) => ({
      name: matcher.name,
      value: matcher.value,
      type: matcher.op,
    })),
    ...atJson(selector.at),
  };
}

function offsetMs(offset: DurationValue | undefined): number {
  return offset?.ms ?? 0;
}

function atJson(at: AtModifier | undefined): { readonly [key: string]: Json } {
  return {
    timestamp: at !== undefined && 'timestampMs' in at ? at.timestampMs : null,
    startOrEnd: at !== undefined && 'preprocessor' in at ? at.preprocessor : null,
  };
}
