/** Exemplars of OTLP points in Prometheus's model. */

import type { Exemplar } from '../../model/batch.ts';
import { Labels } from '../../model/labels.ts';
import type { ProtobufReader } from '../protobuf.ts';
import { AnyValueView, plainText, readPair } from './any-value.ts';
import { hex, isId } from './ids.ts';
import type { Pair } from './metric-labels.ts';

/** Characters of an exemplar's labels (OpenMetrics 1.0); filtered attributes beyond are left out. */
const MAX_EXEMPLAR_CHARACTERS = 128;

/** Remembers where the exemplars of a point stand, and reads them when the point is taken. */
export class ExemplarReader {
  readonly #reader: ProtobufReader;
  readonly #value = new AnyValueView();
  #start = 0;
  #end = 0;
  #tag = 0;

  constructor(reader: ProtobufReader) {
    this.#reader = reader;
  }

  /** Call before each point. */
  start(): void {
    this.#end = 0;
  }

  /** Skips an exemplar whose tag was read at `at`. */
  note(at: number, tag: number): void {
    if (this.#end === 0) this.#start = at;
    this.#tag = tag;
    this.#reader.skip();
    this.#end = this.#reader.pos;
  }

  /** The exemplars of the point; those without a time get the point's. */
  *read(pointMs: number): Iterable<Exemplar> {
    if (this.#end === 0) return;
    const reader = this.#reader;
    const back = reader.pos;
    reader.pos = this.#start;
    while (reader.pos < this.#end) {
      if (reader.tag() !== this.#tag) {
        reader.skip();
        continue;
      }
      const exemplar = this.#exemplar(reader.enter(this.#end), pointMs);
      if (exemplar !== undefined) yield exemplar;
    }
    reader.pos = back;
  }

  /** Exemplar: time = 2, as_double = 3, span_id = 4, trace_id = 5, as_int = 6, filtered_attributes = 7. */
  #exemplar(end: number, pointMs: number): Exemplar | undefined {
    const reader = this.#reader;
    const { bytes } = reader;
    let timestampMs = 0;
    let value: number | undefined;
    let traceId = '';
    let spanId = '';
    const attributes: Pair[] = [];
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 17:
          reader.fixed64();
          timestampMs = millisecondsOf(reader.low, reader.high & 0x7fffffff);
          break;
        case 25:
          value = reader.double();
          break;
        case 49:
          value = reader.sfixed64Number();
          break;
        case 34: {
          const idEnd = reader.enter(end);
          if (isId(bytes, reader.pos, idEnd, 8)) spanId = hex(bytes, reader.pos, idEnd);
          reader.pos = idEnd;
          break;
        }
        case 42: {
          const idEnd = reader.enter(end);
          if (isId(bytes, reader.pos, idEnd, 16)) traceId = hex(bytes, reader.pos, idEnd);
          reader.pos = idEnd;
          break;
        }
        case 58: {
          const key = readPair(reader, reader.enter(end), this.#value);
          if (key !== '') attributes.push([key, plainText(reader, this.#value)]);
          break;
        }
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    if (value === undefined) return undefined;
    const ids: Pair[] = [];
    if (traceId !== '') ids.push(['trace_id', traceId]);
    if (spanId !== '') ids.push(['span_id', spanId]);
    let characters = 0;
    for (const [key, text] of [...ids, ...attributes]) characters += [...key].length + [...text].length;
    const labels = Labels.fromPairs(characters <= MAX_EXEMPLAR_CHARACTERS ? [...attributes, ...ids] : ids);
    return { labels, value, timestampMs: timestampMs === 0 ? pointMs : timestampMs };
  }
}

/** Nanoseconds as halves of a 64-bit integer to whole milliseconds, exactly. */
export function millisecondsOf(low: number, high: number): number {
  const rest = high % 1_000_000;
  return ((high - rest) / 1_000_000) * 4294967296 + Math.floor((rest * 4294967296 + low) / 1_000_000);
}
