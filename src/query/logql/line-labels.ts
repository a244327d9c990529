/**
 * The labels of the line that a pipeline works on: those of its stream, its structured metadata, and what stages made
 * of them. One object serves all lines of a query; results share structure where lines look alike.
 *
 * A parser or metadata that meets a label of the stream takes the name with `_extracted` behind it; a parser leaves
 * alone what metadata or an earlier parser has. Stages that name a label set it whatever it was.
 */

import { compareCodePoints, Labels } from '../../model/labels.ts';
import type { ParserHints } from './parser-hints.ts';

export const ERROR_LABEL = '__error__';
export const ERROR_DETAILS_LABEL = '__error_details__';
/** Tells the evaluation that the query asked for the errors itself. */
export const PRESERVE_ERROR_LABEL = '__preserve_error__';
export const EXTRACTED_SUFFIX = '_extracted';

export type ErrorKind =
  | 'JSONParserErr'
  | 'LogfmtParserErr'
  | 'SampleExtractionErr'
  | 'LabelFilterErr'
  | 'TemplateFormatErr';

/** Where a label comes from. */
export const FROM_STREAM = 0;
export const FROM_METADATA = 1;
export const FROM_LINE = 2;
export type Category = typeof FROM_STREAM | typeof FROM_METADATA | typeof FROM_LINE;

/** The labels of a stream, with a quick look-up. */
export class StreamLabels {
  readonly labels: Labels;
  readonly map: ReadonlyMap<string, string>;

  constructor(labels: Labels) {
    this.labels = labels;
    this.map = new Map(labels.entries());
  }
}

const normalized = new Map<string, string>();

/** A structured metadata name as a label name, as Loki's answers show it: `k8s.pod` is `k8s_pod`. */
export function normalizeName(name: string): string {
  let out = normalized.get(name);
  if (out === undefined) {
    out = name.replace(/[^a-zA-Z0-9_]/g, '_');
    if (/^\d/.test(out)) out = `key_${out}`;
    else if (/^_[^_]/.test(out)) out = `key${out}`;
    if (normalized.size < 10_000) normalized.set(name, out);
  }
  return out;
}

/** Names of added labels in order of addition, and how to sort them among those of the stream. */
interface Shape {
  readonly base: Labels;
  readonly names: readonly string[];
  readonly sorted: readonly string[];
  /** For each sorted name: -1 - i is value i of the stream, i is added value i. */
  readonly from: Int32Array;
}

export class LineLabels {
  readonly hints: ParserHints;
  base: StreamLabels = new StreamLabels(Labels.EMPTY);
  timeNs = 0n;
  /** Kind of the error that happened to the line; '' when none. */
  error = '';
  errorDetails = '';
  #names: string[] = [];
  #values: string[] = [];
  #categories: Category[] = [];
  /** The parser that was at work when each label was added. */
  #parsers: number[] = [];
  #parser = 0;
  readonly #index = new Map<string, number>();
  /** Labels of the stream that stages took away. */
  readonly #deleted = new Set<string>();
  #shape: Shape | undefined;

  constructor(hints: ParserHints) {
    this.hints = hints;
  }

