// From the answers of the query APIs to what a chart draws: one shared time column and one value
// column per series, with null where there is no value. Pure.
import type { Labels, MatrixSeries } from '../api/prometheus.ts';
import { anyValueText, type TraceMetricsSeries } from '../api/tempo.ts';

export interface ChartSeries {
  name: string;
  labels: Labels;
  values: (number | null)[];
}

export interface Columns {
  /** Seconds since 1970, ascending. */
  times: number[];
  series: ChartSeries[];
}

interface PointSeries {
  labels: Labels;
  points: readonly (readonly [seconds: number, value: number])[];
}

/** Prometheus' and Loki's sample values: text, with NaN and infinities. */
export function parseSample(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}

/** `name{a="1", b="2"}` as the query languages write it. */
export function formatLabels(labels: Labels): string {
  const { __name__: name = '', ...rest } = labels;
  const pairs = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.join(', ')}}`;
}

/** Short names that tell series apart: labels that all share are left out, a single label is its value. */
export function seriesNames(all: readonly Labels[]): string[] {
  if (all.length === 0) return [];
  if (all.length === 1)
    return all.map((labels) => (Object.keys(labels).length === 0 ? 'value' : formatLabels(labels)));
  const names = new Set(all.flatMap((labels) => Object.keys(labels)));
  const differing = [...names].filter((name) => new Set(all.map((labels) => labels[name])).size > 1);
  const only = differing.length === 1 ? differing[0] : undefined;
  if (only !== undefined) return all.map((labels) => labels[only] || `(no ${only})`);
  return all.map((labels) => {
    const kept: Record<string, string> = {};
    for (const name of differing) {
      const value = labels[name];
      if (value !== undefined) kept[name] = value;
    }
    return formatLabels(kept);
  });
}

/** The shared time column: all times of all series, plus one point in every hole wider than a step. */
function timeColumn(series: readonly PointSeries[], stepSeconds: number): number[] {
  const seen = new Set<number>();
  for (const one of series) for (const [time] of one.points) seen.add(time);
  const sorted = [...seen].sort((a, b) => a - b);
  const out: number[] = [];
  for (const time of sorted) {
    const last = out.at(-1);
    // Without a point in the hole the line would be drawn across it.
    if (last !== undefined && time - last > stepSeconds * 1.5) out.push(last + stepSeconds);
    out.push(time);
  }
  return out;
}

/** Columns of series given by points; NaN and infinities become gaps. */
export function toColumns(series: readonly PointSeries[], stepSeconds: number): Columns {
  const times = timeColumn(series, stepSeconds);
  const at = new Map(times.map((time, index) => [time, index]));
  const names = seriesNames(series.map((one) => one.labels));
  return {
    times,
    series: series.map((one, i) => {
      const values: (number | null)[] = new Array(times.length).fill(null);
      for (const [time, value] of one.points) {
        const index = at.get(time);
        if (index !== undefined && Number.isFinite(value)) values[index] = value;
      }
      return { name: names[i] ?? '', labels: one.labels, values };
    }),
  };
}

/** A matrix of Prometheus or Loki. Series that hold native histograms only have no points. */
export function matrixToColumns(matrix: readonly MatrixSeries[], stepSeconds: number): Columns {
  const series = matrix.map((one) => ({
    labels: one.metric,
    points: (one.values ?? []).map(([time, text]) => [time, parseSample(text)] as const),
  }));
  return toColumns(series, stepSeconds);
}

/**
 * Series of Tempo's metrics API. With `zeroIsGap`, a 0 is no value: quantiles of intervals without spans are
 * answered as 0.
 */
export function traceMetricsToColumns(
  answer: readonly TraceMetricsSeries[],
  stepSeconds: number,
  zeroIsGap = false,
): Columns {
  const series = answer.map((one) => ({
    labels: Object.fromEntries(one.labels.map((label) => [label.key, anyValueText(label.value)])),
    points: one.samples.map((sample) => {
      const value = sample.value ?? 0;
      return [Number(sample.timestampMs) / 1000, zeroIsGap && value === 0 ? Number.NaN : value] as const;
    }),
  }));
  return toColumns(series, stepSeconds);
}

/** The largest series, largest first, for charts that cannot show all; as they are, if there are few. */
export function largestSeries(columns: Columns, limit: number): Columns {
  if (columns.series.length <= limit) return columns;
  const weight = (s: ChartSeries) => s.values.reduce<number>((sum, v) => sum + Math.abs(v ?? 0), 0);
  const kept = columns.series
    .map((series) => ({ series, weight: weight(series) }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, limit);
  return { times: columns.times, series: kept.map((entry) => entry.series) };
}

export interface SeriesSummary {
  last: number | null;
  min: number | null;
  max: number | null;
  mean: number | null;
}

export function summarize(values: readonly (number | null)[]): SeriesSummary {
  let last: number | null = null;
  let min: number | null = null;
  let max: number | null = null;
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (value === null) continue;
    last = value;
    min = min === null || value < min ? value : min;
    max = max === null || value > max ? value : max;
    sum += value;
    count++;
  }
  return { last, min, max, mean: count === 0 ? null : sum / count };
}

/** Sums from each series to the last, so that drawing in order paints a stack. */
export function stackFromTop(series: readonly ChartSeries[], shown: readonly boolean[]): (number | null)[][] {
  const length = series[0]?.values.length ?? 0;
  const out = series.map(() => new Array<number | null>(length).fill(null));
  for (let t = 0; t < length; t++) {
    let sum = 0;
    for (let s = series.length - 1; s >= 0; s--) {
      const value = series[s]?.values[t] ?? null;
      if (!shown[s]) continue;
      if (value !== null) sum += value;
      const column = out[s];
      if (column) column[t] = value === null && sum === 0 ? null : sum;
    }
  }
  return out;
}
