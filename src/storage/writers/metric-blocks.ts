/**
 * Metric batches as Native blocks: series, samples, histograms, exemplars, metadata. It decides nothing about when or
 * whether they are sent.
 */

import type { MetricBatch } from '../../model/batch.ts';
import { InputError } from '../../model/errors.ts';
import type { CounterResetHint } from '../../model/histogram.ts';
import { type Labels, METRIC_NAME } from '../../model/labels.ts';
import { hashed, hashLabels } from '../../model/series-id.ts';
import { BlockEncoder } from '../native.ts';
import type { ActivityRows } from './activity.ts';
import { labelMap } from './label-map.ts';

export const SERIES_TARGET = 'series (tenant, metric, id, labels, week, first_day, last_day)';
export const SAMPLES_TARGET = 'samples (tenant, metric, id, ts, value)';
export const HISTOGRAMS_TARGET =
  'histograms (tenant, metric, id, ts, stale, is_float, counter_reset, schema, count, sum, zero_threshold, ' +
  'zero_count, positive_offsets, positive_lengths, positive_counts, negative_offsets, negative_lengths, ' +
  'negative_counts, custom_values)';
export const EXEMPLARS_TARGET = 'exemplars (tenant, metric, id, ts, value, labels)';
export const METADATA_TARGET = 'metric_metadata (tenant, family, type, unit, help, last_day)';

const DAY_MS = 86_400_000;
const MAX_TIME_MS = 2 ** 53;

/** Ids and metric names of a batch's series: computed once, used for every table. */
export interface SeriesColumns {
  /** Two uint32 halves per series. */
  readonly ids: Uint32Array;
  /** Distinct metric names, and which of them each series has. */
  readonly metrics: readonly string[];
  readonly metricIndex: Uint32Array;
}

export function seriesColumns(series: readonly Labels[]): SeriesColumns {
  const ids = new Uint32Array(series.length * 2);
  const metricIndex = new Uint32Array(series.length);
  const metrics: string[] = [];
  const seen = new Map<string, number>();
  for (let i = 0; i < series.length; i++) {
    const labels = series[i] as Labels;
    hashLabels(labels);
    ids[2 * i] = hashed.low;
    ids[2 * i + 1] = hashed.high;
    const metric = labels.get(METRIC_NAME);
    let index = seen.get(metric);
    if (index === undefined) {
      index = metrics.length;
      metrics.push(metric);
      seen.set(metric, index);
    }
    metricIndex[i] = index;
  }
  return { ids, metrics, metricIndex };
}

export function seriesBlock(
  tenant: string,
  series: readonly Labels[],
  columns: SeriesColumns,
  rows: ActivityRows,
): Uint8Array {
  const count = rows.index.length;
  const out = new BlockEncoder(7, count, 256 + count * 256);
  const ids = new Uint32Array(count * 2);
  const metric = new Uint32Array(count);
  const chosen: Labels[] = [];
  for (let row = 0; row < count; row++) {
    const at = rows.index[row] as number;
    ids[2 * row] = columns.ids[2 * at] as number;
    ids[2 * row + 1] = columns.ids[2 * at + 1] as number;
    metric[row] = columns.metricIndex[at] as number;
    chosen.push(series[at] as Labels);
  }
  out.constant('tenant', tenant);
  out.dictionary('metric', columns.metrics, metric);
  out.uint64('id', ids);
  labelMap(out, 'labels', chosen);
  rows.write(out);
  return out.finish();
}

