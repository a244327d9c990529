/** From API answers to what a chart draws: columns, gaps, names, stacks, exemplars, steps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatLabels,
  largestSeries,
  matrixToColumns,
  seriesNames,
  stackFromTop,
  summarize,
  traceMetricsToColumns,
} from '../../ui/src/charts/columns.ts';
import { thinDots, toDots, traceMetricsDots } from '../../ui/src/charts/exemplars.ts';
import { alignDown, chooseStepMs, interpolate } from '../../ui/src/charts/step.ts';
import { volumeColumns } from '../../ui/src/logs/volume.ts';

test('series of different times share one column of times', () => {
  const columns = matrixToColumns(
    [
      {
        metric: { job: 'a' },
        values: [
          [10, '1'],
          [20, '2'],
          [30, '3'],
        ],
      },
      { metric: { job: 'b' }, values: [[20, '5']] },
    ],
    10,
  );
  assert.deepEqual(columns.times, [10, 20, 30]);
  assert.deepEqual(
    columns.series.map((s) => s.values),
    [
      [1, 2, 3],
      [null, 5, null],
    ],
  );
  assert.deepEqual(
    columns.series.map((s) => s.name),
    ['a', 'b'],
  );
});

test('a hole in all series stays a hole', () => {
  const columns = matrixToColumns(
    [
      {
        metric: {},
        values: [
          [10, '1'],
          [20, '1'],
          [60, '1'],
        ],
      },
    ],
    10,
  );
  assert.deepEqual(columns.times, [10, 20, 30, 60]);
  assert.deepEqual(columns.series[0]?.values, [1, 1, null, 1]);
});

test('NaN and infinities are gaps', () => {
  const columns = matrixToColumns(
    [
      {
        metric: {},
        values: [
          [1, 'NaN'],
          [2, '+Inf'],
          [3, '-Inf'],
          [4, '1e3'],
        ],
      },
    ],
    1,
  );
  assert.deepEqual(columns.series[0]?.values, [null, null, null, 1000]);
});

test('series of native histograms have no points', () => {
  const columns = matrixToColumns([{ metric: {}, histograms: [[1, { count: '1', sum: '2' }]] }], 1);
  assert.deepEqual(columns.times, []);
});

test("Tempo's series: a missing value is 0, labels of any type become text", () => {
  const columns = traceMetricsToColumns(
    [
      {
        labels: [
          { key: 'name', value: { stringValue: 'GET' } },
          { key: 'code', value: { intValue: '200' } },
        ],
        samples: [{ timestampMs: '1000' }, { timestampMs: '2000', value: 4 }],
      },
    ],
    1,
  );
  assert.deepEqual(columns.times, [1, 2]);
  assert.deepEqual(columns.series[0]?.values, [0, 4]);
  assert.deepEqual(columns.series[0]?.labels, { name: 'GET', code: '200' });
});

test("Tempo's quantiles: 0 stands for an interval without spans", () => {
  const samples = [
    { timestampMs: '1000', value: 0 },
    { timestampMs: '2000', value: 0.5 },
  ];
  assert.deepEqual(traceMetricsToColumns([{ labels: [], samples }], 1, true).series[0]?.values, [null, 0.5]);
});

test('names tell series apart and leave out what they share', () => {
  assert.deepEqual(seriesNames([{ __name__: 'up', job: 'a' }]), ['up{job="a"}']);
  assert.deepEqual(seriesNames([{}]), ['value']);
  assert.deepEqual(
    seriesNames([
      { job: 'a', env: 'x' },
      { job: 'b', env: 'x' },
    ]),
    ['a', 'b'],
  );
  assert.deepEqual(
    seriesNames([
      { job: 'a', i: '1' },
      { job: 'b', i: '2' },
    ]),
    ['{job="a", i="1"}', '{job="b", i="2"}'],
  );
  assert.deepEqual(seriesNames([{ job: 'a' }, {}]), ['a', '(no job)']);
  assert.equal(formatLabels({ __name__: 'up', path: 'a"b' }), 'up{path="a\\"b"}');
});

test('the largest series come first when not all can be drawn', () => {
  const columns = matrixToColumns(
    ['1', '30', '2', '20'].map((value, i) => ({ metric: { i: String(i) }, values: [[1, value] as const] })),
    1,
  );
  assert.deepEqual(
    largestSeries(columns, 2).series.map((s) => s.labels.i),
    ['1', '3'],
  );
  assert.equal(largestSeries(columns, 4), columns);
});

test('summary of a series', () => {
  assert.deepEqual(summarize([null, 2, 4, null]), { last: 4, min: 2, max: 4, mean: 3 });
  assert.deepEqual(summarize([null]), { last: null, min: null, max: null, mean: null });
});

test('a stack sums from each series to the last, without the hidden ones', () => {
  const series = [
    [1, 2],
    [10, null],
    [100, 200],
  ].map((values, i) => ({ name: `${i}`, labels: {}, values }));
  assert.deepEqual(stackFromTop(series, [true, true, true]), [
    [111, 202],
    [110, 200],
    [100, 200],
  ]);
  assert.deepEqual(stackFromTop(series, [true, false, true])[0], [101, 202]);
  assert.deepEqual(stackFromTop(series, [true, false, true])[1], [null, null]);
});

test('steps follow the width and are round', () => {
  const hour = 3_600_000;
  assert.equal(chooseStepMs(hour, 1200), 15_000);
  assert.equal(chooseStepMs(24 * hour, 1200), 300_000);
  assert.equal(chooseStepMs(60_000, 4000), 1000, 'never below a second');
  assert.equal(chooseStepMs(1000 * 24 * hour, 400), 864_000_000, 'whole days beyond the table');
  assert.equal(alignDown(12_345, 5000), 10_000);
});

test("dashboards' variables", () => {
  const range = { stepMs: 15_000, rangeMs: 3_600_000 };
  const cases: [string, string][] = [
    ['rate(x[$__rate_interval])', 'rate(x[1m])'],
    ['rate(x[$__interval])', 'rate(x[15s])'],
    [`rate(x[$\{__range}])`, 'rate(x[1h])'],
    ['x * $__range_s + $__interval_ms', 'x * 3600 + 15000'],
    ['count_over_time({a="b"}[$__auto])', 'count_over_time({a="b"}[15s])'],
    ['x{a="$job"}', 'x{a="$job"}'],
  ];
  for (const [query, want] of cases) assert.equal(interpolate(query, range), want);
  assert.equal(interpolate('$__rate_interval', { stepMs: 300_000, rangeMs: 1 }), '5m15s');
});

const id = 'a'.repeat(32);

test('exemplars that name a trace become dots, whatever the label is called', () => {
  const dots = toDots([
    {
      seriesLabels: { service_name: 's' },
      exemplars: [
        { labels: { trace_id: id, span_id: 'b' }, value: '0.5', timestamp: 10 },
        { labels: { traceID: id }, value: '1', timestamp: 11 },
        { labels: { traceId: id, inferred: 'true' }, value: '2', timestamp: 12 },
        { labels: { request: 'x' }, value: '2', timestamp: 12 },
        { labels: { trace_id: id }, value: 'NaN', timestamp: 12 },
      ],
    },
  ]);
  assert.deepEqual(
    dots.map((dot) => [dot.seconds, dot.value, dot.traceId, dot.spanId, dot.inferred]),
    [
      [10, 0.5, id, 'b', false],
      [11, 1, id, undefined, false],
      [12, 2, id, undefined, true],
    ],
  );
});

test("Tempo's exemplars carry the id as trace:id", () => {
  const dots = traceMetricsDots([
    {
      labels: [],
      samples: [],
      exemplars: [
        { labels: [{ key: 'trace:id', value: { stringValue: id } }], value: 0.2, timestampMs: '5000' },
      ],
    },
  ]);
  assert.deepEqual(
    dots.map((dot) => [dot.seconds, dot.value, dot.traceId]),
    [[5, 0.2, id]],
  );
});

test('of dots in one cell the highest stays, and sent ones go before inferred ones', () => {
  const dot = (seconds: number, value: number, inferred = false) => ({
    seconds,
    value,
    inferred,
    traceId: id,
    labels: {},
    seriesLabels: {},
  });
  const cell = { seconds: 10, value: 1 };
  const kept = thinDots([dot(1, 0.1), dot(2, 0.5), dot(3, 0.9, true), dot(12, 0.2), dot(4, 1.5)], cell);
  assert.deepEqual(
    kept.map((d) => [d.seconds, d.value]),
    [
      [2, 0.5],
      [4, 1.5],
      [12, 0.2],
    ],
  );
  assert.equal(
    thinDots(
      Array.from({ length: 50 }, (_, i) => dot(i * 10, 1)),
      cell,
      7,
    ).length,
    7,
  );
});

test('the volume has a series per level, bars begin a step before their sample', () => {
  const volume = volumeColumns(
    [
      {
        metric: { detected_level: 'info' },
        values: [
          [60, '5'],
          [120, '7'],
        ],
      },
      { metric: { detected_level: 'unknown', level: 'ERROR' }, values: [[120, '2']] },
      { metric: { level: 'err' }, values: [[120, '1']] },
      { metric: {}, values: [[60, '4']] },
    ],
    { fromMs: 60_000, toMs: 120_000 },
    60_000,
  );
  assert.deepEqual(volume.levels, ['error', 'info', 'unknown']);
  assert.deepEqual(volume.columns.times, [0, 60]);
  assert.deepEqual(
    volume.columns.series.map((s) => s.values),
    [
      [0, 3],
      [5, 7],
      [4, 0],
    ],
  );
  assert.deepEqual(volume.totals, [3, 12, 4]);
});
