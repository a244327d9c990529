/**
 * Logs in ClickHouse as a LogsSource: lines in order of time page by page, counts by cells, look-ups of streams. Knows
 * nothing of LogQL beyond the hints.
 */

import type { Labels } from '../../model/labels.ts';
import type { LogBlock, LogBuckets, LogSelect, LogsSource, StreamQuery } from '../../model/select-logs.ts';
import type { ScopedClient, TenantScope } from '../scope.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';
import { type BucketGroup, selectBuckets } from './logs-buckets.ts';
import { lineConditions, metadataConditions, planMetadata } from './logs-conditions.ts';
import { behind, LogRows, logColumns, type RowPosition } from './logs-rows.ts';
import {
  distinct,
  findStreams,
  presentStreams,
  type Stream,
  StreamCatalog,
  timeWithin,
} from './logs-streams.ts';

const MINUTE_NS = 60_000_000_000n;
/** The first stretch of time that is read in order; later ones grow and shrink with what is found. */
const FIRST_WINDOW_NS = 5n * MINUTE_NS;
const MIN_WINDOW_NS = 1_000_000_000n;
/** Rows of one page. The first is small, because most who ask want a screenful. */
const FIRST_PAGE = 1000;
const MAX_PAGE = 20_000;

/** Makes a source of logs over tenant scopes. */
export function logsSource(scopeOf: TenantScope): LogsSource {
  return new ClickHouseLogs(scopeOf);
}

/** Streams whose lines have to pass the same conditions. */
interface Part {
  readonly streams: Stream[];
  readonly conditions: readonly Sql[];
  /** Every line that passes the conditions passes the hints. */
  readonly isExact: boolean;
}

class ClickHouseLogs implements LogsSource {
  readonly #scopeOf: TenantScope;
  readonly #catalog = new StreamCatalog();

  constructor(scopeOf: TenantScope) {
    this.#scopeOf = scopeOf;
  }

  async *select(request: LogSelect, signal?: AbortSignal): AsyncGenerator<LogBlock, void, undefined> {
    const scope = this.#scopeOf(request.tenant);
    const part = await this.#part(scope, request, signal);
    if (part.streams.length === 0) return;
    yield* request.anyOrder === true
      ? readAll(scope, request, part, signal)
      : readInOrder(scope, request, part, signal);
  }

  async buckets(request: LogBuckets, signal?: AbortSignal): Promise<BucketGroup[] | undefined> {
    const scope = this.#scopeOf(request.select.tenant);
    const part = await this.#part(scope, request.select, signal);
    if (!part.isExact) return undefined;
    return selectBuckets(scope, request, part.streams, part.conditions, signal);
  }

