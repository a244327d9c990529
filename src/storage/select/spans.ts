/**
 * Spans in ClickHouse as a SpansSource: a trace by its id, candidate traces newest first, single spans, bucketed
 * counts, tags. Knows nothing of TraceQL.
 */

import type {
  AttributeScope,
  AttributeValue,
  Span,
  SpanBucketGroup,
  SpanBuckets,
  SpanCondition,
  SpanField,
  SpanSelect,
  SpansSource,
  TagQuery,
  TraceSelect,
} from '../../model/select-spans.ts';
import type { QueryOptions } from '../client.ts';
import type { ScopedClient, TenantScope } from '../scope.ts';
import { bind, join, sql, TENANT, table } from '../sql.ts';
import { selectBuckets } from './spans-buckets.ts';
import { conditionSql, startWithin, traceIdSet } from './spans-conditions.ts';
import { SPAN_COLUMNS, SpanRows } from './spans-rows.ts';
import { selectTagNames, selectTagValues } from './spans-tags.ts';

const HOUR_NS = 3_600_000_000_000n;
const MINUTE_NS = 60_000_000_000n;
/** The first stretch of time that is searched for candidates; the next ones are longer. */
const FIRST_WINDOW_NS = 15n * MINUTE_NS;
const WINDOW_GROWTH = 4n;
/** How many candidates are read at first, and at most at once. */
const FIRST_PAGE = 32;
const MAX_PAGE = 384;

const least = (a: bigint, b: bigint): bigint => (a <= b ? a : b);
const most = (a: bigint, b: bigint): bigint => (a >= b ? a : b);

interface Candidate {
  readonly traceId: string;
  /** Not before the trace's true start. */
  readonly startNs: bigint;
}

interface Found {
  readonly traceId: string;
  readonly spans: Span[];
  readonly startNs: bigint;
}

/** Makes a source of spans over tenant scopes. */
export function spansSource(scopeOf: TenantScope): SpansSource {
  return new ClickHouseSpans(scopeOf);
}

class ClickHouseSpans implements SpansSource {
  readonly #scopeOf: TenantScope;
  readonly #rows = new SpanRows();

  constructor(scopeOf: TenantScope) {
    this.#scopeOf = scopeOf;
  }

  async trace(
    tenant: string,
    traceId: string,
    range?: { startNs: bigint; endNs: bigint },
    signal?: AbortSignal,
  ): Promise<Span[]> {
    const scope = this.#scopeOf(tenant);
    const options = { signal };
    const bounds = await this.#bounds(scope, [traceId], options);
    const own = bounds.get(traceId);
    if (own === undefined) return [];
    if (range !== undefined && (own.startNs > range.endNs || own.endNs < range.startNs)) return [];
    return (await this.#spansOf(scope, [traceId], bounds, options)).get(traceId) ?? [];
  }

  /** First start and last end of traces. */
  async #bounds(
    scope: ScopedClient,
    traceIds: readonly string[],
    options: QueryOptions,
  ): Promise<Map<string, { startNs: bigint; endNs: bigint }>> {
    const bounds = new Map<string, { startNs: bigint; endNs: bigint }>();
    const query = sql`SELECT trace_id, min(start_ns) AS first_ns, max(end_ns) AS last_ns FROM ${table.traces}
      WHERE ${TENANT} AND trace_id IN (${traceIdSet(traceIds)}) GROUP BY trace_id`;
    for await (const block of scope.stream(query, options)) {
      const ids = block.fixed('trace_id');
      const starts = block.bigints('first_ns').values;
      const ends = block.bigints('last_ns').values;
      for (let row = 0; row < block.rows; row++) {
        bounds.set(ids.hex(row), { startNs: starts[row] as bigint, endNs: ends[row] as bigint });
      }
    }
    return bounds;
  }

