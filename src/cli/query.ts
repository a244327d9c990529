/**
 * `trivium query`: asks a running server through its public APIs and prints tables for people, JSON for machines.
 */

import type { FlagSpec, ParsedFlags } from '../config/flags.ts';
import { parseDurationMs } from '../config/units.ts';

export const QUERY_FLAGS: Readonly<Record<string, FlagSpec>> = {
  url: { value: 'URL', help: 'the server (default: http://127.0.0.1:3000)' },
  since: { value: 'DURATION', help: 'logs and traces of this long (default: 1h)' },
  limit: { value: 'N', help: 'at most this many lines or traces (default: 100)' },
  tenant: { value: 'NAME', help: 'sent as X-Scope-OrgID' },
  json: { help: 'the answer as the server gave it, also on a terminal' },
};

const LANGUAGES = ['promql', 'logql', 'traceql'] as const;
type Language = (typeof LANGUAGES)[number];

/** A wrong command line or a refused query; the message is for people. */
export class QueryError extends Error {}

export interface QueryDeps {
  readonly fetch: typeof fetch;
  readonly nowMs: () => number;
  /** Whether a person reads the output. */
  readonly isTerminal: boolean;
  readonly print: (text: string) => void;
}

/** Runs one query. Throws QueryError with what the server said. */
export async function runQuery(flags: ParsedFlags, deps: QueryDeps): Promise<void> {
  const [language, expression, ...rest] = flags.positionals;
  if (!LANGUAGES.includes(language as Language) || expression === undefined || rest.length > 0) {
    throw new QueryError("write: trivium query promql|logql|traceql 'EXPRESSION' (in quotes, as one word)");
  }
  const sinceMs = parseDurationMs(flags.values.get('since') ?? '1h');
  if (sinceMs === undefined) throw new QueryError('--since: write for instance 30m or 2d');
  const base = (flags.values.get('url') ?? 'http://127.0.0.1:3000').replace(/\/+$/, '');
  const url = new URL(
    base +
      pathOf(language as Language, expression, deps.nowMs(), sinceMs, flags.values.get('limit') ?? '100'),
  );
  const tenant = flags.values.get('tenant');
  let response: Response;
  try {
    response = await deps.fetch(url, tenant === undefined ? {} : { headers: { 'x-scope-orgid': tenant } });
  } catch (error) {
    throw new QueryError(`no answer from ${base}: is the server running? (${(error as Error).message})`);
  }
  const text = await response.text();
  if (!response.ok) throw new QueryError(`${response.status}: ${reasonIn(text)}`);
  if (!deps.isTerminal || flags.values.has('json')) {
    deps.print(`${text}\n`);
    return;
  }
  deps.print(asTable(JSON.parse(text), language as Language));
}

function pathOf(
  language: Language,
  expression: string,
  nowMs: number,
  sinceMs: number,
  limit: string,
): string {
  const query = new URLSearchParams();
  switch (language) {
    case 'promql':
      query.set('query', expression);
      return `/prometheus/api/v1/query?${query}`;
    case 'logql':
      query.set('query', expression);
      query.set('limit', limit);
      query.set('start', `${BigInt(nowMs - sinceMs) * 1_000_000n}`);
      query.set('end', `${BigInt(nowMs) * 1_000_000n}`);
      return `/loki/loki/api/v1/query_range?${query}`;
    case 'traceql':
      query.set('q', expression);
      query.set('limit', limit);
      query.set('start', String(Math.floor((nowMs - sinceMs) / 1000)));
      query.set('end', String(Math.ceil(nowMs / 1000)));
      return `/tempo/api/search?${query}`;
  }
}

function reasonIn(text: string): string {
  try {
    const parsed = JSON.parse(text) as { error?: string; message?: string };
    return parsed.error ?? parsed.message ?? text;
  } catch {
    return text.trim();
  }
}

type Pairs = Record<string, string>;
interface Answer {
  readonly data?: {
    readonly resultType: string;
    readonly result: readonly unknown[];
  };
  readonly traces?: readonly {
    readonly traceID: string;
    readonly rootServiceName?: string;
    readonly rootTraceName?: string;
    readonly startTimeUnixNano?: string;
    readonly durationMs?: number;
  }[];
}

function asTable(answer: Answer, language: Language): string {
  if (language === 'traceql') {
    const rows = (answer.traces ?? []).map((trace) => [
      trace.traceID,
      trace.startTimeUnixNano === undefined ? '' : time(BigInt(trace.startTimeUnixNano)),
      `${trace.durationMs ?? 0} ms`,
      `${trace.rootServiceName ?? ''}: ${trace.rootTraceName ?? ''}`,
    ]);
    return table(['trace', 'start', 'duration', 'root'], rows);
  }
  const { resultType, result } = answer.data as NonNullable<Answer['data']>;
  if (resultType === 'streams') {
    const lines = (result as { stream: Pairs; values: [string, string][] }[])
      .flatMap(({ stream, values }) => values.map(([ns, line]) => ({ ns: BigInt(ns), line, stream })))
      .sort((a, b) => (a.ns < b.ns ? -1 : 1));
    return lines.map(({ ns, line, stream }) => `${time(ns)} ${labels(stream)} ${line}\n`).join('');
  }
  if (resultType === 'scalar' || resultType === 'string')
    return `${(result as unknown as [number, string])[1]}\n`;
  if (resultType === 'matrix') {
    const rows = (result as { metric: Pairs; values?: [number, string][] }[]).flatMap(({ metric, values }) =>
      (values ?? []).map(([seconds, value]) => [
        time(BigInt(Math.round(seconds * 1000)) * 1_000_000n),
        value,
        labels(metric),
      ]),
    );
    return table(['time', 'value', 'series'], rows);
  }
  const rows = (
    result as {
      metric: Pairs;
      value?: [number, string];
      histogram?: [number, { count: string; sum: string }];
    }[]
  ).map(({ metric, value, histogram }) => [
    value?.[1] ?? `count ${histogram?.[1].count}, sum ${histogram?.[1].sum}`,
    labels(metric),
  ]);
  return table(['value', 'series'], rows);
}

function labels(pairs: Pairs): string {
  const { __name__: name = '', ...rest } = pairs;
  const inner = Object.entries(rest)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(', ');
  return name !== '' && inner === '' ? name : `${name}{${inner}}`;
}

function time(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString();
}

/** Columns as wide as their widest cell; the last one as it is. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'nothing found\n';
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map(
      (row) =>
        `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] as number))).join('  ')}\n`,
    )
    .join('');
}
