/** Tempo's HTTP API: parameters, shapes of answers, errors. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tempoDialect } from '../../src/api/tempo/index.ts';
import { parseTime, parseTraceId } from '../../src/api/tempo/params.ts';
import type { HttpRequest, HttpResponse } from '../../src/http/handler.ts';
import { Router } from '../../src/http/router.ts';
import { OverloadedError } from '../../src/model/errors.ts';
import type { Span, SpansSource } from '../../src/model/select-spans.ts';
import { decodeTraces } from '../../src/wire/otlp/traces.ts';
import { MemorySpans, spansOfBatch } from '../traceql/memory-source.ts';

const BASE = 1_795_181_400;
const at = (seconds: number): bigint => BigInt(Math.round((BASE + seconds) * 1000)) * 1_000_000n;

function span(change: Partial<Span>): Span {
  return {
    traceId: '0000000000000000a1b2c3d4e5f60718',
    spanId: '00f067aa0ba902b7',
    parentId: '',
    name: 'GET /',
    kind: 2,
    startNs: at(10),
    endNs: at(10.25),
    statusCode: 0,
    statusMessage: '',
    traceState: '',
    flags: 0,
    attributes: new Map([['http.status_code', { type: 'int', value: 200n }]]),
    events: [],
    links: [],
    resource: { attributes: new Map([['service.name', { type: 'string', value: 'shop' }]]) },
    scope: { name: 'lib', version: '1', attributes: new Map() },
    droppedAttributes: 0,
    droppedEvents: 0,
    droppedLinks: 0,
    ...change,
  };
}

const source = new MemorySpans();
source.addSpan(span({}));
source.addSpan(
  span({
    spanId: 'aaf067aa0ba902b7',
    parentId: '00f067aa0ba902b7',
    name: 'SELECT',
    kind: 3,
    statusCode: 2,
    statusMessage: 'boom',
    attributes: new Map([
      ['big', { type: 'int', value: 2n ** 60n }],
      ['nan', { type: 'double', value: Number.NaN }],
      ['list', { type: 'array', value: [{ type: 'string', value: 'a' }] }],
      [
        'map',
        { type: 'other', json: '{"kvlistValue":{"values":[{"key":"k","value":{"bytesValue":"AAE="}}]}}' },
      ],
    ]),
    events: [
      { timeNs: at(10.1), name: 'exception', attributes: new Map([['n', { type: 'double', value: 1 }]]) },
    ],
    links: [{ traceId: 'f'.repeat(32), spanId: 'e'.repeat(16), traceState: 'x=y', attributes: new Map() }],
  }),
);

function dialectOf(from: SpansSource, ready = true) {
  return tempoDialect({
    source: from,
    now: () => (BASE + 60) * 1000,
    buildInfo: { version: '1.2.3', revision: 'abc', branch: 'main', buildDate: 'today' },
    ready: () => ready,
  });
}

async function get(
  url: string,
  headers: Record<string, string> = {},
  from: SpansSource = source,
  ready = true,
): Promise<HttpResponse> {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const dialect = dialectOf(from, ready);
  const match = new Router(dialect.routes).match('GET', pathname);
  assert(match.kind === 'found', `no route for ${pathname}`);
  const request: HttpRequest = {
    method: 'GET',
    path: pathname,
    pathParams: match.params,
    query: searchParams,
    headers,
    tenant: 't',
    signal: new AbortController().signal,
    remoteAddress: '',
    body: async () => new Uint8Array(),
    form: async () => searchParams,
  };
  try {
    return await match.handler(request);
  } catch (error) {
    return dialect.onError(error, request);
  }
}

interface SpanJson {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: string;
  readonly status: unknown;
  readonly attributes: unknown;
  readonly links: readonly { readonly traceState: string }[];
}
interface BatchJson {
  readonly scopeSpans: readonly { readonly spans: readonly SpanJson[] }[];
}
/** All that some answer has. */
interface Answer {
  readonly traces: readonly unknown[];
  readonly metrics: { readonly inspectedTraces: number };
  readonly warnings: readonly string[];
  readonly batches: readonly BatchJson[];
  readonly trace: { readonly resourceSpans?: readonly BatchJson[] };
  readonly series: readonly { readonly exemplars?: unknown }[];
  readonly scopes: unknown;
  readonly tagNames: unknown;
  readonly tagValues: unknown;
  readonly version: string;
}

