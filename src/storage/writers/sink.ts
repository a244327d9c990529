/**
 * The sink of storage: takes columnar batches, turns them into Native blocks, and answers when they are committed.
 * Rows that describe (series, streams, resources, scopes) are committed before a batch is acknowledged; a crash in
 * between leaves rows that nobody was told about.
 */

import type { BatchSink, LogBatch, MetricBatch, SpanBatch } from '../../model/batch.ts';
import { OverloadedError } from '../../model/errors.ts';
import type { StorageClient } from '../client.ts';
import type { StorageMetrics } from '../metrics.ts';
import { ActivityRows } from './activity.ts';
import { GROUP_COMMIT_DEFAULTS, GroupCommit, type GroupCommitOptions, QueueBudget } from './group-commit.ts';
import { KnownIds } from './known-ids.ts';
import { LOG_RECORDS_TARGET, logBlock, STREAMS_TARGET, streamBlock, streamIds } from './log-blocks.ts';
import {
  dayOfMs,
  EXEMPLARS_TARGET,
  exemplarBlock,
  HISTOGRAMS_TARGET,
  histogramBlock,
  METADATA_TARGET,
  metadataBlock,
  SAMPLES_TARGET,
  SERIES_TARGET,
  sampleBlock,
  seriesBlock,
  seriesColumns,
} from './metric-blocks.ts';
import type { RejectedBlocks } from './rejected.ts';
import {
  RESOURCES_TARGET,
  resourceBlock,
  SCOPES_TARGET,
  SPANS_TARGET,
  scopeBlock,
  spanBlock,
  spanOwners,
} from './span-blocks.ts';

export interface StorageSinkOptions {
  readonly client: StorageClient;
  readonly metrics: StorageMetrics;
  readonly rejected: RejectedBlocks;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Milliseconds since the epoch; tells on which day metadata were seen. */
  readonly now: () => number;
  /** Limit `storage.queue-bytes`: encoded blocks that may wait for their commit. */
  readonly maxQueueBytes: number;
  /** Ids remembered as stored, per generation (16 bytes each, 32 with free slots; two generations). */
  readonly maxKnownIds: number;
  readonly groupCommit?: Partial<GroupCommitOptions>;
}

/** Descriptions come seldom and in small numbers; they need no spacing. */
const DESCRIPTIONS: Partial<GroupCommitOptions> = { maxConcurrentInserts: 1, lingerMs: 2 };

export class StorageSink implements BatchSink {
  readonly #options: StorageSinkOptions;
  readonly #budget: QueueBudget;
  readonly #known: KnownIds;
  readonly #stop = new AbortController();
  readonly #knownMetadata = new Set<string>();
  #metadataDay = 0;
  #closed = false;
  readonly #series: GroupCommit;
  readonly #samples: GroupCommit;
  readonly #histograms: GroupCommit;
  readonly #exemplars: GroupCommit;
  readonly #metadata: GroupCommit;
  readonly #streams: GroupCommit;
  readonly #logs: GroupCommit;
  readonly #resources: GroupCommit;
  readonly #scopes: GroupCommit;
  readonly #spans: GroupCommit;

