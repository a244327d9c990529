/** A MetricsSource on a real embedded engine, filled from a memory source. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MetricBatch } from '../../src/model/batch.ts';
import { Slots32, Slots64 } from '../../src/model/column.ts';
import type { Labels } from '../../src/model/labels.ts';
import type { MetricsSource } from '../../src/model/select-metrics.ts';
import { STALE_HIGH, STALE_LOW } from '../../src/model/stale.ts';
import { openStorage, type Storage } from '../../src/storage/index.ts';
import { metricsSource } from '../../src/storage/select/metrics.ts';
import type { MemorySource } from './memory-source.ts';

export const TENANT = 'test';

export interface StorageFixture {
  readonly storage: Storage;
  readonly source: MetricsSource;
  close(): Promise<void>;
}

export async function openFixture(): Promise<StorageFixture> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'trivium-promql-'));
  const storage = await openStorage({ dataDir });
  return {
    storage,
    source: metricsSource((tenant) => storage.scope(tenant)),
    async close() {
      await storage.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Everything that a memory source holds as batches of at most `rows` samples. */
export function* batchesOf(source: MemorySource, tenant = TENANT, rows = 50_000): Generator<MetricBatch> {
  const empty = () => ({
    tenant,
    series: [] as Labels[],
    seriesIndex: new Slots32(),
    timestampsMs: new Slots64(),
    values: new Slots64(),
    histograms: [] as MetricBatch['histograms'],
    exemplars: [] as MetricBatch['exemplars'],
    metadata: [],
  });
  let batch = empty();
  for (const { labels, samples, exemplars } of source.all()) {
    const index = batch.series.push(labels) - 1;
    for (const { timestampMs, value } of samples) {
      if (typeof value === 'object' || value === 'stale-histogram') {
        const histogram = typeof value === 'object' ? value : null;
        batch.histograms.push({ series: index, timestampMs, stale: histogram === null, histogram });
        continue;
      }
      batch.seriesIndex.push(index);
      batch.timestampsMs.pushFloat(timestampMs);
      if (value === 'stale') batch.values.pushHalves(STALE_LOW, STALE_HIGH);
      else batch.values.pushFloat(value);
    }
    for (const exemplar of exemplars) batch.exemplars.push({ series: index, exemplar });
    if (batch.values.length + batch.histograms.length >= rows) {
      yield batch;
      batch = empty();
    }
  }
  if (batch.series.length > 0) yield batch;
}

export async function loadInto(storage: Storage, source: MemorySource, tenant = TENANT): Promise<void> {
  for (const batch of batchesOf(source, tenant)) await storage.sink.writeMetrics(batch);
}
