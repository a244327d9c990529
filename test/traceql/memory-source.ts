/** A SpansSource in memory: the plainest thing that keeps the contract, as a reference for engine and storage. */

import { attributeFromJson } from '../../src/model/attribute-json.ts';
import {
  ATTRIBUTE_BOOL,
  ATTRIBUTE_DOUBLE,
  ATTRIBUTE_INT,
  ATTRIBUTE_STRING,
  type AttributeColumn,
} from '../../src/model/attributes.ts';
import type { SpanBatch } from '../../src/model/batch.ts';
import type {
  AttributeScope,
  Attributes,
  AttributeValue,
  Span,
  SpanCondition,
  SpanField,
  SpanSelect,
  SpansSource,
  TagQuery,
  TraceSelect,
} from '../../src/model/select-spans.ts';
import { compileRegex } from '../../src/query/syntax/regex.ts';
import { buildTrace } from '../../src/query/traceql/trace-node.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function attributesOf(column: AttributeColumn, row: number, keys: readonly string[]): Attributes {
  const out = new Map<string, AttributeValue>();
  for (let at = column.rowStart(row); at < column.rowEnd(row); at++) {
    const key = keys[column.keys.get(at)] as string;
    switch (column.types.get(at)) {
      case ATTRIBUTE_STRING:
        out.set(key, { type: 'string', value: column.text(at) });
        break;
      case ATTRIBUTE_BOOL:
        out.set(key, { type: 'bool', value: column.slots.low(at) === 1 });
        break;
      case ATTRIBUTE_INT:
        out.set(key, { type: 'int', value: column.slots.bigInt(at) });
        break;
      case ATTRIBUTE_DOUBLE:
        out.set(key, { type: 'double', value: column.slots.float(at) });
        break;
      default:
        out.set(key, attributeFromJson(column.text(at)));
    }
  }
  return out;
}

/** The spans of a batch as storage would give them back. */
export function spansOfBatch(batch: SpanBatch): Span[] {
  const keys = batch.keys.strings;
  const resources = Array.from({ length: batch.resources.rows }, (_, row) => ({
    attributes: attributesOf(batch.resources, row, keys),
  }));
  const scopes = Array.from({ length: batch.scopes.rows }, (_, row) => ({
    name: batch.scopeNames[row] ?? '',
    version: batch.scopeVersions[row] ?? '',
    attributes: attributesOf(batch.scopes, row, keys),
  }));
  const spans: Span[] = [];
  for (let row = 0; row < batch.kinds.length; row++) {
    const events = [];
    for (let at = row === 0 ? 0 : batch.eventEnds.get(row - 1); at < batch.eventEnds.get(row); at++) {
      events.push({
        timeNs: batch.eventTimesNs.bigInt(at),
        name: batch.eventNames.string(at),
        attributes: attributesOf(batch.eventAttributes, at, keys),
      });
    }
    const links = [];
    for (let at = row === 0 ? 0 : batch.linkEnds.get(row - 1); at < batch.linkEnds.get(row); at++) {
      links.push({
        traceId: hex(batch.linkTraceIds.bytes(at)),
        spanId: hex(batch.linkSpanIds.bytes(at)),
        traceState: batch.linkTraceStates.string(at),
        attributes: attributesOf(batch.linkAttributes, at, keys),
      });
    }
    spans.push({
      traceId: hex(batch.traceIds.bytes(row)),
      spanId: hex(batch.spanIds.bytes(row)),
      parentId: hex(batch.parentIds.bytes(row)),
      name: batch.names.string(row),
      kind: batch.kinds.get(row),
      startNs: batch.startsNs.bigInt(row),
      endNs: batch.endsNs.bigInt(row),
      statusCode: batch.statusCodes.get(row),
      statusMessage: batch.statusMessages.string(row),
      traceState: batch.traceStates.string(row),
      flags: batch.flags.get(row),
      attributes: attributesOf(batch.attributes, row, keys),
      events,
      links,
      resource: resources[batch.resourceIndex.get(row)] as { attributes: Attributes },
      scope: scopes[batch.scopeIndex.get(row)] as Span['scope'],
      droppedAttributes: batch.droppedAttributes.get(row),
      droppedEvents: batch.droppedEvents.get(row),
      droppedLinks: batch.droppedLinks.get(row),
    });
  }
  return spans;
}

/** All values that a field has on a span, one for each event or link. */
function valuesOf(span: Span, field: SpanField): AttributeValue[] {
  const text = (value: string): AttributeValue[] => [{ type: 'string', value }];
  const int = (value: bigint): AttributeValue[] => [{ type: 'int', value }];
  if (field.kind === 'attribute') {
    const sets: Record<AttributeScope, Attributes[]> = {
      span: [span.attributes],
      resource: [span.resource.attributes],
      event: span.events.map((event) => event.attributes),
      link: span.links.map((link) => link.attributes),
      instrumentation: [span.scope.attributes],
    };
    const found = field.scope === 'any' ? [...sets.span, ...sets.resource] : sets[field.scope];
    return found.flatMap((set) => set.get(field.name) ?? []);
  }
  switch (field.name) {
    case 'name':
      return text(span.name);
    case 'kind':
      return int(BigInt(span.kind));
    case 'status':
      return int(BigInt(span.statusCode));
    case 'statusMessage':
      return text(span.statusMessage);
    case 'durationNs':
      return int(span.endNs > span.startNs ? span.endNs - span.startNs : 0n);
    case 'startNs':
      return int(span.startNs);
    case 'traceId':
      return text(span.traceId);
    case 'spanId':
      return text(span.spanId);
    case 'parentId':
      return text(span.parentId === '0000000000000000' ? '' : span.parentId);
    case 'eventName':
      return span.events.flatMap((event) => text(event.name));
    case 'scopeName':
      return text(span.scope.name);
    case 'scopeVersion':
      return text(span.scope.version);
    default:
      return [];
  }
}

