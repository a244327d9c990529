/**
 * Documents (dashboards, silences, ...) as versioned rows. A version is written once; when two writers write the same
 * version, the first one has it and the other gets a conflict. Bodies are opaque texts.
 */

import { randomBytes } from 'node:crypto';
import type { StorageClient } from './client.ts';
import { BlockEncoder } from './native.ts';
import { bind, type Sql, sql, TENANT, table } from './sql.ts';

export interface Document {
  readonly kind: string;
  readonly id: string;
  /** 1 for the first version. */
  readonly version: number;
  readonly body: string;
  /** Milliseconds since the epoch. */
  readonly writtenMs: number;
}

/** Somebody else wrote the document in the meantime. */
export class DocumentConflictError extends Error {
  /** The version that is stored now; 0 when there is none. */
  readonly version: number;

  constructor(kind: string, id: string, expected: number, version: number) {
    super(`${kind} ${id} has version ${version}, not ${expected}`);
    this.name = 'DocumentConflictError';
    this.version = version;
  }
}

export interface DocumentStore {
  /** The newest version, or undefined when there is none or it was deleted. */
  get(tenant: string, kind: string, id: string): Promise<Document | undefined>;
  /** Newest versions of all documents of a kind, by id. */
  list(tenant: string, kind: string): Promise<Document[]>;
  /** All versions of a document, newest first; deleted ones have an empty body. */
  history(tenant: string, kind: string, id: string): Promise<Document[]>;
  /**
   * Writes the next version. `expectedVersion` is the version that the caller has seen (0: the document must be new or
   * deleted); undefined overwrites whatever there is. Throws DocumentConflictError.
   */
  put(tenant: string, kind: string, id: string, body: string, expectedVersion?: number): Promise<Document>;
  /** Deletes; false when there was nothing. Throws DocumentConflictError as `put`. */
  delete(tenant: string, kind: string, id: string, expectedVersion?: number): Promise<boolean>;
}

interface Stored extends Document {
  readonly deleted: boolean;
  readonly writer: bigint;
}

const visible = ({ kind, id, version, body, writtenMs }: Stored): Document => ({
  kind,
  id,
  version,
  body,
  writtenMs,
});

const TARGET = 'documents (tenant, kind, id, version, writer, deleted, body)';
const MAX_ATTEMPTS = 5;

export function documentStore(client: StorageClient): DocumentStore {
  const select = async (tenant: string, where: Sql): Promise<Stored[]> => {
    // The first row of a version is the one that counts.
    const rows = await client.rows(
      sql`SELECT kind, id, version, writer, toUnixTimestamp64Milli(written) AS written_ms, deleted, body
        FROM ${table.documents} WHERE ${TENANT} AND ${where}
        ORDER BY kind, id, version DESC, written, writer LIMIT 1 BY kind, id, version`,
      {},
      tenant,
    );
    return rows.map((row) => ({
      kind: String(row.kind),
      id: String(row.id),
      version: Number(row.version),
      writer: row.writer as bigint,
      writtenMs: Number(row.written_ms),
      deleted: row.deleted === 1,
      body: String(row.body),
    }));
  };
  const versions = (tenant: string, kind: string, id: string): Promise<Stored[]> =>
    select(tenant, sql`kind = ${bind.string(kind)} AND id = ${bind.string(id)}`);
  // Some documents have versions by the thousand (a batch job's pushes): bodies of old ones are not read.
  const newest = async (tenant: string, kind: string, id: string): Promise<Stored | undefined> => {
    const one = sql`kind = ${bind.string(kind)} AND id = ${bind.string(id)}`;
    const last = sql`SELECT max(version) FROM ${table.documents} WHERE ${TENANT} AND ${one}`;
    return (await select(tenant, sql`${one} AND version = (${last})`))[0];
  };

  const write = async (
    tenant: string,
    kind: string,
    id: string,
    body: string,
    deleted: boolean,
    expected: number | undefined,
  ): Promise<Document | undefined> => {
    for (let attempt = 1; ; attempt++) {
      const before = await newest(tenant, kind, id);
      const present = before !== undefined && !before.deleted ? before.version : 0;
      if (expected !== undefined && expected !== present)
        throw new DocumentConflictError(kind, id, expected, present);
      if (deleted && present === 0) return undefined;
      const version = (before?.version ?? 0) + 1;
      const writer = randomBytes(8).readBigUInt64LE();
      const out = new BlockEncoder(7, 1, body.length * 3 + 1024);
      out.constant('tenant', tenant);
      out.texts('kind', [kind]);
      out.texts('id', [id]);
      out.uint64('version', BigUint64Array.of(BigInt(version)));
      out.uint64('writer', BigUint64Array.of(writer));
      out.uint8('deleted', Uint8Array.of(deleted ? 1 : 0));
      out.texts('body', [body]);
      const block = out.finish();
      let stored: Stored | undefined;
      // Servers drop an insert whose token they have noted: of all writers of a version, the first to commit wins. A
      // token may have been noted by an insert that was killed before its commit; then the next one is tried.
      for (let tries = 0; stored === undefined && tries < MAX_ATTEMPTS; tries++) {
        const deduplicationToken = JSON.stringify([tenant, kind, id, version, tries]);
        await client.insert(TARGET, [block], { deduplicationToken });
        [stored] = await select(
          tenant,
          sql`kind = ${bind.string(kind)} AND id = ${bind.string(id)} AND version = ${bind.uint64(version)}`,
        );
      }
      if (stored?.writer === writer) return visible(stored);
      if (expected !== undefined || attempt === MAX_ATTEMPTS)
        throw new DocumentConflictError(kind, id, expected ?? version - 1, stored?.version ?? version);
    }
  };

  return {
    async get(tenant, kind, id) {
      const document = await newest(tenant, kind, id);
      return document === undefined || document.deleted ? undefined : visible(document);
    },
    async list(tenant, kind) {
      const ofKind = sql`kind = ${bind.string(kind)}`;
      const last = sql`SELECT id, max(version) FROM ${table.documents} WHERE ${TENANT} AND ${ofKind} GROUP BY id`;
      const rows = await select(tenant, sql`${ofKind} AND (id, version) IN (${last})`);
      return rows.filter((row) => !row.deleted).map(visible);
    },
    async history(tenant, kind, id) {
      return (await versions(tenant, kind, id)).map(visible);
    },
    async put(tenant, kind, id, body, expectedVersion) {
      return (await write(tenant, kind, id, body, false, expectedVersion)) as Document;
    },
    async delete(tenant, kind, id, expectedVersion) {
      return (await write(tenant, kind, id, '', true, expectedVersion)) !== undefined;
    },
  };
}
