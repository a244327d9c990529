/** OTLP metrics become what Prometheus would show. Requests are written as OTLP/JSON. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_DELTA_LIMITS, DeltaTotals } from '../../src/wire/otlp/delta.ts';
import { otlpJsonToProtobuf } from '../../src/wire/otlp/json.ts';
import { DEFAULT_OTLP_METRICS_OPTIONS, type OtlpMetricsOptions } from '../../src/wire/otlp/metric-memory.ts';
import { OtlpMetricsDecoder } from '../../src/wire/otlp/metrics.ts';
import { METRICS } from '../../src/wire/otlp/schema.ts';
import { SeriesCache } from '../../src/wire/series-cache.ts';
import { metricLines } from '../collector/memory-sink.ts';

type Json = Record<string, unknown>;
const T = 1_700_000_000_000;
const ns = (ms: number) => `${ms}000000`;
const attributes = (record: Record<string, string>) =>
  Object.entries(record).map(([key, value]) => ({ key, value: { stringValue: value } }));

function body(
  metrics: Json[],
  resource: Record<string, string> = { 'service.name': 's' },
  scope: Json = {},
): Uint8Array {
  const request = {
    resourceMetrics: [{ resource: { attributes: attributes(resource) }, scopeMetrics: [{ scope, metrics }] }],
  };
  return otlpJsonToProtobuf(Buffer.from(JSON.stringify(request)), METRICS);
}

function decoderWith(options: Partial<OtlpMetricsOptions> = {}): OtlpMetricsDecoder {
  return new OtlpMetricsDecoder({ ...DEFAULT_OTLP_METRICS_OPTIONS, ...options });
}

/** Decodes twice (the second time from memory) and gives the lines. */
function translate(
  metrics: Json[],
  options: Partial<OtlpMetricsOptions> = {},
  resource?: Record<string, string>,
  scope?: Json,
): { lines: string[]; refused: string; metadata: string[] } {
  const decoder = decoderWith(options);
  const bytes = body(metrics, resource, scope);
  const { batch, rejected } = decoder.decode(bytes, 't');
  const lines = metricLines(batch);
  if (!options.createdTimestampZeroSamples && !JSON.stringify(metrics).includes('Temporality":1')) {
    assert.deepEqual(metricLines(decoder.decode(bytes, 't').batch), lines, 'the second time');
  }
  return {
    lines,
    refused: rejected.count === 0 ? '' : `${rejected.count}: ${rejected.message}`,
    metadata: batch.metadata.map(({ family, type, unit, help }) =>
      `${family} ${type} ${unit} ${help}`.trim(),
    ),
  };
}

const gauge = (name: string, ...points: Json[]): Json => ({ name, gauge: { dataPoints: points } });
const sum = (
  name: string,
  isMonotonic: boolean,
  aggregationTemporality: number,
  ...points: Json[]
): Json => ({
  name,
  sum: { isMonotonic, aggregationTemporality, dataPoints: points },
});
const point = (value: number, labels: Record<string, string> = {}, more: Json = {}): Json => ({
  timeUnixNano: ns(T),
  asDouble: value,
  attributes: attributes(labels),
  ...more,
});

