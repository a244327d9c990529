/** /loki/api/v1/query and /query_range, and format_query. */

import { HttpError, type HttpRequest, type HttpResponse, type Route } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import { isMetric, type LogQLExpr, rangesOf } from '../../query/logql/ast.ts';
import { parseLogQL } from '../../query/logql/parse.ts';
import { formatLogQL } from '../../query/logql/print.ts';
import { formatDuration } from '../../query/syntax/durations.ts';
import type { LokiContext } from './context.ts';
import { json, metricAnswer, streamsAnswer, success } from './json.ts';
import {
  type Bounds,
  bad,
  checkPoints,
  parseDirection,
  parseErrorText,
  parseInterval,
  parseLimit,
  parseQuery,
  parseRange,
  parseStep,
  parseTime,
  running,
} from './params.ts';

const MS = 1_000_000n;
const DEFAULT_LIMIT = 100;

export function queryRoutes(context: LokiContext): Route[] {
  const methods = ['GET', 'POST'];
  return [
    { methods, path: '/loki/api/v1/query', handler: (request) => instant(context, request) },
    { methods, path: '/loki/api/v1/query_range', handler: (request) => range(context, request) },
    { methods, path: '/loki/api/v1/format_query', handler: formatQuery },
  ];
}

/** Whether the client wants labels told apart by where they come from. */
export function wantsCategories(request: HttpRequest): boolean {
  const flags = request.headers['x-loki-response-encoding-flags'] ?? '';
  return flags.split(',').some((flag) => flag.trim() === 'categorize-labels');
}

async function instant(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const startedMs = context.now();
  const nowNs = BigInt(Math.floor(startedMs)) * MS;
  const timeNs = parseTime(params.get('time'), nowNs, 'time');
  // Of no use here, but wrong ones are refused.
  parseLimit(params, DEFAULT_LIMIT);
  parseDirection(params);
  const expr = parseQuery(params);
  if (!isMetric(expr)) {
    throw bad(
      'log queries are not supported as an instant query type, please change your query to a range query type',
    );
  }
  const bounds = { startNs: timeNs, endNs: timeNs };
  checkLength(context, expr, bounds);
  const result = await running(params, () =>
    context.engine.metric(
      expr,
      { tenant: request.tenant, ...bounds, stepNs: 0n },
      { nowNs, signal: request.signal },
    ),
  );
  return metricAnswer(result, timeNs, context.now() - startedMs);
}

async function range(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const startedMs = context.now();
  const nowNs = BigInt(Math.floor(startedMs)) * MS;
  const bounds = parseRange(params, startedMs);
  const limit = parseLimit(params, DEFAULT_LIMIT);
  const direction = parseDirection(params);
  const stepNs = parseStep(params, bounds);
  checkPoints(bounds, stepNs, context.limits.maxPoints);
  const intervalNs = parseInterval(params);
  const expr = parseQuery(params);
  checkLength(context, expr, bounds);
  const options = { nowNs, signal: request.signal };
  if (isMetric(expr)) {
    const aligned = alignToStep(bounds, stepNs);
    const result = await running(params, () =>
      context.engine.metric(expr, { tenant: request.tenant, ...aligned, stepNs }, options),
    );
    return metricAnswer(result, aligned.startNs, context.now() - startedMs);
  }
  const { maxEntries } = context.limits;
  if (maxEntries > 0 && limit > maxEntries) {
    throw bad(
      `max entries limit per query exceeded, limit > max_entries_limit_per_query (${limit} > ${maxEntries})`,
    );
  }
  const categorize = wantsCategories(request);
  const { streams, stats } = await running(params, () =>
    context.engine.streams(
      expr,
      { tenant: request.tenant, ...bounds, direction, limit, intervalNs },
      { ...options, categorize },
    ),
  );
  return streamsAnswer(streams, stats, context.now() - startedMs, categorize);
}

/** The range of a metric query moves outwards to multiples of the step, so that answers can be cached. */
function alignToStep({ startNs, endNs }: Bounds, stepNs: bigint): Bounds {
  const floor = (value: bigint): bigint => value - (((value % stepNs) + stepNs) % stepNs);
  return { startNs: floor(startNs), endNs: -floor(-endNs) };
}

function checkLength(context: LokiContext, expr: LogQLExpr, { startNs, endNs }: Bounds): void {
  const { maxQueryLengthMs } = context.limits;
  if (maxQueryLengthMs === 0) return;
  let lengthNs = endNs - startNs;
  // The range of a vector counts, too.
  if (isMetric(expr)) {
    let widest = 0n;
    for (const { rangeNs } of rangesOf(expr)) if (rangeNs > widest) widest = rangeNs;
    lengthNs += widest;
  }
  if (lengthNs > BigInt(maxQueryLengthMs) * MS) {
    throw bad(
      `the query time range exceeds the limit (query length: ${formatDuration(Number(lengthNs / MS))}, ` +
        `limit: ${formatDuration(maxQueryLengthMs)})`,
    );
  }
}

async function formatQuery(request: HttpRequest): Promise<HttpResponse> {
  const query = (await request.form()).get('query') ?? '';
  try {
    return success(formatLogQL(parseLogQL(query)));
  } catch (error) {
    if (!(error instanceof InputError) && !(error instanceof HttpError)) throw error;
    const message = error instanceof InputError ? parseErrorText(query, error) : error.message;
    return { ...json({ status: 'invalid-query', error: message }), status: 400 };
  }
}
