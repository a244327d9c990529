/**
 * One service process: starts the SDK, then the service, and follows the supervisor's orders. Ends by
 * itself as soon as the IPC channel closes, so nothing outlives the supervisor, even after kill -9.
 */

import { flushCompileCache } from 'node:module';
import { applyFaults } from './faults.ts';
import { Peers, serve } from './http.ts';
import { log } from './log.ts';
import type { FromService, ServiceConfig, ServiceName, ToService } from './protocol.ts';
import { Queue } from './queue.ts';
import type { ServiceFactory } from './service.ts';
import { startTelemetry } from './telemetry.ts';

const flushTimeoutMs = 2000;

const factories: Record<ServiceName, () => Promise<ServiceFactory>> = {
  storefront: async () => (await import('./services/storefront.ts')).storefront,
  catalog: async () => (await import('./services/catalog.ts')).catalog,
  orders: async () => (await import('./services/orders.ts')).orders,
  payments: async () => (await import('./services/payments.ts')).payments,
  inventory: async () => (await import('./services/inventory.ts')).inventory,
  recommendations: async () => (await import('./services/recommendations.ts')).recommendations,
};

function tell(message: FromService): void {
  if (process.connected) process.send?.(message);
}

async function main(config: ServiceConfig): Promise<void> {
  process.on('disconnect', () => process.exit(0));
  // A terminal's Ctrl-C reaches the whole group; the supervisor decides when we end.
  process.on('SIGINT', () => {});
  let ending = false;
  const stopTelemetry = await startTelemetry(config, (message) => {
    if (!ending) tell({ kind: 'warning', message });
  });
  const peers = new Peers();
  const queues: Queue[] = [];

  const end = async (status: number, reason: string): Promise<void> => {
    if (reason !== '') log('info', reason);
    ending = true;
    for (const queue of queues) queue.close();
    const limit = new Promise<void>((resolve) => setTimeout(resolve, flushTimeoutMs));
    await Promise.race([stopTelemetry(), limit]);
    process.exit(status);
  };

  const create = await factories[config.service]();
  const routes = create({
    config,
    peers,
    openQueue: () => {
      const queue = new Queue({ port: config.brokerPort, service: config.service, seed: config.seed });
      queues.push(queue);
      return queue;
    },
    die: (status) => void end(status, ''),
  });
  const { server, port } = await serve(config.service, config.seed, config.port, routes);

  process.on('message', (order: ToService) => {
    if (order.kind === 'topology') peers.update(order.ports);
    else if (order.kind === 'faults') applyFaults(order.enabled);
    else {
      server.close();
      server.closeIdleConnections();
      void end(0, 'service stopped');
    }
  });
  log('info', 'service started', { port, pid: process.pid });
  tell({ kind: 'listening', port });
  // So that the next start finds the code compiled and its types stripped, however this one ends.
  flushCompileCache();
}

if (import.meta.main) {
  const given = process.argv[2];
  if (given === undefined) throw new Error('child.ts is started by the supervisor with its configuration');
  await main(JSON.parse(given) as ServiceConfig);
}
