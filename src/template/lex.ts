/**
 * Text and actions of a template as tokens: delimiters with their trim markers, comments, and the words inside of
 * actions. It knows no grammar.
 */

import { InputError } from '../model/errors.ts';

export type TokenKind =
  | 'text'
  | 'open'
  | 'close'
  | 'space'
  | 'identifier'
  | 'field'
  | 'dot'
  | 'variable'
  | 'number'
  | 'string'
  | 'char'
  | 'pipe'
  | 'comma'
  | 'declare'
  | 'assign'
  | '('
  | ')'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The value: text with trimming done, names without `.`, strings unquoted. */
  readonly text: string;
  readonly at: number;
}

const SPACES = ' \t\r\n';
const isSpace = (c: string | undefined): boolean => c !== undefined && SPACES.includes(c);
const isWord = (c: string | undefined): boolean => c !== undefined && /[\p{L}\p{Nd}_]/u.test(c);

/** All tokens of a template. Throws InputError. */
export function lexTemplate(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  for (;;) {
    const open = source.indexOf('{{', at);
    const end = open < 0 ? source.length : open;
    let text = source.slice(at, end);
    if (trimNext) text = trimStart(text);
    trimNext = false;
    const trimsLeft = open >= 0 && source[open + 2] === '-' && isSpace(source[open + 3]);
    if (trimsLeft) text = trimEnd(text);
    if (text !== '') tokens.push({ kind: 'text', text, at });
    if (open < 0) break;
    let inside = open + (trimsLeft ? 4 : 2);
    if (source.startsWith('/*', inside)) {
      const stop = source.indexOf('*/', inside);
      if (stop < 0) throw new InputError('unclosed comment', { position: open });
      inside = stop + 2;
      const trims = isSpace(source[inside]) && source[inside + 1] === '-';
      if (trims) inside += 2;
      if (!source.startsWith('}}', inside)) {
        throw new InputError('comment ends before closing delimiter', { position: inside });
      }
      trimNext = trims;
      at = inside + 2;
      continue;
    }
    tokens.push({ kind: 'open', text: '{{', at: open });
    const closed = lexAction(source, inside, tokens);
    trimNext = closed.trim;
    at = closed.at;
  }
  tokens.push({ kind: 'end', text: '', at: source.length });
  return tokens;
}

function trimStart(text: string): string {
  let i = 0;
  while (i < text.length && isSpace(text[i])) i++;
  return text.slice(i);
}

function trimEnd(text: string): string {
  let i = text.length;
  while (i > 0 && isSpace(text[i - 1])) i--;
  return text.slice(0, i);
}

