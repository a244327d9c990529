/** Span metrics, and what holds for all generated series: first zeros, staleness, limits, exemplars, tenants. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketIndex, NativeBuckets } from '../../src/collector/connectors/native-buckets.ts';
import { DEFAULT_SPAN_METRICS, type SpanMetricsOptions } from '../../src/collector/connectors/options.ts';
import { metricLines } from '../collector/memory-sink.ts';
import { Generated, START_MS, type TestSpan } from './generated.ts';

const CALLS = 'traces_spanmetrics_calls_total';
const metrics = (options: Partial<SpanMetricsOptions> = {}) =>
  new Generated({ serviceGraph: undefined, spanMetrics: { ...DEFAULT_SPAN_METRICS, ...options } });
const plain = 'span_kind="SPAN_KIND_INTERNAL", span_name="op", status_code="STATUS_CODE_UNSET"';
const only = { service: false, spanName: false, spanKind: false, statusCode: false, statusMessage: false };

const cases: {
  readonly name: string;
  readonly options?: Partial<SpanMetricsOptions>;
  readonly spans: readonly TestSpan[];
  readonly want: readonly string[];
}[] = [
  {
    name: 'service, name, kind and status tell series apart',
    spans: [
      { service: 'a' },
      { service: 'a', name: 'größer' },
      { service: 'a', kind: 'consumer' },
      { service: 'a', status: 'error' },
      { service: 'b' },
      { service: 'a' },
    ],
    want: [
      `${CALLS}{service="a", ${plain.replace('INTERNAL', 'CONSUMER')}} 1`,
      `${CALLS}{service="a", ${plain.replace('"op"', '"größer"')}} 1`,
      `${CALLS}{service="a", ${plain.replace('UNSET', 'ERROR')}} 1`,
      `${CALLS}{service="a", ${plain}} 2`,
      `${CALLS}{service="b", ${plain}} 1`,
    ],
  },
  {
    name: 'nothing but the status message',
    options: { intrinsics: { ...only, statusMessage: true } },
    spans: [{ message: 'boom', status: 'error' }, { message: 'boom', service: 'b' }, { name: 'x' }],
    want: [`${CALLS}{status_message="boom"} 2`, `${CALLS}{} 1`],
  },
  {
    name: 'dimensions of every type; the resource goes before the span; taken names get underscores',
    options: { intrinsics: only, dimensions: ['a.b', 'service'] },
    spans: [
      { attributes: { 'a.b': 'text' } },
      { attributes: { 'a.b': true } },
      { attributes: { 'a.b': { int: -7 } } },
      { attributes: { 'a.b': { int: -7 } } },
      { attributes: { 'a.b': 0.5 } },
      { attributes: { 'a.b': ['x', 'y'] } },
      { attributes: { 'a.b': 'span' }, resource: { 'a.b': 'resource' } },
      { attributes: { service: 'mine' } },
    ],
    want: [
      `${CALLS}{__service="mine"} 1`,
      `${CALLS}{a_b="-7"} 2`,
      `${CALLS}{a_b="0.5"} 1`,
      `${CALLS}{a_b="[x, y]"} 1`,
      `${CALLS}{a_b="resource"} 1`,
      `${CALLS}{a_b="text"} 1`,
      `${CALLS}{a_b="true"} 1`,
    ],
  },
  {
    name: 'values of two dimensions do not run together',
    options: { intrinsics: only, dimensions: ['p', 'q'] },
    spans: [
      { attributes: { p: 'ab', q: 'c' } },
      { attributes: { p: 'a', q: 'bc' } },
      { attributes: { q: 'abc' } },
    ],
    want: [`${CALLS}{p="a", q="bc"} 1`, `${CALLS}{p="ab", q="c"} 1`, `${CALLS}{q="abc"} 1`],
  },
  {
    name: 'a mapping joins what is there',
    options: { intrinsics: only, mappings: [{ name: 'where', sourceLabels: ['x', 'y'], join: '-' }] },
    spans: [{ attributes: { x: '1', y: '2' } }, { attributes: { y: '2' } }, {}],
    want: [`${CALLS}{where="1-2"} 1`, `${CALLS}{where="2"} 1`, `${CALLS}{} 1`],
  },
  {
    name: 'a ratio on the span goes before one on the resource; integers are none',
    options: { intrinsics: only, multiplierKey: 'r' },
    spans: [
      { attributes: { r: 0.5 }, resource: { r: 0.1 } },
      { resource: { r: 0.1 } },
      { attributes: { r: { int: 2 } } },
    ],
    want: [`${CALLS}{} 13`],
  },
  {
    name: 'spans that ended more than 30 s from now are not counted',
    options: { intrinsics: only },
    spans: [{ startMs: -30_002 }, { startMs: -30_001 }, { startMs: 29_999 }, { startMs: 30_000 }],
    want: [`${CALLS}{} 2`],
  },
  {
    name: 'include: every attribute must match, and with its type',
    options: {
      filters: [
        {
          include: {
            matchType: 'strict',
            attributes: [
              { scope: 'span', key: 'code', value: 200n },
              { scope: 'name', key: '', value: 'op' },
            ],
          },
        },
      ],
      intrinsics: { ...only, spanName: true },
    },
    spans: [
      { attributes: { code: { int: 200 } } },
      { attributes: { code: '200' } },
      { attributes: { code: { int: 200 } }, name: 'x' },
      {},
    ],
    want: [`${CALLS}{span_name="op"} 1`],
  },
  {
    name: 'exclude by regular expression, anywhere in the text',
    options: {
      filters: [
        { exclude: { matchType: 'regex', attributes: [{ scope: 'name', key: '', value: 'heal?th' }] } },
      ],
      intrinsics: { ...only, spanName: true },
    },
    spans: [{ name: 'GET /health' }, { name: 'GET /' }],
    want: [`${CALLS}{span_name="GET /"} 1`],
  },
];

for (const { name, options = {}, spans, want } of cases) {
  test(name, async () => {
    const generated = metrics(options);
    await generated.push(spans);
    assert.deepEqual(await generated.values(CALLS), want);
    assert.deepEqual(generated.errors, []);
  });
}

test('only what is wanted is generated', async () => {
  const generated = metrics({ size: false, latency: false, intrinsics: only });
  await generated.push([{}]);
  assert.deepEqual((await generated.collect()).flatMap(metricLines), [
    `${CALLS}{} 0 @${START_MS}`,
    `${CALLS}{} 1 @${START_MS + 15_000}`,
  ]);
});

test('a new series starts with a zero behind the collection before; values go on while nothing comes', async () => {
  const generated = metrics({ size: false, latency: false, intrinsics: { ...only, spanName: true } });
  await generated.push([{}]);
  await generated.collect();
  await generated.push([{ name: 'late' }]);
  assert.deepEqual((await generated.collect()).flatMap(metricLines), [
    `${CALLS}{span_name="op"} 1 @${START_MS + 30_000}`,
    `${CALLS}{span_name="late"} 0 @${START_MS + 15_001}`,
    `${CALLS}{span_name="late"} 1 @${START_MS + 30_000}`,
  ]);
});

test('a collection that is not stored comes again with the next one, zero and all', async () => {
  const generated = metrics({ size: false, latency: false, intrinsics: only });
  await generated.push([{}]);
  generated.sink.failure = new Error('full');
  assert.deepEqual(await generated.collect(), []);
  assert.equal(generated.generator.failedCollections, 1);
  assert.equal(generated.errors.length, 1);
  generated.sink.failure = undefined;
  assert.deepEqual((await generated.collect()).flatMap(metricLines), [
    `${CALLS}{} 0 @${START_MS + 15_001}`,
    `${CALLS}{} 1 @${START_MS + 30_000}`,
  ]);
});

test('idle series end with a stale marker, and start at zero when they come back', async () => {
  for (const histograms of ['classic', 'both'] as const) {
    const generated = new Generated({ serviceGraph: undefined, histograms });
    await generated.push([{ service: 'a' }]);
    const active = (await generated.collect()).flatMap(({ series }) => series).length;
    assert.equal(generated.generator.statistics()[0]?.activeSeries, active);
    await generated.collect(15 * 60_000 - 15_000);
    const stale = (await generated.collect()).flatMap(metricLines);
    assert.equal(stale.length, active);
    assert.ok(stale.every((line) => / stale @/.test(line)));
    assert.deepEqual(await generated.collect(), []);
    assert.deepEqual(generated.generator.statistics(), [], 'an idle tenant is forgotten');
    await generated.push([{ service: 'a' }]);
    assert.deepEqual(await generated.values(CALLS), [`${CALLS}{service="a", ${plain}} 1`]);
  }
});

test('active series are bounded; what is counted already goes on; what left makes room', async () => {
  const generated = new Generated({
    serviceGraph: undefined,
    spanMetrics: {
      ...DEFAULT_SPAN_METRICS,
      size: false,
      latency: false,
      intrinsics: { ...only, spanName: true },
    },
    maxActiveSeries: 2,
    staleMs: 60_000,
  });
  const push = (...names: string[]) => generated.push(names.map((name) => ({ name })));
  await push('a', 'b', 'c', 'a');
  assert.deepEqual(await generated.values(CALLS), [`${CALLS}{span_name="a"} 2`, `${CALLS}{span_name="b"} 1`]);
  assert.equal(generated.generator.statistics()[0]?.seriesLimited, 1);
  generated.nowMs += 60_000;
  await push('a', 'c');
  assert.deepEqual(await generated.values(CALLS, 1), [
    `${CALLS}{span_name="a"} 3`,
    `${CALLS}{span_name="b"} stale`,
  ]);
  await push('c');
  assert.deepEqual(await generated.values(CALLS), [`${CALLS}{span_name="a"} 3`], 'not tried again at once');
  await push('c');
  assert.deepEqual(await generated.values(CALLS), [`${CALLS}{span_name="a"} 3`, `${CALLS}{span_name="c"} 1`]);
});

test('buckets are cumulative and hold their upper bound; the last span of each is its exemplar', async () => {
  const generated = metrics({ calls: false, size: false, buckets: [0.1, 1], intrinsics: only });
  const traces: [number, number][] = [
    [1, 100],
    [2, 100.001],
    [0xabc, 1000],
    [4, 5000],
  ];
  await generated.push(traces.map(([trace, durationMs]) => ({ trace, durationMs, startMs: -6000 })));
  const lines = (await generated.collect()).flatMap(metricLines).filter((line) => !/ 0 @/.test(line));
  const id = (trace: number) => trace.toString(16).padStart(32, '0');
  const at = `@${START_MS + 15_000}`;
  const name = 'traces_spanmetrics_latency';
  assert.deepEqual(lines, [
    `${name}_bucket{le="0.1"} 1 ${at}`,
    `${name}_bucket{le="1"} 3 ${at}`,
    `${name}_bucket{le="+Inf"} 4 ${at}`,
    `${name}_sum{} 6.200001 ${at}`,
    `${name}_count{} 4 ${at}`,
    `exemplar ${name}_bucket{le="0.1"} {"traceID":"${id(1)}"} 0.1 @${START_MS}`,
    `exemplar ${name}_bucket{le="1"} {"traceID":"${id(0xabc)}"} 1 @${START_MS}`,
    `exemplar ${name}_bucket{le="+Inf"} {"traceID":"${id(4)}"} 5 @${START_MS}`,
  ]);
  assert.ok(!(await generated.collect()).flatMap(metricLines).some((line) => line.startsWith('exemplar')));
});

test('native histograms alone', async () => {
  const generated = new Generated({
    serviceGraph: undefined,
    histograms: 'native',
    spanMetrics: { ...DEFAULT_SPAN_METRICS, calls: false, size: false, intrinsics: only },
  });
  await generated.push([{ durationMs: 1000 }, { durationMs: 1000 }, { durationMs: 0 }]);
  const [batch] = await generated.collect();
  assert.equal(batch?.seriesIndex.length, 0);
  const [zero, value] = batch?.histograms ?? [];
  assert.equal(zero?.histogram?.count, 0);
  assert.deepEqual(value?.histogram?.positiveSpans, [{ offset: 0, length: 1 }]);
  assert.deepEqual(
    [value?.histogram?.count, value?.histogram?.sum, value?.histogram?.zeroCount, value?.histogram?.schema],
    [3, 2, 1, 3],
  );
});

test('tenants have series of their own, and are bounded', async () => {
  const generated = new Generated({ serviceGraph: undefined, maxTenants: 2 });
  for (const tenant of ['a', 'b', 'c', 'a']) await generated.push([{}], tenant);
  const batches = await generated.collect();
  assert.deepEqual(
    batches.map(({ tenant }) => tenant),
    ['a', 'b'],
  );
  assert.equal(generated.generator.refusedSpans, 1);
});

test('spans that were not stored are not counted', async () => {
  const generated = metrics();
  generated.sink.failure = new Error('full');
  await assert.rejects(generated.push([{}]));
  generated.sink.failure = undefined;
  assert.deepEqual(await generated.collect(), []);
});

test('large collections come in several batches, every series in one of them', async () => {
  const generated = metrics();
  const spans = Array.from({ length: 2500 }, (_, i) => ({ name: `op ${i}` }));
  await generated.push(spans);
  const batches = await generated.collect();
  assert.ok(batches.length > 1);
  const keys = batches.flatMap(({ series }) => series.map(({ key }) => key));
  assert.equal(keys.length, 2500 * 19);
  assert.equal(new Set(keys).size, keys.length);
});

const indices: [value: number, schema: number, index: number][] = [
  [1, 3, 0],
  [2, 3, 8],
  [2.0000001, 3, 9],
  [0.5, 3, -8],
  [1.05, 3, 1],
  [2 ** (1 / 8), 3, 1],
  [100, 0, 7],
  [16, -2, 1],
  [17, -2, 2],
];
for (const [value, schema, index] of indices) {
  test(`${value} is in bucket ${index} of schema ${schema}`, () =>
    assert.equal(bucketIndex(value, schema), index));
}

test('too many buckets halve the resolution and lose no count', () => {
  const buckets = new NativeBuckets(3, 20);
  for (let i = 1; i <= 1000; i++) buckets.observe(i / 100, 1);
  const { schema, positiveCounts, positiveSpans, count } = buckets.histogram(0);
  assert.ok(positiveCounts.length <= 20);
  assert.equal(count, 1000);
  assert.equal(
    positiveCounts.reduce((sum, one) => sum + one, 0),
    1000,
  );
  assert.equal(
    positiveSpans.reduce((sum, { length }) => sum + length, 0),
    positiveCounts.length,
  );
  // 0.01 to 10 are ten octaves, of which the lowest have values in only one half: schema 1 has room.
  assert.equal(schema, 1);
  // 8 < x <= 10 is in the last one, (8, 11.3].
  assert.equal(positiveCounts.at(-1), 200);
});
