/**
 * Prometheus remote write 1.0 (prometheus.WriteRequest) and 2.0 (io.prometheus.write.v2.Request) into MetricBatches.
 * Series that cannot be stored are refused one by one; a message that cannot be read throws InputError. Bodies come
 * here decompressed.
 */

import type { MetricMetadata } from '../model/batch.ts';
import { compareCodePoints, Labels, METRIC_NAME } from '../model/labels.ts';
import { LabelPool } from './label-pool.ts';
import {
  DEFAULT_SERIES_LIMITS,
  type KnownSeries,
  MAX_TIMESTAMP_MS,
  MetricBatchBuilder,
  refuseLabels,
  type SeriesLimits,
  SeriesRegister,
} from './metric-batch.ts';
import { ProtobufReader } from './protobuf.ts';
import { Rejected } from './rejected.ts';
import { HistogramReader } from './remote-write-histogram.ts';
import { SeriesCache } from './series-cache.ts';

export interface RemoteWriteOptions {
  readonly limits: SeriesLimits;
  /** Write a sample of 0 at a counter's or histogram's start time (2.0 only), as Prometheus's feature flag does. */
  readonly createdTimestampZeroSamples: boolean;
  /** Samples later than this are refused; Infinity for any. */
  readonly maxTimestampMs: number;
}

export const DEFAULT_REMOTE_WRITE_OPTIONS: RemoteWriteOptions = {
  limits: DEFAULT_SERIES_LIMITS,
  createdTimestampZeroSamples: false,
  maxTimestampMs: Number.POSITIVE_INFINITY,
};

export interface DecodedWrite {
  readonly batch: MetricBatchBuilder;
  /** Refused samples, histograms and exemplars. */
  readonly rejected: Rejected;
  /** What is in the batch (zero samples not counted), for the headers of 2.0. */
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
}

const TYPES: readonly MetricMetadata['type'][] = [
  'unknown',
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
];

/** Decodes requests of both versions and remembers their series. One per process is enough: it serves all tenants. */
export class RemoteWriteDecoder {
  readonly series: SeriesCache<KnownSeries>;
  readonly #register: SeriesRegister;
  readonly #pool = new LabelPool();
  #key = new Uint8Array(1024);
  #keyView = new DataView(this.#key.buffer);

  constructor(series = new SeriesCache<KnownSeries>()) {
    this.series = series;
    this.#register = new SeriesRegister(series.maxEntries);
    series.onClear = () => this.#register.clear();
  }

  /** Decodes a prometheus.WriteRequest. */
  version1(body: Uint8Array, tenant: string, options = DEFAULT_REMOTE_WRITE_OPTIONS): DecodedWrite {
    this.series.tidy();
    const reader = new ProtobufReader(body);
    const request = new Request(reader, tenant, options);
    const end = body.length;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10:
          this.#series1(request, reader.enter(end));
          break;
        case 26:
          metadata1(request, reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
    return request;
  }

  /** TimeSeries of 1.0: labels = 1, samples = 2, exemplars = 3, histograms = 4. */
  #series1(request: Request, end: number): void {
    const { reader } = request;
    const { bytes } = reader;
    const start = reader.pos;
    while (reader.pos < end && bytes[reader.pos] === 10) {
      reader.pos++;
      reader.pos = reader.enter(end);
    }
    const labelsEnd = reader.pos;
    let scattered = false;
    let items = 0;
    while (reader.pos < end) {
      const tag = reader.tag();
      if (tag === 10) scattered = true;
      if (tag === 18 || tag === 34) items++;
      reader.skip();
    }
    reader.leave(end);
    let known = scattered ? undefined : this.series.get(bytes, reader.view, start, labelsEnd);
    if (known === undefined) {
      reader.pos = start;
      const labels = this.#labels1(request, end);
      const refused = typeof labels === 'string' ? labels : refuseLabels(labels, request.options.limits);
      if (refused !== undefined || typeof labels === 'string') {
        request.rejected.add(refused as string, Math.max(1, items));
        reader.pos = end;
        return;
      }
      known = this.#register.get(labels);
      if (!scattered) this.series.add(bytes, start, labelsEnd, known);
    }
    reader.pos = labelsEnd;
    const series = request.batch.indexOf(known);
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 18:
          request.sample(series, known, reader.enter(end));
          break;
        case 26:
          this.#exemplar1(request, series, reader.enter(end));
          break;
        case 34:
          request.histogram(series, known, reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
  }

  /** All labels (field 1) of a message of 1.0, or why they are refused. */
  #labels1(request: Request, end: number): Labels | string {
    const { reader } = request;
    const names: string[] = [];
    const values: string[] = [];
    while (reader.pos < end) {
      if (reader.tag() !== 10) {
        reader.skip();
        continue;
      }
      const labelEnd = reader.enter(end);
      let name = '';
      let value = '';
      while (reader.pos < labelEnd) {
        switch (reader.tag()) {
          case 10: {
            const textEnd = reader.enter(labelEnd);
            name = this.#pool.string(reader.bytes, reader.pos, textEnd);
            reader.pos = textEnd;
            break;
          }
          case 18: {
            const textEnd = reader.enter(labelEnd);
            value = this.#pool.string(reader.bytes, reader.pos, textEnd);
            reader.pos = textEnd;
            break;
          }
          default:
            reader.skip();
        }
      }
      reader.leave(labelEnd);
      names.push(name);
      values.push(value);
    }
    return labelSet(names, values);
  }

