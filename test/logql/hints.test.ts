/**
 * Hints change the cost of an answer, never the answer: random queries over random lines, with hints on and off, in
 * memory and in storage.
 */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { InputError, LimitError } from '../../src/model/errors.ts';
import { isMetric, type LogQLExpr } from '../../src/query/logql/ast.ts';
import { LogQLEngine } from '../../src/query/logql/engine.ts';
import { PipelineError } from '../../src/query/logql/errors.ts';
import { parseLogQL } from '../../src/query/logql/parse.ts';
import { EvaluationError } from '../../src/query/vector/evaluation-error.ts';
import { openStorage, type Storage } from '../../src/storage/index.ts';
import { logsSource } from '../../src/storage/select/logs.ts';
import { decodeLokiJson } from '../../src/wire/loki-push.ts';
import { MemoryLogs } from './memory-source.ts';
import {
  Random,
  randomLine,
  randomLogQuery,
  randomMetricQuery,
  SECOND_NS,
  SEED,
  SPAN_SECONDS,
  START_NS,
} from './random-query.ts';

const TENANT = 'test';
const LINES = 3000;
/** Queries against each pair of engines. Raise it for a long run. */
const QUERIES = Number(process.env.LOGQL_QUERIES ?? 400);

const random = new Random(SEED);
const plain = new MemoryLogs({ useHints: false, blockSize: 100_000 });
const hinted = new MemoryLogs({ blockSize: 37 });
const directory = mkdtempSync(path.join(tmpdir(), 'trivium-logs-'));
let storage: Storage;
const bodies: Buffer[] = [];

for (let n = 0; n < LINES; n += 200) {
  const streams = Array.from({ length: 200 }, () => {
    const { labels, timeNs, line, metadata } = randomLine(random);
    return { stream: labels.toRecord(), values: [[String(timeNs), line, metadata.toRecord()]] };
  });
  bodies.push(Buffer.from(JSON.stringify({ streams })));
}

before(async () => {
  storage = await openStorage({ dataDir: directory });
  for (const body of bodies) {
    await plain.writeLogs(decodeLokiJson(body, TENANT).batch);
    await hinted.writeLogs(decodeLokiJson(body, TENANT).batch);
    await storage.sink.writeLogs(decodeLokiJson(body, TENANT).batch);
  }
  // Pushed twice: exact duplicates count once.
  await storage.sink.writeLogs(decodeLokiJson(bodies[0] as Buffer, TENANT).batch);
  await storage.sink.writeLogs(decodeLokiJson(bodies[1] as Buffer, 'another').batch);
});

after(async () => {
  await storage.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Case {
  readonly query: string;
  readonly expr: LogQLExpr;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly stepNs: bigint;
  readonly forward: boolean;
  readonly limit: number;
}

function randomCase(): Case {
  for (;;) {
    const query = random.chance(0.45) ? randomLogQuery(random) : randomMetricQuery(random);
    const startNs = START_NS + BigInt(random.below(SPAN_SECONDS / 2)) * SECOND_NS;
    const endNs = startNs + BigInt(1 + random.below(SPAN_SECONDS)) * SECOND_NS;
    const stepNs = random.chance(0.2) ? 0n : random.pick([30n, 60n, 77n, 300n, 1800n]) * SECOND_NS;
    try {
      return {
        query,
        expr: parseLogQL(query),
        startNs,
        endNs: stepNs === 0n ? startNs : endNs,
        stepNs,
        forward: random.chance(0.5),
        limit: random.pick([1, 10, 100, 5000]),
      };
    } catch (error) {
      assert.ok(error instanceof InputError, `${query}: ${error}`);
    }
  }
}

/** An answer as comparable lines; errors that users see are answers, too. */
async function answer(engine: LogQLEngine, one: Case): Promise<string[]> {
  const { expr, startNs, endNs, stepNs } = one;
  try {
    if (isMetric(expr)) {
      const result = await engine.metric(
        expr,
        { tenant: TENANT, startNs, endNs, stepNs },
        { nowNs: START_NS },
      );
      if (result.kind === 'scalar') return [String(result.value)];
      return result.series
        .map(
          ({ labels, timesMs, values }) =>
            `${labels.key} ${timesMs.map((t, i) => `${t}=${rounded(values[i] as number)}`).join(' ')}`,
        )
        .sort();
    }
    const range = {
      tenant: TENANT,
      startNs,
      endNs: endNs === startNs ? startNs + 600n * SECOND_NS : endNs,
      direction: one.forward ? ('forward' as const) : ('backward' as const),
      limit: 5000,
      intervalNs: 0n,
    };
    const all: string[] = [];
    const times: bigint[] = [];
    for await (const entry of engine.entries(expr, range, { nowNs: START_NS })) {
      all.push(`${entry.timeNs} ${entry.labels.key} ${entry.line}`);
      times.push(entry.timeNs);
    }
    const inOrder = [...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0) * (one.forward ? 1 : -1));
    assert.deepEqual(times, inOrder, 'entries are in order');
    // A limit gives as many of the first; which of those of one time is open.
    let limited = 0;
    for await (const entry of engine.entries(expr, { ...range, limit: one.limit }, { nowNs: START_NS })) {
      assert.equal(entry.timeNs, times[limited], 'a limit gives the first entries');
      limited++;
    }
    assert.equal(limited, Math.min(one.limit, all.length));
    return all.sort();
  } catch (error) {
    if (error instanceof PipelineError) return ['pipeline error'];
    if (error instanceof EvaluationError || error instanceof LimitError || error instanceof InputError) {
      return [`${error.name}: ${error.message}`];
    }
    throw error;
  }
}

/** Sums of the same values in another order differ in the last digits. */
function rounded(value: number): string {
  return Number.isFinite(value) ? value.toPrecision(9) : String(value);
}

describe(`hints on and off, seed ${SEED}`, () => {
  it('in memory', async () => {
    const off = new LogQLEngine(plain, { useHints: false, maxSeries: 1e9 });
    const on = new LogQLEngine(hinted, { maxSeries: 1e9 });
    for (let i = 0; i < QUERIES; i++) {
      const one = randomCase();
      assert.deepEqual(await answer(on, one), await answer(off, one), describeCase(one));
      // Nothing here waits for anything: connections of the storage next door need a turn.
      await new Promise(setImmediate);
    }
    assert.ok(QUERIES < 100 || hinted.bucketed > 0, 'some counts were made by the source');
  });

  it('in storage', async () => {
    const source = logsSource((tenant) => storage.scope(tenant));
    const off = new LogQLEngine(plain, { useHints: false, maxSeries: 1e9 });
    const on = new LogQLEngine(source, { maxSeries: 1e9 });
    const unhinted = new LogQLEngine(source, { useHints: false, maxSeries: 1e9 });
    for (let i = 0; i < QUERIES / 4; i++) {
      const one = randomCase();
      const want = await answer(off, one);
      assert.deepEqual(await answer(on, one), want, describeCase(one));
      if (i % 4 === 0)
        assert.deepEqual(await answer(unhinted, one), want, `without hints: ${describeCase(one)}`);
    }
  });
});

function describeCase({ query, startNs, endNs, stepNs, forward, limit }: Case): string {
  return `${query} from ${startNs} to ${endNs} step ${stepNs} ${forward ? 'forward' : 'backward'} limit ${limit}`;
}
