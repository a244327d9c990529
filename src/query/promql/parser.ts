/**
 * PromQL's grammar (Prometheus 3.5) as a recursive descent parser. Gives a syntax tree whose types have been checked.
 * Every refusal is an InputError whose message begins with `line:column: parse error: `.
 */

import { InputError } from '../../model/errors.ts';
import type { Matcher, MatchOp } from '../../model/matcher.ts';
import { lineAndColumn, type Range } from '../syntax/positions.ts';
import { compileRegex } from '../syntax/regex.ts';
import { quote } from '../syntax/strings.ts';
import type { BinaryOperator } from '../vector/operators.ts';
import type {
  AggregateExpr,
  AggregateOperator,
  AtModifier,
  BinaryExpr,
  CallExpr,
  DurationValue,
  Expr,
  Matching,
  MatrixSelector,
  SubqueryExpr,
  VectorSelector,
} from './ast.ts';
import { checkTypes } from './check.ts';
import { DurationParser } from './duration-parser.ts';
import { canNameMetric, isAggregator, type Token } from './lexer.ts';
import type { ParseOptions } from './parse-options.ts';
import { POWER, PRECEDENCE, UNARY } from './precedence.ts';
import { functionSignature } from './signatures.ts';

/** How long a chain of operators may be. */
const MAX_OPERATORS = 5000;
/** The longest query that is read, in UTF-16 units. */
export const MAX_QUERY_LENGTH = 1_000_000;

const PARAMETER_AGGREGATORS: ReadonlySet<string> = new Set([
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
]);

export type { ParseOptions } from './parse-options.ts';

/** Parses a query and checks its types. */
export function parseExpr(text: string, options: ParseOptions = {}): Expr {
  return guarded(text, () => {
    const parser = new Parser(text, options);
    const expr = parser.whole();
    checkTypes(text, expr);
    return expr;
  });
}

/** Parses `name{label="value"}` alone, as in match[]. */
export function parseMetricSelector(text: string): readonly Matcher[] {
  return guarded(text, () => new Parser(text, {}).selectorOnly().matchers);
}

