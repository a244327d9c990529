/**
 * The protobuf exposition format: length-delimited io.prometheus.client.MetricFamily messages, native histograms
 * included. A metric whose label bytes are known costs no label parsing. Knows nothing of targets or HTTP.
 */

import { InputError } from '../../model/errors.ts';
import type { BucketSpan, Histogram } from '../../model/histogram.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { ProtobufReader } from '../protobuf.ts';
import { formatBound, quoteText } from './go-text.ts';
import type {
  ExposedExemplar,
  ExpositionMemory,
  ExpositionSink,
  MetricType,
  PageReader,
  ProtoSeries,
} from './sink.ts';

const TYPES: readonly MetricType[] = [
  'counter',
  'gauge',
  'summary',
  'unknown',
  'histogram',
  'gaugehistogram',
];

interface ProtobufOptions {
  /** Give the classic series of native histograms as well. */
  readonly classicHistograms: boolean;
}

/** Opens a page. Its steps throw InputError; what came before the mistake was delivered. */
export function openProtobuf<S>(
  page: Uint8Array,
  memory: ExpositionMemory<S>,
  sink: ExpositionSink<S>,
  options: ProtobufOptions,
): PageReader {
  return new PageParser(page, memory, sink, options);
}

interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly id: number;
}

class PageParser<S> implements PageReader {
  #left = 0;
  readonly #reader: ProtobufReader;
  readonly #memory: ExpositionMemory<S>;
  readonly #sink: ExpositionSink<S>;
  readonly #options: ProtobufOptions;

  constructor(
    page: Uint8Array,
    memory: ExpositionMemory<S>,
    sink: ExpositionSink<S>,
    options: ProtobufOptions,
  ) {
    this.#reader = new ProtobufReader(page);
    this.#memory = memory;
    this.#sink = sink;
    this.#options = options;
  }

  step(maxEntries: number): boolean {
    const reader = this.#reader;
    const { metrics } = this.#memory;
    const { length } = reader.bytes;
    if (reader.pos === 0) metrics.begin();
    this.#left = maxEntries;
    try {
      while (reader.pos < length && this.#left > 0) {
        const start = reader.pos;
        const size = reader.varint32();
        if (size > length - reader.pos) {
          const want = size + reader.pos - start;
          throw new InputError(
            `clientpb: insufficient length of buffer, expected at least ${want} bytes, got ${length - start} bytes`,
          );
        }
        this.#family(reader.pos + size);
      }
    } catch (error) {
      metrics.end(false);
      throw error;
    }
    if (reader.pos < length) return false;
    metrics.end(true);
    return true;
  }