function lexAction(source: string, from: number, tokens: Token[]): { at: number; trim: boolean } {
  let at = from;
  let depth = 0;
  for (;;) {
    const trims = isSpace(source[at]) && source.startsWith('-}}', at + 1);
    if (trims || source.startsWith('}}', at)) {
      if (depth > 0) throw new InputError('unclosed left paren', { position: at });
      tokens.push({ kind: 'close', text: '}}', at });
      return { at: at + (trims ? 4 : 2), trim: trims };
    }
    const c = source[at];
    if (c === undefined) throw new InputError('unclosed action', { position: from });
    const start = at;
    const push = (kind: TokenKind, text: string, end: number): void => {
      tokens.push({ kind, text, at: start });
      at = end;
    };
    if (isSpace(c)) {
      let end = at;
      while (isSpace(source[end]) && !(source.startsWith('-}}', end + 1) && end > at)) end++;
      // A trim marker's space belongs to the marker.
      push('space', ' ', end);
      continue;
    }
    switch (c) {
      case '"': {
        const end = quoteEnd(source, at);
        push('string', unquote(source.slice(at, end), at), end);
        continue;
      }
      case '`': {
        const end = source.indexOf('`', at + 1);
        if (end < 0) throw new InputError('unterminated raw quoted string', { position: at });
        push('string', source.slice(at + 1, end).replaceAll('\r', ''), end + 1);
        continue;
      }
      case "'": {
        let end = at + 1;
        while (end < source.length && source[end] !== "'" && source[end] !== '\n') {
          end += source[end] === '\\' ? 2 : 1;
        }
        if (source[end] !== "'") throw new InputError('unterminated character constant', { position: at });
        const value = unquote(
          `"${source
            .slice(at + 1, end)
            .replaceAll("\\'", "'")
            .replace(/^"$/, '\\"')}"`,
          at,
        );
        if ([...value].length !== 1) throw new InputError('malformed character constant', { position: at });
        push('char', value, end + 1);
        continue;
      }
      case '|':
        push('pipe', '|', at + 1);
        continue;
      case ',':
        push('comma', ',', at + 1);
        continue;
      case '(':
        depth++;
        push('(', '(', at + 1);
        continue;
      case ')':
        if (--depth < 0) throw new InputError('unexpected right paren', { position: at });
        push(')', ')', at + 1);
        continue;
      case ':':
        if (source[at + 1] !== '=') throw new InputError('expected :=', { position: at });
        push('declare', ':=', at + 2);
        continue;
      case '=':
        push('assign', '=', at + 1);
        continue;
      case '$': {
        const end = wordEnd(source, at + 1);
        push('variable', source.slice(at + 1, end), end);
        continue;
      }
      case '.':
        if (!/[0-9]/.test(source[at + 1] ?? '')) {
          const end = wordEnd(source, at + 1);
          if (end === at + 1) push('dot', '.', end);
          else push('field', source.slice(at + 1, end), end);
          continue;
        }
    }
    if (/[0-9+\-.]/.test(c)) {
      const found =
        /^[+-]?(?:0[xX][0-9a-fA-F_]+(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?\d+)?|[0-9_]*\.?[0-9_]*(?:[eE][+-]?[0-9_]+)?|0[oObB][0-7_]+)/.exec(
          source.slice(at, at + 400),
        );
      const octal = /^[+-]?0[oObB][0-9_]+/.exec(source.slice(at, at + 400));
      const text = octal?.[0] ?? found?.[0] ?? '';
      if (!/[0-9]/.test(text) || isWord(source[at + text.length])) {
        throw new InputError(`bad number syntax: ${JSON.stringify(source.slice(at, at + text.length + 1))}`, {
          position: at,
        });
      }
      push('number', text, at + text.length);
      continue;
    }
    if (isWord(c)) {
      const end = wordEnd(source, at);
      push('identifier', source.slice(at, end), end);
      continue;
    }
    throw new InputError(`unrecognized character in action: ${JSON.stringify(c)}`, { position: at });
  }
}

function wordEnd(source: string, from: number): number {
  let end = from;
  for (;;) {
    const point = source.codePointAt(end);
    if (point === undefined) return end;
    const c = String.fromCodePoint(point);
    if (!isWord(c)) return end;
    end += c.length;
  }
}

function quoteEnd(source: string, from: number): number {
  for (let i = from + 1; i < source.length; i++) {
    const c = source[i];
    if (c === '\\') i++;
    else if (c === '"') return i + 1;
    else if (c === '\n') break;
  }
  throw new InputError('unterminated quoted string', { position: from });
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** A Go string literal in double quotes. Throws InputError at `position`. */
function unquote(literal: string, position: number): string {
  const body = literal.slice(1, -1);
  if (!body.includes('\\')) return body;
  const bad = (): never => {
    throw new InputError(`invalid syntax in string ${literal}`, { position });
  };
  const bytes: number[] = [];
  let out = '';
  // \x.. and octal escapes are bytes: runs of them are decoded as UTF-8.
  const flush = (): void => {
    if (bytes.length > 0) out += new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes));
    bytes.length = 0;
  };
  for (let i = 0; i < body.length; i++) {
    const c = body[i] as string;
    if (c !== '\\') {
      flush();
      out += c;
      continue;
    }
    const e = body[++i] ?? bad();
    const simple = ESCAPES[e];
    if (simple !== undefined) {
      flush();
      out += simple;
    } else if (e === 'x' || /[0-7]/.test(e)) {
      const hex = e === 'x';
      const digits = hex ? body.slice(i + 1, i + 3) : body.slice(i, i + 3);
      if (!(hex ? /^[0-9a-fA-F]{2}$/ : /^[0-3][0-7]{2}$/).test(digits)) bad();
      bytes.push(Number.parseInt(digits, hex ? 16 : 8));
      i += 2;
    } else if (e === 'u' || e === 'U') {
      flush();
      const size = e === 'u' ? 4 : 8;
      const digits = body.slice(i + 1, i + 1 + size);
      const point = Number.parseInt(digits, 16);
      if (digits.length !== size || !/^[0-9a-fA-F]+$/.test(digits) || point > 0x10ffff) bad();
      if (point >= 0xd800 && point <= 0xdfff) bad();
      out += String.fromCodePoint(point);
      i += size;
    } else bad();
  }
  flush();
  return out;
}
