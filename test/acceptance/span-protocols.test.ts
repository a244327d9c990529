/** The real program: spans pushed in Zipkin's and Jaeger's words are one trace on Tempo's API. */
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { after, before, test } from 'node:test';
import { concat, field, int } from '../wire/bytes.ts';
import { i64, list, struct, text } from '../wire-jaeger/thrift-bytes.ts';
import { type RunningTrivium, startTrivium } from './trivium-process.ts';

let trivium: RunningTrivium;
before(async () => {
  trivium = await startTrivium();
});
after(() => trivium.stop(false));

const LOW = 0x48485a3953bb6124n;
const TRACE = `${'0'.repeat(16)}${LOW.toString(16)}`;
const startUs = BigInt(Date.now() - 60_000) * 1000n;
const url = (listener: string, path: string) => `http://127.0.0.1:${trivium.ports[listener]}${path}`;

async function push(listener: string, path: string, type: string, body: string | Uint8Array<ArrayBuffer>) {
  const response = await fetch(url(listener, path), {
    method: 'POST',
    headers: { 'content-type': type },
    body,
  });
  assert.equal(response.status, 202, await response.text());
}

/** One gRPC call; gives grpc-status and the answer's bytes. */
async function call(
  port: number,
  path: string,
  message: Uint8Array,
): Promise<[status: string, answer: Buffer]> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const head = Buffer.alloc(5);
    head.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([head, message]));
    let status = '';
    stream.on('trailers', (trailers) => {
      status = String(trailers['grpc-status']);
    });
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    return [status, Buffer.concat(parts)];
  } finally {
    session.close();
  }
}

test('one trace from a Zipkin client and two Jaeger clients', async () => {
  const root = {
    traceId: LOW.toString(16),
    id: '00000000000000a1',
    kind: 'SERVER',
    name: 'get /',
    timestamp: Number(startUs),
    duration: 5000,
    localEndpoint: { serviceName: 'web' },
    tags: { error: 'upstream' },
  };
  await push('zipkin', '/api/v2/spans', 'application/json', JSON.stringify([root]));

  const thrift = struct(
    [1, struct([1, text('orders')])],
    [
      2,
      list(
        struct(
          [1, i64(LOW)],
          [3, i64(0xa2n)],
          [4, i64(0xa1n)],
          [5, text('list')],
          [8, i64(startUs + 1000n)],
          [9, i64(3000n)],
        ),
      ),
    ],
  );
  await push('jaeger-http', '/api/traces', 'application/x-thrift', new Uint8Array(thrift.bytes));

  const id = (value: bigint) => i64(value).bytes;
  const span = concat(
    field(1, concat(id(0n), id(LOW))),
    field(2, id(0xa3n)),
    field(3, 'select'),
    field(4, concat(field(1, concat(id(0n), id(LOW))), field(2, id(0xa2n)))),
    field(6, concat(int(1, startUs / 1_000_000n), int(2, (startUs % 1_000_000n) * 1000n))),
    field(7, int(2, 1_000_000)),
  );
  const request = field(1, concat(field(1, span), field(2, field(1, 'db'))));
  const path = '/jaeger.api_v2.CollectorService/PostSpans';
  assert.deepEqual(await call(trivium.ports['jaeger-grpc'] as number, path, request), ['0', Buffer.alloc(5)]);

  const response = await fetch(url('tempo', `/api/traces/${TRACE}`), {
    headers: { accept: 'application/json' },
  });
  const trace = (await response.json()) as {
    batches: {
      resource: { attributes: { key: string; value: { stringValue: string } }[] };
      scopeSpans: { spans: { name: string; status?: { message?: string } }[] }[];
    }[];
  };
  const found = trace.batches.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ name, status }) => [
        resource.attributes[0]?.value.stringValue,
        name,
        status?.message ?? '',
      ]),
    ),
  );
  assert.deepEqual(found.toSorted(), [
    ['db', 'select', ''],
    ['orders', 'list', ''],
    ['web', 'get /', 'upstream'],
  ]);
  const query = new URLSearchParams({ q: '{ resource.service.name = "web" } >> { name = "select" }' });
  const search = (await (await fetch(url('tempo', `/api/search?${query}`))).json()) as { traces: unknown[] };
  assert.equal(search.traces.length, 1);
});
