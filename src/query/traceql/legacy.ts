/**
 * Tempo's search by tags, older than TraceQL: `service.name=shop http.status_code=500`, durations of whole traces. Every
 * tag must be found somewhere in the trace; no spans are shown.
 */

import { InputError } from '../../model/errors.ts';
import type { AttributeValue, Span, SpanCondition, SpansSource } from '../../model/select-spans.ts';
import { type FoundTrace, overlaps, type SearchOptions, type SearchResult } from './search.ts';
import { buildTrace, ROOT_NOT_RECEIVED, serviceStats, type TraceNode } from './trace-node.ts';

export interface LegacyQuery {
  readonly tags: ReadonlyMap<string, string>;
  /** Inclusive. */
  readonly minDurationNs: bigint | undefined;
  readonly maxDurationNs: bigint | undefined;
}

/** Tags whose value may be a part of what is looked for; others must be equal. */
const SUBSTRING_TAGS = new Set([
  'service.name',
  'k8s.cluster.name',
  'k8s.namespace.name',
  'k8s.pod.name',
  'k8s.container.name',
  'http.method',
  'http.url',
  'http.route',
  'http.request.method',
  'url.path',
  'url.route',
  'server.address',
]);
const STATUS_CODES: Readonly<Record<string, number>> = { unset: 0, ok: 1, error: 2 };

/** Reads `key=value key="value with blanks"`. Throws InputError for what is no such list, and for a key given twice. */
export function parseTags(text: string): Map<string, string> {
  const tags = new Map<string, string>();
  const part = /\s*([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)/y;
  let at = 0;
  while (text.slice(at).trim() !== '') {
    part.lastIndex = at;
    const match = part.exec(text);
    if (match === null)
      throw new InputError(`invalid tags: expected key=value at "${text.slice(at).trim()}"`);
    const [, key = '', quoted, bare = ''] = match;
    if (tags.has(key)) throw new InputError(`invalid tags: tag ${key} has been set twice`);
    tags.set(key, quoted === undefined ? bare : quoted.replace(/\\(.)/g, '$1'));
    at = part.lastIndex;
  }
  return tags;
}

type Test = (trace: TraceNode) => boolean;

const escapeRegex = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function attributeTest(
  key: string,
  value: string,
): { test: (span: Span) => boolean; condition: SpanCondition } {
  const field = { kind: 'attribute', scope: 'any', name: key } as const;
  if (key === 'http.status_code' && /^-?\d{1,18}$/.test(value)) {
    const want = BigInt(value);
    return {
      test: (span) => anyValue(span, key, (found) => found.type === 'int' && found.value === want),
      condition: { op: '=', field, value: { type: 'int', value: want } },
    };
  }
  if (SUBSTRING_TAGS.has(key)) {
    return {
      test: (span) => anyValue(span, key, (found) => found.type === 'string' && found.value.includes(value)),
      condition: { op: '=~', field, value: { type: 'string', value: `(?s).*${escapeRegex(value)}.*` } },
    };
  }
  return {
    test: (span) => anyValue(span, key, (found) => found.type === 'string' && found.value === value),
    condition: { op: '=', field, value: { type: 'string', value } },
  };
}

function anyValue(span: Span, key: string, test: (value: AttributeValue) => boolean): boolean {
  for (const value of [span.attributes.get(key), span.resource.attributes.get(key)]) {
    if (value === undefined) continue;
    if (value.type === 'array' ? value.value.some(test) : test(value)) return true;
  }
  return false;
}

function tagTest(key: string, value: string): { test: Test; condition: SpanCondition } {
  const some =
    (test: (span: Span) => boolean): Test =>
    (trace) =>
      trace.nodes.some(({ span }) => test(span));
  switch (key) {
    case 'name':
      return {
        test: some((span) => span.name.includes(value)),
        condition: {
          op: '=~',
          field: { kind: 'intrinsic', name: 'name' },
          value: { type: 'string', value: `(?s).*${escapeRegex(value)}.*` },
        },
      };
    case 'root.name':
      return { test: (trace) => trace.rootName.includes(value), condition: { op: 'true' } };
    case 'root.service.name':
      return { test: (trace) => trace.rootServiceName.includes(value), condition: { op: 'true' } };
    case 'status.code': {
      const code = STATUS_CODES[value] ?? -1;
      return {
        test: some((span) => span.statusCode === code),
        condition: {
          op: '=',
          field: { kind: 'intrinsic', name: 'status' },
          value: { type: 'int', value: BigInt(code) },
        },
      };
    }
    default: {
      const { test, condition } = attributeTest(key, value);
      return { test: some(test), condition };
    }
  }
}

/** Runs a search by tags. */
export async function searchLegacy(
  query: LegacyQuery,
  source: SpansSource,
  options: SearchOptions,
  signal?: AbortSignal,
): Promise<SearchResult> {
  const { tenant, startNs, endNs, limit } = options;
  const tests = [...query.tags].map(([key, value]) => tagTest(key, value));
  const anySpan =
    options.hints === false ? [] : tests.map((test) => test.condition).filter(({ op }) => op !== 'true');
  const traces: FoundTrace[] = [];
  let inspectedTraces = 0;
  let inspectedSpans = 0;
  for await (const { traceId, spans } of source.traces({ tenant, startNs, endNs, anySpan }, signal)) {
    signal?.throwIfAborted();
    inspectedTraces++;
    inspectedSpans += spans.length;
    if (spans.length === 0) continue;
    const trace = buildTrace(traceId, spans);
    const durationNs = trace.endNs - trace.startNs;
    if (!overlaps(trace, startNs, endNs)) continue;
    if (query.minDurationNs !== undefined && durationNs < query.minDurationNs) continue;
    if (query.maxDurationNs !== undefined && durationNs > query.maxDurationNs) continue;
    if (!tests.every(({ test }) => test(trace))) continue;
    traces.push({
      traceId,
      rootServiceName: trace.root === undefined ? ROOT_NOT_RECEIVED : trace.rootServiceName,
      rootTraceName: trace.rootName,
      startNs: trace.startNs,
      durationNs,
      spansets: [],
      serviceStats: serviceStats(trace),
    });
    if (traces.length >= limit) break;
  }
  traces.sort((a, b) => (a.startNs < b.startNs ? 1 : a.startNs > b.startNs ? -1 : 0));
  return { traces, inspectedTraces, inspectedSpans };
}
