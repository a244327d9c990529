/**
 * Delta points to cumulative ones, as the compatibility specification asks ("Sums", "Histograms"): a running total
 * per series, in memory, bounded. Knows no clock: age is measured by the points' own times.
 *
 * Totals are changed when a request is decoded and stay changed only if the request is stored: `undo` of its journal
 * puts back what no later request has built upon. (Where one has, its stored totals already hold the points, and
 * they are refused as old when they are sent again.)
 */

import { coarser, type SparseBuckets } from '../histogram-resolution.ts';

export interface DeltaLimits {
  /** Series with a running total; further ones are refused. */
  readonly maxSeries: number;
  /** A total that got nothing for so long may make room for a new series. */
  readonly maxStaleMs: number;
}

export const DEFAULT_DELTA_LIMITS: DeltaLimits = { maxSeries: 100_000, maxStaleMs: 5 * 60_000 };

/** Buckets of one exponential histogram are merged until there are no more than these on one side. */
const MAX_BUCKETS = 160;

export interface NumberTotal {
  readonly kind: 'number';
  value: number;
}

export interface ExplicitTotal {
  readonly kind: 'explicit';
  bounds: readonly number[];
  counts: number[];
  count: number;
  sum: number;
  hasSum: boolean;
}

export interface ExponentialTotal {
  readonly kind: 'exponential';
  scale: number;
  zeroThreshold: number;
  zeroCount: number;
  /** By Prometheus's bucket index (upper bound inclusive). */
  positive: SparseBuckets;
  negative: SparseBuckets;
  count: number;
  sum: number;
}

export type Total = NumberTotal | ExplicitTotal | ExponentialTotal;

interface Entry {
  startMs: number;
  lastMs: number;
  version: number;
  total: Total;
}

/** What one request changed. */
export class DeltaJournal {
  readonly changes: { key: string; before: Entry | undefined; version: number }[] = [];
}

export interface Accumulated<T extends Total> {
  readonly startMs: number;
  readonly total: T;
}

export class DeltaTotals {
  readonly #limits: DeltaLimits;
  readonly #entries = new Map<string, Entry>();
  #version = 0;
  /** Points that were dropped, by reason; for metrics. */
  readonly dropped = { old: 0, full: 0 };

  constructor(limits: DeltaLimits = DEFAULT_DELTA_LIMITS) {
    this.#limits = limits;
  }

  /** Series with a running total. */
  get size(): number {
    return this.#entries.size;
  }

  /** Adds a point. Gives the new total, which the caller must not keep, or why the point is dropped. */
  add<T extends Total>(
    key: string,
    startMs: number,
    timestampMs: number,
    point: T,
    journal: DeltaJournal,
  ): Accumulated<T> | string {
    const before = this.#entries.get(key);
    if (before !== undefined && timestampMs <= before.lastMs) {
      this.dropped.old++;
      return 'delta point is not newer than the last one of its series';
    }
    if (before === undefined && this.#entries.size >= this.#limits.maxSeries && !this.#evict(timestampMs)) {
      this.dropped.full++;
      return `more than ${this.#limits.maxSeries} series with delta temporality (max-delta-series)`;
    }
    const total = before === undefined ? undefined : addTotals(before.total, point);
    const entry: Entry = {
      startMs: total === undefined ? startMs : (before as Entry).startMs,
      lastMs: timestampMs,
      version: ++this.#version,
      total: total ?? point,
    };
    journal.changes.push({ key, before, version: entry.version });
    // The map's order is the order of use.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return { startMs: entry.startMs, total: entry.total as T };
  }

  /** Takes back the changes of a request that was not stored. */
  undo(journal: DeltaJournal): void {
    for (let i = journal.changes.length - 1; i >= 0; i--) {
      const { key, before, version } = journal.changes[i] as DeltaJournal['changes'][number];
      if (this.#entries.get(key)?.version !== version) continue;
      if (before === undefined) this.#entries.delete(key);
      else this.#entries.set(key, before);
    }
  }

  #evict(nowMs: number): boolean {
    const oldest = this.#entries.entries().next();
    if (oldest.done || nowMs - oldest.value[1].lastMs < this.#limits.maxStaleMs) return false;
    this.#entries.delete(oldest.value[0]);
    return true;
  }
}

/** The sum, or undefined when the point does not fit the total (another kind or other bounds): a new start. */
function addTotals(total: Total, point: Total): Total | undefined {
  if (total.kind === 'number' && point.kind === 'number') {
    return { kind: 'number', value: total.value + point.value };
  }
  if (total.kind === 'explicit' && point.kind === 'explicit') {
    const { bounds } = total;
    if (bounds.length !== point.bounds.length || bounds.some((bound, i) => bound !== point.bounds[i]))
      return undefined;
    if (total.counts.length !== point.counts.length) return undefined;
    return {
      kind: 'explicit',
      bounds,
      counts: total.counts.map((count, i) => count + (point.counts[i] as number)),
      count: total.count + point.count,
      sum: total.sum + point.sum,
      hasSum: total.hasSum && point.hasSum,
    };
  }
  if (total.kind === 'exponential' && point.kind === 'exponential') return addExponential(total, point);
  return undefined;
}

function addExponential(a: ExponentialTotal, b: ExponentialTotal): ExponentialTotal | undefined {
  // Buckets below the wider threshold would have to move into the zero bucket: a new start is the honest answer.
  if (a.zeroThreshold !== b.zeroThreshold) return undefined;
  let scale = Math.min(a.scale, b.scale);
  let positive = merge(coarser(a.positive, a.scale - scale), coarser(b.positive, b.scale - scale));
  let negative = merge(coarser(a.negative, a.scale - scale), coarser(b.negative, b.scale - scale));
  while (scale > -4 && (positive.size > MAX_BUCKETS || negative.size > MAX_BUCKETS)) {
    scale--;
    positive = coarser(positive, 1);
    negative = coarser(negative, 1);
  }
  return {
    kind: 'exponential',
    scale,
    zeroThreshold: a.zeroThreshold,
    zeroCount: a.zeroCount + b.zeroCount,
    positive,
    negative,
    count: a.count + b.count,
    sum: a.sum + b.sum,
  };
}

function merge(a: SparseBuckets, b: SparseBuckets): SparseBuckets {
  const merged = new Map(a);
  for (const [index, count] of b) merged.set(index, (merged.get(index) ?? 0) + count);
  return merged;
}