  #exemplar1(request: Request, series: number, end: number): void {
    const { reader } = request;
    const start = reader.pos;
    let value = 0;
    let timestampMs = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 17:
          value = reader.double();
          break;
        case 24:
          timestampMs = reader.int64();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    reader.pos = start;
    request.exemplar(series, this.#labels1(request, end), value, timestampMs);
    reader.pos = end;
  }

  /** Decodes an io.prometheus.write.v2.Request. */
  version2(body: Uint8Array, tenant: string, options = DEFAULT_REMOTE_WRITE_OPTIONS): DecodedWrite {
    this.series.tidy();
    const reader = new ProtobufReader(body);
    const request = new Request(reader, tenant, options);
    const end = body.length;
    // Symbols may in principle stand behind the series that refer to them.
    while (reader.pos < end) {
      const tag = reader.tag();
      if (tag === 34) {
        const textEnd = reader.enter(end);
        request.symbolStarts.push(reader.pos);
        request.symbolEnds.push(textEnd);
        reader.pos = textEnd;
      } else reader.skip();
    }
    if (request.symbolStarts.length > 0 && request.symbolStarts[0] !== request.symbolEnds[0]) {
      reader.fail('the first symbol must be the empty string');
    }
    reader.pos = 0;
    while (reader.pos < end) {
      if (reader.tag() === 42) this.#series2(request, reader.enter(end));
      else reader.skip();
    }
    return request;
  }

