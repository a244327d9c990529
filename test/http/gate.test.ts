/** The gate before queries: how many run, who waits, who is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate, gated } from '../../src/http/gate.ts';
import type { Dialect, HttpRequest } from '../../src/http/handler.ts';

const NEVER = new AbortController().signal;

/** Work that ends when it is told to. */
function held() {
  let release = () => {};
  let started = false;
  const done = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    work: async () => {
      started = true;
      await done;
    },
    release,
    get started() {
      return started;
    },
  };
}

test('two run, the third waits for its turn, the line keeps its order', async () => {
  const gate = new Gate(2, 10);
  const jobs = [held(), held(), held(), held()];
  const results = jobs.map((job) => gate.pass(job.work, NEVER));
  assert.deepEqual(
    jobs.map((job) => job.started),
    [true, true, false, false],
  );
  assert.deepEqual([gate.running, gate.waiting], [2, 2]);
  jobs[1]?.release();
  await results[1];
  await Promise.resolve();
  assert.deepEqual(
    jobs.map((job) => job.started),
    [true, true, true, false],
  );
  for (const job of jobs) job.release();
  await Promise.all(results);
  assert.deepEqual([gate.running, gate.waiting], [0, 0]);
});

test('work that fails gives its place back', async () => {
  const gate = new Gate(1, 10);
  await assert.rejects(
    gate.pass(() => Promise.reject(new Error('failed')), NEVER),
    /failed/,
  );
  await assert.rejects(
    gate.pass(() => {
      throw new Error('at once');
    }, NEVER),
    /at once/,
  );
  assert.equal(await gate.pass(() => 7, NEVER), 7);
  assert.equal(gate.running, 0);
});

test('a full line refuses with the name of the limit', async () => {
  const gate = new Gate(1, 0);
  const job = held();
  const first = gate.pass(job.work, NEVER);
  await assert.rejects(
    gate.pass(() => 1, NEVER),
    /query\.max-concurrency/,
  );
  job.release();
  await first;
});

test('a client that goes away leaves the line', async () => {
  const gate = new Gate(1, 10);
  const job = held();
  const first = gate.pass(job.work, NEVER);
  const aborter = new AbortController();
  const second = gate.pass(() => 'ran', aborter.signal);
  aborter.abort();
  await assert.rejects(second, /went away/);
  assert.equal(gate.waiting, 0);
  job.release();
  await first;
  assert.equal(gate.running, 0);
});

test('only the named routes of a dialect stand behind the gate', async () => {
  const gate = new Gate(1, 0);
  const job = held();
  const dialect: Dialect = {
    name: 'x',
    routes: [
      { methods: ['GET'], path: '/query', handler: () => job.work().then(() => ({ status: 200 })) },
      { methods: ['GET'], path: '/ready', handler: () => ({ status: 200 }) },
    ],
    onError: () => ({ status: 500 }),
  };
  const [query, ready] = gated(dialect, gate, (path) => path === '/query').routes;
  const request = { signal: NEVER } as HttpRequest;
  const running = query?.handler(request);
  assert.equal((await ready?.handler(request))?.status, 200);
  await assert.rejects(async () => query?.handler(request), /query\.max-concurrency/);
  job.release();
  assert.equal((await running)?.status, 200);
});