const spansOf = (batches: readonly BatchJson[]): SpanJson[] =>
  batches.flatMap((batch) => batch.scopeSpans.flatMap((scope) => scope.spans));

const body = (response: HttpResponse): Answer => {
  assert.equal(response.status, 200, String(response.body));
  return JSON.parse(String(response.body));
};
const RANGE = `start=${BASE}&end=${BASE + 60}`;
const q = (text: string): string => `q=${encodeURIComponent(text)}`;

test('a search answer', async () => {
  const { traces, metrics } = body(
    await get(`/api/search?${RANGE}&${q('{ status = error && span.big > 1 }')}`),
  );
  const spans = [
    {
      spanID: 'aaf067aa0ba902b7',
      startTimeUnixNano: at(10).toString(),
      durationNanos: '250000000',
      attributes: [
        { key: 'status', value: { stringValue: 'error' } },
        { key: 'big', value: { intValue: '1152921504606846976' } },
      ],
    },
  ];
  assert.deepEqual(traces, [
    {
      // Leading zeros are dropped.
      traceID: 'a1b2c3d4e5f60718',
      rootServiceName: 'shop',
      rootTraceName: 'GET /',
      startTimeUnixNano: at(10).toString(),
      durationMs: 250,
      spanSet: { spans, matched: 1 },
      spanSets: [{ spans, matched: 1 }],
      serviceStats: { shop: { spanCount: 2, errorCount: 1 } },
    },
  ]);
  assert.equal(metrics.inspectedTraces, 1);
});

/** Requests and how many traces they find. */
const SEARCHES: readonly (readonly [string, number])[] = [
  ['', 1],
  [q('{}'), 1],
  [`${q('{}')}&${RANGE}`, 1],
  [`${q('{}')}&start=${BASE + 20}&end=${BASE + 60}`, 0],
  [`${q('{}')}&since=55s`, 1],
  [`${q('{}')}&since=30s`, 0],
  ['tags=service.name%3Dshop', 1],
  ['tags=name%3D"GET /" http.status_code%3D200', 1],
  ['tags=service.name%3Dnobody', 0],
  ['minDuration=100ms&maxDuration=1s', 1],
  ['minDuration=251ms', 0],
  [`${q('{ service.name = "shop" }')}&bareNames=accept`, 1],
];
for (const [query, count] of SEARCHES) {
  test(`/api/search?${query} finds ${count}`, async () =>
    assert.equal(body(await get(`/api/search?${query}`)).traces.length, count));
}

test('a name without scope is taken with a warning that says how to write it', async () => {
  const { warnings } = body(await get(`/api/search?${q('{ service.name = "shop" }')}&bareNames=accept`));
  assert.match(warnings[0] ?? '', /resource\.service\.name/);
});

