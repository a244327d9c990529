/** Documents in memory with the versions and conflicts of the real store. */

import type { GroupStore } from '../../src/collector/pushgateway/pushgateway.ts';

export class MemoryStore implements GroupStore {
  readonly documents = new Map<string, { id: string; version: number; body: string; deleted: boolean }>();
  /** Runs before the next `put`, as another process might. */
  intruder: (() => Promise<void>) | undefined;

  async list(tenant: string, kind: string) {
    const prefix = JSON.stringify([tenant, kind]);
    return [...this.documents]
      .filter(([key, { deleted }]) => key.startsWith(prefix) && !deleted)
      .map(([, document]) => document);
  }

  async put(tenant: string, kind: string, id: string, body: string, expectedVersion?: number) {
    const { intruder } = this;
    this.intruder = undefined;
    await intruder?.();
    const key = JSON.stringify([tenant, kind]) + id;
    const old = this.documents.get(key);
    const present = old === undefined || old.deleted ? 0 : old.version;
    if (expectedVersion !== undefined && expectedVersion !== present) {
      throw Object.assign(new Error('conflict'), { name: 'DocumentConflictError' });
    }
    const document = { id, version: (old?.version ?? 0) + 1, body, deleted: false };
    this.documents.set(key, document);
    return document;
  }

  async delete(tenant: string, kind: string, id: string) {
    const key = JSON.stringify([tenant, kind]) + id;
    const old = this.documents.get(key);
    if (old === undefined || old.deleted) return false;
    this.documents.set(key, { ...old, version: old.version + 1, deleted: true });
    return true;
  }
}