  /** All spans of some traces. */
  async #spansOf(
    scope: ScopedClient,
    traceIds: readonly string[],
    bounds: ReadonlyMap<string, { startNs: bigint; endNs: bigint }>,
    options: QueryOptions,
  ): Promise<Map<string, Span[]>> {
    const hours = new Set<bigint>();
    let first: bigint | undefined;
    let last = 0n;
    for (const id of traceIds) {
      const own = bounds.get(id);
      if (own === undefined) continue;
      for (let hour = own.startNs / HOUR_NS; hour <= own.endNs / HOUR_NS && hours.size < 1000; hour++)
        hours.add(hour);
      if (first === undefined || own.startNs < first) first = own.startNs;
      if (own.endNs > last) last = own.endNs;
    }
    const found = new Map<string, Span[]>();
    if (first === undefined) return found;
    // The hours, where they are few, let the sort key find the rows; the bounds prune partitions.
    const inHours =
      hours.size < 1000
        ? sql`intDiv(start_ns, 3600000000000) IN (SELECT arrayJoin(${bind.int64s([...hours])}))`
        : startWithin(first, last + 1n);
    const query = sql`SELECT ${SPAN_COLUMNS} FROM ${table.spans}
      WHERE ${TENANT} AND ${inHours} AND start_ns >= ${bind.int64(first)} AND start_ns <= ${bind.int64(last)}
        AND trace_id IN (${traceIdSet(traceIds)}) ${ONCE}`;
    for await (const block of scope.stream(query, options)) {
      for (const span of await this.#rows.spans(scope, block, options)) {
        const spans = found.get(span.traceId);
        if (spans === undefined) found.set(span.traceId, [span]);
        else spans.push(span);
      }
    }
    return found;
  }

  /**
   * Candidates are found by the spans that meet the rarest of the conditions, in stretches of time from the end of the
   * range backwards. Such a span starts no earlier than its trace; so after a page all traces that start at or after the
   * page's last span are known and come out in order, others wait.
   */
  async *traces(
    request: TraceSelect,
    signal?: AbortSignal,
  ): AsyncGenerator<{ traceId: string; spans: Span[] }, void, undefined> {
    const scope = this.#scopeOf(request.tenant);
    const options = { signal };
    const { firstNs, lastNs } = await this.#reach(scope, request, options);
    if (lastNs < firstNs) return;
    const driver = await this.#rarest(scope, request, options);
    const seen = new Set<string>();
    let waiting: Found[] = [];
    let pageSize = FIRST_PAGE;
    for (const window of windows(request, firstNs, lastNs)) {
      const candidates = await this.#candidates(scope, request, driver, window, options);
      const fresh = candidates.filter(({ traceId }) => !seen.has(traceId));
      for (let at = 0; at < fresh.length; ) {
        const page = fresh.slice(at, at + pageSize);
        at += page.length;
        pageSize = Math.min(MAX_PAGE, pageSize * 2);
        for (const { traceId } of page) seen.add(traceId);
        waiting.push(...(await this.#load(scope, page, options)));
        const bound = at < fresh.length ? (page.at(-1) as Candidate).startNs : window.startNs;
        const ready = waiting.filter((one) => one.startNs >= bound);
        waiting = waiting.filter((one) => one.startNs < bound);
        yield* newestFirst(ready);
      }
      yield* newestFirst(waiting.filter((one) => one.startNs >= window.startNs));
      waiting = waiting.filter((one) => one.startNs < window.startNs);
    }
    yield* newestFirst(waiting);
  }

  async #load(scope: ScopedClient, page: readonly Candidate[], options: QueryOptions): Promise<Found[]> {
    const ids = page.map(({ traceId }) => traceId);
    const spans = await this.#spansOf(scope, ids, await this.#bounds(scope, ids, options), options);
    return Array.from(spans, ([traceId, own]) => ({
      traceId,
      spans: own,
      startNs: own.reduce((first, { startNs }) => least(first, startNs), own[0]?.startNs ?? 0n),
    }));
  }

  /** How far spans of traces that overlap the range reach beyond it. */
  async #reach(
    scope: ScopedClient,
    { startNs, endNs }: TraceSelect,
    options: QueryOptions,
  ): Promise<{ firstNs: bigint; lastNs: bigint }> {
    const start = bind.int64(startNs);
    const end = bind.int64(endNs);
    const rows = await scope.rows(
      sql`SELECT min(start_ns) AS first_ns, max(end_ns) AS last_ns, count() AS traces FROM ${table.traces}
        WHERE ${TENANT} AND start_ns <= ${end} AND end_ns >= ${start}`,
      options,
    );
    const row = rows[0] as { first_ns: bigint; last_ns: bigint; traces: bigint } | undefined;
    if (row === undefined || row.traces === 0n) return { firstNs: 0n, lastNs: -1n };
    return { firstNs: row.first_ns, lastNs: row.last_ns };
  }

  /** The condition that the fewest spans of the newest stretch meet. */
  async #rarest(scope: ScopedClient, request: TraceSelect, options: QueryOptions): Promise<SpanCondition> {
    const [first] = request.anySpan;
    if (first === undefined) return { op: 'true' };
    if (request.anySpan.length === 1) return first;
    const from = most(request.endNs - FIRST_WINDOW_NS, request.startNs);
    const counts = join(
      request.anySpan.map((condition) => sql`countIf(${conditionSql(condition)})`),
      ', ',
    );
    const blocks = await scope.query(
      sql`SELECT ${counts} FROM ${table.spans} WHERE ${TENANT} AND ${startWithin(from, request.endNs + 1n)}`,
      options,
    );
    const found = blocks[0]?.columns.map((column) => column.value(0) as bigint) ?? [];
    let best = 0;
    found.forEach((each, i) => {
      if (each < (found[best] as bigint)) best = i;
    });
    return request.anySpan[best] ?? first;
  }

  /** Traces with a span in the stretch that meets the condition; the latest starts first. */
  async #candidates(
    scope: ScopedClient,
    request: TraceSelect,
    driver: SpanCondition,
    window: Window,
    options: QueryOptions,
  ): Promise<Candidate[]> {
    const start = bind.int64(request.startNs);
    const end = bind.int64(request.endNs);
    // Outside of the range only spans of traces that reach into it count.
    const overlapping = window.inside
      ? sql``
      : sql`AND trace_id GLOBAL IN (SELECT trace_id FROM ${table.traces}
          WHERE ${TENANT} AND start_ns <= ${end} AND end_ns >= ${start})`;
    const query = sql`SELECT trace_id, min(start_ns) AS first_ns FROM ${table.spans}
      WHERE ${TENANT} AND ${startWithin(window.startNs, window.endNs)} AND ${conditionSql(driver)} ${overlapping}
      GROUP BY trace_id ORDER BY first_ns DESC`;
    const candidates: Candidate[] = [];
    for await (const block of scope.stream(query, options)) {
      const ids = block.fixed('trace_id');
      const starts = block.bigints('first_ns').values;
      for (let row = 0; row < block.rows; row++) {
        candidates.push({ traceId: ids.hex(row), startNs: starts[row] as bigint });
      }
    }
    return candidates;
  }

  async *spans(request: SpanSelect, signal?: AbortSignal): AsyncGenerator<Span[], void, undefined> {
    const scope = this.#scopeOf(request.tenant);
    const options = { signal };
    const extent = await scope.rows(
      sql`SELECT min(start_ns) AS first_ns, max(end_ns) AS last_ns, count() AS traces FROM ${table.traces}
        WHERE ${TENANT} AND start_ns < ${bind.int64(request.endNs)} AND end_ns >= ${bind.int64(request.startNs)}`,
      options,
    );
    const row = extent[0] as { first_ns: bigint; last_ns: bigint; traces: bigint } | undefined;
    if (row === undefined || row.traces === 0n) return;
    const startNs = most(row.first_ns, request.startNs);
    const endNs = least(row.last_ns + 1n, request.endNs);
    const condition = conditionSql(request.condition);
    // An hour at a time: what must be sorted stays small.
    for (let from = startNs; from < endNs; from = (from / HOUR_NS + 1n) * HOUR_NS) {
      const next = (from / HOUR_NS + 1n) * HOUR_NS;
      const query = sql`SELECT ${SPAN_COLUMNS} FROM ${table.spans}
        WHERE ${TENANT} AND ${startWithin(from, least(next, endNs))} AND ${condition} ORDER BY start_ns ${ONCE}`;
      for await (const block of scope.stream(query, options)) {
        if (block.rows > 0) yield await this.#rows.spans(scope, block, options);
      }
    }
  }

  buckets(request: SpanBuckets, signal?: AbortSignal): Promise<SpanBucketGroup[] | undefined> {
    return selectBuckets(this.#scopeOf(request.tenant), this.#rows, request, { signal });
  }

  tagNames(query: TagQuery, signal?: AbortSignal): Promise<{ scope: AttributeScope; names: string[] }[]> {
    return selectTagNames(this.#scopeOf(query.tenant), query, { signal });
  }

  tagValues(field: SpanField, query: TagQuery, signal?: AbortSignal): Promise<AttributeValue[]> {
    return selectTagValues(this.#scopeOf(query.tenant), field, query, { signal });
  }
}

/** A span that was delivered or stored twice counts once, also before a merge has brought its rows together. */
const ONCE = sql`LIMIT 1 BY trace_id, span_id, kind`;

interface Window {
  /** Spans that start within [startNs, endNs). */
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Whether the stretch lies within the range that was asked for. */
  readonly inside: boolean;
}

/** Stretches from the newest to the oldest: what reaches beyond the range's end, the range, what began before it. */
function* windows(request: TraceSelect, firstNs: bigint, lastNs: bigint): Generator<Window> {
  const { startNs, endNs } = request;
  if (lastNs > endNs) yield { startNs: endNs + 1n, endNs: lastNs + 1n, inside: false };
  let to = least(lastNs, endNs) + 1n;
  const lowest = most(firstNs, startNs);
  for (let size = FIRST_WINDOW_NS; to > lowest; size *= WINDOW_GROWTH) {
    const from = most(to - size, lowest);
    yield { startNs: from, endNs: to, inside: true };
    to = from;
  }
  if (firstNs < startNs) yield { startNs: firstNs, endNs: startNs, inside: false };
}

function* newestFirst(found: readonly Found[]): Generator<{ traceId: string; spans: Span[] }> {
  const sorted = [...found].sort((a, b) => (a.startNs < b.startNs ? 1 : a.startNs > b.startNs ? -1 : 0));
  for (const { traceId, spans } of sorted) yield { traceId, spans };
}
