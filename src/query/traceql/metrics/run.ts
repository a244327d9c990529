/**
 * Runs metrics queries: in storage where the whole query is a count or a sum of single spans, over single spans where
 * no trace is needed, over whole traces otherwise.
 */

import type { Span, SpanBuckets, SpansSource } from '../../../model/select-spans.ts';
import type { FieldExpr, Hint, MetricsExpr, MetricsQuery, Stage } from '../ast.ts';
import { compileSpanValue } from '../expressions.ts';
import { exprUse, fieldUse, joinUse } from '../fields.ts';
import { compilePipeline, filtersOf } from '../pipeline.ts';
import { planExpr, planTrace, storedField } from '../plan.ts';
import { NIL, type Static } from '../static.ts';
import { buildTrace, type SpanNode } from '../trace-node.ts';
import { Accumulator } from './accumulate.ts';
import { Comparer } from './compare.ts';
import { covered, type Grid } from './grid.ts';
import { applyMath, applySecondStages } from './second-stage.ts';
import type { MetricSeries } from './series.ts';

export interface MetricsOptions {
  readonly tenant: string;
  readonly grid: Grid;
  /** At most so many exemplars per sub-query; 0 = none. */
  readonly exemplars: number;
  /** Off: storage gets no conditions and adds nothing up (for tests; the answer is the same). */
  readonly hints?: boolean;
}

type QueryExpr = Extract<MetricsExpr, { kind: 'query' }>;
interface Sink {
  add(node: SpanNode): void;
  finish(): MetricSeries[];
}

/** Runs a metrics query over a grid. */
export async function runMetrics(
  query: MetricsQuery,
  source: SpansSource,
  options: MetricsOptions,
  signal?: AbortSignal,
): Promise<MetricSeries[]> {
  const exemplars = exemplarsHint(query.hints, options.exemplars);
  return evaluate(query.expr, source, { ...options, exemplars }, signal);
}

/** `with (exemplars=false)` switches exemplars off, a number limits them. */
function exemplarsHint(hints: readonly Hint[], fallback: number): number {
  for (const { name, value } of hints) {
    if (name !== 'exemplars') continue;
    if (value.type === 'bool') return value.value ? fallback : 0;
    if (value.type === 'int') return Math.max(0, Math.min(fallback, Number(value.value)));
  }
  return fallback;
}

async function evaluate(
  expr: MetricsExpr,
  source: SpansSource,
  options: MetricsOptions,
  signal: AbortSignal | undefined,
): Promise<MetricSeries[]> {
  if (expr.kind === 'math') {
    const [left, right] = await Promise.all([
      evaluate(expr.left, source, options, signal),
      evaluate(expr.right, source, options, signal),
    ]);
    return applySecondStages(applyMath(expr.op, left, right), expr.second);
  }
  return applySecondStages(await runQuery(expr, source, options, signal), expr.second);
}

/** The filters of a pipeline that looks at every span by itself; undefined when it does not. */
function plainFilters(stages: readonly Stage[]): FieldExpr[] | undefined {
  const filters: FieldExpr[] = [];
  for (const stage of stages) {
    if (stage.kind === 'filter') filters.push(stage.expr);
    else if (stage.kind !== 'select') return undefined;
  }
  return filters;
}

async function runQuery(
  expr: QueryExpr,
  source: SpansSource,
  options: MetricsOptions,
  signal: AbortSignal | undefined,
): Promise<MetricSeries[]> {
  const plain = plainFilters(expr.stages);
  if (plain !== undefined && options.hints !== false) {
    const pushed = await runInStorage(expr, plain, source, options, signal);
    if (pushed !== undefined) return pushed;
  }
  const filters = filtersOf(expr.stages);
  const sink = makeSink(expr, filters, options);
  const { metrics } = expr;
  const uses = filters.map(exprUse);
  // compare() counts names of roots.
  if (metrics.kind === 'compare')
    uses.push({ events: false, links: false, trace: true }, exprUse(metrics.selection.expr));
  else
    uses.push(...metrics.by.map(fieldUse), ...(metrics.field === undefined ? [] : [fieldUse(metrics.field)]));
  const single =
    plain !== undefined && !uses.reduce(joinUse, { events: false, links: false, trace: false }).trace;
  const pipeline = compilePipeline(expr.stages, filters);
  const { firstNs, lastNs } = covered(options.grid);
  const { tenant } = options;
  if (single) {
    const condition =
      options.hints === false
        ? ({ op: 'true' } as const)
        : ({ op: 'and', of: filters.map((filter) => planExpr(filter).condition) } as const);
    for await (const spans of source.spans(
      { tenant, startNs: firstNs, endNs: lastNs + 1n, condition },
      signal,
    )) {
      signal?.throwIfAborted();
      for (const { nodes } of pipeline([{ nodes: spans.map(loneNode), attributes: [] }]))
        for (const node of nodes) sink.add(node);
    }
    return sink.finish();
  }
  const anySpan = options.hints === false ? [] : planTrace(expr.stages);
  for await (const { traceId, spans } of source.traces(
    { tenant, startNs: firstNs, endNs: lastNs, anySpan },
    signal,
  )) {
    signal?.throwIfAborted();
    if (spans.length === 0) continue;
    const trace = buildTrace(traceId, spans);
    for (const { nodes } of pipeline([{ nodes: trace.nodes, attributes: [] }]))
      for (const node of nodes) sink.add(node);
  }
  return sink.finish();
}

