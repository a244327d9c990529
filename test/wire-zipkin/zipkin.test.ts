/** Zipkin's formats as a table: what is sent, and what it is as OpenTelemetry spans. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { zipkinReceiverRoutes } from '../../src/collector/receivers/zipkin.ts';
import { OverloadedError } from '../../src/model/errors.ts';
import { MemorySink, type PlainSpan, spanRows } from '../collector/memory-sink.ts';
import { CountingMetrics } from '../collector/receiver-listener.ts';
import { post } from '../collector/requests.ts';
import { concat, field, fixed64, int } from '../wire/bytes.ts';

const NOW_MS = 1_800_000_000_000;
const JSON_TYPE = { 'content-type': 'application/json' };

function open(sink = new MemorySink()) {
  const metrics = new CountingMetrics();
  return { sink, metrics, routes: zipkinReceiverRoutes({ sink, metrics, now: () => NOW_MS }) };
}

/** The spans that a body becomes. */
async function received(path: string, body: Uint8Array | string, headers = JSON_TYPE): Promise<PlainSpan[]> {
  const { sink, routes } = open();
  const answer = await post(routes, path, body, headers);
  assert.equal(answer.status, 202, answer.text);
  return sink.spans.flatMap(spanRows);
}

const BASE = { traceId: '48485a3953bb6124', id: '48485a3953bb6124', timestamp: 1_700_000_000_000_001 };
const FULL = {
  traceId: '5af7183fb1d4cf5f0000000000000001',
  parentId: '6b221d5bc9e6496c',
  id: '352bff9a74ca9ad2',
  kind: 'CLIENT',
  name: 'get /api',
  timestamp: 1_556_604_172_355_737,
  duration: 1431,
  localEndpoint: { serviceName: 'backend', ipv4: '192.168.99.1', port: 3306 },
  remoteEndpoint: { serviceName: 'db', ipv6: '2001:db8::c001', port: 58_648 },
  annotations: [{ timestamp: 1_556_604_172_355_800, value: 'wire send' }],
  tags: { 'http.method': 'GET', 'http.path': '/api' },
};

