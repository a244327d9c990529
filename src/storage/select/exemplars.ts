/**
 * Exemplars inferred from spans: for histograms whose client sends none, spans of the same service and route whose
 * duration falls into the bucket. Knows nothing of PromQL or HTTP.
 */

import type { Exemplar } from '../../model/batch.ts';
import {
  INFERRED_LABEL,
  type InferExemplars,
  type InferExemplarsQuery,
} from '../../model/infer-exemplars.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import type { ScopedClient, TenantScope } from '../scope.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';

const NS_PER_MS = 1_000_000;
/** The last millisecond whose nanoseconds fit 64 bits. */
const MAX_TIME_MS = 9_223_372_036_854;
/** Spans looked at per service; the newest of each route and bucket matter. */
const MAX_SPANS = 5000;
/** The longest range that is searched; older than that before the end is left out. */
const MAX_RANGE_MS = 24 * 3_600_000;

/** Labels of a series under which instrumentations give the route, and the span attributes they come from. */
const ROUTE_LABELS = ['http_route', 'http.route', 'route', 'rpc_method', 'rpc.method', 'span_name'] as const;
const ROUTE_ATTRIBUTES = ['http.route', 'rpc.method', 'url.path', 'http.target'] as const;

interface FoundSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly startMs: number;
  readonly durationNs: number;
  readonly name: string;
  readonly routes: ReadonlySet<string>;
}

/** Makes the function over tenant scopes. */
export function inferredExemplars(scopeOf: TenantScope): InferExemplars {
  return async (query, signal) => {
    const services = new Map<string, Labels[]>();
    for (const labels of query.series) {
      const service = serviceOf(labels);
      if (service === undefined || unitNs(labels) === undefined) continue;
      const list = services.get(service);
      if (list === undefined) services.set(service, [labels]);
      else list.push(labels);
    }
    const out: { labels: Labels; exemplars: Exemplar[] }[] = [];
    for (const [service, series] of services) {
      const spans = await readSpans(scopeOf(query.tenant), service, query, signal);
      if (spans.length === 0) continue;
      const bounds = lowerBounds(series);
      for (const labels of series) {
        const exemplars = pick(labels, spans, bounds, query.limitPerSeries);
        if (exemplars.length > 0) out.push({ labels, exemplars });
      }
    }
    return out;
  };
}

/** OpenTelemetry's service.name: the job, without the namespace in front. */
function serviceOf(labels: Labels): string | undefined {
  const job = labels.get('service_name') || labels.get('service.name') || labels.get('job');
  return job === '' ? undefined : job.slice(job.lastIndexOf('/') + 1);
}

/** Nanoseconds in one unit of the metric, by its name; undefined when it does not measure time. */
function unitNs(labels: Labels): number | undefined {
  const name = labels.get(METRIC_NAME).replace(/_bucket$/, '');
  if (/(?:^|[_.])(?:milliseconds|ms)$/.test(name)) return 1e6;
  if (/(?:^|[_.])(?:microseconds|us)$/.test(name)) return 1e3;
  if (/(?:^|[_.])(?:seconds|duration|latency)$/.test(name)) return 1e9;
  return undefined;
}

async function readSpans(
  scope: ScopedClient,
  service: string,
  query: InferExemplarsQuery,
  signal: AbortSignal | undefined,
): Promise<FoundSpan[]> {
  const endMs = Math.min(query.endMs, MAX_TIME_MS);
  const startMs = Math.max(query.startMs, endMs - MAX_RANGE_MS, 0);
  if (!(endMs > startMs)) return [];
  const routes: Sql[] = ROUTE_ATTRIBUTES.map((name) => sql`attributes_string[${bind.string(name)}]`);
  // Server and consumer spans are what services measure; others share their names but not their meaning.
  const request = sql`SELECT hex(trace_id) AS trace, hex(span_id) AS span, start_ns, duration_ns, toString(name) AS name,
      [${join(routes, ', ')}] AS routes
    FROM ${table.spans}
    WHERE ${TENANT} AND service = ${bind.string(service)} AND kind IN (2, 5)
      AND start_ns >= ${bind.int64(msToNs(startMs))} AND start_ns <= ${bind.int64(msToNs(endMs))}
    ORDER BY start_ns DESC LIMIT ${bind.uint32(MAX_SPANS)}`;
  const out: FoundSpan[] = [];
  for (const row of await scope.rows(request, { signal })) {
    const startNs = row.start_ns as bigint;
    const durationNs = Number(row.duration_ns as bigint);
    out.push({
      traceId: (row.trace as string).toLowerCase(),
      spanId: (row.span as string).toLowerCase(),
      startMs: Number(startNs / 1_000_000n),
      durationNs,
      name: row.name as string,
      routes: new Set((row.routes as string[]).filter((route) => route !== '')),
    });
  }
  return out;
}

function msToNs(ms: number): bigint {
  return BigInt(Math.trunc(ms)) * 1_000_000n;
}

/** For each histogram's bounds: the bound below. */
function lowerBounds(series: readonly Labels[]): Map<string, number[]> {
  const bounds = new Map<string, number[]>();
  for (const labels of series) {
    const le = labels.get('le');
    if (le === '') continue;
    const key = histogramKey(labels);
    const list = bounds.get(key);
    if (list === undefined) bounds.set(key, [parseBound(le)]);
    else list.push(parseBound(le));
  }
  for (const list of bounds.values()) list.sort((a, b) => a - b);
  return bounds;
}

function histogramKey(labels: Labels): string {
  return labels.without(new Set(['le'])).key;
}

function parseBound(le: string): number {
  return le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
}

/** The newest spans that the series' bucket counts. */
function pick(
  labels: Labels,
  spans: readonly FoundSpan[],
  bounds: ReadonlyMap<string, readonly number[]>,
  limit: number,
): Exemplar[] {
  const unit = unitNs(labels) as number;
  const le = labels.get('le');
  const upper = le === '' ? Number.POSITIVE_INFINITY : parseBound(le);
  let lower = Number.NEGATIVE_INFINITY;
  for (const bound of bounds.get(histogramKey(labels)) ?? [])
    if (bound < upper) lower = Math.max(lower, bound);
  const route = ROUTE_LABELS.map((name) => labels.get(name)).find((value) => value !== '');
  const method =
    labels.get('http_request_method') || labels.get('http.request.method') || labels.get('method');
  const exemplars: Exemplar[] = [];
  for (const span of spans) {
    const value = span.durationNs / unit;
    if (value <= lower || value > upper) continue;
    if (
      route !== undefined &&
      !span.routes.has(route) &&
      span.name !== route &&
      span.name !== `${method} ${route}`
    )
      continue;
    if (
      method !== '' &&
      route !== undefined &&
      /^[A-Z]+ /.test(span.name) &&
      !span.name.startsWith(`${method} `)
    )
      continue;
    exemplars.push({
      labels: Labels.from({ trace_id: span.traceId, span_id: span.spanId, [INFERRED_LABEL]: 'true' }),
      value,
      timestampMs: span.startMs + Math.floor(span.durationNs / NS_PER_MS),
    });
    if (exemplars.length >= limit) break;
  }
  return exemplars.reverse();
}
