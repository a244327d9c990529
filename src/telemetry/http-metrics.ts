/** Requests by listener, route and status, under Trivium's name and under those that dashboards of Prometheus know. */

import type { Registry } from './registry.ts';

interface FinishedRequest {
  readonly listener: string;
  readonly dialect: string;
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}

/** A listener's `onFinished` that counts. */
export function httpMetrics(registry: Registry): (request: FinishedRequest) => void {
  const requests = registry.counter(
    'trivium_http_requests_total',
    'Requests by listener, route and status.',
    ['listener', 'route', 'method', 'code'],
  );
  const durations = registry.histogram(
    'trivium_http_request_duration_seconds',
    'Duration of requests by dialect and route.',
    ['dialect', 'route'],
  );
  const prometheusRequests = registry.counter(
    'prometheus_http_requests_total',
    'Requests to the Prometheus API.',
    ['handler', 'code'],
  );
  return ({ listener, dialect, route, method, status, durationMs }) => {
    requests.add(1, listener, route, method, String(status));
    durations.observe(durationMs / 1000, dialect, route);
    if (dialect === 'prometheus') prometheusRequests.add(1, route, String(status));
  };
}
