/** Parameters of Loki's API: times, steps, limits, directions, queries. Wrong ones are HttpError 400 in Loki's words. */

import { HttpError } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { LogExpr, LogQLExpr } from '../../query/logql/ast.ts';
import { parseLogQL, parseLogQuery, parseMatchers } from '../../query/logql/parse.ts';
import { parseDuration } from '../../query/syntax/durations.ts';
import { lineAndColumn } from '../../query/syntax/positions.ts';

const MS = 1_000_000n;
const HOUR_MS = 3_600_000;

export function bad(message: string): HttpError {
  return new HttpError(400, message);
}

/** Nanoseconds, seconds with a fraction, or RFC 3339. `name` is for the error. */
export function parseTime(text: string | null, fallbackNs: bigint, name: string): bigint {
  if (text === null || text === '') return fallbackNs;
  const fail = (): never => {
    throw bad(
      `could not parse '${name}' parameter: cannot parse ${JSON.stringify(text)} to a valid timestamp`,
    );
  };
  if (/^[+-]?\d*\.\d*(?:[eE][+-]?\d+)?$/.test(text) && /\d/.test(text)) {
    const seconds = Number(text);
    const whole = Math.trunc(seconds);
    // As Loki: the fraction is rounded to milliseconds.
    const millis = Math.round((seconds - whole) * 1000);
    if (!Number.isSafeInteger(whole)) fail();
    return BigInt(whole) * 1_000_000_000n + BigInt(millis) * MS;
  }
  if (/^[+-]?\d+$/.test(text)) {
    const value = BigInt(text);
    if (BigInt.asIntN(64, value) !== value) fail();
    return text.length <= 10 ? value * 1_000_000_000n : value;
  }
  const parts =
    /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,18}))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (parts === null) return fail();
  const [, y, mo, d, h, mi, s, fraction = '', zone] = parts as unknown as string[];
  const date = Date.UTC(Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s));
  const check = new Date(date);
  if (check.getUTCDate() !== Number(d) || check.getUTCMonth() !== Number(mo) - 1) fail();
  if (Number(h) > 23 || Number(mi) > 59 || Number(s) > 59) fail();
  let offsetMs = 0;
  if (zone !== 'Z') {
    const sign = (zone as string)[0] === '-' ? -1 : 1;
    offsetMs =
      sign * (Number((zone as string).slice(1, 3)) * 60 + Number((zone as string).slice(4, 6))) * 60_000;
  }
  return BigInt(date - offsetMs) * MS + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
}

export interface Bounds {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** start, end and since; without a start the range is one hour, or `since`, before the end. */
export function parseBounds(params: URLSearchParams, nowMs: number): Bounds {
  const nowNs = BigInt(Math.floor(nowMs)) * MS;
  const since = params.get('since');
  let sinceMs = HOUR_MS;
  if (since !== null && since !== '') {
    const duration = parseDuration(since);
    if ('error' in duration) throw bad(`could not parse 'since' parameter: ${duration.error}`);
    sinceMs = duration.ms;
  }
  const endNs = parseTime(params.get('end'), nowNs, 'end');
  const from = endNs > nowNs ? nowNs : endNs;
  const startNs = parseTime(params.get('start'), from - BigInt(sinceMs) * MS, 'start');
  return { startNs, endNs };
}

/** Bounds that are in order. */
export function parseRange(params: URLSearchParams, nowMs: number): Bounds {
  const bounds = parseBounds(params, nowMs);
  if (bounds.endNs < bounds.startNs) throw bad('end timestamp must not be before or equal to start time');
  return bounds;
}

/** Seconds with a fraction, or a duration, in nanoseconds. */
function parseSeconds(text: string, name: string): bigint {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    const ns = Number(text) * 1e9;
    if (!Number.isFinite(ns) || Math.abs(ns) > 9.2e18) {
      throw bad(`cannot parse ${JSON.stringify(text)} to a valid duration. It overflows int64`);
    }
    return BigInt(Math.round(ns));
  }
  const duration = parseDuration(text.startsWith('-') ? text.slice(1) : text);
  if ('error' in duration) {
    throw bad(
      `could not parse '${name}' parameter: cannot parse ${JSON.stringify(text)} to a valid duration`,
    );
  }
  const ns = BigInt(duration.ms) * MS;
  return text.startsWith('-') ? -ns : ns;
}

