/**
 * The grammar of LogQL: metric queries here, selectors and stages in parse-pipeline.ts. Errors are InputErrors with a
 * position; the words follow Loki's.
 */

import { InputError } from '../../model/errors.ts';
import { compileRegex } from '../syntax/regex.ts';
import {
  type AggregateExpr,
  type BinaryOperator,
  type GroupingExpr,
  isMetric,
  type LogExpr,
  type LogQLExpr,
  type MatchingExpr,
  type MetricExpr,
  RANGE_OPERATIONS,
  type RangeExpr,
  type RangeOperation,
  type UnwrapExpr,
  VECTOR_OPERATIONS,
  type VectorOperation,
} from './ast.ts';
import { checkGrouping, checkMatchers, checkRange, checkVector } from './check.ts';
import { lexQuery } from './lex.ts';
import { parseSelector, parseStages } from './parse-pipeline.ts';
import { TokenReader } from './token-reader.ts';

const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  unless: 2,
  '==': 3,
  '!=': 3,
  '>': 3,
  '>=': 3,
  '<': 3,
  '<=': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
  '%': 5,
  '^': 6,
};
const COMPARISONS = new Set<string>(['==', '!=', '>', '>=', '<', '<=']);
const SET_OPERATORS = new Set<string>(['and', 'or', 'unless']);

/** A log query or a metric query. Every selector must have a matcher that the empty value fails. Throws InputError. */
export function parseLogQL(text: string): LogQLExpr {
  const reader = new TokenReader(lexQuery(text));
  if (reader.peek().kind === 'end') throw new InputError('syntax error: unexpected $end', { position: 0 });
  const expr = parseExpr(reader, 0);
  reader.expectEnd();
  if (expr.kind === 'log') checkMatchers(expr);
  return expr;
}

/** A log query: selector and stages. Throws InputError, also for metric queries. */
export function parseLogQuery(text: string): LogExpr {
  const expr = parseLogQL(text);
  if (isMetric(expr)) throw new InputError('only log selector is supported', { position: 0 });
  return expr;
}

/** A bare selector `{...}`, as label queries take it; `{}` is everything. Throws InputError. */
export function parseMatchers(text: string): LogExpr['matchers'] {
  const reader = new TokenReader(lexQuery(text));
  const matchers = parseSelector(reader);
  reader.expectEnd();
  return matchers;
}

function metricOf(expr: LogQLExpr): MetricExpr {
  if (!isMetric(expr)) {
    throw new InputError('syntax error: unexpected log query where a metric query is needed', {
      position: expr.at,
      hint: 'put a range aggregation around it, such as count_over_time(... [5m])',
    });
  }
  return expr;
}

function parseExpr(reader: TokenReader, minimum: number): LogQLExpr {
  reader.enter();
  let left = parsePrimary(reader);
  for (;;) {
    const token = reader.peek();
    const operator = token.text as BinaryOperator;
    const precedence =
      token.kind === 'sign' || token.kind === 'identifier' ? PRECEDENCE[operator] : undefined;
    if (precedence === undefined || precedence < minimum) break;
    const before = metricOf(left);
    reader.next();
    const modifiers = parseModifiers(reader, operator);
    // Power binds to the right, everything else to the left.
    const right = metricOf(parseExpr(reader, operator === '^' ? precedence : precedence + 1));
    if (SET_OPERATORS.has(operator)) {
      for (const [side, leg] of [
        ['left', before],
        ['right', right],
      ] as const) {
        if (isScalar(leg)) {
          throw new InputError(
            `unexpected literal for ${side} leg of logical/set binary operation (${operator})`,
            { position: leg.at },
          );
        }
      }
    }
    left = { kind: 'binary', operator, left: before, right, ...modifiers, at: token.at };
  }
  reader.leave();
  return left;
}

/** Whether an expression is a number rather than a vector. */
export function isScalar(expr: MetricExpr): boolean {
  return expr.kind === 'number' || (expr.kind === 'binary' && isScalar(expr.left) && isScalar(expr.right));
}