  /** The streams of a select, and the conditions on their lines. */
  async #part(scope: ScopedClient, request: LogSelect, signal: AbortSignal | undefined): Promise<Part> {
    const all = await findStreams(
      scope,
      this.#catalog,
      [request.matchers],
      request.startNs,
      request.endNs,
      signal,
    );
    const plan = planMetadata(request.hints);
    const admitted = all.filter(({ labels }) => plan.admits(labels));
    const lines = lineConditions(request.hints);
    // A test that some streams decide by their own labels is made by SQL for the others only.
    const groups = new Map<string, Stream[]>();
    for (const stream of admitted) {
      const key = plan
        .undecided(stream.labels)
        .map((matcher) => matcher.name)
        .join(' ');
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [stream]);
      else group.push(stream);
    }
    const alternatives: Sql[] = [];
    let { isExact } = lines;
    for (const group of groups.values()) {
      const tests = metadataConditions(plan.undecided((group[0] as Stream).labels));
      isExact &&= tests.isExact;
      const ids = bind.uint64s(group.map(({ id }) => id));
      if (groups.size === 1) alternatives.push(...tests.conditions);
      else if (tests.conditions.length === 0) alternatives.push(sql`stream IN ${ids}`);
      else alternatives.push(sql`(stream IN ${ids} AND ${join([...tests.conditions], ' AND ')})`);
    }
    const conditions = [...lines.conditions];
    if (groups.size === 1) conditions.push(...alternatives);
    else if (groups.size > 1) conditions.push(sql`(${join(alternatives, ' OR ')})`);
    return { streams: admitted, conditions, isExact };
  }

  async streams(query: StreamQuery, signal?: AbortSignal): Promise<Labels[]> {
    const found = await presentStreams(this.#scopeOf(query.tenant), this.#catalog, query, signal);
    const labels = found.map((stream) => stream.labels);
    return query.limit === undefined ? labels : labels.slice(0, query.limit);
  }

  async labelNames(query: StreamQuery, signal?: AbortSignal): Promise<string[]> {
    const found = await presentStreams(this.#scopeOf(query.tenant), this.#catalog, query, signal);
    return distinct(
      found.flatMap(({ labels }) => labels.names),
      query.limit,
    );
  }

  async labelValues(name: string, query: StreamQuery, signal?: AbortSignal): Promise<string[]> {
    const found = await presentStreams(this.#scopeOf(query.tenant), this.#catalog, query, signal);
    return distinct(
      found.map(({ labels }) => labels.get(name)),
      query.limit,
    );
  }

  async volume(
    query: StreamQuery,
    signal?: AbortSignal,
  ): Promise<{ labels: Labels; lines: number; bytes: number; chunks: number }[]> {
    const scope = this.#scopeOf(query.tenant);
    const { matcherSets, startNs, endNs } = query;
    const found = await findStreams(scope, this.#catalog, matcherSets, startNs, endNs, signal);
    if (found.length === 0) return [];
    const byId = new Map(found.map(({ id, labels }) => [id, labels]));
    const request = sql`SELECT stream, count() AS lines, sum(length(body)) AS bytes,
        uniqExact(intDiv(ts, 7200000000000)) AS chunks
      FROM ${table.log_records} FINAL
      WHERE ${TENANT} AND stream IN ${bind.uint64s([...byId.keys()])} AND ${timeWithin(startNs, endNs)}
      GROUP BY stream`;
    const out: { labels: Labels; lines: number; bytes: number; chunks: number }[] = [];
    for (const block of await scope.query(request, { signal, settings: FINAL_SETTINGS })) {
      const ids = block.bigints('stream');
      const lines = block.bigints('lines').numbers();
      const bytes = block.bigints('bytes').numbers();
      const chunks = block.bigints('chunks').numbers();
      for (let row = 0; row < block.rows; row++) {
        out.push({
          labels: byId.get(ids.value(row)) as Labels,
          lines: lines[row] as number,
          bytes: bytes[row] as number,
          chunks: chunks[row] as number,
        });
      }
    }
    return out;
  }
}

const FINAL_SETTINGS = { do_not_merge_across_partitions_select_final: 1 };

function rowOptions(request: LogSelect): { needLines: boolean; needMetadata: boolean } {
  return { needLines: request.needLines, needMetadata: request.needMetadata !== false };
}

function whereSql(part: Part, startNs: bigint, endNs: bigint): Sql {
  const ids = bind.uint64s(part.streams.map(({ id }) => id));
  const filters = part.conditions.length === 0 ? sql`` : sql` AND ${join([...part.conditions], ' AND ')}`;
  return sql`${TENANT} AND stream IN ${ids} AND ${timeWithin(startNs, endNs)}${filters}`;
}

/** Everything, in the order in which it is stored: the server sorts nothing. */
async function* readAll(
  scope: ScopedClient,
  request: LogSelect,
  part: Part,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogBlock, void, undefined> {
  const options = rowOptions(request);
  const rows = new LogRows(part.streams, options);
  const query = sql`SELECT ${logColumns(options)} FROM ${table.log_records}
    WHERE ${whereSql(part, request.startNs, request.endNs)} ORDER BY tenant, stream, ts, hash`;
  for await (const block of scope.stream(query, { signal })) {
    if (block.rows > 0) yield rows.read(block);
  }
}

/** Stretches of time one after the other, each page by page, until the reader has enough. */
async function* readInOrder(
  scope: ScopedClient,
  request: LogSelect,
  part: Part,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogBlock, void, undefined> {
  const options = rowOptions(request);
  const rows = new LogRows(part.streams, options);
  const { direction } = request;
  const forward = direction === 'forward';
  const order = forward ? sql`ts, stream, hash` : sql`ts DESC, stream, hash`;
  // A limit counts only lines that are wanted for certain.
  let wanted = part.isExact ? (request.limit ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  let pageSize = Math.min(Math.max(wanted, 1), FIRST_PAGE);
  let windowNs = FIRST_WINDOW_NS;
  let { startNs, endNs } = request;
  while (startNs < endNs && wanted > 0) {
    let from = startNs;
    let to = endNs;
    if (to - from > windowNs) {
      if (forward) to = from + windowNs;
      else from = to - windowNs;
    }
    let position: RowPosition | undefined;
    let read = 0;
    for (;;) {
      const after = position === undefined ? sql`` : sql` AND ${behind(position, direction)}`;
      const query = sql`SELECT ${logColumns(options)} FROM ${table.log_records}
        WHERE ${whereSql(part, from, to)}${after} ORDER BY ${order} LIMIT ${bind.uint64(pageSize)}`;
      let got = 0;
      for (const block of await scope.query(query, { signal })) {
        if (block.rows === 0) continue;
        got += block.rows;
        const page = rows.read(block);
        if (page.timesNs.length === 0) continue;
        yield page;
        wanted -= page.timesNs.length;
      }
      read += got;
      if (got < pageSize || wanted <= 0) break;
      position = rows.last;
      pageSize = Math.min(pageSize * 4, MAX_PAGE);
    }
    if (forward) startNs = to;
    else endNs = from;
    // Sparse stretches get longer quickly, dense ones shorter.
    if (read < pageSize / 4) windowNs *= 8n;
    else if (read > MAX_PAGE * 4 && windowNs > MIN_WINDOW_NS) windowNs /= 4n;
  }
}
