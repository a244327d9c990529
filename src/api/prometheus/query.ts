/** query, query_range, format_query, parse_query. */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import { type PromqlEngine, prettyExpr, type QueryData, type QueryResult } from '../../query/promql/index.ts';
import { streamed, success } from './answer.ts';
import { astJson } from './ast-json.ts';
import { queryDataJson } from './json.ts';
import { durationMs, durationParam, invalidParam, limitParam, parseTimeMs, timeParam } from './params.ts';

/** Points per series that a range query may ask for. */
export const MAX_POINTS = 11_000;

const TRUNCATED = 'results truncated due to limit';

export interface QueryDeps {
  readonly engine: PromqlEngine;
  readonly now: () => number;
}

export function queryRoutes(deps: QueryDeps): Route[] {
  const both = ['GET', 'POST'];
  return [
    { methods: both, path: '/api/v1/query', handler: (request) => instantQuery(deps, request) },
    { methods: both, path: '/api/v1/query_range', handler: (request) => rangeQuery(deps, request) },
    {
      methods: both,
      path: '/api/v1/format_query',
      handler: async (request) => success(JSON.stringify(prettyExpr(await parsed(deps, request)))),
    },
    {
      methods: both,
      path: '/api/v1/parse_query',
      handler: async (request) => success(JSON.stringify(astJson(await parsed(deps, request)))),
    },
  ];
}

async function parsed(deps: QueryDeps, request: HttpRequest) {
  const form = await request.form();
  return asQueryParam(() => deps.engine.parse(form.get('query') ?? ''));
}

/** Mistakes in the query are those of the parameter `query`. */
async function asQueryParam<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof InputError) throw invalidParam('query', error.message);
    throw error;
  }
}

async function instantQuery(deps: QueryDeps, request: HttpRequest): Promise<HttpResponse> {
  const form = await request.form();
  const limit = limitParam(form);
  const timeMs = timeParam(form, 'time', deps.now());
  const timeoutMs = durationParam(form, 'timeout');
  const lookbackMs = lookback(form);
  const result = await asQueryParam(() =>
    deps.engine.query({
      tenant: request.tenant,
      query: form.get('query') ?? '',
      startMs: timeMs,
      endMs: timeMs,
      signal: request.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(lookbackMs === undefined ? {} : { lookbackMs }),
    }),
  );
  return resultAnswer(result, limit, form.get('stats') ?? '');
}

async function rangeQuery(deps: QueryDeps, request: HttpRequest): Promise<HttpResponse> {
  const form = await request.form();
  const limit = limitParam(form);
  const startMs = parseTimeMs('start', form.get('start') ?? '');
  const endMs = parseTimeMs('end', form.get('end') ?? '');
  if (endMs < startMs) throw invalidParam('end', 'end timestamp must not be before start time');
  const step = durationMs('step', form.get('step') ?? '');
  if (step <= 0) {
    throw invalidParam(
      'step',
      'zero or negative query resolution step widths are not accepted. Try a positive integer',
    );
  }
  if (Math.trunc((endMs - startMs) / step) > MAX_POINTS) {
    throw new InputError(
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    );
  }
  const timeoutMs = durationParam(form, 'timeout');
  const lookbackMs = lookback(form);
  const result = await asQueryParam(() =>
    deps.engine.query({
      tenant: request.tenant,
      query: form.get('query') ?? '',
      startMs,
      endMs,
      stepMs: Math.max(1, Math.trunc(step)),
      signal: request.signal,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(lookbackMs === undefined ? {} : { lookbackMs }),
    }),
  );
  return resultAnswer(result, limit, form.get('stats') ?? '');
}

/** The look-back that the request wants; undefined (also for 0) for the server's own. */
function lookback(form: URLSearchParams): number | undefined {
  const ms = durationParam(form, 'lookback_delta');
  return ms === undefined || ms <= 0 ? undefined : Math.trunc(ms);
}

function resultAnswer(result: QueryResult, limit: number, stats: string): HttpResponse {
  const data = truncated(result.data, limit);
  const warnings = data === result.data ? result.warnings : [...result.warnings, TRUNCATED];
  const tail = stats === '' ? '}' : `,"stats":${statsJson(result)}}`;
  return streamed(queryDataJson(data), tail, { warnings, infos: result.infos });
}

function truncated(data: QueryData, limit: number): QueryData {
  if (limit <= 0 || data.type === 'scalar' || data.type === 'string' || data.series.length <= limit)
    return data;
  return { ...data, series: data.series.slice(0, limit) } as QueryData;
}

function statsJson(result: QueryResult): string {
  return JSON.stringify({
    timings: {
      evalTotalTime: result.stats.totalMs / 1000,
      resultSortTime: 0,
      queryPreparationTime: result.stats.readMs / 1000,
      innerEvalTime: (result.stats.totalMs - result.stats.readMs) / 1000,
      execQueueTime: 0,
      execTotalTime: result.stats.totalMs / 1000,
    },
    samples: {
      totalQueryableSamples: result.stats.samplesRead,
      peakSamples: result.stats.peakSamples,
    },
  });
}
