// Log lines as the list shows them: rows in order of time, with level, fields by origin, and the
// trace they belong to. Pure. Knows no React and no HTTP.
import type { LogStream } from '../api/loki.ts';
import type { Labels } from '../api/prometheus.ts';

export type Level = 'critical' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'unknown';

export const levels: readonly Level[] = ['critical', 'error', 'warn', 'info', 'debug', 'trace', 'unknown'];

export interface LogRow {
  /** Unique within a list. */
  key: string;
  /** Nanoseconds since 1970 as text. */
  ns: string;
  ms: number;
  line: string;
  level: Level;
  stream: Labels;
  metadata: Labels;
  parsed: Labels;
}

const levelNames: Readonly<Record<string, Level>> = {
  critical: 'critical',
  crit: 'critical',
  fatal: 'critical',
  emerg: 'critical',
  emergency: 'critical',
  alert: 'critical',
  panic: 'critical',
  error: 'error',
  err: 'error',
  eror: 'error',
  severe: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  information: 'info',
  informational: 'info',
  notice: 'info',
  debug: 'debug',
  dbug: 'debug',
  verbose: 'debug',
  trace: 'trace',
  unknown: 'unknown',
};

/** The level that a word names (`WARNING`, `err`, `INFO2`); undefined if it names none. */
export function levelOf(word: string | undefined): Level | undefined {
  if (!word) return undefined;
  return levelNames[
    word
      .trim()
      .toLowerCase()
      .replace(/[0-9]$/, '')
  ];
}

const levelFields = ['detected_level', 'level', 'severity_text', 'severity', 'lvl', 'SeverityText', 'LEVEL'];

/** A level that stands in the line itself: as a JSON or logfmt field, or as a word near its start. */
export function levelInLine(line: string): Level | undefined {
  const head = line.slice(0, 400);
  const field = /["']?\b(?:level|lvl|severity|severity_text)["']?\s*[:=]\s*["']?([A-Za-z]+)/i.exec(head);
  const named = levelOf(field?.[1]);
  if (named) return named;
  const word = /(?:^|[\s[|(<])(FATAL|CRITICAL|ERROR|ERR|WARN|WARNING|INFO|DEBUG|TRACE)(?=[\s\]|):>]|$)/.exec(
    head.slice(0, 120),
  );
  return levelOf(word?.[1]);
}

/** Loki's time in ms, without losing more than a ms. */
export function nsToMs(ns: string): number {
  return ns.length <= 6 ? 0 : Number(ns.slice(0, -6));
}

/** Rows of an answer, newest first (or oldest first), entries of equal time in the order received. */
export function toRows(
  streams: readonly LogStream[],
  direction: 'backward' | 'forward' = 'backward',
): LogRow[] {
  const rows: LogRow[] = [];
  const seen = new Map<string, number>();
  for (const stream of streams) {
    const labels = JSON.stringify(stream.stream);
    for (const [ns, line, categories] of stream.values) {
      const metadata = categories?.structuredMetadata ?? {};
      const parsed = categories?.parsed ?? {};
      let level: Level | undefined;
      for (const field of levelFields) {
        level = levelOf(metadata[field] ?? parsed[field] ?? stream.stream[field]);
        if (level && level !== 'unknown') break;
      }
      if (!level || level === 'unknown') level = levelInLine(line) ?? 'unknown';
      // The same line has the same key in the next answer, so that an open row stays open.
      const base = `${ns}/${hash(labels)}/${hash(line)}`;
      const copies = seen.get(base) ?? 0;
      seen.set(base, copies + 1);
      rows.push({
        key: copies === 0 ? base : `${base}/${copies}`,
        ns,
        ms: nsToMs(ns),
        line,
        level,
        stream: stream.stream,
        metadata,
        parsed,
      });
    }
  }
  const sign = direction === 'backward' ? -1 : 1;
  // Text of equal length orders as the numbers do; sort is stable.
  return rows.sort((a, b) => sign * compareNs(a.ns, b.ns));
}

/** FNV-1a over UTF-16 units: for keys of a list, not for secrets. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(36);
}

function compareNs(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

const identity = (row: LogRow) =>
  `${row.ns}\n${row.line}\n${JSON.stringify(row.stream)}\n${JSON.stringify(row.metadata)}`;

/** The next page behind rows already shown, without those that both pages hold. */
export function appendRows(shown: readonly LogRow[], page: readonly LogRow[]): LogRow[] {
  const boundary = shown.at(-1)?.ns;
  const atBoundary = new Set(shown.filter((row) => row.ns === boundary).map(identity));
  const fresh = page.filter((row) => row.ns !== boundary || !atBoundary.has(identity(row)));
  const keys = new Set(shown.map((row) => row.key));
  return [
    ...shown,
    ...fresh.map((row, i) => (keys.has(row.key) ? { ...row, key: `${row.key}/p${shown.length + i}` } : row)),
  ];
}

