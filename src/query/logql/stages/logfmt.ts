/** `| logfmt`: key=value lines as labels, with or without expressions. */

import { InputError } from '../../../model/errors.ts';
import type { LabelExtraction } from '../ast.ts';
import { EXTRACTED_SUFFIX, FROM_LINE } from '../line-labels.ts';
import { noteParseError } from './json.ts';
import { type LabelGate, type Stage, sanitizeKey } from './stage.ts';

const EQUALS = 61;
const QUOTE = 34;
const BACKSLASH = 92;

/** Reads pairs one after the other; bad tokens are skipped up to the next space and noted in `error`. */
class LogfmtReader {
  readonly #line: string;
  #at = 0;
  key = '';
  value = '';
  error = '';

  constructor(line: string) {
    this.#line = line;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#line.length;
  }

  /** False for what is no pair; look at `error` then. */
  next(): boolean {
    const line = this.#line;
    const n = line.length;
    this.key = '';
    this.value = '';
    let at = this.#at;
    while (at < n && line.charCodeAt(at) <= 32) at++;
    this.#at = at;
    if (at >= n) return false;
    const start = at;
    for (; at < n; at++) {
      const c = line.charCodeAt(at);
      if (c <= 32 || c === EQUALS) break;
      if (c === QUOTE) return this.#fail(at, `unexpected '"'`);
    }
    if (at === start) return this.#fail(at, "unexpected '='");
    this.key = line.slice(start, at);
    if (this.key.includes('\ufffd')) return this.#fail(at, 'invalid key');
    this.#at = at;
    if (at >= n || line.charCodeAt(at) !== EQUALS) return true;
    at++;
    this.#at = at;
    if (at >= n || line.charCodeAt(at) <= 32) return true;
    if (line.charCodeAt(at) === QUOTE) return this.#quoted(at);
    const from = at;
    for (; at < n; at++) {
      const c = line.charCodeAt(at);
      if (c <= 32) break;
      if (c === EQUALS || c === QUOTE) return this.#fail(at, `unexpected '${line[at]}'`);
    }
    this.value = line.slice(from, at);
    this.#at = at;
    return true;
  }

  #quoted(open: number): boolean {
    const line = this.#line;
    let escaped = false;
    for (let at = open + 1; at < line.length; at++) {
      const c = line.charCodeAt(at);
      if (c === BACKSLASH) {
        escaped = true;
        at++;
      } else if (c === QUOTE) {
        this.#at = at + 1;
        const raw = line.slice(open + 1, at);
        if (!escaped) {
          this.value = raw;
          return true;
        }
        const value = unquote(raw);
        if (value === undefined) return this.#fail(at + 1, 'invalid quoted value');
        this.value = value;
        return true;
      }
    }
    this.#at = line.length;
    this.error = `logfmt syntax error at pos ${open} : unterminated quoted value`;
    return false;
  }

  #fail(at: number, what: string): boolean {
    this.error = `logfmt syntax error at pos ${at + 1} : ${what}`;
    while (at < this.#line.length && this.#line.charCodeAt(at) > 32) at++;
    this.#at = at;
    return false;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** The escapes of JSON; undefined when one is none or a control character stands bare. */
function unquote(raw: string): string | undefined {
  let out = '';
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i] as string;
    if (c !== '\\') {
      if (c < ' ') return undefined;
      out += c;
      continue;
    }
    const e = raw[++i];
    if (e === 'u') {
      const hex = raw.slice(i + 1, i + 5);
      if (!/^[0-9a-fA-F]{4}$/.test(hex)) return undefined;
      out += String.fromCharCode(Number.parseInt(hex, 16));
      i += 4;
      continue;
    }
    const plain = e === undefined ? undefined : ESCAPES[e];
    if (plain === undefined) return undefined;
    out += plain;
  }
  return out;
}

/** What a label's value may not hold. */
function cleanValue(value: string): string {
  return value.includes('\ufffd') ? '' : value;
}

export interface LogfmtOptions {
  /** The first bad token ends the line and is an error. */
  readonly strict: boolean;
  /** Keys without a value become labels, too. */
  readonly keepEmpty: boolean;
}

/** Every pair as a label; the last of equal keys wins. */
export function compileLogfmt(options: LogfmtOptions, gate: LabelGate): Stage {
  const names = new Map<string, string>();
  const nameOf = (key: string): string => {
    let name = names.get(key);
    if (name === undefined) {
      name = sanitizeKey(key, true);
      if (names.size < 20_000) names.set(key, name);
    }
    return name;
  };
  return (line, labels) => {
    if (labels.hints.done) return line;
    labels.beginParser();
    const reader = new LogfmtReader(line);
    while (!reader.isAtEnd) {
      if (!reader.next()) {
        if (options.strict && reader.error !== '') break;
        continue;
      }
      let name = nameOf(reader.key);
      if (name === '') continue;
      if (labels.streamHas(name)) name += EXTRACTED_SUFFIX;
      if (!labels.wants(name)) continue;
      const value = cleanValue(reader.value);
      if (value === '' && !options.keepEmpty) continue;
      labels.set(FROM_LINE, name, value);
      if (!gate(name, labels)) return undefined;
      if (labels.hints.allExtracted) break;
    }
    if (options.strict && reader.error !== '') noteParseError(labels, 'LogfmtParserErr', reader.error);
    return line;
  };
}

/** `| logfmt name="key"`: only these keys; those that a line lacks become empty labels. */
export function compileLogfmtExpressions(
  options: LogfmtOptions,
  extractions: readonly LabelExtraction[],
  gate: LabelGate,
): Stage {
  const namesByKey = new Map<string, string[]>();
  const names: string[] = [];
  for (const { name, expression, at } of extractions) {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(expression)) {
      throw new InputError(`cannot parse expression [${expression}]`, {
        position: at,
        hint: 'a logfmt expression is a key with letters, digits and underscores',
      });
    }
    names.push(name);
    const list = namesByKey.get(expression);
    if (list === undefined) namesByKey.set(expression, [name]);
    else list.push(name);
  }
  return (line, labels) => {
    if (labels.hints.done) return line;
    for (const name of names) if (!labels.streamHas(name)) labels.set(FROM_LINE, name, '');
    const reader = new LogfmtReader(line);
    while (!reader.isAtEnd) {
      if (!reader.next()) {
        if (options.strict && reader.error !== '') {
          noteParseError(labels, 'LogfmtParserErr', reader.error);
          return line;
        }
        continue;
      }
      const wanted = namesByKey.get(sanitizeKey(reader.key, true));
      if (wanted === undefined) continue;
      const value = cleanValue(reader.value);
      if (value === '' && !options.keepEmpty) continue;
      for (const name of wanted) {
        labels.set(FROM_LINE, labels.streamHas(name) ? name + EXTRACTED_SUFFIX : name, value);
      }
    }
    for (const name of names) if (labels.get(name) !== undefined && !gate(name, labels)) return undefined;
    return line;
  };
}