/** A span without its trace. */
function loneNode(span: Span): SpanNode {
  return {
    span,
    trace: {
      traceId: span.traceId,
      nodes: [],
      root: undefined,
      rootName: '',
      rootServiceName: '',
      startNs: span.startNs,
      endNs: span.endNs,
    },
    durationNs: span.endNs > span.startNs ? span.endNs - span.startNs : 0n,
    left: 0,
    right: 0,
    parent: 0,
    children: [],
  };
}

function makeSink(expr: QueryExpr, filters: readonly FieldExpr[], options: MetricsOptions): Sink {
  const { metrics } = expr;
  if (metrics.kind === 'compare') return new Comparer(metrics, options.grid, filters);
  const accumulator = new Accumulator(metrics, options.grid, options.exemplars > 0);
  const by = metrics.by.map((field) => compileSpanValue(field, filters));
  const value: (node: SpanNode) => Static =
    metrics.field === undefined ? () => NIL : compileSpanValue(metrics.field, filters);
  return {
    add: (node) =>
      accumulator.add(
        node.span.startNs,
        node.trace.traceId,
        by.map((read) => read(node)),
        value(node),
      ),
    finish: () => accumulator.finish(options.exemplars),
  };
}

/** Lets storage add up, when filters, groups and values are all of single spans and exact. */
async function runInStorage(
  expr: QueryExpr,
  filters: readonly FieldExpr[],
  source: SpansSource,
  options: MetricsOptions,
  signal: AbortSignal | undefined,
): Promise<MetricSeries[] | undefined> {
  const { metrics } = expr;
  if (source.buckets === undefined || metrics.kind === 'compare') return undefined;
  const planned = filters.map(planExpr);
  if (!planned.every((one) => one.exact)) return undefined;
  const fields = metrics.field === undefined ? metrics.by : [...metrics.by, metrics.field];
  const stored = fields.map(storedField);
  for (const field of stored) {
    if (field === undefined) return undefined;
    const { kind } = field;
    if (kind === 'attribute' && (field.scope === 'any' || field.scope === 'event' || field.scope === 'link'))
      return undefined;
    if (
      kind === 'intrinsic' &&
      (field.name === 'eventName' || field.name === 'traceId' || field.name === 'parentId')
    ) {
      return undefined;
    }
  }
  const field = metrics.field === undefined ? undefined : stored.at(-1);
  let measure: SpanBuckets['measure'];
  switch (metrics.func) {
    case 'rate':
    case 'count_over_time':
      measure = { kind: 'count' };
      break;
    case 'quantile_over_time':
    case 'histogram_over_time':
      if (field === undefined) return undefined;
      measure = { kind: 'log2', field };
      break;
    default: {
      if (field === undefined) return undefined;
      const kind =
        metrics.func === 'min_over_time' ? 'min' : metrics.func === 'max_over_time' ? 'max' : 'sum';
      measure = { kind, field };
    }
  }
  const { grid, tenant, exemplars } = options;
  const groups = await source.buckets(
    {
      tenant,
      gridStartNs: grid.startNs,
      stepNs: grid.stepNs,
      points: grid.points,
      condition: { op: 'and', of: planned.map((one) => one.condition) },
      by: stored.slice(0, metrics.by.length) as SpanBuckets['by'],
      measure,
      exemplars,
    },
    signal,
  );
  if (groups === undefined) return undefined;
  const accumulator = new Accumulator(metrics, grid, exemplars > 0);
  const seconds = metrics.field?.kind === 'intrinsic' && metrics.field.name === 'duration';
  for (const group of groups) accumulator.addGroup(group, seconds ? 1e9 : 1);
  return accumulator.finish(exemplars);
}