function parseModifiers(
  reader: TokenReader,
  operator: BinaryOperator,
): { returnBool: boolean; matching: MatchingExpr | undefined } {
  let returnBool = false;
  const bool = reader.peek();
  if (bool.kind === 'identifier' && bool.text === 'bool') {
    if (!COMPARISONS.has(operator)) {
      throw new InputError('bool modifier can only be used on comparison operators', { position: bool.at });
    }
    reader.next();
    returnBool = true;
  }
  const word = reader.peek();
  if (word.kind !== 'identifier' || (word.text !== 'on' && word.text !== 'ignoring')) {
    return { returnBool, matching: undefined };
  }
  reader.next();
  const labels = parseLabelList(reader);
  let group: 'left' | 'right' | undefined;
  let include: string[] = [];
  const grouping = reader.peek();
  if (grouping.kind === 'identifier' && (grouping.text === 'group_left' || grouping.text === 'group_right')) {
    reader.next();
    if (SET_OPERATORS.has(operator)) {
      throw new InputError(`no grouping allowed for "${operator}" operation`, { position: grouping.at });
    }
    group = grouping.text === 'group_left' ? 'left' : 'right';
    if (reader.isSign('(')) include = parseLabelList(reader);
    for (const label of include) {
      if (word.text === 'on' && labels.includes(label)) {
        throw new InputError(`label "${label}" must not occur in ON and GROUP clause at once`, {
          position: grouping.at,
        });
      }
    }
  }
  return { returnBool, matching: { on: word.text === 'on', labels, group, include } };
}

function parseLabelList(reader: TokenReader): string[] {
  reader.expectSign('(');
  const labels: string[] = [];
  while (!reader.isSign(')')) {
    labels.push(reader.expectIdentifier().text);
    if (reader.isSign(',')) {
      reader.next();
      if (reader.isSign(')')) reader.unexpected();
    } else if (!reader.isSign(')')) reader.unexpected();
  }
  reader.next();
  return labels;
}

function parseGrouping(reader: TokenReader): GroupingExpr | undefined {
  const token = reader.peek();
  if (token.kind !== 'identifier' || (token.text !== 'by' && token.text !== 'without')) return undefined;
  reader.next();
  return { without: token.text === 'without', labels: parseLabelList(reader) };
}

const isRangeOperation = (name: string): name is RangeOperation =>
  (RANGE_OPERATIONS as readonly string[]).includes(name);
const isVectorOperation = (name: string): name is VectorOperation =>
  (VECTOR_OPERATIONS as readonly string[]).includes(name);

function parsePrimary(reader: TokenReader): LogQLExpr {
  const token = reader.peek();
  switch (token.kind) {
    case 'number':
      reader.next();
      return { kind: 'number', value: token.number, at: token.at };
    case 'sign':
      if (token.text === '+' || token.text === '-') {
        reader.next();
        const number = reader.expect('number', 'NUMBER');
        return { kind: 'number', value: token.text === '-' ? -number.number : number.number, at: token.at };
      }
      if (token.text === '(') {
        reader.next();
        const inner = parseExpr(reader, 0);
        reader.expectSign(')');
        // ({app="x"}) |= "y" is no LogQL: what is in parentheses is a whole query.
        return inner;
      }
      if (token.text === '{') return parseLog(reader);
      return reader.unexpected();
    case 'identifier':
      break;
    default:
      return reader.unexpected();
  }
  reader.next();
  if (isRangeOperation(token.text)) return parseRange(reader, token.text, token.at);
  if (isVectorOperation(token.text)) return parseAggregate(reader, token.text, token.at);
  if (token.text === 'vector') {
    reader.expectSign('(');
    const value = parseSigned(reader);
    reader.expectSign(')');
    return { kind: 'vector', value, at: token.at };
  }
  if (token.text === 'label_replace') return parseLabelReplace(reader, token.at);
  return reader.unexpected(token);
}

function parseSigned(reader: TokenReader): number {
  const sign = reader.peek();
  if (sign.kind === 'sign' && (sign.text === '-' || sign.text === '+')) {
    reader.next();
    const number = reader.expect('number', 'NUMBER').number;
    return sign.text === '-' ? -number : number;
  }
  return reader.expect('number', 'NUMBER').number;
}

function parseLog(reader: TokenReader): LogExpr {
  const at = reader.peek().at;
  const matchers = parseSelector(reader);
  const stages = parseStages(reader);
  const unwrap = stages.unwrap;
  if (unwrap !== undefined) {
    throw new InputError('syntax error: unexpected unwrap', {
      position: unwrap.at,
      hint: 'unwrap belongs into a range aggregation',
    });
  }
  return { kind: 'log', matchers, stages: stages.stages, at };
}

interface LogRange {
  readonly log: LogExpr;
  readonly unwrap: UnwrapExpr | undefined;
  readonly rangeNs: bigint;
  readonly offsetNs: bigint;
}

/** The inside of a range aggregation: a log query with a range somewhere. */
function parseLogRange(reader: TokenReader): LogRange {
  const { rangeNs, ...part } = parseLogPart(reader);
  if (rangeNs === undefined) {
    throw new InputError('syntax error: missing range', {
      position: reader.peek().at,
      hint: 'a range aggregation needs a range, such as [5m]',
    });
  }
  return { ...part, rangeNs };
}