describe('gauges and sums', () => {
  it('gauge', () => {
    assert.deepEqual(translate([gauge('cpu.load', point(0.5, { 'cpu.id': '0' }))]), {
      lines: [`cpu_load{cpu_id="0", job="s"} 0.5 @${T}`],
      refused: '',
      metadata: ['cpu_load gauge'],
    });
  });

  it('monotonic sum: counter with _total', () => {
    assert.deepEqual(
      translate([
        {
          ...sum('requests', true, 2, { ...point(0), asInt: '12', asDouble: undefined }),
          unit: '1',
          description: 'how many',
        },
      ]),
      {
        lines: [`requests_total{job="s"} 12 @${T}`],
        refused: '',
        metadata: ['requests_total counter  how many'],
      },
    );
  });

  it('non-monotonic sum: gauge', () => {
    const { lines, metadata } = translate([sum('queue', false, 2, point(3))]);
    assert.deepEqual(lines, [`queue{job="s"} 3 @${T}`]);
    assert.deepEqual(metadata, ['queue gauge']);
  });

  it('no recorded value: stale marker', () => {
    assert.deepEqual(translate([gauge('g', { timeUnixNano: ns(T), flags: 1 })]).lines, [
      `g{job="s"} stale @${T}`,
    ]);
  });

  it('time is cut to milliseconds', () => {
    assert.deepEqual(translate([gauge('g', { timeUnixNano: `${T}999999`, asDouble: 1 })]).lines, [
      `g{job="s"} 1 @${T}`,
    ]);
    assert.deepEqual(translate([gauge('g', { timeUnixNano: '9223372036854775807', asDouble: 1 })]).lines, [
      'g{job="s"} 1 @9223372036854',
    ]);
  });

  it('the zero sample at the start is written once per start', () => {
    const decoder = decoderWith({ createdTimestampZeroSamples: true });
    const bytes = body([sum('c', true, 2, point(7, {}, { startTimeUnixNano: ns(T - 5000) }))]);
    assert.deepEqual(metricLines(decoder.decode(bytes, 't').batch), [
      `c_total{job="s"} 0 @${T - 5000}`,
      `c_total{job="s"} 7 @${T}`,
    ]);
    assert.deepEqual(metricLines(decoder.decode(bytes, 't').batch), [`c_total{job="s"} 7 @${T}`]);
    assert.equal(metricLines(decoder.decode(bytes, 'other tenant').batch).length, 2);
  });
});

describe('refused points', () => {
  const cases: [what: string, metric: Json, refused: string, lines?: number][] = [
    [
      'no temporality',
      sum('c', true, 0, point(1), point(2)),
      '2: aggregation temporality is missing: "c" (2 times)',
    ],
    ['no name', gauge('', point(1)), '1: metric without a name'],
    ['a name without letters', gauge('日本', point(1)), '1: metric name "日本" cannot be used: "日本"'],
    ['no time', gauge('g', { asDouble: 1 }), '1: point without a time: "g"'],
    ['no value', gauge('g', { timeUnixNano: ns(T) }), '1: point without a value: "g"'],
    [
      'a time beyond 2262',
      gauge('g', { timeUnixNano: '9223372036854775808', asDouble: 1 }),
      '1: time beyond the year 2262: "g"',
    ],
    [
      'a key without letters',
      gauge('g', point(1, { '...': 'x' }), point(2)),
      '1: attribute "..." cannot be a label: "g"',
      1,
    ],
    [
      'bounds that do not ascend',
      {
        name: 'h',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [{ timeUnixNano: ns(T), count: 1, bucketCounts: [0, 1, 0], explicitBounds: [2, 1] }],
        },
      },
      '1: explicit_bounds must be ascending: "h"',
    ],
    [
      'a scale below -4',
      {
        name: 'e',
        exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ timeUnixNano: ns(T), scale: -5 }] },
      },
      '1: exponential histogram with a scale below -4: "e"',
    ],
    [
      'buckets that do not add up',
      {
        name: 'e',
        exponentialHistogram: {
          aggregationTemporality: 2,
          dataPoints: [{ timeUnixNano: ns(T), count: 5, positive: { bucketCounts: [1, 1] } }],
        },
      },
      '1: histogram buckets do not add up to its count: "e"',
    ],
  ];
  for (const [what, metric, refused, lines = 0] of cases) {
    it(what, () => {
      const got = translate([metric]);
      assert.equal(got.refused, refused);
      assert.equal(got.lines.length, lines);
    });
  }

  it('future points', () => {
    const { rejected, batch } = decoderWith().decode(body([gauge('g', point(1))]), 't', T - 1);
    assert.equal(rejected.message, 'timestamp too far in the future: "g"');
    assert.equal(batch.seriesIndex.length, 0);
  });

  it('labels beyond the limits', () => {
    const limits = { ...DEFAULT_OTLP_METRICS_OPTIONS.limits, maxLabels: 3, maxLabelValueBytes: 4 };
    const { lines, refused } = translate(
      [gauge('g', point(1, { a: '1' }), point(2, { a: '1', b: '2' }), point(3, { a: 'ääää' }))],
      { limits },
    );
    assert.deepEqual(lines, [`g{a="1", job="s"} 1 @${T}`]);
    assert.match(refused, /^2: .*more than 3 labels \(max-labels\).*value of more than 4 bytes/);
  });

  it('metrics without points or data are passed over', () => {
    assert.deepEqual(translate([gauge('g'), { name: 'nothing' }]), { lines: [], refused: '', metadata: [] });
  });
});

