/** Hints change the cost, never the answer: random series on a real engine, every range function, hints on and off. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Labels } from '../../src/model/labels.ts';
import type { MetricSelectResult } from '../../src/model/select-metrics.ts';
import { PromqlEngine } from '../../src/query/promql/index.ts';
import { NONE, type StepSeries } from '../../src/query/vector/series.ts';
import { type MemorySample, MemorySource } from './memory-source.ts';
import { random, seed } from './random.ts';
import { loadInto, openFixture, type StorageFixture, TENANT } from './storage-source.ts';

const START_MS = 1_793_577_600_000;
/** More of them find more: ROUNDS=500. */
const ROUNDS = Number(process.env.ROUNDS ?? 60);
const HOUR_MS = 3_600_000;

const next = random(seed);
const SELECTORS = [
  'a_total',
  'h',
  'b_total',
  'g',
  '{__name__=~"a_total|h"}',
  '{__name__=~"a_total|g"}',
  'a_total{k="3"}',
  'h{k=~"1|2"}',
  'g{k=~"1|2"}',
  'a_total{k!~"1.*"}',
];
/** Metrics whose samples are whole, finite numbers, which storage may compute on. */
const EXACT: ReadonlySet<string> = new Set(['a_total', 'h']);
const memory = new MemorySource();
let fixture: StorageFixture;
const counts = { grid: 0, raw: 0 };

/** Samples of one series: regular or not, with gaps, resets, NaN, infinities and stale markers. */
function samples(exact: boolean): MemorySample[] {
  const out: MemorySample[] = [];
  const interval = next.pick([1000, 5000, 15_000, 30_000, 60_000, 300_000]);
  const jitter = next.chance(0.5) ? 0 : interval / 3;
  const isCounter = next.chance(0.6);
  const odd = next.chance(0.3);
  const whole = (v: number): number => (exact ? Math.round(v) : v);
  let value = next.chance(0.2) ? 0 : next.int(1000);
  let last = 0;
  for (let t = START_MS + next.int(interval * 3); t < START_MS + HOUR_MS; t += interval) {
    if (next.chance(0.03)) t += next.int(12) * interval;
    const timestampMs = Math.round(t + (next() - 0.5) * jitter);
    if (timestampMs <= last) continue;
    last = timestampMs;
    if (isCounter)
      value = next.chance(0.02) ? next.int(5) : whole(value + next.int(20) + (next.chance(0.2) ? next() : 0));
    else value = whole((next() - 0.3) * 100);
    let stored: MemorySample['value'] = value;
    if (odd && next.chance(0.05)) {
      stored = exact
        ? next.pick([-0, 'stale' as const, 'stale' as const])
        : next.pick([Number.NaN, Infinity, -Infinity, -0, 'stale' as const, 1e300, 5e-324]);
    }
    out.push({ timestampMs, value: stored });
    if (out.length === 1 && next.chance(0.05)) break;
  }
  return out;
}

before(async () => {
  for (let i = 0; i < 120; i++) {
    const name = next.pick(['a_total', 'a_total', 'b_total', 'g', 'h']);
    memory.add(Labels.from({ __name__: name, i: String(i), k: String(i % 7) }), samples(EXACT.has(name)));
  }
  fixture = await openFixture();
  await loadInto(fixture.storage, memory);
});

after(async () => {
  await fixture.close();
});

function same(a: number, b: number): boolean {
  if (Object.is(a, b) || a === b) return true;
  return Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b));
}

function points(series: readonly StepSeries[]): Map<string, (number | undefined)[]> {
  return new Map(
    series.map(({ labels, kinds, values }) => [
      labels.key,
      Array.from(kinds, (kind, i) => (kind === NONE ? undefined : (values[i] as number))),
    ]),
  );
}

test('hints on = hints off = memory', async () => {
  const counting = {
    ...fixture.source,
    select: async (...args: Parameters<typeof fixture.source.select>): Promise<MetricSelectResult> => {
      const result = await fixture.source.select(...args);
      counts[result.kind]++;
      return result;
    },
  };
  const on = new PromqlEngine(counting as typeof fixture.source);
  const off = new PromqlEngine(fixture.source, { hints: false });
  const reference = new PromqlEngine(memory);
  const functions = [
    'rate',
    'increase',
    'delta',
    'irate',
    'idelta',
    'resets',
    'changes',
    'sum_over_time',
    'last_over_time',
  ];
  for (let round = 0; round < ROUNDS; round++) {
    const selector = next.pick(SELECTORS);
    const window = next.pick(['10s', '1m', '90s', '5m', '5m', '12m', '1h', '1500ms']);
    const offset = next.pick(['', '', ' offset 2m', ' offset -90s', ` @ ${START_MS / 1000 + 1800}`]);
    let query = `${next.pick(functions)}(${selector}[${window}]${offset})`;
    if (next.chance(0.3)) query = `${next.pick(['sum', 'max', 'count', 'avg'])} by (k) (${query})`;
    if (next.chance(0.1)) query = `sum without (i) (${selector}${offset})`;
    if (next.chance(0.05)) query = `last_over_time(rate(${selector}[1m])[5m:30s])`;
    const startMs = START_MS + next.int(HOUR_MS) - (next.chance(0.5) ? 0 : next.int(1000));
    const stepMs = next.pick([1000, 15_000, 15_000, 60_000, 7000, 1500, 300_000]);
    const request = {
      tenant: TENANT,
      query,
      startMs,
      endMs: startMs + stepMs * next.int(40),
      ...(next.chance(0.2) ? {} : { stepMs }),
    };
    const where = `seed ${seed}: ${JSON.stringify(request)}`;
    const run = async (engine: PromqlEngine) => {
      const result = await engine.query(request).catch((error: Error) => error.message);
      if (typeof result === 'string') return result;
      const { data } = result;
      assert.ok(data.type === 'vector' || data.type === 'matrix', where);
      return { points: points(data.series), notes: [...result.warnings, ...result.infos].sort() };
    };
    const [a, b, c] = [await run(on), await run(off), await run(reference)];
    for (const [x, name] of [
      [a, 'hints on'],
      [b, 'hints off'],
    ] as const) {
      if (typeof x === 'string' || typeof c === 'string') {
        assert.deepEqual(x, c, `${where} (${name})`);
        continue;
      }
      assert.deepEqual(x.notes, c.notes, `${where} (${name})`);
      assert.deepEqual([...x.points.keys()].sort(), [...c.points.keys()].sort(), `${where} (${name})`);
      for (const [key, want] of c.points) {
        const got = x.points.get(key) as (number | undefined)[];
        want.forEach((w, i) => {
          const g = got[i];
          const equal = w === undefined || g === undefined ? w === g : same(w, g);
          assert.ok(equal, `${where} (${name}): ${key} at ${i}: want ${w}, got ${g}`);
        });
      }
    }
  }
  assert.ok(counts.grid > ROUNDS / 5, `only ${counts.grid} of the reads were computed in storage`);
});
