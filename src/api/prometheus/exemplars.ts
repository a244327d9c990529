/** query_exemplars: stored exemplars, and spans in their place for histograms whose client sends none. */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import type { Exemplar } from '../../model/batch.ts';
import { InputError } from '../../model/errors.ts';
import type { InferExemplars } from '../../model/infer-exemplars.ts';
import type { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { MetricsSource } from '../../model/select-metrics.ts';
import { childrenOf } from '../../query/promql/ast.ts';
import type { PromqlEngine } from '../../query/promql/index.ts';
import { type Expr, parseExpr } from '../../query/promql/index.ts';
import { formatSample } from '../../query/syntax/numbers.ts';
import { success } from './answer.ts';
import { labelsJson, timeJson } from './json.ts';
import { timeRangeParams } from './params.ts';

/** Series for which exemplars are looked for among spans, per request. */
const MAX_INFERRED_SERIES = 200;
/** Exemplars that one series gets from spans. */
const MAX_INFERRED_PER_SERIES = 20;

export interface ExemplarDeps {
  readonly engine: PromqlEngine;
  readonly source: MetricsSource;
  readonly inferExemplars?: InferExemplars | undefined;
}

export function exemplarRoutes(deps: ExemplarDeps): Route[] {
  return [
    {
      methods: ['GET', 'POST'],
      path: '/api/v1/query_exemplars',
      handler: (request) => queryExemplars(deps, request),
    },
  ];
}

async function queryExemplars(deps: ExemplarDeps, request: HttpRequest): Promise<HttpResponse> {
  const form = await request.form();
  const range = timeRangeParams(form);
  if (range.endMs < range.startMs) throw new InputError('end timestamp must not be before start timestamp');
  const expr = parseExpr(form.get('query') ?? '', deps.engine.options);
  const matcherSets = selectorsOf(expr);
  if (matcherSets.length === 0) return { status: 204 };
  const query = { tenant: request.tenant, matcherSets, ...range };
  const stored = await deps.source.exemplars(query, request.signal);
  const inferred = await inferredExemplars(deps, request, query, stored);
  const parts = [...stored, ...inferred].map(({ labels, exemplars }) => seriesJson(labels, exemplars));
  return success(`[${parts.join(',')}]`);
}

function selectorsOf(expr: Expr): (readonly Matcher[])[] {
  if (expr.kind === 'vector-selector') return [expr.matchers];
  return childrenOf(expr).flatMap(selectorsOf);
}

/** Exemplars made of spans, for the histograms among the series that have none of their own. */
async function inferredExemplars(
  deps: ExemplarDeps,
  request: HttpRequest,
  query: Parameters<MetricsSource['series']>[0],
  stored: readonly { labels: Labels }[],
): Promise<{ labels: Labels; exemplars: Exemplar[] }[]> {
  if (deps.inferExemplars === undefined) return [];
  const families = new Set(stored.map(({ labels }) => familyOf(labels)));
  const all = await deps.source.series({ ...query, limit: MAX_INFERRED_SERIES * 10 }, request.signal);
  const wanted = all
    .filter((labels) => isHistogramSeries(labels) && !families.has(familyOf(labels)))
    .slice(0, MAX_INFERRED_SERIES);
  if (wanted.length === 0) return [];
  return deps.inferExemplars(
    {
      tenant: request.tenant,
      series: wanted,
      startMs: query.startMs,
      endMs: query.endMs,
      limitPerSeries: MAX_INFERRED_PER_SERIES,
    },
    request.signal,
  );
}

/** A series of a histogram: a classic bucket, or a native histogram by its name. */
function isHistogramSeries(labels: Labels): boolean {
  const name = labels.get('__name__');
  if (name.endsWith('_bucket')) return labels.has('le');
  return (
    /(?:duration|latency|seconds|milliseconds)/.test(name) && !/_(?:sum|count|total|created)$/.test(name)
  );
}

/** The histogram that a series belongs to, without the bucket. */
function familyOf(labels: Labels): string {
  return labels.get('__name__').replace(/_bucket$/, '');
}

function seriesJson(labels: Labels, exemplars: readonly Exemplar[]): string {
  const list = exemplars.map(
    (exemplar) =>
      `{"labels":${labelsJson(exemplar.labels)},"value":"${formatSample(exemplar.value)}",` +
      `"timestamp":${timeJson(exemplar.timestampMs)}}`,
  );
  return `{"seriesLabels":${labelsJson(labels)},"exemplars":[${list.join(',')}]}`;
}
