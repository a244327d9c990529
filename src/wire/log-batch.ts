/** Builds LogBatches: numbers streams, collects structured metadata row by row, finds levels and ids among it. */

import { AttributeColumn, Dictionary } from '../model/attributes.ts';
import type { LogBatch } from '../model/batch.ts';
import { BytesColumn, Slots8, Slots32, Slots64 } from '../model/column.ts';
import type { Labels } from '../model/labels.ts';
import {
  DETECTED_LEVEL,
  LEVEL_NAMES,
  levelOfSeverity,
  levelOfSeverityText,
  levelOfStream,
  severityOfLevel,
} from './log-level.ts';

/** Limits on logs; the numbers are Loki's defaults. What is beyond is refused record by record. */
export interface LogLimits {
  readonly maxLabelsPerStream: number;
  readonly maxLabelNameBytes: number;
  readonly maxLabelValueBytes: number;
  readonly maxLineBytes: number;
  /** Structured metadata of one line: entries, and bytes of all names and values. */
  readonly maxMetadataEntries: number;
  readonly maxMetadataBytes: number;
}

export const DEFAULT_LOG_LIMITS: LogLimits = {
  maxLabelsPerStream: 15,
  maxLabelNameBytes: 1024,
  maxLabelValueBytes: 2048,
  maxLineBytes: 262_144,
  maxMetadataEntries: 128,
  maxMetadataBytes: 65_536,
};

/** What a metadata key means besides being metadata. */
const KEY_TRACE = 100;
const KEY_SPAN = 101;
const KEY_SEVERITY = 102;
const KEY_DETECTED = 103;
const MEANINGS = new Map<string, number>([
  ...LEVEL_NAMES.map((name, rank) => [name, rank + 1] as const),
  ...['trace_id', 'traceId', 'traceID', 'traceid'].map((name) => [name, KEY_TRACE] as const),
  ...['span_id', 'spanId', 'spanID', 'spanid'].map((name) => [name, KEY_SPAN] as const),
  ['severity_number', KEY_SEVERITY],
  [DETECTED_LEVEL, KEY_DETECTED],
]);

const NO_BYTES = new Uint8Array(0);
const HEX_DIGITS = Buffer.from('0123456789abcdef');
const HEX_SCRATCH = new Uint8Array(64);

export class LogBatchBuilder implements LogBatch {
  readonly tenant: string;
  readonly streams: Labels[] = [];
  readonly streamIndex = new Slots32();
  readonly timesNs = new Slots64();
  readonly observedNs = new Slots64();
  readonly bodies = new BytesColumn();
  readonly severities = new Slots8();
  readonly traceIds = new BytesColumn();
  readonly spanIds = new BytesColumn();
  readonly keys = new Dictionary();
  readonly metadata = new AttributeColumn();
  readonly #byKey = new Map<string, number>();
  readonly #streamLevels: (string | undefined)[] = [];
  /** Per key: what it means, and the row in which it was seen last. */
  readonly #meanings: number[] = [];
  readonly #seen: number[] = [];
  readonly #levelKey: number;
  #rank = 0;
  #level: string | undefined;
  #severity: string | undefined;
  #detected: string | undefined;
  #trace: string | undefined;
  #span: string | undefined;

  constructor(tenant: string) {
    this.tenant = tenant;
    this.#levelKey = this.keys.indexOf(DETECTED_LEVEL);
    this.startRow();
  }

  get rows(): number {
    return this.streamIndex.length;
  }

  indexOfStream(labels: Labels): number {
    let index = this.#byKey.get(labels.key);
    if (index === undefined) {
      index = this.streams.length;
      this.streams.push(labels);
      this.#streamLevels.push(levelOfStream(labels));
      this.#byKey.set(labels.key, index);
    }
    return index;
  }

  /** Call before the metadata of each row. */
  startRow(): void {
    this.#rank = KEY_TRACE;
    this.#level = undefined;
    this.#severity = undefined;
    this.#detected = undefined;
    this.#trace = undefined;
    this.#span = undefined;
  }