describe('histograms', () => {
  const histogram = (more: Json, temporality = 2): Json => ({
    name: 'lat',
    unit: 's',
    histogram: {
      aggregationTemporality: temporality,
      dataPoints: [
        {
          timeUnixNano: ns(T),
          count: '10',
          sum: 4.5,
          bucketCounts: ['1', '4', '5'],
          explicitBounds: [0.1, 1],
          ...more,
        },
      ],
    },
  });

  it('explicit buckets: _bucket, _sum, _count', () => {
    const { lines, metadata } = translate([histogram({})]);
    assert.deepEqual(lines, [
      `lat_seconds_sum{job="s"} 4.5 @${T}`,
      `lat_seconds_count{job="s"} 10 @${T}`,
      `lat_seconds_bucket{job="s", le="0.1"} 1 @${T}`,
      `lat_seconds_bucket{job="s", le="1"} 5 @${T}`,
      `lat_seconds_bucket{job="s", le="+Inf"} 10 @${T}`,
    ]);
    assert.deepEqual(metadata, ['lat_seconds histogram seconds']);
  });

  it('without a sum there is no _sum', () => {
    assert.deepEqual(
      translate([histogram({ sum: undefined })]).lines.filter((line) => line.includes('_sum')),
      [],
    );
  });

  it('without buckets there is +Inf alone', () => {
    assert.deepEqual(translate([histogram({ bucketCounts: [], explicitBounds: [] })]).lines, [
      `lat_seconds_sum{job="s"} 4.5 @${T}`,
      `lat_seconds_count{job="s"} 10 @${T}`,
      `lat_seconds_bucket{job="s", le="+Inf"} 10 @${T}`,
    ]);
  });

  it('a bound of +Inf is not written twice', () => {
    const { lines } = translate([
      histogram({ bucketCounts: ['1', '4', '5', '0'], explicitBounds: [0.1, 1, 'Infinity'] }),
    ]);
    assert.equal(lines.filter((line) => line.includes('+Inf')).length, 1);
  });

  it('no recorded value: every series goes stale', () => {
    assert.deepEqual(
      translate([histogram({ flags: 1, count: 0, sum: undefined, bucketCounts: [], explicitBounds: [] })])
        .lines,
      [`lat_seconds_count{job="s"} stale @${T}`, `lat_seconds_bucket{job="s", le="+Inf"} stale @${T}`],
    );
  });

  it('exemplars go to their bucket', () => {
    const exemplar = (asDouble: number, more: Json = {}): Json => ({
      timeUnixNano: ns(T - 1),
      asDouble,
      ...more,
    });
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const spanId = 'b7ad6b7169203331';
    const { lines } = translate([
      histogram({
        exemplars: [
          exemplar(0.1, { traceId, spanId, filteredAttributes: attributes({ user: 'u1' }) }),
          exemplar(0.11),
          exemplar(99, { traceId, filteredAttributes: attributes({ long: 'x'.repeat(120) }) }),
          exemplar(0.2, { timeUnixNano: 0, traceId: '0'.repeat(32) }),
          { timeUnixNano: ns(T), spanId },
        ],
      }),
    ]);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('exemplar')),
      [
        `exemplar lat_seconds_bucket{job="s", le="0.1"} {"span_id":"${spanId}","trace_id":"${traceId}","user":"u1"} 0.1 @${T - 1}`,
        `exemplar lat_seconds_bucket{job="s", le="1"} {} 0.11 @${T - 1}`,
        `exemplar lat_seconds_bucket{job="s", le="+Inf"} {"trace_id":"${traceId}"} 99 @${T - 1}`,
        `exemplar lat_seconds_bucket{job="s", le="1"} {} 0.2 @${T}`,
      ],
    );
  });

  it('become native histograms with custom buckets when asked for', () => {
    const { batch } = decoderWith({ convertHistogramsToNhcb: true }).decode(
      body([histogram({ bucketCounts: ['0', '4', '6'] })]),
      't',
    );
    assert.deepEqual(batch.histograms[0]?.histogram, {
      schema: -53,
      count: 10,
      sum: 4.5,
      zeroThreshold: 0,
      zeroCount: 0,
      positiveSpans: [{ offset: 1, length: 2 }],
      positiveCounts: [4, 6],
      negativeSpans: [],
      negativeCounts: [],
      customValues: [0.1, 1],
      counterReset: 'unknown',
      isFloat: false,
    });
    assert.equal(batch.seriesIndex.length, 0);
  });
});

