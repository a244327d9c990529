/**
 * A lenient JSON scanner with the manners of Loki's: it walks over an object, hands over what it finds, and fails only
 * where it stands. So a trailing comma or text behind the object pass, and a line that breaks off has given what came
 * before. It makes no values: strings stay escaped, blocks stay text.
 */

export type JsonType = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array';

/** Why the scan failed. */
export class JsonError extends Error {}

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const COMMA = 44;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

/** The next character that is no space, or -1. */
export function nextToken(text: string, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return i;
  }
  return -1;
}

/** Behind the closing quote of the string whose content begins at `from`, or -1. */
export function stringEnd(text: string, from: number, end: number): number {
  for (let i = from; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) return i + 1;
    if (c === BACKSLASH) i++;
  }
  return -1;
}

/** Behind the bracket that closes the one at `from`, or -1. */
export function blockEnd(text: string, from: number, end: number, open: number, close: number): number {
  let level = 0;
  for (let i = from; i < end; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const after = stringEnd(text, i + 1, end);
      if (after < 0) return -1;
      i = after - 1;
    } else if (c === open) level++;
    else if (c === close && --level === 0) return i + 1;
  }
  return -1;
}

/** Where a value lies. Strings: without their quotes. */
export interface JsonValue {
  type: JsonType;
  start: number;
  end: number;
  /** Where the text goes on. */
  next: number;
}

/** The value that begins at or behind `from`. Throws JsonError. */
export function scanValue(text: string, from: number, end: number): JsonValue {
  const start = nextToken(text, from, end);
  if (start < 0) throw new JsonError('Malformed JSON error');
  const c = text.charCodeAt(start);
  if (c === QUOTE) {
    const after = stringEnd(text, start + 1, end);
    if (after < 0) throw new JsonError("Value is string, but can't find closing '\"' symbol");
    return { type: 'string', start: start + 1, end: after - 1, next: after };
  }
  if (c === OPEN_BRACKET) {
    const after = blockEnd(text, start, end, OPEN_BRACKET, CLOSE_BRACKET);
    if (after < 0) throw new JsonError("Value is array, but can't find closing ']' symbol");
    return { type: 'array', start, end: after, next: after };
  }
  if (c === OPEN_BRACE) {
    const after = blockEnd(text, start, end, OPEN_BRACE, CLOSE_BRACE);
    if (after < 0) throw new JsonError("Value looks like object, but can't find closing '}' symbol");
    return { type: 'object', start, end: after, next: after };
  }
  let after = start;
  for (; after < end; after++) {
    const e = text.charCodeAt(after);
    if (
      e === COMMA ||
      e === CLOSE_BRACE ||
      e === CLOSE_BRACKET ||
      e === 32 ||
      e === 10 ||
      e === 13 ||
      e === 9
    )
      break;
  }
  const value = { start, end: after, next: after };
  if ((c >= 48 && c <= 57) || c === 45) return { type: 'number', ...value };
  const word = text.slice(start, after);
  if (word === 'true' || word === 'false') return { type: 'boolean', ...value };
  if (word === 'null') return { type: 'null', ...value };
  throw new JsonError('Unknown value type');
}

/** Called for each key with its value; false stops the walk. */
export type JsonVisitor = (key: string, value: JsonValue) => boolean;

/** Walks over the object in text[from..end). Gives false when the visitor stopped it. Throws JsonError. */
export function eachKey(text: string, from: number, end: number, visit: JsonVisitor): boolean {
  const open = nextToken(text, from, end);
  if (open < 0 || text.charCodeAt(open) !== OPEN_BRACE) {
    throw new JsonError("Value looks like object, but can't find closing '}' symbol");
  }
  let at = nextToken(text, open + 1, end);
  if (at < 0) throw new JsonError('Malformed JSON error');
  if (text.charCodeAt(at) === CLOSE_BRACE) return true;
  for (;;) {
    const c = text.charCodeAt(at);
    if (c === CLOSE_BRACE) return true;
    if (c !== QUOTE) throw new JsonError("Value looks like object, but can't find closing '}' symbol");
    const keyEnd = stringEnd(text, at + 1, end);
    if (keyEnd < 0) throw new JsonError('Malformed JSON error');
    let key: string | undefined = text.slice(at + 1, keyEnd - 1);
    if (key.includes('\\')) {
      key = unescapeJson(key);
      if (key === undefined) throw new JsonError('Encountered an invalid escape sequence in a string');
    }
    at = nextToken(text, keyEnd, end);
    if (at < 0 || text.charCodeAt(at) !== COLON) throw new JsonError('Malformed JSON error');
    const value = scanValue(text, at + 1, end);
    if (!visit(key, value)) return false;
    at = nextToken(text, value.next, end);
    if (at < 0) throw new JsonError("Value is array, but can't find closing ']' symbol");
    const after = text.charCodeAt(at);
    if (after === CLOSE_BRACE) return true;
    if (after !== COMMA) throw new JsonError("Value looks like object, but can't find closing '}' symbol");
    at = nextToken(text, at + 1, end);
    if (at < 0) throw new JsonError("Value is array, but can't find closing ']' symbol");
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Undoes the escapes of a string; undefined when one of them is none. */
export function unescapeJson(text: string): string | undefined {
  let at = text.indexOf('\\');
  if (at < 0) return text;
  let out = '';
  let from = 0;
  while (at >= 0) {
    out += text.slice(from, at);
    const c = text[at + 1];
    if (c === 'u') {
      const hex = text.slice(at + 2, at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) return undefined;
      out += String.fromCharCode(Number.parseInt(hex, 16));
      from = at + 6;
    } else {
      const plain = c === undefined ? undefined : ESCAPES[c];
      if (plain === undefined) return undefined;
      out += plain;
      from = at + 2;
    }
    at = text.indexOf('\\', from);
  }
  out += text.slice(from);
  return out;
}

/** The value of a string as a label takes it: '' when it cannot be read, broken characters left out. */
export function stringValue(text: string, start: number, end: number): string {
  const raw = text.slice(start, end);
  const value = raw.includes('\\') ? (unescapeJson(raw) ?? '') : raw;
  return value.isWellFormed() && !value.includes('\ufffd')
    ? value
    : value.toWellFormed().replaceAll('\ufffd', '');
}
