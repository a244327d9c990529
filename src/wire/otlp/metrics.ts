/**
 * OTLP metrics (ExportMetricsServiceRequest, MetricsData) in protobuf into a MetricBatch in Prometheus's model, as the
 * OpenTelemetry compatibility specification and Prometheus 3's OTLP endpoint do it. Points that cannot be taken are
 * refused one by one; a message that cannot be read throws InputError.
 */

import type { MetricMetadata } from '../../model/batch.ts';
import { MetricBatchBuilder } from '../metric-batch.ts';
import { ProtobufReader } from '../protobuf.ts';
import { Rejected } from '../rejected.ts';
import { SeriesCache } from '../series-cache.ts';
import { AnyValueView, plainText, readPair } from './any-value.ts';
import { DeltaJournal, DeltaTotals } from './delta.ts';
import { type Pair, scopeLabels } from './metric-labels.ts';
import {
  CUMULATIVE,
  DEFAULT_OTLP_METRICS_OPTIONS,
  DELTA,
  MetricMemory,
  type OtlpMetricsOptions,
  type PointKind,
  type PointSeries,
  type ResourceContext,
  UNSPECIFIED,
} from './metric-memory.ts';
import { PointWriter } from './metric-points.ts';
import { unitName } from './names.ts';

/** At most so many samples of target_info for one resource in one request. */
const MAX_TARGET_INFO_SAMPLES = 1000;
export interface DecodedMetrics {
  readonly batch: MetricBatchBuilder;
  readonly rejected: Rejected;
  /** Points that were taken. */
  readonly points: number;
  /** For `DeltaTotals.undo`, should the batch not be stored. */
  readonly journal: DeltaJournal;
}

/** Decodes requests under one set of options. One per process and configuration: it serves all tenants. */
export class OtlpMetricsDecoder {
  readonly memory: MetricMemory;

  constructor(
    options: OtlpMetricsOptions = DEFAULT_OTLP_METRICS_OPTIONS,
    deltas = new DeltaTotals(),
    series = new SeriesCache<PointSeries>(),
  ) {
    this.memory = new MetricMemory(options, deltas, series);
  }

  /** Running totals of deltas, shared by decoders when options change. */
  get deltas(): DeltaTotals {
    return this.memory.deltas;
  }

  /**
   * Decodes a whole request. Points later than `maxTimestampMs` are refused. Throws InputError with the byte offset
   * when the body is not well-formed; running totals of deltas are then as before.
   */
  decode(body: Uint8Array, tenant: string, maxTimestampMs = Number.POSITIVE_INFINITY): DecodedMetrics {
    this.memory.tidy();
    const request = new MetricsRequest(this.memory, body, tenant, maxTimestampMs);
    try {
      request.decode();
    } catch (error) {
      this.deltas.undo(request.journal);
      throw error;
    }
    return request;
  }
}

class MetricsRequest implements DecodedMetrics {
  readonly batch: MetricBatchBuilder;
  readonly rejected = new Rejected();
  readonly journal = new DeltaJournal();
  readonly #memory: MetricMemory;
  readonly #reader: ProtobufReader;
  readonly #tenant: string;
  readonly #value = new AnyValueView();
  readonly #writer: PointWriter;
  #resource: ResourceContext | undefined;
  #scope: readonly Pair[] = [];
  #scopeKey = '';
  #scopeRefused: string | undefined;
  readonly #targetInfoSeen = new Set<string>();

