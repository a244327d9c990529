/**
 * Brings a database to the newest schema: creates it, runs the migrations that it lacks, in order, and writes down
 * which ones it has. Every statement can be repeated, so a migration that was interrupted is simply run again.
 */

import type { StorageClient } from '../client.ts';
import { StorageError } from '../errors.ts';
import { bind, type RenderedSql, sql } from '../sql.ts';
import { V1 } from './v1.ts';

export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [{ version: 1, name: 'all tables', statements: V1 }];

const NO_PARAMETERS: RenderedSql['params'] = new Map();

/** Returns the versions that were applied now. `client` must be one of the database to migrate. */
export async function migrate(
  client: StorageClient,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<readonly number[]> {
  const outside = client.withDatabase('system');
  // The name is a constant of this program or an operator's option, checked by the caller.
  await outside.commandText({
    text: `CREATE DATABASE IF NOT EXISTS ${client.database} ENGINE = Atomic`,
    params: NO_PARAMETERS,
  });
  outside.close();
  await client.commandText({
    text: `CREATE TABLE IF NOT EXISTS migrations (
  version UInt32, name String, applied DateTime64(3, 'UTC') DEFAULT now64(3)
) ENGINE = MergeTree ORDER BY version`,
    params: NO_PARAMETERS,
  });
  const rows = await client.rows(sql`SELECT DISTINCT version FROM migrations`);
  const done = new Set(rows.map((row) => Number(row.version)));
  const newest = migrations.at(-1)?.version ?? 0;
  for (const version of done)
    if (version > newest)
      throw new StorageError(
        'permanent',
        0,
        `the data were written by a newer version of this program (schema ${version}, known up to ${newest})`,
      );
  const applied: number[] = [];
  for (const migration of migrations) {
    if (done.has(migration.version)) continue;
    for (const text of migration.statements) await client.commandText({ text, params: NO_PARAMETERS });
    await client.command(
      sql`INSERT INTO migrations (version, name) SELECT ${bind.uint32(migration.version)}, ${bind.string(migration.name)}`,
    );
    applied.push(migration.version);
  }
  return applied;
}
