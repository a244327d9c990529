/** Hints change the cost of an answer, never the answer: with and without conditions for storage, over random data. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import type { SpansSource } from '../../src/model/select-spans.ts';
import { rangeGrid } from '../../src/query/traceql/metrics/grid.ts';
import { runMetrics } from '../../src/query/traceql/metrics/run.ts';
import { parseQuery } from '../../src/query/traceql/parse.ts';
import { searchTraces } from '../../src/query/traceql/search.ts';
import { MemorySpans } from './memory-source.ts';
import { Random, randomTrace, SEED } from './random.ts';
import { randomMetrics, randomSearch } from './random-query.ts';

const SECOND = 1_000_000_000n;
const BASE = 1_795_181_400n * SECOND;
const WINDOW = 600n * SECOND;
const queries = readFileSync(path.join(import.meta.dirname, 'data/queries.txt'), 'utf8')
  .trim()
  .split('\n');

const random = new Random(SEED);
const source = new MemorySpans();
for (let i = 0; i < 150; i++) for (const span of randomTrace(random, BASE, WINDOW)) source.addSpan(span);

const text = (value: unknown): string =>
  JSON.stringify(value, (_, each) =>
    typeof each === 'bigint'
      ? `${each}n`
      : each instanceof Float64Array
        ? Array.from(each, String)
        : each instanceof Map
          ? [...each].sort()
          : each,
  );

/** The answer as text; what the search inspected differs, of course. */
async function answer(from: SpansSource, query: string, hints: boolean): Promise<string | undefined> {
  let parsed: ReturnType<typeof parseQuery>;
  try {
    parsed = parseQuery(query);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
  const startNs = BASE + 60n * SECOND;
  const endNs = BASE + 500n * SECOND;
  if (parsed.kind === 'search') {
    const options = { tenant: 't', startNs, endNs, limit: 10_000, spansPerSpanset: 0, hints };
    return text((await searchTraces(parsed, from, options)).traces);
  }
  const grid = rangeGrid(startNs, endNs, 60n * SECOND, 1000);
  const series = await runMetrics(parsed, from, { tenant: 't', grid, exemplars: 0, hints });
  return text(series.map((one) => text(one)).sort());
}

async function same(query: string): Promise<'empty' | 'found' | 'refused'> {
  const without = await answer(source, query, false);
  if (without === undefined) return 'refused';
  assert.equal(await answer(source, query, true), without, query);
  return without === '[]' ? 'empty' : 'found';
}

test(`queries of every kind (SEED=${SEED})`, async () => {
  for (const query of queries) assert.notEqual(await same(query), 'refused', query);
});

test(`random queries by the grammar (SEED=${SEED})`, async () => {
  const count = Number(process.env.FUZZ ?? 600);
  const seen = { empty: 0, found: 0, refused: 0 };
  for (let i = 0; i < count; i++)
    seen[await same(random.chance(0.75) ? randomSearch(random) : randomMetrics(random))]++;
  assert(seen.found > count / 6, `too few queries find something: ${JSON.stringify(seen)}`);
});

test('an early stop at the limit gives the newest traces', async () => {
  const query = parseQuery('{ status = error }');
  assert(query.kind === 'search');
  const options = { tenant: 't', startNs: BASE, endNs: BASE + WINDOW, limit: 10_000, spansPerSpanset: 3 };
  const all = await searchTraces(query, source, options);
  const few = await searchTraces(query, source, { ...options, limit: 5 });
  assert.deepEqual(few.traces, all.traces.slice(0, 5));
  assert(few.inspectedTraces < all.inspectedTraces);
});
