/** The label string of a Loki push: `{app="shop", env="prod"}`. */

import { InputError } from '../model/errors.ts';
import { Labels } from '../model/labels.ts';

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const IDENTIFIER = /[a-zA-Z_][a-zA-Z0-9_]*/y;

/** Whether a stream label can have this name. */
export function isLabelName(name: string): boolean {
  return NAME.test(name);
}

/** Parses a label string. Values are Go strings in double quotes or backquotes. Throws InputError with a position. */
export function parseStreamLabels(text: string): Labels {
  const pairs: [string, string][] = [];
  const names = new Set<string>();
  let at = skipBlanks(text, 0);
  if (text[at] !== '{') fail(at, 'labels must start with {');
  at = skipBlanks(text, at + 1);
  while (text[at] !== '}') {
    IDENTIFIER.lastIndex = at;
    const name = IDENTIFIER.exec(text)?.[0];
    if (name === undefined) fail(at, 'label name expected');
    if (names.has(name)) fail(at, `label ${name} given twice`);
    names.add(name);
    at = skipBlanks(text, at + name.length);
    if (text[at] !== '=' || text[at + 1] === '~') fail(at, '= expected');
    at = skipBlanks(text, at + 1);
    const quote = text[at];
    if (quote === '"') {
      const start = at;
      at++;
      while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
      if (at >= text.length) fail(start, 'string without end');
      pairs.push([name, unquote(text.slice(start + 1, at), start + 1)]);
    } else if (quote === '`') {
      const end = text.indexOf('`', at + 1);
      if (end < 0) fail(at, 'string without end');
      pairs.push([name, text.slice(at + 1, end).replaceAll('\r', '')]);
      at = end;
    } else fail(at, 'string in quotes expected');
    at = skipBlanks(text, at + 1);
    if (text[at] === ',') at = skipBlanks(text, at + 1);
    else if (text[at] !== '}') fail(at, ', or } expected');
  }
  at = skipBlanks(text, at + 1);
  if (at !== text.length) fail(at, 'text behind the labels');
  return Labels.fromPairs(pairs);
}

function skipBlanks(text: string, at: number): number {
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\n' || text[at] === '\r') at++;
  return at;
}

function fail(position: number, what: string): never {
  throw new InputError(`couldn't parse labels: 1:${position + 1}: ${what}`, { position });
}

const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  '"': 34,
};

/** The content of a Go string in double quotes. \x and octal escapes are bytes, \u and \U code points. */
export function unquote(text: string, position: number): string {
  if (!text.includes('\\')) {
    if (text.includes('\n')) fail(position, 'line break in a string');
    return text;
  }
  const parts: Buffer[] = [];
  let plain = 0;
  let at = 0;
  while (at < text.length) {
    if (text[at] !== '\\') {
      at++;
      continue;
    }
    if (at > plain) parts.push(Buffer.from(text.slice(plain, at)));
    const kind = text[at + 1] ?? '';
    const simple = SIMPLE[kind];
    if (simple !== undefined) {
      parts.push(Buffer.of(simple));
      at += 2;
    } else if (kind === 'x' || kind === 'u' || kind === 'U') {
      const size = kind === 'x' ? 2 : kind === 'u' ? 4 : 8;
      const digits = text.slice(at + 2, at + 2 + size);
      if (digits.length !== size || !/^[0-9a-fA-F]+$/.test(digits)) fail(position + at, 'invalid escape');
      const code = Number.parseInt(digits, 16);
      if (kind === 'x') parts.push(Buffer.of(code));
      else if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        fail(position + at, 'invalid code point');
      else parts.push(Buffer.from(String.fromCodePoint(code)));
      at += 2 + size;
    } else if (kind >= '0' && kind <= '7') {
      const digits = text.slice(at + 1, at + 4);
      const code = Number.parseInt(digits, 8);
      if (!/^[0-7]{3}$/.test(digits) || code > 255) fail(position + at, 'invalid escape');
      parts.push(Buffer.of(code));
      at += 4;
    } else fail(position + at, 'invalid escape');
    plain = at;
  }
  if (plain < text.length) parts.push(Buffer.from(text.slice(plain)));
  return Buffer.concat(parts).toString('utf8');
}
