/** The real program: three signals pushed over each protocol, asked back over each API, kept over a restart. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RunningTrivium, startTrivium } from './trivium-process.ts';

const TRACE = '5b8efff798038103d269b633813fc60c';
const SPAN = 'eee19b7ec3c1b174';
const CHILD = 'eee19b7ec3c1b175';

let trivium: RunningTrivium;
const nowMs = Date.now() - 60_000;
const ns = (offsetMs: number) => `${BigInt(nowMs + offsetMs) * 1_000_000n}`;

before(async () => {
  trivium = await startTrivium();
});
after(() => trivium.stop(false));

const url = (listener: string, path: string) => `http://127.0.0.1:${trivium.ports[listener]}${path}`;

async function get(
  listener: string,
  path: string,
  params: Record<string, string> = {},
  headers: Record<string, string> = {},
) {
  const response = await fetch(url(listener, `${path}?${new URLSearchParams(params)}`), { headers });
  const text = await response.text();
  assert.equal(response.status, 200, `${path}: ${text}`);
  return JSON.parse(text);
}

async function post(listener: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url(listener, path), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

const resource = {
  attributes: [
    { key: 'service.name', value: { stringValue: 'checkout' } },
    { key: 'service.namespace', value: { stringValue: 'shop' } },
    { key: 'service.instance.id', value: { stringValue: 'pod-1' } },
  ],
};
const traces = {
  resourceSpans: [
    {
      resource,
      scopeSpans: [
        {
          scope: { name: 'http' },
          spans: [
            {
              traceId: TRACE,
              spanId: SPAN,
              name: 'POST /pay',
              kind: 2,
              startTimeUnixNano: ns(0),
              endTimeUnixNano: ns(420),
              attributes: [
                { key: 'http.route', value: { stringValue: '/pay' } },
                { key: 'http.response.status_code', value: { intValue: '500' } },
              ],
              status: { code: 2, message: 'declined' },
            },
            {
              traceId: TRACE,
              spanId: CHILD,
              parentSpanId: SPAN,
              name: 'SELECT orders',
              kind: 3,
              startTimeUnixNano: ns(10),
              endTimeUnixNano: ns(40),
            },
          ],
        },
      ],
    },
  ],
};
const logs = {
  resourceLogs: [
    {
      resource,
      scopeLogs: [
        {
          logRecords: [
            {
              timeUnixNano: ns(5),
              severityNumber: 17,
              severityText: 'ERROR',
              body: { stringValue: 'payment declined' },
              traceId: TRACE,
              spanId: SPAN,
              attributes: [{ key: 'order.id', value: { stringValue: 'o-1' } }],
            },
          ],
        },
      ],
    },
  ],
};
const metrics = (offsetMs: number, count: number) => ({
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [
        {
          metrics: [
            {
              name: 'http.server.request.duration',
              unit: 's',
              description: 'Duration of requests.',
              histogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  {
                    startTimeUnixNano: ns(-60_000),
                    timeUnixNano: ns(offsetMs),
                    count: String(count),
                    sum: count * 0.4,
                    explicitBounds: [0.1, 0.5],
                    bucketCounts: ['0', String(count), '0'],
                    attributes: [{ key: 'http.route', value: { stringValue: '/pay' } }],
                    exemplars: [{ timeUnixNano: ns(offsetMs), asDouble: 0.42, traceId: TRACE, spanId: SPAN }],
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
});

test('pushes are acknowledged', async () => {
  for (const [path, body] of [
    ['/v1/traces', traces],
    ['/v1/logs', logs],
    ['/v1/metrics', metrics(-15_000, 10)],
    ['/v1/metrics', metrics(0, 40)],
  ] as const) {
    const { status, text } = await post('otlp-http', path, body);
    assert.equal(status, 200, text);
  }
  const push = {
    streams: [
      {
        stream: { app: 'legacy' },
        values: [
          [ns(0), 'first line'],
          [ns(1), 'second line', { trace_id: TRACE }],
        ],
      },
    ],
  };
  assert.equal((await post('loki', '/loki/api/v1/push', push)).status, 204);
});

test('what was acknowledged can be queried at once: metrics', async () => {
  const answer = await get('prometheus', '/api/v1/query', {
    query:
      'histogram_quantile(0.5, sum by (le, job) (increase(http_server_request_duration_seconds_bucket[1m])))',
    time: String(nowMs / 1000),
  });
  assert.deepEqual(answer.data.result[0].metric, { job: 'shop/checkout' });
  assert.ok(Math.abs(Number(answer.data.result[0].value[1]) - 0.3) < 1e-9, JSON.stringify(answer));
  const range = await get('http', '/prometheus/api/v1/query_range', {
    query: 'http_server_request_duration_seconds_count',
    start: String((nowMs - 30_000) / 1000),
    end: String(nowMs / 1000),
    step: '15',
  });
  assert.deepEqual(
    range.data.result[0].values.map(([, value]: [number, string]) => value),
    ['10', '40'],
  );
  const exemplars = await get('prometheus', '/api/v1/query_exemplars', {
    query: 'http_server_request_duration_seconds_bucket',
    start: String((nowMs - 30_000) / 1000),
    end: String(nowMs / 1000),
  });
  assert.equal(exemplars.data[0].exemplars[0].labels.trace_id, TRACE);
  const metadata = await get('prometheus', '/api/v1/metadata', {
    metric: 'http_server_request_duration_seconds',
  });
  assert.deepEqual(metadata.data.http_server_request_duration_seconds, [
    { type: 'histogram', help: 'Duration of requests.', unit: 'seconds' },
  ]);
});

test('what was acknowledged can be queried at once: logs', async () => {
  const range = { start: ns(-60_000), end: ns(60_000) };
  const answer = await get('loki', '/loki/api/v1/query_range', {
    query: `{service_name="checkout"} |= "declined" | trace_id="${TRACE}"`,
    ...range,
  });
  assert.equal(answer.data.result[0].values[0][1], 'payment declined');
  const { stream } = answer.data.result[0];
  assert.equal(stream.order_id, 'o-1');
  assert.equal(stream.span_id, SPAN);
  const legacy = await get('http', '/loki/loki/api/v1/query_range', { query: '{app="legacy"}', ...range });
  const lines = legacy.data.result.flatMap((one: { values: [string, string][] }) =>
    one.values.map(([, line]) => line),
  );
  assert.deepEqual(lines.toSorted(), ['first line', 'second line']);
});

test('what was acknowledged can be queried at once: traces', async () => {
  const trace = await get('tempo', `/api/traces/${TRACE}`, {}, { accept: 'application/json' });
  const spans = trace.batches.flatMap((batch: { scopeSpans: { spans: { name: string }[] }[] }) =>
    batch.scopeSpans.flatMap((scope) => scope.spans),
  );
  assert.deepEqual(spans.map((span: { name: string }) => span.name).toSorted(), [
    'POST /pay',
    'SELECT orders',
  ]);
  const found = await get('tempo', '/api/search', {
    q: '{ resource.service.name = "checkout" && status = error && duration > 400ms }',
    start: String(Math.floor(nowMs / 1000) - 60),
    end: String(Math.floor(nowMs / 1000) + 60),
  });
  assert.deepEqual(
    found.traces.map((one: { traceID: string; rootTraceName: string }) => [one.traceID, one.rootTraceName]),
    [[TRACE, 'POST /pay']],
  );
});

test('tenants do not see each other', async () => {
  const other = { 'x-scope-orgid': 'other' };
  const query = { query: '{service_name=~".+"}', start: ns(-60_000), end: ns(60_000) };
  assert.deepEqual((await get('loki', '/loki/api/v1/query_range', query, other)).data.result, []);
  assert.equal((await post('otlp-http', '/v1/logs', logs, other)).status, 200);
  assert.equal((await get('loki', '/loki/api/v1/query_range', query, other)).data.result.length, 1);
  const vector = await get('prometheus', '/api/v1/query', { query: '{__name__=~".+"}' }, other);
  assert.deepEqual(vector.data.result, []);
});

test('what is pushed twice counts once', async () => {
  const twice = { 'x-scope-orgid': 'twice' };
  for (let i = 0; i < 2; i++) {
    for (const [path, body] of [
      ['/v1/traces', traces],
      ['/v1/logs', logs],
      ['/v1/metrics', metrics(-15_000, 10)],
      ['/v1/metrics', metrics(0, 40)],
    ] as const) {
      assert.equal((await post('otlp-http', path, body, twice)).status, 200);
    }
  }
  const at = { time: String(nowMs / 1000) };
  for (const [query, want] of [
    ['increase(http_server_request_duration_seconds_count[1m])', '30'],
    ['count_over_time(http_server_request_duration_seconds_count[1m])', '2'],
  ] as const) {
    const answer = await get('prometheus', '/api/v1/query', { query, ...at }, twice);
    const value = Number(answer.data.result[0].value[1]);
    // increase() extrapolates to the window's edges; twice the samples would double it.
    assert.ok(value >= Number(want) && value < Number(want) * 2, `${query}: ${value}`);
  }
  const range = { start: ns(-60_000), end: ns(60_000) };
  const lines = await get(
    'loki',
    '/loki/api/v1/query_range',
    { query: '{service_name="checkout"}', ...range },
    twice,
  );
  assert.equal(lines.data.result.flatMap((one: { values: unknown[] }) => one.values).length, 1);
  const seconds = {
    start: String(Math.floor(nowMs / 1000) - 60),
    end: String(Math.floor(nowMs / 1000) + 60),
  };
  const counted = await get(
    'tempo',
    '/api/metrics/query',
    { q: '{} | count_over_time()', ...seconds },
    twice,
  );
  assert.equal(counted.series[0].value, 2);
  const found = await get('tempo', '/api/search', { q: '{}', ...seconds }, twice);
  assert.equal(found.traces[0].spanSets[0].matched, 2);
});

test('bad pushes say why', async () => {
  const bad = await post('otlp-http', '/v1/traces', {
    resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'xyz' }] }] }],
  });
  assert.ok(bad.status === 400 || bad.text.includes('partialSuccess'), bad.text);
  assert.equal((await post('otlp-http', '/v1/nothing', {})).status, 404);
  const loki = await post('loki', '/loki/api/v1/push', {
    streams: [{ stream: { '0bad': 'x' }, values: [[ns(0), 'x']] }],
  });
  assert.equal(loki.status, 400, loki.text);
});

test('errors come in the shape of each dialect', async () => {
  const prometheus = await fetch(url('prometheus', '/api/v1/query?query=up('));
  assert.equal(prometheus.status, 400);
  const body = (await prometheus.json()) as { status: string; errorType: string; error: string };
  assert.equal(body.errorType, 'bad_data');
  assert.match(body.error, /1:4|parse error/);
  const loki = await fetch(url('loki', '/loki/api/v1/query_range?query={a='));
  assert.equal(loki.status, 400);
  assert.match(await loki.text(), /parse error/);
  const tempo = await fetch(url('tempo', '/api/search?q={'));
  assert.equal(tempo.status, 400);
});

test('status tells what came in and where it listens; own metrics are there', async () => {
  const status = await get('http', '/api/status');
  assert.ok(status.signals.traces.accepted >= 2);
  assert.equal(status.engine.mode, 'embedded');
  assert.ok(status.listeners.some((one: { name: string }) => one.name === 'otlp-grpc'));
  // Two spans from the first push, and two pushes of two.
  const text = await (await fetch(url('http', '/metrics'))).text();
  assert.match(text, /^otelcol_receiver_accepted_spans_total\{receiver="otlp",transport="http"\} 6$/m);
  assert.equal((await fetch(url('http', '/ready'))).status, 200);
});

test('SIGTERM ends it with 0, and all is there after the next start', async () => {
  const began = performance.now();
  assert.equal(await trivium.stop(true), 0, trivium.output());
  assert.ok(performance.now() - began < 10_000);
  trivium = await startTrivium({ dataDir: trivium.dataDir });
  const trace = await fetch(url('tempo', `/api/traces/${TRACE}`));
  assert.equal(trace.status, 200);
  const logsAgain = await get('loki', '/loki/api/v1/query_range', {
    query: '{app="legacy"}',
    start: ns(-60_000),
    end: ns(60_000),
  });
  assert.equal(logsAgain.data.result.length > 0, true);
});

test('a second server on the same directory is refused and told why', async () => {
  await assert.rejects(startTrivium({ dataDir: trivium.dataDir, timeoutMs: 10_000 }), /in use|lock|another/i);
});