function testOne(op: string, value: AttributeValue, want: AttributeValue): boolean {
  if (value.type === 'array') return value.value.some((item) => testOne(op, item, want));
  if (value.type === 'other' || want.type === 'other' || want.type === 'array') return false;
  if (value.type !== want.type) return false;
  if (op === '=~' || op === '!~') {
    return compileRegex(String(want.value), { anchored: true }).test(String(value.value)) === (op === '=~');
  }
  if (op === '=') return value.value === want.value;
  if (op === '!=') return value.value !== want.value;
  if (op === '<') return value.value < want.value;
  if (op === '<=') return value.value <= want.value;
  if (op === '>') return value.value > want.value;
  return value.value >= want.value;
}

export function testCondition(span: Span, condition: SpanCondition): boolean {
  switch (condition.op) {
    case 'true':
      return true;
    case 'and':
      return condition.of.every((part) => testCondition(span, part));
    case 'or':
      return condition.of.some((part) => testCondition(span, part));
    case 'exists':
      return valuesOf(span, condition.field).some((value) => value.type !== 'other');
    default:
      return valuesOf(span, condition.field).some((value) => testOne(condition.op, value, condition.value));
  }
}

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const byTime = (a: Span, b: Span): number => ascending(a.startNs, b.startNs);

export class MemorySpans implements SpansSource {
  readonly #traces = new Map<string, Span[]>();

  add(batch: SpanBatch): void {
    for (const span of spansOfBatch(batch)) this.addSpan(span);
  }

  addSpan(span: Span): void {
    const spans = this.#traces.get(span.traceId);
    if (spans === undefined) this.#traces.set(span.traceId, [span]);
    else {
      // A span that comes again replaces itself.
      const same = spans.findIndex(
        (each) => each.spanId === span.spanId && each.kind === span.kind && each.startNs === span.startNs,
      );
      if (same >= 0) spans[same] = span;
      else spans.push(span);
    }
  }

  async trace(_tenant: string, traceId: string, range?: { startNs: bigint; endNs: bigint }): Promise<Span[]> {
    const spans = this.#traces.get(traceId) ?? [];
    if (range === undefined) return [...spans];
    return spans.some((span) => span.startNs <= range.endNs && span.endNs >= range.startNs) ? [...spans] : [];
  }

  async *traces(request: TraceSelect): AsyncGenerator<{ traceId: string; spans: Span[] }> {
    const found = [];
    for (const [traceId, spans] of this.#traces) {
      if (!spans.some((span) => span.startNs <= request.endNs && span.endNs >= request.startNs)) continue;
      if (!request.anySpan.every((condition) => spans.some((span) => testCondition(span, condition))))
        continue;
      const start = spans.map((span) => span.startNs).sort(ascending)[0] as bigint;
      found.push({ traceId, spans, start });
    }
    found.sort((a, b) => (a.start < b.start ? 1 : a.start > b.start ? -1 : 0));
    for (const { traceId, spans } of found) yield { traceId, spans: [...spans] };
  }

  #in(range: { startNs: bigint; endNs: bigint }, condition: SpanCondition): Span[] {
    const found: Span[] = [];
    for (const spans of this.#traces.values()) {
      for (const span of spans) {
        if (span.startNs >= range.startNs && span.startNs < range.endNs && testCondition(span, condition))
          found.push(span);
      }
    }
    return found.sort(byTime);
  }

  async *spans(request: SpanSelect): AsyncGenerator<Span[]> {
    const found = this.#in(request, request.condition);
    for (let at = 0; at < found.length; at += 1000) yield found.slice(at, at + 1000);
  }

  async tagNames(query: TagQuery): Promise<{ scope: AttributeScope; names: string[] }[]> {
    const names: Record<AttributeScope, Set<string>> = {
      span: new Set(),
      resource: new Set(),
      event: new Set(),
      link: new Set(),
      instrumentation: new Set(),
    };
    for (const span of this.#in(query, query.condition ?? { op: 'true' })) {
      const plain = span.events.length === 0 && span.links.length === 0 && span.scope.attributes.size === 0;
      if (query.plainSpansOnly === true && !plain) continue;
      for (const key of span.attributes.keys()) names.span.add(key);
      for (const key of span.resource.attributes.keys()) names.resource.add(key);
      for (const key of span.scope.attributes.keys()) names.instrumentation.add(key);
      for (const event of span.events) for (const key of event.attributes.keys()) names.event.add(key);
      for (const link of span.links) for (const key of link.attributes.keys()) names.link.add(key);
    }
    return (Object.keys(names) as AttributeScope[]).map((scope) => ({
      scope,
      names: [...names[scope]].sort(),
    }));
  }

  async tagValues(field: SpanField, query: TagQuery): Promise<AttributeValue[]> {
    const found = new Map<string, AttributeValue>();
    const add = (value: AttributeValue): void => {
      if (value.type === 'array') value.value.forEach(add);
      else if (value.type !== 'other') found.set(`${value.type}${value.value}`, value);
    };
    if (field.kind === 'intrinsic' && (field.name === 'rootName' || field.name === 'rootServiceName')) {
      for await (const { traceId, spans } of this.traces({ ...query, anySpan: [] })) {
        const trace = buildTrace(traceId, spans);
        add({ type: 'string', value: field.name === 'rootName' ? trace.rootName : trace.rootServiceName });
      }
      return [...found.values()];
    }
    for (const span of this.#in(query, query.condition ?? { op: 'true' })) valuesOf(span, field).forEach(add);
    return [...found.values()];
  }
}
