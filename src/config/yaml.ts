/**
 * YAML read field by field: each access names the type it wants, every mistake becomes a diagnostic with file, line
 * and column, and a field that nobody asked for is an error with the nearest known name.
 */

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { closest, type Diagnostic } from './diagnostics.ts';
import { parseBytes, parseDurationMs } from './units.ts';

/** One YAML file under reading. `diagnostics` fills as fields are read. */
export class YamlFile {
  readonly file: string;
  readonly diagnostics: Diagnostic[] = [];
  readonly #lines = new LineCounter();
  readonly #document: ReturnType<typeof parseDocument>;

  constructor(text: string, file: string) {
    this.file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true, merge: true });
    for (const error of this.#document.errors) {
      this.#add(
        'error',
        error.pos[0],
        (error.message.split('\n')[0] as string).replace(/ at line \d+, column \d+:?$/, ''),
      );
    }
  }

  /** The top-level mapping; an empty file is an empty mapping. */
  root(): YamlObject {
    return new YamlObject(this, this.resolve(this.#document.contents), '');
  }

  /** The top level when it is a list; undefined when it is anything else. */
  rootList(): YamlValue | undefined {
    const node = this.resolve(this.#document.contents);
    return isSeq(node) ? new YamlValue(this, node, 'the file') : undefined;
  }

  /** Follows aliases. */
  resolve(node: unknown): Node | null {
    return (isAlias(node) ? (node.resolve(this.#document) ?? null) : node) as Node | null;
  }

  report(node: Node | null, message: string, hint?: string, severity: 'error' | 'warning' = 'error'): void {
    this.#add(severity, node?.range?.[0] ?? 0, message, hint);
  }

  #add(severity: 'error' | 'warning', offset: number, message: string, hint?: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.diagnostics.push({
      file: this.file,
      line,
      column: col,
      severity,
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** A value of any type with its place in the file. */
export class YamlValue {
  readonly file: YamlFile;
  readonly node: Node | null;
  /** `storage.retention` for messages. */
  readonly path: string;

  constructor(file: YamlFile, node: Node | null, path: string) {
    this.file = file;
    this.node = node;
    this.path = path;
  }

  get isNull(): boolean {
    return this.node === null || (isScalar(this.node) && this.node.value === null);
  }

  /** Neither a list nor a mapping. */
  get isScalar(): boolean {
    return isScalar(this.node);
  }

  error(message: string, hint?: string): void {
    this.file.report(this.node, `${this.path}: ${message}`, hint);
  }

  warn(message: string, hint?: string): void {
    this.file.report(this.node, `${this.path}: ${message}`, hint, 'warning');
  }

  /** Strings; numbers and booleans are taken as they are written. */
  string(): string | undefined {
    if (isScalar(this.node) && this.node.value !== null) {
      return typeof this.node.value === 'string'
        ? this.node.value
        : (this.node.source ?? String(this.node.value));
    }
    this.error('a string is wanted here');
    return undefined;
  }

  number(): number | undefined {
    if (isScalar(this.node) && typeof this.node.value === 'number') return this.node.value;
    this.error('a number is wanted here');
    return undefined;
  }

  boolean(): boolean | undefined {
    if (isScalar(this.node) && typeof this.node.value === 'boolean') return this.node.value;
    this.error('true or false is wanted here');
    return undefined;
  }

  durationMs(): number | undefined {
    const text = this.string();
    if (text === undefined) return undefined;
    const parsed = parseDurationMs(text);
    if (parsed === undefined)
      this.error(`"${text}" is no duration`, 'write for instance 30s, 5m, 1h30m or 15d');
    return parsed;
  }

  bytes(): number | undefined {
    const text = this.string();
    if (text === undefined) return undefined;
    const parsed = parseBytes(text);
    if (parsed === undefined) this.error(`"${text}" is no size`, 'write for instance 512MiB or 2GB');
    return parsed;
  }

  list(): YamlValue[] {
    if (isSeq(this.node)) {
      return this.node.items.map(
        (item, i) => new YamlValue(this.file, this.file.resolve(item), `${this.path}[${i}]`),
      );
    }
    if (!this.isNull) this.error('a list is wanted here');
    return [];
  }

  object(): YamlObject {
    return new YamlObject(this.file, this.node, this.path);
  }
}

/** A mapping. Ask for its fields, then call `done()`, which reports those nobody asked for. */
export class YamlObject {
  readonly file: YamlFile;
  readonly path: string;
  readonly #node: Node | null;
  readonly #fields = new Map<string, { key: Node; value: YamlValue }>();
  readonly #asked = new Set<string>();

  constructor(file: YamlFile, node: Node | null, path: string) {
    this.file = file;
    this.path = path;
    this.#node = node;
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = pair.key as Node;
        const name = isScalar(key) ? String(key.value) : String(key);
        const at = path === '' ? name : `${path}.${name}`;
        this.#fields.set(name, { key, value: new YamlValue(file, file.resolve(pair.value), at) });
      }
    } else if (node !== null && !(isScalar(node) && node.value === null)) {
      file.report(node, `${path === '' ? 'the file' : path}: a mapping is wanted here`);
    }
  }

  /** The field's value, or undefined when it is absent or null. */
  get(name: string): YamlValue | undefined {
    this.#asked.add(name);
    const field = this.#fields.get(name);
    return field === undefined || field.value.isNull ? undefined : field.value;
  }

  /** Names in the order of the file, for mappings whose keys are the user's own. */
  names(): string[] {
    return [...this.#fields.keys()];
  }

  error(message: string, hint?: string): void {
    this.file.report(this.#node, `${this.path === '' ? '' : `${this.path}: `}${message}`, hint);
  }

  /** Reports fields that were never asked for. */
  done(): void {
    for (const [name, { key, value }] of this.#fields) {
      if (this.#asked.has(name)) continue;
      const near = closest(name, this.#asked);
      const hint =
        near === undefined ? `known here: ${[...this.#asked].sort().join(', ')}` : `did you mean "${near}"?`;
      this.file.report(key, `unknown field ${value.path}`, hint);
    }
  }
}
