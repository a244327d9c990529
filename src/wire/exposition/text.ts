/**
 * The Prometheus text format (0.0.4 and 1.0.0 with quoted UTF-8 names) and OpenMetrics text 1.0. Known lines are
 * recognised by their bytes and only their value is read; a new line goes through the lexer, whose grammar and error
 * messages are Prometheus's. Knows nothing of targets or HTTP.
 */

import { isUtf8 } from 'node:buffer';
import { InputError } from '../../model/errors.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { decodeUtf8 } from '../protobuf.ts';
import { formatBound, goFloat, quoteBytes, quoteText, readFloat } from './go-text.ts';
import { beginsName, Lexer, nameEnd, type Token } from './lexer.ts';
import type {
  ExposedExemplar,
  ExpositionMemory,
  ExpositionSink,
  MetaLine,
  MetricType,
  PageReader,
} from './sink.ts';

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;
const QUOTE = 34;

/** Scopes of the memory: bytes mean different series below `# TYPE x histogram` and `# TYPE x summary`. */
const SCOPE_META = 0;
const SCOPE_PLAIN = 1;
const SCOPE_HISTOGRAM = 2;
const SCOPE_SUMMARY = 3;

const TEXT_TYPES: Readonly<Record<string, MetricType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'unknown',
};
const OPENMETRICS_TYPES: Readonly<Record<string, MetricType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  gaugehistogram: 'gaugehistogram',
  summary: 'summary',
  info: 'info',
  stateset: 'stateset',
  unknown: 'unknown',
};

/**
 * Opens a page. Its steps throw InputError in Prometheus's words; what came before the mistake was delivered.
 */
export function openText<S>(
  page: Uint8Array,
  openMetrics: boolean,
  memory: ExpositionMemory<S>,
  sink: ExpositionSink<S>,
): PageReader {
  let bytes = page;
  if (!openMetrics) {
    // The last line may lack its end.
    bytes = new Uint8Array(page.length + 1);
    bytes.set(page);
    bytes[page.length] = NEWLINE;
  }
  return new TextParser(bytes, openMetrics, memory, sink);
}