/** The day of a time in milliseconds, counted from the epoch. */
export function dayOfMs(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

/** Calls `day(series, day)` for every sample whose series or day differs from the one before of the same series. */
export function sampleBlock(
  batch: MetricBatch,
  columns: SeriesColumns,
  active: (series: number, day: number) => void,
): Uint8Array {
  const rows = batch.seriesIndex.length;
  const out = new BlockEncoder(5, rows, 512 + rows * 26);
  const index = batch.seriesIndex.values();
  const ids = new Uint32Array(rows * 2);
  const metric = new Uint32Array(rows);
  const ts = new Uint32Array(rows * 2);
  const times = batch.timestampsMs.floats();
  const days = new Float64Array(batch.series.length).fill(Number.NaN);
  const seriesIds = columns.ids;
  const { metricIndex } = columns;
  for (let row = 0; row < rows; row++) {
    const series = index[row] as number;
    ids[2 * row] = seriesIds[2 * series] as number;
    ids[2 * row + 1] = seriesIds[2 * series + 1] as number;
    metric[row] = metricIndex[series] as number;
    const time = times[row] as number;
    if (!(time < MAX_TIME_MS && time > -MAX_TIME_MS))
      throw new InputError(`a sample has the time ${time} ms`);
    const high = Math.floor(time / 4294967296);
    ts[2 * row] = time - high * 4294967296;
    ts[2 * row + 1] = high;
    const day = Math.floor(time / DAY_MS);
    if (days[series] !== day) {
      days[series] = day;
      active(series, day);
    }
  }
  out.constant('tenant', batch.tenant);
  out.dictionary('metric', columns.metrics, metric);
  out.uint64('id', ids);
  out.fixed('ts', 'Int64', ts, 8);
  out.float64('value', batch.values.bytes());
  return out.finish();
}

const RESET: Readonly<Record<CounterResetHint, number>> = { unknown: 0, reset: 1, not_reset: 2, gauge: 3 };

export function histogramBlock(
  batch: MetricBatch,
  columns: SeriesColumns,
  active: (series: number, day: number) => void,
): Uint8Array {
  const items = batch.histograms;
  const rows = items.length;
  const out = new BlockEncoder(19, rows, 1024 + rows * 256);
  const keys = pointKeys(
    rows,
    (row) => items[row]?.series as number,
    (row) => items[row]?.timestampMs as number,
    columns,
    active,
  );
  keys(out, batch.tenant, columns);
  const bytes = (name: string, of: (item: (typeof items)[number]) => number): void =>
    out.uint8(name, Uint8Array.from(items, of));
  const floats = (name: string, of: (item: (typeof items)[number]) => number): void =>
    out.float64(name, Float64Array.from(items, of));
  bytes('stale', (item) => (item.stale || item.histogram === null ? 1 : 0));
  bytes('is_float', (item) => (item.histogram?.isFloat === true ? 1 : 0));
  bytes('counter_reset', (item) => RESET[item.histogram?.counterReset ?? 'unknown']);
  out.fixed(
    'schema',
    'Int8',
    Int8Array.from(items, (item) => item.histogram?.schema ?? 0),
    1,
  );
  floats('count', (item) => item.histogram?.count ?? 0);
  floats('sum', (item) => item.histogram?.sum ?? 0);
  floats('zero_threshold', (item) => item.histogram?.zeroThreshold ?? 0);
  floats('zero_count', (item) => item.histogram?.zeroCount ?? 0);
  const list = (
    name: string,
    type: 'Int32' | 'UInt32' | 'Float64',
    of: (item: (typeof items)[number]) => readonly number[],
  ): void => {
    const ends = new Uint32Array(rows);
    const all: number[] = [];
    for (let row = 0; row < rows; row++) {
      for (const value of of(items[row] as (typeof items)[number])) all.push(value);
      ends[row] = all.length;
    }
    const memory =
      type === 'Float64'
        ? Float64Array.from(all)
        : type === 'Int32'
          ? Int32Array.from(all)
          : Uint32Array.from(all);
    out.array(name, type, ends, (writer) => writer.array(memory));
  };
  list('positive_offsets', 'Int32', (item) => item.histogram?.positiveSpans.map((span) => span.offset) ?? []);
  list(
    'positive_lengths',
    'UInt32',
    (item) => item.histogram?.positiveSpans.map((span) => span.length) ?? [],
  );
  list('positive_counts', 'Float64', (item) => item.histogram?.positiveCounts ?? []);
  list('negative_offsets', 'Int32', (item) => item.histogram?.negativeSpans.map((span) => span.offset) ?? []);
  list(
    'negative_lengths',
    'UInt32',
    (item) => item.histogram?.negativeSpans.map((span) => span.length) ?? [],
  );
  list('negative_counts', 'Float64', (item) => item.histogram?.negativeCounts ?? []);
  list('custom_values', 'Float64', (item) => item.histogram?.customValues ?? []);
  return out.finish();
}

export function exemplarBlock(
  batch: MetricBatch,
  columns: SeriesColumns,
  active: (series: number, day: number) => void,
): Uint8Array {
  const items = batch.exemplars;
  const rows = items.length;
  const out = new BlockEncoder(6, rows, 512 + rows * 200);
  const keys = pointKeys(
    rows,
    (row) => items[row]?.series as number,
    (row) => items[row]?.exemplar.timestampMs as number,
    columns,
    active,
  );
  keys(out, batch.tenant, columns);
  out.float64(
    'value',
    Float64Array.from(items, (item) => item.exemplar.value),
  );
  labelMap(
    out,
    'labels',
    items.map((item) => item.exemplar.labels),
  );
  return out.finish();
}

/** The first four columns of everything that belongs to a series and a time. */
function pointKeys(
  rows: number,
  seriesOf: (row: number) => number,
  timeOf: (row: number) => number,
  columns: SeriesColumns,
  active: (series: number, day: number) => void,
): (out: BlockEncoder, tenant: string, columns: SeriesColumns) => void {
  const ids = new Uint32Array(rows * 2);
  const metric = new Uint32Array(rows);
  const ts = new BigInt64Array(rows);
  for (let row = 0; row < rows; row++) {
    const series = seriesOf(row);
    const time = timeOf(row);
    if (!Number.isSafeInteger(time)) throw new InputError(`a sample has the time ${time} ms`);
    ids[2 * row] = columns.ids[2 * series] as number;
    ids[2 * row + 1] = columns.ids[2 * series + 1] as number;
    metric[row] = columns.metricIndex[series] as number;
    ts[row] = BigInt(time);
    active(series, dayOfMs(time));
  }
  return (out, tenant) => {
    out.constant('tenant', tenant);
    out.dictionary('metric', columns.metrics, metric);
    out.uint64('id', ids);
    out.int64('ts', ts);
  };
}

export function metadataBlock(tenant: string, items: MetricBatch['metadata'], day: number): Uint8Array {
  const rows = items.length;
  const out = new BlockEncoder(6, rows, 256 + rows * 128);
  out.constant('tenant', tenant);
  out.texts(
    'family',
    items.map((item) => item.family),
  );
  out.texts(
    'type',
    items.map((item) => item.type),
  );
  out.texts(
    'unit',
    items.map((item) => item.unit),
  );
  out.texts(
    'help',
    items.map((item) => item.help),
  );
  out.fixed('last_day', 'Int32', new Int32Array(rows).fill(day), 4);
  return out.finish();
}