  constructor(options: StorageSinkOptions) {
    this.#options = options;
    this.#budget = new QueueBudget(options.maxQueueBytes);
    this.#known = new KnownIds(options.maxKnownIds);
    const { client, metrics, rejected, log } = options;
    const parts = { client, metrics, rejected, log, budget: this.#budget, signal: this.#stop.signal };
    const committer = (target: string, changes: Partial<GroupCommitOptions> = {}): GroupCommit =>
      new GroupCommit(target, { ...GROUP_COMMIT_DEFAULTS, ...changes, ...options.groupCommit }, parts);
    this.#series = committer(SERIES_TARGET, DESCRIPTIONS);
    this.#samples = committer(SAMPLES_TARGET);
    this.#histograms = committer(HISTOGRAMS_TARGET);
    this.#exemplars = committer(EXEMPLARS_TARGET);
    this.#metadata = committer(METADATA_TARGET, DESCRIPTIONS);
    this.#streams = committer(STREAMS_TARGET, DESCRIPTIONS);
    this.#logs = committer(LOG_RECORDS_TARGET);
    this.#resources = committer(RESOURCES_TARGET, DESCRIPTIONS);
    this.#scopes = committer(SCOPES_TARGET, DESCRIPTIONS);
    this.#spans = committer(SPANS_TARGET);
    metrics.gauge('trivium_storage_queue_bytes', () => this.#budget.bytes);
    metrics.gauge('trivium_storage_queue_limit_bytes', () => this.#budget.maxBytes);
    metrics.gauge('trivium_storage_known_series', () => this.#known.size);
  }

  async writeMetrics(batch: MetricBatch): Promise<void> {
    this.#admit();
    const columns = seriesColumns(batch.series);
    const activity = new ActivityRows(columns.ids, this.#known, batch.tenant);
    const writes: [GroupCommit, Uint8Array, number][] = [];
    if (batch.seriesIndex.length > 0)
      writes.push([this.#samples, sampleBlock(batch, columns, activity.add), batch.seriesIndex.length]);
    if (batch.histograms.length > 0)
      writes.push([this.#histograms, histogramBlock(batch, columns, activity.add), batch.histograms.length]);
    if (batch.exemplars.length > 0)
      writes.push([this.#exemplars, exemplarBlock(batch, columns, activity.add), batch.exemplars.length]);
    if (activity.length > 0)
      writes.push([
        this.#series,
        seriesBlock(batch.tenant, batch.series, columns, activity),
        activity.length,
      ]);
    const day = dayOfMs(this.#options.now());
    const metadata = this.#newMetadata(batch, day);
    if (metadata.length > 0)
      writes.push([this.#metadata, metadataBlock(batch.tenant, metadata, day), metadata.length]);
    await this.#writeAll(writes);
    activity.committed();
    for (const item of metadata) this.#knownMetadata.add(metadataKey(batch.tenant, item));
  }

  async writeLogs(batch: LogBatch): Promise<void> {
    this.#admit();
    const rows = batch.streamIndex.length;
    if (rows === 0) return;
    const ids = streamIds(batch.streams);
    const activity = new ActivityRows(ids, this.#known, batch.tenant);
    const writes: [GroupCommit, Uint8Array, number][] = [
      [this.#logs, logBlock(batch, ids, activity.add), rows],
    ];
    if (activity.length > 0)
      writes.push([this.#streams, streamBlock(batch.tenant, batch.streams, ids, activity), activity.length]);
    await this.#writeAll(writes);
    activity.committed();
  }

  async writeSpans(batch: SpanBatch): Promise<void> {
    this.#admit();
    const rows = batch.startsNs.length;
    if (rows === 0) return;
    const owners = spanOwners(batch);
    const resources = new ActivityRows(owners.resources, this.#known, batch.tenant);
    const scopes = new ActivityRows(owners.scopes, this.#known, batch.tenant);
    const writes: [GroupCommit, Uint8Array, number][] = [
      [this.#spans, spanBlock(batch, owners, resources.add, scopes.add), rows],
    ];
    if (resources.length > 0)
      writes.push([this.#resources, resourceBlock(batch, owners, resources), resources.length]);
    if (scopes.length > 0) writes.push([this.#scopes, scopeBlock(batch, owners, scopes), scopes.length]);
    await this.#writeAll(writes);
    resources.committed();
    scopes.committed();
  }

  /** Refuses new pushes, commits what is queued, then gives up what cannot be committed within `graceMs`. */
  async close(graceMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const timer = setTimeout(() => this.#stop.abort(new Error('storage is closing')), graceMs);
    const all = [
      this.#series,
      this.#samples,
      this.#histograms,
      this.#exemplars,
      this.#metadata,
      this.#streams,
      this.#logs,
      this.#resources,
      this.#scopes,
      this.#spans,
    ];
    await Promise.all(all.map((committer) => committer.drain()));
    clearTimeout(timer);
  }

  /** Refuses early, before anything is encoded. */
  #admit(): void {
    if (this.#closed) throw new OverloadedError('storage is closing', 5000);
    if (this.#budget.bytes >= this.#budget.maxBytes) {
      this.#options.metrics.add('trivium_storage_overloaded_pushes_total', 1, { table: 'any' });
      this.#budget.take(1);
    }
  }

  async #writeAll(writes: readonly [GroupCommit, Uint8Array, number][]): Promise<void> {
    let bytes = 0;
    for (const [, block] of writes) bytes += block.length;
    try {
      this.#budget.take(bytes);
    } catch (error) {
      this.#options.metrics.add('trivium_storage_overloaded_pushes_total', 1, { table: 'any' });
      throw error;
    }
    // Wait for all, so that an error does not leave parts of the push in flight unseen.
    const results = await Promise.allSettled(writes.map(([to, block, rows]) => to.write(block, rows)));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  #newMetadata(batch: MetricBatch, day: number): MetricBatch['metadata'] {
    if (batch.metadata.length === 0) return [];
    if (day !== this.#metadataDay || this.#knownMetadata.size > 100_000) {
      this.#knownMetadata.clear();
      this.#metadataDay = day;
    }
    return batch.metadata.filter((item) => !this.#knownMetadata.has(metadataKey(batch.tenant, item)));
  }
}

function metadataKey(tenant: string, item: MetricBatch['metadata'][number]): string {
  return `${tenant}\0${item.family}\0${item.type}\0${item.unit}\0${item.help}`;
}
