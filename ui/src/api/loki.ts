// Client of the Loki HTTP API under /loki. Times of lines are nanoseconds as text, as Loki writes
// them: they do not fit a JavaScript number.
import { ApiError, getJson, type Params, type RequestOptions } from './http.ts';
import type { Labels, MatrixSeries, VectorSample } from './prometheus.ts';

export const lokiBase = '/loki/loki/api/v1';

/** Third member of an entry when labels are answered by category. */
export interface EntryCategories {
  structuredMetadata?: Labels;
  parsed?: Labels;
}

export type StreamEntry = readonly [ns: string, line: string, categories?: EntryCategories];

export interface LogStream {
  stream: Labels;
  values: readonly StreamEntry[];
}

export type LokiResult =
  | { resultType: 'streams'; result: readonly LogStream[]; encodingFlags?: readonly string[] }
  | { resultType: 'matrix'; result: readonly MatrixSeries[] }
  | { resultType: 'vector'; result: readonly VectorSample[] }
  | { resultType: 'scalar'; result: readonly [number, string] };

export interface LokiAnswer {
  data: LokiResult;
  warnings: readonly string[];
}

// Asks for stream labels, structured metadata and parsed fields apart.
const headers = { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' };

async function get<T>(
  path: string,
  params: Params,
  options: RequestOptions,
): Promise<{ data: T; warnings: string[] }> {
  const body = (await getJson(lokiBase + path, params, { ...options, headers })) as {
    status?: string;
    data?: T;
    error?: string;
    warnings?: string[];
  } | null;
  if (body?.status === 'error') throw new ApiError(body.error ?? 'unknown error', 200, 'query');
  if (body === null || typeof body !== 'object') {
    throw new ApiError(`The answer of ${path} has not the shape of the Loki API.`, 200, 'shape');
  }
  return { data: body.data as T, warnings: body.warnings ?? [] };
}

const nanoseconds = (ms: number) => String(BigInt(Math.round(ms)) * 1_000_000n);

export interface LogRangeQuery {
  query: string;
  fromMs: number;
  toMs: number;
  /** Exclusive end in ns, over `toMs`: for paging. */
  endNs?: string | undefined;
  stepMs?: number | undefined;
  limit?: number | undefined;
  direction?: 'forward' | 'backward' | undefined;
}

export function queryLogRange(query: LogRangeQuery, options: RequestOptions = {}): Promise<LokiAnswer> {
  const params: Params = {
    query: query.query,
    start: nanoseconds(query.fromMs),
    end: query.endNs ?? nanoseconds(query.toMs),
    limit: query.limit,
    direction: query.direction ?? 'backward',
    step: query.stepMs === undefined ? undefined : query.stepMs / 1000,
  };
  return get<LokiResult>('/query_range', params, options);
}

export function queryLogInstant(
  query: { query: string; timeMs: number; limit?: number },
  options: RequestOptions = {},
): Promise<LokiAnswer> {
  return get<LokiResult>(
    '/query',
    { query: query.query, time: nanoseconds(query.timeMs), limit: query.limit },
    options,
  );
}

export interface LogSelection {
  query?: string | undefined;
  fromMs: number;
  toMs: number;
}

const selection = (s: LogSelection): Params => ({
  query: s.query,
  start: nanoseconds(s.fromMs),
  end: nanoseconds(s.toMs),
});

export async function logLabelNames(
  s: LogSelection,
  options: RequestOptions = {},
): Promise<readonly string[]> {
  return (await get<string[] | undefined>('/labels', selection(s), options)).data ?? [];
}

export async function logLabelValues(
  name: string,
  s: LogSelection,
  options: RequestOptions = {},
): Promise<readonly string[]> {
  const path = `/label/${encodeURIComponent(name)}/values`;
  return (await get<string[] | undefined>(path, selection(s), options)).data ?? [];
}
