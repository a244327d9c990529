/**
 * The LogQL engine: a query in, streams, vectors, matrices or a scalar out. It gets a LogsSource and knows nothing of
 * storage or of JSON.
 */

import { LimitError } from '../../model/errors.ts';
import { Labels } from '../../model/labels.ts';
import type { LogsSource } from '../../model/select-logs.ts';
import { FLOAT, hasPoints } from '../vector/series.ts';
import type { LogExpr, MetricExpr } from './ast.ts';
import { newStats, type QueryStats } from './context.ts';
import { evaluateMetric } from './evaluate.ts';
import { type LogEntry, type LogQueryRange, readEntries } from './evaluate-log.ts';
import { makeGrid } from './grid.ts';

export interface EngineOptions {
  /** False switches all hints to storage off. */
  readonly useHints?: boolean;
  /** Series that an answer may have (Loki's max_query_series). */
  readonly maxSeries?: number;
}

export interface MetricQueryRange {
  readonly tenant: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** 0 for an instant query at startNs. */
  readonly stepNs: bigint;
}

export interface RunOptions {
  /** What templates see as `now`. */
  readonly nowNs: bigint;
  readonly signal?: AbortSignal;
  /** Tell apart labels of streams, structured metadata and parsed ones. */
  readonly categorize?: boolean;
}

export interface LogStream {
  readonly labels: Labels;
  /** In the order of the query's direction. */
  readonly entries: LogEntry[];
}

/** One series: points in order of time. Times in milliseconds. */
export interface MetricSeries {
  readonly labels: Labels;
  readonly timesMs: readonly number[];
  readonly values: readonly number[];
}

export type MetricResult =
  | { readonly kind: 'scalar'; readonly value: number; readonly stats: QueryStats }
  | { readonly kind: 'vector' | 'matrix'; readonly series: MetricSeries[]; readonly stats: QueryStats };

const DEFAULT_MAX_SERIES = 500;

export class LogQLEngine {
  readonly #source: LogsSource;
  readonly #useHints: boolean;
  readonly #maxSeries: number;

  constructor(source: LogsSource, options: EngineOptions = {}) {
    this.#source = source;
    this.#useHints = options.useHints ?? true;
    this.#maxSeries = options.maxSeries ?? DEFAULT_MAX_SERIES;
  }

  /** Entries one by one, in order; stop iterating to cancel. */
  entries(expr: LogExpr, range: LogQueryRange, options: RunOptions): AsyncIterable<LogEntry> {
    return readEntries(expr, range, this.#source, {
      nowNs: options.nowNs,
      useHints: this.#useHints,
      stats: newStats(),
      signal: options.signal,
      categorize: options.categorize ?? false,
    });
  }

  /** A log query: entries by label set, streams in order of their labels. Throws InputError. */
  async streams(
    expr: LogExpr,
    range: LogQueryRange,
    options: RunOptions,
  ): Promise<{ streams: LogStream[]; stats: QueryStats }> {
    const stats = newStats();
    const byKey = new Map<string, LogStream>();
    const categorize = options.categorize ?? false;
    for await (const entry of readEntries(expr, range, this.#source, {
      nowNs: options.nowNs,
      useHints: this.#useHints,
      stats,
      signal: options.signal,
      categorize,
    })) {
      const labels = categorize ? entry.stream : entry.labels;
      const stream = byKey.get(labels.key);
      if (stream === undefined) byKey.set(labels.key, { labels, entries: [entry] });
      else stream.entries.push(entry);
    }
    const keys = [...byKey.keys()].sort();
    return { streams: keys.map((key) => byKey.get(key) as LogStream), stats };
  }

  /** A metric query. Throws InputError, PipelineError, EvaluationError and LimitError. */
  async metric(expr: MetricExpr, range: MetricQueryRange, options: RunOptions): Promise<MetricResult> {
    const stats = newStats();
    const isInstant = range.stepNs === 0n;
    const grid = makeGrid(range.startNs, range.endNs, range.stepNs);
    const value = await evaluateMetric(expr, {
      source: this.#source,
      tenant: range.tenant,
      grid,
      nowNs: options.nowNs,
      useHints: this.#useHints,
      stats,
      signal: options.signal,
    });
    if ('scalar' in value && isInstant) return { kind: 'scalar', value: value.scalar, stats };
    const timeMs = (point: number): number =>
      Number((grid.startNs + BigInt(point) * grid.stepNs) / 1_000_000n);
    const all = Array.from({ length: grid.points }, (_, i) => timeMs(i));
    if ('scalar' in value) {
      const values = all.map(() => value.scalar);
      return { kind: 'matrix', series: [{ labels: Labels.EMPTY, timesMs: all, values }], stats };
    }
    const series: MetricSeries[] = [];
    for (const one of value.series) {
      if (!hasPoints(one)) continue;
      if (series.length >= this.#maxSeries) {
        throw new LimitError(
          'max_query_series',
          `maximum of series (${this.#maxSeries}) reached for a single query`,
        );
      }
      const timesMs: number[] = [];
      const values: number[] = [];
      for (let i = 0; i < one.kinds.length; i++) {
        if (one.kinds[i] !== FLOAT) continue;
        timesMs.push(all[i] as number);
        values.push(one.values[i] as number);
      }
      series.push({ labels: one.labels, timesMs, values });
    }
    return { kind: isInstant ? 'vector' : 'matrix', series, stats };
  }
}