describe('exponential histograms', () => {
  function native(more: Json): Json {
    const metric = {
      name: 'size',
      exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ timeUnixNano: ns(T), ...more }] },
    };
    const { batch, rejected } = decoderWith().decode(body([metric]), 't');
    assert.equal(rejected.message, '');
    const one = batch.histograms[0];
    assert.ok(one !== undefined);
    if (one.histogram === null) return { stale: one.stale };
    const {
      schema,
      count,
      sum,
      zeroCount,
      zeroThreshold,
      positiveSpans,
      positiveCounts,
      negativeSpans,
      negativeCounts,
    } = one.histogram;
    return {
      schema,
      count,
      sum,
      zero: [zeroCount, zeroThreshold],
      p: [positiveSpans, positiveCounts],
      n: [negativeSpans, negativeCounts],
    };
  }
  const spans = (...pairs: [number, number][]) => pairs.map(([offset, length]) => ({ offset, length }));

  it('bucket i covers what Prometheus counts in bucket i+1', () => {
    assert.deepEqual(
      native({
        count: 6,
        sum: 8,
        scale: 0,
        zeroCount: 1,
        positive: { offset: 1, bucketCounts: [2, 0, 1] },
        negative: { offset: -3, bucketCounts: ['2'] },
      }),
      {
        schema: 0,
        count: 6,
        sum: 8,
        zero: [1, 1e-128],
        p: [spans([2, 3]), [2, 0, 1]],
        n: [spans([-2, 1]), [2]],
      },
    );
  });

  it('gaps of more than two empty buckets begin a new span', () => {
    assert.deepEqual(native({ count: 3, scale: 2, positive: { bucketCounts: [1, 0, 0, 1, 0, 0, 0, 1] } }).p, [
      spans([1, 4], [3, 1]),
      [1, 0, 0, 1, 1],
    ]);
  });

  it('scales above 8 are merged down', () => {
    // Scale 10 to 8: four buckets become one; bucket 5..12 of scale 10 end in buckets 2, 3 and 4 (Prometheus's) of 8.
    assert.deepEqual(
      native({ count: 8, scale: 10, positive: { offset: 5, bucketCounts: [1, 1, 1, 1, 1, 1, 1, 1] } }),
      {
        schema: 8,
        count: 8,
        sum: 0,
        zero: [0, 1e-128],
        p: [spans([2, 3]), [3, 4, 1]],
        n: [[], []],
      },
    );
    assert.deepEqual(native({ count: 2, scale: 40, positive: { offset: -1, bucketCounts: [1, 1] } }).p, [
      spans([0, 2]),
      [1, 1],
    ]);
  });

  it('scale -4 is taken', () => {
    assert.deepEqual(native({ count: 1, scale: -4, positive: { bucketCounts: [1] } }).schema, -4);
  });

  it('no recorded value: stale', () => {
    assert.deepEqual(native({ flags: 1 }), { stale: true });
  });

  it("the sender's zero threshold is kept", () => {
    assert.deepEqual(native({ count: 1, zeroCount: 1, zeroThreshold: 0.001 }).zero, [1, 0.001]);
  });
});

