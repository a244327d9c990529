/**
 * Metrics in ClickHouse as a MetricsSource: raw samples by series, and look-ups of series, labels, exemplars and
 * metadata. Knows nothing of PromQL beyond the hints.
 */

import type { Exemplar, MetricMetadata } from '../../model/batch.ts';
import type { Histogram } from '../../model/histogram.ts';
import { compareCodePoints, type Labels, METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type {
  MetricSelect,
  MetricSelectResult,
  MetricsSource,
  RawSeries,
  SeriesQuery,
} from '../../model/select-metrics.ts';
import type { QueryOptions } from '../client.ts';
import type { Block } from '../native.ts';
import type { ScopedClient, TenantScope } from '../scope.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';
import { DeclinedGrids, selectGrid, takesGrid } from './metrics-grid.ts';
import { activeBetween, type MatcherSql, matcherSql, matchingSeries, restTest } from './metrics-matchers.ts';
import { HistogramRows, labelsOf, SampleRows, SeriesTable, tooManySamples } from './metrics-rows.ts';

const EMPTY = new Float64Array(0);

const DAY_MS = 86_400_000;
/** Up to this range a look-up of series reads samples to be exact to the millisecond. */
const MAX_PRECISE_RANGE_MS = 7 * DAY_MS;

/** Times that the tables can hold as whole milliseconds. */
const MAX_TIME_MS = 2 ** 53 - 1;

/** Makes a source of metrics over tenant scopes. */
export function metricsSource(scopeOf: TenantScope): MetricsSource {
  return new ClickHouseMetrics(scopeOf);
}

class ClickHouseMetrics implements MetricsSource {
  readonly #scopeOf: TenantScope;
  readonly #declined = new DeclinedGrids();

  constructor(scopeOf: TenantScope) {
    this.#scopeOf = scopeOf;
  }

  async select(request: MetricSelect, signal?: AbortSignal): Promise<MetricSelectResult> {
    const scope = this.#scopeOf(request.tenant);
    const matcher = matcherSql(request.matchers);
    const { grid } = request;
    const { tenant } = request;
    if (
      grid !== undefined &&
      matcher.rest.length === 0 &&
      takesGrid(grid) &&
      !this.#declined.has(tenant, matcher.metrics, grid.func)
    ) {
      const options = { signal };
      const found = new SeriesTable();
      const series = readSeries(scope, matcher, request.startMs, request.endMs, found, options).then(
        () => found,
      );
      const condition = sampleCondition(matcher, request, undefined);
      const computed = await selectGrid(scope, grid, condition, series, request.maxSamples, options);
      if (computed !== undefined) return computed;
      this.#declined.add(tenant, matcher.metrics, grid.func);
    }
    return { kind: 'raw', series: await selectRaw(scope, request, matcher, signal) };
  }

  async series(query: SeriesQuery, signal?: AbortSignal): Promise<Labels[]> {
    const scope = this.#scopeOf(query.tenant);
    const found = await findSeries(scope, query, signal);
    const isPresent = await presence(scope, query, signal);
    const list: Labels[] = [];
    for (const [id, labels] of found.entries())
      if (isPresent === undefined || isPresent.has(id)) list.push(labels);
    return query.limit === undefined ? list : list.slice(0, query.limit);
  }

  async labelNames(query: SeriesQuery, signal?: AbortSignal): Promise<string[]> {
    const scope = this.#scopeOf(query.tenant);
    const direct = directCondition(query);
    const names = new Set<string>();
    if (direct === undefined) {
      const found = await findSeries(scope, query, signal);
      for (const [, labels] of found.entries()) for (const name of labels.names) names.add(name);
    } else {
      const request = sql`SELECT DISTINCT arrayJoin(mapKeys(labels)) AS name FROM ${direct}`;
      for (const block of await scope.query(request, { signal })) addStrings(block, 'name', names);
    }
    return limited([...names].sort(compareCodePoints), query.limit);
  }

  async labelValues(name: string, query: SeriesQuery, signal?: AbortSignal): Promise<string[]> {
    const scope = this.#scopeOf(query.tenant);
    const direct = directCondition(query);
    const values = new Set<string>();
    if (direct === undefined) {
      const found = await findSeries(scope, query, signal);
      for (const [, labels] of found.entries()) values.add(labels.get(name));
    } else {
      const value = name === METRIC_NAME ? sql`metric` : sql`labels[${bind.string(name)}]`;
      const request = sql`SELECT DISTINCT toString(${value}) AS value FROM ${direct}`;
      for (const block of await scope.query(request, { signal })) addStrings(block, 'value', values);
    }
    values.delete('');
    return limited([...values].sort(compareCodePoints), query.limit);
  }

  async exemplars(
    query: SeriesQuery,
    signal?: AbortSignal,
  ): Promise<{ labels: Labels; exemplars: Exemplar[] }[]> {
    const scope = this.#scopeOf(query.tenant);
    const found = await findSeries(scope, query, signal);
    if (found.size === 0) return [];
    const entries = [...found.entries()];
    const metrics = new Set(entries.map(([, labels]) => labels.get(METRIC_NAME)));
    const request = sql`SELECT id, ts, value, labels FROM ${table.exemplars}
      WHERE ${TENANT} AND metric IN ${bind.strings([...metrics])} AND id IN ${bind.uint64s(entries.map(([id]) => id))}
        AND ${timeBetween(query.startMs, query.endMs)}
      ORDER BY id, ts, value LIMIT 1 BY id, ts, value`;
    const byLabels = new Map<Labels, Exemplar[]>();
    for (const block of await scope.query(request, { signal })) {
      const ids = block.bigints('id').halves();
      const times = block.bigints('ts').numbers();
      const values = block.floats('value');
      const labels = block.map('labels');
      for (let row = 0; row < block.rows; row++) {
        const series = found.get(ids[2 * row] as number, ids[2 * row + 1] as number);
        if (series === undefined) continue;
        const exemplar = {
          labels: labelsOf(labels, row),
          value: values[row] as number,
          timestampMs: times[row] as number,
        };
        const list = byLabels.get(series);
        if (list === undefined) byLabels.set(series, [exemplar]);
        else list.push(exemplar);
      }
    }
    return [...byLabels].map(([labels, exemplars]) => ({ labels, exemplars }));
  }

  async metadata(tenant: string, family?: string): Promise<MetricMetadata[]> {
    const condition = family === undefined ? sql`` : sql` AND family = ${bind.string(family)}`;
    const rows = await this.#scopeOf(tenant).rows(
      sql`SELECT DISTINCT family, toString(type) AS type, toString(unit) AS unit, help FROM ${table.metric_metadata}
        WHERE ${TENANT}${condition} ORDER BY family, type, unit, help`,
    );
    return rows.map((row) => row as unknown as MetricMetadata);
  }
}

