/** All receivers behind a real listener: compressions, limits of size, wrong types, broken and cut-off bodies. */

import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { snappyEncode } from '../../src/wire/snappy.ts';
import { concat, double, field, fixed64, int, message } from '../wire/bytes.ts';
import { MAX_BODY_BYTES, openReceivers, type ReceiverListener } from './receiver-listener.ts';

let receivers: ReceiverListener;
before(async () => {
  receivers = await openReceivers();
});
after(async () => {
  await receivers.close();
});

const ids = concat(field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 2)));
const traces = field(1, field(2, field(2, concat(ids, fixed64(7, 1n)))));
const logs = field(1, field(2, field(2, concat(fixed64(1, 1n), field(5, field(1, 'line'))))));
const metrics = field(
  1,
  field(
    2,
    field(2, concat(field(1, 'g'), field(5, field(1, concat(fixed64(3, 1_000_000_000n), double(4, 1)))))),
  ),
);
const write = snappyEncode(
  field(
    1,
    concat(
      field(1, message(field(1, '__name__'), field(2, 'm'))),
      field(2, message(double(1, 1), int(2, 1000))),
    ),
  ),
);
const push = Buffer.from('{"streams":[{"stream":{"app":"a"},"values":[["1","x"]]}]}');
const PROTOBUF = 'application/x-protobuf';
const GRPC = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};

interface Target {
  readonly path: string;
  readonly type: string;
  readonly body: Uint8Array;
  readonly ok: number;
  /** Status for a body of a type that is not spoken. */
  readonly wrongType: number;
  readonly compressions: readonly ('gzip' | 'zstd')[];
}

const TARGETS: readonly Target[] = [
  {
    path: '/v1/traces',
    type: PROTOBUF,
    body: traces,
    ok: 200,
    wrongType: 415,
    compressions: ['gzip', 'zstd'],
  },
  {
    path: '/v1/metrics',
    type: PROTOBUF,
    body: metrics,
    ok: 200,
    wrongType: 415,
    compressions: ['gzip', 'zstd'],
  },
  { path: '/v1/logs', type: PROTOBUF, body: logs, ok: 200, wrongType: 415, compressions: ['gzip', 'zstd'] },
  {
    path: '/otlp/v1/logs',
    type: PROTOBUF,
    body: logs,
    ok: 200,
    wrongType: 415,
    compressions: ['gzip', 'zstd'],
  },
  { path: '/api/v1/write', type: PROTOBUF, body: write, ok: 204, wrongType: 415, compressions: [] },
  {
    path: '/loki/api/v1/push',
    type: 'application/json',
    body: push,
    ok: 204,
    wrongType: 400,
    compressions: ['gzip', 'zstd'],
  },
];

async function send(path: string, body: Uint8Array, headers: Record<string, string>) {
  const response = await fetch(receivers.url + path, { method: 'POST', headers, body: new Uint8Array(body) });
  return { status: response.status, text: await response.text() };
}

for (const { path, type, body, ok, wrongType, compressions } of TARGETS) {
  describe(path, () => {
    it(`answers ${ok}`, async () => {
      assert.equal((await send(path, body, { 'content-type': type })).status, ok);
    });

    for (const coding of compressions) {
      it(`takes ${coding}`, async () => {
        const compressed = coding === 'gzip' ? gzipSync(body) : zstdCompressSync(body);
        const answer = await send(path, compressed, { 'content-type': type, 'content-encoding': coding });
        assert.equal(answer.status, ok, answer.text);
      });

      it(`refuses a ${coding} bomb`, async () => {
        const bomb = Buffer.alloc(MAX_BODY_BYTES * 8);
        const compressed = coding === 'gzip' ? gzipSync(bomb) : zstdCompressSync(bomb);
        const answer = await send(path, compressed, { 'content-type': type, 'content-encoding': coding });
        assert.equal(answer.status, 413);
        assert.match(answer.text, /larger than the limit/);
      });

      it(`refuses what is not ${coding}`, async () => {
        const answer = await send(path, body, { 'content-type': type, 'content-encoding': coding });
        assert.equal(answer.status, 400);
        assert.match(answer.text, /cannot decompress/);
      });
    }

    it('refuses too large a body', async () => {
      const answer = await send(path, Buffer.alloc(MAX_BODY_BYTES + 1), { 'content-type': type });
      assert.equal(answer.status, 413);
      assert.match(answer.text, /larger than the limit/);
    });

    it('refuses another content type', async () => {
      const answer = await send(path, body, { 'content-type': 'text/csv' });
      assert.equal(answer.status, wrongType);
      assert.ok(answer.text.length > 5);
    });

    it('refuses a cut-off body with a reason', async () => {
      for (const end of [1, Math.floor(body.length / 2), body.length - 1]) {
        const answer = await send(path, body.subarray(0, end), { 'content-type': type });
        assert.equal(answer.status, 400, `cut at ${end}: ${answer.text}`);
        assert.ok(answer.text.length > 5);
      }
    });

    it('refuses other methods', async () => {
      assert.equal((await fetch(receivers.url + path)).status, 405);
    });
  });
}

/** One unary call; gives grpc-status and grpc-message. */
function call(
  session: http2.ClientHttp2Session,
  path: string,
  framed: Uint8Array,
  headers: Record<string, string> = {},
) {
  return new Promise<{ status: string; message: string }>((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    });
    let last: http2.IncomingHttpHeaders = {};
    stream.on('response', (head) => {
      last = { ...last, ...head };
    });
    stream.on('trailers', (trailers) => {
      last = { ...last, ...trailers };
    });
    stream.on('error', reject);
    stream.on('close', () =>
      resolve({
        status: String(last['grpc-status']),
        message: decodeURIComponent(String(last['grpc-message'] ?? '')),
      }),
    );
    stream.resume();
    stream.end(framed);
  });
}

function frame(messageBytes: Uint8Array, compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressed ? 1 : 0;
  head.writeUInt32BE(messageBytes.length, 1);
  return Buffer.concat([head, messageBytes]);
}

describe('gRPC', () => {
  const bodies = { traces, metrics, logs };
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    it(`${signal}: taken, compressed, malformed, cut off, too large`, async () => {
      const session = http2.connect(receivers.url);
      try {
        const path = GRPC[signal];
        const body = bodies[signal];
        assert.deepEqual(await call(session, path, frame(body)), { status: '0', message: '' });
        assert.equal(
          (await call(session, path, frame(gzipSync(body), true), { 'grpc-encoding': 'gzip' })).status,
          '0',
        );
        const malformed = await call(session, path, frame(body.subarray(0, body.length - 1)));
        assert.equal(malformed.status, '3');
        assert.match(malformed.message, /malformed protobuf/);
        assert.equal((await call(session, path, frame(body).subarray(0, 8))).status, '3');
        assert.equal(
          (
            await call(session, path, frame(gzipSync(Buffer.alloc(MAX_BODY_BYTES * 4)), true), {
              'grpc-encoding': 'gzip',
            })
          ).status,
          '8',
        );
      } finally {
        session.close();
      }
    });
  }
});

it('no request ended in a bug, and items are counted', () => {
  assert.deepEqual(receivers.bugs, []);
  const { counts } = receivers.metrics;
  assert.equal(counts['accepted spans otlp http'], 3);
  assert.equal(counts['accepted spans otlp grpc'], 2);
  assert.equal(counts['accepted metric_points prometheusremotewrite http'], 1);
  assert.equal(counts['accepted log_records loki http'], 3);
});