  /** TimeSeries of 2.0: labels_refs = 1, samples = 2, histograms = 3, exemplars = 4, metadata = 5. */
  #series2(request: Request, end: number): void {
    const { reader } = request;
    const start = reader.pos;
    const refs = request.refs;
    refs.length = 0;
    let items = 0;
    let metadataStart = 0;
    let metadataEnd = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10: {
          const packedEnd = reader.enter(end);
          while (reader.pos < packedEnd) refs.push(reader.varint32());
          reader.leave(packedEnd);
          break;
        }
        case 8:
          refs.push(reader.varint32());
          break;
        case 18:
        case 26:
          items++;
          reader.skip();
          break;
        case 42:
          metadataEnd = reader.enter(end);
          metadataStart = reader.pos;
          reader.pos = metadataEnd;
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const known = this.#known2(request);
    if (typeof known === 'string') {
      request.rejected.add(known, Math.max(1, items));
      return;
    }
    if (items === 0) {
      request.rejected.add('time series without samples or histograms');
      return;
    }
    const series = request.batch.indexOf(known);
    if (metadataEnd !== 0) {
      reader.pos = metadataStart;
      this.#metadata2(request, known.labels, metadataEnd);
    }
    reader.pos = start;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 18:
          request.sample(series, known, reader.enter(end));
          break;
        case 26:
          request.histogram(series, known, reader.enter(end));
          break;
        case 34:
          this.#exemplar2(request, series, reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
  }

  /** The series with the labels that `request.refs` name, or why it is refused. */
  #known2(request: Request): KnownSeries | string {
    const { reader, refs, symbolStarts, symbolEnds } = request;
    if (refs.length % 2 !== 0) return 'labels_refs must be pairs';
    let size = 0;
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i] as number;
      if (ref >= symbolStarts.length) return 'label refers to a symbol that is not there';
      size += (symbolEnds[ref] as number) - (symbolStarts[ref] as number) + 4;
    }
    if (size > this.#key.length) {
      this.#key = new Uint8Array(size * 2);
      this.#keyView = new DataView(this.#key.buffer);
    }
    const key = this.#key;
    let at = 0;
    for (let i = 0; i < refs.length; i++) {
      const from = symbolStarts[refs[i] as number] as number;
      const to = symbolEnds[refs[i] as number] as number;
      this.#keyView.setUint32(at, to - from, true);
      at += 4;
      for (let j = from; j < to; j++) key[at++] = reader.bytes[j] as number;
    }
    // No key of 1.0 can be equal: those begin with the tag 10 and a length that is never so large.
    const found = this.series.get(key, this.#keyView, 0, at);
    if (found !== undefined) return found;
    const labels = this.#labels2(request);
    if (typeof labels === 'string') return labels;
    const refused = refuseLabels(labels, request.options.limits);
    if (refused !== undefined) return refused;
    const known = this.#register.get(labels);
    this.series.add(key, 0, at, known);
    return known;
  }

  #labels2(request: Request): Labels | string {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = 0; i + 1 < request.refs.length; i += 2) {
      names.push(this.#symbol(request, request.refs[i] as number));
      values.push(this.#symbol(request, request.refs[i + 1] as number));
    }
    return labelSet(names, values);
  }

  #symbol(request: Request, ref: number): string {
    const start = request.symbolStarts[ref];
    const end = request.symbolEnds[ref];
    if (start === undefined || end === undefined)
      request.reader.fail('reference to a symbol that is not there');
    return this.#pool.string(request.reader.bytes, start, end);
  }

  #exemplar2(request: Request, series: number, end: number): void {
    const { reader, refs } = request;
    refs.length = 0;
    let value = 0;
    let timestampMs = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10: {
          const packedEnd = reader.enter(end);
          while (reader.pos < packedEnd) refs.push(reader.varint32());
          reader.leave(packedEnd);
          break;
        }
        case 8:
          refs.push(reader.varint32());
          break;
        case 17:
          value = reader.double();
          break;
        case 24:
          timestampMs = reader.int64();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    if (refs.length % 2 !== 0 || refs.some((ref) => ref >= request.symbolStarts.length)) {
      request.rejected.add('exemplar label refers to a symbol that is not there');
      return;
    }
    request.exemplar(series, this.#labels2(request), value, timestampMs);
  }

  #metadata2(request: Request, labels: Labels, end: number): void {
    const { reader } = request;
    let type = 0;
    let help = 0;
    let unit = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 8:
          type = reader.varint32();
          break;
        case 24:
          help = reader.varint32();
          break;
        case 32:
          unit = reader.varint32();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    if (type === 0 && help === 0 && unit === 0) return;
    const kind = TYPES[type] ?? 'unknown';
    request.batch.describe({
      family: familyOf(labels.get(METRIC_NAME), kind),
      type: kind,
      help: this.#symbol(request, help),
      unit: this.#symbol(request, unit),
    });
  }
}

/** The name of the family that a series belongs to. */
export function familyOf(name: string, type: MetricMetadata['type']): string {
  const suffixes =
    type === 'histogram'
      ? ['_bucket', '_sum', '_count']
      : type === 'gaugehistogram'
        ? ['_bucket', '_gsum', '_gcount']
        : type === 'summary'
          ? ['_sum', '_count']
          : [];
  for (const suffix of suffixes) {
    if (name.endsWith(suffix) && name.length > suffix.length) return name.slice(0, -suffix.length);
  }
  return name;
}

/** MetricMetadata of 1.0. */
function metadata1({ reader, batch }: Request, end: number): void {
  let type = 0;
  let family = '';
  let help = '';
  let unit = '';
  while (reader.pos < end) {
    switch (reader.tag()) {
      case 8:
        type = reader.varint32();
        break;
      case 18:
        family = reader.string(reader.enter(end));
        break;
      case 34:
        help = reader.string(reader.enter(end));
        break;
      case 42:
        unit = reader.string(reader.enter(end));
        break;
      default:
        reader.skip();
    }
  }
  reader.leave(end);
  if (family !== '') batch.describe({ family, type: TYPES[type] ?? 'unknown', help, unit });
}

