/**
 * Words and signs of LogQL. Knows no grammar; only what stands between `[` and `]` and behind a digit needs a look at
 * what follows.
 */

import { InputError } from '../../model/errors.ts';
import { parseGoNumber } from '../syntax/numbers.ts';
import { isAlpha, isAlphanumeric, isDigit, isSpace } from '../syntax/positions.ts';
import { scanString } from '../syntax/strings.ts';
import { parseBytes, parseQueryDuration } from './units.ts';

export type TokenKind =
  | 'identifier'
  | 'string'
  | 'number'
  | 'duration'
  | 'bytes'
  | 'range'
  | 'flag'
  | 'sign'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Strings unquoted, otherwise as written. */
  readonly text: string;
  readonly at: number;
  readonly end: number;
  /** Of numbers and sizes. */
  readonly number: number;
  /** Of durations and ranges, in nanoseconds. */
  readonly ns: bigint;
}

const MAX_QUERY = 131_072;

const SIGNS = [
  '|=',
  '|~',
  '|>',
  '!=',
  '!~',
  '!>',
  '=~',
  '==',
  '>=',
  '<=',
  '{',
  '}',
  '(',
  ')',
  ',',
  '|',
  '=',
  '>',
  '<',
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
] as const;

/** All tokens of a query, the last of kind `end`. Throws InputError with a position. */
export function lexQuery(text: string): Token[] {
  if (text.length > MAX_QUERY) {
    throw new InputError(`query of more than ${MAX_QUERY} characters`, { position: MAX_QUERY });
  }
  const tokens: Token[] = [];
  let at = 0;
  const push = (kind: TokenKind, value: string, end: number, number = 0, ns = 0n): void => {
    tokens.push({ kind, text: value, at, end, number, ns });
    at = end;
  };
  for (;;) {
    const c = text[at];
    if (c === undefined) break;
    if (isSpace(c)) {
      at++;
    } else if (c === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end + 1;
    } else if (c === '"' || c === '`') {
      const { value, end } = scanString(text, at);
      push('string', value, end);
    } else if (isDigit(c) || (c === '.' && isDigit(text[at + 1] ?? ''))) {
      number(text, at, push);
    } else if (isAlpha(c)) {
      let end = at + 1;
      while (end < text.length && isAlphanumeric(text[end] as string)) end++;
      push('identifier', text.slice(at, end), end);
    } else if (c === '[') {
      const end = text.indexOf(']', at);
      if (end < 0) throw new InputError("missing closing ']' in duration", { position: at });
      const body = text.slice(at + 1, end);
      const ns = parseQueryDuration(body.trim());
      if (ns === undefined) {
        throw new InputError(
          body.trim() === ''
            ? 'empty duration string'
            : `not a valid duration string: ${JSON.stringify(body)}`,
          { position: at + 1, hint: 'a range is a duration such as [5m] or [1h30m]' },
        );
      }
      push('range', body, end + 1, 0, ns);
    } else if (c === '-' && text[at + 1] === '-' && isAlpha(text[at + 2] ?? '')) {
      let end = at + 2;
      while (end < text.length && (isAlphanumeric(text[end] as string) || text[end] === '-')) end++;
      push('flag', text.slice(at, end), end);
    } else {
      const sign = SIGNS.find((candidate) => text.startsWith(candidate, at));
      if (sign === undefined) {
        const char = String.fromCodePoint(text.codePointAt(at) as number);
        const hint = c === "'" ? 'strings are written "so" or `so`' : undefined;
        throw new InputError(`syntax error: unexpected character ${JSON.stringify(char)}`, {
          position: at,
          ...(hint === undefined ? {} : { hint }),
        });
      }
      push('sign', sign, at + sign.length);
    }
  }
  push('end', '', text.length);
  return tokens;
}

/** What begins with a digit: a number, a duration (5m, 1h30m) or a size (10KB). */
function number(
  text: string,
  at: number,
  push: (kind: TokenKind, value: string, end: number, number?: number, ns?: bigint) => void,
): void {
  const rest = text.slice(at, at + 300);
  const word = (/^[0-9A-Za-zµμ_.]+/.exec(rest) as RegExpExecArray)[0];
  const literal = (
    /^(?:0[xX][0-9a-fA-F_]+|[\d_]*\.?[\d_]*(?:[eE][+-]?\d+)?)/.exec(rest) as RegExpExecArray
  )[0];
  if (literal.length >= word.length) {
    const value = parseGoNumber(literal);
    if (value === undefined) throw new InputError(`bad number: ${literal}`, { position: at });
    push('number', literal, at + literal.length, value);
    return;
  }
  const ns = parseQueryDuration(word);
  if (ns !== undefined) {
    push('duration', word, at + word.length, 0, ns);
    return;
  }
  const bytes = parseBytes(word);
  if (bytes === undefined) {
    throw new InputError(`not a number, a duration or a size: ${word}`, {
      position: at,
      hint: 'durations are written as 300ms or 1h30m, sizes as 10KB or 1.5GiB',
    });
  }
  push('bytes', word, at + word.length, bytes);
}
