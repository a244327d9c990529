/** Go's fmt.Sprintf and fmt.Sprint over template values, with fmt's notes about wrong verbs and missing operands. */

import { TemplateError } from './functions.ts';
import { formatFloat } from './go-number.ts';
import { isList, isMap, isObject, printInner, type TemplateValue, typeName } from './value.ts';

/** fmt.Sprint: spaces between operands when neither is a string. */
export function sprint(values: readonly TemplateValue[]): string {
  let out = '';
  values.forEach((value, i) => {
    if (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string') out += ' ';
    out += printInner(value);
  });
  return out;
}

interface Flags {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number;
  /** -1: none given. */
  precision: number;
}

/** No operand may grow beyond this many characters by its width. */
const MAX_WIDTH = 1_000_000;

/** fmt.Sprintf. */
export function sprintf(format: string, args: readonly TemplateValue[]): string {
  let out = '';
  let next = 0;
  let reordered = false;
  for (let i = 0; i < format.length; i++) {
    const c = format[i] as string;
    if (c !== '%') {
      out += c;
      continue;
    }
    const flags: Flags = {
      minus: false,
      plus: false,
      sharp: false,
      space: false,
      zero: false,
      width: 0,
      precision: -1,
    };
    i++;
    for (; i < format.length; i++) {
      const f = format[i];
      if (f === '-') flags.minus = true;
      else if (f === '+') flags.plus = true;
      else if (f === '#') flags.sharp = true;
      else if (f === ' ') flags.space = true;
      else if (f === '0') flags.zero = true;
      else break;
    }
    let bad = '';
    const number = (): number => {
      const indexed = /^\[(\d+)\]/.exec(format.slice(i, i + 12));
      if (indexed !== null) {
        next = Number(indexed[1]) - 1;
        reordered = true;
        i += indexed[0].length;
      }
      if (format[i] === '*') {
        i++;
        const value = args[next++];
        if (typeof value === 'bigint' && value > -MAX_WIDTH && value < MAX_WIDTH) return Number(value);
        bad = '%!(BADWIDTH)';
        return 0;
      }
      let value = 0;
      while (i < format.length && /\d/.test(format[i] as string)) {
        value = value * 10 + Number(format[i]);
        if (value > MAX_WIDTH) throw new TemplateError('width too large');
        i++;
      }
      return value;
    };
    flags.width = number();
    if (flags.width < 0) {
      flags.minus = true;
      flags.width = -flags.width;
    }
    if (format[i] === '.') {
      i++;
      flags.precision = number();
      if (flags.precision < 0) flags.precision = -1;
    }
    const indexed = /^\[(\d+)\]/.exec(format.slice(i, i + 12));
    if (indexed !== null) {
      next = Number(indexed[1]) - 1;
      reordered = true;
      i += indexed[0].length;
    }
    out += bad;
    const point = format.codePointAt(i);
    if (point === undefined) {
      out += '%!(NOVERB)';
      break;
    }
    const verb = String.fromCodePoint(point);
    i += verb.length - 1;
    if (verb === '%') {
      out += '%';
      continue;
    }
    if (next < 0 || next >= args.length) {
      out += `%!${verb}(${reordered ? 'BADINDEX' : 'MISSING'})`;
      continue;
    }
    out += formatOne(verb, flags, args[next++]);
  }
  if (!reordered && next < args.length) {
    const extra = args
      .slice(next)
      .map((v) => (v === null || v === undefined ? '<nil>' : `${typeName(v)}=${printInner(v)}`));
    out += `%!(EXTRA ${extra.join(', ')})`;
  }
  return out;
}

function pad(text: string, flags: Flags, zeros = false): string {
  const missing = flags.width - [...text].length;
  if (missing <= 0) return text;
  if (flags.minus) return text + ' '.repeat(missing);
  if (!zeros || !flags.zero) return ' '.repeat(missing) + text;
  const sign = /^[+\- ]/.test(text) ? 1 : 0;
  return text.slice(0, sign) + '0'.repeat(missing) + text.slice(sign);
}

function badVerb(verb: string, value: TemplateValue): string {
  if (value === null || value === undefined) return `%!${verb}(<nil>)`;
  return `%!${verb}(${typeName(value)}=${printInner(value)})`;
}

function formatOne(verb: string, flags: Flags, value: TemplateValue): string {
  if (verb === 'T') return pad(value === null || value === undefined ? '<nil>' : typeName(value), flags);
  if (verb === 'v') return formatValue(flags, value);
  switch (typeof value) {
    case 'string':
      return formatString(verb, flags, value);
    case 'bigint':
      return formatInteger(verb, flags, value);
    case 'number':
      return formatNumber(verb, flags, value);
    case 'boolean':
      return verb === 't' ? pad(String(value), flags) : badVerb(verb, value);
  }
  if (value === null || value === undefined) return badVerb(verb, value);
  if (isList(value)) return `[${value.map((v) => formatOne(verb, flags, v)).join(' ')}]`;
  if (isMap(value)) {
    const parts: string[] = [];
    for (const key of value.keys()) {
      parts.push(`${formatOne(verb, flags, key)}:${formatOne(verb, flags, value.get(key))}`);
    }
    return `map[${parts.join(' ')}]`;
  }
  return formatString(verb, flags, value.print());
}

function formatValue(flags: Flags, value: TemplateValue): string {
  switch (typeof value) {
    case 'string':
      return formatString(flags.sharp ? 'q' : 's', { ...flags, sharp: false }, value);
    case 'bigint':
      return formatInteger('d', flags, value);
    case 'number':
      return formatNumber('g', { ...flags, sharp: false }, value);
    default:
      if (isObject(value)) return formatString('s', flags, value.print());
      return pad(printInner(value), flags);
  }
}

function truncate(text: string, precision: number): string {
  return precision < 0 ? text : [...text].slice(0, precision).join('');
}

function formatString(verb: string, flags: Flags, value: string): string {
  switch (verb) {
    case 's':
      return pad(truncate(value, flags.precision), flags);
    case 'q': {
      const text = truncate(value, flags.precision);
      return pad(flags.sharp && !text.includes('`') ? `\`${text}\`` : quote(text, flags.plus), flags);
    }
    case 'x':
    case 'X': {
      const bytes = [...new TextEncoder().encode(value)].slice(
        0,
        flags.precision < 0 ? undefined : flags.precision,
      );
      const hex = bytes.map((b) => b.toString(16).padStart(2, '0'));
      const text = (flags.sharp ? '0x' : '') + hex.join(flags.space ? ' ' : '');
      return pad(verb === 'X' ? text.toUpperCase() : text, flags);
    }
    default:
      return badVerb(verb, value);
  }
}

/** strconv.Quote. */
export function quote(text: string, asciiOnly = false): string {
  let out = '"';
  for (const c of text) {
    const point = c.codePointAt(0) as number;
    const named = NAMED[c];
    if (named !== undefined) out += named;
    else if (point < 0x20 || point === 0x7f) out += `\\x${point.toString(16).padStart(2, '0')}`;
    else if (point > 0x7e && (asciiOnly || !/[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(c))) {
      out +=
        point > 0xffff
          ? `\\U${point.toString(16).padStart(8, '0')}`
          : `\\u${point.toString(16).padStart(4, '0')}`;
    } else out += c;
  }
  return `${out}"`;
}

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

function signed(text: string, negative: boolean, flags: Flags): string {
  if (negative) return `-${text}`;
  if (flags.plus) return `+${text}`;
  return flags.space ? ` ${text}` : text;
}

const BASES: Readonly<Record<string, [base: number, prefix: string]>> = {
  d: [10, ''],
  b: [2, '0b'],
  o: [8, '0'],
  O: [8, ''],
  x: [16, '0x'],
  X: [16, '0X'],
};

function formatInteger(verb: string, flags: Flags, value: bigint): string {
  const base = BASES[verb];
  if (base !== undefined) {
    let digits = (value < 0n ? -value : value).toString(base[0]);
    if (verb === 'X') digits = digits.toUpperCase();
    if (flags.precision >= 0) digits = digits.padStart(flags.precision, '0');
    const prefix = verb === 'O' ? '0o' : flags.sharp ? base[1] : '';
    return pad(signed(prefix + digits, value < 0n, flags), flags, flags.precision < 0);
  }
  switch (verb) {
    case 'c':
    case 'q': {
      const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
      const c = valid ? String.fromCodePoint(Number(value)) : '\ufffd';
      if (verb === 'c') return pad(c, flags);
      const quoted = quote(c).slice(1, -1);
      return pad(`'${c === "'" ? "\\'" : c === '"' ? '"' : quoted}'`, flags);
    }
    case 'U':
      return pad(`U+${value.toString(16).toUpperCase().padStart(4, '0')}`, flags);
    default:
      return badVerb(verb, value);
  }
}

function formatNumber(verb: string, flags: Flags, value: number): string {
  const lower = verb.toLowerCase();
  if (lower !== 'e' && lower !== 'f' && lower !== 'g') return badVerb(verb, value);
  const precision = flags.precision < 0 && lower !== 'g' ? 6 : flags.precision;
  let text = formatFloat(Math.abs(value), lower, precision);
  if (verb === 'E' || verb === 'G') text = text.toUpperCase();
  if (!Number.isFinite(value)) {
    text = text.replace('+', '').replace(/^INF$/, 'Inf').replace(/^NAN$/, 'NaN');
    if (value === Infinity && !flags.plus) return pad('+Inf', flags);
    return pad(signed(text, value < 0, flags), flags);
  }
  const negative = value < 0 || Object.is(value, -0);
  return pad(signed(text, negative, flags), flags, true);
}