const cases: [what: string, span: object, want: Partial<PlainSpan>][] = [
  [
    'all fields',
    FULL,
    {
      resource: { 'service.name': 'backend' },
      traceId: '5af7183fb1d4cf5f0000000000000001',
      spanId: '352bff9a74ca9ad2',
      parentId: '6b221d5bc9e6496c',
      name: 'get /api',
      kind: 3,
      startNs: 1_556_604_172_355_737_000n,
      endNs: 1_556_604_172_357_168_000n,
      status: 0,
      attributes: {
        'http.method': 'GET',
        'http.path': '/api',
        'net.host.ip': '192.168.99.1',
        'net.host.port': 3306n,
        'peer.service': 'db',
        'net.peer.ip': '2001:db8::c001',
        'net.peer.port': 58_648n,
      },
      events: [{ timeNs: 1_556_604_172_355_800_000n, name: 'wire send', attributes: {} }],
      links: [],
    },
  ],
  [
    'ids of 64 bits get zeros in front, also those that lost theirs',
    { ...BASE, traceId: 'ABC', id: '1', parentId: 'f' },
    {
      traceId: '00000000000000000000000000000abc',
      spanId: '0000000000000001',
      parentId: '000000000000000f',
    },
  ],
  ['a span that is its own parent is a root', { ...BASE, parentId: BASE.id }, { parentId: '' }],
  ['a parent of zeros is none', { ...BASE, parentId: '0000000000000000' }, { parentId: '' }],
  ['no kind', BASE, { kind: 0, resource: {}, name: '' }],
  ['kind SERVER', { ...BASE, kind: 'SERVER' }, { kind: 2 }],
  ['kind PRODUCER', { ...BASE, kind: 'PRODUCER' }, { kind: 4 }],
  ['kind CONSUMER', { ...BASE, kind: 'CONSUMER' }, { kind: 5 }],
  ['span.kind as a tag', { ...BASE, tags: { 'span.kind': 'internal' } }, { kind: 1, attributes: {} }],
  ['no duration', BASE, { startNs: 1_700_000_000_000_001_000n, endNs: 1_700_000_000_000_001_000n }],
  [
    'no timestamp: the first annotation',
    {
      ...BASE,
      timestamp: undefined,
      duration: 5,
      annotations: [
        { timestamp: 30, value: 'b' },
        { timestamp: 20, value: 'a' },
      ],
    },
    { startNs: 20_000n, endNs: 25_000n, attributes: { 'otel.zipkin.absentField.startTime': true } },
  ],
  [
    'no time at all: the time of receipt',
    { ...BASE, timestamp: undefined, duration: 5 },
    { startNs: BigInt(NOW_MS) * 1_000_000n - 5000n, endNs: BigInt(NOW_MS) * 1_000_000n },
  ],
  ['error "true"', { ...BASE, tags: { error: 'true' } }, { status: 2, message: '', attributes: {} }],
  ['error ""', { ...BASE, tags: { error: '' } }, { status: 2, message: '', attributes: {} }],
  ['error "false"', { ...BASE, tags: { error: 'false' } }, { status: 0, attributes: { error: 'false' } }],
  [
    'error with words',
    { ...BASE, tags: { error: 'connection refused' } },
    { status: 2, message: 'connection refused', attributes: { error: 'connection refused' } },
  ],
  [
    'status as OpenTelemetry exports it',
    { ...BASE, tags: { 'otel.status_code': 'ERROR', 'otel.status_description': 'late', error: 'late' } },
    { status: 2, message: 'late', attributes: { error: 'late' } },
  ],
  ['status OK', { ...BASE, tags: { 'otel.status_code': 'OK' } }, { status: 1, attributes: {} }],
  [
    'resource, scope and state as OpenTelemetry exports them',
    {
      ...BASE,
      localEndpoint: { serviceName: 'shop' },
      tags: {
        'telemetry.sdk.language': 'nodejs',
        'service.version': '1.2',
        'otel.scope.name': '@otel/http',
        'otel.scope.version': '0.9',
        'w3c.tracestate': 'a=b',
        'process.of.mine': 'stays',
      },
    },
    {
      resource: { 'service.name': 'shop', 'telemetry.sdk.language': 'nodejs', 'service.version': '1.2' },
      scope: { name: '@otel/http', version: '0.9', attributes: {} },
      traceState: 'a=b',
      attributes: { 'process.of.mine': 'stays' },
    },
  ],
  [
    'events with attributes and links as OpenTelemetry exports them',
    {
      ...BASE,
      annotations: [
        { timestamp: 7, value: 'exception|{"exception.type":"E","retries":3,"slow":0.5,"last":true}|0' },
        { timestamp: 8, value: 'a|{no json}|1' },
      ],
      tags: {
        'otlp.link.0': '0af7651916cd43dd8448eb211c80319c|b7ad6b7169203331|a=1|{"why":"batch"}|0',
        'otlp.link.1': 'broken',
      },
    },
    {
      events: [
        {
          timeNs: 7000n,
          name: 'exception',
          attributes: { 'exception.type': 'E', retries: 3n, slow: 0.5, last: true },
        },
        { timeNs: 8000n, name: 'a|{no json}|1', attributes: {} },
      ],
      links: [
        {
          traceId: '0af7651916cd43dd8448eb211c80319c',
          spanId: 'b7ad6b7169203331',
          traceState: 'a=1',
          attributes: { why: 'batch' },
        },
      ],
      attributes: { 'otlp.link.1': 'broken' },
    },
  ],
];

function assertSpan(span: PlainSpan | undefined, want: Partial<PlainSpan>): void {
  assert.ok(span);
  const seen = Object.fromEntries(Object.keys(want).map((key) => [key, span[key as keyof PlainSpan]]));
  assert.deepEqual(seen, want);
}

describe('JSON of version 2', () => {
  for (const [what, span, want] of cases) {
    it(what, async () => {
      const spans = await received('/api/v2/spans', JSON.stringify([span]));
      assert.equal(spans.length, 1);
      assertSpan(spans[0], want);
    });
  }

  it('client and server with one id stay two spans', async () => {
    const shared = { ...FULL, kind: 'SERVER', shared: true, localEndpoint: { serviceName: 'db' } };
    const spans = await received('/api/v2/spans', JSON.stringify([FULL, shared]));
    assert.deepEqual(
      spans.map((span) => [span.spanId, span.kind, span.resource['service.name']]),
      [
        ['352bff9a74ca9ad2', 3, 'backend'],
        ['352bff9a74ca9ad2', 2, 'db'],
      ],
    );
  });

  it('an empty list is taken, as a check of reporters', async () => {
    assert.deepEqual(await received('/api/v2/spans', '[]', {} as typeof JSON_TYPE), []);
  });
});

