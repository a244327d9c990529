/**
 * Searches: candidate traces from storage, newest first; the whole pipeline over each; what is shown of the traces
 * found. Ends early when there are enough.
 */

import type { SpansSource } from '../../model/select-spans.ts';
import type { Field, FieldExpr, Stage, TraceQuery } from './ast.ts';
import { asFieldTest, compileShown, type FieldTest } from './expressions.ts';
import { compilePipeline, filtersOf } from './pipeline.ts';
import { planTrace } from './plan.ts';
import { printField } from './print.ts';
import type { Static } from './static.ts';
import {
  buildTrace,
  ROOT_NOT_RECEIVED,
  type ServiceStats,
  type SpanNode,
  serviceStats,
  type TraceNode,
} from './trace-node.ts';

export interface SearchOptions {
  readonly tenant: string;
  /** Traces that overlap this range (both ends included) are searched. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** At most so many traces. */
  readonly limit: number;
  /** At most so many spans of each spanset are shown; 0 = all. */
  readonly spansPerSpanset: number;
  /** Off: storage gets no conditions and returns every trace (for tests; the answer is the same). */
  readonly hints?: boolean;
}

export interface FoundSpan {
  readonly spanId: string;
  /** Given when the query speaks of the name. */
  readonly name: string | undefined;
  readonly startNs: bigint;
  readonly durationNs: bigint;
  readonly attributes: readonly { readonly name: string; readonly value: Static }[];
}

export interface FoundSpanset {
  readonly spans: readonly FoundSpan[];
  /** How many spans matched, shown or not. */
  readonly matched: number;
  readonly attributes: readonly { readonly name: string; readonly value: Static }[];
}

export interface FoundTrace {
  /** 32 hex digits. */
  readonly traceId: string;
  readonly rootServiceName: string;
  readonly rootTraceName: string;
  readonly startNs: bigint;
  readonly durationNs: bigint;
  readonly spansets: readonly FoundSpanset[];
  readonly serviceStats: ReadonlyMap<string, ServiceStats>;
}

export interface SearchResult {
  /** Newest first. */
  readonly traces: readonly FoundTrace[];
  readonly inspectedTraces: number;
  readonly inspectedSpans: number;
}

/** Intrinsics that are not listed among a span's attributes: they are shown elsewhere, or are the trace's. */
const NOT_LISTED = new Set<string>([
  'name',
  'duration',
  'traceDuration',
  'rootName',
  'rootServiceName',
  'traceId',
  'spanId',
]);

interface ShownField {
  readonly field: Field;
  /** undefined: shown whatever its value. */
  tests: FieldTest[] | undefined;
}

/** The fields that a query speaks of, with the comparisons that decide whether they are shown. */
function shownFields(stages: readonly Stage[]): ShownField[] {
  const found = new Map<string, ShownField>();
  const add = (field: Field, test: FieldTest | undefined): void => {
    const key = printField(field);
    const entry = found.get(key);
    if (entry === undefined) found.set(key, { field, tests: test === undefined ? undefined : [test] });
    else if (test === undefined) entry.tests = undefined;
    else entry.tests?.push(test);
  };
  const visit = (expr: FieldExpr): void => {
    const test = asFieldTest(expr);
    if (test !== undefined) {
      add(test.field, test);
    } else if (expr.kind === 'attribute' || expr.kind === 'intrinsic') {
      add(expr, undefined);
    } else if (expr.kind === 'binary') {
      visit(expr.left);
      visit(expr.right);
    } else if (expr.kind !== 'literal') {
      visit(expr.operand);
    }
  };
  const visitStage = (stage: Stage): void => {
    switch (stage.kind) {
      case 'filter':
      case 'by':
        visit(stage.expr);
        break;
      case 'operation':
        visitStage(stage.left);
        visitStage(stage.right);
        break;
      case 'pipeline':
        stage.stages.forEach(visitStage);
        break;
      case 'aggregate':
        if (stage.aggregate.expr !== undefined) visit(stage.aggregate.expr);
        break;
      case 'select':
        for (const field of stage.fields) add(field, undefined);
    }
  };
  stages.forEach(visitStage);
  return [...found.values()];
}

