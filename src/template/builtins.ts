/** The functions that every Go template has. `and` and `or` are in execute.ts: they stop early. */

import { compareCodePoints } from '../model/labels.ts';
import { TemplateError, type TemplateFunctions } from './functions.ts';
import { sprint, sprintf } from './printf.ts';
import {
  byteLength,
  isList,
  isMap,
  isObject,
  isTrue,
  printInner,
  sliceBytes,
  type TemplateValue,
  typeName,
} from './value.ts';

function toIndex(value: TemplateValue): number {
  if (typeof value !== 'bigint') throw new Error(`cannot index slice/array with type ${typeName(value)}`);
  return Number(value);
}

function index(args: readonly TemplateValue[]): TemplateValue {
  let value = args[0];
  for (let i = 1; i < args.length; i++) {
    const key = args[i];
    if (value === null || value === undefined) throw new Error('index of untyped nil');
    if (isMap(value)) {
      if (typeof key !== 'string') throw new Error(`value has type ${typeName(key)}; should be string`);
      const found = value.get(key);
      value = found === undefined && !value.has(key) ? value.zero : found;
      continue;
    }
    const at = toIndex(key);
    if (isList(value)) {
      if (at < 0 || at >= value.length) throw new Error(`index out of range: ${at}`);
      value = value[at];
    } else if (typeof value === 'string') {
      const bytes = new TextEncoder().encode(value);
      if (at < 0 || at >= bytes.length) throw new Error(`index out of range: ${at}`);
      value = BigInt(bytes[at] as number);
    } else throw new Error(`can't index item of type ${typeName(value)}`);
  }
  return value;
}

function slice(args: readonly TemplateValue[]): TemplateValue {
  const value = args[0];
  if (args.length > 4) throw new Error('too many slice indexes');
  const length = typeof value === 'string' ? byteLength(value) : isList(value) ? value.length : undefined;
  if (length === undefined) throw new Error(`can't slice item of type ${typeName(value)}`);
  if (typeof value === 'string' && args.length === 4) throw new Error('cannot 3-index slice a string');
  const start = args.length > 1 ? toIndex(args[1]) : 0;
  const end = args.length > 2 ? toIndex(args[2]) : length;
  for (const at of [start, end]) if (at < 0 || at > length) throw new Error(`index out of range: ${at}`);
  if (start > end) throw new Error(`invalid slice index: ${start} > ${end}`);
  return typeof value === 'string'
    ? sliceBytes(value, start, end)
    : (value as readonly TemplateValue[]).slice(start, end);
}

function length(value: TemplateValue): bigint {
  if (typeof value === 'string') return BigInt(byteLength(value));
  if (isList(value)) return BigInt(value.length);
  if (isMap(value)) return BigInt(value.size);
  if (value === null || value === undefined) throw new Error('len of nil pointer');
  throw new Error(`len of type ${typeName(value)}`);
}

/** eq for two basic values; different kinds cannot be compared, as in Go. */
function equal(a: TemplateValue, b: TemplateValue): boolean {
  const none = (v: TemplateValue): boolean => v === null || v === undefined;
  if (none(a) || none(b)) return none(a) && none(b);
  if (isObject(a) && isObject(b) && a.equalityKey !== undefined && b.equalityKey !== undefined) {
    return a.equalityKey === b.equalityKey;
  }
  for (const v of [a, b]) {
    if (typeof v === 'object') throw new Error(`non-comparable type ${printInner(v)}: ${typeName(v)}`);
  }
  if (typeof a !== typeof b) throw new Error('incompatible types for comparison');
  return a === b;
}

function less(a: TemplateValue, b: TemplateValue): boolean {
  for (const v of [a, b]) {
    if (typeof v === 'boolean' || typeof v === 'object' || v === undefined) {
      throw new Error('invalid type for comparison');
    }
  }
  if (typeof a !== typeof b) throw new Error('incompatible types for comparison');
  if (typeof a === 'string') return compareCodePoints(a, b as string) < 0;
  return (a as bigint | number) < (b as bigint | number);
}

/** html/template's HTMLEscapeString. */
export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (c) => {
    switch (c) {
      case '"':
        return '&#34;';
      case "'":
        return '&#39;';
      case '&':
        return '&amp;';
      case '<':
        return '&lt;';
      case '>':
        return '&gt;';
      default:
        return '\ufffd';
    }
  });
}

function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\p{Cc}\u2028\u2029]/gu, (c) => {
    switch (c) {
      case '\\':
        return '\\\\';
      case "'":
        return "\\'";
      case '"':
        return '\\"';
      default:
        return `\\u${(c.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}`;
    }
  });
}

/** net/url's QueryEscape. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

const two = (call: (a: TemplateValue, b: TemplateValue) => TemplateValue) =>
  ({ params: ['any', 'any'], call: (args) => call(args[0], args[1]) }) satisfies TemplateFunctions[string];

export const BUILTINS: TemplateFunctions = {
  and: { params: ['any'], rest: 'any', call: (args) => args[0] },
  or: { params: ['any'], rest: 'any', call: (args) => args[0] },
  not: { params: ['any'], call: (args) => !isTrue(args[0]) },
  call: {
    params: ['any'],
    rest: 'any',
    call: () => {
      throw new TemplateError('call of a value that is no function');
    },
  },
  html: { params: [], rest: 'any', call: (args) => escapeHtml(textOf(args)) },
  js: { params: [], rest: 'any', call: (args) => escapeJs(textOf(args)) },
  urlquery: { params: [], rest: 'any', call: (args) => escapeQuery(textOf(args)) },
  index: { params: ['any'], rest: 'any', call: index },
  slice: { params: ['any'], rest: 'any', call: slice },
  len: { params: ['any'], call: (args) => length(args[0]) },
  print: { params: [], rest: 'any', call: (args) => sprint(args) },
  println: { params: [], rest: 'any', call: (args) => `${args.map(printInner).join(' ')}\n` },
  printf: { params: ['string'], rest: 'any', call: (args) => sprintf(args[0] as string, args.slice(1)) },
  eq: {
    params: ['any'],
    rest: 'any',
    call: (args) => {
      if (args.length < 2) throw new Error('missing argument for comparison');
      return args.slice(1).some((other) => equal(args[0], other));
    },
  },
  ne: two((a, b) => !equal(a, b)),
  lt: two(less),
  le: two((a, b) => less(a, b) || equal(a, b)),
  gt: two((a, b) => !(less(a, b) || equal(a, b))),
  ge: two((a, b) => !less(a, b)),
};

function textOf(args: readonly TemplateValue[]): string {
  return args.length === 1 && typeof args[0] === 'string' ? args[0] : sprint(args);
}
