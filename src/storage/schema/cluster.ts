/**
 * Cluster mode: every node has the tables of the schema, and a second database with Distributed tables of the same
 * names over all nodes, which is what queries and inserts use. Names are checked constants; rows are placed by the
 * sharding keys of the schema, so that what is joined lies together.
 */

import { type Endpoint, StorageClient } from '../client.ts';
import { StorageError } from '../errors.ts';
import { bind, type RenderedSql, sql, TABLE_NAMES } from '../sql.ts';
import { migrate } from './migrate.ts';
import { SHARDING } from './v1.ts';

const NONE: RenderedSql['params'] = new Map();
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,60}$/;

/** Databases and clusters become part of statements, so they must be plain names. */
export function checkName(what: string, name: string): string {
  if (!NAME.test(name)) throw new StorageError('permanent', 0, `${what} '${name}' is not a plain name`);
  return name;
}

/** Migrates every node and creates the Distributed tables there. Returns the name of their database. */
export async function migrateCluster(
  nodes: readonly Endpoint[],
  database: string,
  cluster: string,
): Promise<string> {
  checkName('cluster', cluster);
  const everywhere = checkName('database', `${database}_cluster`);
  for (const node of nodes) {
    const client = new StorageClient({ endpoint: () => node, database });
    try {
      await migrate(client);
      const [known] = await client
        .withDatabase('system')
        .rows(
          sql`SELECT count() AS nodes, countDistinct(shard_num) AS shards FROM clusters WHERE cluster = ${bind.string(cluster)}`,
        );
      const size = Number(known?.nodes ?? 0);
      if (size === 0)
        throw new StorageError('permanent', 0, `${node.url.host} does not know a cluster named '${cluster}'`);
      if (size > nodes.length)
        throw new StorageError(
          'permanent',
          0,
          `cluster '${cluster}' has ${size} nodes but ${nodes.length} URLs were given; give the URL of every node`,
        );
      await client.commandText({
        text: `CREATE DATABASE IF NOT EXISTS ${everywhere} ENGINE = Atomic`,
        params: NONE,
      });
      for (const table of TABLE_NAMES)
        await client.commandText({
          text:
            `CREATE TABLE IF NOT EXISTS ${everywhere}.${table} AS ${database}.${table} ` +
            `ENGINE = Distributed('${cluster}', '${database}', '${table}', ${SHARDING[table]})`,
          params: NONE,
        });
    } finally {
      client.close();
    }
  }
  return everywhere;
}
