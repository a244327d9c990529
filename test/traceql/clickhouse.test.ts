/** Spans in ClickHouse answer as spans in memory do: over random data and queries, through the real writer. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import type { AttributeValue, SpanField, SpansSource } from '../../src/model/select-spans.ts';
import { instantGrid, rangeGrid } from '../../src/query/traceql/metrics/grid.ts';
import { runMetrics } from '../../src/query/traceql/metrics/run.ts';
import type { MetricSeries } from '../../src/query/traceql/metrics/series.ts';
import { labelsKey } from '../../src/query/traceql/metrics/series.ts';
import { parseQuery } from '../../src/query/traceql/parse.ts';
import { searchTraces } from '../../src/query/traceql/search.ts';
import { openStorage, type Storage } from '../../src/storage/index.ts';
import { spansSource } from '../../src/storage/select/spans.ts';
import { encodeTrace } from '../../src/wire/otlp/trace-encode.ts';
import { decodeTraces } from '../../src/wire/otlp/traces.ts';
import { MemorySpans } from './memory-source.ts';
import { Random, randomTrace, SEED } from './random.ts';
import { randomMetrics, randomSearch } from './random-query.ts';

const SECOND = 1_000_000_000n;
// Across the border of an hour.
const BASE = 1_795_183_000n * SECOND;
const WINDOW = 1800n * SECOND;
const TENANT = 'shop';

const directory = mkdtempSync(path.join(tmpdir(), 'trivium-spans-'));
const random = new Random(SEED);
const memory = new MemorySpans();
let storage: Storage;
let stored: SpansSource;
const traceIds: string[] = [];

before(async () => {
  storage = await openStorage({ dataDir: directory });
  stored = spansSource((tenant) => storage.scope(tenant));
  for (let i = 0; i < 12; i++) {
    const traces = Array.from({ length: 20 }, () => randomTrace(random, BASE, WINDOW));
    traceIds.push(...traces.map(([first]) => first?.traceId ?? ''));
    // Spans of a trace may come in several pushes.
    const pushes = [traces.flatMap((spans) => spans.slice(0, 3)), traces.flatMap((spans) => spans.slice(3))];
    for (const push of pushes) {
      const bytes = encodeTrace(push);
      memory.add(decodeTraces(bytes, TENANT).batch);
      await storage.sink.writeSpans(decodeTraces(bytes, TENANT).batch);
    }
    await storage.sink.writeSpans(
      decodeTraces(encodeTrace(randomTrace(random, BASE, WINDOW)), 'another').batch,
    );
  }
});

after(async () => {
  await storage.close();
  rmSync(directory, { recursive: true, force: true });
});

const ascending = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0);
const text = (value: unknown): string =>
  JSON.stringify(value, (_, each) =>
    typeof each === 'bigint' ? `${each}n` : each instanceof Map ? [...each].sort() : each,
  );

/** One text per trace. */
async function search(from: SpansSource, query: string, limit: number): Promise<string[]> {
  const parsed = parseQuery(query);
  assert(parsed.kind === 'search');
  const range = { startNs: BASE + 300n * SECOND, endNs: BASE + 1500n * SECOND };
  const { traces } = await searchTraces(parsed, from, {
    tenant: TENANT,
    ...range,
    limit,
    spansPerSpanset: 100,
  });
  // The order of spans and spansets within a trace is free.
  return traces.map((trace) =>
    text({
      ...trace,
      spansets: trace.spansets.map((set) => text({ ...set, spans: set.spans.map(text).sort() })).sort(),
    }),
  );
}

function metrics(
  from: SpansSource,
  query: string,
  hints: boolean,
  instant: boolean,
): Promise<MetricSeries[]> {
  const parsed = parseQuery(query);
  assert(parsed.kind === 'metrics');
  const startNs = BASE + 301n * SECOND;
  const endNs = BASE + 1500n * SECOND;
  const grid = instant ? instantGrid(startNs, endNs) : rangeGrid(startNs, endNs, 60n * SECOND, 1000);
  return runMetrics(parsed, from, { tenant: TENANT, grid, exemplars: 0, hints });
}

/** Sums of doubles depend on their order in the last digits. */
function assertSame(got: readonly MetricSeries[], want: readonly MetricSeries[], query: string): void {
  const byLabels = new Map(got.map((one) => [labelsKey(one.labels), one]));
  assert.deepEqual([...byLabels.keys()].sort(), want.map((one) => labelsKey(one.labels)).sort(), query);
  for (const one of want) {
    const values = byLabels.get(labelsKey(one.labels))?.values as Float64Array;
    one.values.forEach((value, i) => {
      const other = values[i] as number;
      const close =
        Object.is(value, other) || Math.abs(value - other) <= 1e-12 * Math.max(Math.abs(value), 1);
      assert(close, `${query}: ${labelsKey(one.labels)} point ${i}: ${other}, expected ${value}`);
    });
  }
}

test(`searches (SEED=${SEED})`, async () => {
  let found = 0;
  for (let i = 0; i < Number(process.env.FUZZ ?? 40); i++) {
    const query = randomSearch(random);
    const limit = random.pick([3, 20, 10_000]);
    let want: string[];
    try {
      want = await search(memory, query, limit);
    } catch (error) {
      if (error instanceof InputError) continue;
      throw error;
    }
    const got = await search(stored, query, limit);
    for (const [at, trace] of want.entries())
      assert.equal(got[at], trace, `${query} limit ${limit}: trace ${at}`);
    assert.equal(got.length, want.length, `${query} limit ${limit}`);
    if (want.length > 0) found++;
  }
  assert(found > 5, `only ${found} searches find something`);
});

