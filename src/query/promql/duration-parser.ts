/** Numbers and durations in PromQL, with the arithmetic on durations that ranges and offsets may hold. */

import { InputError } from '../../model/errors.ts';
import { parseDuration } from '../syntax/durations.ts';
import { parseGoNumber } from '../syntax/numbers.ts';
import { quote } from '../syntax/strings.ts';
import type { DurationExpr, DurationValue, NumberLiteral } from './ast.ts';
import type { Token } from './lexer.ts';
import { POWER, PRECEDENCE, UNARY } from './precedence.ts';
import { TokenReader } from './token-reader.ts';

/** The largest duration in seconds (int64 nanoseconds). */
const MAX_SECONDS = 2 ** 63 / 1e9;

export class DurationParser extends TokenReader {
  protected numberLiteral(): NumberLiteral {
    const token = this.advance();
    if (token.kind === 'duration') {
      const duration = parseDuration(token.text);
      if ('error' in duration) throw new InputError(duration.error, { position: token.start });
      return { kind: 'number', value: duration.ms / 1000, isDuration: true, range: token };
    }
    const value = parseGoNumber(token.text);
    if (value === undefined) {
      throw new InputError(`error parsing number: ${quote(token.text)} is no number`, {
        position: token.start,
      });
    }
    return { kind: 'number', value, isDuration: false, range: token };
  }

  protected positiveDuration(context: string): DurationValue {
    if (
      this.token.kind !== 'number' &&
      this.token.kind !== 'duration' &&
      !['(', '+', '-'].includes(this.token.text)
    ) {
      throw this.unexpected(context, 'number or duration');
    }
    const expr = this.durationExpression(0);
    if (expr.kind === 'number' && expr.literal.value <= 0) {
      throw new InputError('duration must be greater than 0', { position: expr.literal.range.start });
    }
    return this.durationValue(expr);
  }

  /** Keeps arithmetic as it was written; literals have a value at once. */
  protected durationValue(expr: DurationExpr): DurationValue {
    return expr.kind === 'number' ? { ms: toMs(expr.literal.value), expr: undefined } : { ms: 0, expr };
  }

  protected literalDuration(literal: NumberLiteral): DurationValue {
    this.checkRange(literal);
    return { ms: toMs(literal.value), expr: undefined };
  }

  private checkRange(literal: NumberLiteral): void {
    if (literal.value > MAX_SECONDS || literal.value < -MAX_SECONDS) {
      throw new InputError('duration out of range', { position: literal.range.start });
    }
  }

  protected durationExpression(least: number): DurationExpr {
    return this.durationOperators(this.durationPrefix(), least);
  }

  protected durationOperators(left: DurationExpr, least: number): DurationExpr {
    for (;;) {
      const operator = this.token.kind === 'symbol' ? this.token.text : '';
      const precedence = '+-*/%^'.includes(operator || 'x') ? PRECEDENCE[operator] : undefined;
      if (precedence === undefined || precedence < least) return left;
      const token = this.advance();
      this.requireDurationExpressions(startOf(left));
      const right = this.nested(() => this.durationExpression(precedence === POWER ? POWER : precedence + 1));
      if ((operator === '/' || operator === '%') && right.kind === 'number' && right.literal.value === 0) {
        throw new InputError(operator === '/' ? 'division by zero' : 'modulo by zero', {
          position: token.start,
        });
      }
      left = {
        kind: 'operation',
        operator: operator as '+',
        left,
        right,
        wrapped: false,
        range: { start: startOf(left), end: this.lastEnd },
      };
    }
  }

  protected durationPrefix(): DurationExpr {
    const token = this.token;
    if (this.is('+') || this.is('-')) {
      this.advance();
      return this.signed(
        token,
        this.nested(() => this.durationExpression(UNARY + 1)),
      );
    }
    if (this.is('(')) {
      this.advance();
      const inner = this.nested(() => this.durationExpression(0));
      if (!this.is(')')) throw this.unexpected('duration expression', '")"');
      this.advance();
      this.requireDurationExpressions(token.start);
      return inner.kind === 'operation' ? { ...inner, wrapped: true } : inner;
    }
    if (token.kind !== 'number' && token.kind !== 'duration') {
      throw this.unexpected('duration expression', 'number or duration');
    }
    const literal = this.numberLiteral();
    this.checkRange(literal);
    return { kind: 'number', literal };
  }

  protected signed(sign: Token, operand: DurationExpr): DurationExpr {
    if (operand.kind === 'number') {
      const { literal } = operand;
      const value = sign.text === '-' ? -literal.value : literal.value;
      return {
        kind: 'number',
        literal: { ...literal, value, range: { start: sign.start, end: literal.range.end } },
      };
    }
    if (sign.text === '+') return operand;
    return {
      kind: 'operation',
      operator: '-',
      left: undefined,
      right: operand,
      wrapped: false,
      range: { start: sign.start, end: this.lastEnd },
    };
  }

  private requireDurationExpressions(position: number): void {
    if (this.options.durationExpressions !== true) {
      throw new InputError('experimental duration expression is not enabled', {
        position,
        hint: 'enable the feature promql-duration-expr',
      });
    }
  }
}

function startOf(expr: DurationExpr): number {
  return expr.kind === 'number' ? expr.literal.range.start : expr.range.start;
}

/** Seconds in whole milliseconds: rounded to nanoseconds, then cut. */
function toMs(seconds: number): number {
  return Math.trunc(Math.round(seconds * 1e9) / 1e6) + 0;
}
