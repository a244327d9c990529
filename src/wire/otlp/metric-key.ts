/** The series of an OTLP point, found by its metric and the encoded bytes of its attributes. */

import { ProtobufReader } from '../protobuf.ts';
import { AnyValueView, plainText, readPair } from './any-value.ts';
import type { MetricContext, MetricMemory, PointSeries } from './metric-memory.ts';

/** Collects the key of one point after another: the metric's number, then its attributes as they came. */
export class PointKey {
  readonly #value = new AnyValueView();
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Call before each point. */
  start(context: MetricContext): void {
    this.#view.setUint32(0, context.id, true);
    this.#length = 4;
  }

  /** Appends the attribute that began at `at`; its tag was read. */
  attribute(reader: ProtobufReader, at: number, parentEnd: number): void {
    const end = reader.enter(parentEnd);
    const size = end - at;
    if (this.#length + size > this.#bytes.length) {
      const next = new Uint8Array((this.#length + size) * 2);
      next.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = next;
      this.#view = new DataView(next.buffer);
    }
    const bytes = this.#bytes;
    let to = this.#length;
    for (let from = at; from < end; from++) bytes[to++] = reader.bytes[from] as number;
    this.#length = to;
    reader.pos = end;
  }

  /** The series of these attributes, from memory or made anew. */
  series(memory: MetricMemory, context: MetricContext): PointSeries {
    let series = memory.series.get(this.#bytes, this.#view, 0, this.#length);
    if (series === undefined) {
      const attributes = new Map<string, string>();
      const reader = new ProtobufReader(this.#bytes.subarray(0, this.#length));
      reader.pos = 4;
      while (reader.pos < this.#length) {
        reader.tag();
        const key = readPair(reader, reader.enter(this.#length), this.#value);
        if (key !== '' && !attributes.has(key)) attributes.set(key, plainText(reader, this.#value));
      }
      series = memory.labels([...attributes], context);
      memory.series.add(this.#bytes, 0, this.#length, series);
    }
    return series;
  }
}
