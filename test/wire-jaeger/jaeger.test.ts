/** Jaeger's formats as tables: the same spans in thrift and protobuf, and what they are as OpenTelemetry spans. */
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { jaegerGrpcMethods, jaegerReceiverRoutes } from '../../src/collector/receivers/jaeger.ts';
import { GrpcError } from '../../src/http/handler.ts';
import { OverloadedError } from '../../src/model/errors.ts';
import { MemorySink, type PlainSpan, spanRows } from '../collector/memory-sink.ts';
import { CountingMetrics } from '../collector/receiver-listener.ts';
import { post } from '../collector/requests.ts';
import { concat, field, int, double as protoDouble } from '../wire/bytes.ts';
import { i32, i64, list, struct, tag, text } from './thrift-bytes.ts';

type Value = string | boolean | number | bigint | Uint8Array;
interface Reference {
  type: 0 | 1;
  trace: bigint;
  span: bigint;
}
/** A span as it is sent; times in microseconds. */
interface Sent {
  trace?: [high: bigint, low: bigint];
  id?: bigint;
  /** Thrift has it as a field, protobuf as a reference only. */
  parent?: bigint;
  name?: string;
  references?: Reference[];
  startUs?: bigint;
  durationUs?: bigint;
  tags?: [string, Value][];
  logs?: [timeUs: bigint, fields: [string, Value][]][];
}
interface SentProcess {
  service: string;
  tags?: [string, Value][];
}

const THRIFT = { 'content-type': 'application/vnd.apache.thrift.binary' };
const START_US = 1_700_000_000_000_001n;

function thrift(process: SentProcess, spans: Sent[]): Uint8Array {
  const tags = (pairs: [string, Value][] = []) => list(...pairs.map(([key, value]) => tag(key, value)));
  return struct(
    [1, struct([1, text(process.service)], [2, tags(process.tags)])],
    [
      2,
      list(
        ...spans.map((span) =>
          struct(
            [1, i64(span.trace?.[1] ?? 1n)],
            [2, i64(span.trace?.[0] ?? 0n)],
            [3, i64(span.id ?? 2n)],
            [4, i64(span.parent ?? 0n)],
            [5, text(span.name ?? 'op')],
            [
              6,
              list(
                ...(span.references ?? []).map((one) =>
                  struct([1, i32(one.type)], [2, i64(one.trace)], [3, i64(0n)], [4, i64(one.span)]),
                ),
              ),
            ],
            [7, i32(1)],
            [8, i64(span.startUs ?? START_US)],
            [9, i64(span.durationUs ?? 0n)],
            [10, tags(span.tags)],
            [
              11,
              list(
                ...(span.logs ?? []).map(([timeUs, fields]) => struct([1, i64(timeUs)], [2, tags(fields)])),
              ),
            ],
          ),
        ),
      ),
    ],
    [3, i64(7n)],
  ).bytes;
}

function keyValue([key, value]: [string, Value]): Uint8Array {
  const parts = [field(1, key)];
  if (typeof value === 'string') parts.push(field(3, value));
  else if (typeof value === 'boolean') parts.push(int(2, 1), int(4, value ? 1 : 0));
  else if (typeof value === 'bigint') parts.push(int(2, 2), int(5, value));
  else if (typeof value === 'number') parts.push(int(2, 3), protoDouble(6, value));
  else parts.push(int(2, 4), field(7, value));
  return concat(...parts);
}

const id = (value: bigint) => i64(value).bytes;
const id128 = (high: bigint, low: bigint) => concat(id(high), id(low));
const time = (us: bigint) => concat(int(1, us / 1_000_000n), int(2, (us % 1_000_000n) * 1000n));

function protobuf(process: SentProcess, spans: Sent[]): Uint8Array {
  return field(
    1,
    concat(
      ...spans.map((span) => {
        const [high, low] = span.trace ?? [0n, 1n];
        const references = [
          ...(span.parent === undefined
            ? []
            : [concat(field(1, id128(high, low)), field(2, id(span.parent)))]),
          ...(span.references ?? []).map((one) =>
            concat(field(1, id128(0n, one.trace)), field(2, id(one.span)), int(3, one.type)),
          ),
        ];
        return field(
          1,
          concat(
            field(1, id128(high, low)),
            field(2, id(span.id ?? 2n)),
            field(3, span.name ?? 'op'),
            ...references.map((one) => field(4, one)),
            int(5, 1),
            field(6, time(span.startUs ?? START_US)),
            field(7, time(span.durationUs ?? 0n)),
            ...(span.tags ?? []).map((one) => field(8, keyValue(one))),
            ...(span.logs ?? []).map(([timeUs, fields]) =>
              field(9, concat(field(1, time(timeUs)), ...fields.map((one) => field(2, keyValue(one))))),
            ),
          ),
        );
      }),
      field(
        2,
        concat(field(1, process.service), ...(process.tags ?? []).map((one) => field(2, keyValue(one)))),
      ),
    ),
  );
}

