// PromQL in the editor: the official language package, completing from Trivium's Prometheus API.
import type { Extension } from '@codemirror/state';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { prometheusBase } from '../api/prometheus.ts';

/**
 * The linter stays off: it does not know `$__rate_interval` and the like, and the server's own
 * message, underlined where it points, says more.
 */
export function promql(): Extension {
  return new PromQLExtension()
    .setComplete({ remote: { url: prometheusBase, httpMethod: 'GET', cache: { maxAge: 60_000 } } })
    .activateLinter(false)
    .asExtension();
}
