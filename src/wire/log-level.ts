/**
 * What Loki adds to pushed logs by itself: the label `service_name` and the structured metadata `detected_level`
 * (discover_service_name and discover_log_levels at their defaults, as of Loki 3.2). Shared by all log formats.
 */

import type { Labels } from '../model/labels.ts';

export const SERVICE_NAME = 'service_name';
export const UNKNOWN_SERVICE = 'unknown_service';
export const DETECTED_LEVEL = 'detected_level';

/** Labels that name the service, in the order of preference. */
export const SERVICE_NAME_LABELS: readonly string[] = [
  'service',
  'app',
  'application',
  'name',
  'app_kubernetes_io_name',
  'container',
  'container_name',
  'component',
  'workload',
  'job',
];

/** Names of labels, metadata and fields that hold a level, in the order of preference. */
export const LEVEL_NAMES: readonly string[] = [
  'level',
  'LEVEL',
  'Level',
  'severity',
  'Severity',
  'SEVERITY',
  'lvl',
  'LVL',
  'Lvl',
];

/** The stream's labels with `service_name`, found among its labels where it is missing. */
export function withServiceName(labels: Labels): Labels {
  if (labels.has(SERVICE_NAME)) return labels;
  for (const name of SERVICE_NAME_LABELS) {
    const value = labels.get(name);
    if (value !== '') return labels.with(SERVICE_NAME, value);
  }
  return labels.with(SERVICE_NAME, UNKNOWN_SERVICE);
}

/** The level that a stream's labels give to all of its lines, or undefined. */
export function levelOfStream(labels: Labels): string | undefined {
  for (const name of LEVEL_NAMES) if (labels.has(name)) return labels.get(name);
  return undefined;
}

/** The level of an OTLP severity number: ranges of four from trace to fatal. */
export function levelOfSeverity(severity: number): string {
  if (!(severity >= 1 && severity <= 24)) return 'unknown';
  return SEVERITY_LEVELS[(severity - 1) >> 2] as string;
}

const SEVERITY_LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** The level that the text of a `severity_number` stands for; text that is no number counts as info. */
export function levelOfSeverityText(text: string): string {
  return /^[+-]?\d+$/.test(text) ? levelOfSeverity(Number(text)) : 'info';
}

/** The lowest OTLP severity number of a level, 0 when the level is none of the known ones. */
export function severityOfLevel(level: string): number {
  return SEVERITIES.get(normalLevel(level) ?? '') ?? 0;
}

const SEVERITIES = new Map([
  ['trace', 1],
  ['debug', 5],
  ['info', 9],
  ['warn', 13],
  ['error', 17],
  ['critical', 21],
  ['fatal', 21],
]);

const SPELLINGS = new Map([
  ['trace', 'trace'],
  ['trc', 'trace'],
  ['debug', 'debug'],
  ['dbg', 'debug'],
  ['info', 'info'],
  ['inf', 'info'],
  ['warn', 'warn'],
  ['wrn', 'warn'],
  ['warning', 'warn'],
  ['error', 'error'],
  ['err', 'error'],
  ['critical', 'critical'],
  ['fatal', 'fatal'],
]);

function normalLevel(value: string): string | undefined {
  return SPELLINGS.get(value) ?? (value.length <= 8 ? SPELLINGS.get(value.toLowerCase()) : undefined);
}

/**
 * The level of a line: the field of a JSON or logfmt line that is called like a level, else a word in the text, else
 * `unknown`. Only ASCII matters, so a line in UTF-8 may be given as Latin-1 text.
 */
export function levelOfLine(line: string): string {
  const value = isJson(line) ? jsonLevel(line) : logfmtLevel(line);
  return (value === undefined ? undefined : normalLevel(value)) ?? levelInText(line);
}

function isSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

function isJson(line: string): boolean {
  let start = 0;
  while (start < line.length && isSpace(line.charCodeAt(start))) start++;
  if (line.charCodeAt(start) !== 123) return false;
  let end = line.length - 1;
  while (end > start && isSpace(line.charCodeAt(end))) end--;
  return line.charCodeAt(end) === 125;
}

