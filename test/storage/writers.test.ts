/** Writers against a real engine: overload, poison, retention, retries. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { OverloadedError } from '../../src/model/errors.ts';
import { EmbeddedEngine } from '../../src/storage/engine/embedded.ts';
import {
  openStorage,
  type Retention,
  type Storage,
  StorageClient,
  StorageError,
  type StorageMetrics,
} from '../../src/storage/index.ts';
import { BlockEncoder } from '../../src/storage/native.ts';
import { sql, TENANT, table } from '../../src/storage/sql.ts';
import { GROUP_COMMIT_DEFAULTS, GroupCommit, QueueBudget } from '../../src/storage/writers/group-commit.ts';
import { rejectedBlocks } from '../../src/storage/writers/rejected.ts';
import { temporaryDirectory } from './backends.ts';
import { logs, metrics, spans } from './batches.ts';

const NOW = Date.now();
const DAY_MS = 86_400_000;

/** Counts what storage tells. */
class Counters implements StorageMetrics {
  readonly counts = new Map<string, number>();
  readonly gauges = new Map<string, () => number>();

  add(name: string, value: number, labels: Readonly<Record<string, string>>): void {
    const key = `${name}${JSON.stringify(labels)}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + value);
  }
  observe(name: string, _value: number, labels: Readonly<Record<string, string>>): void {
    this.add(`${name}_count`, 1, labels);
  }
  gauge(name: string, read: () => number): void {
    this.gauges.set(name, read);
  }
}

describe('group commit', () => {
  let directory: string;
  let engine: EmbeddedEngine;
  let client: StorageClient;
  const metricsOf = new Counters();
  const messages: string[] = [];
  const TARGET = 'numbers (n)';

  before(async () => {
    directory = temporaryDirectory();
    engine = await EmbeddedEngine.start({
      dataDir: directory,
      limits: { maxMemoryBytes: 1 << 30, mergeThreads: 2, queryThreads: 2 },
      log: () => {},
    });
    const outside = new StorageClient({ endpoint: engine.endpoint, database: 'system' });
    await outside.command(sql`CREATE DATABASE g ENGINE = Atomic`);
    outside.close();
    client = new StorageClient({ endpoint: engine.endpoint, ready: engine.ready, database: 'g' });
    await client.command(
      sql`CREATE TABLE numbers (n UInt64, CONSTRAINT small CHECK n < 1000) ENGINE = MergeTree ORDER BY n
        SETTINGS non_replicated_deduplication_window = 100`,
    );
  });
  after(async () => {
    client.close();
    await engine.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const block = (n: number): Uint8Array => {
    const out = new BlockEncoder(1, 1);
    out.uint64('n', BigUint64Array.of(BigInt(n)));
    return out.finish();
  };
  const committer = (changes: Partial<typeof GROUP_COMMIT_DEFAULTS> = {}): GroupCommit =>
    new GroupCommit(
      TARGET,
      { ...GROUP_COMMIT_DEFAULTS, ...changes },
      {
        client,
        budget: new QueueBudget(1 << 20),
        metrics: metricsOf,
        rejected: rejectedBlocks({
          directory: join(directory, 'rejected'),
          maxBytes: 1 << 20,
          log: () => {},
        }),
        log: (level, message) => messages.push(`${level}: ${message}`),
        signal: new AbortController().signal,
      },
    );

  test('a poison push is set aside and refused, its companions are stored', async () => {
    const commit = committer({ lingerMs: 20 });
    const values = [1, 2, 3, 5000, 4, 5, 6000, 6];
    const results = await Promise.allSettled(values.map((n) => commit.write(block(n), 1)));
    assert.deepEqual(
      results.map((result) => result.status),
      values.map((n) => (n < 1000 ? 'fulfilled' : 'rejected')),
    );
    const failed = results[3] as PromiseRejectedResult;
    assert.ok(failed.reason instanceof StorageError);
    assert.equal(failed.reason.kind, 'permanent');
    const rows = await client.rows(sql`SELECT n FROM numbers ORDER BY n`);
    assert.deepEqual(
      rows.map((row) => row.n),
      [1n, 2n, 3n, 4n, 5n, 6n],
    );
    const files = readdirSync(join(directory, 'rejected')).sort();
    assert.equal(files.length, 4);
    const natives = files.filter((name) => name.endsWith('.native'));
    assert.deepEqual(
      natives.map(
        (name) =>
          readFileSync(join(directory, 'rejected', name)).compare(block(5000)) === 0 ||
          readFileSync(join(directory, 'rejected', name)).compare(block(6000)) === 0,
      ),
      [true, true],
    );
    assert.match(
      readFileSync(
        join(directory, 'rejected', files.find((name) => name.endsWith('.txt')) as string),
        'utf8',
      ),
      /CONSTRAINT|small|violated/i,
    );
    assert.equal(metricsOf.counts.get('trivium_storage_rejected_pushes_total{"table":"numbers"}'), 2);
    assert.equal(
      messages.filter((message) => /refused a push of 1 rows to numbers for good/.test(message)).length,
      2,
    );
  });

  test('a repeated insert with the same token stores nothing again', async () => {
    await client.insert(TARGET, [block(77)], { deduplicationToken: 'once' });
    await client.insert(TARGET, [block(77)], { deduplicationToken: 'once' });
    assert.deepEqual(await client.rows(sql`SELECT count() AS c FROM numbers WHERE n = 77`), [{ c: 1n }]);
  });

  test('when storage stays away, pushes are answered with "retry later"', async () => {
    const nowhere = new StorageClient({
      endpoint: () => ({ url: new URL('http://127.0.0.1:1'), user: 'x', password: '' }),
      database: 'g',
    });
    const commit = new GroupCommit(
      TARGET,
      { ...GROUP_COMMIT_DEFAULTS, retryForMs: 0 },
      {
        client: nowhere,
        budget: new QueueBudget(1 << 20),
        metrics: metricsOf,
        rejected: { keep: () => assert.fail('nothing was refused for good') },
        log: () => {},
        signal: new AbortController().signal,
      },
    );
    await assert.rejects(commit.write(block(1), 1), OverloadedError);
    nowhere.close();
  });

  test('drain waits for what is queued', async () => {
    const commit = committer({ lingerMs: 60_000 });
    const write = commit.write(block(88), 1);
    await commit.drain();
    await write;
    assert.deepEqual(await client.rows(sql`SELECT count() AS c FROM numbers WHERE n = 88`), [{ c: 1n }]);
  });
});

describe('the sink', () => {
  let directory: string;
  let storage: Storage;
  const metricsOf = new Counters();
  before(async () => {
    directory = temporaryDirectory();
    storage = await openStorage({
      dataDir: directory,
      maxMemoryBytes: 1 << 30,
      maxQueueBytes: 64 << 10,
      metrics: metricsOf,
    });
  });
  after(async () => {
    await storage.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('past the limit of the queue pushes are refused, the others are stored', async () => {
    const push = (n: number): Promise<void> =>
      storage.sink.writeLogs(
        logs('over', [{ stream: { n: '1' }, timeNs: BigInt(n), line: 'x'.repeat(5000) }]),
      );
    const results = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => push(n)));
    const stored = results.filter((result) => result.status === 'fulfilled').length;
    for (const result of results)
      if (result.status === 'rejected') {
        assert.ok(result.reason instanceof OverloadedError);
        assert.match(result.reason.message, /storage\.queue-bytes/);
      }
    assert.ok(stored > 0 && stored < 100, `${stored} stored`);
    const [row] = await storage
      .scope('over')
      .rows(sql`SELECT count() AS n FROM ${table.log_records} WHERE ${TENANT}`);
    assert.equal(row?.n, BigInt(stored));
    assert.equal(metricsOf.gauges.get('trivium_storage_queue_bytes')?.(), 0);
    assert.equal(
      metricsOf.counts.get('trivium_storage_overloaded_pushes_total{"table":"any"}'),
      100 - stored,
    );
  });

  test('descriptions are written once a day, not with every push', async () => {
    const rows = (): number =>
      metricsOf.counts.get('trivium_storage_insert_rows_total{"table":"series"}') ?? 0;
    const push = (timeMs: number): Promise<void> =>
      storage.sink.writeMetrics(metrics('desc', [[{ __name__: 'd' }, timeMs, 1]]));
    const before = rows();
    for (let i = 0; i < 5; i++) await push(NOW + i);
    assert.equal(rows() - before, 1);
    await push(NOW + DAY_MS);
    assert.equal(rows() - before, 2);
  });

  test('a time that is no time is refused', async () => {
    await assert.rejects(
      storage.sink.writeMetrics(metrics('desc', [[{ __name__: 'd' }, Number.NaN, 1]])),
      /time NaN/,
    );
  });

  test('a push that spans more weeks than an insert may is refused for good, not retried', async () => {
    const week = 7 * DAY_MS;
    const push = (weeks: number): Promise<void> =>
      storage.sink.writeMetrics(
        metrics(
          'weeks',
          Array.from({ length: weeks }, (_, i) => [{ __name__: 'w' }, i * week, i] as const),
        ),
      );
    await push(900);
    await assert.rejects(push(1100), (error) => error instanceof StorageError && error.kind === 'permanent');
  });

  test('after close everything is refused', async () => {
    const other = await openStorage({ dataDir: join(directory, 'other'), maxMemoryBytes: 1 << 30 });
    await other.close();
    await assert.rejects(
      other.sink.writeMetrics(metrics('x', [[{ __name__: 'd' }, NOW, 1]])),
      OverloadedError,
    );
    await assert.rejects(other.check(), StorageError);
  });
});

test('retention deletes what is too old, by signal and tenant, and can be changed', {
  timeout: 60_000,
}, async () => {
  const directory = temporaryDirectory();
  const open = (retention: Retention): Promise<Storage> =>
    openStorage({ dataDir: directory, maxMemoryBytes: 1 << 30, retention });
  let storage = await open({
    default: { metrics: 10 * DAY_MS, logs: 2 * DAY_MS, traces: 'none' },
    tenants: { "lo'ng\\": { metrics: 'none' }, short: { metrics: DAY_MS, logs: 'none' } },
  });
  const ages = [0, 5, 50];
  for (const tenant of ['normal', "lo'ng\\", 'short'])
    for (const age of ages) {
      const timeMs = NOW - age * DAY_MS;
      const timeNs = BigInt(timeMs) * 1_000_000n;
      await storage.sink.writeMetrics(metrics(tenant, [[{ __name__: 'm', age: String(age) }, timeMs, age]]));
      await storage.sink.writeLogs(
        logs(tenant, [{ stream: { age: String(age) }, timeNs, line: String(age) }]),
      );
      await storage.sink.writeSpans(
        spans(tenant, [
          {
            traceId: String(age + 1).padStart(32, '0'),
            spanId: '0000000000000001',
            startNs: timeNs,
            endNs: timeNs,
            name: String(age),
          },
        ]),
      );
    }
  const optimize = async (): Promise<void> => {
    const admin = storage.administrator();
    for (const statement of [
      sql`OPTIMIZE TABLE trivium.samples FINAL`,
      sql`OPTIMIZE TABLE trivium.log_records FINAL`,
      sql`OPTIMIZE TABLE trivium.spans FINAL`,
      sql`OPTIMIZE TABLE trivium.series FINAL`,
    ])
      await admin.command(statement);
  };
  const left = async (tenant: string): Promise<unknown[]> => {
    const scope = storage.scope(tenant);
    const first = async (query: ReturnType<typeof sql>): Promise<unknown> => (await scope.rows(query))[0]?.a;
    return [
      await first(
        sql`SELECT arraySort(groupArray(toUInt8(value))) AS a FROM ${table.samples} WHERE ${TENANT}`,
      ),
      await first(
        sql`SELECT arraySort(groupArray(toUInt8(labels['age']))) AS a FROM ${table.series} WHERE ${TENANT}`,
      ),
      await first(
        sql`SELECT arraySort(groupArray(toUInt8(body))) AS a FROM ${table.log_records} WHERE ${TENANT}`,
      ),
      await first(sql`SELECT arraySort(groupArray(toUInt8(name))) AS a FROM ${table.spans} WHERE ${TENANT}`),
    ];
  };
  await optimize();
  assert.deepEqual(await left('normal'), [[0, 5], [0, 5], [0], ages]);
  assert.deepEqual(await left("lo'ng\\"), [ages, ages, [0], ages]);
  assert.deepEqual(await left('short'), [[0], [0], ages, ages]);
  await storage.close();

  // Another retention applies to what is stored already.
  storage = await open({ default: { metrics: 'none', logs: 'none', traces: 10 * DAY_MS } });
  await optimize();
  assert.deepEqual(await left('short'), [[0], [0], ages, [0, 5]]);
  await storage.setRetention({ default: { metrics: 'none', logs: 'none', traces: 2 * DAY_MS } });
  await optimize();
  assert.deepEqual(await left('normal'), [[0, 5], [0, 5], [0], [0]]);
  await storage.close();
  rmSync(directory, { recursive: true, force: true });
});
