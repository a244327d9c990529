// The table of services from Tempo's metrics: request rate, errors and p95 per service, put together
// from three answers of which any may be missing. Pure.
import { anyValueText, type TraceMetricsSeries } from '../api/tempo.ts';

export interface ServiceRow {
  name: string;
  /** Requests per second over the range; null if not known. */
  rate: number | null;
  /** Share of requests with an error, 0 to 1; null if not known. */
  errorRatio: number | null;
  p95Seconds: number | null;
  /** Requests per second over time, for the sparkline. */
  rates: readonly (number | null)[];
  /** Log lines per second; null if not known. */
  logRate: number | null;
}

export const serviceLabel = 'resource.service.name';

/** The service that a series is about; null for the series of spans without one. */
export function serviceOf(series: TraceMetricsSeries): string | null {
  const label = series.labels.find((l) => l.key === serviceLabel || l.key === 'service.name');
  const name = anyValueText(label?.value);
  return name === '' || name === 'nil' ? null : name;
}

function values(series: TraceMetricsSeries): number[] {
  return series.samples.map((sample) => sample.value ?? 0).filter(Number.isFinite);
}

const mean = (list: readonly number[]) =>
  list.length === 0 ? 0 : list.reduce((a, b) => a + b, 0) / list.length;

/** The last value that is not missing. A p95 of an empty interval is no value. */
function lastPositive(list: readonly number[]): number | null {
  for (let i = list.length - 1; i >= 0; i--) {
    const value = list[i];
    if (value !== undefined && value > 0) return value;
  }
  return null;
}

export interface ServiceAnswers {
  rates: readonly TraceMetricsSeries[] | undefined;
  errors: readonly TraceMetricsSeries[] | undefined;
  p95: readonly TraceMetricsSeries[] | undefined;
  /** Log lines per second by service name. */
  logs: Readonly<Record<string, number>> | undefined;
}

/**
 * One row per service that any answer names, the busiest first. The last, unfinished interval of a
 * rate is left out. Error ratio 0 needs both answers: no errors found, and errors asked for.
 */
export function serviceRows(answers: ServiceAnswers): ServiceRow[] {
  const rows = new Map<string, ServiceRow>();
  const row = (name: string): ServiceRow => {
    let known = rows.get(name);
    if (!known) {
      known = { name, rate: null, errorRatio: null, p95Seconds: null, rates: [], logRate: null };
      rows.set(name, known);
    }
    return known;
  };
  for (const series of answers.rates ?? []) {
    const name = serviceOf(series);
    if (name === null) continue;
    const list = values(series);
    const finished = list.length > 1 ? list.slice(0, -1) : list;
    // Before its first request a service was not there, rather than idle.
    const begin = finished.findIndex((value) => value > 0);
    const known = row(name);
    known.rates = begin < 0 ? [] : finished.map((value, i) => (i < begin ? null : value));
    known.rate = begin < 0 ? (list.at(-1) ?? 0) : mean(finished.slice(begin));
    if (answers.errors) known.errorRatio = 0;
  }
  for (const series of answers.errors ?? []) {
    const name = serviceOf(series);
    if (name === null) continue;
    const errors = values(series).reduce((a, b) => a + b, 0);
    const total = (answers.rates ?? [])
      .filter((one) => serviceOf(one) === name)
      .flatMap(values)
      .reduce((a, b) => a + b, 0);
    if (total > 0) row(name).errorRatio = Math.min(1, errors / total);
  }
  for (const series of answers.p95 ?? []) {
    const name = serviceOf(series);
    if (name !== null) row(name).p95Seconds = lastPositive(values(series));
  }
  for (const [name, rate] of Object.entries(answers.logs ?? {})) row(name).logRate = rate;
  return [...rows.values()].sort((a, b) => (b.rate ?? -1) - (a.rate ?? -1) || a.name.localeCompare(b.name));
}

/** A sparkline as the `d` of an SVG path in a box; gaps where there is no value. */
export function sparklinePath(list: readonly (number | null)[], width: number, height: number): string {
  const max = Math.max(0, ...list.map((value) => value ?? 0));
  if (list.length < 2 || max === 0) return '';
  let path = '';
  let pen = 'M';
  list.forEach((value, i) => {
    if (value === null) {
      pen = 'M';
      return;
    }
    const x = (i / (list.length - 1)) * width;
    const y = height - 1 - (value / max) * (height - 2);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return path;
}
