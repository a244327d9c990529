// First queries for what there is: from a metric's name and type, a label's value, a service. Pure.
import type { Labels } from '../api/prometheus.ts';
import { quoteLiteral } from '../app/links.ts';

const plainName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** A selector of a metric whose name may hold dots. */
export function metricSelector(name: string, labels: Labels = {}): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${quoteLiteral(value)}`);
  if (plainName.test(name)) return pairs.length === 0 ? name : `${name}{${pairs.join(', ')}}`;
  return `{${[quoteLiteral(name), ...pairs].join(', ')}}`;
}

export type MetricKind = 'counter' | 'gauge' | 'histogram' | 'summary' | 'unknown';

/** A sensible first query: a rate for counters, a quantile for histograms, the value else. */
export function suggestMetricQuery(name: string, kind: string): string {
  if (kind === 'histogram' && name.endsWith('_bucket')) {
    return `histogram_quantile(0.95, sum by (le) (rate(${metricSelector(name)}[$__rate_interval])))`;
  }
  const counts = kind === 'counter' || /_(total|count|sum|bucket)$/.test(name);
  if (kind === 'histogram' && !/_(count|sum)$/.test(name)) {
    return `histogram_quantile(0.95, sum(rate(${metricSelector(name)}[$__rate_interval])))`;
  }
  return counts ? `sum(rate(${metricSelector(name)}[$__rate_interval]))` : metricSelector(name);
}

/** The metadata entry of a series name: histograms' and summaries' series carry suffixes. */
export function familyOf<T>(name: string, families: Readonly<Record<string, T>>): T | undefined {
  return families[name] ?? families[name.replace(/_(bucket|count|sum|total)$/, '')];
}
