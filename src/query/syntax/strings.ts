/** String literals as Go writes them: "...", '...' (a string here) and `raw`. */

import { InputError } from '../../model/errors.ts';

const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
};

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Reads the literal that begins with the quote at `start`. Escapes are Go's: \a \b \f \n \r \t \v \\ the quote itself,
 * \ooo, \xhh, \uhhhh, \Uhhhhhhhh; \ooo and \xhh are bytes of UTF-8. Where such bytes are no UTF-8, the value holds
 * U+FFFD and `invalid` shows the string as Go would quote it. Throws InputError with a position.
 */
export function scanString(text: string, start: number): { value: string; end: number; invalid?: string } {
  const mark = text[start] as string;
  if (mark === '`') {
    const end = text.indexOf('`', start + 1);
    if (end < 0) throw new InputError('unterminated raw string', { position: start });
    return { value: text.slice(start + 1, end), end: end + 1 };
  }
  let at = start + 1;
  let run = at;
  // Only strings with escapes that stand for single bytes need bytes.
  let out = '';
  let bytes: number[] = [];
  let isUtf8 = true;
  let shown = '';
  const flush = (): void => {
    if (bytes.length > 0) {
      const decoded = decoder.decode(Uint8Array.from(bytes));
      const isValid = !decoded.includes('\ufffd') || utf8Bytes(decoded).every((byte, i) => byte === bytes[i]);
      shown += isValid ? quote(decoded).slice(1, -1) : bytes.map((b) => `\\x${b.toString(16)}`).join('');
      isUtf8 &&= isValid;
      out += decoded;
      bytes = [];
    }
  };
  for (;;) {
    const c = text[at];
    if (c === undefined || c === '\n')
      throw new InputError('unterminated quoted string', { position: start });
    if (c !== '\\' && c !== mark) {
      at++;
      continue;
    }
    if (at > run) {
      flush();
      out += text.slice(run, at);
      shown += quote(text.slice(run, at)).slice(1, -1);
    }
    if (c === mark) {
      flush();
      return isUtf8 ? { value: out, end: at + 1 } : { value: out, end: at + 1, invalid: `"${shown}"` };
    }
    const escaped = scanEscape(text, at + 1, mark, start);
    if (escaped.isByte) bytes.push(escaped.code);
    else {
      flush();
      const char = String.fromCodePoint(escaped.code);
      out += char;
      shown += quote(char).slice(1, -1);
    }
    at = escaped.end;
    run = at;
  }
}

/** `at` is behind the backslash. */
function scanEscape(
  text: string,
  at: number,
  quote: string,
  start: number,
): { code: number; isByte: boolean; end: number } {
  const c = text[at] ?? '';
  const simple = SIMPLE[c];
  if (simple !== undefined) return { code: simple, isByte: false, end: at + 1 };
  if (c === quote) return { code: c.charCodeAt(0), isByte: false, end: at + 1 };
  let digits: number;
  let base = 16;
  let from = at + 1;
  if (c >= '0' && c <= '7') {
    digits = 3;
    base = 8;
    from = at;
  } else if (c === 'x') digits = 2;
  else if (c === 'u') digits = 4;
  else if (c === 'U') digits = 8;
  else if (c === '') throw new InputError('escape sequence not terminated', { position: start });
  else throw new InputError(`unknown escape sequence ${describeChar(text, at)}`, { position: start });
  let code = 0;
  for (let i = from; i < from + digits; i++) {
    const digit = Number.parseInt(text[i] ?? 'z', base);
    if (i >= text.length) throw new InputError('escape sequence not terminated', { position: start });
    if (Number.isNaN(digit)) {
      throw new InputError(`illegal character ${describeChar(text, i)} in escape sequence`, {
        position: start,
      });
    }
    code = code * base + digit;
  }
  const isByte = digits <= 3;
  if ((isByte && code > 255) || code > 0x10ffff || (!isByte && code >= 0xd800 && code < 0xe000)) {
    throw new InputError('escape sequence is an invalid Unicode code point', { position: start });
  }
  return { code, isByte: isByte && code > 127, end: from + digits };
}

/** `U+00E9 'é'`, as Go's %#U. */
export function describeChar(text: string, at: number): string {
  const code = text.codePointAt(at) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} '${String.fromCodePoint(code)}'`;
}

/** A string in double quotes as Go's strconv.Quote writes it. */
export function quote(value: string): string {
  let out = '"';
  for (const char of value) {
    const code = char.codePointAt(0) as number;
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (char === '\n') out += '\\n';
    else if (char === '\t') out += '\\t';
    else if (char === '\r') out += '\\r';
    else if (code === 7) out += '\\a';
    else if (code === 8) out += '\\b';
    else if (code === 12) out += '\\f';
    else if (code === 11) out += '\\v';
    else if (code < 0x20 || code === 0x7f) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (code < 0x7f || isPrintable(char)) out += char;
    else if (code > 0xffff) out += `\\U${code.toString(16).padStart(8, '0')}`;
    else out += `\\u${code.toString(16).padStart(4, '0')}`;
  }
  return `${out}"`;
}

/** A character in single quotes as Go's %q of a rune. */
export function quoteChar(char: string): string {
  if (char === "'") return "'\\''";
  if (char === '"') return `'"'`;
  return `'${quote(char).slice(1, -1)}'`;
}

function isPrintable(char: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(char);
}

/** UTF-8 bytes of a string. */
export function utf8Bytes(value: string): Uint8Array {
  return encoder.encode(value);
}