/** Requests that are refused, with the status and a part of the text. */
const REFUSED: readonly (readonly [string, number, RegExp])[] = [
  [`/api/search?${q('{ name = }')}`, 400, /^invalid TraceQL query: .* at line 1, col 10/],
  [
    `/api/search?${q('{\n service.name = "x" }')}`,
    400,
    /unknown identifier: service\.name at line 2, col 2 \(Write resource\.service\.name/,
  ],
  [`/api/search?${q('{ } | rate()')}`, 400, /metrics query/],
  ['/api/search?start=5', 400, /both start and end/],
  ['/api/search?start=9&end=5', 400, /start must be before end/],
  ['/api/search?start=yesterday&end=today', 400, /no time/],
  [`/api/search?start=${BASE - 169 * 3600}&end=${BASE}`, 400, /exceeds 168h/],
  ['/api/search?limit=0', 400, /positive/],
  ['/api/search?limit=262145', 400, /maximum of 262144/],
  ['/api/search?spss=101', 400, /maximum of 100/],
  ['/api/search?q={}&tags=a%3Db', 400, /tags and q/],
  ['/api/search?tags=a%3Db a%3Dc', 400, /set twice/],
  ['/api/search?tags=a%3D"b', 400, /invalid tags/],
  ['/api/search?minDuration=2s&maxDuration=1s', 400, /greater than minDuration/],
  ['/api/traces/xyz', 400, /hex/],
  [`/api/traces/${'1'.repeat(33)}`, 400, /128 bits/],
  [`/api/traces/${'1'.repeat(32)}`, 404, /not found/],
  ['/api/traces/1?mode=nonsense', 400, /mode/],
  [`/api/metrics/query_range?${RANGE}`, 400, /q is missing/],
  [`/api/metrics/query_range?${RANGE}&${q('{ }')}`, 400, /not a metrics query/],
  [`/api/metrics/query_range?${RANGE}&${q('{ } | rate()')}&step=often`, 400, /invalid step/],
  [`/api/metrics/query_range?${RANGE}&${q('{ } | rate()')}&step=0`, 400, /greater than 0/],
  [`/api/metrics/query_range?${RANGE}&${q('{ } | rate()')}&step=1ms`, 400, /use at least 7ms/],
  [`/api/metrics/query_range?start=${BASE}&end=${BASE}&${q('{ } | rate()')}`, 400, /after start/],
  [`/api/metrics/query_range?start=${BASE - 90_000}&end=${BASE}&${q('{ } | rate()')}`, 400, /24h/],
  ['/api/search/tags?scope=nonsense', 400, /invalid scope/],
  ['/api/v2/search/tag/nonsense/values', 400, /tag name is not valid/],
];
for (const [url, status, message] of REFUSED) {
  test(`${url} answers ${status}`, async () => {
    const response = await get(url);
    assert.equal(response.status, status, String(response.body));
    assert.match(String(response.body), message);
    assert.match(response.headers?.['content-type'] ?? '', /text\/plain/);
  });
}

test('a trace as JSON, in both versions', async () => {
  const { batches } = body(await get('/api/traces/A1B2C3D4E5F60718'));
  const { trace } = body(await get('/api/v2/traces/A1B2C3D4E5F60718'));
  assert.deepEqual(batches, trace.resourceSpans);
  const [first, second] = spansOf(batches);
  assert(first !== undefined && second !== undefined);
  assert.equal(first.kind, 'SPAN_KIND_SERVER');
  assert.equal(Buffer.from(first.traceId, 'base64').toString('hex'), '0000000000000000a1b2c3d4e5f60718');
  assert.equal(first.parentSpanId, undefined);
  assert.deepEqual(first.status, {});
  assert.deepEqual(second.status, { code: 'STATUS_CODE_ERROR', message: 'boom' });
  assert.deepEqual(second.attributes, [
    { key: 'big', value: { intValue: '1152921504606846976' } },
    { key: 'nan', value: { doubleValue: 'NaN' } },
    { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }] } } },
    { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { bytesValue: 'AAE=' } }] } } },
  ]);
  assert.equal(second.links[0]?.traceState, 'x=y');
  assert.deepEqual(body(await get(`/api/v2/traces/${'1'.repeat(32)}`)).trace, {});
});

test('a trace as protobuf is what was sent', async () => {
  for (const [path, skip] of [
    ['/api/traces/a1b2c3d4e5f60718', false],
    ['/api/v2/traces/a1b2c3d4e5f60718', true],
  ] as const) {
    const response = await get(path, { accept: 'application/protobuf' });
    assert.equal(response.headers?.['content-type'], 'application/protobuf');
    const bytes = response.body as Uint8Array;
    // The second version wraps the trace: one field, its length in two bytes.
    const spans = spansOfBatch(decodeTraces(skip ? bytes.subarray(3) : bytes, 't').batch);
    assert.deepEqual(spans.map((one) => one.name).sort(), ['GET /', 'SELECT']);
    const want = await source.trace('t', '0000000000000000a1b2c3d4e5f60718');
    for (const one of spans) {
      const sent = want.find(({ spanId }) => spanId === one.spanId);
      assert.deepEqual(one.attributes, sent?.attributes);
      assert.deepEqual(one.events, sent?.events);
      assert.deepEqual(one.links, sent?.links);
    }
  }
});

test('client and server that share an id are told apart in a trace', async () => {
  const shared = new MemorySpans();
  shared.addSpan(span({ kind: 3, name: 'client' }));
  shared.addSpan(span({ kind: 2, name: 'server' }));
  shared.addSpan(span({ spanId: 'aaf067aa0ba902b7', parentId: '00f067aa0ba902b7', name: 'below', kind: 1 }));
  const { batches } = body(await get('/api/traces/a1b2c3d4e5f60718', {}, shared));
  const spans = spansOf(batches);
  const hex = (text?: string): string => Buffer.from(text ?? '', 'base64').toString('hex');
  const seen = Object.fromEntries(spans.map((one) => [one.name, [hex(one.spanId), hex(one.parentSpanId)]]));
  assert.deepEqual(seen, {
    client: ['00f067aa0ba902b7', ''],
    server: ['0000000000000001', '00f067aa0ba902b7'],
    below: ['aaf067aa0ba902b7', '0000000000000001'],
  });
});

