/** The native histogram of remote write (the same message in 1.0 and 2.0) into the model. */

import type { BucketSpan, CounterResetHint, Histogram } from '../model/histogram.ts';
import { CUSTOM_BUCKETS_SCHEMA } from '../model/histogram.ts';
import { isStaleBits } from '../model/stale.ts';
import { refuseHistogram } from './histogram-check.ts';
import { reduceResolution } from './histogram-resolution.ts';
import type { ProtobufReader } from './protobuf.ts';

const RESETS: readonly CounterResetHint[] = ['unknown', 'reset', 'not_reset', 'gauge'];

/** Finest schema that is stored; finer ones (up to 52) are merged down to it, as Prometheus does. */
const MAX_SCHEMA = 8;
const MAX_RESERVED_SCHEMA = 52;

export interface ReadHistogram {
  readonly timestampMs: number;
  /** 0 when not given. */
  readonly startMs: number;
  /** null is a stale marker. */
  readonly histogram: Histogram | null;
}

export class HistogramReader {
  readonly #reader: ProtobufReader;

  constructor(reader: ProtobufReader) {
    this.#reader = reader;
  }

  /** Reads the Histogram message that ends at `end`, or says why it is refused. */
  read(end: number, maxBuckets: number): ReadHistogram | string {
    const reader = this.#reader;
    let count = 0;
    let isFloat = false;
    let sum = 0;
    let stale = false;
    let schema = 0;
    let zeroThreshold = 0;
    let zeroCount = 0;
    let reset = 0;
    let timestampMs = 0;
    let startMs = 0;
    const negativeSpans: BucketSpan[] = [];
    const positiveSpans: BucketSpan[] = [];
    const negativeDeltas: number[] = [];
    const positiveDeltas: number[] = [];
    const negativeCounts: number[] = [];
    const positiveCounts: number[] = [];
    const customValues: number[] = [];
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 8:
          count = reader.uint64();
          isFloat = false;
          break;
        case 17:
          count = reader.double();
          isFloat = true;
          break;
        case 25:
          reader.fixed64();
          stale = isStaleBits(reader.low, reader.high);
          reader.pos -= 8;
          sum = reader.double();
          break;
        case 32:
          schema = reader.sint32();
          break;
        case 41:
          zeroThreshold = reader.double();
          break;
        case 48:
          zeroCount = reader.uint64();
          break;
        case 57:
          zeroCount = reader.double();
          break;
        case 66:
          negativeSpans.push(this.#span(reader.enter(end)));
          break;
        case 74:
          this.#packedSint64(reader.enter(end), negativeDeltas);
          break;
        case 72:
          negativeDeltas.push(reader.sint64());
          break;
        case 82:
          this.#packedDoubles(reader.enter(end), negativeCounts);
          break;
        case 81:
          negativeCounts.push(reader.double());
          break;
        case 90:
          positiveSpans.push(this.#span(reader.enter(end)));
          break;
        case 98:
          this.#packedSint64(reader.enter(end), positiveDeltas);
          break;
        case 96:
          positiveDeltas.push(reader.sint64());
          break;
        case 106:
          this.#packedDoubles(reader.enter(end), positiveCounts);
          break;
        case 105:
          positiveCounts.push(reader.double());
          break;
        case 112:
          reset = reader.varint32();
          break;
        case 120:
          timestampMs = reader.int64();
          break;
        case 130:
          this.#packedDoubles(reader.enter(end), customValues);
          break;
        case 129:
          customValues.push(reader.double());
          break;
        case 136:
          startMs = reader.int64();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    if (stale) return { timestampMs, startMs, histogram: null };
    let histogram: Histogram = {
      schema,
      count,
      sum,
      zeroThreshold,
      zeroCount,
      positiveSpans,
      positiveCounts: isFloat ? positiveCounts : cumulate(positiveDeltas),
      negativeSpans,
      negativeCounts: isFloat ? negativeCounts : cumulate(negativeDeltas),
      customValues,
      counterReset: RESETS[reset] ?? 'unknown',
      isFloat,
    };
    const finer = schema > MAX_SCHEMA && schema <= MAX_RESERVED_SCHEMA && schema !== CUSTOM_BUCKETS_SCHEMA;
    const refused = refuseHistogram(finer ? { ...histogram, schema: MAX_SCHEMA } : histogram, maxBuckets);
    if (refused !== undefined) return refused;
    if (finer) histogram = reduceResolution(histogram, MAX_SCHEMA);
    return { timestampMs, startMs, histogram };
  }

  #span(end: number): BucketSpan {
    const reader = this.#reader;
    let offset = 0;
    let length = 0;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 8:
          offset = reader.sint32();
          break;
        case 16:
          length = reader.varint32();
          break;
        default:
          reader.skip();
      }
    }
    reader.leave(end);
    return { offset, length };
  }

  #packedSint64(end: number, into: number[]): void {
    while (this.#reader.pos < end) into.push(this.#reader.sint64());
    this.#reader.leave(end);
  }

  #packedDoubles(end: number, into: number[]): void {
    while (this.#reader.pos < end) into.push(this.#reader.double());
    this.#reader.leave(end);
  }
}

/** Absolute counts from the differences between neighbours. */
function cumulate(deltas: number[]): number[] {
  let count = 0;
  for (let i = 0; i < deltas.length; i++) {
    count += deltas[i] as number;
    deltas[i] = count;
  }
  return deltas;
}
