/**
 * Keeps what short-lived jobs push, as Pushgateway does: groups by grouping key, stored as documents so that they
 * survive a restart. Their samples go into storage at once and then every 15 seconds, as a scrape with honor_labels
 * would bring them. Knows nothing of HTTP.
 */

import type { BatchSink } from '../../model/batch.ts';
import { InputError, LimitError } from '../../model/errors.ts';
import type { Labels } from '../../model/labels.ts';
import { groupsBatch } from './batch.ts';
import { decodeGroup, encodeGroup, groupId, type PushedFamily, type PushGroup } from './group.ts';
import type { PushedPage } from './page.ts';

/** Where groups are kept: documents by tenant, kind and id. A `put` or `delete` on another version than it expects
 * throws an error named DocumentConflictError. */
export interface GroupStore {
  list(
    tenant: string,
    kind: string,
  ): Promise<readonly { readonly id: string; readonly version: number; readonly body: string }[]>;
  put(
    tenant: string,
    kind: string,
    id: string,
    body: string,
    expectedVersion?: number,
  ): Promise<{ readonly version: number }>;
  delete(tenant: string, kind: string, id: string, expectedVersion?: number): Promise<boolean>;
}

export interface PushgatewayOptions {
  readonly store: GroupStore;
  readonly sink: BatchSink;
  /** Present time in milliseconds. */
  readonly now: () => number;
  /** Under which the list of tenants that have pushed is kept. */
  readonly defaultTenant: string;
  /** Groups of one tenant (pushgateway.max-groups). */
  readonly maxGroups?: number;
  /** How old the view on groups of other processes may be; undefined when there are none. */
  readonly reloadMs?: number;
  readonly onError: (message: string, error: unknown) => void;
}

export const SCRAPE_INTERVAL_MS = 15_000;
const DEFAULT_MAX_GROUPS = 10_000;
const GROUP = 'pushgateway-group';
const TENANT = 'pushgateway-tenant';
const MAX_ATTEMPTS = 5;

type Groups = Map<string, { readonly version: number; readonly group: PushGroup }>;

