/** From blocks of log_records to LogBlocks: labels of streams, lines, metadata; a line that is stored twice once. */

import { compareCodePoints, Labels } from '../../model/labels.ts';
import type { LogBlock } from '../../model/select-logs.ts';
import type { Block, FixedStringColumn, MapColumn } from '../native.ts';
import { bind, type Sql, sql } from '../sql.ts';

/** Where the rows go on, for the next page. */
export interface RowPosition {
  readonly timeNs: bigint;
  readonly stream: bigint;
  readonly hash: bigint;
}

export interface RowOptions {
  readonly needLines: boolean;
  readonly needMetadata: boolean;
}

/** The columns that `LogRows` reads. */
export function logColumns({ needLines, needMetadata }: RowOptions): Sql {
  const line = needLines ? sql`, body` : sql``;
  const metadata = needMetadata ? sql`, trace_id, span_id, metadata` : sql``;
  return sql`stream, ts, hash, toUInt32(length(body)) AS size${line}${metadata}`;
}

/** Reads blocks in the order of a query that keeps repeated rows together. */
export class LogRows {
  readonly #options: RowOptions;
  readonly #streams: readonly Labels[];
  readonly #index = new Map<bigint, number>();
  readonly #metadata = new MetadataReader();
  #last: RowPosition | undefined;

  constructor(streams: readonly { readonly id: bigint; readonly labels: Labels }[], options: RowOptions) {
    this.#options = options;
    this.#streams = streams.map(({ labels }) => labels);
    streams.forEach(({ id }, i) => {
      this.#index.set(id, i);
    });
  }

  /** The row that was read last, whether or not it was wanted. */
  get last(): RowPosition | undefined {
    return this.#last;
  }

  read(block: Block): LogBlock {
    const { needLines, needMetadata } = this.#options;
    const { rows } = block;
    const streams = block.bigints('stream');
    const times = block.bigints('ts');
    const hashes = block.bigints('hash');
    const sizes = block.numbers('size');
    const bodies = needLines ? block.strings('body') : undefined;
    const maps = needMetadata ? block.map('metadata') : undefined;
    const traces = needMetadata ? block.fixed('trace_id') : undefined;
    const spans = needMetadata ? block.fixed('span_id') : undefined;
    const streamIndex = new Uint32Array(rows);
    const timesNs = new BigInt64Array(rows);
    const lineBytes = new Uint32Array(rows);
    const lines: string[] = [];
    const metadata: Labels[] = [];
    const streamHalves = streams.halves();
    const timeHalves = times.halves();
    const hashHalves = hashes.halves();
    let count = 0;
    let lastId = -1n;
    let lastIndex = 0;
    for (let row = 0; row < rows; row++) {
      if (row === 0 ? this.#repeatsLast(streams.value(0), times.value(0), hashes.value(0)) : sameRow(row)) {
        continue;
      }
      const line = bodies === undefined ? '' : bodies.value(row);
      const labels =
        maps === undefined
          ? Labels.EMPTY
          : this.#metadata.read(maps, traces as FixedStringColumn, spans as FixedStringColumn, row);
      const id = streams.value(row);
      if (id !== lastId) {
        lastId = id;
        lastIndex = this.#index.get(id) as number;
      }
      streamIndex[count] = lastIndex;
      timesNs[count] = times.value(row);
      lineBytes[count] = sizes[row] as number;
      lines.push(line);
      metadata.push(labels);
      count++;
    }
    if (rows > 0) {
      const at = rows - 1;
      this.#last = { timeNs: times.value(at), stream: streams.value(at), hash: hashes.value(at) };
    }
    return {
      streams: this.#streams,
      streamIndex: streamIndex.subarray(0, count),
      timesNs: timesNs.subarray(0, count),
      lines,
      lineBytes: lineBytes.subarray(0, count),
      metadata,
    };

    function sameRow(row: number): boolean {
      const a = row * 2;
      return (
        hashHalves[a] === hashHalves[a - 2] &&
        hashHalves[a + 1] === hashHalves[a - 1] &&
        timeHalves[a] === timeHalves[a - 2] &&
        timeHalves[a + 1] === timeHalves[a - 1] &&
        streamHalves[a] === streamHalves[a - 2] &&
        streamHalves[a + 1] === streamHalves[a - 1]
      );
    }
  }

  #repeatsLast(stream: bigint, timeNs: bigint, hash: bigint): boolean {
    const last = this.#last;
    return last !== undefined && last.hash === hash && last.timeNs === timeNs && last.stream === stream;
  }
}

/** Different values of metadata that are kept, for rows that have the same. */
const MAX_KNOWN = 1000;

/** Structured metadata of rows. Rows mostly have the same names, so their order is worked out once. */
class MetadataReader {
  readonly #known = new Map<string, Labels>();
  #names: readonly string[] = [];
  #order: { readonly sorted: readonly string[]; readonly from: Uint32Array } = {
    sorted: [],
    from: new Uint32Array(0),
  };

  read(map: MapColumn, traces: FixedStringColumn, spans: FixedStringColumn, row: number): Labels {
    const names: string[] = [];
    const values: string[] = [];
    for (let i = map.start(row); i < map.end(row); i++) {
      const value = map.values.value(i) as string;
      if (value === '') continue;
      names.push(map.keys.value(i) as string);
      values.push(value);
    }
    if (isSet(traces, row) && !names.includes('trace_id')) {
      names.push('trace_id');
      values.push(traces.hex(row));
    }
    if (isSet(spans, row) && !names.includes('span_id')) {
      names.push('span_id');
      values.push(spans.hex(row));
    }
    if (names.length === 0) return Labels.EMPTY;
    if (!equalLists(names, this.#names)) {
      const from = Uint32Array.from(names, (_, i) => i);
      from.sort((a, b) => compareCodePoints(names[a] as string, names[b] as string));
      this.#names = names;
      this.#order = { sorted: Array.from(from, (i) => names[i] as string), from };
      this.#known.clear();
    }
    const key = values.length === 1 ? (values[0] as string) : values.join('\u0000');
    let labels = this.#known.get(key);
    if (labels === undefined) {
      const { sorted, from } = this.#order;
      labels = Labels.fromSorted(
        sorted,
        Array.from(from, (i) => values[i] as string),
      );
      if (this.#known.size < MAX_KNOWN) this.#known.set(key, labels);
    }
    return labels;
  }
}

function isSet(ids: FixedStringColumn, row: number): boolean {
  const end = (row + 1) * ids.width;
  for (let i = row * ids.width; i < end; i++) if (ids.data[i] !== 0) return true;
  return false;
}

function equalLists(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Rows behind a position, in the order (ts, stream, hash). */
export function behind(position: RowPosition, direction: 'forward' | 'backward'): Sql {
  const ts = bind.int64(position.timeNs);
  const tie = sql`(stream, hash) > (${bind.uint64(position.stream)}, ${bind.uint64(position.hash)})`;
  return direction === 'forward'
    ? sql`(ts > ${ts} OR (ts = ${ts} AND ${tie}))`
    : sql`(ts < ${ts} OR (ts = ${ts} AND ${tie}))`;
}
