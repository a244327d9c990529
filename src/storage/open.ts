/** Opens storage: an embedded engine in a data directory or servers given by URL, migrated and ready to use. */

import { availableParallelism, totalmem } from 'node:os';
import { StorageClient } from './client.ts';
import { EmbeddedEngine } from './engine/embedded.ts';
import { migrate } from './schema/migrate.ts';
import { type ScopedClient, tenantScope } from './scope.ts';

export interface StorageOptions {
  /** Embedded engine with its data in this directory. */
  readonly dataDir?: string;
  /** Ceiling of the engine's memory; default: a quarter of the machine's, at most 2 GB. */
  readonly maxMemoryBytes?: number;
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
}

export interface Storage {
  /** The client of one tenant, for selects. */
  scope(tenant: string): ScopedClient;
  close(): Promise<void>;
}

const DATABASE = 'trivium';

export async function openStorage(options: StorageOptions): Promise<Storage> {
  if (options.dataDir === undefined) throw new Error('openStorage needs dataDir');
  const cores = availableParallelism();
  const engine = await EmbeddedEngine.start({
    dataDir: options.dataDir,
    limits: {
      maxMemoryBytes: options.maxMemoryBytes ?? Math.min(totalmem() / 4, 2 * 2 ** 30),
      mergeThreads: Math.max(2, Math.min(cores, 8)),
      queryThreads: cores,
    },
    log: options.log ?? (() => {}),
  });
  const client = new StorageClient({ endpoint: engine.endpoint, ready: engine.ready, database: DATABASE });
  try {
    await migrate(client);
  } catch (error) {
    client.close();
    await engine.close();
    throw error;
  }
  return {
    scope: (tenant) => tenantScope(client, tenant),
    async close() {
      client.close();
      await engine.close();
    },
  };
}
