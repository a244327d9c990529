/** Configuration of the embedded engine, as the two XML files that ClickHouse reads. Pure text. */

import { createHash } from 'node:crypto';

export interface EngineLimits {
  /** Ceiling for everything in the engine: inserts, queries, merges, caches. */
  readonly maxMemoryBytes: number;
  /** Threads for merges and mutations. */
  readonly mergeThreads: number;
  /** Threads of one query. */
  readonly queryThreads: number;
}

/** Another ClickHouse node, for clusters of embedded engines. */
export interface RemoteNode {
  readonly host: string;
  readonly tcpPort: number;
  readonly user: string;
  readonly password: string;
}

export interface EngineConfig {
  readonly limits: EngineLimits;
  readonly usersFile: string;
  /** Clusters by name: one shard per node. */
  readonly clusters: Readonly<Record<string, readonly RemoteNode[]>>;
}

/** Queries that the engine's own session runs: listen, then stay. `tcp` opens the native protocol too (clusters). */
export function sessionQuery(tcp: boolean): string {
  return [
    'SYSTEM START LISTEN HTTP',
    ...(tcp ? ['SYSTEM START LISTEN TCP'] : []),
    // The session must run something for ever; sleeping costs nothing.
    'SELECT sleepEachRow(3) FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null',
  ].join('; ');
}

export function serverConfig({ limits, usersFile, clusters }: EngineConfig): string {
  const settings: Record<string, string | number> = {
    users_config: usersFile,
    max_server_memory_usage: limits.maxMemoryBytes,
    mark_cache_size: 64 << 20,
    primary_index_cache_size: 32 << 20,
    index_mark_cache_size: 16 << 20,
    uncompressed_cache_size: 0,
    index_uncompressed_cache_size: 0,
    mmap_cache_size: 0,
    query_cache_size: 0,
    compiled_expression_cache_size: 32 << 20,
    query_condition_cache_size: 16 << 20,
    background_pool_size: limits.mergeThreads,
    background_merges_mutations_concurrency_ratio: 2,
    background_schedule_pool_size: 4,
    background_common_pool_size: 2,
    background_move_pool_size: 1,
    background_fetches_pool_size: 1,
    background_buffer_flush_schedule_pool_size: 1,
    background_distributed_schedule_pool_size: 1,
    background_message_broker_schedule_pool_size: 1,
    max_thread_pool_size: 400,
    max_concurrent_queries: 200,
    asynchronous_metrics_update_period_s: 120,
    keep_alive_timeout: 60,
    max_table_size_to_drop: 0,
    max_partition_size_to_drop: 0,
  };
  let xml = '<clickhouse>\n';
  for (const [name, value] of Object.entries(settings))
    xml += `  <${name}>${escapeXml(String(value))}</${name}>\n`;
  xml += '  <remote_servers>\n';
  for (const [name, nodes] of Object.entries(clusters)) {
    xml += `    <${name}>\n`;
    for (const node of nodes)
      xml +=
        '      <shard><replica>' +
        `<host>${escapeXml(node.host)}</host><port>${node.tcpPort}</port>` +
        `<user>${escapeXml(node.user)}</user><password>${escapeXml(node.password)}</password>` +
        '</replica></shard>\n';
    xml += `    </${name}>\n`;
  }
  return `${xml}  </remote_servers>\n</clickhouse>\n`;
}

/**
 * Two users. `default` is the engine's own session, which always logs in without a password; it may open the listener
 * and read the numbers it sleeps on, nothing else, and others can use it for no more than that. `user` has everything.
 */
export function usersConfig(user: string, password: string, limits: EngineLimits): string {
  const hash = createHash('sha256').update(password).digest('hex');
  return `<clickhouse>
  <profiles>
    <default><max_threads>${limits.queryThreads}</max_threads></default>
    <session><max_memory_usage>50000000</max_memory_usage><max_threads>1</max_threads></session>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password><profile>session</profile><quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query><query>GRANT SELECT ON system.numbers</query></grants>
    </default>
    <${user}>
      <password_sha256_hex>${hash}</password_sha256_hex><profile>default</profile><quota>default</quota>
      <grants><query>GRANT ALL ON *.* WITH GRANT OPTION</query></grants>
    </${user}>
  </users>
</clickhouse>
`;
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
