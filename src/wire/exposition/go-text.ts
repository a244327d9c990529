/** Numbers and quoted text as exposition formats and their error messages have them (Go's conventions), over bytes. */

import { InputError } from '../../model/errors.ts';

const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i);
const latin1 = new TextDecoder('latin1');

/**
 * The float in bytes[start..end) as Go's strconv.ParseFloat reads it, without the forms that came after Go 1.12
 * (underscores, hexadecimal). Throws InputError in Go's words.
 */
export function readFloat(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const sign = bytes[at];
  if (sign === 45 || sign === 43) at++;
  let mantissa = 0;
  let digits = 0;
  let scale = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) break;
    mantissa = mantissa * 10 + digit;
    digits++;
  }
  if (bytes[at] === 46 && at < end) {
    for (at++; at < end; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) break;
      mantissa = mantissa * 10 + digit;
      digits++;
      scale--;
    }
  }
  if (at < end && ((bytes[at] as number) | 32) === 101 && digits > 0) {
    let exponent = 0;
    let negative = false;
    let some = false;
    at++;
    if (at < end && (bytes[at] === 45 || bytes[at] === 43)) negative = bytes[at++] === 45;
    for (; at < end; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9 || exponent > 9999) break;
      exponent = exponent * 10 + digit;
      some = true;
    }
    if (!some) digits = 0;
    scale += negative ? -exponent : exponent;
  }
  // Mantissa and power are exact, so one operation rounds correctly.
  if (at === end && digits > 0 && mantissa < 9007199254740992 && scale >= -22 && scale <= 22) {
    const value = scale < 0 ? mantissa / (POWERS[-scale] as number) : mantissa * (POWERS[scale] as number);
    return sign === 45 ? -value : value;
  }
  return slowFloat(bytes, start, end);
}

function slowFloat(bytes: Uint8Array, start: number, end: number): number {
  const text = latin1.decode(bytes.subarray(start, end));
  if (/[pP_]/.test(text)) throw new InputError('unsupported character in float');
  const value = goFloat(text);
  if (value === undefined) {
    throw new InputError(`strconv.ParseFloat: parsing ${quoteBytes(bytes, start, end)}: invalid syntax`);
  }
  if (!Number.isFinite(value) && /\d/.test(text)) {
    throw new InputError(`strconv.ParseFloat: parsing ${quoteBytes(bytes, start, end)}: value out of range`);
  }
  return value;
}

/** Decimal floats, inf, infinity (signed) and nan in any case; undefined for anything else. */
export function goFloat(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  const special = /^([+-]?)inf(?:inity)?$/i.exec(text);
  if (special !== null) return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return /^nan$/i.test(text) ? Number.NaN : undefined;
}

/** Values of `le` and `quantile` in OpenMetrics's canonical form: 1.0, 0.5, 1e+06, +Inf. */
export function formatBound(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  // Go's shortest %g: an exponent below -4 and from six digits before the point on.
  if (exponent < -4 || exponent >= 6) {
    return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u;
const ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
  34: '\\"',
  92: '\\\\',
};
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** bytes[start..end) quoted as Go's %q does; what is not UTF-8 becomes \xNN. */
export function quoteBytes(bytes: Uint8Array, start: number, end: number): string {
  let out = '"';
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte < 0x80) {
      out += quoteAscii(byte);
      at++;
      continue;
    }
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    let character: string | undefined;
    try {
      character = at + size <= end ? strict.decode(bytes.subarray(at, at + size)) : undefined;
    } catch {
      character = undefined;
    }
    if (character === undefined) {
      out += `\\x${byte.toString(16).padStart(2, '0')}`;
      at++;
    } else {
      const code = character.codePointAt(0) as number;
      if (PRINTABLE.test(character)) out += character;
      else out += code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
      at += size;
    }
  }
  return `${out}"`;
}

function quoteAscii(byte: number): string {
  const known = ESCAPES[byte];
  if (known !== undefined) return known;
  return byte < 32 || byte === 127 ? `\\x${hex(byte, 2)}` : String.fromCharCode(byte);
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0');
}

const encoder = new TextEncoder();

/** A string quoted as Go's %q does. */
export function quoteText(text: string): string {
  const bytes = encoder.encode(text);
  return quoteBytes(bytes, 0, bytes.length);
}
