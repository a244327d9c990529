/**
 * Values of TraceQL expressions: what a literal, an attribute or an intrinsic evaluates to, how two of them compare
 * and how they are written. Knows nothing of spans or queries.
 */

import type { AttributeValue } from '../../model/select-spans.ts';

export const STATUS_NAMES = ['unset', 'ok', 'error'] as const;
export const KIND_NAMES = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Attribute values as stored, and what only intrinsics and literals have. Durations are nanoseconds. */
export type Static =
  | Exclude<AttributeValue, { readonly type: 'other' }>
  | { readonly type: 'nil' }
  | { readonly type: 'duration'; readonly value: bigint }
  /** OTLP's numbers. */
  | { readonly type: 'status'; readonly value: number }
  | { readonly type: 'kind'; readonly value: number };

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';
export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '^';

export const NIL: Static = { type: 'nil' };
export const TRUE: Static = { type: 'bool', value: true };
export const FALSE: Static = { type: 'bool', value: false };

export const boolStatic = (value: boolean): Static => (value ? TRUE : FALSE);
export const stringStatic = (value: string): Static => ({ type: 'string', value });
export const intStatic = (value: number): Static => ({ type: 'int', value: BigInt(value) });
export const durationStatic = (value: bigint): Static => ({ type: 'duration', value });

const statuses: readonly Static[] = STATUS_NAMES.map((_, value) => ({ type: 'status', value }));
const kinds: readonly Static[] = KIND_NAMES.map((_, value) => ({ type: 'kind', value }));

/** OTLP's status code as a value; unknown codes count as unset. */
export const statusStatic = (code: number): Static => statuses[code] ?? (statuses[0] as Static);

/** OTLP's span kind as a value; unknown kinds count as unspecified. */
export const kindStatic = (kind: number): Static => kinds[kind] ?? (kinds[0] as Static);

/** Numbers, durations included. */
export function isNumeric(type: Static['type']): boolean {
  return type === 'int' || type === 'double' || type === 'duration';
}

/** A number as float64 (durations in nanoseconds), or undefined. */
export function toNumber(value: Static): number | undefined {
  switch (value.type) {
    case 'int':
    case 'duration':
      return Number(value.value);
    case 'double':
      return value.value;
    default:
      return undefined;
  }
}

/** Text order by code points, as Go compares UTF-8 strings. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for code points above all others of the basic plane.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}

function ordered(op: Comparison, sign: number): boolean {
  switch (op) {
    case '=':
      return sign === 0;
    case '!=':
      return sign !== 0;
    case '<':
      return sign < 0;
    case '<=':
      return sign <= 0;
    case '>':
      return sign > 0;
    case '>=':
      return sign >= 0;
  }
}

function compareNumbers(op: Comparison, a: number, b: number): boolean {
  switch (op) {
    case '=':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

/**
 * Compares two single values. Values that cannot be compared (nil, different types) give false for every operator,
 * `!=` included. Numbers compare across int, double and duration.
 */
function compareSingle(op: Comparison, a: Static, b: Static): boolean {
  if (isNumeric(a.type) && isNumeric(b.type)) {
    if (a.type !== 'double' && b.type !== 'double') {
      const x = (a as { value: bigint }).value;
      const y = (b as { value: bigint }).value;
      return ordered(op, x < y ? -1 : x > y ? 1 : 0);
    }
    return compareNumbers(op, toNumber(a) as number, toNumber(b) as number);
  }
  if (a.type !== b.type) return false;
  switch (a.type) {
    case 'string':
      if (op === '=') return a.value === (b as { value: string }).value;
      if (op === '!=') return a.value !== (b as { value: string }).value;
      return ordered(op, compareText(a.value, (b as { value: string }).value));
    case 'bool':
    case 'status':
    case 'kind':
      if (op === '=') return a.value === (b as { value: unknown }).value;
      if (op === '!=') return a.value !== (b as { value: unknown }).value;
      return false;
    default:
      return false;
  }
}

/** Compares two values; an array matches when any of its elements does. Two arrays never match. */
export function compareStatics(op: Comparison, a: Static, b: Static): boolean {
  if (a.type === 'array') {
    if (b.type === 'array') return false;
    for (const item of a.value) if (item.type !== 'other' && compareSingle(op, item, b)) return true;
    return false;
  }
  if (b.type === 'array') {
    for (const item of b.value) if (item.type !== 'other' && compareSingle(op, a, item)) return true;
    return false;
  }
  return compareSingle(op, a, b);
}

const MIN_INT = -(1n << 63n);
const wrap = (value: bigint): bigint => BigInt.asIntN(64, value);