  /** MetricFamily: name = 1, help = 2, type = 3, metric = 4, unit = 5. */
  #family(end: number): void {
    const reader = this.#reader;
    const start = reader.pos;
    let name = '';
    let help = '';
    let unit = '';
    let type = 0;
    let metrics = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10:
          name = reader.string(reader.enter(end));
          break;
        case 18:
          help = reader.string(reader.enter(end));
          break;
        case 24:
          type = reader.varint32();
          break;
        case 34:
          metrics++;
          reader.skip();
          break;
        case 42:
          unit = reader.string(reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    // A family without metrics says nothing.
    this.#left -= metrics;
    if (metrics === 0) return;
    const kind = TYPES[type];
    if (kind === undefined)
      throw new InputError(`unknown metric type for metric ${quoteText(name)}: ${type}`);
    if (name === '') throw new InputError(`invalid metric name: ${name}`);
    checkUnit(name, unit, kind);
    this.#sink.metadata(name, 'help', help);
    this.#sink.metadata(name, 'type', kind);
    if (unit !== '') this.#sink.metadata(name, 'unit', unit);
    const { families } = this.#memory;
    let id = families.get(name);
    if (id === undefined) {
      id = families.size + 1;
      families.set(name, id);
    }
    const family: Family = { name, type: kind, id: id * TYPES.length + type };
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 34) this.#metric(family, reader.enter(end));
      else reader.skip();
    }
  }

  /** Metric: label = 1, gauge = 2, counter = 3, summary = 4, untyped = 5, timestamp_ms = 6, histogram = 7. */
  #metric(family: Family, end: number): void {
    const reader = this.#reader;
    const { bytes } = reader;
    const start = reader.pos;
    while (reader.pos < end && bytes[reader.pos] === 10) {
      reader.pos++;
      reader.pos = reader.enter(end);
    }
    const labelsEnd = reader.pos;
    let scattered = false;
    let timestampMs = Number.NaN;
    const parts: [field: number, start: number, end: number][] = [];
    while (reader.pos < end) {
      const tag = reader.tag();
      const field = tag >>> 3;
      if (tag === 48) {
        const value = reader.int64();
        // Zero stands for no time.
        if (value !== 0) timestampMs = value;
      } else if (field <= 7 && (tag & 7) === 2) {
        if (field === 1) scattered = true;
        const partEnd = reader.enter(end);
        parts.push([field, reader.pos, partEnd]);
        reader.pos = partEnd;
      } else reader.skip();
    }
    reader.leave(end);
    const series = this.#series(family, start, scattered ? end : labelsEnd, labelsEnd, scattered);
    const wanted = { counter: 3, gauge: 2, summary: 4, unknown: 5, histogram: 7, gaugehistogram: 7 }[
      family.type as 'counter'
    ];
    const part = parts.findLast(([field]) => field === wanted);
    if (part === undefined) {
      throw new InputError(`metric ${quoteText(family.name)} has no value of its type ${family.type}`);
    }
    reader.pos = part[1];
    switch (family.type) {
      case 'summary':
        this.#summary(family, series, part[2], timestampMs);
        break;
      case 'histogram':
      case 'gaugehistogram':
        this.#histogram(family, series, part[2], timestampMs);
        break;
      default:
        this.#scalar(family, series, part[2], timestampMs);
    }
    reader.pos = end;
  }

  #series(family: Family, start: number, end: number, keyEnd: number, scattered: boolean): ProtoSeries<S> {
    const reader = this.#reader;
    const { metrics } = this.#memory;
    if (!scattered) {
      let entry = metrics.predict(reader.bytes, reader.view, start, family.id);
      if (entry >= 0 && start + metrics.sizeOf(entry) !== keyEnd) entry = -1;
      if (entry < 0) entry = metrics.find(reader.bytes, reader.view, start, keyEnd, family.id);
      if (entry >= 0) return metrics.take(entry);
    }
    const names: string[] = [];
    const values: string[] = [];
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 10) this.#label(reader.enter(end), names, values);
      else reader.skip();
    }
    const series: ProtoSeries<S> = {
      names,
      values,
      plain: undefined,
      count: undefined,
      sum: undefined,
      parts: new Map(),
    };
    if (!scattered) metrics.add(reader.bytes, start, keyEnd, family.id, series);
    return series;
  }

  /** LabelPair: name = 1, value = 2. */
  #label(end: number, names: string[], values: string[]): void {
    const reader = this.#reader;
    let name = '';
    let value = '';
    while (reader.pos < end) {
      const tag = reader.tag();
      if (tag !== 10 && tag !== 18) {
        reader.skip();
        continue;
      }
      const textEnd = reader.enter(end);
      const text = this.#memory.pool.string(reader.bytes, reader.pos, textEnd);
      reader.pos = textEnd;
      if (tag === 10) name = text;
      else value = text;
    }
    reader.leave(end);
    names.push(name);
    values.push(value);
  }

  #make(family: Family, { names, values }: ProtoSeries<S>, suffix: string, extra?: [string, string]): S {
    const allNames = [METRIC_NAME, ...names];
    const allValues = [family.name + suffix, ...values];
    if (extra !== undefined) {
      allNames.push(extra[0]);
      allValues.push(extra[1]);
    }
    return this.#sink.series(allNames, allValues, family.type);
  }

  /** Counter: value = 1, exemplar = 2. Gauge and Untyped: value = 1. */
  #scalar(family: Family, series: ProtoSeries<S>, end: number, timestampMs: number): void {
    const reader = this.#reader;
    let value = 0;
    let exemplar: ExposedExemplar | undefined;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 9:
          value = reader.double();
          break;
        case 18:
          exemplar = this.#exemplar(reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    series.plain ??= this.#make(family, series, '');
    this.#sink.sample(series.plain, value, timestampMs);
    if (exemplar !== undefined) this.#sink.exemplar(series.plain, exemplar, false);
  }

  /** Summary: sample_count = 1, sample_sum = 2, quantile = 3 (quantile = 1, value = 2). */
  #summary(family: Family, series: ProtoSeries<S>, end: number, timestampMs: number): void {
    const reader = this.#reader;
    let count = 0;
    let sum = 0;
    const quantiles: [quantile: number, value: number][] = [];
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 8:
          count = reader.uint64();
          break;
        case 17:
          sum = reader.double();
          break;
        case 26: {
          const pair: [number, number] = [0, 0];
          const quantileEnd = reader.enter(end);
          while (reader.pos < quantileEnd) {
            const tag = reader.tag();
            if (tag === 9) pair[0] = reader.double();
            else if (tag === 17) pair[1] = reader.double();
            else reader.skip();
          }
          reader.leave(quantileEnd);
          quantiles.push(pair);
          break;
        }
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    this.#countAndSum(family, series, count, sum, timestampMs);
    for (const [quantile, value] of quantiles) {
      this.#sink.sample(this.#part(family, series, '', 'quantile', quantile), value, timestampMs);
    }
  }

  #countAndSum(
    family: Family,
    series: ProtoSeries<S>,
    count: number,
    sum: number,
    timestampMs: number,
  ): void {
    series.count ??= this.#make(family, series, '_count');
    this.#sink.sample(series.count, count, timestampMs);
    series.sum ??= this.#make(family, series, '_sum');
    this.#sink.sample(series.sum, sum, timestampMs);
  }

  #part(family: Family, series: ProtoSeries<S>, suffix: string, label: string, bound: number): S {
    let part = series.parts.get(bound);
    if (part === undefined) {
      part = this.#make(family, series, suffix, [label, formatBound(bound)]);
      series.parts.set(bound, part);
    }
    return part;
  }

  /**
   * Histogram: sample_count = 1, sample_sum = 2, bucket = 3, sample_count_float = 4, schema = 5, zero_threshold = 6,
   * zero_count = 7, zero_count_float = 8, negative span, delta, count = 9, 10, 11, positive ones = 12, 13, 14,
   * created_timestamp = 15, exemplars = 16.
   */
  #histogram(family: Family, series: ProtoSeries<S>, end: number, timestampMs: number): void {
    const reader = this.#reader;
    const native = new NativeFields();
    const buckets: Bucket[] = [];
    const exemplars: ExposedExemplar[] = [];
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 8:
          native.count = reader.uint64();
          break;
        case 17:
          native.sum = reader.double();
          break;
        case 26:
          buckets.push(this.#bucket(reader.enter(end)));
          break;
        case 33:
          native.countFloat = reader.double();
          break;
        case 40:
          native.schema = reader.sint32();
          break;
        case 49:
          native.zeroThreshold = reader.double();
          break;
        case 56:
          native.zeroCount = reader.uint64();
          break;
        case 65:
          native.zeroCountFloat = reader.double();
          break;
        case 74:
          native.negativeSpans.push(readSpan(reader, reader.enter(end)));
          break;
        case 82:
          readPacked(reader, reader.enter(end), native.negativeDeltas, () => reader.sint64());
          break;
        case 80:
          native.negativeDeltas.push(reader.sint64());
          break;
        case 90:
          readPacked(reader, reader.enter(end), native.negativeCounts, () => reader.double());
          break;
        case 89:
          native.negativeCounts.push(reader.double());
          break;
        case 98:
          native.positiveSpans.push(readSpan(reader, reader.enter(end)));
          break;
        case 106:
          readPacked(reader, reader.enter(end), native.positiveDeltas, () => reader.sint64());
          break;
        case 104:
          native.positiveDeltas.push(reader.sint64());
          break;
        case 114:
          readPacked(reader, reader.enter(end), native.positiveCounts, () => reader.double());
          break;
        case 113:
          native.positiveCounts.push(reader.double());
          break;
        case 130:
          exemplars.push(this.#exemplar(reader.enter(end)));
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const isNative = native.isNative;
    if (isNative) {
      series.plain ??= this.#make(family, series, '');
      const gauge = family.type === 'gaugehistogram';
      this.#sink.histogram(series.plain, native.toHistogram(gauge), timestampMs);
      const own =
        exemplars.length > 0
          ? exemplars
          : buckets.flatMap(({ exemplar }) => (exemplar === undefined ? [] : [exemplar]));
      for (const exemplar of own) this.#sink.exemplar(series.plain, exemplar, true);
    }
    if (isNative && (!this.#options.classicHistograms || buckets.length === 0)) return;
    const total = native.countFloat > 0 ? native.countFloat : native.count;
    this.#countAndSum(family, series, total, native.sum, timestampMs);
    let hasInfinite = false;
    for (const { bound, count, exemplar } of buckets) {
      if (bound === Number.POSITIVE_INFINITY) hasInfinite = true;
      const part = this.#part(family, series, '_bucket', 'le', bound);
      this.#sink.sample(part, count, timestampMs);
      if (exemplar !== undefined) this.#sink.exemplar(part, exemplar, false);
    }
    if (!hasInfinite) {
      const part = this.#part(family, series, '_bucket', 'le', Number.POSITIVE_INFINITY);
      this.#sink.sample(part, total, timestampMs);
    }
  }

  /** Bucket: cumulative_count = 1, upper_bound = 2, exemplar = 3, cumulative_count_float = 4. */
  #bucket(end: number): Bucket {
    const reader = this.#reader;
    const bucket: Bucket = { bound: 0, count: 0, exemplar: undefined };
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 8:
          bucket.count = reader.uint64();
          break;
        case 17:
          bucket.bound = reader.double();
          break;
        case 26:
          bucket.exemplar = this.#exemplar(reader.enter(end));
          break;
        case 33: {
          const count = reader.double();
          if (count > 0) bucket.count = count;
          break;
        }
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    return bucket;
  }

  /** Exemplar: label = 1, value = 2, timestamp = 3 (seconds = 1, nanos = 2). */
  #exemplar(end: number): ExposedExemplar {
    const reader = this.#reader;
    const names: string[] = [];
    const values: string[] = [];
    let value = 0;
    let timestampMs: number | undefined;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10:
          this.#label(reader.enter(end), names, values);
          break;
        case 17:
          value = reader.double();
          break;
        case 26: {
          timestampMs = 0;
          const timeEnd = reader.enter(end);
          while (reader.pos < timeEnd) {
            const tag = reader.tag();
            if (tag === 8) timestampMs += reader.int64() * 1000;
            else if (tag === 16) timestampMs += Math.trunc(reader.int64() / 1e6);
            else reader.skip();
          }
          reader.leave(timeEnd);
          break;
        }
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    return { names, values, value, timestampMs };
  }
}