type ShowSpan = (node: SpanNode) => FoundSpan;

function compileShowSpan(stages: readonly Stage[], filters: readonly FieldExpr[]): ShowSpan {
  const listed: { name: string; read: (node: SpanNode) => Static }[] = [];
  let readName: ((node: SpanNode) => Static) | undefined;
  for (const { field, tests } of shownFields(stages)) {
    const read = compileShown(field, tests, filters);
    if (field.kind === 'intrinsic' && field.name === 'name') readName = read;
    if (field.kind === 'intrinsic' && NOT_LISTED.has(field.name)) continue;
    listed.push({ name: field.kind === 'attribute' ? field.name : printField(field), read });
  }
  return (node) => {
    const attributes: { name: string; value: Static }[] = [];
    for (const { name, read } of listed) {
      const value = read(node);
      if (value.type !== 'nil') attributes.push({ name, value });
    }
    return {
      spanId: node.span.spanId,
      name: readName !== undefined && readName(node).type !== 'nil' ? node.span.name : undefined,
      startNs: node.span.startNs,
      durationNs: node.durationNs,
      attributes,
    };
  };
}

const newestFirst = (a: { startNs: bigint }, b: { startNs: bigint }): number =>
  a.startNs < b.startNs ? 1 : a.startNs > b.startNs ? -1 : 0;

/** Whether a trace overlaps a range, both ends included. */
export function overlaps(trace: TraceNode, startNs: bigint, endNs: bigint): boolean {
  return trace.startNs <= endNs && trace.endNs >= startNs;
}

/** Runs a search. Storage is asked for candidates only as long as traces are missing. */
export async function searchTraces(
  query: TraceQuery,
  source: SpansSource,
  options: SearchOptions,
  signal?: AbortSignal,
): Promise<SearchResult> {
  const filters = filtersOf(query.stages);
  const pipeline = compilePipeline(query.stages, filters);
  const show = compileShowSpan(query.stages, filters);
  const { tenant, startNs, endNs, limit, spansPerSpanset } = options;
  const anySpan = options.hints === false ? [] : planTrace(query.stages);
  const traces: FoundTrace[] = [];
  let inspectedTraces = 0;
  let inspectedSpans = 0;
  for await (const { traceId, spans } of source.traces({ tenant, startNs, endNs, anySpan }, signal)) {
    signal?.throwIfAborted();
    inspectedTraces++;
    inspectedSpans += spans.length;
    if (spans.length === 0) continue;
    const trace = buildTrace(traceId, spans);
    if (!overlaps(trace, startNs, endNs)) continue;
    const spansets = pipeline([{ nodes: trace.nodes, attributes: [] }]);
    if (spansets.length === 0) continue;
    traces.push({
      traceId,
      rootServiceName: trace.root === undefined ? ROOT_NOT_RECEIVED : trace.rootServiceName,
      rootTraceName: trace.root === undefined ? '' : trace.rootName,
      startNs: trace.startNs,
      durationNs: trace.endNs - trace.startNs,
      spansets: spansets.map(({ nodes, attributes }) => ({
        spans: firstSpans(nodes, spansPerSpanset).map(show),
        matched: nodes.length,
        attributes,
      })),
      serviceStats: serviceStats(trace),
    });
    if (traces.length >= limit) break;
  }
  return { traces: traces.sort(newestFirst), inspectedTraces, inspectedSpans };
}

/** The earliest spans. */
function firstSpans(nodes: readonly SpanNode[], limit: number): readonly SpanNode[] {
  const sorted = [...nodes].sort((a, b) =>
    a.span.startNs < b.span.startNs ? -1 : a.span.startNs > b.span.startNs ? 1 : a.left - b.left,
  );
  return limit === 0 ? sorted : sorted.slice(0, limit);
}
