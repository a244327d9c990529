/**
 * Names and values of tags, for completion: of all spans in a range, or of those that a query's first filter lets
 * through. Half-written queries are taken as far as they are understood.
 */

import { InputError } from '../../model/errors.ts';
import type {
  AttributeScope,
  AttributeValue,
  Span,
  SpansSource,
  TagQuery,
} from '../../model/select-spans.ts';
import { type Field, type FieldExpr, INTRINSIC_SPELLINGS } from './ast.ts';
import { compileFilter, compileSpanValue } from './expressions.ts';
import { exprUse, fieldUse } from './fields.ts';
import { parseQuery } from './parse.ts';
import { planExpr, storedField } from './plan.ts';
import { KIND_NAMES, kindStatic, STATUS_NAMES, type Static, staticKey, statusStatic } from './static.ts';
import { buildTrace, type SpanNode } from './trace-node.ts';

export interface TagOptions {
  readonly tenant: string;
  /** The whole hours of this range are looked at, which is what lies together in storage. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** At most so many names or values. */
  readonly limit: number;
}

const HOUR_NS = 3_600_000_000_000n;

/** The range in whole hours, its end excluded. */
function wholeHours({ startNs, endNs }: TagOptions): { startNs: bigint; endNs: bigint } {
  return { startNs: (startNs / HOUR_NS) * HOUR_NS, endNs: (endNs / HOUR_NS + 1n) * HOUR_NS };
}

/** Columns of their own in Tempo: listed whenever some span of the range has them, filter or not. */
const ALWAYS_LISTED = [
  'http.method',
  'http.url',
  'http.status_code',
  'http.route',
  'http.request.method',
  'url.path',
  'url.route',
  'server.address',
];
/** Intrinsics that are not offered: numbers that only make sense in expressions. */
const NOT_OFFERED = new Set([
  'nestedSetLeft',
  'nestedSetRight',
  'nestedSetParent',
  'span:childCount',
  'trace:rootServiceName',
]);

/** The intrinsics that can be asked for, in all spellings. */
export const INTRINSIC_TAGS: readonly string[] = Object.values(INTRINSIC_SPELLINGS)
  .flat()
  .filter((name) => !NOT_OFFERED.has(name))
  .sort();

/**
 * The condition that a query puts on single spans: that of its first stage when it is a filter. Of text that does not
 * parse, the comparisons that are complete. undefined: no condition.
 */
export function filterOf(text: string | undefined): FieldExpr | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  try {
    const query = parseQuery(text, { bareNames: 'accept' });
    const stages =
      query.kind === 'search' ? query.stages : query.expr.kind === 'query' ? query.expr.stages : [];
    const [first] = stages;
    return first?.kind === 'filter' && !isTrue(first.expr) ? first.expr : undefined;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return salvage(text);
  }
}

const isTrue = (expr: FieldExpr): boolean =>
  expr.kind === 'literal' && expr.value.type === 'bool' && expr.value.value;

/** Joins those parts between `&&` of the first braces that parse by themselves. */
function salvage(text: string): FieldExpr | undefined {
  const inner = /^[^{]*\{(.*?)(?:\}[^}]*)?$/s.exec(text)?.[1] ?? '';
  const parts = inner.split('&&').flatMap((part) => {
    try {
      const query = parseQuery(`{ ${part} }`, { bareNames: 'accept' });
      const stage = query.kind === 'search' && query.stages.length === 1 ? query.stages[0] : undefined;
      return stage?.kind === 'filter' && !isTrue(stage.expr) ? [stage.expr] : [];
    } catch (error) {
      if (error instanceof InputError) return [];
      throw error;
    }
  });
  return parts.reduce<FieldExpr | undefined>(
    (left, right) => (left === undefined ? right : { kind: 'binary', op: '&&', left, right, position: 0 }),
    undefined,
  );
}

/** Names of attributes per scope. `scope` limits what is wanted. */
export async function tagNames(
  source: SpansSource,
  filter: FieldExpr | undefined,
  scope: AttributeScope | undefined,
  options: TagOptions,
  signal?: AbortSignal,
): Promise<{ scope: AttributeScope; names: string[] }[]> {
  const all: TagQuery = {
    tenant: options.tenant,
    ...wholeHours(options),
    limit: options.limit,
  };
  const wanted = (found: readonly { scope: AttributeScope; names: string[] }[]) =>
    found.filter((entry) => (scope === undefined || entry.scope === scope) && entry.names.length > 0);
  if (filter === undefined) return wanted(await source.tagNames(all, signal));
  const planned = planExpr(filter);
  // Asked for everything with a filter, Tempo leaves out spans with events, links or attributes of their scope.
  const query: TagQuery = { ...all, condition: planned.condition, plainSpansOnly: scope === undefined };
  const found = planned.exact
    ? await source.tagNames(query, signal)
    : await namesOfSpans(source, filter, scope === undefined, options, signal);
  const spans = found.find((entry) => entry.scope === 'span');
  if (spans !== undefined && (scope === undefined || scope === 'span')) {
    const known = new Set(
      (await source.tagNames(all, signal)).find((entry) => entry.scope === 'span')?.names,
    );
    for (const name of ALWAYS_LISTED)
      if (known.has(name) && !spans.names.includes(name)) spans.names.push(name);
    spans.names.sort();
  }
  return wanted(found);
}

