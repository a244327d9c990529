/** Limits, timeouts, cancelling, and that evaluation fails in known ways only. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError, LimitError } from '../../src/model/errors.ts';
import { Labels } from '../../src/model/labels.ts';
import { PromqlEngine, QueryCanceledError, QueryTimeoutError } from '../../src/query/promql/index.ts';
import { EvaluationError } from '../../src/query/vector/evaluation-error.ts';
import { MemorySource } from './memory-source.ts';
import { random, seed } from './random.ts';
import { randomExpr } from './random-expr.ts';

const next = random(seed);
const source = new MemorySource();
for (const name of [
  'up',
  'http_requests_total',
  'node:cpu:rate5m',
  'temperature',
  'sum',
  'latency_seconds_bucket',
]) {
  for (const job of ['api', 'x', 'b']) {
    source.add(
      Labels.from({
        __name__: name,
        job,
        instance: String(next.int(2)),
        le: next.pick(['0.1', '+Inf', 'x', '']),
      }),
      Array.from({ length: 60 }, (_, i) => ({
        timestampMs: i * 15_000 + next.int(1000),
        value: next.chance(0.02) ? next.pick([Number.NaN, 'stale' as const, Infinity]) : i + next.int(5),
      })),
    );
  }
}
const request = { tenant: 't', startMs: 600_000, endMs: 900_000, stepMs: 30_000 };

test('random expressions evaluate, or fail in a known way; one step gives what many steps give there', async () => {
  const engine = new PromqlEngine(source, { experimentalFunctions: true, durationExpressions: true });
  let evaluated = 0;
  for (let i = 0; i < 1500; i++) {
    const query = randomExpr(next);
    const where = `seed ${seed}: ${query}`;
    try {
      const many = (await engine.query({ ...request, query })).data;
      assert.ok(many.type === 'matrix', where);
      evaluated++;
      if (/\b(start|end)\(\)|\b(topk|bottomk|limitk)\b/.test(query)) continue;
      const at = next.int(11);
      const timeMs = request.startMs + at * request.stepMs;
      const one = (await engine.query({ tenant: 't', query, startMs: timeMs, endMs: timeMs })).data;
      if (one.type === 'scalar') {
        assert.ok(Object.is(one.value, many.series[0]?.values[at]), where);
        continue;
      }
      assert.ok(one.type === 'vector', where);
      const want = new Map(
        many.series.filter((s) => s.kinds[at] === 1).map((s) => [s.labels.key, s.values[at]]),
      );
      assert.deepEqual(new Map(one.series.map((s) => [s.labels.key, s.values[0]])), want, where);
    } catch (error) {
      const known = error instanceof InputError || error instanceof EvaluationError;
      assert.ok(known, `${where}: ${(error as Error).stack}`);
    }
  }
  assert.ok(evaluated > 500, `only ${evaluated} were evaluated`);
});

test('samples are limited', async () => {
  const engine = new PromqlEngine(source, { maxSamples: 80 });
  await assert.rejects(engine.query({ ...request, query: 'up + up' }), LimitError);
  await engine.query({ ...request, query: 'sum(up{job="api"})' });
});

test('a query that takes too long ends', async () => {
  let clock = 0;
  const engine = new PromqlEngine(source, { now: () => (clock += 10), timeoutMs: 50 });
  await assert.rejects(
    engine.query({ ...request, query: 'sum(sum(sum(sum(sum(sum(up))))))' }),
    QueryTimeoutError,
  );
  const short = new PromqlEngine(source, { now: () => (clock += 10), timeoutMs: 1e6 });
  await assert.rejects(short.query({ ...request, query: 'sum(up)', timeoutMs: 5 }), QueryTimeoutError);
});

test('a client that goes away ends its query', async () => {
  const abort = new AbortController();
  abort.abort();
  const engine = new PromqlEngine(source);
  await assert.rejects(engine.query({ ...request, query: 'up', signal: abort.signal }), QueryCanceledError);
});

test('other work runs during a long evaluation', async () => {
  let clock = 0;
  let pauses = 0;
  const engine = new PromqlEngine(source, {
    now: () => (clock += 15),
    pause: async () => {
      pauses++;
    },
  });
  await engine.query({ ...request, query: 'up + up + up + up + up' });
  assert.ok(pauses >= 3, `${pauses} pauses`);
});

test('equal reads are done once, unused ones not at all', async () => {
  const reads: string[] = [];
  const counting = Object.assign(Object.create(source) as MemorySource, {
    select: (...args: Parameters<MemorySource['select']>) => {
      reads.push(JSON.stringify(args[0].grid?.grouping ?? null));
      return source.select(...args);
    },
  });
  const engine = new PromqlEngine(counting);
  await engine.query({ ...request, query: 'up / (up + 1)' });
  assert.equal(reads.length, 1);
  reads.length = 0;
  await engine.query({ ...request, query: 'sum by (job) (rate(up[5m]))' });
  assert.deepEqual(reads, [JSON.stringify({ op: 'sum', by: true, labels: ['job'] })]);
});