const hexBytes = (text: string) => Buffer.from(text, 'hex');
const endpoint = (name: string, ipv4: string, ipv6: string, port: number) =>
  concat(field(1, name), field(2, hexBytes(ipv4)), field(3, hexBytes(ipv6)), int(4, port));
const protobuf = concat(
  field(
    1,
    concat(
      field(1, hexBytes(FULL.traceId)),
      field(2, hexBytes(FULL.parentId)),
      field(3, hexBytes(FULL.id)),
      int(4, 1),
      field(5, FULL.name),
      fixed64(6, BigInt(FULL.timestamp)),
      int(7, FULL.duration),
      field(8, endpoint('backend', 'c0a86301', '', 3306)),
      field(9, endpoint('db', '', '20010db800000000000000000000c001', 58_648)),
      field(10, concat(fixed64(1, 1_556_604_172_355_800n), field(2, 'wire send'))),
      field(11, concat(field(1, 'http.method'), field(2, 'GET'))),
      field(11, concat(field(1, 'http.path'), field(2, '/api'))),
      int(12, 1),
      int(13, 0),
    ),
  ),
  field(1, concat(field(1, hexBytes('00000000000000ab')), field(3, hexBytes('00000000000000cd')))),
);

test('protobuf says the same as JSON; ids of 8 bytes are widened', async () => {
  const spans = await received('/api/v2/spans', protobuf, { 'content-type': 'application/x-protobuf' });
  assert.deepEqual(spans[0], (await received('/api/v2/spans', JSON.stringify([FULL])))[0]);
  assert.equal(spans[1]?.traceId, '000000000000000000000000000000ab');
  assert.equal(spans[1]?.spanId, '00000000000000cd');
});

const WEB = { serviceName: 'web', ipv4: '10.0.0.1', port: 80 };
const DB = { serviceName: 'db', ipv4: '10.0.0.2', port: 5432 };
const V1 = { traceId: 'a', id: 'b', name: 'get' };
const versionOne: [what: string, span: object, want: Partial<PlainSpan>[]][] = [
  [
    'cs and cr make a client, sa its peer',
    {
      ...V1,
      annotations: [
        { timestamp: 100, value: 'cs', endpoint: WEB },
        { timestamp: 150, value: 'retry', endpoint: WEB },
        { timestamp: 300, value: 'cr', endpoint: WEB },
      ],
      binaryAnnotations: [
        { key: 'sa', value: true, endpoint: DB },
        { key: 'sql.query', value: 'select 1', endpoint: WEB },
        { key: 'rows', value: 3, type: 'I32', endpoint: WEB },
      ],
    },
    [
      {
        kind: 3,
        resource: { 'service.name': 'web' },
        startNs: 100_000n,
        endNs: 300_000n,
        attributes: {
          'sql.query': 'select 1',
          rows: 3n,
          'net.host.ip': '10.0.0.1',
          'net.host.port': 80n,
          'peer.service': 'db',
          'net.peer.ip': '10.0.0.2',
          'net.peer.port': 5432n,
        },
        events: [{ timeNs: 150_000n, name: 'retry', attributes: {} }],
      },
    ],
  ],
  [
    'both sides in one span become two with the same id',
    {
      ...V1,
      parentId: '9',
      timestamp: 100,
      duration: 250,
      annotations: [
        { timestamp: 100, value: 'cs', endpoint: WEB },
        { timestamp: 120, value: 'sr', endpoint: DB },
        { timestamp: 130, value: 'locked', endpoint: DB },
        { timestamp: 290, value: 'ss', endpoint: DB },
        { timestamp: 350, value: 'cr', endpoint: WEB },
      ],
      binaryAnnotations: [{ key: 'error', value: 'deadlock', endpoint: DB }],
    },
    [
      { kind: 3, spanId: '000000000000000b', startNs: 100_000n, endNs: 350_000n, status: 0, events: [] },
      {
        kind: 2,
        spanId: '000000000000000b',
        parentId: '0000000000000009',
        resource: { 'service.name': 'db' },
        startNs: 120_000n,
        endNs: 290_000n,
        status: 2,
        message: 'deadlock',
        events: [{ timeNs: 130_000n, name: 'locked', attributes: {} }],
      },
    ],
  ],
  [
    'a local span',
    {
      ...V1,
      timestamp: 5,
      duration: 7,
      binaryAnnotations: [{ key: 'lc', value: 'cron', endpoint: WEB }],
    },
    [{ kind: 0, resource: { 'service.name': 'web' }, startNs: 5000n, endNs: 12_000n }],
  ],
  [
    'messages',
    { ...V1, annotations: [{ timestamp: 5, value: 'ms', endpoint: WEB }] },
    [{ kind: 4, startNs: 5000n, endNs: 5000n }],
  ],
];

