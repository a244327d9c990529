/** PromQL's tokens. Comments and blanks are skipped. What is read next depends on open braces and brackets. */

import { InputError } from '../../model/errors.ts';
import { isAlpha, isAlphanumeric, isDigit, isSpace } from '../syntax/positions.ts';
import { quote, quoteChar, scanString } from '../syntax/strings.ts';

export type TokenKind =
  /** Name without colon that is no keyword; inside braces also keywords. */
  | 'identifier'
  /** Name with a colon. */
  | 'metric-identifier'
  /** A reserved word, in lower case in `value`. */
  | 'keyword'
  | 'number'
  | 'duration'
  | 'string'
  /** Punctuation or an operator, as it is in `text`. */
  | 'symbol'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** Of strings: the unquoted text; of keywords: in lower case; else as written. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** Of strings whose byte escapes make no UTF-8: how they are shown. */
  readonly invalid?: string | undefined;
}

const AGGREGATORS: ReadonlySet<string> = new Set([
  'sum',
  'avg',
  'count',
  'min',
  'max',
  'group',
  'stddev',
  'stdvar',
  'topk',
  'bottomk',
  'count_values',
  'quantile',
  'limitk',
  'limit_ratio',
]);

const KEYWORDS: ReadonlySet<string> = new Set([
  ...AGGREGATORS,
  'and',
  'or',
  'unless',
  'atan2',
  'offset',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
  'start',
  'end',
]);

/** Keywords that cannot be metric names. */
const NO_METRIC_NAME: ReadonlySet<string> = new Set([
  'atan2',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'bool',
]);

export function isAggregator(token: Token): boolean {
  return token.kind === 'keyword' && AGGREGATORS.has(token.value);
}

/** Whether the token can be the name of a metric in front of braces. */
export function canNameMetric(token: Token): boolean {
  return (
    token.kind === 'identifier' ||
    token.kind === 'metric-identifier' ||
    (token.kind === 'keyword' && !NO_METRIC_NAME.has(token.value))
  );
}

const NUMBER = /0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?/y;
const DURATION = /[\d.]+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdw]))*/y;

export class Lexer {
  readonly text: string;
  #at = 0;
  #parens = 0;
  #inBraces = false;
  #inBrackets = false;

  constructor(text: string) {
    this.text = text;
  }

  /** Reads the next token; at the end gives `end` tokens. Throws InputError with a position. */
  next(): Token {
    this.#skip();
    const start = this.#at;
    const char = this.text[start];
    if (char === undefined) return this.#end();
    if (char === '"' || char === "'" || char === '`') {
      const { value, end, invalid } = scanString(this.text, start);
      return this.#token('string', end, value, invalid);
    }
    return this.#inBraces ? this.#inside(char) : this.#outside(char);
  }

