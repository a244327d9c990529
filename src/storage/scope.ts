/**
 * The tenant scope: the only client that selects get. It fills the tenant predicate into every query, and rendering
 * refuses a query that reads a table without one. It cannot write.
 */

import type { QueryOptions, StorageClient } from './client.ts';
import type { Block } from './native.ts';
import type { Sql } from './sql.ts';

/** A client bound to one tenant. Every `${table.x}` of a query needs its `${TENANT}` predicate. */
export interface ScopedClient {
  readonly tenant: string;
  /** Blocks as they arrive. Leaving the loop early, or aborting, ends the query on the server. */
  stream(query: Sql, options?: QueryOptions): AsyncGenerator<Block, void, undefined>;
  query(query: Sql, options?: QueryOptions): Promise<Block[]>;
  /** Rows as objects; for small results. 64-bit integers are bigint, maps are Map. */
  rows(query: Sql, options?: QueryOptions): Promise<Record<string, unknown>[]>;
}

/** Gives the scoped client of a tenant. What `src/storage/select` is built on. */
export type TenantScope = (tenant: string) => ScopedClient;

/** Binds a client to a tenant. */
export function tenantScope(client: StorageClient, tenant: string): ScopedClient {
  return {
    tenant,
    stream: (query, options) => client.stream(query, options, tenant),
    query: (query, options) => client.query(query, options, tenant),
    rows: (query, options) => client.rows(query, options, tenant),
  };
}
