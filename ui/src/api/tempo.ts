// Client of the Tempo HTTP API under /tempo: search, metrics, tags, traces by id. Times of the API
// are whole seconds for search; spans carry nanoseconds as text.
import { getJson, type RequestOptions } from './http.ts';

export const tempoBase = '/tempo/api';

/** OTLP's AnyValue in JSON. */
export interface AnyValue {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
  boolValue?: boolean;
  arrayValue?: { values?: readonly AnyValue[] };
  kvlistValue?: { values?: readonly KeyValue[] };
  bytesValue?: string;
}

export interface KeyValue {
  key: string;
  value: AnyValue;
}

export interface FoundSpan {
  spanID: string;
  name?: string;
  startTimeUnixNano: string;
  durationNanos: string;
  attributes?: readonly KeyValue[];
}

export interface SpanSet {
  spans?: readonly FoundSpan[];
  matched: number;
  attributes?: readonly KeyValue[];
}

export interface FoundTrace {
  traceID: string;
  rootServiceName?: string;
  rootTraceName?: string;
  startTimeUnixNano: string;
  durationMs?: number;
  spanSet?: SpanSet;
  spanSets?: readonly SpanSet[];
  serviceStats?: Readonly<Record<string, { spanCount?: number; errorCount?: number }>>;
}

export interface SearchAnswer {
  traces: readonly FoundTrace[];
  metrics?: Readonly<Record<string, unknown>>;
}

export interface TraceMetricsSeries {
  labels: readonly KeyValue[];
  samples: readonly { timestampMs: string; value?: number }[];
  exemplars?: readonly { labels: readonly KeyValue[]; value?: number; timestampMs: string }[];
}

/** An attribute value as text for people. */
export function anyValueText(value: AnyValue | undefined): string {
  if (!value) return '';
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.intValue !== undefined) return String(value.intValue);
  if (value.doubleValue !== undefined) return String(value.doubleValue);
  if (value.boolValue !== undefined) return String(value.boolValue);
  if (value.arrayValue) return `[${(value.arrayValue.values ?? []).map(anyValueText).join(', ')}]`;
  if (value.kvlistValue) {
    const pairs = (value.kvlistValue.values ?? []).map((kv) => `${kv.key}=${anyValueText(kv.value)}`);
    return `{${pairs.join(', ')}}`;
  }
  return value.bytesValue ?? '';
}

const startSeconds = (ms: number) => Math.floor(ms / 1000);
const endSeconds = (ms: number) => Math.ceil(ms / 1000);

/** Trace ids come without leading zeros in search answers. */
export function fullTraceId(id: string): string {
  return id.toLowerCase().padStart(32, '0');
}

export async function searchTraces(
  query: { q: string; fromMs: number; toMs: number; limit?: number; spansPerSet?: number },
  options: RequestOptions = {},
): Promise<SearchAnswer> {
  const params = {
    q: query.q,
    start: startSeconds(query.fromMs),
    end: endSeconds(query.toMs),
    limit: query.limit,
    spss: query.spansPerSet,
  };
  const body = (await getJson(`${tempoBase}/search`, params, options)) as Partial<SearchAnswer> | null;
  return { ...body, traces: body?.traces ?? [] };
}

export async function traceMetricsRange(
  query: { q: string; fromMs: number; toMs: number; stepMs: number; exemplars?: number },
  options: RequestOptions = {},
): Promise<readonly TraceMetricsSeries[]> {
  const params = {
    q: query.q,
    start: startSeconds(query.fromMs),
    end: endSeconds(query.toMs),
    step: `${Math.max(1, Math.round(query.stepMs / 1000))}s`,
    exemplars: query.exemplars,
  };
  const body = (await getJson(`${tempoBase}/metrics/query_range`, params, options)) as {
    series?: TraceMetricsSeries[];
  } | null;
  return body?.series ?? [];
}

/** One value per series over the whole range. */
export async function traceMetricsInstant(
  query: { q: string; fromMs: number; toMs: number },
  options: RequestOptions = {},
): Promise<readonly { labels: readonly KeyValue[]; value: number }[]> {
  const params = { q: query.q, start: startSeconds(query.fromMs), end: endSeconds(query.toMs) };
  const body = (await getJson(`${tempoBase}/metrics/query`, params, options)) as {
    series?: { labels?: KeyValue[]; value?: number }[];
  } | null;
  return (body?.series ?? []).map((s) => ({ labels: s.labels ?? [], value: s.value ?? 0 }));
}

export interface TagScope {
  name: string;
  tags: readonly string[];
}

export async function searchTags(
  query: { fromMs: number; toMs: number },
  options: RequestOptions = {},
): Promise<readonly TagScope[]> {
  const params = { start: startSeconds(query.fromMs), end: endSeconds(query.toMs) };
  const body = (await getJson(`${tempoBase}/v2/search/tags`, params, options)) as {
    scopes?: { name: string; tags?: string[] }[];
  } | null;
  return (body?.scopes ?? []).map((scope) => ({ name: scope.name, tags: scope.tags ?? [] }));
}

/** Values of a scoped tag such as `resource.service.name`, with their TraceQL type. */
export async function tagValues(
  query: { tag: string; fromMs: number; toMs: number; q?: string | undefined },
  options: RequestOptions = {},
): Promise<readonly { type: string; value: string }[]> {
  const params = { start: startSeconds(query.fromMs), end: endSeconds(query.toMs), q: query.q };
  const path = `${tempoBase}/v2/search/tag/${encodeURIComponent(query.tag)}/values`;
  const body = (await getJson(path, params, options)) as {
    tagValues?: { type: string; value: string }[];
  } | null;
  return body?.tagValues ?? [];
}

/** A trace by id as OTLP JSON (ids base64 as Tempo writes them, hex also seen); null if unknown. */
export interface TraceAnswer {
  batches?: readonly unknown[];
  resourceSpans?: readonly unknown[];
  trace?: { resourceSpans?: readonly unknown[]; batches?: readonly unknown[] };
  status?: string;
  message?: string;
}

export async function traceById(
  traceId: string,
  range: { fromMs?: number; toMs?: number } = {},
  options: RequestOptions = {},
): Promise<TraceAnswer> {
  const params = {
    start: range.fromMs === undefined ? undefined : startSeconds(range.fromMs),
    end: range.toMs === undefined ? undefined : endSeconds(range.toMs),
  };
  const path = `${tempoBase}/traces/${encodeURIComponent(traceId)}`;
  return ((await getJson(path, params, options)) ?? {}) as TraceAnswer;
}