  #skip(): void {
    for (;;) {
      const char = this.text[this.#at];
      if (char === undefined) return;
      if (isSpace(char)) this.#at++;
      else if (char === '#') {
        while (this.#at < this.text.length && this.text[this.#at] !== '\n' && this.text[this.#at] !== '\r')
          this.#at++;
      } else return;
    }
  }

  #end(): Token {
    if (this.#inBraces) throw this.#error('unexpected end of input inside braces');
    if (this.#parens !== 0) throw this.#error('unclosed left parenthesis');
    if (this.#inBrackets) throw this.#error('unclosed left bracket');
    return { kind: 'end', text: '', value: '', start: this.#at, end: this.#at };
  }

  #error(message: string): InputError {
    return new InputError(message, { position: this.#at });
  }

  #token(kind: TokenKind, end: number, value?: string, invalid?: string): Token {
    const start = this.#at;
    this.#at = end;
    const text = this.text.slice(start, end);
    return { kind, text, value: value ?? text, start, end, invalid };
  }

  #charAt(offset: number): string {
    return String.fromCodePoint(this.text.codePointAt(offset) ?? 0);
  }

  #inside(char: string): Token {
    const next = this.text[this.#at + 1] ?? '';
    if (isAlpha(char)) {
      let end = this.#at + 1;
      while (isAlphanumeric(this.text[end] ?? '')) end++;
      return this.#token('identifier', end);
    }
    switch (char) {
      case ',':
        return this.#token('symbol', this.#at + 1);
      case '=':
        return this.#token('symbol', this.#at + (next === '~' ? 2 : 1));
      case '!':
        if (next === '=' || next === '~') return this.#token('symbol', this.#at + 2);
        throw this.#error(
          `unexpected character after '!' inside braces: ${next === '' ? 'end of input' : quoteChar(this.#charAt(this.#at + 1))}`,
        );
      case '}':
        this.#inBraces = false;
        return this.#token('symbol', this.#at + 1);
      case '{':
        throw this.#error("unexpected left brace '{'");
    }
    throw this.#error(`unexpected character inside braces: ${quoteChar(this.#charAt(this.#at))}`);
  }

  #outside(char: string): Token {
    const at = this.#at;
    const next = this.text[at + 1] ?? '';
    if (isDigit(char) || (char === '.' && isDigit(next))) return this.#number();
    if (isAlpha(char) || (char === ':' && !this.#inBrackets)) {
      if (this.#inBrackets)
        throw this.#error(`unexpected character in duration expression: ${quoteChar(char)}`);
      return this.#word();
    }
    switch (char) {
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
      case '^':
      case ',':
      case '@':
      case ':':
        return this.#token('symbol', at + 1);
      case '=':
        if (next === '~') throw this.#error("unexpected character after '=': '~'");
        return this.#token('symbol', at + (next === '=' ? 2 : 1));
      case '!':
        if (next === '=') return this.#token('symbol', at + 2);
        throw this.#error(
          `unexpected character after '!': ${next === '' ? 'end of input' : quoteChar(this.#charAt(at + 1))}`,
        );
      case '<':
      case '>':
        return this.#token('symbol', at + (next === '=' ? 2 : 1));
      case '(':
        this.#parens++;
        return this.#token('symbol', at + 1);
      case ')':
        if (--this.#parens < 0) throw this.#error("unexpected right parenthesis ')'");
        return this.#token('symbol', at + 1);
      case '{':
        this.#inBraces = true;
        return this.#token('symbol', at + 1);
      case '[':
        if (this.#inBrackets) throw this.#error("unexpected left bracket '['");
        this.#inBrackets = true;
        return this.#token('symbol', at + 1);
      case ']':
        if (!this.#inBrackets) throw this.#error("unexpected right bracket ']'");
        this.#inBrackets = false;
        return this.#token('symbol', at + 1);
    }
    throw this.#error(`unexpected character: ${quoteChar(this.#charAt(at))}`);
  }

  #number(): Token {
    const at = this.#at;
    for (const [kind, pattern] of [
      ['number', NUMBER],
      ['duration', DURATION],
    ] as const) {
      pattern.lastIndex = at;
      const end = at + (pattern.exec(this.text)?.[0].length ?? 0);
      const behind = this.text[end] ?? '';
      if (end > at && !isAlphanumeric(behind) && behind !== '.') return this.#token(kind, end);
    }
    let end = at;
    while (isAlphanumeric(this.text[end] ?? '') || this.text[end] === '.') end++;
    throw this.#error(`bad number or duration syntax: ${quote(this.text.slice(at, end))}`);
  }

  #word(): Token {
    let end = this.#at;
    while (isAlphanumeric(this.text[end] ?? '') || this.text[end] === ':') end++;
    const word = this.text.slice(this.#at, end);
    const lower = word.toLowerCase();
    if (lower === 'inf' || lower === 'nan') return this.#token('number', end);
    if (KEYWORDS.has(lower)) return this.#token('keyword', end, lower);
    return this.#token(word.includes(':') ? 'metric-identifier' : 'identifier', end);
  }
}

/** A token as errors call it. */
export function describeToken(token: Token): string {
  switch (token.kind) {
    case 'end':
      return 'end of input';
    case 'symbol':
      return quote(token.text);
    case 'keyword':
      return `<${token.value}>`;
    case 'metric-identifier':
      return `metric identifier ${quote(token.text)}`;
    default:
      return `${token.kind} ${quote(token.text)}`;
  }
}