/** Prefixes errors with their place in the text. */
function guarded<T>(text: string, parse: () => T): T {
  if (text.length > MAX_QUERY_LENGTH) {
    throw new InputError(`1:1: parse error: the query is longer than ${MAX_QUERY_LENGTH} characters`, {
      position: 0,
    });
  }
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { line, column } = lineAndColumn(text, error.position ?? 0);
    throw new InputError(`${line}:${column}: parse error: ${error.message}`, {
      position: error.position ?? 0,
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

/** What the parser holds of a selector while modifiers may still follow. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

class Parser extends DurationParser {
  private operators = 0;

  whole(): Expr {
    if (this.atEnd()) throw new InputError('no expression found in input', { position: 0 });
    const expr = this.expression(0);
    if (!this.atEnd()) throw this.unexpected();
    return expr;
  }

  selectorOnly(): VectorSelector {
    if (!canNameMetric(this.token) && this.token.text !== '{') throw this.unexpected();
    const selector = this.vectorSelector();
    if (!this.atEnd()) throw this.unexpected();
    return selector;
  }

  /** An expression whose binary operators all bind at least as strongly as `least`. */
  private expression(least: number): Expr {
    let left = this.postfix(this.prefix());
    for (;;) {
      const operator = this.token.kind === 'symbol' || this.token.kind === 'keyword' ? this.token.value : '';
      const precedence = PRECEDENCE[operator];
      if (precedence === undefined || precedence < least) return left;
      if (++this.operators > MAX_OPERATORS) {
        throw new InputError(`the expression has more than ${MAX_OPERATORS} operators`, {
          position: this.token.start,
        });
      }
      this.advance();
      left = this.binary(left, operator as BinaryOperator, precedence);
    }
  }

  private binary(left: Expr, operator: BinaryOperator, precedence: number): BinaryExpr {
    let returnBool = false;
    if (this.isKeyword('bool')) {
      this.advance();
      returnBool = true;
    }
    const matching: Mutable<Matching> = { card: 'one-to-one', on: false, labels: [], include: [] };
    if (this.isKeyword('on') || this.isKeyword('ignoring')) {
      matching.on = this.advance().value === 'on';
      matching.labels = this.groupingLabels();
      if (this.isKeyword('group_left') || this.isKeyword('group_right')) {
        matching.card = this.advance().value === 'group_left' ? 'many-to-one' : 'one-to-many';
        if (this.is('(')) matching.include = this.groupingLabels();
      }
    }
    const right = this.nested(() => this.expression(precedence === POWER ? POWER : precedence + 1));
    return {
      kind: 'binary',
      operator,
      left,
      right,
      matching,
      returnBool,
      range: { start: left.range.start, end: right.range.end },
    };
  }

  private prefix(): Expr {
    const token = this.token;
    if (this.is('+') || this.is('-')) {
      this.advance();
      return this.sign(token);
    }
    if (this.is('(')) {
      this.advance();
      const expr = this.nested(() => this.expression(0));
      const close = this.expect(')', 'parenthesis');
      return { kind: 'paren', expr, range: { start: token.start, end: close.end } };
    }
    switch (token.kind) {
      case 'number':
      case 'duration':
        return this.numberLiteral();
      case 'string':
        this.advance();
        return { kind: 'string', value: token.value, invalid: token.invalid, range: token };
    }
    if (this.is('{')) return this.vectorSelector();
    if (isAggregator(token)) return this.aggregateOrMetric();
    if (canNameMetric(token)) return this.nameOrCall();
    throw this.unexpected();
  }

  private sign(sign: Token): Expr {
    const operand = this.nested(() => this.expression(UNARY + 1));
    if (operand.kind === 'number') {
      return {
        ...operand,
        value: sign.text === '-' ? -operand.value : operand.value,
        range: { start: sign.start, end: operand.range.end },
      };
    }
    return {
      kind: 'unary',
      operator: sign.text as '+' | '-',
      expr: operand,
      range: { start: sign.start, end: operand.range.end },
    };
  }

  private nameOrCall(): Expr {
    const token = this.token;
    if (token.kind !== 'identifier') return this.vectorSelector();
    this.advance();
    if (!this.is('(')) return this.vectorSelector(token);
    const args = this.callArguments();
    const func = functionSignature(token.value);
    if (func === undefined) {
      throw new InputError(`unknown function with name ${quote(token.value)}`, { position: token.start });
    }
    if (func.isExperimental && this.options.experimentalFunctions !== true) {
      throw new InputError(`function ${quote(token.value)} is not enabled`, {
        position: token.start,
        hint: 'enable the feature promql-experimental-functions',
      });
    }
    const call: CallExpr = { kind: 'call', func, args, range: { start: token.start, end: this.lastEnd } };
    return call;
  }

  private callArguments(): Expr[] {
    this.expect('(', 'call');
    const args: Expr[] = [];
    if (this.is(')')) {
      this.advance();
      return args;
    }
    for (;;) {
      args.push(this.nested(() => this.expression(0)));
      if (this.is(')')) {
        this.advance();
        return args;
      }
      if (!this.is(',')) throw this.unexpected();
      const comma = this.advance();
      if (this.is(')')) {
        throw new InputError('trailing commas not allowed in function call args', { position: comma.start });
      }
    }
  }

  private aggregateOrMetric(): Expr {
    const token = this.advance();
    let modifier: { grouping: string[]; without: boolean } | undefined;
    if (this.isKeyword('by') || this.isKeyword('without')) modifier = this.aggregateModifier();
    else if (!this.is('(')) return this.vectorSelector(token);
    if (!this.is('(')) throw this.unexpected('aggregation');
    const args = this.callArguments();
    let end = this.lastEnd;
    if (modifier === undefined && (this.isKeyword('by') || this.isKeyword('without'))) {
      modifier = this.aggregateModifier();
      end = this.lastEnd;
    }
    const operator = token.value as AggregateOperator;
    const range: Range = { start: token.start, end };
    const refuse = (message: string): InputError => new InputError(message, { position: token.start });
    if (args.length === 0) throw refuse('no arguments for aggregate expression provided');
    if (operator.startsWith('limit') && this.options.experimentalFunctions !== true) {
      throw refuse(
        `${operator}() is experimental and must be enabled with --enable-feature=promql-experimental-functions`,
      );
    }
    const want = PARAMETER_AGGREGATORS.has(operator) ? 2 : 1;
    if (args.length !== want) {
      throw refuse(
        `wrong number of arguments for aggregate expression provided, expected ${want}, got ${args.length}`,
      );
    }
    const aggregate: AggregateExpr = {
      kind: 'aggregate',
      operator,
      expr: args[want - 1] as Expr,
      param: want === 2 ? args[0] : undefined,
      grouping: modifier?.grouping ?? [],
      without: modifier?.without ?? false,
      range,
    };
    return aggregate;
  }

  private aggregateModifier(): { grouping: string[]; without: boolean } {
    const without = this.advance().value === 'without';
    return { grouping: this.groupingLabels(), without };
  }

  private groupingLabels(): string[] {
    if (!this.is('(')) throw this.unexpected('grouping opts', '"("');
    this.advance();
    const labels: string[] = [];
    while (!this.is(')')) {
      const token = this.token;
      const isName =
        token.kind === 'identifier' ||
        token.kind === 'metric-identifier' ||
        (token.kind === 'keyword' && token.value !== 'without');
      if (!isName && token.kind !== 'string') throw this.unexpected('grouping opts', 'label');
      const label = token.kind === 'string' ? token.value : token.text;
      if (label === '' || token.invalid !== undefined) {
        throw new InputError(`invalid label name for grouping: ${token.invalid ?? quote(label)}`, {
          position: token.start,
        });
      }
      labels.push(label);
      this.advance();
      if (this.is(',')) this.advance();
      else if (!this.is(')')) throw this.unexpected('grouping opts', '"," or ")"');
    }
    this.advance();
    return labels;
  }

  // ---------------------------------------------------------------- selectors
  /** `first` is the metric name when it has been consumed already. */
  private vectorSelector(first?: Token): VectorSelector {
    const nameToken = first ?? (canNameMetric(this.token) ? this.advance() : undefined);
    const start = nameToken?.start ?? this.token.start;
    const name = nameToken?.text ?? '';
    const matchers = this.is('{') ? this.matchers() : [];
    if (name !== '') {
      const twice = matchers.find((matcher) => matcher.name === '__name__');
      if (twice !== undefined) {
        throw new InputError(`metric name must not be set twice: ${quote(name)} or ${quote(twice.value)}`, {
          position: start,
        });
      }
      matchers.push({ name: '__name__', op: '=', value: name });
    }
    return {
      kind: 'vector-selector',
      name,
      matchers,
      offset: undefined,
      at: undefined,
      range: { start, end: this.lastEnd },
    };
  }

  private matchers(): Matcher[] {
    this.advance();
    const matchers: Matcher[] = [];
    while (!this.is('}')) {
      const label = this.token;
      if (label.kind !== 'identifier' && label.kind !== 'string') {
        throw this.unexpected('label matching', 'identifier or "}"');
      }
      this.advance();
      const op = this.token;
      if (
        op.kind === 'symbol' &&
        (op.text === '=' || op.text === '!=' || op.text === '=~' || op.text === '!~')
      ) {
        this.advance();
        if (this.token.kind !== 'string') throw this.unexpected('label matching', 'string');
        const { value } = this.advance();
        matchers.push(this.matcher(label, op.text, value));
      } else if (label.kind === 'string' && (this.is(',') || this.is('}'))) {
        matchers.push({ name: '__name__', op: '=', value: label.value });
      } else throw this.unexpected('label matching', 'label matching operator');
      if (this.is(',')) this.advance();
      else if (!this.is('}')) throw this.unexpected('label matching', '"," or "}"');
    }
    this.advance();
    return matchers;
  }

  private matcher(label: Token, op: MatchOp, value: string): Matcher {
    if (op === '=~' || op === '!~') {
      try {
        compileRegex(value, { anchored: true });
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
        throw new InputError(error.message, { position: label.start, cause: error });
      }
    }
    return { name: label.value, op, value };
  }

  /** Ranges, subqueries, offsets and @ behind an expression. */
  private postfix(expr: Expr): Expr {
    for (;;) {
      if (this.is('[')) expr = this.bracket(expr);
      else if (this.isKeyword('offset')) expr = this.offset(expr);
      else if (this.is('@')) expr = this.at(expr);
      else return expr;
    }
  }

  private bracket(expr: Expr): MatrixSelector | SubqueryExpr {
    const open = this.advance();
    const window = this.positiveDuration('subquery selector');
    const start = expr.range.start;
    if (this.is(':')) {
      this.advance();
      let step: DurationValue | undefined;
      if (!this.is(']')) step = this.positiveDuration('subquery selector');
      if (!this.is(']')) throw this.unexpected('subquery selector', '"]"');
      this.advance();
      return {
        kind: 'subquery',
        expr,
        window,
        step,
        offset: undefined,
        at: undefined,
        range: { start, end: this.lastEnd },
      };
    }
    if (!this.is(']')) throw this.unexpected('subquery or range', '":" or "]"');
    const refuse = (message: string): InputError => new InputError(message, { position: open.start });
    if (expr.kind !== 'vector-selector') throw refuse('ranges only allowed for vector selectors');
    if (expr.offset !== undefined && expr.offset.ms !== 0)
      throw refuse('no offset modifiers allowed before range');
    if (expr.at !== undefined && 'timestampMs' in expr.at)
      throw refuse('no @ modifiers allowed before range');
    this.advance();
    return { kind: 'matrix-selector', selector: expr, window, range: { start, end: this.lastEnd } };
  }

  private offset(expr: Expr): Expr {
    this.advance();
    const sign = this.is('+') || this.is('-') ? this.token : undefined;
    let offset: DurationValue;
    if (
      sign === undefined &&
      this.token.kind !== 'number' &&
      this.token.kind !== 'duration' &&
      !this.is('(')
    ) {
      throw this.unexpected('offset', 'number or duration');
    }
    if (sign !== undefined) {
      this.advance();
      // A sign and a literal end the offset: `a offset -2 ^ 2` is `(a offset -2) ^ 2`.
      if (this.token.kind === 'number' || this.token.kind === 'duration') {
        const literal = this.numberLiteral();
        offset = this.literalDuration({
          ...literal,
          value: sign.text === '-' ? -literal.value : literal.value,
          range: { start: sign.start, end: literal.range.end },
        });
      } else {
        if (!this.is('(')) throw this.unexpected('offset', 'number or duration');
        offset = this.durationValue(this.durationOperators(this.signed(sign, this.durationPrefix()), 0));
      }
    } else if (this.is('(')) offset = this.durationValue(this.durationExpression(0));
    else offset = this.literalDuration(this.numberLiteral());
    const selector =
      expr.kind === 'matrix-selector'
        ? expr.selector
        : expr.kind === 'vector-selector' || expr.kind === 'subquery'
          ? expr
          : undefined;
    if (selector === undefined) {
      throw new InputError(
        'offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
        { position: expr.range.start },
      );
    }
    if (selector.offset !== undefined && (selector.offset.ms !== 0 || selector.offset.expr !== undefined)) {
      throw new InputError('offset may not be set multiple times', { position: expr.range.start });
    }
    return this.modified(expr, { offset });
  }

  private at(expr: Expr): Expr {
    this.advance();
    let at: AtModifier;
    if (this.isKeyword('start') || this.isKeyword('end')) {
      const preprocessor = this.advance().value as 'start' | 'end';
      this.expect('(', '@');
      this.expect(')', '@');
      at = { preprocessor };
    } else {
      let sign = 1;
      if (this.is('+') || this.is('-')) sign = this.advance().text === '-' ? -1 : 1;
      if (this.token.kind !== 'number' && this.token.kind !== 'duration')
        throw this.unexpected('@', 'timestamp');
      const seconds = sign * this.numberLiteral().value;
      if (!Number.isFinite(seconds) || seconds >= 2 ** 63 || seconds <= -(2 ** 63)) {
        throw new InputError(`timestamp out of bounds for @ modifier: ${seconds}`, {
          position: expr.range.start,
        });
      }
      // Rounds half away from zero.
      at = { timestampMs: Math.sign(seconds) * Math.round(Math.abs(seconds * 1000)) };
    }
    const selector =
      expr.kind === 'matrix-selector'
        ? expr.selector
        : expr.kind === 'vector-selector' || expr.kind === 'subquery'
          ? expr
          : undefined;
    if (selector === undefined) {
      throw new InputError(
        '@ modifier must be preceded by an instant vector selector or range vector selector or a subquery',
        { position: expr.range.start },
      );
    }
    if (selector.at !== undefined) {
      throw new InputError('@ <timestamp> may not be set multiple times', { position: expr.range.start });
    }
    return this.modified(expr, { at });
  }

  private modified(expr: Expr, change: { offset?: DurationValue; at?: AtModifier }): Expr {
    const range = { start: expr.range.start, end: this.lastEnd };
    switch (expr.kind) {
      case 'matrix-selector':
        return { ...expr, selector: { ...expr.selector, ...change }, range };
      case 'vector-selector':
      case 'subquery':
        return { ...expr, ...change, range };
    }
    throw new Error('modifiers stand behind selectors only');
  }
}
