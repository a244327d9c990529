/**
 * The functions that line_format and label_format give to templates: Loki's own, and the part of the sprig library that
 * its documentation lists. Times are those of the line and of the query; nothing here asks a clock.
 */

import { escapeQuery } from '../../template/builtins.ts';
import { type ParameterType, TemplateError, type TemplateFunctions } from '../../template/functions.ts';
import { GoTime, parseGoTime, ZERO_TIME_NS } from '../../template/go-time.ts';
import { isZone } from '../../template/time-zone.ts';
import { byteLength, isTrue, sliceBytes, type TemplateValue, ValueMap } from '../../template/value.ts';
import { parseGoDuration } from '../syntax/durations.ts';
import { parseGoFloat } from '../syntax/numbers.ts';
import { compileRegex } from '../syntax/regex.ts';
import { decimalFold } from './decimal.ts';
import { parseBytes } from './units.ts';

/** What the functions know of the line at hand. */
export interface TemplateContext {
  readonly line: string;
  readonly timeNs: bigint;
  /** When the query began. */
  readonly nowNs: bigint;
}

/** Text that `repeat` and `indent` may make at most. */
const MAX_TEXT = 1_000_000;

const text = (value: TemplateValue): string => value as string;
const toCount = (value: TemplateValue): number => Number(value as bigint);

/** cast.ToInt64: what is no whole number is 0, text may have Go's prefixes. */
function toInt(value: TemplateValue): bigint {
  switch (typeof value) {
    case 'bigint':
      return value;
    case 'number':
      return Number.isFinite(value) ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : -(2n ** 63n);
    case 'boolean':
      return value ? 1n : 0n;
    case 'string': {
      const clean = value.replace(/\.0+$/, '').replaceAll('_', '');
      const parts = /^([+-]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9]\d*)$/.exec(clean);
      if (parts === null) return 0n;
      const digits = parts[2] as string;
      const magnitude = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
      const signed = parts[1] === '-' ? -magnitude : magnitude;
      return BigInt.asIntN(64, signed) === signed ? signed : 0n;
    }
    default:
      return 0n;
  }
}

/** cast.ToFloat64. */
function toFloat(value: TemplateValue): number {
  switch (typeof value) {
    case 'number':
      return value;
    case 'bigint':
      return Number(value);
    case 'boolean':
      return value ? 1 : 0;
    case 'string':
      return parseGoFloat(value) ?? 0;
    default:
      return 0;
  }
}

const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);

/** Go changes the case of single characters: ß has no upper case of one character and stays. */
function mapCase(value: string, change: (c: string) => string): string {
  if (/^[\0-\x7f]*$/.test(value)) return change(value);
  let out = '';
  for (const c of value) {
    const changed = change(c);
    out += [...changed].length === 1 ? changed : c;
  }
  return out;
}

const upper = (value: string): string => mapCase(value, (c) => c.toUpperCase());
const lower = (value: string): string => mapCase(value, (c) => c.toLowerCase());

/** strings.Title: a letter behind a separator becomes a capital. */
function title(value: string): string {
  let out = '';
  let before = ' ';
  for (const c of value) {
    const inWord = before <= '\x7f' ? /[0-9A-Za-z_]/.test(before) : !/\s/u.test(before);
    out += inWord ? c : upper(c);
    before = c;
  }
  return out;
}

function trimSet(value: string, set: string, left: boolean, right: boolean): string {
  const cut = new Set(set);
  const chars = [...value];
  let start = 0;
  let end = chars.length;
  while (left && start < end && cut.has(chars[start] as string)) start++;
  while (right && end > start && cut.has(chars[end - 1] as string)) end--;
  return chars.slice(start, end).join('');
}

/** strings.TrimSpace: Unicode's white space, which is not quite JavaScript's. */
const trimSpace = (value: string): string =>
  value.replace(/^[\s\u0085]+(?<!\ufeff)/u, '').replace(/[\s\u0085]+$/u, '');

function bounded(length: number): void {
  if (length > MAX_TEXT) throw new TemplateError(`text of more than ${MAX_TEXT} characters`);
}

function indent(spaces: number, value: string): string {
  if (spaces < 0) throw new Error('strings: negative Repeat count');
  bounded(spaces * (value.split('\n').length + 1));
  const pad = ' '.repeat(spaces);
  return pad + value.replaceAll('\n', `\n${pad}`);
}

