/** The embedded engine as a process: lock, restart, the end of its parent, its log, its users. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EmbeddedEngine } from '../../src/storage/engine/embedded.ts';
import { lockDirectory } from '../../src/storage/engine/lock.ts';
import { RotatingFile } from '../../src/storage/engine/log-file.ts';
import { DirectoryLockedError, openStorage, type Storage } from '../../src/storage/index.ts';
import { sql, TENANT, table } from '../../src/storage/sql.ts';
import { temporaryDirectory } from './backends.ts';
import { metrics } from './batches.ts';
import { alive } from './processes.ts';

const NOW = Date.UTC(2026, 0, 5);

describe('the data directory', () => {
  let directory: string;
  before(() => {
    directory = temporaryDirectory();
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test('a second process is refused and told who has it', () => {
    const unlock = lockDirectory(directory);
    assert.throws(
      () => lockDirectory(directory),
      (error) => {
        assert.ok(error instanceof DirectoryLockedError);
        assert.match(error.message, new RegExp(`${directory} is in use by process ${process.pid}`));
        return true;
      },
    );
    unlock();
    lockDirectory(directory)();
    assert.ok(!existsSync(join(directory, 'trivium.lock')));
  });

  const stale: [string, string][] = [
    ['of a process that is gone', JSON.stringify({ pid: 2 ** 22 - 1, host: hostnameOf(), started: '1' })],
    [
      'of another process with the same number',
      JSON.stringify({ pid: process.pid, host: hostnameOf(), started: '1' }),
    ],
    ['that was cut off while it was written', '{"pid":'],
  ];
  for (const [what, text] of stale)
    test(`a lock ${what} is taken over`, () => {
      writeFileSync(join(directory, 'trivium.lock'), text);
      lockDirectory(directory)();
      assert.ok(!existsSync(join(directory, 'trivium.lock')));
    });

  test("another machine's lock is respected", () => {
    writeFileSync(
      join(directory, 'trivium.lock'),
      JSON.stringify({ pid: 1, host: 'elsewhere', started: '' }),
    );
    assert.throws(() => lockDirectory(directory), /in use by process 1 on elsewhere/);
  });
});

function hostnameOf(): string {
  const directory = temporaryDirectory();
  const unlock = lockDirectory(directory);
  const { host } = JSON.parse(readFileSync(join(directory, 'trivium.lock'), 'utf8')) as { host: string };
  unlock();
  rmSync(directory, { recursive: true });
  return host;
}

test('log files rotate by size and keep the newest', () => {
  const directory = temporaryDirectory();
  const file = new RotatingFile(join(directory, 'x.log'), { maxBytes: 10, keep: 2 });
  for (const text of ['aaaaaa\n', 'bbbbbb\n', 'cccccc\n', 'dddddd\n']) file.write(text);
  file.close();
  assert.deepEqual(
    ['x.log', 'x.log.1', 'x.log.2'].map((name) => readFileSync(join(directory, name), 'utf8')),
    ['dddddd\n', 'cccccc\n', 'bbbbbb\n'],
  );
  assert.ok(!existsSync(join(directory, 'x.log.3')));
  rmSync(directory, { recursive: true });
});

describe('the engine', () => {
  let directory: string;
  let storage: Storage;
  const events: string[] = [];
  before(async () => {
    directory = temporaryDirectory();
    storage = await openStorage({
      dataDir: directory,
      maxMemoryBytes: 1 << 30,
      log: (level, message) => events.push(`${level}: ${message}`),
    });
  });
  after(async () => {
    await storage.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('a second storage on the directory is refused', async () => {
    await assert.rejects(openStorage({ dataDir: directory }), DirectoryLockedError);
  });

  test('killed under load, it is started again; pushes and queries wait and succeed', {
    timeout: 60_000,
  }, async () => {
    const pid = (await storage.status()).enginePid as number;
    const write = (n: number): Promise<void> =>
      storage.sink.writeMetrics(metrics('kill', [[{ __name__: 'k', n: String(n) }, NOW, n]]));
    const early = Array.from({ length: 20 }, (_, n) => write(n));
    process.kill(pid, 'SIGKILL');
    const late = Array.from({ length: 20 }, (_, n) => write(100 + n));
    await Promise.all([...early, ...late]);
    const [row] = await storage
      .scope('kill')
      .rows(sql`SELECT count() AS n, uniqExact(value) AS u FROM ${table.samples} WHERE ${TENANT}`);
    assert.deepEqual(row, { n: 40n, u: 40n });
    const status = await storage.status();
    assert.equal(status.engineRestarts, 1);
    assert.notEqual(status.enginePid, pid);
    assert.ok(
      events.some((event) => /error: the storage engine ended \(SIGKILL\)/.test(event)),
      events.join('\n'),
    );
    assert.ok(events.some((event) => /warn: the storage engine runs again/.test(event)));
  });

  test('the default user of the server can read nothing', async () => {
    const { pid } = process;
    assert.ok(pid > 0);
    const config = readFileSync(join(directory, 'engine', 'users.xml'), 'utf8');
    assert.ok(!config.includes('<password>secret'));
    const port = await portOf((await storage.status()).enginePid as number);
    for (const query of [
      'SELECT * FROM trivium.samples',
      'SELECT * FROM system.users',
      'CREATE TABLE trivium.x (a UInt8) ENGINE = Memory',
    ]) {
      const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: query });
      assert.equal(response.status, 500, query);
      assert.match(await response.text(), /Not enough privileges|ACCESS_DENIED/);
    }
  });
});

/** The engine's port, from its command line. */
async function portOf(pid: number): Promise<string> {
  const match = /--http_port=(\d+)/.exec(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
  assert.ok(match);
  return match[1] as string;
}

test('when the main process is killed, the engine ends and the directory is usable at once', {
  timeout: 60_000,
}, async () => {
  const directory = temporaryDirectory();
  const main = spawn(process.execPath, [new URL('./main-process.ts', import.meta.url).pathname, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const enginePid = await new Promise<number>((resolve) => {
    main.stdout.on('data', (chunk: Buffer) => {
      const match = /ready (\d+)/.exec(chunk.toString());
      if (match !== null) resolve(Number(match[1]));
    });
  });
  main.stdout.resume();
  const gone = new Promise((resolve) => main.once('exit', resolve));
  main.kill('SIGKILL');
  await gone;
  // ClickHouse's own lock would refuse the second engine if the first one still held the directory.
  const storage = await openStorage({ dataDir: directory });
  try {
    await storage.check();
    while (alive(enginePid)) await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    await storage.close();
    rmSync(directory, { recursive: true, force: true });
  }
});

test('an engine that cannot start says why', { timeout: 60_000 }, async () => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'engine'), { recursive: true });
  writeFileSync(join(directory, 'engine', 'data'), 'a file where a folder should be');
  await assert.rejects(
    EmbeddedEngine.start({
      dataDir: directory,
      limits: { maxMemoryBytes: 1 << 30, mergeThreads: 2, queryThreads: 2 },
      log: () => {},
    }),
    /the storage engine ended .*(directory|File exists|not a directory)/i,
  );
  // The lock was given back.
  lockDirectory(directory)();
  rmSync(directory, { recursive: true, force: true });
});