/** A label set from names and values as they came, or why it is refused. */
function labelSet(names: readonly string[], values: readonly string[]): Labels | string {
  let sorted = true;
  for (let i = 0; i < names.length; i++) {
    if (names[i] === '') return 'empty label name';
    if (values[i] === '') sorted = false;
    if (i > 0 && compareCodePoints(names[i - 1] as string, names[i] as string) >= 0) sorted = false;
  }
  if (sorted) return Labels.fromSorted(names, values);
  if (new Set(names).size !== names.length) return 'label name given twice';
  return Labels.fromPairs(names.map((name, i) => [name, values[i] as string] as const));
}

/** One request while it is decoded; what the two versions have in common. */
class Request implements DecodedWrite {
  readonly reader: ProtobufReader;
  readonly batch: MetricBatchBuilder;
  readonly options: RemoteWriteOptions;
  readonly rejected = new Rejected();
  readonly symbolStarts: number[] = [];
  readonly symbolEnds: number[] = [];
  readonly refs: number[] = [];
  readonly #histograms: HistogramReader;
  samples = 0;
  histograms = 0;
  exemplars = 0;

  constructor(reader: ProtobufReader, tenant: string, options: RemoteWriteOptions) {
    this.reader = reader;
    this.batch = new MetricBatchBuilder(tenant);
    this.options = options;
    this.#histograms = new HistogramReader(reader);
  }

  /** Sample: value = 1, timestamp = 2, and in 2.0 start_timestamp = 3. */
  sample(series: number, known: KnownSeries, end: number): void {
    const { reader } = this;
    let low = 0;
    let high = 0;
    let timestampMs = 0;
    let startMs = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 9:
          reader.fixed64();
          low = reader.low;
          high = reader.high;
          break;
        case 16:
          timestampMs = reader.int64();
          break;
        case 24:
          startMs = reader.int64();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    if (this.#outOfRange(timestampMs)) return;
    if (startMs !== 0 && this.#starts(known, startMs, timestampMs)) this.batch.pushValue(series, startMs, 0);
    this.batch.pushBits(series, timestampMs, low, high);
    this.samples++;
  }

  histogram(series: number, known: KnownSeries, end: number): void {
    const read = this.#histograms.read(end, this.options.limits.maxHistogramBuckets);
    if (typeof read === 'string') {
      this.rejected.add(read);
      return;
    }
    const { timestampMs, startMs, histogram } = read;
    if (this.#outOfRange(timestampMs)) return;
    if (startMs !== 0 && histogram !== null && this.#starts(known, startMs, timestampMs)) {
      this.batch.histograms.push({
        series,
        timestampMs: startMs,
        stale: false,
        histogram: { ...histogram, ...EMPTY_HISTOGRAM },
      });
    }
    this.batch.histograms.push({ series, timestampMs, stale: histogram === null, histogram });
    this.histograms++;
  }

  exemplar(series: number, labels: Labels | string, value: number, timestampMs: number): void {
    if (typeof labels === 'string') {
      this.rejected.add(`exemplar: ${labels}`);
      return;
    }
    if (this.#outOfRange(timestampMs)) return;
    this.batch.exemplars.push({ series, exemplar: { labels, value, timestampMs } });
    this.exemplars++;
  }

  #outOfRange(timestampMs: number): boolean {
    if (timestampMs > this.options.maxTimestampMs) {
      this.rejected.add('timestamp too far in the future');
      return true;
    }
    if (timestampMs > MAX_TIMESTAMP_MS || timestampMs < -MAX_TIMESTAMP_MS) {
      this.rejected.add('timestamp out of range');
      return true;
    }
    return false;
  }

  /** Whether a zero sample is wanted at this start time, which it is once for each start. */
  #starts(known: KnownSeries, startMs: number, timestampMs: number): boolean {
    if (!this.options.createdTimestampZeroSamples || startMs >= timestampMs) return false;
    return known.startsAt(startMs, this.batch.tenant);
  }
}

const EMPTY_HISTOGRAM = {
  count: 0,
  sum: 0,
  zeroCount: 0,
  positiveSpans: [],
  positiveCounts: [],
  negativeSpans: [],
  negativeCounts: [],
} as const;
