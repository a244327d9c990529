/** Request parameters as Prometheus reads them. Every refusal is an InputError: `invalid parameter "x": ...`. */

import { InputError } from '../../model/errors.ts';
import type { Matcher } from '../../model/matcher.ts';
import { parseMetricSelector } from '../../query/promql/index.ts';
import { parseDuration } from '../../query/syntax/durations.ts';
import { parseGoFloat } from '../../query/syntax/numbers.ts';
import { matcherTest } from '../../query/syntax/regex.ts';
import { quote } from '../../query/syntax/strings.ts';

/** The whole of time, as far as requests without start or end are concerned. */
export const MIN_TIME_MS = -(2 ** 53) + 1;
export const MAX_TIME_MS = 2 ** 53 - 1;

/** How Prometheus's clients write "since ever" and "for ever". */
const EARLIEST = '-292273086-05-16T16:47:06Z';
const LATEST = '292277025-08-18T07:12:54.999999999Z';

export function invalidParam(name: string, message: string): InputError {
  return new InputError(`invalid parameter ${quote(name)}: ${message}`);
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Unix seconds (with fraction) or RFC 3339, in milliseconds. */
export function parseTimeMs(name: string, text: string): number {
  const seconds = parseGoFloat(text);
  if (seconds !== undefined && Number.isFinite(seconds)) {
    const whole = Math.trunc(seconds);
    const ms = whole * 1000 + Math.round((seconds - whole) * 1000);
    return Math.max(MIN_TIME_MS, Math.min(MAX_TIME_MS, ms));
  }
  if (RFC3339.test(text)) {
    const ms = Date.parse(text.toUpperCase());
    if (!Number.isNaN(ms)) return ms;
  }
  if (text === EARLIEST) return MIN_TIME_MS;
  if (text === LATEST) return MAX_TIME_MS;
  throw invalidParam(name, `cannot parse ${quote(text)} to a valid timestamp`);
}

export function timeParam(form: URLSearchParams, name: string, otherwise: number): number {
  const text = form.get(name) ?? '';
  return text === '' ? otherwise : parseTimeMs(name, text);
}

/** Seconds or a duration (1m30s), in milliseconds (may have a fraction). */
export function durationMs(name: string, text: string): number {
  const seconds = parseGoFloat(text);
  if (seconds !== undefined) {
    if (!(Math.abs(seconds) * 1e9 <= 2 ** 63)) {
      throw invalidParam(name, `cannot parse ${quote(text)} to a valid duration. It overflows int64`);
    }
    return seconds * 1000;
  }
  const duration = parseDuration(text);
  if ('error' in duration) throw invalidParam(name, `cannot parse ${quote(text)} to a valid duration`);
  return duration.ms;
}

export function durationParam(form: URLSearchParams, name: string): number | undefined {
  const text = form.get(name) ?? '';
  return text === '' ? undefined : durationMs(name, text);
}

/** 0 means no limit. */
export function limitParam(form: URLSearchParams): number {
  const text = form.get('limit') ?? '';
  if (text === '') return 0;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw invalidParam('limit', `${quote(text)} is no whole number`);
  const limit = Number(text);
  if (limit < 0) throw invalidParam('limit', 'limit must be non-negative');
  return limit;
}

/** A number that may be negative (then there is no limit), as `metadata` takes it. */
export function wholeNumberParam(form: URLSearchParams, name: string): number {
  const text = form.get(name) ?? '';
  if (text === '') return -1;
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new InputError(`${name} must be a number`);
  return Number(text);
}

/** The selectors of all match[] parameters; each must ask for something. */
export function matcherSetsParam(form: URLSearchParams): (readonly Matcher[])[] {
  return form.getAll('match[]').map((text) => {
    let matchers: readonly Matcher[];
    try {
      matchers = parseMetricSelector(text);
    } catch (error) {
      if (error instanceof InputError) throw invalidParam('match[]', error.message);
      throw error;
    }
    if (matchers.every((matcher) => matcherTest(matcher)(''))) {
      throw invalidParam('match[]', 'match[] must contain at least one non-empty matcher');
    }
    return matchers;
  });
}

/** A time range for look-ups; the whole of time where it is not given. */
export function timeRangeParams(form: URLSearchParams): { startMs: number; endMs: number } {
  return { startMs: timeParam(form, 'start', MIN_TIME_MS), endMs: timeParam(form, 'end', MAX_TIME_MS) };
}

/** A label name in the escaped form for paths: U__ followed by the name, `_` doubled and `_hex_` for the rest. */
export function unescapeLabelName(name: string): string {
  if (!name.startsWith('U__')) return name;
  const body = name.slice(3);
  let out = '';
  for (let i = 0; i < body.length; i++) {
    const c = body[i] as string;
    if (c !== '_') {
      out += c;
      continue;
    }
    if (body[i + 1] === '_') {
      out += '_';
      i++;
      continue;
    }
    const code = /^_([0-9a-fA-F]{1,6})_/.exec(body.slice(i));
    const value = code === null ? Number.NaN : Number.parseInt(code[1] as string, 16);
    // What is no escape after all is taken as it is written.
    if (code === null || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return name;
    out += String.fromCodePoint(value);
    i += code[0].length - 1;
  }
  return out;
}
