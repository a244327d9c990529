/**
 * Opens storage: an embedded engine in a data directory, or servers given by URL; migrated, with retention set, and
 * ready to use. Everything else in storage is reached from here.
 */

import { mkdirSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { BatchSink } from '../model/batch.ts';
import { StorageClient } from './client.ts';
import { type DocumentStore, documentStore } from './documents.ts';
import { EmbeddedEngine } from './engine/embedded.ts';
import { NO_METRICS, type StorageMetrics } from './metrics.ts';
import { applyRetention, KEEP_ALL, type Retention } from './retention.ts';
import { migrateCluster } from './schema/cluster.ts';
import { migrate } from './schema/migrate.ts';
import { type ScopedClient, tenantScope } from './scope.ts';
import { ServerList } from './servers.ts';
import { bind, sql } from './sql.ts';
import { rejectedBlocks } from './writers/rejected.ts';
import { StorageSink, type StorageSinkOptions } from './writers/sink.ts';

export interface StorageOptions {
  /**
   * Embedded: the engine's data, logs and rejected blocks lie here. With `clickhouseUrl`: only rejected blocks (and
   * none are kept without it).
   */
  readonly dataDir?: string;
  /** External servers instead of the embedded engine; one URL per node of a cluster. */
  readonly clickhouseUrl?: string | readonly string[];
  /** Where the URL has none. */
  readonly user?: string;
  readonly password?: string;
  /** Name of a cluster that all URLs belong to: tables are distributed over it. */
  readonly cluster?: string;
  /** Default: nothing expires. */
  readonly retention?: Retention;
  /** Ceiling of the embedded engine's memory. Default: a quarter of the machine's, at least 512 MB, at most 2 GB. */
  readonly maxMemoryBytes?: number;
  /** Of one query; default: half of the engine's ceiling. */
  readonly queryMemoryBytes?: number;
  readonly queryTimeoutMs?: number;
  /** Encoded blocks that may wait for their commit; beyond, pushes are refused. */
  readonly maxQueueBytes?: number;
  /** Ids remembered as stored (32 bytes each at most). */
  readonly maxKnownIds?: number;
  readonly groupCommit?: StorageSinkOptions['groupCommit'];
  readonly metrics?: StorageMetrics;
  readonly log?: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** One table's size. */
export interface TableStatistics {
  readonly table: string;
  readonly rows: number;
  readonly bytesOnDisk: number;
  readonly parts: number;
}

export interface StorageStatus {
  readonly mode: 'embedded' | 'external' | 'cluster';
  readonly version: string;
  /** Process of the embedded engine. */
  readonly enginePid: number | undefined;
  readonly engineRestarts: number;
  readonly tables: readonly TableStatistics[];
}

export interface Storage {
  /** Takes what receivers decode; resolves after the commit. */
  readonly sink: BatchSink;
  readonly documents: DocumentStore;
  /** The client of one tenant, for selects. */
  scope(tenant: string): ScopedClient;
  /** Resolves when storage answers; rejects with a transient StorageError. */
  check(signal?: AbortSignal): Promise<void>;
  status(): Promise<StorageStatus>;
  /** The client of storage itself, without tenant: for maintenance (back-up, OPTIMIZE), never for requests. */
  administrator(): StorageClient;
  /** Applies another retention, also to what is stored already. */
  setRetention(retention: Retention): Promise<void>;
  /** Commits what is queued (for at most `graceMs`), then ends the engine. */
  close(graceMs?: number): Promise<void>;
}

const DATABASE = 'trivium';
const MIB = 1 << 20;
const DEFAULT_QUERY_TIMEOUT_MS = 120_000;
const DEFAULT_QUEUE_BYTES = 64 * MIB;
const DEFAULT_KNOWN_IDS = 1_000_000;
const REJECTED_BYTES = 256 * MIB;
const CLOSE_GRACE_MS = 5000;

/** What differs between the modes. */
interface Backend {
  readonly mode: StorageStatus['mode'];
  readonly client: StorageClient;
  /** Clients of each node's own tables. */
  readonly local: readonly StorageClient[];
  readonly engine: EmbeddedEngine | undefined;
}

export async function openStorage(options: StorageOptions): Promise<Storage> {
  const log = options.log ?? (() => {});
  const metrics = options.metrics ?? NO_METRICS;
  const backend =
    options.clickhouseUrl === undefined
      ? await openEmbedded(options, log, metrics)
      : await openServers(options);
  const { client, engine, local } = backend;
  const closeBackend = async (): Promise<void> => {
    client.close();
    for (const node of local) node.close();
    await engine?.close();
  };
  const setRetention = async (retention: Retention): Promise<void> => {
    for (const node of local) {
      const changed = await applyRetention(node, retention);
      if (changed.length > 0) log('info', `retention set for ${changed.join(', ')}`);
    }
  };
  try {
    await setRetention(options.retention ?? KEEP_ALL);
  } catch (error) {
    await closeBackend();
    throw error;
  }
  const sink = new StorageSink({
    client,
    metrics,
    log,
    rejected:
      options.dataDir === undefined
        ? { keep: async () => undefined }
        : rejectedBlocks({ directory: join(options.dataDir, 'rejected'), maxBytes: REJECTED_BYTES, log }),
    now: options.now ?? Date.now,
    maxQueueBytes: options.maxQueueBytes ?? DEFAULT_QUEUE_BYTES,
    maxKnownIds: Math.max(1000, Math.floor((options.maxKnownIds ?? DEFAULT_KNOWN_IDS) / 2)),
    ...(options.groupCommit === undefined ? {} : { groupCommit: options.groupCommit }),
  });
  return {
    sink,
    documents: documentStore(client),
    scope: (tenant) => tenantScope(client, tenant),
    async check(signal) {
      await client.rows(sql`SELECT 1`, { signal, timeoutMs: 5000 });
    },
    async status() {
      const [first] = await client.rows(sql`SELECT version() AS version`);
      const tables = new Map<string, { rows: number; bytesOnDisk: number; parts: number }>();
      for (const node of local) {
        for (const row of await node.rows(
          sql`SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes, count() AS parts FROM system.parts
            WHERE active AND database = ${bind.string(node.database)} GROUP BY table ORDER BY table`,
        )) {
          const name = String(row.table);
          const sum = tables.get(name) ?? { rows: 0, bytesOnDisk: 0, parts: 0 };
          sum.rows += Number(row.rows);
          sum.bytesOnDisk += Number(row.bytes);
          sum.parts += Number(row.parts);
          tables.set(name, sum);
        }
      }
      return {
        mode: backend.mode,
        version: String(first?.version),
        enginePid: engine?.pid,
        engineRestarts: engine?.restarts ?? 0,
        tables: [...tables].map(([table, sum]) => ({ table, ...sum })),
      };
    },
    administrator: () => client,
    setRetention,
    async close(graceMs = CLOSE_GRACE_MS) {
      await sink.close(graceMs);
      await closeBackend();
    },
  };
}

function limitsOf(options: StorageOptions): { memory: number; query: number; timeoutMs: number } {
  const memory =
    options.maxMemoryBytes ?? Math.max(512 * MIB, Math.min(Math.floor(totalmem() / 4), 2048 * MIB));
  return {
    memory,
    query: options.queryMemoryBytes ?? Math.floor(memory / 2),
    timeoutMs: options.queryTimeoutMs ?? DEFAULT_QUERY_TIMEOUT_MS,
  };
}

async function openEmbedded(
  options: StorageOptions,
  log: NonNullable<StorageOptions['log']>,
  metrics: StorageMetrics,
): Promise<Backend> {
  if (options.dataDir === undefined)
    throw new TypeError('storage needs a data directory or a ClickHouse URL');
  if (options.cluster !== undefined) throw new TypeError('a cluster needs the URLs of its nodes');
  const cores = availableParallelism();
  const { memory, query, timeoutMs } = limitsOf(options);
  const engine = await EmbeddedEngine.start({
    dataDir: options.dataDir,
    limits: {
      maxMemoryBytes: memory,
      mergeThreads: Math.max(2, Math.min(cores, 8)),
      queryThreads: cores,
    },
    log,
    restarted: () => metrics.add('trivium_storage_engine_restarts_total', 1, {}),
  });
  const client = new StorageClient({
    endpoint: engine.endpoint,
    ready: engine.ready,
    database: DATABASE,
    queryMemoryBytes: query,
    queryTimeoutMs: timeoutMs,
  });
  try {
    await migrate(client);
  } catch (error) {
    client.close();
    await engine.close();
    throw error;
  }
  return { mode: 'embedded', client, local: [client], engine };
}

async function openServers(options: StorageOptions): Promise<Backend> {
  const { clickhouseUrl, cluster, user, password } = options;
  const servers = new ServerList({
    urls:
      typeof clickhouseUrl === 'string'
        ? clickhouseUrl.split(',').map((url) => url.trim())
        : (clickhouseUrl ?? []),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
  });
  if (options.dataDir !== undefined) mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const { query, timeoutMs } = limitsOf(options);
  const limits = { queryMemoryBytes: query, queryTimeoutMs: timeoutMs };
  const { endpoint, failed, endpoints, database } = servers;
  if (cluster === undefined) {
    const client = new StorageClient({ endpoint, failed, database, ...limits });
    try {
      await migrate(client);
    } catch (error) {
      client.close();
      throw error;
    }
    return { mode: 'external', client, local: [client], engine: undefined };
  }
  const everywhere = await migrateCluster(endpoints, database, cluster);
  return {
    mode: 'cluster',
    client: new StorageClient({ endpoint, failed, database: everywhere, ...limits }),
    local: endpoints.map((node) => new StorageClient({ endpoint: () => node, database, ...limits })),
    engine: undefined,
  };
}