function align(value: string, width: number, left: boolean): string {
  const chars = [...value];
  if (width < 0 || width === chars.length) return value;
  bounded(width);
  if (width > chars.length) {
    const pad = ' '.repeat(width - chars.length);
    return left ? value + pad : pad + value;
  }
  return (left ? chars.slice(0, width) : chars.slice(chars.length - width)).join('');
}

function substr(start: number, end: number, value: string): string {
  const length = byteLength(value);
  const cut = (from: number, to: number): string => {
    if (from > to || to > length || to < 0) {
      throw new Error(`runtime error: slice bounds out of range [${from}:${to}]`);
    }
    return sliceBytes(value, from, to);
  };
  if (start < 0) return cut(0, end);
  return end < 0 || end > length ? cut(start, length) : cut(start, end);
}

function truncate(count: number, value: string): string {
  const length = byteLength(value);
  if (count < 0 && length + count > 0) return sliceBytes(value, length + count, length);
  return count >= 0 && length > count ? sliceBytes(value, 0, count) : value;
}

/** encoding/base64's standard alphabet; the error is the answer, as sprig has it. */
function decodeBase64(value: string): string {
  const clean = value.replace(/[\r\n]/g, '');
  const bad = clean.search(/[^A-Za-z0-9+/=]/);
  const padding = clean.indexOf('=');
  if (bad >= 0) return `illegal base64 data at input byte ${bad}`;
  if (clean.length % 4 !== 0) return `illegal base64 data at input byte ${clean.length - (clean.length % 4)}`;
  if (padding >= 0 && !/^={1,2}$/.test(clean.slice(padding))) {
    return `illegal base64 data at input byte ${padding}`;
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    Uint8Array.from(atob(clean), (c) => c.charCodeAt(0)),
  );
}