class TextParser<S> implements PageReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #openMetrics: boolean;
  readonly #memory: ExpositionMemory<S>;
  readonly #sink: ExpositionSink<S>;
  readonly #lexer: Lexer;
  #at = 0;
  #type: MetricType = 'unknown';
  #scope = SCOPE_PLAIN;
  /** Offsets of the current series: name start, name end, then label name and value starts and ends. */
  #offsets: number[] = [];
  #timestampMs = Number.NaN;
  #value = 0;

  constructor(bytes: Uint8Array, openMetrics: boolean, memory: ExpositionMemory<S>, sink: ExpositionSink<S>) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#openMetrics = openMetrics;
    this.#memory = memory;
    this.#sink = sink;
    this.#lexer = new Lexer(bytes, openMetrics);
  }

  step(maxEntries: number): boolean {
    const { lines } = this.#memory;
    if (this.#at === 0) lines.begin();
    let at = this.#at;
    try {
      for (let left = maxEntries; left > 0 && at >= 0; left--) {
        const fast = this.#known(at);
        at = fast > 0 ? fast : this.#entry(at);
      }
    } catch (error) {
      lines.end(false);
      throw error;
    }
    this.#at = at;
    if (at >= 0) return false;
    lines.end(true);
    return true;
  }

  /** Reads the line at `at` if its bytes are known; gives where the next one begins, or -1. */
  #known(at: number): number {
    const { lines } = this.#memory;
    const bytes = this.#bytes;
    const first = bytes[at];
    if (first === undefined) return -1;
    if (first === 35) {
      let entry = lines.predict(bytes, this.#view, at, SCOPE_META);
      if (entry < 0) {
        const end = bytes.indexOf(NEWLINE, at);
        if (end < 0) return -1;
        entry = lines.find(bytes, this.#view, at, end + 1, SCOPE_META);
        if (entry < 0) return -1;
      }
      const line = lines.take(entry) as MetaLine;
      this.#metadata(line);
      return at + lines.sizeOf(entry);
    }
    let entry = lines.predict(bytes, this.#view, at, this.#scope);
    let end: number;
    if (entry >= 0) {
      end = at + lines.sizeOf(entry);
      const after = bytes[end];
      if (after !== SPACE && after !== TAB) entry = -1;
    }
    if (entry < 0) {
      end = this.#seriesEnd(at, first);
      if (end < 0) return -1;
      entry = lines.find(bytes, this.#view, at, end, this.#scope);
      if (entry < 0) return -1;
    }
    const next = this.#openMetrics ? this.#spacedValue(end!) : this.#plainValue(end!);
    if (next < 0) return -1;
    const { series } = lines.take(entry) as { readonly series: S };
    this.#sink.sample(series, this.#value, this.#timestampMs);
    return next;
  }

  /** Where the series (name and labels) that begins at `at` ends, at a quick look; -1 when it does not look like one. */
  #seriesEnd(at: number, first: number): number {
    const bytes = this.#bytes;
    let end = at;
    if (first !== 123) {
      if (!beginsName(first)) return -1;
      end = nameEnd(bytes, at);
      let brace = end;
      while (bytes[brace] === SPACE || bytes[brace] === TAB) brace++;
      if (bytes[brace] !== 123) return end;
      end = brace;
    }
    for (end++; end < bytes.length; end++) {
      const byte = bytes[end];
      if (byte === 125) return end + 1;
      if (byte !== QUOTE) continue;
      for (end++; end < bytes.length && bytes[end] !== QUOTE; end++) if (bytes[end] === 92) end++;
    }
    return -1;
  }

  /** Classic format: value and perhaps a timestamp behind a known series; -1 when it is not as simple as that. */
  #plainValue(at: number): number {
    const bytes = this.#bytes;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    let end = at;
    for (let byte = bytes[end]; byte !== NEWLINE; byte = bytes[++end]) {
      if (byte === SPACE || byte === TAB) break;
      if (byte === 123 || byte === undefined) return -1;
    }
    if (end === at) return -1;
    try {
      this.#value = readFloat(bytes, at, end);
    } catch {
      return -1;
    }
    this.#timestampMs = Number.NaN;
    if (bytes[end] === NEWLINE) return end + 1;
    while (bytes[end] === SPACE || bytes[end] === TAB) end++;
    if (bytes[end] === NEWLINE) return end + 1;
    let timestampMs = 0;
    const start = end;
    for (; end - start < 15; end++) {
      const digit = (bytes[end] as number) - 48;
      if (digit < 0 || digit > 9) break;
      timestampMs = timestampMs * 10 + digit;
    }
    if (end === start) return -1;
    this.#timestampMs = timestampMs;
    while (bytes[end] === SPACE || bytes[end] === TAB) end++;
    return bytes[end] === NEWLINE ? end + 1 : -1;
  }

  /** OpenMetrics: one space, a value, the line's end; anything more goes the long way. */
  #spacedValue(at: number): number {
    const bytes = this.#bytes;
    if (bytes[at] !== SPACE) return -1;
    let end = ++at;
    for (let byte = bytes[end]; byte !== NEWLINE; byte = bytes[++end]) {
      if (byte === SPACE || byte === undefined) return -1;
    }
    try {
      this.#value = readFloat(bytes, at, end);
    } catch {
      return -1;
    }
    this.#timestampMs = Number.NaN;
    return end + 1;
  }

  /** Reads one entry through the lexer; gives where the next one begins, or -1 at the end. */
  #entry(at: number): number {
    const lexer = this.#lexer;
    lexer.at = at;
    lexer.entry = at;
    lexer.state = 'init';
    const token = lexer.next();
    switch (token) {
      case 'EOF':
        if (this.#openMetrics) throw new InputError('data does not end with # EOF');
        return -1;
      case 'EOFWORD':
        if (lexer.next() !== 'EOF') throw new InputError('unexpected data after # EOF');
        return -1;
      case 'LINEBREAK':
        return lexer.at;
      case 'HELP':
      case 'TYPE':
      case 'UNIT':
        this.#metaLine(at, token);
        return lexer.at;
      case 'COMMENT': {
        const after = lexer.next();
        if (after !== 'LINEBREAK') lexer.fail('linebreak expected after comment', after);
        this.#remember(at, lexer.at, { meta: true, kind: 'comment', family: '', text: '' });
        return lexer.at;
      }
      case 'BOPEN':
        this.#offsets = [-1, -1];
        this.#labels(this.#offsets, false);
        return this.#seriesLine(at, lexer.at, lexer.next());
      case 'MNAME': {
        this.#offsets = [lexer.start, lexer.at];
        let end = lexer.at;
        let after = lexer.next();
        if (after === 'BOPEN') {
          this.#labels(this.#offsets, false);
          end = lexer.at;
          after = lexer.next();
        }
        return this.#seriesLine(at, end, after);
      }
      default:
        return lexer.fail('expected a valid start token', token);
    }
  }

  #metaLine(at: number, word: 'HELP' | 'TYPE' | 'UNIT'): void {
    const lexer = this.#lexer;
    const bytes = this.#bytes;
    const nameToken = lexer.next();
    if (nameToken !== 'MNAME') lexer.fail(`expected metric name after ${word}`, nameToken);
    const family = this.#string(...unquoted(bytes, lexer.start, lexer.at), 'metric name');
    if (lexer.next() !== 'TEXT') throw new InputError(`expected text in ${word}`);
    // The text begins behind its first blank; OpenMetrics's ends before the line break that belongs to it.
    const end = this.#openMetrics ? lexer.at - 1 : lexer.at;
    const start = Math.min(lexer.start + 1, end);
    let text = decodeUtf8(bytes, start, end);
    if (word === 'TYPE') {
      const type = (this.#openMetrics ? OPENMETRICS_TYPES : TEXT_TYPES)[text ?? ''];
      if (type === undefined) throw new InputError(`invalid metric type ${quoteBytes(bytes, start, end)}`);
      text = type;
    } else if (text === undefined) {
      throw new InputError(`help text ${quoteBytes(bytes, start, end)} is not a valid utf8 string`);
    }
    if (word === 'UNIT' && text !== '' && !(family.endsWith(`_${text}`) && family.length > text.length)) {
      throw new InputError(`unit ${quoteText(text)} not a suffix of metric ${quoteText(family)}`);
    }
    if (!this.#openMetrics) {
      const after = lexer.next();
      if (after !== 'LINEBREAK') lexer.fail('linebreak expected after metadata', after);
    }
    if (word === 'HELP') text = unescapeText(text, this.#openMetrics);
    const kind = word === 'HELP' ? 'help' : word === 'TYPE' ? 'type' : 'unit';
    const line: MetaLine = { meta: true, kind, family, text };
    this.#metadata(line);
    this.#remember(at, lexer.at, line);
  }

  #remember(start: number, end: number, line: MetaLine): void {
    const { lines } = this.#memory;
    const entry = lines.find(this.#bytes, this.#view, start, end, SCOPE_META);
    if (entry >= 0) lines.take(entry);
    else lines.add(this.#bytes, start, end, SCOPE_META, line);
  }

  #metadata({ kind, family, text }: MetaLine): void {
    if (kind === 'comment') return;
    if (kind === 'type') {
      this.#type = text as MetricType;
      this.#scope = text === 'histogram' ? SCOPE_HISTOGRAM : text === 'summary' ? SCOPE_SUMMARY : SCOPE_PLAIN;
    }
    this.#sink.metadata(family, kind, text);
  }

  /** Appends offsets of labels up to the closing brace. */
  #labels(offsets: number[], isExemplar: boolean): void {
    const lexer = this.#lexer;
    let token = lexer.next();
    for (;;) {
      const { start, at } = lexer;
      if (token === 'BCLOSE') return;
      if (token !== 'LNAME' && token !== 'QSTRING') lexer.fail('expected label name', token);
      const isQuoted = token === 'QSTRING';
      token = lexer.next();
      // A quoted string by itself is the metric's name.
      if ((token === 'COMMA' || token === 'BCLOSE') && (isQuoted || isExemplar)) {
        if (isExemplar) lexer.fail('expected label name', token);
        if (offsets[0] !== -1)
          throw new InputError(`metric name already set while parsing: ${lexer.soFar()}`);
        offsets[0] = start + 1;
        offsets[1] = at - 1;
        if (token === 'BCLOSE') return;
        token = lexer.next();
        continue;
      }
      offsets.push(...unquoted(this.#bytes, start, at));
      if (token !== 'EQUAL') lexer.fail('expected equal', token);
      const valueToken = lexer.next();
      if (valueToken !== 'LVALUE') lexer.fail('expected label value', valueToken);
      if (!isText(this.#bytes, lexer.start, lexer.at)) {
        throw new InputError(`invalid UTF-8 label value: ${quoteBytes(this.#bytes, lexer.start, lexer.at)}`);
      }
      offsets.push(lexer.start + 1, lexer.at - 1);
      token = lexer.next();
      if (token === 'COMMA') token = lexer.next();
      else if (this.#openMetrics && token !== 'BCLOSE') lexer.fail('expected comma or brace close', token);
    }
  }

  /** The rest of a line behind the series in bytes[at..end); `token` comes next. */
  #seriesLine(at: number, end: number, token: Token): number {
    const lexer = this.#lexer;
    if (this.#offsets[0] === -1) {
      throw new InputError(`metric name not set while parsing: ${lexer.soFar()}`);
    }
    const value = this.#float(token, 'metric');
    let timestampMs = Number.NaN;
    let exemplar: ExposedExemplar | undefined;
    let after = lexer.next();
    if (after === 'TIMESTAMP') {
      timestampMs = this.#openMetrics ? this.#seconds('timestamp') : this.#milliseconds();
      after = lexer.next();
      if (after === 'COMMENT') exemplar = this.#exemplar();
      else if (after !== 'LINEBREAK') lexer.fail('expected next entry after timestamp', after);
    } else if (after === 'COMMENT') exemplar = this.#exemplar();
    else if (after === 'EOF' && this.#openMetrics) throw new InputError('data does not end with # EOF');
    else if (after !== 'LINEBREAK') lexer.fail('expected timestamp or new record', after);
    const next = lexer.at;
    const { lines } = this.#memory;
    const entry = lines.find(this.#bytes, this.#view, at, end, this.#scope);
    let series: S;
    if (entry >= 0) ({ series } = lines.take(entry) as { readonly series: S });
    else {
      series = this.#newSeries();
      // The look-up has to be the last one before an entry is added.
      lines.find(this.#bytes, this.#view, at, end, this.#scope);
      lines.add(this.#bytes, at, end, this.#scope, { series });
    }
    this.#sink.sample(series, value, timestampMs);
    if (exemplar !== undefined) this.#sink.exemplar(series, exemplar, false);
    return next;
  }

  #newSeries(): S {
    const offsets = this.#offsets;
    const names = [METRIC_NAME];
    const values = [this.#string(offsets[0] as number, offsets[1] as number, 'metric name')];
    for (let i = 2; i < offsets.length; i += 4) {
      const name = this.#string(offsets[i] as number, offsets[i + 1] as number, 'label name');
      let value = this.#string(offsets[i + 2] as number, offsets[i + 3] as number, 'label value');
      if (
        (name === 'le' && this.#scope === SCOPE_HISTOGRAM) ||
        (name === 'quantile' && this.#scope === SCOPE_SUMMARY)
      ) {
        const bound = goFloat(value);
        if (bound !== undefined) value = formatBound(bound);
      }
      names.push(name);
      values.push(value);
    }
    return this.#sink.series(names, values, this.#type);
  }

  #exemplar(): ExposedExemplar {
    const lexer = this.#lexer;
    const offsets: number[] = [];
    this.#labels(offsets, true);
    const value = this.#float(lexer.next(), 'exemplar labels');
    let timestampMs: number | undefined;
    const token = lexer.next();
    if (token === 'EOF') throw new InputError('data does not end with # EOF');
    if (token === 'TIMESTAMP') {
      timestampMs = this.#seconds('exemplar timestamp');
      const after = lexer.next();
      if (after !== 'LINEBREAK') lexer.fail('expected next entry after exemplar timestamp', after);
    } else if (token !== 'LINEBREAK') lexer.fail('expected timestamp or comment', token);
    const names: string[] = [];
    const values: string[] = [];
    for (let i = 0; i < offsets.length; i += 4) {
      names.push(this.#string(offsets[i] as number, offsets[i + 1] as number, 'label name'));
      values.push(this.#string(offsets[i + 2] as number, offsets[i + 3] as number, 'label value'));
    }
    return { names, values, value, timestampMs };
  }

  #float(token: Token, after: string): number {
    const lexer = this.#lexer;
    if (token !== 'VALUE') lexer.fail(`expected value after ${after}`, token);
    return this.#number();
  }

  /** The number in the current token, behind its space in OpenMetrics. */
  #number(): number {
    const lexer = this.#lexer;
    try {
      return readFloat(this.#bytes, lexer.start + (this.#openMetrics ? 1 : 0), lexer.at);
    } catch (error) {
      throw new InputError(`${(error as Error).message} while parsing: ${lexer.soFar()}`);
    }
  }

  #seconds(what: string): number {
    const seconds = this.#number();
    if (!Number.isFinite(seconds)) {
      const text = Number.isNaN(seconds) ? 'NaN' : seconds > 0 ? '+Inf' : '-Inf';
      throw new InputError(`invalid ${what} ${text}`);
    }
    return Math.trunc(seconds * 1000);
  }

  #milliseconds(): number {
    const { start, at } = this.#lexer;
    const text = decodeUtf8(this.#bytes, start, at) as string;
    if (BigInt(text) >= 1n << 63n) {
      throw new InputError(
        `strconv.ParseInt: parsing ${quoteText(text)}: value out of range while parsing: ${this.#lexer.soFar()}`,
      );
    }
    return Number(text);
  }

  #string(start: number, end: number, what: string): string {
    const bytes = this.#bytes;
    if (!isText(bytes, start, end)) {
      throw new InputError(`invalid ${what} ${quoteBytes(bytes, start, end)}: not UTF-8`);
    }
    const text = this.#memory.pool.string(bytes, start, end);
    return text.includes('\\') ? unescapeText(text, true) : text;
  }
}

/** Whether the bytes are UTF-8; nearly always they are ASCII. */
function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    if ((bytes[i] as number) >= 0x80) return isUtf8(bytes.subarray(start, end));
  }
  return true;
}

/** Start and end of a token without its quotes, if it has them. */
function unquoted(bytes: Uint8Array, start: number, end: number): [number, number] {
  return bytes[start] === QUOTE ? [start + 1, end - 1] : [start, end];
}

/** \\ and \n, and \" where `quotes`; any other backslash stays as it is. */
function unescapeText(text: string, quotes: boolean): string {
  if (!text.includes('\\')) return text;
  return text.replace(quotes ? /\\([\\n"])/g : /\\([\\n])/g, (_, c: string) => (c === 'n' ? '\n' : c));
}