  /** Begins a line. `metadata` may be left out when nothing of the query can see it. */
  reset(base: StreamLabels, metadata: Labels | undefined, timeNs: bigint): void {
    this.base = base;
    this.timeNs = timeNs;
    this.error = '';
    this.errorDetails = '';
    if (this.#names.length > 0) {
      this.#names = [];
      this.#values = [];
      this.#categories = [];
      this.#parsers = [];
      this.#index.clear();
    }
    this.#parser = 0;
    if (this.#deleted.size > 0) this.#deleted.clear();
    this.hints.reset();
    if (metadata === undefined) return;
    const { names, values } = metadata;
    for (let i = 0; i < names.length; i++) {
      let name = normalizeName(names[i] as string);
      if (base.map.has(name)) name += EXTRACTED_SUFFIX;
      if (name === ERROR_LABEL) this.error = values[i] as string;
      else if (name === ERROR_DETAILS_LABEL) this.errorDetails = values[i] as string;
      else this.set(FROM_METADATA, name, values[i] as string);
    }
  }

  /** Whether the stream has the label. */
  streamHas(name: string): boolean {
    return this.base.map.has(name);
  }

  /** A parser begins with the line. */
  beginParser(): void {
    this.#parser++;
  }

  /**
   * Whether a parser should set the label: it is asked for, and neither structured metadata nor an earlier stage has
   * it. Within one parser the last of equal keys wins.
   */
  wants(name: string): boolean {
    if (!this.hints.asksFor(name)) return false;
    const at = this.#index.get(name);
    return at === undefined || (this.#parsers[at] as number) === this.#parser;
  }

  get hasError(): boolean {
    return this.error !== '';
  }

  setError(kind: ErrorKind, details: string): void {
    this.error = kind;
    this.errorDetails = details;
  }

  /** The value, '' when a stage set it so, undefined when there is no such label. */
  get(name: string): string | undefined {
    const at = this.#index.get(name);
    if (at !== undefined) return this.#values[at];
    if (this.#deleted.size > 0 && this.#deleted.has(name)) return undefined;
    return this.base.map.get(name);
  }

  /** As `get`, but with the errors under their names and '' for nothing: what matchers see. */
  text(name: string): string {
    if (name === ERROR_LABEL) return this.error;
    if (name === ERROR_DETAILS_LABEL) return this.errorDetails;
    return this.get(name) ?? '';
  }

  category(name: string): Category {
    const at = this.#index.get(name);
    return at === undefined ? FROM_STREAM : (this.#categories[at] as Category);
  }

  set(category: Category, name: string, value: string): void {
    const at = this.#index.get(name);
    if (at === undefined) {
      this.#index.set(name, this.#names.length);
      this.#names.push(name);
      this.#values.push(value);
      this.#categories.push(category);
      this.#parsers.push(this.#parser);
    } else {
      // What is of higher rank already stays.
      if ((this.#categories[at] as Category) > category) return;
      this.#values[at] = value;
      this.#categories[at] = category;
    }
    if (category !== FROM_STREAM) this.hints.recordExtracted(name);
  }

  delete(name: string): void {
    const at = this.#index.get(name);
    if (at !== undefined) {
      this.#index.delete(name);
      this.#names.splice(at, 1);
      this.#values.splice(at, 1);
      this.#categories.splice(at, 1);
      this.#parsers.splice(at, 1);
      for (let i = at; i < this.#names.length; i++) this.#index.set(this.#names[i] as string, i);
    }
    if (this.base.map.has(name)) this.#deleted.add(name);
  }

  /** All labels but the errors, in no order. */
  *entries(): IterableIterator<[name: string, value: string, category: Category]> {
    for (const [name, value] of this.base.map) {
      if (this.#index.has(name) || this.#deleted.has(name)) continue;
      yield [name, value, FROM_STREAM];
    }
    for (let i = 0; i < this.#names.length; i++) {
      yield [this.#names[i] as string, this.#values[i] as string, this.#categories[i] as Category];
    }
  }

  /** The label set as it is now, errors included. Values may be '': a stage made them so. */
  labels(): Labels {
    if (this.error === '' && this.errorDetails === '' && this.#deleted.size === 0) {
      if (this.#names.length === 0) return this.base.labels;
      return this.#shaped();
    }
    const pairs: [string, string][] = [];
    for (const [name, value] of this.entries()) pairs.push([name, value]);
    if (this.error !== '') put(pairs, ERROR_LABEL, this.error);
    if (this.errorDetails !== '') put(pairs, ERROR_DETAILS_LABEL, this.errorDetails);
    pairs.sort((a, b) => compareCodePoints(a[0], b[0]));
    return Labels.fromSorted(
      pairs.map((pair) => pair[0]),
      pairs.map((pair) => pair[1]),
    );
  }

  #shaped(): Labels {
    const names = this.#names;
    let shape = this.#shape;
    if (shape === undefined || shape.base !== this.base.labels || !sameNames(shape.names, names)) {
      shape = makeShape(this.base.labels, names);
      this.#shape = shape;
    }
    const { from } = shape;
    const values = new Array<string>(from.length);
    const baseValues = this.base.labels.values;
    for (let i = 0; i < from.length; i++) {
      const at = from[i] as number;
      values[i] = (at < 0 ? baseValues[-1 - at] : this.#values[at]) as string;
    }
    return Labels.fromSorted(shape.sorted, values);
  }
}

function put(pairs: [string, string][], name: string, value: string): void {
  const found = pairs.find((pair) => pair[0] === name);
  if (found === undefined) pairs.push([name, value]);
  else found[1] = value;
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function makeShape(base: Labels, names: readonly string[]): Shape {
  const added = new Set(names);
  const all: [string, number][] = names.map((name, i) => [name, i]);
  base.names.forEach((name, i) => {
    if (!added.has(name)) all.push([name, -1 - i]);
  });
  all.sort((a, b) => compareCodePoints(a[0], b[0]));
  return {
    base,
    names: [...names],
    sorted: all.map((entry) => entry[0]),
    from: Int32Array.from(all, (entry) => entry[1]),
  };
}
