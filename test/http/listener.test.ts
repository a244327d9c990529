/** One port, three protocols: the listener tells them apart and answers each in its own way. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { WebSocket } from 'ws';
import {
  type Dialect,
  GRPC_INVALID_ARGUMENT,
  GRPC_RESOURCE_EXHAUSTED,
  GRPC_UNIMPLEMENTED,
  GrpcError,
  HttpError,
} from '../../src/http/handler.ts';
import { type FinishedRequest, Listener } from '../../src/http/listener.ts';

const LIMIT = 1000;
const finished: FinishedRequest[] = [];
const bugs: unknown[] = [];
let listener: Listener;
let base: string;

const dialect: Dialect = {
  name: 'test',
  routes: [
    {
      methods: ['GET', 'POST'],
      path: '/echo/:name',
      handler: async (request) => ({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          name: request.pathParams.name,
          form: [...(await request.form())],
          tenant: request.tenant,
          body: new TextDecoder().decode(await request.body()),
        }),
      }),
    },
    {
      methods: ['GET'],
      path: '/large',
      handler: () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'x'.repeat(10_000) }),
    },
    {
      methods: ['GET'],
      path: '/stream',
      handler: () => ({
        status: 200,
        body: (async function* () {
          for (let i = 0; i < 3; i++) yield `part ${i}\n`;
        })(),
      }),
    },
    {
      methods: ['GET'],
      path: '/rest/*',
      handler: (request) => ({ status: 200, body: request.pathParams['*'] as string }),
    },
    {
      methods: ['GET'],
      path: '/bug',
      handler: () => {
        throw new TypeError('a bug');
      },
    },
  ],
  webSockets: [
    {
      path: '/tail',
      handler: async (request, open) => {
        if (request.query.get('refuse') !== null) throw new HttpError(400, 'refused');
        const socket = await open();
        await socket.send('one');
        await socket.send('two');
      },
    },
  ],
  onError: (error) => ({
    status: error instanceof HttpError ? error.status : 500,
    ...(error instanceof HttpError ? { headers: error.headers } : {}),
    body: `test: ${(error as Error).message}`,
  }),
};

before(async () => {
  listener = await Listener.open({
    name: 'test',
    host: '127.0.0.1',
    port: 0,
    mounts: [
      { prefix: '', dialect },
      { prefix: '/deep', dialect },
    ],
    grpcMethods: [
      {
        path: '/t.Service/Reverse',
        handler: async (message) => Uint8Array.from(message).reverse(),
      },
      {
        path: '/t.Service/Fail',
        handler: async () => {
          throw new GrpcError(GRPC_INVALID_ARGUMENT, 'nicht möglich', { details: Uint8Array.of(1, 2) });
        },
      },
      {
        path: '/t.Service/Count',
        handler: async function* () {
          for (let i = 0; i < 3; i++) yield Uint8Array.of(i);
        },
      },
    ],
    maxBodyBytes: LIMIT,
    onFinished: (request) => finished.push(request),
    onBug: (error) => bugs.push(error),
  });
  base = `http://127.0.0.1:${listener.port}`;
});
after(() => listener.close(1000));

const gzipped = zlib.gzipSync('hello');
const zstd = zlib.zstdCompressSync('hello');
const bomb = zlib.gzipSync('x'.repeat(5000));

const cases: [string, string, RequestInit, number, RegExp][] = [
  [
    'path parameter, decoded',
    '/echo/a%2Fb?x=1&x=2',
    {},
    200,
    /"name":"a\/b","form":\[\["x","1"\],\["x","2"\]\]/,
  ],
  ['below a prefix', '/deep/echo/n', {}, 200, /"name":"n"/],
  ['default tenant', '/echo/n', {}, 200, /"tenant":"default"/],
  ['named tenant', '/echo/n', { headers: { 'x-scope-orgid': 'team-a' } }, 200, /"tenant":"team-a"/],
  ['bad tenant', '/echo/n', { headers: { 'x-scope-orgid': 'a/b' } }, 400, /not allowed/],
  [
    'form body',
    '/echo/n?a=1',
    { method: 'POST', body: new URLSearchParams({ b: '2' }) },
    200,
    /\[\["a","1"\],\["b","2"\]\]/,
  ],
  [
    'gzip body',
    '/echo/n',
    { method: 'POST', body: gzipped, headers: { 'content-encoding': 'gzip' } },
    200,
    /"body":"hello"/,
  ],
  [
    'zstd body',
    '/echo/n',
    { method: 'POST', body: zstd, headers: { 'content-encoding': 'zstd' } },
    200,
    /"body":"hello"/,
  ],
  [
    'broken gzip',
    '/echo/n',
    { method: 'POST', body: 'no gzip', headers: { 'content-encoding': 'gzip' } },
    400,
    /cannot decompress/,
  ],
  [
    'unknown coding',
    '/echo/n',
    { method: 'POST', body: 'x', headers: { 'content-encoding': 'lzma' } },
    415,
    /lzma/,
  ],
  ['too large', '/echo/n', { method: 'POST', body: 'x'.repeat(LIMIT + 1) }, 413, /http\.max-body-bytes/],
  [
    'bomb',
    '/echo/n',
    { method: 'POST', body: bomb, headers: { 'content-encoding': 'gzip' } },
    413,
    /http\.max-body-bytes/,
  ],
  ['unknown path', '/nowhere', {}, 404, /test: unknown path/],
  ['wrong method', '/large', { method: 'POST' }, 405, /use GET/],
  ['wildcard stays encoded', '/rest/a/b%2Fc', {}, 200, /^a\/b%2Fc$/],
  ['stream', '/stream', {}, 200, /^part 0\npart 1\npart 2\n$/],
  ['bug', '/bug', {}, 500, /a bug/],
];

for (const [name, path, init, status, body] of cases) {
  test(`http/1.1: ${name}`, async () => {
    const response = await fetch(base + path, init);
    assert.match(await response.text(), body);
    assert.equal(response.status, status);
  });
}

test('http/1.1: a bug is reported, wrong input is not', () => {
  assert.deepEqual(
    bugs.map((bug) => (bug as Error).message),
    ['a bug'],
  );
});

test('http/1.1: large answers are compressed on request, HEAD has no body', async () => {
  const response = await fetch(`${base}/large`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(response.headers.get('content-encoding'), 'gzip');
  assert.equal((await response.text()).length, 10_000);
  const head = await fetch(`${base}/large`, { method: 'HEAD', headers: { 'accept-encoding': 'identity' } });
  assert.equal(head.headers.get('content-length'), '10000');
  assert.equal(await head.text(), '');
});

test('the route pattern, not the path, is reported', async () => {
  finished.length = 0;
  await (await fetch(`${base}/echo/secret`)).text();
  assert.deepEqual(
    finished.map(({ route, status }) => [route, status]),
    [['/echo/:name', 200]],
  );
});

test('a method that nobody knows is refused, and reported as one of many', async () => {
  finished.length = 0;
  const session = http2.connect(base);
  const stream = session.request({ ':path': '/large', ':method': 'INVENTED-1' });
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 405);
  stream.resume();
  await once(stream, 'end');
  session.close();
  assert.deepEqual(
    finished.map(({ method, status }) => [method, status]),
    [['other', 405]],
  );
});

test('http/2 without TLS: the same handlers', async () => {
  const session = http2.connect(base);
  const stream = session.request({ ':path': '/echo/h2', ':method': 'POST' });
  stream.end('body');
  const [headers] = await once(stream, 'response');
  assert.equal(headers[':status'], 200);
  let text = '';
  for await (const chunk of stream) text += chunk;
  assert.match(text, /"name":"h2".*"body":"body"/);
  session.close();
});

async function grpc(
  path: string,
  message: Uint8Array,
  headers: Record<string, string> = {},
  raw?: Buffer,
): Promise<{ status: string; message: string; parts: number[][]; details: string | undefined }> {
  const session = http2.connect(base);
  const stream = session.request({
    ':path': path,
    ':method': 'POST',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const frame = Buffer.alloc(5 + message.length);
  frame[0] = headers['grpc-encoding'] === undefined ? 0 : 1;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  stream.end(raw ?? frame);
  let trailers: Record<string, string> = {};
  stream.on('response', (got) => {
    if (got['grpc-status'] !== undefined) trailers = got as Record<string, string>;
  });
  stream.on('trailers', (got) => {
    trailers = got as Record<string, string>;
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  session.close();
  const all = Buffer.concat(chunks);
  const parts: number[][] = [];
  for (let at = 0; at < all.length; ) {
    const size = all.readUInt32BE(at + 1);
    parts.push([...all.subarray(at + 5, at + 5 + size)]);
    at += 5 + size;
  }
  return {
    status: trailers['grpc-status'] as string,
    message: decodeURIComponent(trailers['grpc-message'] ?? ''),
    parts,
    details: trailers['grpc-status-details-bin'],
  };
}

test('gRPC: unary, compressed, streamed and failing calls', async () => {
  const message = Uint8Array.of(1, 2, 3);
  assert.deepEqual((await grpc('/t.Service/Reverse', message)).parts, [[3, 2, 1]]);
  const compressed = await grpc('/t.Service/Reverse', zlib.gzipSync(message), { 'grpc-encoding': 'gzip' });
  assert.deepEqual(compressed.parts, [[3, 2, 1]]);
  assert.deepEqual((await grpc('/t.Service/Count', message)).parts, [[0], [1], [2]]);
  const failed = await grpc('/t.Service/Fail', message);
  assert.equal(failed.status, String(GRPC_INVALID_ARGUMENT));
  assert.equal(failed.message, 'nicht möglich');
  assert.equal(failed.details, 'AQI=');
  assert.equal((await grpc('/t.Service/None', message)).status, String(GRPC_UNIMPLEMENTED));
  assert.equal(
    (await grpc('/t.Service/Reverse', new Uint8Array(LIMIT + 1))).status,
    String(GRPC_RESOURCE_EXHAUSTED),
  );
  const truncated = await grpc('/t.Service/Reverse', message, {}, Buffer.from([0, 0, 0, 0, 9, 1]));
  assert.equal(truncated.status, String(GRPC_INVALID_ARGUMENT));
  assert.match(truncated.message, /truncated/);
});

test('WebSocket: messages, and a refusal before the upgrade', async () => {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/deep/tail`);
  const got: string[] = [];
  socket.on('message', (data) => got.push(String(data)));
  const [code] = await once(socket, 'close');
  assert.deepEqual(got, ['one', 'two']);
  assert.equal(code, 1000);
  const refused = new WebSocket(`${base.replace('http', 'ws')}/tail?refuse=1`);
  const [error] = await once(refused, 'error');
  assert.match((error as Error).message, /400/);
});

test('a port in use is refused with the way out', async () => {
  await assert.rejects(
    Listener.open({
      name: 'loki',
      host: '127.0.0.1',
      port: listener.port,
      mounts: [],
      grpcMethods: [],
      maxBodyBytes: LIMIT,
      onFinished: () => {},
      onBug: () => {},
    }),
    /in use by another program.*--loki-port off/,
  );
});

test('first bytes that come one by one are still told apart', async () => {
  const socket = net.connect(listener.port, '127.0.0.1');
  socket.setNoDelay(true);
  for (const byte of 'PUT /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n') {
    socket.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP\/1\.1 405 /);
});

test('connections are kept alive, also when a handler answers at once', async () => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number>();
  for (let i = 0; i < 20; i++) {
    await new Promise<void>((resolve, reject) => {
      const request = http.get(
        { host: '127.0.0.1', port: listener.port, path: '/rest/x', agent },
        (response) => {
          ports.add((request.socket as net.Socket).localPort as number);
          response.resume().once('end', resolve);
        },
      );
      request.once('error', reject);
    });
  }
  assert.equal(ports.size, 1);
  agent.destroy();
});

test('an unread body is not taken for the next request', async () => {
  const socket = net.connect(listener.port, '127.0.0.1');
  const inner = 'GET /large HTTP/1.1\r\nhost: x\r\n\r\n';
  socket.write(`POST /large HTTP/1.1\r\nhost: x\r\ncontent-length: ${inner.length + 10}\r\n\r\n${inner}`);
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.match(text, /^HTTP\/1\.1 405 /);
  assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1);
});