function open(sink = new MemorySink()) {
  const metrics = new CountingMetrics();
  const options = { sink, metrics };
  const [method] = jaegerGrpcMethods(options);
  assert.ok(method);
  const call = { headers: {}, tenant: 'anonymous', signal: new AbortController().signal };
  const send = (message: Uint8Array) => method.handler(message, call) as Promise<Uint8Array>;
  return { sink, metrics, routes: jaegerReceiverRoutes(options), send };
}

const cases: [what: string, span: Sent, want: Partial<PlainSpan>][] = [
  [
    'ids of 128 bits, times, values of every type',
    {
      trace: [0x5af7183fb1d4cf5fn, 0xfedcba9876543210n],
      id: 0xffffffffffffffffn,
      name: 'größe',
      durationUs: 1431n,
      tags: [
        ['text', 'a'],
        ['yes', true],
        ['count', -3n],
        ['ratio', 0.25],
        ['raw', Uint8Array.of(1, 2)],
      ],
    },
    {
      traceId: '5af7183fb1d4cf5ffedcba9876543210',
      spanId: 'ffffffffffffffff',
      parentId: '',
      name: 'größe',
      kind: 0,
      startNs: 1_700_000_000_000_001_000n,
      endNs: 1_700_000_000_001_432_000n,
      status: 0,
      attributes: { text: 'a', yes: true, count: -3n, ratio: 0.25, raw: { json: { bytesValue: 'AQI=' } } },
    },
  ],
  [
    'an id of 64 bits gets zeros in front',
    { trace: [0n, 10n] },
    { traceId: '0000000000000000000000000000000a' },
  ],
  ['the parent', { parent: 9n }, { parentId: '0000000000000009', links: [] }],
  [
    'CHILD_OF in the same trace is the parent',
    { references: [{ type: 0, trace: 1n, span: 9n }] },
    { parentId: '0000000000000009', links: [] },
  ],
  [
    'FOLLOWS_FROM is a link; alone in the trace also the parent',
    { references: [{ type: 1, trace: 1n, span: 9n }] },
    {
      parentId: '0000000000000009',
      links: [
        {
          traceId: '00000000000000000000000000000001',
          spanId: '0000000000000009',
          traceState: '',
          attributes: { 'opentracing.ref_type': 'follows_from' },
        },
      ],
    },
  ],
  [
    'CHILD_OF in another trace is a link',
    { references: [{ type: 0, trace: 77n, span: 9n }] },
    {
      parentId: '',
      links: [
        {
          traceId: '0000000000000000000000000000004d',
          spanId: '0000000000000009',
          traceState: '',
          attributes: { 'opentracing.ref_type': 'child_of' },
        },
      ],
    },
  ],
  [
    'logs',
    {
      logs: [
        [
          5n,
          [
            ['event', 'retry'],
            ['attempt', 2n],
          ],
        ],
        [6n, [['message', 'plain']]],
        [7n, [['stack', 'x']]],
      ],
    },
    {
      events: [
        { timeNs: 5000n, name: 'retry', attributes: { attempt: 2n } },
        { timeNs: 6000n, name: 'plain', attributes: {} },
        { timeNs: 7000n, name: '', attributes: { stack: 'x' } },
      ],
    },
  ],
  ['span.kind', { tags: [['span.kind', 'server']] }, { kind: 2, attributes: {} }],
  [
    'span.kind of its own',
    { tags: [['span.kind', 'robot']] },
    { kind: 0, attributes: { 'span.kind': 'robot' } },
  ],
  ['error', { tags: [['error', true]] }, { status: 2, message: '', attributes: {} }],
  ['error as text', { tags: [['error', 'true']] }, { status: 2, attributes: {} }],
  ['no error', { tags: [['error', false]] }, { status: 0, attributes: { error: false } }],
  [
    'error with a description; otel.status_code gives way',
    {
      tags: [
        ['error', true],
        ['otel.status_code', 'OK'],
        ['otel.status_description', 'late'],
      ],
    },
    { status: 2, message: 'late', attributes: {} },
  ],
  ['otel.status_code', { tags: [['otel.status_code', 'ok']] }, { status: 1, attributes: {} }],
  [
    'an HTTP answer of 404 is a failure of the client',
    {
      tags: [
        ['http.status_code', 404n],
        ['span.kind', 'client'],
        ['http.status_message', 'Not Found'],
      ],
    },
    { status: 2, message: 'Not Found' },
  ],
  [
    'but not of the server',
    {
      tags: [
        ['http.status_code', 404n],
        ['span.kind', 'server'],
      ],
    },
    { status: 0 },
  ],
  [
    '503 is',
    {
      tags: [
        ['http.status_code', 503n],
        ['span.kind', 'server'],
      ],
    },
    { status: 2 },
  ],
  ['503 as text is', { tags: [['http.status_code', '503']] }, { status: 2 }],
  [
    'scope and state',
    {
      tags: [
        ['otel.library.name', 'lib'],
        ['otel.scope.version', '2'],
        ['w3c.tracestate', 'a=b'],
      ],
    },
    { scope: { name: 'lib', version: '2', attributes: {} }, traceState: 'a=b', attributes: {} },
  ],
];