function encodeBase64(value: string): string {
  let binary = '';
  for (const byte of new TextEncoder().encode(value)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function decodeQuery(value: string): string {
  const bytes: number[] = [];
  const source = new TextEncoder().encode(value);
  for (let i = 0; i < source.length; i++) {
    const c = source[i] as number;
    if (c === 0x2b) bytes.push(0x20);
    else if (c === 0x25) {
      const hex = String.fromCharCode(source[i + 1] ?? 0, source[i + 2] ?? 0);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) {
        throw new Error(`invalid URL escape ${JSON.stringify(`%${hex.replaceAll('\0', '')}`)}`);
      }
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else bytes.push(c);
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes));
}

function fromJson(value: string): TemplateValue {
  try {
    return jsonValue(JSON.parse(value));
  } catch {
    return null;
  }
}

function jsonValue(value: unknown): TemplateValue {
  if (Array.isArray(value)) return value.map(jsonValue);
  if (typeof value === 'object' && value !== null) {
    return new ValueMap(new Map(Object.entries(value).map(([k, v]) => [k, jsonValue(v)])));
  }
  return value as string | number | boolean | null;
}

/** What `date` shows: the time in UTC, which stands for Loki's local time. */
function toTime(value: TemplateValue, context: unknown): GoTime {
  if (value instanceof GoTime) return new GoTime(value.ns);
  if (typeof value === 'bigint') return new GoTime(value * 1_000_000_000n);
  return new GoTime((context as TemplateContext).nowNs);
}

function parseOrZero(layout: string, value: string, zone: string): GoTime {
  try {
    return parseGoTime(layout, value, zone);
  } catch {
    return new GoTime(ZERO_TIME_NS, zone);
  }
}

/** Nanoseconds of one unit, by the number of digits that a time since the epoch has. */
const EPOCH_UNITS: Readonly<Record<number, bigint>> = {
  5: 86_400_000_000_000n,
  10: 1_000_000_000n,
  13: 1_000_000n,
  16: 1000n,
  19: 1n,
};

function unixToTime(value: string): GoTime {
  const unit = EPOCH_UNITS[value.length];
  if (unit === undefined || !/^[+-]?\d+$/.test(value)) throw new Error(`unable to parse time '${value}'`);
  return new GoTime(BigInt(value) * unit);
}

function round(value: number, places: number, roundOn: number): number {
  const power = 10 ** places;
  const digit = power * value;
  const rest = digit - Math.trunc(digit);
  return (rest >= roundOn ? Math.ceil(digit) : Math.floor(digit)) / power;
}

function seconds(value: string): number {
  const ns = parseGoDuration(value);
  if (ns === undefined) throw new Error(`time: invalid duration ${JSON.stringify(value)}`);
  return Number(ns) / 1e9;
}

function bytes(value: string): number {
  const size = parseBytes(value);
  if (size === undefined) throw new Error(`unhandled size name: ${JSON.stringify(value)}`);
  return size;
}

type Call = (args: readonly TemplateValue[], context: unknown) => TemplateValue;

const fn = (params: readonly ParameterType[], call: Call, rest?: ParameterType) => ({
  params,
  call,
  ...(rest === undefined ? {} : { rest }),
});
const strings1 = (call: (a: string) => TemplateValue) => fn(['string'], (args) => call(text(args[0])));
const strings2 = (call: (a: string, b: string) => TemplateValue) =>
  fn(['string', 'string'], (args) => call(text(args[0]), text(args[1])));
const integers = (call: (a: bigint, b: bigint) => bigint) =>
  fn(['any', 'any'], (args) => wrap(call(toInt(args[0]), toInt(args[1]))));
const foldIntegers = (call: (a: bigint, b: bigint) => bigint) =>
  fn(['any'], (args) => wrap(args.map(toInt).reduce(call)), 'any');
const foldFloats = (call: (a: number, b: number) => number) =>
  fn(['any'], (args) => args.map(toFloat).reduce(call), 'any');
const decimals = (operation: 'add' | 'sub' | 'mul' | 'div') =>
  fn(['any'], (args) => decimalFold(operation, args.map(toFloat)), 'any');

function larger(a: bigint, b: bigint): bigint {
  if (b > a) return b;
  return a;
}

function smaller(a: bigint, b: bigint): bigint {
  if (b < a) return b;
  return a;
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new Error('runtime error: integer divide by zero');
  return value;
}

function replaceLiteral(pattern: string, value: string, replacement: string): string {
  return compileRegex(pattern).replaceAll(value, replacement.replaceAll('$', '$$$$'));
}

function countMatches(pattern: string, value: string): bigint {
  let count = 0n;
  const regex = compileRegex(pattern);
  // Go's FindAll: an empty match right behind another does not count.
  let from = 0;
  let lastEnd = -1;
  while (from <= value.length) {
    const found = regex.match(value, from);
    if (found === undefined) break;
    if (found.end > found.start || found.start !== lastEnd) count++;
    lastEnd = found.end;
    from = found.end > found.start ? found.end : found.end + 1;
  }
  return count;
}

/** strings.Replace: the first n, or all when n is negative. */
function replaceSome(value: string, from: string, to: string, n: number): string {
  if (n < 0) return from === '' ? [...value].map((c) => to + c).join('') + to : value.replaceAll(from, to);
  let out = '';
  let rest = value;
  for (let i = 0; i < n; i++) {
    const at = rest.indexOf(from);
    if (at < 0 || (from === '' && rest === '')) break;
    const step = from === '' ? ([...rest][0]?.length ?? 0) : 0;
    out += rest.slice(0, at) + to + rest.slice(at, at + step);
    rest = rest.slice(at + from.length + step);
  }
  return out + rest;
}

export const LOGQL_FUNCTIONS: TemplateFunctions = {
  __line__: fn([], (_, context) => (context as TemplateContext).line),
  __timestamp__: fn([], (_, context) => new GoTime((context as TemplateContext).timeNs)),
  now: fn([], (_, context) => new GoTime((context as TemplateContext).nowNs)),

  ToLower: strings1(lower),
  ToUpper: strings1(upper),
  Replace: fn(['string', 'string', 'string', 'int'], (args) =>
    replaceSome(text(args[0]), text(args[1]), text(args[2]), toCount(args[3])),
  ),
  Trim: strings2((value, set) => trimSet(value, set, true, true)),
  TrimLeft: strings2((value, set) => trimSet(value, set, true, false)),
  TrimRight: strings2((value, set) => trimSet(value, set, false, true)),
  TrimPrefix: strings2((value, prefix) => (value.startsWith(prefix) ? value.slice(prefix.length) : value)),
  TrimSuffix: strings2((value, suffix) =>
    suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
  ),
  TrimSpace: strings1(trimSpace),

  lower: strings1(lower),
  upper: strings1(upper),
  title: strings1(title),
  trim: strings1(trimSpace),
  trimAll: strings2((set, value) => trimSet(value, set, true, true)),
  trimPrefix: strings2((prefix, value) => (value.startsWith(prefix) ? value.slice(prefix.length) : value)),
  trimSuffix: strings2((suffix, value) =>
    suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
  ),
  trunc: fn(['int', 'string'], (args) => truncate(toCount(args[0]), text(args[1]))),
  substr: fn(['int', 'int', 'string'], (args) => substr(toCount(args[0]), toCount(args[1]), text(args[2]))),
  contains: strings2((part, value) => value.includes(part)),
  hasPrefix: strings2((prefix, value) => value.startsWith(prefix)),
  hasSuffix: strings2((suffix, value) => value.endsWith(suffix)),
  indent: fn(['int', 'string'], (args) => indent(toCount(args[0]), text(args[1]))),
  nindent: fn(['int', 'string'], (args) => `\n${indent(toCount(args[0]), text(args[1]))}`),
  replace: fn(['string', 'string', 'string'], (args) =>
    replaceSome(text(args[2]), text(args[0]), text(args[1]), -1),
  ),
  repeat: fn(['int', 'string'], (args) => {
    const count = toCount(args[0]);
    if (count < 0) throw new Error('strings: negative Repeat count');
    bounded(count * text(args[1]).length);
    return text(args[1]).repeat(count);
  }),
  alignLeft: fn(['int', 'string'], (args) => align(text(args[1]), toCount(args[0]), true)),
  alignRight: fn(['int', 'string'], (args) => align(text(args[1]), toCount(args[0]), false)),
  b64enc: strings1(encodeBase64),
  b64dec: strings1(decodeBase64),
  urlencode: strings1(escapeQuery),
  urldecode: strings1(decodeQuery),
  regexReplaceAll: fn(['string', 'string', 'string'], (args) =>
    compileRegex(text(args[0])).replaceAll(text(args[1]), text(args[2])),
  ),
  regexReplaceAllLiteral: fn(['string', 'string', 'string'], (args) =>
    replaceLiteral(text(args[0]), text(args[1]), text(args[2])),
  ),
  count: strings2(countMatches),
  default: fn(['any'], (args) => (args.length < 2 || !isTrue(args[1]) ? args[0] : args[1]), 'any'),
  fromJson: strings1(fromJson),

  int: fn(['any'], (args) => toInt(args[0])),
  float64: fn(['any'], (args) => toFloat(args[0])),
  add: foldIntegers((a, b) => a + b),
  mul: foldIntegers((a, b) => a * b),
  sub: integers((a, b) => a - b),
  div: integers((a, b) => a / nonZero(b)),
  mod: integers((a, b) => a % nonZero(b)),
  max: foldIntegers(larger),
  min: foldIntegers(smaller),
  addf: decimals('add'),
  subf: decimals('sub'),
  mulf: decimals('mul'),
  divf: decimals('div'),
  maxf: foldFloats((a, b) => Math.max(a, b)),
  minf: foldFloats((a, b) => Math.min(a, b)),
  ceil: fn(['any'], (args) => Math.ceil(toFloat(args[0]))),
  floor: fn(['any'], (args) => Math.floor(toFloat(args[0]))),
  round: fn(
    ['any', 'int'],
    (args) => round(toFloat(args[0]), toCount(args[1]), args.length > 2 ? (args[2] as number) : 0.5),
    'float64',
  ),

  bytes: strings1(bytes),
  duration: strings1(seconds),
  duration_seconds: strings1(seconds),

  date: fn(['string', 'any'], (args, context) => toTime(args[1], context).format(text(args[0]))),
  toDate: strings2((layout, value) => parseOrZero(layout, value, 'UTC')),
  toDateInZone: fn(['string', 'string', 'string'], (args) => {
    const zone = text(args[1]);
    return parseOrZero(text(args[0]), text(args[2]), isZone(zone) ? zone : 'UTC');
  }),
  unixEpoch: fn(['time.Time'], (args) => String((args[0] as GoTime).member('Unix', []))),
  unixEpochMillis: fn(['time.Time'], (args) => String((args[0] as GoTime).member('UnixMilli', []))),
  unixEpochNanos: fn(['time.Time'], (args) => String((args[0] as GoTime).member('UnixNano', []))),
  unixToTime: strings1(unixToTime),
};