interface Bucket {
  bound: number;
  count: number;
  exemplar: ExposedExemplar | undefined;
}

class NativeFields {
  count = 0;
  countFloat = 0;
  sum = 0;
  schema = 0;
  zeroThreshold = 0;
  zeroCount = 0;
  zeroCountFloat = 0;
  readonly negativeSpans: BucketSpan[] = [];
  readonly negativeDeltas: number[] = [];
  readonly negativeCounts: number[] = [];
  readonly positiveSpans: BucketSpan[] = [];
  readonly positiveDeltas: number[] = [];
  readonly positiveCounts: number[] = [];

  get isNative(): boolean {
    return (
      this.zeroThreshold > 0 ||
      this.zeroCount > 0 ||
      this.zeroCountFloat > 0 ||
      this.negativeSpans.length > 0 ||
      this.positiveSpans.length > 0
    );
  }

  toHistogram(gauge: boolean): Histogram {
    const isFloat = this.countFloat > 0 || this.zeroCountFloat > 0;
    return {
      schema: this.schema,
      count: isFloat ? this.countFloat : this.count,
      sum: this.sum,
      zeroThreshold: this.zeroThreshold,
      zeroCount: isFloat ? this.zeroCountFloat : this.zeroCount,
      positiveSpans: this.positiveSpans,
      positiveCounts: isFloat ? this.positiveCounts : absolute(this.positiveDeltas),
      negativeSpans: this.negativeSpans,
      negativeCounts: isFloat ? this.negativeCounts : absolute(this.negativeDeltas),
      customValues: [],
      counterReset: gauge ? 'gauge' : 'unknown',
      isFloat,
    };
  }
}

function absolute(deltas: readonly number[]): number[] {
  let count = 0;
  return deltas.map((delta) => (count += delta));
}

/** BucketSpan: offset = 1 (sint32), length = 2. */
function readSpan(reader: ProtobufReader, end: number): BucketSpan {
  let offset = 0;
  let length = 0;
  while (reader.pos < end) {
    const tag = reader.tag();
    if (tag === 8) offset = reader.sint32();
    else if (tag === 16) length = reader.varint32();
    else reader.skip();
  }
  reader.leave(end);
  return { offset, length };
}

function readPacked(reader: ProtobufReader, end: number, into: number[], read: () => number): void {
  while (reader.pos < end) into.push(read());
  reader.leave(end);
}

function checkUnit(name: string, unit: string, type: MetricType): void {
  if (unit === '') return;
  const isTotal = type === 'counter' && name.endsWith('_total');
  const base = isTotal ? name.slice(0, -'_total'.length) : name;
  if (base.endsWith(`_${unit}`) && base.length > unit.length) return;
  throw new InputError(
    `unit ${quoteText(unit)} not a suffix of ${isTotal ? 'counter' : 'metric'} ${quoteText(name)}`,
  );
}
