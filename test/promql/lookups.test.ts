/** Metrics as a source on a real engine: look-ups, tenants, repeated samples, exemplars stored and inferred. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LimitError } from '../../src/model/errors.ts';
import { Labels } from '../../src/model/labels.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import { inferredExemplars } from '../../src/storage/select/exemplars.ts';
import { metrics, spans } from '../storage/batches.ts';
import { openFixture, type StorageFixture } from './storage-source.ts';

const T = 1_793_577_600_000;
let fixture: StorageFixture;

before(async () => {
  fixture = await openFixture();
  const { sink } = fixture.storage;
  await sink.writeMetrics(
    metrics(
      'a',
      [
        [{ __name__: 'up', job: 'x', text: 'it\'s \\ "q"\n\tü😀' }, T, 1],
        [{ __name__: 'up', job: 'y.z' }, T + 60_000, 2],
        [{ __name__: 'down', 'utf.8': 'ja' }, T + 3_600_000, 3],
        [{ job: 'nameless' }, T, 4],
      ],
      {
        metadata: [
          { family: 'up', type: 'gauge', help: 'Is it up?', unit: '' },
          { family: 'down', type: 'gauge', help: '', unit: 's' },
        ],
        exemplars: [
          [
            { __name__: 'up', job: 'x', text: 'it\'s \\ "q"\n\tü😀' },
            { labels: Labels.from({ trace_id: 'b' }), value: 2, timestampMs: T + 5 },
          ],
          [
            { __name__: 'up', job: 'x', text: 'it\'s \\ "q"\n\tü😀' },
            { labels: Labels.from({ trace_id: 'a' }), value: 1, timestampMs: T + 1 },
          ],
        ],
      },
    ),
  );
  // The same time again, in another block: the later value counts.
  await sink.writeMetrics(metrics('a', [[{ __name__: 'up', job: 'y.z' }, T + 60_000, 22]]));
  await sink.writeMetrics(metrics('b', [[{ __name__: 'up', job: 'other tenant' }, T, 9]]));
  const id = (n: number, width: number): string => n.toString(16).padStart(width, '0');
  await sink.writeSpans(
    spans(
      'a',
      [
        { ms: 30, route: '/cart', kind: 2 },
        { ms: 80, route: '/cart', kind: 2 },
        { ms: 90, route: '/pay', kind: 2 },
        { ms: 95, route: '/cart', kind: 3 },
        { ms: 700, route: '/cart', kind: 2 },
      ].map(({ ms, route, kind }, i) => ({
        traceId: id(i + 1, 32),
        spanId: id(i + 1, 16),
        name: `GET ${route}`,
        kind,
        startNs: BigInt(T + i * 1000) * 1_000_000n,
        endNs: BigInt(T + i * 1000 + ms) * 1_000_000n,
        resource: { 'service.name': 'front' },
        attributes: { 'http.route': route },
      })),
    ),
  );
});

after(() => fixture.close());

const up: Matcher = { name: '__name__', op: '=', value: 'up' };
const all = { tenant: 'a', startMs: -(2 ** 53) + 1, endMs: 2 ** 53 - 1 };

test('look-ups', async () => {
  const { source } = fixture;
  const jobs = async (...matchers: Matcher[]) => {
    const series = await source.series({ ...all, matcherSets: [matchers] });
    return series.map((labels) => labels.get('job')).sort();
  };
  assert.deepEqual(await jobs(up), ['x', 'y.z']);
  assert.deepEqual(await jobs(up, { name: 'job', op: '=~', value: 'y.*' }), ['y.z']);
  assert.deepEqual(await jobs(up, { name: 'job', op: '!~', value: 'y\\..' }), ['x']);
  // A pattern that only the process evaluates.
  assert.deepEqual(await jobs(up, { name: 'job', op: '=~', value: '[[:alpha:]]\\.(?:z|q)+' }), ['y.z']);
  assert.deepEqual(await jobs(up, { name: 'text', op: '=', value: 'it\'s \\ "q"\n\tü😀' }), ['x']);
  assert.deepEqual(await jobs(up, { name: 'text', op: '=', value: '' }), ['y.z']);
  assert.deepEqual(await jobs({ name: '__name__', op: '=', value: '' }), ['nameless']);
  assert.deepEqual(await source.labelNames({ ...all, matcherSets: [] }), [
    '__name__',
    'job',
    'text',
    'utf.8',
  ]);
  assert.deepEqual(await source.labelNames({ ...all, matcherSets: [[up]], limit: 2 }), ['__name__', 'job']);
  assert.deepEqual(await source.labelValues('__name__', { ...all, matcherSets: [] }), ['down', 'up']);
  assert.deepEqual(await source.labelValues('utf.8', { ...all, matcherSets: [] }), ['ja']);
  const both = [[up, { name: 'job', op: '=', value: 'x' } as const], [{ ...up, value: 'down' }]];
  assert.equal((await source.series({ ...all, matcherSets: both })).length, 2);
});

test('series in a range have a sample there, to the millisecond', async () => {
  const count = async (startMs: number, endMs: number) =>
    (await fixture.source.series({ tenant: 'a', matcherSets: [[up]], startMs, endMs })).length;
  assert.equal(await count(T, T), 1);
  assert.equal(await count(T + 1, T + 59_999), 0);
  assert.equal(await count(T + 1, T + 60_000), 1);
  assert.equal(await count(T, T + 60_000), 2);
});

test('tenants do not see each other', async () => {
  const select = async (tenant: string) =>
    fixture.source.select({ tenant, matchers: [up], startMs: T, endMs: T + 60_000 });
  const b = await select('b');
  assert.ok(b.kind === 'raw');
  assert.deepEqual(
    b.series.map(({ labels }) => labels.get('job')),
    ['other tenant'],
  );
  const c = await select('c');
  assert.ok(c.kind === 'raw');
  assert.deepEqual(c.series, []);
});

test('of repeated samples the last one stays, and limits hold', async () => {
  const request = { tenant: 'a', matchers: [up], startMs: T, endMs: T + 60_000 };
  const result = await fixture.source.select(request);
  assert.ok(result.kind === 'raw');
  const one = result.series.find(({ labels }) => labels.get('job') === 'y.z');
  assert.deepEqual([...(one?.timestampsMs ?? [])], [T + 60_000]);
  assert.equal(one?.values.length, 1);
  await assert.rejects(fixture.source.select({ ...request, maxSamples: 1 }), LimitError);
});

test('an aborted select ends', async () => {
  const abort = new AbortController();
  abort.abort();
  await assert.rejects(
    fixture.source.select({ tenant: 'a', matchers: [up], startMs: T, endMs: T + 60_000 }, abort.signal),
  );
});

test('metadata', async () => {
  assert.deepEqual(await fixture.source.metadata('a', 'up'), [
    { family: 'up', type: 'gauge', help: 'Is it up?', unit: '' },
  ]);
  assert.equal((await fixture.source.metadata('a')).length, 2);
});

test('stored exemplars come in the order of time', async () => {
  const found = await fixture.source.exemplars({
    tenant: 'a',
    matcherSets: [[up]],
    startMs: T,
    endMs: T + 1000,
  });
  assert.deepEqual(
    found.map(({ exemplars }) => exemplars.map(({ value, timestampMs }) => [value, timestampMs - T])),
    [
      [
        [1, 1],
        [2, 5],
      ],
    ],
  );
});

test('exemplars are inferred from spans of the same service, route and bucket', async () => {
  const infer = inferredExemplars((tenant) => fixture.storage.scope(tenant));
  const bucket = (le: string, extra: Record<string, string> = {}) =>
    Labels.from({
      __name__: 'http_server_request_duration_seconds_bucket',
      job: 'shop/front',
      http_route: '/cart',
      http_request_method: 'GET',
      le,
      ...extra,
    });
  const series = [
    bucket('0.05'),
    bucket('0.1'),
    bucket('0.5'),
    bucket('+Inf'),
    bucket('0.1', { job: 'shop/back' }),
  ];
  const found = await infer({ tenant: 'a', series, startMs: T, endMs: T + 60_000, limitPerSeries: 5 });
  assert.deepEqual(
    found.map(({ labels, exemplars }) => [
      labels.get('le'),
      exemplars.map((e) => [e.value, Number(`0x${e.labels.get('trace_id')}`), e.labels.get('inferred')]),
    ]),
    [
      ['0.05', [[0.03, 1, 'true']]],
      ['0.1', [[0.08, 2, 'true']]],
      ['+Inf', [[0.7, 5, 'true']]],
    ],
  );
  assert.deepEqual(
    await infer({ tenant: 'b', series, startMs: T, endMs: T + 60_000, limitPerSeries: 5 }),
    [],
  );
});
