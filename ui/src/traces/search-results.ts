/**
 * Tempo's search answer as rows for the list and points for the scatter plot. Pure.
 */

import type { FoundTrace } from '../api/tempo.ts';
import { hexId } from './otlp-decode.ts';

export interface FoundService {
  readonly service: string;
  readonly spans: number;
  readonly errors: number;
}

export interface TraceRow {
  readonly traceId: string;
  readonly service: string;
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  /** Spans that matched the query; the first of them, for the link. */
  readonly matched: number;
  readonly firstSpanId: string;
  readonly services: readonly FoundService[];
  readonly spans: number;
  readonly errors: number;
}

export function toRows(traces: readonly FoundTrace[]): TraceRow[] {
  return traces.map((t) => {
    const sets = t.spanSets ?? (t.spanSet === undefined ? [] : [t.spanSet]);
    const services = Object.entries(t.serviceStats ?? {})
      .map(([service, s]) => ({ service, spans: s.spanCount ?? 0, errors: s.errorCount ?? 0 }))
      .sort((a, b) => b.spans - a.spans || (a.service < b.service ? -1 : 1));
    return {
      traceId: t.traceID.toLowerCase().padStart(32, '0'),
      service: t.rootServiceName ?? '',
      name: t.rootTraceName ?? '',
      startMs: Number(BigInt(t.startTimeUnixNano || '0') / 1000n) / 1000,
      durationMs: t.durationMs ?? 0,
      matched: sets.reduce((sum, set) => sum + set.matched, 0),
      firstSpanId: hexId(sets[0]?.spans?.[0]?.spanID ?? ''),
      services,
      spans: services.reduce((sum, s) => sum + s.spans, 0),
      errors: services.reduce((sum, s) => sum + s.errors, 0),
    };
  });
}

export type SortKey = 'start' | 'duration' | 'spans' | 'errors';

/** Newest, longest, largest, most broken first. */
export function sortRows(rows: readonly TraceRow[], by: SortKey): TraceRow[] {
  const value = (r: TraceRow): number =>
    by === 'start' ? r.startMs : by === 'duration' ? r.durationMs : by === 'spans' ? r.spans : r.errors;
  return [...rows].sort(
    (a, b) => value(b) - value(a) || b.startMs - a.startMs || (a.traceId < b.traceId ? -1 : 1),
  );
}

/** Columns for the scatter plot: x in seconds ascending, y in milliseconds, apart for traces with errors. */
export interface ScatterColumns {
  readonly x: number[];
  readonly fine: (number | null)[];
  readonly failed: (number | null)[];
  /** Row of each point. */
  readonly rows: readonly TraceRow[];
}

/** Durations are drawn on a logarithmic scale: whole milliseconds of 0 are drawn at half of one. */
const LEAST_MS = 0.5;

export function scatterColumns(rows: readonly TraceRow[]): ScatterColumns {
  const sorted = [...rows].sort((a, b) => a.startMs - b.startMs);
  const y = (r: TraceRow): number => Math.max(LEAST_MS, r.durationMs);
  return {
    x: sorted.map((r) => r.startMs / 1000),
    fine: sorted.map((r) => (r.errors === 0 ? y(r) : null)),
    failed: sorted.map((r) => (r.errors > 0 ? y(r) : null)),
    rows: sorted,
  };
}