function limited<T>(list: T[], limit: number | undefined): T[] {
  return limit === undefined ? list : list.slice(0, limit);
}

function addStrings(block: Block, name: string, into: Set<string>): void {
  const column = block.column(name);
  for (let row = 0; row < block.rows; row++) into.add(column.value(row) as string);
}

function timeBetween(startMs: number, endMs: number): Sql {
  const clamp = (ms: number): number => Math.max(-MAX_TIME_MS, Math.min(MAX_TIME_MS, ms));
  return sql`ts >= ${bind.int64(clamp(startMs))} AND ts <= ${bind.int64(clamp(endMs))}`;
}

/** The series table with the condition of a look-up; undefined when the process has to test matchers itself. */
function directCondition(query: SeriesQuery): Sql | undefined {
  const sets = query.matcherSets.map(matcherSql);
  if (sets.some((set) => set.rest.length > 0)) return undefined;
  return sql`${table.series} WHERE ${TENANT} AND ${activeBetween(query.startMs, query.endMs)}${anyOf(sets)}`;
}

function anyOf(sets: readonly MatcherSql[]): Sql {
  const parts: Sql[] = [];
  for (const { condition } of sets) {
    // A set that asks for nothing admits everything.
    if (condition === undefined) return sql``;
    parts.push(sql`(${condition})`);
  }
  return parts.length === 0 ? sql`` : sql` AND (${join(parts, ' OR ')})`;
}