function integerArithmetic(op: Arithmetic, a: bigint, b: bigint): Static {
  switch (op) {
    case '+':
      return { type: 'int', value: wrap(a + b) };
    case '-':
      return { type: 'int', value: wrap(a - b) };
    case '*':
      return { type: 'int', value: wrap(a * b) };
    case '/':
      // Whole division, as in Go; there is no such number when dividing by zero.
      if (b === 0n) return NIL;
      return { type: 'int', value: a === MIN_INT && b === -1n ? MIN_INT : a / b };
    case '%':
      return b === 0n ? NIL : { type: 'int', value: a % b };
    case '^': {
      const value = Number(a) ** Number(b);
      return Number.isSafeInteger(value) ? { type: 'int', value: BigInt(value) } : { type: 'double', value };
    }
  }
}

/** Arithmetic of two numbers. Ints stay ints; everything else is computed in float64 (durations in nanoseconds). */
export function arithmetic(op: Arithmetic, a: Static, b: Static): Static {
  if (a.type === 'int' && b.type === 'int') return integerArithmetic(op, a.value, b.value);
  const x = toNumber(a);
  const y = toNumber(b);
  if (x === undefined || y === undefined) return NIL;
  switch (op) {
    case '+':
      return { type: 'double', value: x + y };
    case '-':
      return { type: 'double', value: x - y };
    case '*':
      return { type: 'double', value: x * y };
    case '/':
      return { type: 'double', value: x / y };
    case '%':
      return { type: 'double', value: x % y };
    case '^':
      return { type: 'double', value: x ** y };
  }
}

/** A text that is the same exactly for equal values of the same type; for grouping. */
export function staticKey(value: Static): string {
  switch (value.type) {
    case 'nil':
      return 'n';
    case 'string':
      return `s${value.value}`;
    case 'int':
      return `i${value.value}`;
    case 'double':
      return `d${value.value}`;
    case 'bool':
      return value.value ? 'bt' : 'bf';
    case 'duration':
      return `u${value.value}`;
    case 'status':
      return `t${value.value}`;
    case 'kind':
      return `k${value.value}`;
    case 'array':
      return `a${JSON.stringify(value.value.map((item) => (item.type === 'other' ? item.json : staticKey(item))))}`;
  }
}

/** A duration as Go writes it: `1.5s`, `2m3s`, `250µs`, `0s`. */
export function formatDuration(ns: bigint): string {
  if (ns === 0n) return '0s';
  const sign = ns < 0n ? '-' : '';
  const abs = ns < 0n ? -ns : ns;
  const fraction = (value: bigint, unit: bigint): string => {
    const rest = value % unit;
    if (rest === 0n) return `${value / unit}`;
    const digits = rest
      .toString()
      .padStart(unit.toString().length - 1, '0')
      .replace(/0+$/, '');
    return `${value / unit}.${digits}`;
  };
  if (abs < 1_000n) return `${sign}${abs}ns`;
  if (abs < 1_000_000n) return `${sign}${fraction(abs, 1_000n)}µs`;
  if (abs < 1_000_000_000n) return `${sign}${fraction(abs, 1_000_000n)}ms`;
  const hours = abs / 3_600_000_000_000n;
  const minutes = (abs / 60_000_000_000n) % 60n;
  const seconds = `${fraction(abs % 60_000_000_000n, 1_000_000_000n)}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

/** A float64 as Go's %g with the shortest digits writes it; always with a point or an exponent. */
export function formatFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const abs = Math.abs(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  if (abs < 1e-4 || abs >= 1e21) {
    const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
    const size = Math.abs(Number(exponent)).toString().padStart(2, '0');
    return `${mantissa}e${exponent.startsWith('-') ? '-' : '+'}${size}`;
  }
  const text = value.toString();
  return text.includes('.') ? text : `${text}.0`;
}

/** A string literal, in back quotes when it can be. */
function quote(text: string): string {
  if (!/[`\r]/.test(text)) return `\`${text}\``;
  return `"${text
    .replace(/[\\"]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')}"`;
}

/** A value as it stands in a query; with `quotes` off, strings stand bare (names of values in answers). */
export function formatStatic(value: Static, quotes = true): string {
  switch (value.type) {
    case 'nil':
      return 'nil';
    case 'string':
      return quotes ? quote(value.value) : value.value;
    case 'int':
      return value.value.toString();
    case 'double':
      return formatFloat(value.value);
    case 'bool':
      return value.value ? 'true' : 'false';
    case 'duration':
      return formatDuration(value.value);
    case 'status':
      return STATUS_NAMES[value.value] ?? 'unset';
    case 'kind':
      return KIND_NAMES[value.value] ?? 'unspecified';
    case 'array':
      return `[${value.value.map((item) => (item.type === 'other' ? item.json : formatStatic(item, quotes))).join(', ')}]`;
  }
}