/** End (exclusive, ns) of the page that follows: one past the oldest time shown, so that lines of that time are not lost. */
export function nextPageEnd(shown: readonly LogRow[]): string | undefined {
  const last = shown.at(-1);
  return last ? String(BigInt(last.ns) + 1n) : undefined;
}

export interface Field {
  name: string;
  value: string;
  origin: 'label' | 'metadata' | 'parsed' | 'line';
}

/** All that is known of a row, by origin; fields in a JSON or logfmt line that nothing parsed come last. */
export function fieldsOf(row: LogRow): Field[] {
  const out: Field[] = [];
  const seen = new Set<string>();
  const add = (labels: Labels, origin: Field['origin']) => {
    for (const name of Object.keys(labels).sort()) {
      if (seen.has(name)) continue;
      seen.add(name);
      out.push({ name, value: labels[name] ?? '', origin });
    }
  };
  add(row.stream, 'label');
  add(row.metadata, 'metadata');
  add(row.parsed, 'parsed');
  add(parseLine(row.line) ?? {}, 'line');
  return out;
}

const maxParsedLine = 65_536;
const maxFields = 200;

function flatten(value: unknown, prefix: string, out: Record<string, string>, depth: number): void {
  if (Object.keys(out).length >= maxFields) return;
  if (value !== null && typeof value === 'object' && !Array.isArray(value) && depth < 6) {
    for (const [name, inner] of Object.entries(value)) {
      // The form of Loki's json stage: nested names joined by underscores.
      flatten(inner, prefix ? `${prefix}_${name}` : name, out, depth + 1);
    }
    return;
  }
  if (prefix === '') return;
  const name = prefix.replace(/[^a-zA-Z0-9_]/g, '_');
  out[name] = typeof value === 'string' ? value : JSON.stringify(value);
}

/** Which parser a line is for. */
export function lineFormat(line: string): 'json' | 'logfmt' | null {
  const text = line.trim();
  if (text.startsWith('{') && text.endsWith('}')) {
    try {
      JSON.parse(text);
      return 'json';
    } catch {
      return null;
    }
  }
  return (text.match(/(?:^|\s)[\w.]+=(?:"|\S)/g)?.length ?? 0) >= 2 ? 'logfmt' : null;
}

/** Fields of a JSON or logfmt line; null for any other. */
export function parseLine(line: string): Record<string, string> | null {
  if (line.length > maxParsedLine) return null;
  const format = lineFormat(line);
  const out: Record<string, string> = {};
  if (format === 'json') {
    flatten(JSON.parse(line), '', out, 0);
    return out;
  }
  if (format !== 'logfmt') return null;
  for (const match of line.matchAll(/(?:^|\s)([\w.]+)=(?:"((?:\\.|[^"\\])*)"|(\S*))/g)) {
    const [, name, quoted, plain] = match;
    if (name) out[name.replace(/[^a-zA-Z0-9_]/g, '_')] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '';
  }
  return out;
}

/** The line indented, if it is JSON; else as it is. */
export function prettyLine(line: string): string {
  if (line.length > maxParsedLine || lineFormat(line) !== 'json') return line;
  return JSON.stringify(JSON.parse(line), null, 2);
}

export type LinePart = { text: string } | { text: string; traceId: string };

const hexId = /(?<![0-9a-zA-Z])[0-9a-f]{32}(?![0-9a-zA-Z])/gi;
const traceNames = /^(trace_?id|trace\.id|dd_trace_id|otelTraceID)$/i;

/** Splits a line at its 128-bit hexadecimal ids, which become links to traces. */
export function splitTraceIds(line: string): LinePart[] {
  const parts: LinePart[] = [];
  let at = 0;
  for (const match of line.matchAll(hexId)) {
    if (/^0+$/.test(match[0])) continue;
    if (match.index > at) parts.push({ text: line.slice(at, match.index) });
    parts.push({ text: match[0], traceId: match[0].toLowerCase() });
    at = match.index + match[0].length;
  }
  if (at < line.length || parts.length === 0) parts.push({ text: line.slice(at) });
  return parts;
}

/** Whether a field names a trace: by its name and a hexadecimal value of 16 to 32 digits. */
export function traceIdOf(name: string, value: string): string | null {
  if (!/^[0-9a-f]{16,32}$/i.test(value) || /^0+$/.test(value)) return null;
  return traceNames.test(name) || value.length === 32 ? value.toLowerCase() : null;
}

/** The trace a row belongs to, from its fields first, else from its line. */
export function rowTraceId(row: LogRow): string | null {
  for (const labels of [row.metadata, row.parsed, row.stream]) {
    for (const [name, value] of Object.entries(labels)) {
      if (traceNames.test(name)) {
        const id = traceIdOf(name, value);
        if (id) return id;
      }
    }
  }
  for (const part of splitTraceIds(row.line)) if ('traceId' in part) return part.traceId;
  return null;
}
