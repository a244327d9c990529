/** Trivium's own metrics into its own storage, as if it had scraped itself. */

import { hostname } from 'node:os';
import type { BatchSink } from '../model/batch.ts';
import { toBatch } from '../telemetry/exposition.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Registry } from '../telemetry/registry.ts';

const INTERVAL_MS = 15_000;

/** Writes every 15 seconds until closed; a failed write is logged and the next one goes on. */
export function storeOwnMetrics(
  registry: Registry,
  sink: BatchSink,
  options: { readonly tenant: string; readonly now: () => number; readonly log: Logger },
): { close(): void } {
  const target = { job: 'trivium', instance: hostname() };
  const write = async () => {
    try {
      await sink.writeMetrics(toBatch(await registry.collect(), options.tenant, target, options.now()));
    } catch (error) {
      options.log.warn('own metrics were not stored', { error });
    }
  };
  void write();
  const timer = setInterval(() => void write(), INTERVAL_MS);
  return { close: () => clearInterval(timer) };
}