test('metrics over a grid, with exemplars', async () => {
  const { series } = body(
    await get(`/api/metrics/query_range?${RANGE}&step=30s&${q('{ } | count_over_time() by (name)')}`),
  );
  const start = BASE * 1000;
  assert.deepEqual(series[0], {
    labels: [{ key: 'name', value: { stringValue: 'GET /' } }],
    promLabels: '{"name"="GET /"}',
    samples: [
      { timestampMs: String(start), value: 0 },
      { timestampMs: String(start + 30_000), value: 1 },
      { timestampMs: String(start + 60_000), value: 0 },
    ],
    exemplars: [
      {
        labels: [{ key: 'trace:id', value: { stringValue: '0000000000000000a1b2c3d4e5f60718' } }],
        value: 1,
        timestampMs: String(start + 10_000),
      },
    ],
  });
  const without = body(
    await get(`/api/metrics/query_range?${RANGE}&${q('{ } | rate() with (exemplars=false)')}`),
  );
  assert.equal(without.series[0]?.exemplars, undefined);
  const instant = body(await get(`/api/metrics/query?${RANGE}&${q('{ } | max_over_time(duration)')}`));
  assert.deepEqual(instant.series, [
    {
      labels: [{ key: '__name__', value: { stringValue: 'max_over_time' } }],
      promLabels: '{"__name__"="max_over_time"}',
      value: 0.25,
    },
  ]);
});

test('tags', async () => {
  assert.deepEqual(body(await get('/api/search/tags')).tagNames, [
    'big',
    'http.status_code',
    'list',
    'map',
    'n',
    'nan',
    'service.name',
  ]);
  const { scopes } = body(await get('/api/v2/search/tags?scope=span'));
  assert.deepEqual(scopes, [{ name: 'span', tags: ['big', 'http.status_code', 'list', 'map', 'nan'] }]);
  assert.deepEqual(body(await get('/api/search/tag/service.name/values')).tagValues, ['shop']);
  const values = async (path: string): Promise<unknown> => body(await get(path)).tagValues;
  assert.deepEqual(await values('/api/v2/search/tag/span.http.status_code/values'), [
    { type: 'int', value: '200' },
  ]);
  assert.deepEqual(await values(`/api/v2/search/tag/name/values?${q('{ status = error }')}`), [
    { type: 'string', value: 'SELECT' },
  ]);
  // A half-written query counts as far as it goes.
  assert.deepEqual(await values(`/api/v2/search/tag/name/values?${q('{ kind = server && span.x = }')}`), [
    { type: 'string', value: 'GET /' },
  ]);
});

test('the small ones', async () => {
  assert.equal((await get('/api/echo')).body, 'echo');
  assert.equal(body(await get('/api/status/buildinfo')).version, '1.2.3');
  assert.match(String((await get('/status/version')).body), /1\.2\.3/);
  assert.equal((await get('/ready')).status, 200);
  assert.equal((await get('/ready', {}, source, false)).status, 503);
});

test('a source that is full answers 429, a bug 500 without its text', async () => {
  const broken = (error: Error): SpansSource =>
    Object.assign(new MemorySpans(), { trace: () => Promise.reject(error) });
  const full = await get('/api/traces/1', {}, broken(new OverloadedError('full', 2500)));
  assert.equal(full.status, 429);
  assert.equal(full.headers?.['retry-after'], '3');
  const bug = await get('/api/traces/1', {}, broken(new Error('secret')));
  assert.deepEqual([bug.status, bug.body], [500, 'internal error']);
});

test('times and ids', () => {
  assert.equal(parseTime('start', '1795181400'), 1_795_181_400_000_000_000n);
  assert.equal(parseTime('start', '1795181400000000001'), 1_795_181_400_000_000_001n);
  assert.equal(parseTime('start', '1795181400.5'), 1_795_181_400_500_000_000n);
  assert.equal(parseTime('start', '2026-11-20T13:30:00Z'), 1_795_181_400_000_000_000n);
  assert.equal(parseTime('start', '2026-11-20T14:30:00.25+01:00'), 1_795_181_400_250_000_000n);
  assert.equal(parseTraceId('ABC'), '00000000000000000000000000000abc');
});
