/** http_sd: target groups from a URL that answers JSON. */

import type { HttpDiscoveryConfig } from './config.ts';
import { readGroups, refreshEvery, type StartDiscovery } from './mechanism.ts';

const MAX_BYTES = 64 * 2 ** 20;

export const startHttpDiscovery: StartDiscovery<HttpDiscoveryConfig> = (config, deps, emit) => {
  const client = deps.http(config.http);
  const discovery = refreshEvery('http', config.refreshMs, deps, async (signal) => {
    try {
      const response = await client.request({
        url: config.url,
        headers: {
          accept: 'application/json',
          'user-agent': deps.userAgent,
          'x-prometheus-refresh-interval-seconds': String(config.refreshMs / 1000),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(Math.max(1000, config.refreshMs))]),
      });
      const body = Buffer.from(await response.bytes(MAX_BYTES)).toString();
      if (response.status !== 200) throw new Error(`server returned HTTP status ${response.statusLine}`);
      const type = response.headers['content-type'] ?? '';
      if (!/^application\/json(;|$)/i.test(type.trim())) {
        throw new Error(`unsupported content type ${JSON.stringify(type)}`);
      }
      emit(readGroups(JSON.parse(body), config.url, { __meta_url: config.url }));
    } catch (error) {
      deps.metrics.add('prometheus_sd_http_failures_total', 1);
      throw error;
    }
  });
  return {
    close() {
      discovery.close();
      client.close();
    },
  };
};