async function* matching(
  source: SpansSource,
  filter: FieldExpr | undefined,
  needsTrace: boolean,
  options: TagOptions,
  signal: AbortSignal | undefined,
): AsyncGenerator<SpanNode> {
  const { tenant } = options;
  const { startNs, endNs } = wholeHours(options);
  const test = filter === undefined ? () => true : compileFilter(filter);
  const condition = filter === undefined ? ({ op: 'true' } as const) : planExpr(filter).condition;
  if (!needsTrace) {
    for await (const spans of source.spans({ tenant, startNs, endNs, condition }, signal)) {
      for (const span of spans) {
        const node = buildTrace(span.traceId, [span]).nodes[0] as SpanNode;
        if (test(node)) yield node;
      }
    }
    return;
  }
  const anySpan = condition.op === 'true' ? [] : [condition];
  for await (const { traceId, spans } of source.traces({ tenant, startNs, endNs, anySpan }, signal)) {
    for (const node of buildTrace(traceId, spans).nodes) if (test(node)) yield node;
  }
}

async function namesOfSpans(
  source: SpansSource,
  filter: FieldExpr,
  plainSpansOnly: boolean,
  options: TagOptions,
  signal: AbortSignal | undefined,
): Promise<{ scope: AttributeScope; names: string[] }[]> {
  const names = new Map<AttributeScope, Set<string>>();
  for (const scope of ['span', 'resource', 'event', 'link', 'instrumentation'] as const)
    names.set(scope, new Set());
  const add = (scope: AttributeScope, keys: Iterable<string>): void => {
    const set = names.get(scope) as Set<string>;
    for (const key of keys) if (set.size < options.limit) set.add(key);
  };
  const plain = (span: Span): boolean =>
    span.events.length === 0 && span.links.length === 0 && span.scope.attributes.size === 0;
  for await (const { span } of matching(source, filter, exprUse(filter).trace, options, signal)) {
    if (plainSpansOnly && !plain(span)) continue;
    add('span', span.attributes.keys());
    add('resource', span.resource.attributes.keys());
    add('instrumentation', span.scope.attributes.keys());
    for (const event of span.events) add('event', event.attributes.keys());
    for (const link of span.links) add('link', link.attributes.keys());
  }
  return [...names].map(([scope, set]) => ({ scope, names: [...set].sort() }));
}

/** The values that a field has, each once. */
export async function tagValues(
  source: SpansSource,
  field: Field,
  filter: FieldExpr | undefined,
  options: TagOptions,
  signal?: AbortSignal,
): Promise<Static[]> {
  if (field.kind === 'intrinsic') {
    switch (field.name) {
      case 'status':
        if (filter === undefined) return STATUS_NAMES.map((_, code) => statusStatic(code));
        break;
      case 'kind':
        if (filter === undefined) return KIND_NAMES.map((_, kind) => kindStatic(kind));
        break;
      // Too many of them to be of use.
      case 'duration':
      case 'traceDuration':
      case 'eventTimeSinceStart':
      case 'traceId':
      case 'spanId':
      case 'parentId':
      case 'linkTraceId':
      case 'linkSpanId':
      case 'nestedSetLeft':
      case 'nestedSetRight':
      case 'nestedSetParent':
      case 'childCount':
        return [];
      case 'rootName':
      case 'rootServiceName':
        if (filter === undefined) {
          const query = { tenant: options.tenant, ...wholeHours(options), limit: options.limit };
          return typed(field, await source.tagValues({ kind: 'intrinsic', name: field.name }, query, signal));
        }
        break;
    }
  }
  const planned = filter === undefined ? undefined : planExpr(filter);
  const stored = storedField(field);
  const use = fieldUse(field);
  if (stored !== undefined && planned?.exact !== false) {
    const query: TagQuery = {
      tenant: options.tenant,
      ...wholeHours(options),
      limit: options.limit,
      ...(planned === undefined ? {} : { condition: planned.condition }),
    };
    return typed(field, await source.tagValues(stored, query, signal));
  }
  const found = new Map<string, Static>();
  const read = compileSpanValue(field, filter === undefined ? [] : [filter]);
  const needsTrace = use.trace || (filter !== undefined && exprUse(filter).trace);
  for await (const node of matching(source, filter, needsTrace, options, signal)) {
    const value = read(node);
    for (const item of value.type === 'array' ? value.value : [value]) {
      if (item.type !== 'nil' && item.type !== 'other') found.set(staticKey(item), item);
    }
    if (found.size >= options.limit) break;
  }
  return [...found.values()];
}

function typed(field: Field, values: readonly AttributeValue[]): Static[] {
  return values.flatMap((value): Static[] => {
    if (value.type === 'other') return [];
    if (field.kind === 'intrinsic' && value.type === 'int') {
      return [field.name === 'kind' ? kindStatic(Number(value.value)) : statusStatic(Number(value.value))];
    }
    return [value];
  });
}
