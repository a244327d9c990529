/** Log batches as Native blocks: streams and records. It decides nothing about when or whether they are sent. */

import { ATTRIBUTE_OTHER, ATTRIBUTE_STRING } from '../../model/attributes.ts';
import type { LogBatch } from '../../model/batch.ts';
import type { BytesColumn } from '../../model/column.ts';
import type { Labels } from '../../model/labels.ts';
import { hashed, hashLabels } from '../../model/series-id.ts';
import { BlockEncoder, ByteWriter } from '../native.ts';
import type { ActivityRows } from './activity.ts';
import { dayOfNs } from './days.ts';
import { labelMap } from './label-map.ts';

export const STREAMS_TARGET = 'streams (tenant, id, labels, week, first_day, last_day)';
export const LOG_RECORDS_TARGET =
  'log_records (tenant, stream, ts, observed_ns, severity, body, trace_id, span_id, metadata)';

/** Two uint32 halves per stream. */
export function streamIds(streams: readonly Labels[]): Uint32Array {
  const ids = new Uint32Array(streams.length * 2);
  for (let i = 0; i < streams.length; i++) {
    hashLabels(streams[i] as Labels);
    ids[2 * i] = hashed.low;
    ids[2 * i + 1] = hashed.high;
  }
  return ids;
}

export function streamBlock(
  tenant: string,
  streams: readonly Labels[],
  ids: Uint32Array,
  rows: ActivityRows,
): Uint8Array {
  const count = rows.index.length;
  const out = new BlockEncoder(6, count, 256 + count * 256);
  const chosen = new Uint32Array(count * 2);
  for (let row = 0; row < count; row++) {
    const at = rows.index[row] as number;
    chosen[2 * row] = ids[2 * at] as number;
    chosen[2 * row + 1] = ids[2 * at + 1] as number;
  }
  out.constant('tenant', tenant);
  out.uint64('id', chosen);
  labelMap(
    out,
    'labels',
    rows.index.map((at) => streams[at] as Labels),
  );
  rows.write(out);
  return out.finish();
}

export function logBlock(
  batch: LogBatch,
  ids: Uint32Array,
  active: (stream: number, day: number) => void,
): Uint8Array {
  const rows = batch.streamIndex.length;
  const bodies = batch.bodies.data().length;
  const out = new BlockEncoder(9, rows, 1024 + rows * 80 + bodies + batch.metadata.texts.data().length);
  const index = batch.streamIndex.values();
  const stream = new Uint32Array(rows * 2);
  const times = batch.timesNs;
  for (let row = 0; row < rows; row++) {
    const at = index[row] as number;
    stream[2 * row] = ids[2 * at] as number;
    stream[2 * row + 1] = ids[2 * at + 1] as number;
    active(at, dayOfNs(times.low(row), times.high(row)));
  }
  out.constant('tenant', batch.tenant);
  out.uint64('stream', stream);
  out.int64('ts', times.bytes());
  out.int64('observed_ns', batch.observedNs.bytes());
  out.uint8('severity', batch.severities.values());
  out.strings('body', batch.bodies);
  out.fixedStrings('trace_id', 16, batch.traceIds);
  out.fixedStrings('span_id', 8, batch.spanIds);
  metadataMap(out, batch);
  return out.finish();
}

/** Structured metadata without trace_id and span_id where the columns of that name say the same. */
function metadataMap(out: BlockEncoder, batch: LogBatch): void {
  const { metadata, keys } = batch;
  const traceKey = keys.strings.indexOf('trace_id');
  const spanKey = keys.strings.indexOf('span_id');
  const ends = new Uint32Array(batch.streamIndex.length);
  const indices = new Uint32Array(metadata.keys.length);
  const text = metadata.texts.data();
  const values = new ByteWriter(text.length + metadata.keys.length * 2 + 64);
  let count = 0;
  for (let row = 0; row < ends.length; row++) {
    const end = metadata.rowEnd(row);
    for (let at = metadata.rowStart(row); at < end; at++) {
      const key = metadata.keys.get(at);
      const type = metadata.types.get(at);
      if (type === ATTRIBUTE_STRING || type === ATTRIBUTE_OTHER) {
        const textRow = metadata.slots.low(at);
        const from = metadata.texts.start(textRow);
        const to = metadata.texts.end(textRow);
        if (key === traceKey && isHexOf(text, from, to, batch.traceIds, row, 16)) continue;
        if (key === spanKey && isHexOf(text, from, to, batch.spanIds, row, 8)) continue;
        values.slice(text, from, to);
      } else {
        throw new TypeError('structured metadata must be strings');
      }
      indices[count++] = key;
    }
    ends[row] = count;
  }
  out.map('metadata', 'String', ends, keys.strings, indices.subarray(0, count), (writer) =>
    writer.raw(values.result()),
  );
}

const HEX = new TextEncoder().encode('0123456789abcdef');

/** Whether text[from..to) is the lower-case hex of a row's id, which is not all zeros. */
function isHexOf(
  text: Uint8Array,
  from: number,
  to: number,
  ids: BytesColumn,
  row: number,
  width: number,
): boolean {
  if (to - from !== width * 2) return false;
  const start = ids.start(row);
  if (ids.end(row) - start !== width) return false;
  const data = ids.data();
  let any = 0;
  for (let i = 0; i < width; i++) {
    const byte = data[start + i] as number;
    any |= byte;
    if (text[from + 2 * i] !== HEX[byte >> 4] || text[from + 2 * i + 1] !== HEX[byte & 15]) return false;
  }
  return any !== 0;
}