test(`metrics, added up here or in storage (SEED=${SEED})`, async () => {
  const fixed = [
    '{ kind = server } | rate() by (resource.service.name)',
    '{ } | count_over_time() by (span.mixed.value, status)',
    '{ } | count_over_time() by (resource.tenant, instrumentation:name)',
    '{ } | quantile_over_time(duration, .5, .99) by (kind)',
    '{ } | histogram_over_time(span.mixed.value)',
    '{ } | avg_over_time(span.cart.items) by (name)',
    '{ } | sum_over_time(duration) by (instrumentation.pool.size)',
    '{ span.mixed.value = 5 || span.mixed.value != "5" } | min_over_time(duration)',
    '{ resource.region != nil && span.region =~ "e.*" } | max_over_time(duration) by (resource.region)',
  ];
  const queries = [
    ...fixed,
    ...Array.from({ length: Number(process.env.FUZZ ?? 40) }, () => randomMetrics(random)),
  ];
  for (const query of queries) {
    const instant = random.chance(0.3);
    let want: MetricSeries[];
    try {
      want = await metrics(memory, query, false, instant);
    } catch (error) {
      if (error instanceof InputError) continue;
      throw error;
    }
    // Which of equals topk keeps is settled by labels, but sums may differ in the last digit: no equals then.
    assertSame(await metrics(stored, query, true, instant), want, query);
  }
});

test('a query that is only counts is added up in storage', async () => {
  const onlyBuckets: SpansSource = {
    trace: () => assert.fail('a trace was read'),
    traces: () => assert.fail('traces were read'),
    spans: () => assert.fail('spans were read'),
    tagNames: () => assert.fail(),
    tagValues: () => assert.fail(),
    buckets: (request, signal) => stored.buckets?.(request, signal) ?? Promise.resolve(undefined),
  };
  const series = await metrics(
    onlyBuckets,
    '{ kind = server } | rate() by (resource.service.name)',
    true,
    false,
  );
  assert(series.length > 3);
});

test('traces by their id', async () => {
  for (const traceId of traceIds.slice(0, 40)) {
    const sorted = async (from: SpansSource): Promise<string[]> =>
      (await from.trace(TENANT, traceId))
        .map((span) => text({ ...span, attributes: [...span.attributes].sort() }))
        .sort();
    assert.deepEqual(await sorted(stored), await sorted(memory));
  }
  assert.deepEqual(await stored.trace(TENANT, 'f'.repeat(32)), []);
  const [first = ''] = traceIds;
  assert.deepEqual(await stored.trace('nobody', first), []);
  assert.deepEqual(await stored.trace(TENANT, first, { startNs: 0n, endNs: 1n }), []);
});

test('names and values of tags', async () => {
  const query = { tenant: TENANT, startNs: BASE, endNs: BASE + WINDOW + 10n * SECOND };
  for (const condition of [
    undefined,
    { op: '=', field: { kind: 'intrinsic', name: 'status' }, value: { type: 'int', value: 2n } } as const,
  ]) {
    for (const plainSpansOnly of [false, true]) {
      const asked = { ...query, plainSpansOnly, ...(condition === undefined ? {} : { condition }) };
      const names = async (from: SpansSource): Promise<string> =>
        text((await from.tagNames(asked)).map(({ scope, names: all }) => [scope, [...all].sort()]).sort());
      assert.equal(await names(stored), await names(memory));
    }
    const fields: SpanField[] = [
      { kind: 'attribute', scope: 'span', name: 'mixed.value' },
      { kind: 'attribute', scope: 'resource', name: 'service.name' },
      { kind: 'attribute', scope: 'any', name: 'region' },
      { kind: 'attribute', scope: 'event', name: 'n' },
      { kind: 'attribute', scope: 'link', name: 'link.index' },
      { kind: 'attribute', scope: 'instrumentation', name: 'pool.size' },
      { kind: 'intrinsic', name: 'name' },
      { kind: 'intrinsic', name: 'status' },
      { kind: 'intrinsic', name: 'kind' },
      { kind: 'intrinsic', name: 'statusMessage' },
      { kind: 'intrinsic', name: 'eventName' },
      { kind: 'intrinsic', name: 'scopeName' },
      { kind: 'intrinsic', name: 'scopeVersion' },
    ];
    for (const field of fields) {
      const asked = { ...query, ...(condition === undefined ? {} : { condition }) };
      const values = async (from: SpansSource): Promise<string[]> =>
        (await from.tagValues(field, asked)).map((value: AttributeValue) => text(value)).sort();
      assert.deepEqual(await values(stored), await values(memory), text(field));
    }
  }
});

test('candidates come newest first, and the loop can be left', async () => {
  const request = { tenant: TENANT, startNs: BASE, endNs: BASE + WINDOW, anySpan: [] };
  const starts: bigint[] = [];
  for await (const { spans } of stored.traces(request)) {
    starts.push(spans.map((span) => span.startNs).sort(ascending)[0] as bigint);
  }
  assert(starts.length > 200);
  assert.deepEqual(
    starts,
    [...starts].sort((a, b) => (a < b ? 1 : -1)),
  );
  for await (const { traceId } of stored.traces(request)) {
    assert.equal(traceId.length, 32);
    break;
  }
  const abort = new AbortController();
  abort.abort(new Error('enough'));
  await assert.rejects(async () => {
    for await (const _ of stored.traces(request, abort.signal)) assert.fail();
  }, /enough/);
});