export class Pushgateway {
  readonly #options: PushgatewayOptions;
  readonly #groups = new Map<string, { readonly loadedMs: number; readonly groups: Groups }>();
  readonly #locks = new Map<string, Promise<unknown>>();
  #tenants: Set<string> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PushgatewayOptions) {
    this.#options = options;
  }

  /** Begins to write the samples of all groups every 15 seconds. */
  start(): void {
    this.#schedule(this.#options.now());
  }

  /**
   * The next scrape is at the first time of a common grid behind `afterMs` (several processes write the same samples
   * then, not twice as many), or later when that has passed.
   */
  #schedule(afterMs: number): void {
    if (this.#closed) return;
    const nowMs = this.#options.now();
    const fromMs = Math.max(afterMs, nowMs);
    const dueMs = fromMs - (fromMs % SCRAPE_INTERVAL_MS) + SCRAPE_INTERVAL_MS;
    // Timers may fire a moment early: the samples have the time that was meant.
    this.#timer = setTimeout(
      () => void this.scrape(dueMs).finally(() => this.#schedule(dueMs)),
      dueMs - nowMs,
    );
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Writes the samples of all groups of all tenants once, with this time. */
  async scrape(timestampMs: number): Promise<void> {
    const { sink, onError } = this.#options;
    try {
      for (const tenant of await this.#knownTenants()) {
        const groups = await this.groups(tenant);
        if (groups.length === 0) continue;
        await sink.writeMetrics(groupsBatch(tenant, groups, timestampMs));
      }
    } catch (error) {
      onError('pushed metrics were not stored again', error);
    }
  }

  /** All groups of a tenant, by grouping key. */
  async groups(tenant: string): Promise<PushGroup[]> {
    return this.#locked(tenant, async () => {
      const groups = await this.#load(tenant);
      return [...groups.values()]
        .map(({ group }) => group)
        .sort((a, b) => (a.labels.key < b.labels.key ? -1 : 1));
    });
  }

  /**
   * Takes a page: in place of the whole group, or only of the families that it names. Resolves when it is stored.
   * Throws InputError, and notes the failure in the group, when the page contradicts itself or another group.
   */
  async push(tenant: string, labels: Labels, page: PushedPage, replace: boolean): Promise<void> {
    await this.#change(tenant, labels, (groups, old) => {
      const id = groupId(labels);
      if (old === undefined && groups.size >= (this.#options.maxGroups ?? DEFAULT_MAX_GROUPS)) {
        throw new LimitError('pushgateway.max-groups', `more than ${groups.size} groups`);
      }
      const nowMs = this.#options.now();
      const problem = page.problem ?? clash(page.families, groups, id);
      if (problem !== undefined) {
        const failed: PushGroup = { ...(old ?? { labels, pushMs: 0, families: [] }), failureMs: nowMs };
        const message = `pushed metrics are invalid or inconsistent with existing metrics: ${problem}`;
        return { group: failed, error: new InputError(message) };
      }
      const names = new Set(page.families.map(({ name }) => name));
      const kept = replace || old === undefined ? [] : old.families.filter(({ name }) => !names.has(name));
      return {
        group: {
          labels,
          pushMs: nowMs,
          failureMs: old?.failureMs ?? 0,
          families: [...kept, ...page.families],
        },
        error: undefined,
      };
    });
  }

  /** Forgets a group; nothing happens when there is none. */
  async delete(tenant: string, labels: Labels): Promise<void> {
    await this.#locked(tenant, () => this.#delete(tenant, groupId(labels)));
  }

  /** Forgets all groups of a tenant. */
  async wipe(tenant: string): Promise<void> {
    await this.#locked(tenant, async () => {
      for (const id of [...(await this.#load(tenant)).keys()]) await this.#delete(tenant, id);
    });
  }

  async #delete(tenant: string, id: string): Promise<void> {
    const { store, sink, now } = this.#options;
    const groups = await this.#load(tenant);
    const old = groups.get(id)?.group;
    await store.delete(tenant, GROUP, id);
    groups.delete(id);
    if (old !== undefined) await sink.writeMetrics(groupsBatch(tenant, [], now(), old));
  }

  async #change(
    tenant: string,
    labels: Labels,
    next: (groups: Groups, old: PushGroup | undefined) => { group: PushGroup; error: InputError | undefined },
  ): Promise<void> {
    const { store, sink, now } = this.#options;
    const id = groupId(labels);
    await this.#locked(tenant, async () => {
      await this.#register(tenant);
      for (let attempt = 1; ; attempt++) {
        const groups = await this.#load(tenant);
        const old = groups.get(id);
        const { group, error } = next(groups, old?.group);
        try {
          const { version } = await store.put(tenant, GROUP, id, encodeGroup(group), old?.version ?? 0);
          groups.set(id, { version, group });
        } catch (conflict) {
          if (!(conflict instanceof Error && conflict.name === 'DocumentConflictError')) throw conflict;
          if (attempt === MAX_ATTEMPTS) throw conflict;
          // Another process was faster: look again.
          this.#groups.delete(tenant);
          continue;
        }
        await sink.writeMetrics(groupsBatch(tenant, [group], now(), old?.group));
        if (error !== undefined) throw error;
        return;
      }
    });
  }

  async #load(tenant: string): Promise<Groups> {
    const { store, now, reloadMs } = this.#options;
    const nowMs = now();
    const known = this.#groups.get(tenant);
    if (known !== undefined && (reloadMs === undefined || nowMs - known.loadedMs < reloadMs))
      return known.groups;
    const groups: Groups = new Map();
    for (const { id, version, body } of await store.list(tenant, GROUP)) {
      groups.set(id, { version, group: decodeGroup(body) });
    }
    this.#groups.set(tenant, { loadedMs: nowMs, groups });
    return groups;
  }

  async #knownTenants(): Promise<Set<string>> {
    const { store, defaultTenant } = this.#options;
    const listed = async () => (await store.list(defaultTenant, TENANT)).map(({ id }) => id);
    this.#tenants ??= new Set([defaultTenant, ...(await listed())]);
    return this.#tenants;
  }

  async #register(tenant: string): Promise<void> {
    const tenants = await this.#knownTenants();
    if (tenants.has(tenant)) return;
    await this.#options.store.put(this.#options.defaultTenant, TENANT, tenant, '{}');
    tenants.add(tenant);
  }

  /** Runs one change of a tenant after the other. */
  #locked<T>(tenant: string, run: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(tenant) ?? Promise.resolve();
    const mine = before.then(run, run);
    this.#locks.set(tenant, mine);
    const forget = () => {
      if (this.#locks.get(tenant) === mine) this.#locks.delete(tenant);
    };
    mine.then(forget, forget);
    return mine;
  }
}

/** Families of one name have one type in all groups. */
function clash(families: readonly PushedFamily[], groups: Groups, id: string): string | undefined {
  const types = new Map(families.map(({ name, type }) => [name, type]));
  for (const [other, { group }] of groups) {
    if (other === id) continue;
    for (const { name, type } of group.families) {
      const pushed = types.get(name);
      if (pushed === undefined || pushed === type) continue;
      return `metric ${JSON.stringify(name)} is a ${pushed}, but a ${type} in group ${other}`;
    }
  }
  return undefined;
}
