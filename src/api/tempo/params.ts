/** Parameters of Tempo's HTTP API: times, durations, numbers. Mistakes are HttpError 400 with Tempo's kind of text. */

import { HttpError } from '../../http/handler.ts';
import { parseDuration } from '../../query/traceql/scanner.ts';

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;

export const invalid = (message: string): HttpError => new HttpError(400, message);

/** Seconds (also with a fraction), nanoseconds (more than ten digits) or RFC 3339, as nanoseconds. */
export function parseTime(name: string, text: string): bigint {
  if (/^\d{1,10}$/.test(text)) return BigInt(text) * NS_PER_SECOND;
  if (/^\d{11,19}$/.test(text)) return BigInt(text);
  const fraction = /^(\d{1,10})\.(\d{1,9})\d*$/.exec(text);
  if (fraction !== null) {
    return BigInt(fraction[1] as string) * NS_PER_SECOND + BigInt((fraction[2] as string).padEnd(9, '0'));
  }
  const iso = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const seconds = iso === null ? Number.NaN : Date.parse(`${iso[1]}${iso[3]}`);
  if (iso === null || Number.isNaN(seconds)) {
    throw invalid(`invalid ${name}: "${text}" is no time (seconds or nanoseconds since 1970, or RFC 3339)`);
  }
  return BigInt(seconds) * NS_PER_MS + BigInt((iso[2] ?? '').padEnd(9, '0'));
}

export interface TimeRange {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** `start` and `end`, which come both or not at all. */
export function optionalRange(query: URLSearchParams): TimeRange | undefined {
  const start = query.get('start') ?? '';
  const end = query.get('end') ?? '';
  if (start === '' && end === '') return undefined;
  if (start === '' || end === '') throw invalid('please provide both start and end');
  const range = { startNs: parseTime('start', start), endNs: parseTime('end', end) };
  if (range.startNs > range.endNs) {
    throw invalid(`http parameter start must be before end. received start=${start} end=${end}`);
  }
  return range;
}

/** A whole number of at least `least`, at most `most`. */
export function wholeNumber(
  query: URLSearchParams,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = query.get(name) ?? '';
  if (text === '') return fallback;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(value)) throw invalid(`invalid ${name}: "${text}" is no whole number`);
  if (value < least)
    throw invalid(`invalid ${name}: must be ${least === 1 ? 'a positive number' : `at least ${least}`}`);
  if (value > most) throw invalid(`${name} ${value} exceeds the maximum of ${most}`);
  return value;
}

/** A duration (`300s`, `5m`) or a number of seconds; nanoseconds. */
export function parseStep(name: string, text: string): bigint {
  const seconds = /^(\d+)(?:\.(\d{1,9}))?$/.exec(text);
  if (seconds !== null)
    return BigInt(seconds[1] as string) * NS_PER_SECOND + BigInt((seconds[2] ?? '').padEnd(9, '0'));
  const duration = parseDuration(text);
  if (duration === undefined) throw invalid(`invalid ${name}: cannot parse "${text}" to a valid duration`);
  return duration;
}

/** `since=1h`: the range that ends now. */
export function sinceRange(query: URLSearchParams, nowMs: number): TimeRange | undefined {
  const since = query.get('since') ?? '';
  if (since === '') return undefined;
  const duration = parseDuration(since);
  if (duration === undefined || duration === 0n) throw invalid(`invalid since: "${since}" is no duration`);
  const endNs = BigInt(Math.floor(nowMs)) * NS_PER_MS;
  return { startNs: endNs - duration, endNs };
}

/** A trace id: up to 32 hex digits; shorter ones are filled up with zeros. */
export function parseTraceId(text: string): string {
  if (!/^[0-9a-fA-F]{1,32}$/.test(text)) {
    throw invalid(
      text.length > 32
        ? "trace IDs can't be larger than 128 bits"
        : 'trace IDs can only contain hex characters',
    );
  }
  return text.toLowerCase().padStart(32, '0');
}
