/**
 * Values as Go's text/template sees them, and what is common to all of them: kind, truth, comparison, printing.
 *
 * A Go int is a bigint here and a float64 is a number, so that `{{ 3 }}` and `{{ 3.0 }}` stay different things.
 * Strings are JavaScript strings; where Go counts bytes, UTF-8 bytes are counted.
 */

import { compareCodePoints } from '../model/labels.ts';
import { formatFloat } from './go-number.ts';

/** A map with string keys. `zero` is what a missing key gives: undefined prints "<no value>". */
export interface TemplateMap {
  readonly templateKind: 'map';
  readonly zero: TemplateValue;
  readonly size: number;
  get(key: string): TemplateValue;
  has(key: string): boolean;
  /** Keys in the order in which Go visits them: sorted. */
  keys(): Iterable<string>;
}

/** A struct or a value with methods. */
export interface TemplateObject {
  readonly templateKind: 'object';
  /** Go's name of the type, for error messages. */
  readonly typeName: string;
  /** A field's value or the result of a method; undefined when there is neither. Throw to fail the execution. */
  member(name: string, args: readonly TemplateValue[]): TemplateValue | undefined;
  /** What printing it gives. */
  print(): string;
  /** Two objects that `eq` may compare give the same key when they are equal. */
  readonly equalityKey?: string;
}

export type TemplateValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | readonly TemplateValue[]
  | TemplateMap
  | TemplateObject;

/** A map[string]any, as parsed JSON gives, or a map[string]string with `zero` = ''. */
export class ValueMap implements TemplateMap {
  readonly templateKind = 'map';
  readonly zero: TemplateValue;
  readonly #entries: ReadonlyMap<string, TemplateValue>;

  constructor(entries: ReadonlyMap<string, TemplateValue>, zero: TemplateValue = undefined) {
    this.#entries = entries;
    this.zero = zero;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): TemplateValue {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  keys(): string[] {
    return [...this.#entries.keys()].sort(compareCodePoints);
  }
}

export function isMap(value: TemplateValue): value is TemplateMap {
  return (
    typeof value === 'object' && value !== null && 'templateKind' in value && value.templateKind === 'map'
  );
}

export function isObject(value: TemplateValue): value is TemplateObject {
  return (
    typeof value === 'object' && value !== null && 'templateKind' in value && value.templateKind === 'object'
  );
}

export function isList(value: TemplateValue): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

/** Go's name of the value's type. */
export function typeName(value: TemplateValue): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return 'float64';
    case 'bigint':
      return 'int';
    case 'boolean':
      return 'bool';
    default:
      if (value === null || value === undefined) return 'nil';
      if (isList(value)) return '[]interface {}';
      if (isMap(value)) return 'map[string]interface {}';
      return value.typeName;
  }
}

/** text/template's truth: not the zero value, not empty. */
export function isTrue(value: TemplateValue): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value === 'object') {
    if (isList(value)) return value.length > 0;
    if (isMap(value)) return value.size > 0;
    return true;
  }
  return typeof value === 'bigint' ? value !== 0n : Boolean(value) || Number.isNaN(value as number);
}

/** What `{{ value }}` writes; nothing at all is "<no value>". */
export function printValue(value: TemplateValue): string {
  if (value === null || value === undefined) return '<no value>';
  return printInner(value);
}

/** fmt's %v, where nil is "<nil>". */
export function printInner(value: TemplateValue): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      return formatFloat(value, 'g', -1);
    case 'bigint':
    case 'boolean':
      return String(value);
    default:
      if (value === null || value === undefined) return '<nil>';
      if (isList(value)) return `[${value.map(printInner).join(' ')}]`;
      if (isMap(value)) {
        const parts: string[] = [];
        for (const key of value.keys()) parts.push(`${key}:${printInner(value.get(key))}`);
        return `map[${parts.join(' ')}]`;
      }
      return value.print();
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Length in UTF-8 bytes. */
export function byteLength(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return encoder.encode(text).length;
  return text.length;
}

/** Bytes start..end of a string, as Go slices it. A cut inside a character leaves U+FFFD. */
export function sliceBytes(text: string, start: number, end: number): string {
  if (byteLength(text) === text.length) return text.slice(start, end);
  return decoder.decode(encoder.encode(text).subarray(start, end));
}
