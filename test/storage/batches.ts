/** Batches for tests of storage: small, readable ways to say what is pushed. */

import { AttributeColumn, Dictionary } from '../../src/model/attributes.ts';
import type { LogBatch, MetricBatch, SpanBatch } from '../../src/model/batch.ts';
import { BytesColumn, Slots8, Slots32, Slots64 } from '../../src/model/column.ts';
import { Labels } from '../../src/model/labels.ts';

export type AttributeInput = Readonly<
  Record<string, string | number | bigint | boolean | { readonly json: string }>
>;

function pushAttributes(column: AttributeColumn, keys: Dictionary, attributes: AttributeInput): void {
  for (const [name, value] of Object.entries(attributes)) {
    const key = keys.indexOf(name);
    if (typeof value === 'string') column.pushString(key, value);
    else if (typeof value === 'boolean') column.pushBool(key, value);
    else if (typeof value === 'number') column.pushDouble(key, value);
    else if (typeof value === 'bigint')
      column.pushInt(key, Number(value & 0xffffffffn), Number(BigInt.asIntN(64, value) >> 32n) >>> 0);
    else column.pushOther(key, value.json);
  }
  column.endRow();
}

/** Samples: [labels, timeMs, value]. Equal label objects share a series. */
export function metrics(
  tenant: string,
  samples: readonly (readonly [Readonly<Record<string, string>>, number, number])[],
  more: Partial<Pick<MetricBatch, 'metadata'>> & {
    readonly histograms?: readonly (readonly [
      Readonly<Record<string, string>>,
      Omit<MetricBatch['histograms'][number], 'series'>,
    ])[];
    readonly exemplars?: readonly (readonly [
      Readonly<Record<string, string>>,
      MetricBatch['exemplars'][number]['exemplar'],
    ])[];
  } = {},
): MetricBatch {
  const series: Labels[] = [];
  const seen = new Map<string, number>();
  const indexOf = (record: Readonly<Record<string, string>>): number => {
    const labels = Labels.from(record);
    let index = seen.get(labels.key);
    if (index === undefined) {
      index = series.length;
      series.push(labels);
      seen.set(labels.key, index);
    }
    return index;
  };
  const seriesIndex = new Slots32();
  const timestampsMs = new Slots64();
  const values = new Slots64();
  for (const [labels, timeMs, value] of samples) {
    seriesIndex.push(indexOf(labels));
    timestampsMs.pushFloat(timeMs);
    values.pushFloat(value);
  }
  return {
    tenant,
    series,
    seriesIndex,
    timestampsMs,
    values,
    histograms: (more.histograms ?? []).map(([labels, item]) => ({ series: indexOf(labels), ...item })),
    exemplars: (more.exemplars ?? []).map(([labels, exemplar]) => ({ series: indexOf(labels), exemplar })),
    metadata: more.metadata ?? [],
  };
}

