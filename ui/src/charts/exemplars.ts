// Exemplars as dots: which trace they name, where they lie, and few enough to be told apart. Pure.
import type { ExemplarSeries, Labels } from '../api/prometheus.ts';
import type { TraceMetricsSeries } from '../api/tempo.ts';
import { anyValueText } from '../api/tempo.ts';
import { parseSample } from './columns.ts';

export interface Dot {
  seconds: number;
  value: number;
  traceId: string;
  spanId?: string | undefined;
  /** Found by Trivium among the spans, not sent by the client. */
  inferred: boolean;
  labels: Labels;
  seriesLabels: Labels;
}

const traceLabels = ['trace_id', 'traceID', 'traceId', 'trace.id', 'TraceID'];
const spanLabels = ['span_id', 'spanID', 'spanId', 'span.id'];
const inferredLabels = ['inferred', 'trivium_inferred', '__inferred__'];

const firstOf = (labels: Labels, names: readonly string[]) => names.map((n) => labels[n]).find(Boolean);

/** Exemplars that name a trace; the others cannot be followed and are left out. */
export function toDots(answer: readonly ExemplarSeries[]): Dot[] {
  const out: Dot[] = [];
  for (const series of answer) {
    for (const exemplar of series.exemplars) {
      const traceId = firstOf(exemplar.labels, traceLabels);
      const value = parseSample(exemplar.value);
      if (!traceId || !Number.isFinite(value)) continue;
      out.push({
        seconds: exemplar.timestamp,
        value,
        traceId,
        spanId: firstOf(exemplar.labels, spanLabels),
        inferred: firstOf({ ...series.seriesLabels, ...exemplar.labels }, inferredLabels) === 'true',
        labels: exemplar.labels,
        seriesLabels: series.seriesLabels,
      });
    }
  }
  return out;
}

export function traceMetricsDots(answer: readonly TraceMetricsSeries[]): Dot[] {
  const series = answer.map((one) => ({
    seriesLabels: toLabels(one.labels),
    exemplars: (one.exemplars ?? []).map((exemplar) => ({
      labels: normalizeTrace(toLabels(exemplar.labels)),
      value: String(exemplar.value ?? Number.NaN),
      timestamp: Number(exemplar.timestampMs) / 1000,
    })),
  }));
  return toDots(series);
}

const toLabels = (pairs: TraceMetricsSeries['labels']): Labels =>
  Object.fromEntries(pairs.map((pair) => [pair.key, anyValueText(pair.value)]));

const normalizeTrace = (labels: Labels): Labels =>
  labels['trace:id'] === undefined ? labels : { ...labels, trace_id: labels['trace:id'] };

/** At most one dot in a cell of the grid: the highest, and one that was sent before an inferred one. */
export function thinDots(dots: readonly Dot[], cell: { seconds: number; value: number }, limit = 250): Dot[] {
  const kept = new Map<string, Dot>();
  for (const dot of dots) {
    const key = `${Math.floor(dot.seconds / cell.seconds)}:${Math.floor(dot.value / cell.value)}`;
    const other = kept.get(key);
    if (
      !other ||
      (other.inferred && !dot.inferred) ||
      (other.inferred === dot.inferred && dot.value > other.value)
    ) {
      kept.set(key, dot);
    }
  }
  const list = [...kept.values()].sort((a, b) => b.value - a.value);
  return list.slice(0, limit).sort((a, b) => a.seconds - b.seconds);
}
