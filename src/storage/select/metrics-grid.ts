/**
 * Range functions computed in ClickHouse on a time grid (timeSeries...ToGrid), where the answer is the same as on raw
 * samples: one value per series and step comes back instead of all samples. Everything else is declined.
 */

import type { GridFunction, GridHint, GridSeries, MetricSelectResult } from '../../model/select-metrics.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/stale.ts';
import type { QueryOptions } from '../client.ts';
import { type Block, NullableColumn, NumberColumn } from '../native.ts';
import type { ScopedClient } from '../scope.ts';
import { bind, type Sql, sql, table } from '../sql.ts';
import { type SeriesTable, tooManySamples } from './metrics-rows.ts';

/**
 * Functions of ClickHouse that were found to give Prometheus's values. The others differ (changes counts NaN after NaN,
 * last knows no stale markers) or do not exist.
 */
const FUNCTIONS: Partial<Record<GridFunction, Sql>> = {
  rate: sql`timeSeriesRateToGrid`,
  increase: sql`timeSeriesIncreaseToGrid`,
  delta: sql`timeSeriesDeltaToGrid`,
  irate: sql`timeSeriesInstantRateToGrid`,
  idelta: sql`timeSeriesInstantDeltaToGrid`,
  resets: sql`timeSeriesResetsToGrid`,
};

const SETTINGS = {
  allow_experimental_ts_to_grid_aggregate_function: 1,
  allow_experimental_time_series_aggregate_functions: 1,
} as const;

/** The stale marker's bits: range functions pass markers over. */
const STALE_BITS = (BigInt(STALE_HIGH) << 32n) | BigInt(STALE_LOW);

/**
 * ClickHouse carries sums on from window to window: what is not finite, or not a whole number where counter resets are
 * added up, leaves traces in later windows that Prometheus does not have. Metrics with such samples are declined, and
 * remembered, so that they are not tried again and again.
 */
const EXACT_LIMIT = 2 ** 43;
const MAX_DECLINED = 10_000;

/** Remembers which metrics of which tenants are better read raw. */
export class DeclinedGrids {
  readonly #keys = new Set<string>();

  #key(tenant: string, metrics: readonly string[] | undefined, func: GridFunction): string {
    return `${tenant}\u0000${addsResets(func)}\u0000${metrics?.join('\u0001') ?? ''}`;
  }

  has(tenant: string, metrics: readonly string[] | undefined, func: GridFunction): boolean {
    return this.#keys.has(this.#key(tenant, metrics, func));
  }

  add(tenant: string, metrics: readonly string[] | undefined, func: GridFunction): void {
    if (this.#keys.size >= MAX_DECLINED) this.#keys.clear();
    this.#keys.add(this.#key(tenant, metrics, func));
  }
}

/** Whether the function adds up what counters had before they were reset. */
function addsResets(func: GridFunction): boolean {
  return func === 'rate' || func === 'increase';
}

/** Whether ClickHouse computes this one; the grid's times must be whole seconds apart. */
export function takesGrid(grid: GridHint): boolean {
  const isSingle = grid.startMs === grid.endMs;
  return (
    FUNCTIONS[grid.func] !== undefined &&
    (isSingle || grid.stepMs % 1000 === 0) &&
    grid.windowMs % 1000 === 0 &&
    grid.windowMs > 0 &&
    grid.startMs - grid.windowMs > 0
  );
}

/**
 * Reads the grid of the samples that satisfy `condition`. Undefined when there are histograms among them, or samples for
 * which the answer would not be exact: then raw samples are needed. `found` gives the labels and must be complete when this resolves its own reads.
 */
export async function selectGrid(
  scope: ScopedClient,
  grid: GridHint,
  condition: Sql,
  found: Promise<SeriesTable>,
  maxSamples: number | undefined,
  options: QueryOptions,
): Promise<MetricSelectResult | undefined> {
  const func = FUNCTIONS[grid.func] as Sql;
  const stepSeconds = grid.startMs === grid.endMs ? 1 : grid.stepMs / 1000;
  const points = Math.floor((grid.endMs - grid.startMs) / (stepSeconds * 1000)) + 1;
  const inexact = addsResets(grid.func)
    ? sql`countIf(NOT isFinite(value) OR value != trunc(value) OR abs(value) >= ${bind.float64(EXACT_LIMIT)})`
    : sql`countIf(NOT isFinite(value))`;
  const request = sql`SELECT id, ${func}(
      fromUnixTimestamp64Milli(${bind.int64(grid.startMs)}, 'UTC'), fromUnixTimestamp64Milli(${bind.int64(grid.endMs)}, 'UTC'),
      ${bind.int64(stepSeconds)}, ${bind.int64(grid.windowMs / 1000)}
    )(fromUnixTimestamp64Milli(ts, 'UTC'), value) AS points, ${inexact} AS inexact
    FROM ${table.samples} WHERE ${condition} AND reinterpretAsUInt64(value) != ${bind.uint64(STALE_BITS)}
    GROUP BY id`;
  const anyHistogram = sql`SELECT 1 AS one FROM ${table.histograms} WHERE ${condition} LIMIT 1`;
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const withSignal = { ...options, signal };
  try {
    const [blocks, histograms, series] = await Promise.all([
      scope.query(request, { ...withSignal, settings: SETTINGS }),
      scope.query(anyHistogram, withSignal),
      found,
    ]);
    if (histograms.some((block) => block.rows > 0)) return undefined;
    const out: GridSeries[] = [];
    for (const block of blocks) {
      if (block.bigints('inexact').values.some((count) => count !== 0n)) return undefined;
      if (maxSamples !== undefined && (out.length + block.rows) * points > maxSamples) throw tooManySamples();
      readGrid(block, points, series, out);
    }
    return { kind: 'grid', grouped: false, series: out };
  } catch (error) {
    stop.abort();
    throw error;
  }
}

function readGrid(block: Block, points: number, series: SeriesTable, out: GridSeries[]): void {
  const ids = block.bigints('id').halves();
  const { items } = block.array('points');
  if (!(items instanceof NullableColumn) || !(items.values instanceof NumberColumn)) {
    throw new TypeError('a grid is an array of nullable numbers');
  }
  const values = items.values.values as Float64Array;
  // 1 where there is no point; turned over in place to become `present`.
  const present = items.nulls;
  for (let i = 0; i < present.length; i++) present[i] = 1 - (present[i] as number);
  for (let row = 0; row < block.rows; row++) {
    const labels = series.get(ids[2 * row] as number, ids[2 * row + 1] as number);
    if (labels === undefined) continue;
    const from = row * points;
    const mine = present.subarray(from, from + points);
    if (!mine.includes(1)) continue;
    out.push({ labels, values: values.subarray(from, from + points), present: mine });
  }
}