  /** Adds one metadata entry to the present row. The first of equal names is kept. */
  metadataText(key: number, value: string): void {
    if (this.#repeated(key)) return;
    this.metadata.pushString(key, value);
    if ((this.#meanings[key] as number) !== 0) this.#note(this.#meanings[key] as number, value);
  }

  metadataBytes(key: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#repeated(key)) return;
    this.metadata.pushStringBytes(key, bytes, start, end);
    if ((this.#meanings[key] as number) !== 0) {
      this.#note(this.#meanings[key] as number, Buffer.from(bytes.subarray(start, end)).toString('utf8'));
    }
  }

  /** Like `metadataText` for values that cannot be a level nor an id: nothing is looked for in it. */
  plainMetadata(key: number, value: string): void {
    if (!this.#repeated(key)) this.metadata.pushString(key, value);
  }

  /** Adds an id in hexadecimal, which the row has as a column already. */
  idMetadata(key: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#repeated(key)) return;
    let at = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      HEX_SCRATCH[at++] = HEX_DIGITS[byte >>> 4] as number;
      HEX_SCRATCH[at++] = HEX_DIGITS[byte & 15] as number;
    }
    this.metadata.pushStringBytes(key, HEX_SCRATCH, 0, at);
  }

  #repeated(key: number): boolean {
    const row = this.rows + 1;
    while (this.#meanings.length <= key) {
      this.#meanings.push(MEANINGS.get(this.keys.strings[this.#meanings.length] as string) ?? 0);
      this.#seen.push(0);
    }
    if (this.#seen[key] === row) return true;
    this.#seen[key] = row;
    return false;
  }

  #note(meaning: number, value: string): void {
    if (meaning < KEY_TRACE) {
      if (meaning < this.#rank) {
        this.#rank = meaning;
        this.#level = value;
      }
    } else if (meaning === KEY_TRACE) this.#trace ??= value;
    else if (meaning === KEY_SPAN) this.#span ??= value;
    else if (meaning === KEY_SEVERITY) this.#severity = value;
    else this.#detected = value;
  }

  /** The level of the present row as far as labels and metadata tell it; undefined: look into the line. */
  knownLevel(stream: number, severity = 0): string | undefined {
    if (this.#detected !== undefined) return this.#detected;
    const level = this.#streamLevels[stream] ?? this.#level;
    if (level !== undefined) return level;
    if (severity !== 0) return levelOfSeverity(severity);
    return this.#severity === undefined ? undefined : levelOfSeverityText(this.#severity);
  }

  /**
   * Ends a row; its body must have been pushed. `level` is what `knownLevel` gave or was found in the line. Ids are
   * those of the record (OTLP); without them, ids in the metadata are taken.
   */
  endRow(
    stream: number,
    timeLow: number,
    timeHigh: number,
    observedLow: number,
    observedHigh: number,
    severity: number,
    level: string,
    traceId: Uint8Array | undefined = undefined,
    spanId: Uint8Array | undefined = undefined,
  ): void {
    if (this.#detected === undefined && level !== '') this.metadata.pushString(this.#levelKey, level);
    this.metadata.endRow();
    this.streamIndex.push(stream);
    this.timesNs.pushHalves(timeLow, timeHigh);
    this.observedNs.pushHalves(observedLow, observedHigh);
    this.severities.push(severity >= 0 && severity <= 24 ? severity || severityOfLevel(level) : 0);
    this.traceIds.pushBytes(traceId ?? idBytes(this.#trace, 16));
    this.spanIds.pushBytes(spanId ?? idBytes(this.#span, 8));
  }
}

/** An id from hexadecimal text; trace ids of 64 bits are widened. Empty when it is none. */
function idBytes(text: string | undefined, size: number): Uint8Array {
  if (text === undefined || !/^[0-9a-fA-F]+$/.test(text)) return NO_BYTES;
  const digits = text.length === 16 ? text.padStart(size * 2, '0') : text;
  if (digits.length !== size * 2 || /^0+$/.test(digits)) return NO_BYTES;
  return Buffer.from(digits, 'hex');
}

/** Why a stream's labels are refused, or undefined when they are fine. `service_name` does not count. */
export function refuseStream(labels: Labels, limits: LogLimits): string | undefined {
  const count = labels.size - (labels.has('service_name') ? 1 : 0);
  if (count > limits.maxLabelsPerStream) {
    return `stream has ${count} label names, the limit is ${limits.maxLabelsPerStream} (max-labels-per-stream)`;
  }
  for (let i = 0; i < labels.size; i++) {
    const name = labels.names[i] as string;
    const value = labels.values[i] as string;
    if (Buffer.byteLength(name) > limits.maxLabelNameBytes) {
      return `label name longer than ${limits.maxLabelNameBytes} bytes (max-label-name-bytes)`;
    }
    if (
      value.length * 3 > limits.maxLabelValueBytes &&
      Buffer.byteLength(value) > limits.maxLabelValueBytes
    ) {
      return `value of label ${name} longer than ${limits.maxLabelValueBytes} bytes (max-label-value-bytes)`;
    }
  }
  return undefined;
}