/** The series of a look-up with their ids. */
async function findSeries(
  scope: ScopedClient,
  query: SeriesQuery,
  signal?: AbortSignal,
): Promise<SeriesTable> {
  const found = new SeriesTable();
  const sets: (readonly Matcher[])[] = query.matcherSets.length === 0 ? [[]] : [...query.matcherSets];
  for (const matchers of sets) {
    const matcher = matcherSql(matchers);
    await readSeries(scope, matcher, query.startMs, query.endMs, found, { signal });
  }
  return found;
}

/**
 * Ids of the series that have a sample in the range. The series table knows activity by the day only; undefined when
 * that is enough, because the range consists of whole days or has no end.
 */
async function presence(
  scope: ScopedClient,
  query: SeriesQuery,
  signal: AbortSignal | undefined,
): Promise<Set<bigint> | undefined> {
  const { startMs, endMs } = query;
  const wholeDays = startMs % DAY_MS === 0 && (endMs + 1) % DAY_MS === 0;
  if (wholeDays || endMs - startMs > MAX_PRECISE_RANGE_MS) return undefined;
  const sets = query.matcherSets.map(matcherSql);
  const chosen = sql`${table.series} WHERE ${TENANT} AND ${activeBetween(startMs, endMs)}${anyOf(sets)}`;
  const from = (samples: Sql): Sql => sql`SELECT DISTINCT id FROM ${samples} WHERE ${TENANT}
    AND (metric, id) IN (SELECT metric, id FROM ${chosen}) AND ${timeBetween(startMs, endMs)}`;
  const ids = new Set<bigint>();
  const blocks = await Promise.all([
    scope.query(from(table.samples), { signal }),
    scope.query(from(table.histograms), { signal }),
  ]);
  for (const block of blocks.flat()) for (const id of block.bigints('id').values) ids.add(id);
  return ids;
}

async function readSeries(
  scope: ScopedClient,
  matcher: MatcherSql,
  startMs: number,
  endMs: number,
  into: SeriesTable,
  options: QueryOptions,
): Promise<void> {
  const test = restTest(matcher.rest);
  const request = sql`SELECT id, labels FROM ${matchingSeries(matcher, startMs, endMs)} LIMIT 1 BY id`;
  for await (const block of scope.stream(request, options)) {
    const ids = block.bigints('id').halves();
    const column = block.map('labels');
    for (let row = 0; row < block.rows; row++) {
      const labels = labelsOf(column, row);
      if (test !== undefined && !test((name) => labels.get(name))) continue;
      into.add(ids[2 * row] as number, ids[2 * row + 1] as number, labels);
    }
  }
}

/** Which rows of a sample table belong to the matching series. */
function sampleCondition(
  matcher: MatcherSql,
  request: MetricSelect,
  ids: readonly bigint[] | undefined,
): Sql {
  const { startMs, endMs } = request;
  const time = timeBetween(startMs, endMs);
  const metric = matcher.metrics === undefined ? sql`` : sql` AND metric IN ${bind.strings(matcher.metrics)}`;
  if (ids !== undefined) return sql`${TENANT}${metric} AND id IN ${bind.uint64s(ids)} AND ${time}`;
  if (!matcher.testsLabels && matcher.metrics !== undefined) return sql`${TENANT}${metric} AND ${time}`;
  const chosen = matchingSeries(matcher, startMs, endMs);
  return matcher.metrics === undefined
    ? sql`${TENANT} AND (metric, id) IN (SELECT metric, id FROM ${chosen}) AND ${time}`
    : sql`${TENANT}${metric} AND id IN (SELECT id FROM ${chosen}) AND ${time}`;
}

