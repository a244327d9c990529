/** The buckets of OTLP's exponential histograms in Prometheus's numbering. */

import { coarserIndex, type SparseBuckets } from '../histogram-resolution.ts';
import type { ProtobufReader } from '../protobuf.ts';

/**
 * Buckets: offset = 1, bucket_counts = 2. OTLP's bucket i covers (base^i, base^(i+1)], which is bucket i+1 in
 * Prometheus; `levels` merges them down by so many scales. Undefined when there are too many.
 */
export function readBuckets(
  reader: ProtobufReader,
  start: number,
  end: number,
  levels: number,
  maxBuckets: number,
): SparseBuckets | undefined {
  const back = reader.pos;
  const buckets: SparseBuckets = new Map();
  let offset = 0;
  let countsStart = -1;
  let seen = 0;
  reader.pos = start;
  while (reader.pos < end) {
    const at = reader.pos;
    const tag = reader.tag();
    if (tag === 8) offset = reader.sint32();
    else if (tag === 18 || tag === 16) {
      if (countsStart < 0) countsStart = at;
      reader.skip();
    } else reader.skip();
  }
  reader.leave(end);
  if (countsStart >= 0) {
    const add = () => {
      const count = reader.uint64();
      const index = coarserIndex(offset + seen++ + 1, levels);
      if (count !== 0) buckets.set(index, (buckets.get(index) ?? 0) + count);
    };
    reader.pos = countsStart;
    while (reader.pos < end) {
      switch (reader.tag()) {
        case 16:
          add();
          break;
        case 18: {
          const packedEnd = reader.enter(end);
          while (reader.pos < packedEnd) add();
          reader.leave(packedEnd);
          break;
        }
        default:
          reader.skip();
      }
    }
  }
  reader.pos = back;
  return buckets.size > maxBuckets ? undefined : buckets;
}
