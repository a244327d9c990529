/**
 * OTLP logs (ExportLogsServiceRequest, LogsData) in protobuf into a LogBatch, as Loki's OTLP endpoint does it:
 * some resource attributes become the stream's labels, everything else structured metadata of each line.
 */

import { AttributeColumn } from '../../model/attributes.ts';
import { Labels } from '../../model/labels.ts';
import { Interner } from '../interner.ts';
import { DEFAULT_LOG_LIMITS, LogBatchBuilder, type LogLimits, refuseStream } from '../log-batch.ts';
import { levelOfLine, withServiceName } from '../log-level.ts';
import { ProtobufReader } from '../protobuf.ts';
import { Rejected } from '../rejected.ts';
import { ANY_KVLIST, ANY_STRING, AnyValueView, MAX_VALUE_DEPTH, plainText, readPair } from './any-value.ts';
import { isId, isZero } from './ids.ts';
import { millisecondsOf } from './metric-exemplars.ts';
import { labelName } from './names.ts';

/** Resource attributes that name a stream; Loki 3's default list. */
export const DEFAULT_INDEXED_ATTRIBUTES: readonly string[] = [
  'service.name',
  'service.namespace',
  'service.instance.id',
  'deployment.environment',
  'deployment.environment.name',
  'cloud.region',
  'cloud.availability_zone',
  'k8s.cluster.name',
  'k8s.namespace.name',
  'k8s.pod.name',
  'k8s.container.name',
  'container.name',
  'k8s.replicaset.name',
  'k8s.deployment.name',
  'k8s.statefulset.name',
  'k8s.daemonset.name',
  'k8s.cronjob.name',
  'k8s.job.name',
];

export interface OtlpLogsOptions {
  readonly limits: LogLimits;
  readonly indexedAttributes: readonly string[];
  /** Records later than this are refused. */
  readonly maxTimestampNs: bigint;
  /** The time of records that have none. */
  readonly nowNs: bigint;
}

/** With its 18 indexed attributes OTLP needs more labels than Loki's 15 for pushed streams. */
export const DEFAULT_OTLP_LOG_LIMITS: LogLimits = { ...DEFAULT_LOG_LIMITS, maxLabelsPerStream: 30 };

export interface DecodedOtlpLogs {
  readonly batch: LogBatchBuilder;
  readonly rejected: Rejected;
}

/** Decodes a whole request. Throws InputError with the byte offset when it is not well-formed. */
export function decodeOtlpLogs(body: Uint8Array, tenant: string, options: OtlpLogsOptions): DecodedOtlpLogs {
  const decoder = new LogsDecoder(body, tenant, options);
  decoder.request();
  return { batch: decoder.batch, rejected: decoder.rejected };
}

/** A metadata key that an attribute key without letters and digits gets. */
const UNNAMED = '_';

class LogsDecoder {
  readonly batch: LogBatchBuilder;
  readonly rejected = new Rejected();
  readonly #reader: ProtobufReader;
  readonly #options: OtlpLogsOptions;
  readonly #maxLow: number;
  readonly #maxHigh: number;
  readonly #keys: Interner;
  readonly #names = new Map<string, string>();
  readonly #indexed: ReadonlySet<string>;
  readonly #value = new AnyValueView();
  readonly #body = new AnyValueView();
  /** Metadata that a resource and a scope give to each of their records, as one row each. */
  #resourceMetadata = new AttributeColumn();
  #scopeMetadata = new AttributeColumn();
  #stream = 0;
  #labels = Labels.EMPTY;
  #streamRefused: string | undefined;
  /** Entries and bytes of the metadata that is added to the present record. */
  #entries = 0;
  #bytes = 0;
  readonly #fieldKeys: Readonly<Record<RecordField, number>>;