describe('summaries', () => {
  it('quantiles, _sum and _count', () => {
    const metric = {
      name: 'rpc',
      unit: 'ms',
      summary: {
        dataPoints: [
          {
            timeUnixNano: ns(T),
            count: 3,
            sum: 6,
            quantileValues: [
              { quantile: 0.5, value: 2 },
              { quantile: 0.999, value: 3 },
            ],
          },
        ],
      },
    };
    const { lines, metadata } = translate([metric]);
    assert.deepEqual(lines, [
      `rpc_milliseconds_sum{job="s"} 6 @${T}`,
      `rpc_milliseconds_count{job="s"} 3 @${T}`,
      `rpc_milliseconds{job="s", quantile="0.5"} 2 @${T}`,
      `rpc_milliseconds{job="s", quantile="0.999"} 3 @${T}`,
    ]);
    assert.deepEqual(metadata, ['rpc_milliseconds summary milliseconds']);
  });
});

describe('labels', () => {
  const g = [gauge('g', point(1, { 'a.b': 'x', a_b: 'y', __name__: 'no', empty: '' }))];
  const cases: [
    what: string,
    options: Partial<OtlpMetricsOptions>,
    resource: Record<string, string>,
    want: string[],
  ][] = [
    ['equal names are joined in the order of the keys', {}, {}, ['g{a_b="x;y"}']],
    [
      'job and instance',
      {},
      { 'service.name': 's', 'service.namespace': 'n', 'service.instance.id': 'i' },
      ['g{a_b="x;y", instance="i", job="n/s"}'],
    ],
    ['namespace alone is no job', {}, { 'service.namespace': 'n' }, ['g{a_b="x;y"}']],
    [
      'target_info',
      {},
      { 'service.name': 's', 'host.name': 'h' },
      ['g{a_b="x;y", job="s"}', 'target_info{host_name="h", job="s"}'],
    ],
    ['no target_info without job and instance', {}, { 'host.name': 'h' }, ['g{a_b="x;y"}']],
    [
      'target_info off',
      { targetInfo: false },
      { 'service.name': 's', 'host.name': 'h' },
      ['g{a_b="x;y", job="s"}'],
    ],
    [
      'target_info with identifying attributes',
      { keepIdentifyingResourceAttributes: true },
      { 'service.name': 's', 'host.name': 'h' },
      ['g{a_b="x;y", job="s"}', 'target_info{host_name="h", job="s", service_name="s"}'],
    ],
    [
      'promoted resource attributes',
      { promoteResourceAttributes: ['host.name', 'a.b'], targetInfo: false },
      { 'service.name': 's', 'host.name': 'h', 'a.b': 'loses', zone: 'z' },
      ['g{a_b="x;y", host_name="h", job="s"}'],
    ],
    [
      'all resource attributes promoted but some',
      { promoteAllResourceAttributes: true, ignoreResourceAttributes: ['zone'], targetInfo: false },
      { 'service.name': 's', 'host.name': 'h', zone: 'z' },
      ['g{a_b="x;y", host_name="h", job="s", service_name="s"}'],
    ],
    [
      'UTF-8 names are kept',
      { translationStrategy: 'NoTranslation' },
      { 'service.name': 's', 'host.name': 'h' },
      ['g{a.b="x", a_b="y", job="s"}', 'target_info{host.name="h", job="s"}'],
    ],
  ];
  for (const [what, options, resource, want] of cases) {
    it(what, () => {
      assert.deepEqual(
        translate(g, options, resource).lines.map((line) => line.replace(/ 1 @\d+$/, '')),
        want,
      );
    });
  }

  it('values of every type', () => {
    const values: [value: Json, want: string][] = [
      [{ stringValue: 'x' }, 'x'],
      [{ intValue: '-9223372036854775808' }, '-9223372036854775808'],
      [{ intValue: 7 }, '7'],
      [{ boolValue: true }, 'true'],
      [{ doubleValue: 0.1 }, '0.1'],
      [{ doubleValue: 1e21 }, '1e+21'],
      [{ bytesValue: 'AQI=' }, 'AQI='],
      [{ arrayValue: { values: [{ intValue: 1 }, { stringValue: 'a' }, {}] } }, '[1,"a",null]'],
      [
        {
          kvlistValue: {
            values: [
              { key: 'b', value: { boolValue: false } },
              { key: 'a', value: { stringValue: '<' } },
            ],
          },
        },
        '{"a":"<","b":false}',
      ],
    ];
    for (const [value, want] of values) {
      const { lines } = translate(
        [gauge('g', { timeUnixNano: ns(T), asDouble: 1, attributes: [{ key: 'v', value }] })],
        {},
        {},
      );
      assert.deepEqual(lines, [`g{v=${JSON.stringify(want)}} 1 @${T}`]);
    }
  });

  it('the scope, when asked for', () => {
    const scope = { name: 'lib', version: '1', attributes: attributes({ 'x.y': 'z' }) };
    assert.deepEqual(translate([gauge('g', point(1))], { promoteScopeMetadata: true }, {}, scope).lines, [
      `g{otel_scope_name="lib", otel_scope_version="1", otel_scope_x_y="z"} 1 @${T}`,
    ]);
    assert.deepEqual(translate([gauge('g', point(1))], {}, {}, scope).lines, [`g{} 1 @${T}`]);
  });

  it('target_info spans the times of the points', () => {
    const at = (ms: number) => ({ timeUnixNano: ns(ms), asDouble: 1 });
    const { lines } = translate([gauge('g', at(T), at(T + 400_000))], {}, { 'service.name': 's', h: '1' });
    assert.deepEqual(
      lines.filter((line) => line.startsWith('target_info')),
      [0, 150_000, 300_000, 400_000].map((ms) => `target_info{h="1", job="s"} 1 @${T + ms}`),
    );
  });

  it('target_info over decades stays bounded', () => {
    const at = (ms: number) => ({ timeUnixNano: ns(ms), asDouble: 1 });
    const { lines } = translate([gauge('g', at(1), at(T))], {}, { 'service.name': 's', h: '1' });
    assert.ok(lines.length < 1010, String(lines.length));
  });
});