const LEVEL_RANKS = new Map(LEVEL_NAMES.map((name, rank) => [name, rank]));

/**
 * The raw text of the top-level key with the best level name. Scans without building values: lines may be large,
 * and need not be valid behind the key.
 */
function jsonLevel(line: string): string | undefined {
  let best: string | undefined;
  let bestRank = LEVEL_NAMES.length;
  let depth = 0;
  let at = 0;
  while (at < line.length) {
    const code = line.charCodeAt(at);
    if (code === 123 || code === 91) depth++;
    else if (code === 125 || code === 93) depth--;
    else if (code === 34) {
      const close = closingQuote(line, at + 1);
      if (close < 0) return best;
      if (depth === 1 && close - at <= 9) {
        const rank = LEVEL_RANKS.get(line.slice(at + 1, close));
        if (rank !== undefined && rank < bestRank) {
          let colon = close + 1;
          while (isSpace(line.charCodeAt(colon))) colon++;
          if (line.charCodeAt(colon) === 58) {
            const value = jsonScalar(line, colon + 1);
            if (value !== undefined) {
              best = value;
              bestRank = rank;
              if (rank === 0) return best;
            }
          }
        }
      }
      at = close;
    }
    at++;
  }
  return best;
}

/** The index of the quote that closes the string whose content starts at `at`, or -1. */
function closingQuote(line: string, at: number): number {
  let close = line.indexOf('"', at);
  while (close >= 0) {
    let slashes = 0;
    while (line.charCodeAt(close - 1 - slashes) === 92 && close - 1 - slashes >= at) slashes++;
    if (slashes % 2 === 0) return close;
    close = line.indexOf('"', close + 1);
  }
  return -1;
}

/** The raw text of the string, number or word that starts behind blanks at `at`; '' for an object or array. */
function jsonScalar(line: string, at: number): string | undefined {
  while (isSpace(line.charCodeAt(at))) at++;
  const code = line.charCodeAt(at);
  if (code === 34) {
    const close = closingQuote(line, at + 1);
    return close < 0 ? undefined : line.slice(at + 1, close);
  }
  if (code === 123 || code === 91) return '';
  let end = at;
  while (end < line.length && end - at < 32 && !/[\s,}\]]/.test(line[end] as string)) end++;
  return line.slice(at, end);
}

/** The value of the first logfmt key that is called like a level. Stops where the line stops being logfmt. */
function logfmtLevel(line: string): string | undefined {
  if (!line.includes('=')) return undefined;
  const { length } = line;
  let at = 0;
  for (;;) {
    while (at < length && line.charCodeAt(at) <= 32) at++;
    if (at >= length) return undefined;
    const keyStart = at;
    let code = 0;
    while (at < length && (code = line.charCodeAt(at)) > 32 && code !== 61 && code !== 34) at++;
    const keyEnd = at;
    if (at >= length) return undefined;
    if (code <= 32) continue; // a key without value
    if (code === 34 || keyEnd === keyStart) return undefined; // a quote in a key, or no key
    at++; // '='
    let value = '';
    if (at < length && line.charCodeAt(at) === 34) {
      const close = closingQuote(line, at + 1);
      if (close < 0) return undefined;
      value = line.slice(at + 1, close);
      at = close + 1;
    } else {
      const start = at;
      while (at < length && (code = line.charCodeAt(at)) > 32) {
        if (code === 61 || code === 34) return undefined;
        at++;
      }
      value = line.slice(start, at);
    }
    if (keyEnd - keyStart <= 8 && LEVEL_RANKS.has(line.slice(keyStart, keyEnd))) return value;
  }
}

const WORDS: readonly (readonly [level: string, words: readonly string[]])[] = [
  ['info', ['info', 'INFO']],
  ['error', ['err:', 'ERR:', 'error', 'ERROR']],
  ['warn', ['warn:', 'WARN:', 'warning', 'WARNING']],
  ['critical', ['CRITICAL:', 'critical:']],
  ['debug', ['debug:', 'DEBUG:']],
];

function levelInText(line: string): string {
  for (const [level, words] of WORDS) {
    for (const word of words) if (line.includes(word)) return level;
  }
  return 'unknown';
}
