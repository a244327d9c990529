// Client of the Prometheus HTTP API under /prometheus (DESIGN: the UI uses no private data API).
import { ApiError, getJson, type Params, type RequestOptions } from './http.ts';

export const prometheusBase = '/prometheus';

export type Labels = Readonly<Record<string, string>>;
/** Seconds since 1970, and the value as text (`NaN`, `+Inf` included). */
export type Point = readonly [number, string];

/** A native histogram as the API writes it: buckets are [boundaries, lower, upper, count]. */
export interface HistogramPoint {
  count: string;
  sum: string;
  buckets?: readonly (readonly [number, string, string, string])[];
}

export interface MatrixSeries {
  metric: Labels;
  values?: readonly Point[];
  histograms?: readonly (readonly [number, HistogramPoint])[];
}

export interface VectorSample {
  metric: Labels;
  value?: Point;
  histogram?: readonly [number, HistogramPoint];
}

export type QueryResult =
  | { resultType: 'matrix'; result: readonly MatrixSeries[] }
  | { resultType: 'vector'; result: readonly VectorSample[] }
  | { resultType: 'scalar'; result: Point }
  | { resultType: 'string'; result: Point };

export interface QueryAnswer<T> {
  data: T;
  warnings: readonly string[];
}

export interface ExemplarSeries {
  seriesLabels: Labels;
  exemplars: readonly { labels: Labels; value: string; timestamp: number }[];
}

export interface MetricMetadata {
  type: string;
  help: string;
  unit: string;
}

async function get<T>(
  path: string,
  params: Params,
  options: RequestOptions,
  absent?: T,
): Promise<QueryAnswer<T>> {
  const body = (await getJson(`${prometheusBase}/api/v1${path}`, params, { ...options, form: true })) as {
    status?: string;
    data?: T;
    error?: string;
    warnings?: string[];
    infos?: string[];
  } | null;
  if (body?.status === 'error') throw new ApiError(body.error ?? 'unknown error', 200, 'query');
  // 204 has no body at all.
  if (body === null && absent !== undefined) return { data: absent, warnings: [] };
  const data = body?.data ?? absent;
  if (body?.status !== 'success' || data === undefined) {
    throw new ApiError(`The answer of ${path} has not the shape of the Prometheus API.`, 200, 'shape');
  }
  return { data, warnings: [...(body.warnings ?? []), ...(body.infos ?? [])] };
}

const seconds = (ms: number) => ms / 1000;

export function queryInstant(
  query: { query: string; timeMs: number },
  options: RequestOptions = {},
): Promise<QueryAnswer<QueryResult>> {
  return get('/query', { query: query.query, time: seconds(query.timeMs) }, options);
}

export function queryRange(
  query: { query: string; fromMs: number; toMs: number; stepMs: number },
  options: RequestOptions = {},
): Promise<QueryAnswer<QueryResult>> {
  const { fromMs, toMs, stepMs } = query;
  const params = { query: query.query, start: seconds(fromMs), end: seconds(toMs), step: seconds(stepMs) };
  return get('/query_range', params, options);
}

export async function queryExemplars(
  query: { query: string; fromMs: number; toMs: number },
  options: RequestOptions = {},
): Promise<readonly ExemplarSeries[]> {
  const params = { query: query.query, start: seconds(query.fromMs), end: seconds(query.toMs) };
  // A query without a selector is answered without data.
  return (await get<ExemplarSeries[] | null>('/query_exemplars', params, options, null)).data ?? [];
}

export interface Selection {
  match?: readonly string[];
  fromMs?: number;
  toMs?: number;
  limit?: number;
}

function selectionParams(selection: Selection): Params {
  return {
    'match[]': selection.match,
    start: selection.fromMs === undefined ? undefined : seconds(selection.fromMs),
    end: selection.toMs === undefined ? undefined : seconds(selection.toMs),
    limit: selection.limit,
  };
}

export async function labelNames(selection: Selection = {}, options: RequestOptions = {}) {
  return (await get<string[]>('/labels', selectionParams(selection), options)).data;
}

export async function labelValues(name: string, selection: Selection = {}, options: RequestOptions = {}) {
  const path = `/label/${encodeURIComponent(name)}/values`;
  const body = await getJson(`${prometheusBase}/api/v1${path}`, selectionParams(selection), options);
  return ((body as { data?: string[] } | null)?.data ?? []) as string[];
}

export async function metadata(options: RequestOptions = {}): Promise<Record<string, MetricMetadata[]>> {
  return (await get<Record<string, MetricMetadata[]>>('/metadata', {}, options)).data;
}
