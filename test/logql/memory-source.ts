/**
 * A LogsSource over lines in memory, for tests. It takes batches as storage's writers do (exact duplicates once), and
 * can carry out or ignore hints, so that both can be compared.
 */

import { batchMetadata } from '../../src/api/loki/batch-metadata.ts';
import type { BatchSink, LogBatch } from '../../src/model/batch.ts';
import { compareCodePoints, Labels } from '../../src/model/labels.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import type {
  LineHint,
  LogBlock,
  LogBuckets,
  LogSelect,
  LogsSource,
  StreamQuery,
} from '../../src/model/select-logs.ts';
import { LineLabels, StreamLabels } from '../../src/query/logql/line-labels.ts';
import { ParserHints } from '../../src/query/logql/parser-hints.ts';
import { compileRegex, matcherTest } from '../../src/query/syntax/regex.ts';

interface Row {
  readonly timeNs: bigint;
  readonly line: string;
  readonly bytes: number;
  readonly metadata: Labels;
}

interface Stream {
  readonly tenant: string;
  readonly labels: Labels;
  rows: Row[];
  readonly seen: Set<string>;
  sorted: boolean;
}

export interface MemoryOptions {
  /** Lines per block. */
  readonly blockSize?: number;
  /** False: hints, limits and buckets are ignored. */
  readonly useHints?: boolean;
}

export class MemoryLogs implements LogsSource, Pick<BatchSink, 'writeLogs'> {
  readonly #streams = new Map<string, Stream>();
  readonly #options: MemoryOptions;
  readonly #listeners = new Set<(batch: LogBatch) => void>();
  /** Blocks handed out, to see that reading stops early. */
  blocks = 0;
  bucketed = 0;

  constructor(options: MemoryOptions = {}) {
    this.#options = options;
  }

  subscribe(tenant: string, listener: (batch: LogBatch) => void): () => void {
    const one = (batch: LogBatch): void => {
      if (batch.tenant === tenant) listener(batch);
    };
    this.#listeners.add(one);
    return () => this.#listeners.delete(one);
  }

  async writeLogs(batch: LogBatch): Promise<void> {
    const encoder = new TextEncoder();
    for (let i = 0; i < batch.timesNs.length; i++) {
      const labels = batch.streams[batch.streamIndex.get(i)] as Labels;
      const line = batch.bodies.string(i);
      this.add(
        batch.tenant,
        labels,
        batch.timesNs.bigInt(i),
        line,
        batchMetadata(batch, i),
        encoder.encode(line).length,
      );
    }
    for (const listener of this.#listeners) listener(batch);
  }

  add(
    tenant: string,
    labels: Labels,
    timeNs: bigint,
    line: string,
    metadata = Labels.EMPTY,
    bytes = line.length,
  ): void {
    const key = `${tenant}\n${labels.key}`;
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      stream = { tenant, labels, rows: [], seen: new Set(), sorted: true };
      this.#streams.set(key, stream);
    }
    const identity = `${timeNs} ${line}`;
    if (stream.seen.has(identity)) return;
    stream.seen.add(identity);
    stream.rows.push({ timeNs, line, bytes, metadata });
    stream.sorted = false;
  }