export interface LineInput {
  readonly stream: Readonly<Record<string, string>>;
  readonly timeNs: bigint;
  readonly line: string;
  readonly severity?: number;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function logs(tenant: string, lines: readonly LineInput[]): LogBatch {
  const streams: Labels[] = [];
  const seen = new Map<string, number>();
  const batch = {
    tenant,
    streams,
    streamIndex: new Slots32(),
    timesNs: new Slots64(),
    observedNs: new Slots64(),
    bodies: new BytesColumn(),
    severities: new Slots8(),
    traceIds: new BytesColumn(),
    spanIds: new BytesColumn(),
    keys: new Dictionary(),
    metadata: new AttributeColumn(),
  };
  for (const line of lines) {
    const labels = Labels.from(line.stream);
    let index = seen.get(labels.key);
    if (index === undefined) {
      index = streams.length;
      streams.push(labels);
      seen.set(labels.key, index);
    }
    batch.streamIndex.push(index);
    batch.timesNs.pushBigInt(line.timeNs);
    batch.observedNs.pushBigInt(0n);
    batch.bodies.pushString(line.line);
    batch.severities.push(line.severity ?? 0);
    batch.traceIds.pushBytes(Buffer.from(line.traceId ?? '', 'hex'));
    batch.spanIds.pushBytes(Buffer.from(line.spanId ?? '', 'hex'));
    pushAttributes(batch.metadata, batch.keys, line.metadata ?? {});
  }
  return batch;
}

export interface SpanInput {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly name: string;
  readonly kind?: number;
  readonly statusCode?: number;
  readonly resource?: AttributeInput;
  readonly attributes?: AttributeInput;
  readonly events?: readonly {
    readonly timeNs: bigint;
    readonly name: string;
    readonly attributes: AttributeInput;
  }[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: AttributeInput;
  }[];
}

export function spans(tenant: string, items: readonly SpanInput[]): SpanBatch {
  const batch = {
    tenant,
    keys: new Dictionary(),
    resources: new AttributeColumn(),
    resourceIndex: new Slots32(),
    scopes: new AttributeColumn(),
    scopeNames: ['test-scope'],
    scopeVersions: ['1.0'],
    scopeIndex: new Slots32(),
    traceIds: new BytesColumn(),
    spanIds: new BytesColumn(),
    parentIds: new BytesColumn(),
    startsNs: new Slots64(),
    endsNs: new Slots64(),
    names: new BytesColumn(),
    kinds: new Slots8(),
    statusCodes: new Slots8(),
    statusMessages: new BytesColumn(),
    traceStates: new BytesColumn(),
    flags: new Slots32(),
    attributes: new AttributeColumn(),
    droppedAttributes: new Slots32(),
    droppedEvents: new Slots32(),
    droppedLinks: new Slots32(),
    eventEnds: new Slots32(),
    eventTimesNs: new Slots64(),
    eventNames: new BytesColumn(),
    eventAttributes: new AttributeColumn(),
    linkEnds: new Slots32(),
    linkTraceIds: new BytesColumn(),
    linkSpanIds: new BytesColumn(),
    linkTraceStates: new BytesColumn(),
    linkAttributes: new AttributeColumn(),
  };
  pushAttributes(batch.scopes, batch.keys, { 'scope.key': 'scope value' });
  for (const item of items) {
    batch.resourceIndex.push(batch.resources.rows);
    pushAttributes(batch.resources, batch.keys, item.resource ?? { 'service.name': 'shop' });
    batch.scopeIndex.push(0);
    batch.traceIds.pushBytes(Buffer.from(item.traceId, 'hex'));
    batch.spanIds.pushBytes(Buffer.from(item.spanId, 'hex'));
    batch.parentIds.pushBytes(Buffer.from(item.parentId ?? '', 'hex'));
    batch.startsNs.pushBigInt(item.startNs);
    batch.endsNs.pushBigInt(item.endNs);
    batch.names.pushString(item.name);
    batch.kinds.push(item.kind ?? 1);
    batch.statusCodes.push(item.statusCode ?? 0);
    batch.statusMessages.pushString('');
    batch.traceStates.pushString('a=1');
    batch.flags.push(0x101);
    pushAttributes(batch.attributes, batch.keys, item.attributes ?? {});
    batch.droppedAttributes.push(1);
    batch.droppedEvents.push(2);
    batch.droppedLinks.push(3);
    for (const event of item.events ?? []) {
      batch.eventTimesNs.pushBigInt(event.timeNs);
      batch.eventNames.pushString(event.name);
      pushAttributes(batch.eventAttributes, batch.keys, event.attributes);
    }
    batch.eventEnds.push(batch.eventNames.length);
    for (const link of item.links ?? []) {
      batch.linkTraceIds.pushBytes(Buffer.from(link.traceId, 'hex'));
      batch.linkSpanIds.pushBytes(Buffer.from(link.spanId, 'hex'));
      batch.linkTraceStates.pushString('');
      pushAttributes(batch.linkAttributes, batch.keys, link.attributes);
    }
    batch.linkEnds.push(batch.linkTraceIds.length);
  }
  return batch;
}
