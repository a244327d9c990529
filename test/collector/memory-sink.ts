/** A sink that keeps batches, and plain values of what is in them, for tests of decoders and receivers. */

import {
  ATTRIBUTE_BOOL,
  ATTRIBUTE_DOUBLE,
  ATTRIBUTE_INT,
  type AttributeColumn,
  type Dictionary,
} from '../../src/model/attributes.ts';
import type { BatchSink, LogBatch, MetricBatch, SpanBatch } from '../../src/model/batch.ts';
import type { BytesColumn } from '../../src/model/column.ts';
import type { Labels } from '../../src/model/labels.ts';
import { isStaleBits } from '../../src/model/stale.ts';

export class MemorySink implements BatchSink {
  readonly metrics: MetricBatch[] = [];
  readonly logs: LogBatch[] = [];
  readonly spans: SpanBatch[] = [];
  /** What the next writes are rejected with. */
  failure: Error | undefined;

  async writeMetrics(batch: MetricBatch): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.metrics.push(batch);
  }

  async writeLogs(batch: LogBatch): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.logs.push(batch);
  }

  async writeSpans(batch: SpanBatch): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.spans.push(batch);
  }

  clear(): void {
    this.metrics.length = 0;
    this.logs.length = 0;
    this.spans.length = 0;
  }
}

export type PlainAttributes = Record<string, string | bigint | number | boolean | { json: unknown }>;

/** Row `row` of an attribute column: strings, bigint for int, numbers, booleans, `{ json }` for the rest. */
export function attributesOf(column: AttributeColumn, keys: Dictionary, row: number): PlainAttributes {
  const plain: PlainAttributes = {};
  for (let at = column.rowStart(row); at < column.rowEnd(row); at++) {
    const key = keys.strings[column.keys.get(at)] as string;
    if (key in plain) throw new Error(`key ${key} twice in one row`);
    const type = column.types.get(at);
    plain[key] =
      type === ATTRIBUTE_BOOL
        ? column.slots.low(at) === 1
        : type === ATTRIBUTE_INT
          ? column.slots.bigInt(at)
          : type === ATTRIBUTE_DOUBLE
            ? column.slots.float(at)
            : type === 1
              ? column.text(at)
              : { json: JSON.parse(column.text(at)) };
  }
  return plain;
}

export function hexOf(column: BytesColumn, row: number): string {
  return Buffer.from(column.bytes(row)).toString('hex');
}

/** `name{label="value", ...}` */
export function seriesText(labels: Labels): string {
  const rest = [...labels.entries()].filter(([name]) => name !== '__name__');
  const text = rest.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ');
  return `${labels.get('__name__')}{${text}}`;
}

/** Samples as `series value @ms`, histograms and exemplars likewise, in the order of the batch. */
export function metricLines(batch: MetricBatch): string[] {
  const lines: string[] = [];
  for (let row = 0; row < batch.seriesIndex.length; row++) {
    const series = seriesText(batch.series[batch.seriesIndex.get(row)] as Labels);
    const stale = isStaleBits(batch.values.low(row), batch.values.high(row));
    lines.push(`${series} ${stale ? 'stale' : batch.values.float(row)} @${batch.timestampsMs.float(row)}`);
  }
  for (const { series, timestampMs, stale, histogram } of batch.histograms) {
    const name = seriesText(batch.series[series] as Labels);
    lines.push(`${name} ${stale ? 'stale' : JSON.stringify(histogram)} @${timestampMs}`);
  }
  for (const { series, exemplar } of batch.exemplars) {
    const labels = JSON.stringify(exemplar.labels.toRecord());
    lines.push(
      `exemplar ${seriesText(batch.series[series] as Labels)} ${labels} ${exemplar.value} @${exemplar.timestampMs}`,
    );
  }
  return lines;
}

export interface PlainLog {
  readonly stream: Record<string, string>;
  readonly timeNs: bigint;
  readonly observedNs: bigint;
  readonly body: string;
  readonly severity: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly metadata: PlainAttributes;
}

export function logRows(batch: LogBatch): PlainLog[] {
  return Array.from({ length: batch.streamIndex.length }, (_, row) => ({
    stream: (batch.streams[batch.streamIndex.get(row)] as Labels).toRecord(),
    timeNs: batch.timesNs.bigInt(row),
    observedNs: batch.observedNs.bigInt(row),
    body: batch.bodies.string(row),
    severity: batch.severities.get(row),
    traceId: hexOf(batch.traceIds, row),
    spanId: hexOf(batch.spanIds, row),
    metadata: attributesOf(batch.metadata, batch.keys, row),
  }));
}

export interface PlainSpan {
  readonly resource: PlainAttributes;
  readonly scope: { name: string; version: string; attributes: PlainAttributes };
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly status: number;
  readonly message: string;
  readonly traceState: string;
  readonly flags: number;
  readonly attributes: PlainAttributes;
  readonly dropped: [attributes: number, events: number, links: number];
  readonly events: { timeNs: bigint; name: string; attributes: PlainAttributes }[];
  readonly links: { traceId: string; spanId: string; traceState: string; attributes: PlainAttributes }[];
}

export function spanRows(batch: SpanBatch): PlainSpan[] {
  const { keys } = batch;
  const from = (ends: { get(row: number): number }, row: number) => (row === 0 ? 0 : ends.get(row - 1));
  return Array.from({ length: batch.kinds.length }, (_, row) => {
    const events = [];
    for (let e = from(batch.eventEnds, row); e < batch.eventEnds.get(row); e++) {
      events.push({
        timeNs: batch.eventTimesNs.bigInt(e),
        name: batch.eventNames.string(e),
        attributes: attributesOf(batch.eventAttributes, keys, e),
      });
    }
    const links = [];
    for (let l = from(batch.linkEnds, row); l < batch.linkEnds.get(row); l++) {
      links.push({
        traceId: hexOf(batch.linkTraceIds, l),
        spanId: hexOf(batch.linkSpanIds, l),
        traceState: batch.linkTraceStates.string(l),
        attributes: attributesOf(batch.linkAttributes, keys, l),
      });
    }
    const scope = batch.scopeIndex.get(row);
    return {
      resource: attributesOf(batch.resources, keys, batch.resourceIndex.get(row)),
      scope: {
        name: batch.scopeNames[scope] as string,
        version: batch.scopeVersions[scope] as string,
        attributes: attributesOf(batch.scopes, keys, scope),
      },
      traceId: hexOf(batch.traceIds, row),
      spanId: hexOf(batch.spanIds, row),
      parentId: hexOf(batch.parentIds, row),
      name: batch.names.string(row),
      kind: batch.kinds.get(row),
      startNs: batch.startsNs.bigInt(row),
      endNs: batch.endsNs.bigInt(row),
      status: batch.statusCodes.get(row),
      message: batch.statusMessages.string(row),
      traceState: batch.traceStates.string(row),
      flags: batch.flags.get(row),
      attributes: attributesOf(batch.attributes, keys, row),
      dropped: [batch.droppedAttributes.get(row), batch.droppedEvents.get(row), batch.droppedLinks.get(row)],
      events,
      links,
    };
  });
}