const PROCESS: SentProcess = {
  service: 'shop',
  tags: [
    ['hostname', 'node-1'],
    ['jaeger.version', 'Node-3.19.0'],
    ['ip', '10.0.0.1'],
  ],
};
const RESOURCE = {
  'service.name': 'shop',
  'host.name': 'node-1',
  'opencensus.exporterversion': 'Jaeger-Node-3.19.0',
  ip: '10.0.0.1',
};

describe('a span in thrift and in protobuf', () => {
  for (const [what, span, want] of cases) {
    it(what, async () => {
      const { sink, routes, send } = open();
      const answer = await post(routes, '/api/traces', thrift(PROCESS, [span]), THRIFT);
      assert.equal(answer.status, 202, answer.text);
      assert.equal((await send(protobuf(PROCESS, [span]))).length, 0);
      const [one, other] = sink.spans.flatMap(spanRows);
      assert.ok(one);
      assert.deepEqual(one.resource, RESOURCE);
      const seen = Object.fromEntries(Object.keys(want).map((key) => [key, one[key as keyof PlainSpan]]));
      assert.deepEqual(seen, want);
      assert.deepEqual(other, one);
    });
  }
});

test('a span of protobuf may name its own process', async () => {
  const { sink, send } = open();
  const own = field(10, field(1, 'other'));
  const span = concat(field(1, id128(0n, 1n)), field(2, id(2n)), own);
  await send(field(1, concat(field(1, span), field(2, field(1, 'shop')))));
  assert.deepEqual(sink.spans.flatMap(spanRows)[0]?.resource, { 'service.name': 'other' });
});

test('spans with bad ids or times are refused by themselves, the others are stored', async () => {
  const { sink, metrics, routes, send } = open();
  const spans: Sent[] = [{}, { trace: [0n, 0n] }, { id: 0n }, { startUs: -1n }, { startUs: 2n ** 62n }];
  const answer = await post(routes, '/api/traces', thrift(PROCESS, spans), THRIFT);
  assert.equal(answer.status, 400);
  assert.match(answer.text, /^4 of 5 spans refused: trace id is empty, all zero/);
  assert.equal(sink.spans.flatMap(spanRows).length, 1);
  await assert.rejects(
    send(protobuf(PROCESS, spans)),
    (error) => error instanceof GrpcError && error.code === 3 && /^4 of 5 spans refused/.test(error.message),
  );
  assert.deepEqual(metrics.counts, {
    'accepted spans jaeger http': 1,
    'refused spans jaeger http invalid': 4,
    'accepted spans jaeger grpc': 1,
    'refused spans jaeger grpc invalid': 4,
  });
});

const nested = (depth: number): ReturnType<typeof struct> =>
  depth === 0 ? struct() : struct([9, nested(depth - 1)]);
const refusals: [what: string, body: Uint8Array, type: string, status: number, reason: RegExp][] = [
  [
    'cut off',
    thrift(PROCESS, [{}]).subarray(0, 40),
    'application/x-thrift',
    400,
    /malformed thrift at byte \d+/,
  ],
  ['empty', new Uint8Array(0), 'application/x-thrift', 400, /value runs past the end/],
  [
    'a list of numbers for spans',
    struct([2, list(i32(1))]).bytes,
    'application/x-thrift',
    400,
    /structs are wanted/,
  ],
  [
    'a list of negative length',
    Buffer.from('0f00020cffffffff00', 'hex'),
    'application/x-thrift',
    400,
    /negative/,
  ],
  ['nested too deeply', struct([9, nested(40)]).bytes, 'application/x-thrift', 400, /nested too deeply/],
  [
    'compact protocol',
    new Uint8Array(1),
    'application/vnd.apache.thrift.compact',
    415,
    /use application\/vnd.apache/,
  ],
  [
    'more spans than memory should hold',
    Buffer.concat([Buffer.from('0f00020c000f4240', 'hex'), Buffer.alloc(1_000_001)]),
    'application/x-thrift',
    413,
    /max-span-items-per-request/,
  ],
];
for (const [what, body, type, status, reason] of refusals) {
  test(`refused: ${what}`, async () => {
    const { sink, routes } = open();
    const answer = await post(routes, '/api/traces', body, { 'content-type': type });
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.text, reason);
    assert.equal(sink.spans.length, 0);
  });
}

test('gRPC: a full storage is RESOURCE_EXHAUSTED, one that is away UNAVAILABLE, noise INVALID_ARGUMENT', async () => {
  const { sink, send } = open();
  sink.failure = new OverloadedError('full', 1000);
  const code = (wanted: number) => (error: unknown) => error instanceof GrpcError && error.code === wanted;
  await assert.rejects(send(protobuf(PROCESS, [{}])), code(8));
  sink.failure = new Error('gone');
  await assert.rejects(send(protobuf(PROCESS, [{}])), code(14));
  await assert.rejects(send(Uint8Array.of(10, 200)), code(3));
});