describe('JSON of version 1', () => {
  for (const [what, span, want] of versionOne) {
    it(what, async () => {
      const spans = await received('/api/v1/spans', JSON.stringify([span]));
      assert.equal(spans.length, want.length);
      for (const [index, one] of want.entries()) assertSpan(spans[index], one);
    });
  }
});

const refusals: [what: string, path: string, body: string, type: string, status: number, reason: RegExp][] = [
  ['no JSON', '/api/v2/spans', '[{', 'application/json', 400, /the body is not JSON/],
  ['no list', '/api/v2/spans', '{}', 'application/json', 400, /no list of spans/],
  ['a span that is none', '/api/v2/spans', '[3]', 'application/json', 400, /span 0 is no object/],
  ['a tag that is no string', '/api/v2/spans', '[{"tags":{"a":1}}]', '', 400, /span 0: tag "a" is no string/],
  ['an unknown kind', '/api/v2/spans', '[{"kind":"client"}]', '', 400, /unknown kind "client"/],
  ['a text as time', '/api/v2/spans', '[{"timestamp":"1"}]', '', 400, /number of microseconds/],
  ['a port that is none', '/api/v2/spans', '[{"localEndpoint":{"port":70000}}]', '', 400, /port is none/],
  ['protobuf cut off', '/api/v2/spans', '\n\u0009a', 'application/x-protobuf', 400, /runs past the end/],
  ['another type', '/api/v2/spans', '', 'text/csv', 415, /use application\/json/],
  ['thrift', '/api/v1/spans', '', 'application/x-thrift', 415, /thrift.*send to \/api\/v2\/spans/],
];
for (const [what, path, body, type, status, reason] of refusals) {
  test(`refused: ${what}`, async () => {
    const { sink, metrics, routes } = open();
    const answer = await post(routes, path, body, { 'content-type': type });
    assert.equal(answer.status, status);
    assert.match(answer.text, reason);
    assert.equal(sink.spans.length, 0);
    assert.equal(Object.keys(metrics.counts).length, 1);
  });
}

test('spans with bad ids or times are refused by themselves, the others are stored', async () => {
  const { sink, metrics, routes } = open();
  const spans = [
    BASE,
    { ...BASE, traceId: 'xyz' },
    { ...BASE, traceId: '0'.repeat(32) },
    { ...BASE, id: '' },
    { ...BASE, parentId: '1'.repeat(17) },
    { ...BASE, timestamp: 9e18 },
  ];
  const answer = await post(routes, '/api/v2/spans', JSON.stringify(spans), JSON_TYPE);
  assert.equal(answer.status, 400);
  assert.match(answer.text, /^5 of 6 spans refused: .*traceId wants 1 to 32 hexadecimal digits: "xyz"/);
  assert.match(answer.text, /beyond the year 2262/);
  assert.equal(sink.spans.flatMap(spanRows).length, 1);
  assert.deepEqual(metrics.counts, {
    'accepted spans zipkin http': 1,
    'refused spans zipkin http invalid': 5,
  });
});

test('a full or broken storage asks for another try', async () => {
  const { sink, routes } = open();
  sink.failure = new OverloadedError('full', 2500);
  const full = await post(routes, '/api/v2/spans', JSON.stringify([BASE]), JSON_TYPE);
  assert.deepEqual([full.status, full.headers['retry-after']], [503, '3']);
  sink.failure = new Error('gone');
  assert.equal((await post(routes, '/api/v2/spans', JSON.stringify([BASE]), JSON_TYPE)).status, 503);
});