async function selectRaw(
  scope: ScopedClient,
  request: MetricSelect,
  matcher: MatcherSql,
  signal: AbortSignal | undefined,
): Promise<RawSeries[]> {
  // One failed read stops the others.
  const stop = new AbortController();
  const options: QueryOptions = {
    signal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
  };
  const found = new SeriesTable();
  const reading = readSeries(scope, matcher, request.startMs, request.endMs, found, options);
  let ids: bigint[] | undefined;
  if (matcher.rest.length > 0) {
    await reading;
    if (found.size === 0) return [];
    ids = [...found.entries()].map(([id]) => id);
  }
  const condition = sampleCondition(matcher, request, ids);
  try {
    const [, samples, histograms] = await Promise.all([
      reading,
      readSamples(scope, condition, request.maxSamples, options),
      readHistograms(scope, condition, request.maxSamples, options),
    ]);
    return assemble(found, samples, histograms);
  } catch (error) {
    stop.abort();
    throw error;
  }
}

async function readSamples(
  scope: ScopedClient,
  condition: Sql,
  maxSamples: number | undefined,
  options: QueryOptions,
): Promise<SampleRows> {
  const rows = new SampleRows();
  const request = sql`SELECT id, ts, value FROM ${table.samples} WHERE ${condition} ORDER BY metric, id, ts`;
  for await (const block of scope.stream(request, options)) {
    rows.add(block);
    if (maxSamples !== undefined && rows.rows > maxSamples) throw tooManySamples();
  }
  return rows;
}

type HistogramList = { timestampMs: number; histogram: Histogram | null }[];

async function readHistograms(
  scope: ScopedClient,
  condition: Sql,
  maxSamples: number | undefined,
  options: QueryOptions,
): Promise<Map<string, HistogramList>> {
  const bySeries = new Map<string, HistogramList>();
  const columns = sql`id, ts, stale, is_float, counter_reset, schema, count, sum, zero_threshold, zero_count,
    positive_offsets, positive_lengths, positive_counts, negative_offsets, negative_lengths, negative_counts,
    custom_values`;
  const request = sql`SELECT ${columns} FROM ${table.histograms} WHERE ${condition} ORDER BY metric, id, ts`;
  let count = 0;
  for await (const block of scope.stream(request, options)) {
    const rows = new HistogramRows(block);
    count += rows.rows;
    if (maxSamples !== undefined && count > maxSamples) throw tooManySamples();
    for (let row = 0; row < rows.rows; row++) {
      const key = `${rows.ids[2 * row + 1]}:${rows.ids[2 * row]}`;
      const sample = { timestampMs: rows.times[row] as number, histogram: rows.histogram(row) };
      const list = bySeries.get(key);
      if (list === undefined) bySeries.set(key, [sample]);
      else if (list[list.length - 1]?.timestampMs === sample.timestampMs) list[list.length - 1] = sample;
      else list.push(sample);
    }
  }
  return bySeries;
}

function assemble(
  found: SeriesTable,
  samples: SampleRows,
  histograms: Map<string, HistogramList>,
): RawSeries[] {
  const out: RawSeries[] = [];
  for (const { low, high, timestampsMs, values } of samples.series()) {
    const labels = found.get(low, high);
    if (labels === undefined) continue;
    const key = `${high}:${low}`;
    const own = histograms.get(key);
    histograms.delete(key);
    out.push({ labels, timestampsMs, values, histograms: own ?? [] });
  }
  for (const [key, own] of histograms) {
    const [high, low] = key.split(':').map(Number) as [number, number];
    const labels = found.get(low, high);
    if (labels !== undefined) out.push({ labels, timestampsMs: EMPTY, values: EMPTY, histograms: own });
  }
  return out;
}
