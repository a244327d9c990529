/** PromQL expressions as text: on one line, and laid out over lines as Prometheus's format_query does. */

import type { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { formatDuration } from '../syntax/durations.ts';
import { formatPlain } from '../syntax/numbers.ts';
import { utf8Length } from '../syntax/positions.ts';
import { quote } from '../syntax/strings.ts';
import type {
  AggregateExpr,
  AtModifier,
  BinaryExpr,
  DurationExpr,
  DurationValue,
  Expr,
  NumberLiteral,
  SubqueryExpr,
  VectorSelector,
} from './ast.ts';

/** Expressions longer than this (in bytes) are split over lines. */
const MAX_LINE = 100;

/** The expression on one line. */
export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case 'aggregate': {
      const param = expr.param === undefined ? '' : `${printExpr(expr.param)}, `;
      return `${aggregateHead(expr)}(${param}${printExpr(expr.expr)})`;
    }
    case 'binary':
      return `${printExpr(expr.left)} ${operatorText(expr)} ${printExpr(expr.right)}`;
    case 'call':
      return `${expr.func.name}(${expr.args.map(printExpr).join(', ')})`;
    case 'matrix-selector': {
      const { selector } = expr;
      return `${selectorHead(selector)}[${durationText(expr.window)}]${modifiers(selector.at, selector.offset)}`;
    }
    case 'subquery':
      return printExpr(expr.expr) + subquerySuffix(expr);
    case 'number':
      return numberText(expr);
    case 'string':
      return quote(expr.value);
    case 'paren':
      return `(${printExpr(expr.expr)})`;
    case 'unary':
      return expr.operator + printExpr(expr.expr);
    case 'vector-selector':
      return selectorHead(expr) + modifiers(expr.at, expr.offset);
  }
}

/** The expression laid out over lines where it is long. */
export function prettyExpr(expr: Expr, level = 0): string {
  const indent = '  '.repeat(level);
  const line = printExpr(expr);
  const fits = utf8Length(line) <= MAX_LINE;
  switch (expr.kind) {
    case 'aggregate': {
      if (fits) return indent + line;
      const param = expr.param === undefined ? '' : `${prettyExpr(expr.param, level + 1)},\n`;
      return `${indent}${aggregateHead(expr)}(\n${param}${prettyExpr(expr.expr, level + 1)}\n${indent})`;
    }
    case 'binary':
      if (fits) return indent + line;
      return `${prettyExpr(expr.left, level + 1)}\n${indent}${operatorText(expr)}\n${prettyExpr(expr.right, level + 1)}`;
    case 'call':
      if (fits) return indent + line;
      return `${indent}${expr.func.name}(\n${expr.args.map((arg) => prettyExpr(arg, level + 1)).join(',\n')}\n${indent})`;
    case 'paren':
      if (fits) return indent + line;
      return `${indent}(\n${prettyExpr(expr.expr, level + 1)}\n${indent})`;
    case 'subquery':
      return fits ? line : prettyExpr(expr.expr, level) + subquerySuffix(expr);
    case 'unary':
      return indent + expr.operator + prettyExpr(expr.expr, level).trim();
    default:
      return indent + line;
  }
}

function aggregateHead(expr: AggregateExpr): string {
  if (expr.without) return `${expr.operator} without (${labelList(expr.grouping)}) `;
  return expr.grouping.length > 0 ? `${expr.operator} by (${labelList(expr.grouping)}) ` : expr.operator;
}

function labelList(labels: readonly string[]): string {
  return labels.map((label) => (/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(label) ? label : quote(label))).join(', ');
}

/** The operator with its modifiers. */
function operatorText(expr: BinaryExpr): string {
  let text: string = expr.operator;
  if (expr.returnBool) text += ' bool';
  const { matching } = expr;
  if (matching === undefined || (matching.labels.length === 0 && !matching.on)) return text;
  text += ` ${matching.on ? 'on' : 'ignoring'} (${labelList(matching.labels)})`;
  if (matching.card === 'many-to-one') text += ` group_left (${labelList(matching.include)})`;
  if (matching.card === 'one-to-many') text += ` group_right (${labelList(matching.include)})`;
  return text;
}

/** A matcher as it is written in a selector. */
export function matcherText(matcher: Matcher): string {
  const name = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(matcher.name) ? matcher.name : quote(matcher.name);
  return `${name}${matcher.op}${quote(matcher.value)}`;
}

function selectorHead(selector: VectorSelector): string {
  const texts: string[] = [];
  for (const matcher of selector.matchers) {
    const isName = matcher.name === '__name__' && matcher.op === '=' && matcher.value === selector.name;
    if (!isName || matcher.value === '') texts.push(matcherText(matcher));
  }
  if (texts.length === 0) return selector.name === '' ? '{}' : selector.name;
  texts.sort();
  return `${selector.name}{${texts.join(',')}}`;
}

function subquerySuffix(expr: SubqueryExpr): string {
  const step = expr.step === undefined ? '' : durationText(expr.step);
  return `[${durationText(expr.window)}:${step}]${modifiers(expr.at, expr.offset)}`;
}

function modifiers(at: AtModifier | undefined, offset: DurationValue | undefined): string {
  let text = '';
  if (at !== undefined) {
    text += 'preprocessor' in at ? ` @ ${at.preprocessor}()` : ` @ ${(at.timestampMs / 1000).toFixed(3)}`;
  }
  if (offset !== undefined && (offset.ms !== 0 || offset.expr !== undefined))
    text += ` offset ${durationText(offset)}`;
  return text;
}

function durationText(value: DurationValue): string {
  return value.expr === undefined ? formatDuration(value.ms) : durationExprText(value.expr);
}

function durationExprText(expr: DurationExpr): string {
  if (expr.kind === 'number') return numberText(expr.literal);
  const right = durationExprText(expr.right);
  const text =
    expr.left === undefined
      ? expr.operator + right
      : `${durationExprText(expr.left)} ${expr.operator} ${right}`;
  return expr.wrapped ? `(${text})` : text;
}

function numberText(literal: NumberLiteral): string {
  return literal.isDuration ? formatDuration(Math.trunc(literal.value * 1000)) : formatPlain(literal.value);
}

/** A label set as Prometheus writes it: {a="b", c="d"}. */
export function labelsText(labels: Labels): string {
  const parts: string[] = [];
  for (const [name, value] of labels.entries()) {
    parts.push(`${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name)}=${quote(value)}`);
  }
  return `{${parts.join(', ')}}`;
}