interface LogPart {
  readonly log: LogExpr;
  readonly unwrap: UnwrapExpr | undefined;
  readonly rangeNs: bigint | undefined;
  readonly offsetNs: bigint;
}

/** `(selector stages) [range] offset stages`: the range stands behind the parentheses. */
function finishRange(reader: TokenReader, part: LogPart): LogRange {
  const range = reader.expect('range', 'RANGE');
  const offsetNs = parseOffset(reader);
  const rest = parseStages(reader);
  if (part.unwrap !== undefined && (rest.stages.length > 0 || rest.unwrap !== undefined)) {
    reader.unexpected();
  }
  return {
    log: { ...part.log, stages: [...part.log.stages, ...rest.stages] },
    unwrap: part.unwrap ?? rest.unwrap,
    rangeNs: range.ns,
    offsetNs,
  };
}

function parseLogPart(reader: TokenReader): LogPart {
  if (reader.isSign('(')) {
    reader.enter();
    reader.next();
    const inner = parseLogPart(reader);
    reader.expectSign(')');
    reader.leave();
    if (inner.rangeNs !== undefined || reader.peek().kind !== 'range') return inner;
    return finishRange(reader, inner);
  }
  const at = reader.peek().at;
  const matchers = parseSelector(reader);
  let { stages, unwrap } = parseStages(reader);
  let rangeNs: bigint | undefined;
  let offsetNs = 0n;
  const range = reader.peek();
  if (range.kind === 'range') {
    reader.next();
    rangeNs = range.ns;
    offsetNs = parseOffset(reader);
    // Stages stand either before or behind the range.
    if (stages.length === 0 && unwrap === undefined) ({ stages, unwrap } = parseStages(reader));
  }
  return { log: { kind: 'log', matchers, stages, at }, unwrap, rangeNs, offsetNs };
}

function parseOffset(reader: TokenReader): bigint {
  const word = reader.peek();
  if (word.kind !== 'identifier' || word.text !== 'offset') return 0n;
  reader.next();
  let negative = false;
  if (reader.isSign('-')) {
    reader.next();
    negative = true;
  }
  const { ns } = reader.expect('duration', 'DURATION');
  return negative ? -ns : ns;
}

function parseRange(reader: TokenReader, operation: RangeOperation, at: number): RangeExpr {
  reader.expectSign('(');
  let parameter: number | undefined;
  const first = reader.peek();
  if (first.kind === 'number' || reader.isSign('-') || reader.isSign('+')) {
    parameter = parseSigned(reader);
    reader.expectSign(',');
  }
  const range = parseLogRange(reader);
  reader.expectSign(')');
  const grouping = parseGrouping(reader);
  const expr: RangeExpr = { kind: 'range', operation, parameter, ...range, grouping, at };
  checkMatchers(expr.log);
  checkRange(expr);
  return expr;
}

function parseAggregate(reader: TokenReader, operation: VectorOperation, at: number): AggregateExpr {
  let grouping = parseGrouping(reader);
  reader.expectSign('(');
  let parameter: number | undefined;
  const first = reader.peek();
  if (first.kind === 'number' && reader.peek(1).text === ',' && reader.peek(1).kind === 'sign') {
    reader.next();
    reader.next();
    parameter = first.number;
  }
  const inner = metricOf(parseExpr(reader, 0));
  if (isScalar(inner)) {
    throw new InputError(`syntax error: unexpected literal in ${operation}`, { position: inner.at });
  }
  reader.expectSign(')');
  const after = reader.peek();
  const behind = parseGrouping(reader);
  if (behind !== undefined) {
    if (grouping !== undefined) reader.unexpected(after);
    grouping = behind;
  }
  const expr: AggregateExpr = { kind: 'aggregate', operation, parameter, grouping, inner, at };
  checkVector(expr, first);
  checkGrouping(expr);
  return expr;
}

function parseLabelReplace(reader: TokenReader, at: number): MetricExpr {
  reader.expectSign('(');
  const inner = metricOf(parseExpr(reader, 0));
  const strings: string[] = [];
  let regexAt = at;
  for (let i = 0; i < 4; i++) {
    reader.expectSign(',');
    regexAt = reader.peek().at;
    strings.push(reader.expect('string', 'STRING').text);
  }
  reader.expectSign(')');
  const [target, replacement, source, regex] = strings as [string, string, string, string];
  try {
    compileRegex(regex, { anchored: true });
  } catch (error) {
    throw new InputError(`invalid regex in label_replace: ${(error as Error).message}`, {
      position: regexAt,
      cause: error,
    });
  }
  return { kind: 'label-replace', inner, target, replacement, source, regex, at };
}