  constructor(memory: MetricMemory, body: Uint8Array, tenant: string, maxTimestampMs: number) {
    this.#memory = memory;
    this.#reader = new ProtobufReader(body);
    this.#tenant = tenant;
    this.batch = new MetricBatchBuilder(tenant);
    this.#writer = new PointWriter(
      memory,
      this.#reader,
      this.batch,
      this.rejected,
      this.journal,
      maxTimestampMs,
    );
  }

  get points(): number {
    return this.#writer.points;
  }

  decode(): void {
    const reader = this.#reader;
    const end = reader.bytes.length;
    while (reader.pos < end) {
      if (reader.tag() === 10) this.#resourceMetrics(reader.enter(end));
      else reader.skip();
    }
    reader.leave(end);
  }

  #resourceMetrics(end: number): void {
    const reader = this.#reader;
    const start = reader.pos;
    let resourceStart = start;
    let resourceEnd = start;
    while (reader.pos < end) {
      if (reader.tag() === 10) {
        resourceEnd = reader.enter(end);
        resourceStart = reader.pos;
        reader.pos = resourceEnd;
      } else reader.skip();
    }
    reader.leave(end);
    const resource = this.#memory.resource(
      this.#tenant,
      reader.bytes.subarray(resourceStart, resourceEnd),
      () => {
        reader.pos = resourceStart;
        return this.#attributes(resourceEnd, 10);
      },
    );
    this.#resource = resource;
    this.#writer.startResource();
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 18) this.#scopeMetrics(reader.enter(end));
      else reader.skip();
    }
    this.#targetInfo(resource);
  }

  /** All attributes with this tag of a message, as text. The first of equal keys is kept. */
  #attributes(end: number, tag: number): Pair[] {
    const reader = this.#reader;
    const pairs = new Map<string, string>();
    while (reader.pos < end) {
      if (reader.tag() !== tag) {
        reader.skip();
        continue;
      }
      const key = readPair(reader, reader.enter(end), this.#value);
      if (key !== '' && !pairs.has(key)) pairs.set(key, plainText(reader, this.#value));
    }
    reader.leave(end);
    return [...pairs];
  }

  #scopeMetrics(end: number): void {
    const reader = this.#reader;
    const start = reader.pos;
    this.#scope = [];
    this.#scopeKey = '';
    this.#scopeRefused = undefined;
    if (this.#memory.options.promoteScopeMetadata) this.#readScope(end);
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 18) this.#metric(reader.enter(end));
      else reader.skip();
    }
    reader.leave(end);
  }

  #readScope(end: number): void {
    const reader = this.#reader;
    const scope = { name: '', version: '', schemaUrl: '', attributes: [] as Pair[] };
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10: {
          const scopeEnd = reader.enter(end);
          const scopeStart = reader.pos;
          while (reader.pos < scopeEnd) {
            switch (reader.tag()) {
              case 10:
                scope.name = reader.string(reader.enter(scopeEnd));
                break;
              case 18:
                scope.version = reader.string(reader.enter(scopeEnd));
                break;
              default:
                reader.skip();
            }
          }
          reader.leave(scopeEnd);
          reader.pos = scopeStart;
          scope.attributes = this.#attributes(scopeEnd, 26);
          break;
        }
        case 26:
          scope.schemaUrl = reader.string(reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
    const labels = scopeLabels(scope, this.#memory.options);
    if (typeof labels === 'string') this.#scopeRefused = labels;
    else {
      this.#scope = labels;
      this.#scopeKey = labels.length === 0 ? '' : JSON.stringify(labels);
    }
  }

  /** Metric: name = 1, description = 2, unit = 3, and one of gauge = 5, sum = 7, histogram = 9, exponential = 10, summary = 11. */
  #metric(end: number): void {
    const reader = this.#reader;
    let name = '';
    let help = '';
    let unit = '';
    let kind: PointKind | undefined;
    let dataStart = 0;
    let dataEnd = 0;
    while (reader.pos < end) {
      const tag = reader.tag();
      switch (tag) {
        case 10:
          name = reader.string(reader.enter(end));
          break;
        case 18:
          help = reader.string(reader.enter(end));
          break;
        case 26:
          unit = reader.string(reader.enter(end));
          break;
        case 42:
        case 58:
        case 74:
        case 82:
        case 90:
          kind = KINDS[tag];
          dataEnd = reader.enter(end);
          dataStart = reader.pos;
          reader.pos = dataEnd;
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    if (kind === undefined) return;

    // The sum's fields stand behind its points.
    reader.pos = dataStart;
    let points = 0;
    let temporality = kind === 'gauge' || kind === 'summary' ? CUMULATIVE : UNSPECIFIED;
    let monotonic = false;
    while (reader.pos < dataEnd) {
      const tag = reader.tag();
      if (tag === 10) {
        points++;
        reader.skip();
      } else if (tag === 16) temporality = reader.varint32();
      else if (tag === 24) monotonic = reader.bool();
      else reader.skip();
    }
    reader.leave(dataEnd);
    if (points === 0) return;

    const context = this.#memory.metric(
      this.#tenant,
      this.#resource as ResourceContext,
      this.#scope,
      this.#scopeKey,
      name,
      unit,
      kind === 'gauge' ? 'gauge' : kind === 'sum' && monotonic ? 'counter' : 'other',
    );
    const refused =
      name === ''
        ? 'metric without a name'
        : (this.#scopeRefused ??
          context.refused ??
          (temporality === CUMULATIVE || temporality === DELTA
            ? undefined
            : 'aggregation temporality is missing'));
    if (refused !== undefined) {
      this.rejected.add(refused, points, name);
      reader.pos = end;
      return;
    }
    const type: MetricMetadata['type'] =
      kind === 'summary'
        ? 'summary'
        : kind === 'histogram' || kind === 'exponential'
          ? 'histogram'
          : kind === 'sum' && monotonic
            ? 'counter'
            : 'gauge';
    this.batch.describe({ family: context.family, type, help, unit: unitName(unit) });
    this.#writer.startMetric(context, temporality);
    reader.pos = dataStart;
    while (reader.pos < dataEnd) {
      if (reader.tag() === 10) this.#writer.point(kind, reader.enter(dataEnd));
      else reader.skip();
    }
    reader.pos = end;
  }

  /** Samples of target_info from the earliest to the latest point of the resource. */
  #targetInfo(resource: ResourceContext): void {
    const { earliestMs, latestMs } = this.#writer;
    if (resource.targetInfo === undefined || earliestMs > latestMs) return;
    const series = this.batch.indexOf(resource.targetInfo);
    this.batch.describe({ family: 'target_info', type: 'gauge', help: 'Target metadata', unit: '' });
    const { targetInfoIntervalMs } = this.#memory.options;
    const stepMs = Math.max(targetInfoIntervalMs, (latestMs - earliestMs) / MAX_TARGET_INFO_SAMPLES);
    for (let timestampMs = earliestMs; timestampMs < latestMs; timestampMs += stepMs) {
      this.#targetInfoSample(series, Math.floor(timestampMs));
    }
    this.#targetInfoSample(series, latestMs);
  }

  #targetInfoSample(series: number, timestampMs: number): void {
    const key = `${series} ${timestampMs}`;
    if (this.#targetInfoSeen.has(key)) return;
    this.#targetInfoSeen.add(key);
    this.batch.pushValue(series, timestampMs, 1);
  }
}

const KINDS: Readonly<Record<number, PointKind>> = {
  42: 'gauge',
  58: 'sum',
  74: 'histogram',
  82: 'exponential',
  90: 'summary',
};