  constructor(body: Uint8Array, tenant: string, options: OtlpLogsOptions) {
    this.batch = new LogBatchBuilder(tenant);
    this.#reader = new ProtobufReader(body);
    this.#options = options;
    this.#maxLow = Number(options.maxTimestampNs & 0xffffffffn);
    this.#maxHigh = Number(options.maxTimestampNs >> 32n);
    this.#keys = new Interner(this.batch.keys, (key) => this.#name(key));
    this.#indexed = new Set(options.indexedAttributes);
    this.#fieldKeys = Object.fromEntries(
      RECORD_FIELDS.map((field) => [field, this.batch.keys.indexOf(field)]),
    ) as Record<RecordField, number>;
  }

  #name(key: string): string {
    let name = this.#names.get(key);
    if (name === undefined) {
      name = labelName(key) ?? UNNAMED;
      this.#names.set(key, name);
    }
    return name;
  }

  request(): void {
    const reader = this.#reader;
    const end = reader.bytes.length;
    while (reader.pos < end) {
      if (reader.tag() === 10) this.#resourceLogs(reader.enter(end));
      else reader.skip();
    }
    reader.leave(end);
  }

  #resourceLogs(end: number): void {
    const reader = this.#reader;
    const start = reader.pos;
    const labels: [string, string][] = [];
    this.#resourceMetadata = new AttributeColumn();
    while (reader.pos < end) {
      if (reader.tag() === 10) this.#resource(reader.enter(end), labels);
      else reader.skip();
    }
    reader.leave(end);
    this.#resourceMetadata.endRow();
    this.#labels = withServiceName(Labels.fromPairs(labels));
    this.#streamRefused = refuseStream(this.#labels, this.#options.limits);
    this.#stream = -1;
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 18) this.#scopeLogs(reader.enter(end));
      else reader.skip();
    }
  }

  #resource(end: number, labels: [string, string][]): void {
    const reader = this.#reader;
    const value = this.#value;
    while (reader.pos < end) {
      if (reader.tag() !== 10) {
        reader.skip();
        continue;
      }
      const attributeEnd = reader.enter(end);
      const key = readPair(reader, attributeEnd, value);
      if (this.#indexed.has(key)) {
        if (value.kind === ANY_KVLIST) this.#labelsOfMap(this.#name(key), 0, labels);
        else labels.push([this.#name(key), plainText(reader, value)]);
      } else this.#keep(this.#resourceMetadata, this.#name(key), value, 0);
    }
    reader.leave(end);
  }

  #labelsOfMap(prefix: string, depth: number, labels: [string, string][]): void {
    this.#eachPair(depth, this.#value, (key, value) => {
      const name = this.#name(`${prefix}_${key}`);
      if (value.kind === ANY_KVLIST) {
        this.#value.kind = value.kind;
        this.#value.start = value.start;
        this.#value.end = value.end;
        this.#labelsOfMap(name, depth + 1, labels);
      } else labels.push([name, plainText(this.#reader, value)]);
    });
  }

  /** Calls back for each pair of the map in `map`; the reader's position is kept. */
  #eachPair(depth: number, map: AnyValueView, each: (key: string, value: AnyValueView) => void): void {
    const reader = this.#reader;
    if (depth >= MAX_VALUE_DEPTH) reader.fail('attribute value nested too deeply');
    const back = reader.pos;
    const { start, end } = map;
    const item = new AnyValueView();
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() !== 10) {
        reader.skip();
        continue;
      }
      const key = readPair(reader, reader.enter(end), item);
      each(key, item);
    }
    reader.leave(end);
    reader.pos = back;
  }

  /** Adds a resource's or scope's attribute to what its records get; maps are flattened. */
  #keep(column: AttributeColumn, name: string, value: AnyValueView, depth: number): void {
    if (value.kind === ANY_KVLIST) {
      this.#eachPair(depth, value, (key, inner) =>
        this.#keep(column, this.#name(`${name}_${key}`), inner, depth + 1),
      );
    } else column.pushString(this.batch.keys.indexOf(name), plainText(this.#reader, value));
  }

  #scopeLogs(end: number): void {
    const reader = this.#reader;
    const start = reader.pos;
    this.#scopeMetadata = new AttributeColumn();
    while (reader.pos < end) {
      if (reader.tag() === 10) this.#scope(reader.enter(end));
      else reader.skip();
    }
    reader.leave(end);
    this.#scopeMetadata.endRow();
    reader.pos = start;
    while (reader.pos < end) {
      if (reader.tag() === 18) this.#record(reader.enter(end));
      else reader.skip();
    }
  }

  #scope(end: number): void {
    const reader = this.#reader;
    const column = this.#scopeMetadata;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10: {
          const name = reader.string(reader.enter(end));
          if (name !== '') column.pushString(this.#fieldKeys.scope_name, name);
          break;
        }
        case 18: {
          const version = reader.string(reader.enter(end));
          if (version !== '') column.pushString(this.#fieldKeys.scope_version, version);
          break;
        }
        case 26: {
          const key = readPair(reader, reader.enter(end), this.#value);
          this.#keep(column, this.#name(key), this.#value, 0);
          break;
        }
        case 32: {
          const dropped = reader.varint32();
          if (dropped !== 0)
            column.pushString(this.#fieldKeys.scope_dropped_attributes_count, String(dropped));
          break;
        }
        default:
          reader.skip();
      }
    }
    reader.leave(end);
  }

  #record(end: number): void {
    const reader = this.#reader;
    const { batch } = this;
    const { bytes } = reader;
    const start = reader.pos;
    const body = this.#body;
    body.kind = 0;
    let timeLow = 0;
    let timeHigh = 0;
    let observedLow = 0;
    let observedHigh = 0;
    let severity = 0;
    let textStart = 0;
    let textEnd = 0;
    let traceStart = 0;
    let traceEnd = 0;
    let spanStart = 0;
    let spanEnd = 0;
    let eventStart = 0;
    let eventEnd = 0;
    let dropped = 0;
    let flags = 0;
    let attributes = 0;
    let attributeBytes = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 9:
          reader.fixed64();
          timeLow = reader.low;
          timeHigh = reader.high;
          break;
        case 16:
          severity = reader.varint32();
          break;
        case 26:
          textEnd = reader.enter(end);
          textStart = reader.pos;
          reader.pos = textEnd;
          break;
        case 42:
          body.read(reader, reader.enter(end));
          break;
        case 50: {
          const attributeEnd = reader.enter(end);
          attributes++;
          attributeBytes += attributeEnd - reader.pos;
          reader.pos = attributeEnd;
          break;
        }
        case 56:
          dropped = reader.varint32();
          break;
        case 69:
          flags = reader.fixed32();
          break;
        case 74:
          traceEnd = reader.enter(end);
          traceStart = reader.pos;
          reader.pos = traceEnd;
          break;
        case 82:
          spanEnd = reader.enter(end);
          spanStart = reader.pos;
          reader.pos = spanEnd;
          break;
        case 89:
          reader.fixed64();
          observedLow = reader.low;
          observedHigh = reader.high;
          break;
        case 98:
          eventEnd = reader.enter(end);
          eventStart = reader.pos;
          reader.pos = eventEnd;
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);

    const { limits } = this.#options;
    // The text of a body that is no string is needed anyway, so that its length is known.
    const text = body.kind === ANY_STRING ? '' : plainText(reader, body);
    const lineBytes = body.kind === ANY_STRING ? body.end - body.start : Buffer.byteLength(text);
    this.#entries = this.#resourceMetadata.keys.length + this.#scopeMetadata.keys.length + attributes;
    this.#bytes =
      this.#resourceMetadata.texts.data().length + this.#scopeMetadata.texts.data().length + attributeBytes;
    const refused =
      this.#streamRefused ??
      ((timeHigh | observedHigh) >>> 31 !== 0
        ? 'time beyond the year 2262'
        : lineBytes > limits.maxLineBytes
          ? `line longer than ${limits.maxLineBytes} bytes (max-line-bytes)`
          : this.#entries > limits.maxMetadataEntries
            ? `more than ${limits.maxMetadataEntries} attributes (max-metadata-entries)`
            : this.#bytes > limits.maxMetadataBytes
              ? `attributes of more than ${limits.maxMetadataBytes} bytes (max-metadata-bytes)`
              : traceEnd !== traceStart &&
                  !isZero(bytes, traceStart, traceEnd) &&
                  traceEnd - traceStart !== 16
                ? 'trace_id must be 16 bytes or empty'
                : spanEnd !== spanStart && !isZero(bytes, spanStart, spanEnd) && spanEnd - spanStart !== 8
                  ? 'span_id must be 8 bytes or empty'
                  : undefined);
    if (refused !== undefined) {
      this.rejected.add(refused);
      return;
    }
    const hasTime = timeLow !== 0 || timeHigh !== 0;
    const hasObserved = observedLow !== 0 || observedHigh !== 0;
    let rowLow = hasTime ? timeLow : observedLow;
    let rowHigh = hasTime ? timeHigh : observedHigh;
    if (!hasTime && !hasObserved) {
      rowLow = Number(this.#options.nowNs & 0xffffffffn);
      rowHigh = Number(this.#options.nowNs >> 32n);
    }
    if (rowHigh > this.#maxHigh || (rowHigh === this.#maxHigh && rowLow > this.#maxLow)) {
      this.rejected.add('record has a timestamp too far in the future');
      return;
    }
    if (this.#stream < 0) this.#stream = batch.indexOfStream(this.#labels);

    // The first of equal names is kept, and Loki lets the last of this order win: record, resource, scope.
    batch.startRow();
    this.#copy(this.#scopeMetadata);
    this.#copy(this.#resourceMetadata);
    const keys = this.#fieldKeys;
    const hasTrace = isId(bytes, traceStart, traceEnd, 16);
    const hasSpan = isId(bytes, spanStart, spanEnd, 8);
    if (eventEnd !== eventStart) batch.metadataBytes(keys.event_name, bytes, eventStart, eventEnd);
    if (hasSpan) batch.idMetadata(keys.span_id, bytes, spanStart, spanEnd);
    if (hasTrace) batch.idMetadata(keys.trace_id, bytes, traceStart, traceEnd);
    if (flags !== 0) batch.plainMetadata(keys.flags, String(flags));
    if (dropped !== 0) batch.plainMetadata(keys.dropped_attributes_count, String(dropped));
    if (textEnd !== textStart) batch.metadataBytes(keys.severity_text, bytes, textStart, textEnd);
    if (severity !== 0) batch.plainMetadata(keys.severity_number, String(severity | 0));
    if (hasTime && hasObserved)
      batch.plainMetadata(keys.observed_timestamp, nanosecondsText(observedLow, observedHigh));
    if (attributes > 0) {
      reader.pos = start;
      while (reader.pos < end) {
        if (reader.tag() === 50) this.#attribute(reader.enter(end));
        else reader.skip();
      }
    }
    if (body.kind === ANY_STRING) batch.bodies.pushBytes(bytes, body.start, body.end);
    else batch.bodies.pushString(text);
    const level =
      batch.knownLevel(this.#stream, severity >>> 0 > 24 ? 25 : severity) ??
      levelOfLine(
        body.kind === ANY_STRING
          ? Buffer.from(bytes.subarray(body.start, body.end)).toString('latin1')
          : text,
      );
    batch.endRow(
      this.#stream,
      rowLow,
      rowHigh,
      observedLow,
      observedHigh,
      severity >>> 0 > 24 ? 0 : severity,
      level,
      hasTrace ? bytes.subarray(traceStart, traceEnd) : undefined,
      hasSpan ? bytes.subarray(spanStart, spanEnd) : undefined,
    );
  }

  #copy(column: AttributeColumn): void {
    const { texts, keys } = column;
    const data = texts.data();
    for (let i = 0; i < keys.length; i++) {
      this.batch.metadataBytes(keys.get(i), data, texts.start(i), texts.end(i));
    }
  }

  /** One attribute of a record, a KeyValue. */
  #attribute(end: number): void {
    const reader = this.#reader;
    const value = this.#value;
    let keyStart = 0;
    let keyEnd = 0;
    value.kind = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 10:
          keyEnd = reader.enter(end);
          keyStart = reader.pos;
          reader.pos = keyEnd;
          break;
        case 18:
          value.read(reader, reader.enter(end));
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    const key = this.#keys.indexOf(reader.bytes, keyStart, keyEnd);
    if (value.kind === ANY_STRING) this.batch.metadataBytes(key, reader.bytes, value.start, value.end);
    else if (value.kind === ANY_KVLIST) this.#flatten(this.batch.keys.strings[key] as string, value, 0);
    else this.batch.metadataText(key, plainText(reader, value));
  }

  #flatten(prefix: string, map: AnyValueView, depth: number): void {
    this.#eachPair(depth, map, (key, value) => {
      const name = this.#name(`${prefix}_${key}`);
      if (value.kind === ANY_KVLIST) this.#flatten(name, value, depth + 1);
      else this.batch.metadataText(this.batch.keys.indexOf(name), plainText(this.#reader, value));
    });
  }
}

/** A positive 64-bit number in decimal. */
function nanosecondsText(low: number, high: number): string {
  const milliseconds = millisecondsOf(low, high);
  const rest = (low - (((milliseconds % 4294967296) * 1_000_000) % 4294967296) + 4294967296) % 4294967296;
  return milliseconds === 0 ? String(rest) : String(milliseconds) + String(rest).padStart(6, '0');
}

/** Metadata that stands for a field of the record or scope. */
const RECORD_FIELDS = [
  'observed_timestamp',
  'severity_number',
  'severity_text',
  'dropped_attributes_count',
  'flags',
  'trace_id',
  'span_id',
  'event_name',
  'scope_name',
  'scope_version',
  'scope_dropped_attributes_count',
] as const;
type RecordField = (typeof RECORD_FIELDS)[number];