describe('delta temporality', () => {
  const at = (ms: number, value: number, labels: Record<string, string> = {}): Json =>
    point(value, labels, { timeUnixNano: ns(T + ms), startTimeUnixNano: ns(T + ms - 1000) });

  it('adds up per series and tenant', () => {
    const decoder = decoderWith();
    const send = (ms: number, value: number, tenant = 't') =>
      metricLines(
        decoder.decode(body([sum('c', true, 1, at(ms, value, { a: '1' }), at(ms, 1, { a: '2' }))]), tenant)
          .batch,
      );
    assert.deepEqual(send(0, 5), [`c_total{a="1", job="s"} 5 @${T}`, `c_total{a="2", job="s"} 1 @${T}`]);
    assert.deepEqual(send(1000, 7), [
      `c_total{a="1", job="s"} 12 @${T + 1000}`,
      `c_total{a="2", job="s"} 2 @${T + 1000}`,
    ]);
    assert.deepEqual(send(1000, 7, 'other')[0], `c_total{a="1", job="s"} 7 @${T + 1000}`);
  });

  it('refuses points that are not newer', () => {
    const decoder = decoderWith();
    decoder.decode(body([sum('c', true, 1, at(0, 5))]), 't');
    const { rejected, batch } = decoder.decode(body([sum('c', true, 1, at(0, 5))]), 't');
    assert.equal(rejected.message, 'delta point is not newer than the last one of its series: "c_total"');
    assert.equal(batch.seriesIndex.length, 0);
    assert.equal(decoder.deltas.dropped.old, 1);
  });

  it('is as before when the request was not stored', () => {
    const decoder = decoderWith();
    decoder.decode(body([sum('c', true, 1, at(0, 5))]), 't');
    const failed = decoder.decode(
      body([sum('c', true, 1, at(1000, 7)), sum('new', true, 1, at(1000, 1))]),
      't',
    );
    decoder.deltas.undo(failed.journal);
    assert.equal(decoder.deltas.size, 1);
    assert.deepEqual(metricLines(decoder.decode(body([sum('c', true, 1, at(1000, 7))]), 't').batch), [
      `c_total{job="s"} 12 @${T + 1000}`,
    ]);
  });

  it('keeps what a later request has built upon', () => {
    const decoder = decoderWith();
    const failed = decoder.decode(body([sum('c', true, 1, at(0, 5))]), 't');
    const stored = decoder.decode(body([sum('c', true, 1, at(1000, 7))]), 't');
    decoder.deltas.undo(failed.journal);
    assert.deepEqual(metricLines(stored.batch), [`c_total{job="s"} 12 @${T + 1000}`]);
    assert.equal(decoder.decode(body([sum('c', true, 1, at(0, 5))]), 't').rejected.count, 1);
  });

  it('is as before when the body turns out to be malformed', () => {
    const decoder = decoderWith();
    const bytes = body([sum('c', true, 1, at(0, 5))]);
    assert.throws(() => decoder.decode(Buffer.concat([bytes, Buffer.of(0x0a)]), 't'));
    assert.equal(decoder.deltas.size, 0);
  });

  it('is bounded, and old series make room', () => {
    const decoder = new OtlpMetricsDecoder(
      DEFAULT_OTLP_METRICS_OPTIONS,
      new DeltaTotals({ ...DEFAULT_DELTA_LIMITS, maxSeries: 2 }),
      new SeriesCache(),
    );
    const send = (ms: number, ...series: string[]) =>
      decoder.decode(body([sum('c', true, 1, ...series.map((a) => at(ms, 1, { a })))]), 't').rejected.message;
    assert.equal(
      send(0, '1', '2', '3'),
      'more than 2 series with delta temporality (max-delta-series): "c_total"',
    );
    assert.equal(decoder.deltas.dropped.full, 1);
    assert.equal(send(DEFAULT_DELTA_LIMITS.maxStaleMs, '3'), '');
    assert.equal(decoder.deltas.size, 2);
  });

  it('histograms add up; other bounds begin anew', () => {
    const decoder = decoderWith();
    const send = (ms: number, explicitBounds: number[], bucketCounts: number[]) =>
      metricLines(
        decoder.decode(
          body([
            {
              name: 'h',
              histogram: {
                aggregationTemporality: 1,
                dataPoints: [
                  {
                    timeUnixNano: ns(T + ms),
                    count: bucketCounts.reduce((a, b) => a + b),
                    sum: 1.5,
                    bucketCounts,
                    explicitBounds,
                  },
                ],
              },
            },
          ]),
          't',
        ).batch,
      ).map((line) => line.replace(/ @.*/, ''));
    send(0, [1, 2], [1, 2, 3]);
    assert.deepEqual(send(1, [1, 2], [1, 0, 1]), [
      'h_sum{job="s"} 3',
      'h_count{job="s"} 8',
      'h_bucket{job="s", le="1"} 2',
      'h_bucket{job="s", le="2"} 4',
      'h_bucket{job="s", le="+Inf"} 8',
    ]);
    assert.equal(send(2, [1], [1, 1])[1], 'h_count{job="s"} 2');
  });

  it('exponential histograms add up at the coarser scale', () => {
    const decoder = decoderWith();
    const send = (ms: number, scale: number, offset: number, bucketCounts: number[]) => {
      const count = bucketCounts.reduce((a, b) => a + b, 0) + 1;
      const dataPoints = [
        { timeUnixNano: ns(T + ms), count, sum: 1, scale, zeroCount: 1, positive: { offset, bucketCounts } },
      ];
      const { batch } = decoder.decode(
        body([{ name: 'e', exponentialHistogram: { aggregationTemporality: 1, dataPoints } }]),
        't',
      );
      return batch.histograms[0]?.histogram;
    };
    send(0, 1, 0, [1, 1, 1, 1]);
    const got = send(1, 0, 0, [10, 20]);
    assert.equal(got?.schema, 0);
    assert.deepEqual(got?.positiveSpans, [{ offset: 1, length: 2 }]);
    assert.deepEqual(got?.positiveCounts, [12, 22]);
    assert.equal(got?.count, 4 + 30 + 2);
    assert.equal(got?.zeroCount, 2);
  });
});
