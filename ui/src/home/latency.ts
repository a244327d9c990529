// Which metric tells how long a service took to answer, and the queries over it. Pure.
import type { Labels } from '../api/prometheus.ts';
import { quoteLiteral } from '../app/links.ts';

/** Server-side durations as OpenTelemetry's conventions name them in Prometheus, the preferred first. */
const candidates: readonly { name: string; classic: boolean }[] = [
  { name: 'http_server_request_duration_seconds_bucket', classic: true },
  { name: 'http_server_request_duration_seconds', classic: false },
  { name: 'http_server_duration_milliseconds_bucket', classic: true },
  { name: 'http_server_duration_milliseconds', classic: false },
  { name: 'traces_spanmetrics_latency_bucket', classic: true },
];

/** Asks which of the candidates there are, and for which jobs. */
export const latencyProbe = `count by (__name__, job) ({__name__=~"${candidates.map((c) => c.name).join('|')}"})`;

export interface LatencySource {
  metric: string;
  classic: boolean;
  jobs: readonly string[];
}

/** The best metric that the probe found; null if there is none. */
export function latencySource(found: readonly { metric: Labels }[]): LatencySource | null {
  for (const { name, classic } of candidates) {
    const jobs = found
      .filter((sample) => sample.metric.__name__ === name)
      .map((sample) => sample.metric.job ?? '');
    if (jobs.length > 0) return { metric: name, classic, jobs: [...new Set(jobs)].sort() };
  }
  return null;
}

/** `service` or `namespace/service`: how OpenTelemetry's resource becomes a job. */
export function jobOf(source: LatencySource, service: string): string | undefined {
  return source.jobs.find((job) => job === service || job.endsWith(`/${service}`));
}

/** The p95 of a source: by job, or of one job by route. */
export function latencyQuery(source: LatencySource, job?: string): string {
  const by = job === undefined ? ['job'] : ['http_route'];
  const selector = job === undefined ? '' : `{job=${quoteLiteral(job)}}`;
  const grouping = (source.classic ? ['le', ...by] : by).join(', ');
  return `histogram_quantile(0.95, sum by (${grouping}) (rate(${source.metric}${selector}[$__rate_interval])))`;
}