/** The step: given, or a 250th of the range in whole seconds, at least one. */
export function parseStep(params: URLSearchParams, range: Bounds): bigint {
  const text = params.get('step');
  if (text === null || text === '') {
    const seconds = (range.endNs - range.startNs) / 250_000_000_000n;
    return (seconds < 1n ? 1n : seconds) * 1_000_000_000n;
  }
  const ns = parseSeconds(text, 'step');
  if (ns <= 0n) {
    throw bad('zero or negative query resolution step widths are not accepted. Try a positive integer');
  }
  return ns;
}

/** Refuses steps that make too many points. */
export function checkPoints(range: Bounds, stepNs: bigint, maxPoints: number): void {
  if (maxPoints > 0 && (range.endNs - range.startNs) / stepNs > BigInt(maxPoints)) {
    throw bad(
      `exceeded maximum resolution of ${maxPoints.toLocaleString('en-US')} points per time series. ` +
        'Try increasing the value of the step parameter',
    );
  }
}

export function parseInterval(params: URLSearchParams): bigint {
  const text = params.get('interval');
  if (text === null || text === '') return 0n;
  const ns = parseSeconds(text, 'interval');
  if (ns < 0n) throw bad('interval must be >= 0');
  return ns;
}

export function parseLimit(params: URLSearchParams, fallback: number, name = 'limit'): number {
  const text = params.get(name);
  if (text === null || text === '') return fallback;
  if (!/^[+-]?\d{1,15}$/.test(text)) {
    throw bad(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (value <= 0) throw bad(`${name} must be a positive value`);
  return value;
}

export function parseDirection(params: URLSearchParams): 'forward' | 'backward' {
  const text = params.get('direction') ?? '';
  if (text === '') return 'backward';
  const lower = text.toLowerCase();
  if (lower === 'forward' || lower === 'backward') return lower;
  throw bad(`invalid direction '${text}'`);
}

/** Errors of the parser with the position as Loki writes it. */
export function parseErrorText(query: string, error: InputError): string {
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  if (error.position === undefined) return `parse error : ${error.message}${hint}`;
  const { line, column } = lineAndColumn(query, error.position);
  return `parse error at line ${line}, col ${column}: ${error.message}${hint}`;
}

function parsed<T>(query: string, parse: (text: string) => T): T {
  try {
    return parse(query);
  } catch (error) {
    if (error instanceof InputError) throw new HttpError(400, parseErrorText(query, error), { cause: error });
    throw error;
  }
}

/** As `running`, for work that is done at once. */
export function compiled<T>(params: URLSearchParams, make: () => T): T {
  return parsed(params.get('query') ?? '', make);
}

/** Runs a query; what only shows now to be wrong with its text is told as the parser's errors are. */
export async function running<T>(params: URLSearchParams, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new HttpError(400, parseErrorText(params.get('query') ?? '', error), { cause: error });
  }
}

/** The parameter `query`, which must be there. */
export function parseQuery(params: URLSearchParams): LogQLExpr {
  return parsed(params.get('query') ?? '', parseLogQL);
}

export function parseLogParam(params: URLSearchParams): LogExpr {
  return parsed(params.get('query') ?? '', parseLogQuery);
}

/** A selector without stages; `{}` and nothing at all are everything. */
export function parseSelectorText(text: string | null): readonly Matcher[] {
  if (text === null || text.trim() === '') return [];
  return parsed(text, parseMatchers);
}

/** A selector that must be given. */
export function parseSelectorParam(params: URLSearchParams): readonly Matcher[] {
  return parsed(params.get('query') ?? '', parseMatchers);
}