  #matching(tenant: string, sets: readonly (readonly Matcher[])[]): Stream[] {
    const tests = sets.map((set) => set.map((m) => ({ name: m.name, test: matcherTest(m) })));
    return [...this.#streams.values()].filter(
      ({ tenant: own, labels }) =>
        own === tenant &&
        (tests.length === 0 || tests.some((set) => set.every(({ name, test }) => test(labels.get(name))))),
    );
  }

  #rows(stream: Stream, startNs: bigint, endNs: bigint): Row[] {
    if (!stream.sorted) {
      stream.rows.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
      stream.sorted = true;
    }
    return stream.rows.filter(({ timeNs }) => timeNs >= startNs && timeNs < endNs);
  }

  async *select(request: LogSelect): AsyncGenerator<LogBlock> {
    const useHints = this.#options.useHints !== false;
    const streams = this.#matching(request.tenant, [request.matchers]);
    const all: { row: Row; stream: number }[] = [];
    streams.forEach((stream, index) => {
      const passes = useHints ? hintTest(request, stream.labels) : () => true;
      for (const row of this.#rows(stream, request.startNs, request.endNs)) {
        if (passes(row)) all.push({ row, stream: index });
      }
    });
    const sign = request.direction === 'forward' ? 1 : -1;
    all.sort((a, b) => (a.row.timeNs < b.row.timeNs ? -sign : a.row.timeNs > b.row.timeNs ? sign : 0));
    const limited = useHints && request.limit !== undefined ? all.slice(0, request.limit) : all;
    const size = this.#options.blockSize ?? 1000;
    for (let at = 0; at < limited.length; at += size) {
      const part = limited.slice(at, at + size);
      this.blocks++;
      yield {
        streams: streams.map((stream) => stream.labels),
        streamIndex: Uint32Array.from(part, ({ stream }) => stream),
        timesNs: BigInt64Array.from(part, ({ row }) => row.timeNs),
        lines: part.map(({ row }) => (request.needLines ? row.line : '')),
        lineBytes: Uint32Array.from(part, ({ row }) => row.bytes),
        metadata: part.map(({ row }) => row.metadata),
      };
    }
  }

  async buckets(
    request: LogBuckets,
  ): Promise<{ labels: Labels; values: Float64Array; present: Uint8Array }[] | undefined> {
    if (this.#options.useHints === false || request.by === undefined) return undefined;
    this.bucketed++;
    const { select, by } = request;
    const groups = new Map<string, { labels: Labels; values: Float64Array; present: Uint8Array }>();
    for (const stream of this.#matching(select.tenant, [select.matchers])) {
      const passes = hintTest(select, stream.labels);
      for (const row of this.#rows(stream, select.startNs, select.endNs)) {
        if (!passes(row)) continue;
        const view = viewOf(stream.labels, row);
        const pairs: [string, string][] = by.map((name) => [name, view.get(name) ?? '']);
        const labels = Labels.fromPairs(pairs);
        let group = groups.get(labels.key);
        if (group === undefined) {
          group = {
            labels,
            values: new Float64Array(request.points),
            present: new Uint8Array(request.points),
          };
          groups.set(labels.key, group);
        }
        for (let i = 0; i < request.points; i++) {
          const point = request.gridStartNs + BigInt(i) * request.stepNs;
          if (row.timeNs > point || row.timeNs <= point - request.windowNs) continue;
          group.present[i] = 1;
          group.values[i] = (group.values[i] as number) + (request.measure === 'lines' ? 1 : row.bytes);
        }
      }
    }
    return [...groups.values()];
  }

  #inRange(query: StreamQuery): { stream: Stream; rows: Row[] }[] {
    return this.#matching(query.tenant, query.matcherSets)
      .map((stream) => ({ stream, rows: this.#rows(stream, query.startNs, query.endNs) }))
      .filter(({ rows }) => rows.length > 0);
  }

  async streams(query: StreamQuery): Promise<Labels[]> {
    return this.#inRange(query).map(({ stream }) => stream.labels);
  }

  async labelNames(query: StreamQuery): Promise<string[]> {
    const names = new Set(this.#inRange(query).flatMap(({ stream }) => stream.labels.names));
    return [...names].sort(compareCodePoints);
  }

  async labelValues(name: string, query: StreamQuery): Promise<string[]> {
    const values = new Set(this.#inRange(query).map(({ stream }) => stream.labels.get(name)));
    values.delete('');
    return [...values].sort(compareCodePoints);
  }

  async volume(
    query: StreamQuery,
  ): Promise<{ labels: Labels; lines: number; bytes: number; chunks: number }[]> {
    return this.#inRange(query).map(({ stream, rows }) => ({
      labels: stream.labels,
      lines: rows.length,
      bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
      chunks: 1,
    }));
  }
}

/** Whether a row passes the hints. */
function hintTest(request: LogSelect, stream: Labels): (row: Row) => boolean {
  const lines = (request.hints.lines ?? []).map(lineTest);
  const metadata = (request.hints.metadata ?? []).map((m) => ({ name: m.name, test: matcherTest(m) }));
  return (row) =>
    lines.every((test) => test(row.line)) && (metadata.length === 0 || passes(viewOf(stream, row), metadata));
}

/** The labels of a row as a query sees them before any stage. */
function viewOf(stream: Labels, row: Row): LineLabels {
  const view = new LineLabels(ParserHints.all());
  view.reset(new StreamLabels(stream), row.metadata, row.timeNs);
  return view;
}

function passes(
  view: LineLabels,
  tests: readonly { name: string; test: (value: string) => boolean }[],
): boolean {
  return tests.every(({ name, test }) => test(view.text(name)));
}

function lineTest(hint: LineHint): (line: string) => boolean {
  const tests = hint.any.map((text) => {
    if (hint.kind === 'contains') return (line: string) => line.includes(text);
    const regex = compileRegex(text);
    return (line: string) => regex.test(line);
  });
  return (line) => tests.some((test) => test(line)) !== hint.negate;
}
