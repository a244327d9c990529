/** Outgoing HTTP against real servers on this machine: credentials, redirects, limits, compression, proxy, failures. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { HttpClient } from '../../src/http/client/client.ts';
import { DEFAULT_HTTP_CLIENT, type HttpClientConfig } from '../../src/http/client/config.ts';
import { proxyFor } from '../../src/http/client/proxy.ts';

const servers: http.Server[] = [];
const folder = mkdtempSync(path.join(tmpdir(), 'trivium-client-'));
after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

async function serve(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function get(url: string, config: Partial<HttpClientConfig> = {}, maxBytes = 1e6) {
  const client = new HttpClient({ ...DEFAULT_HTTP_CLIENT, ...config }, { now: () => 0, env: {} });
  try {
    const response = await client.request({ url, signal: AbortSignal.timeout(5_000) });
    return {
      status: response.status,
      line: response.statusLine,
      text: Buffer.from(await response.bytes(maxBytes)).toString(),
    };
  } finally {
    client.close();
  }
}

const echo = await serve((request, response) => response.end(JSON.stringify(request.headers)));

test('credentials come from values and files, headers from the configuration', async () => {
  const file = path.join(folder, 'token');
  writeFileSync(file, 'secret\n');
  const authorization = async (config: Partial<HttpClientConfig>) =>
    (JSON.parse((await get(echo, config)).text) as Record<string, string>).authorization;
  assert.equal(await authorization({}), undefined);
  assert.equal(
    await authorization({ basicAuth: { username: { value: 'u' }, password: { file } } }),
    `Basic ${Buffer.from('u:secret').toString('base64')}`,
  );
  assert.equal(
    await authorization({ authorization: { type: 'Bearer', credentials: { file } } }),
    'Bearer secret',
  );
  assert.equal(await authorization({ headers: { Authorization: [{ value: 'own' }] } }), 'own');
});

test('OAuth 2.0: a token is fetched once and used again', async () => {
  let tokens = 0;
  const issuer = await serve((request, response) => {
    tokens++;
    assert.equal(request.headers.authorization, `Basic ${Buffer.from('id:s').toString('base64')}`);
    response.end(JSON.stringify({ access_token: `t${tokens}`, token_type: 'bearer', expires_in: 3600 }));
  });
  const client = new HttpClient(
    {
      ...DEFAULT_HTTP_CLIENT,
      oauth2: {
        clientId: 'id',
        clientSecret: { value: 's' },
        scopes: ['a', 'b'],
        tokenUrl: issuer,
        endpointParams: {},
        tls: DEFAULT_HTTP_CLIENT.tls,
        proxy: DEFAULT_HTTP_CLIENT.proxy,
      },
    },
    { now: () => 0, env: {} },
  );
  for (let i = 0; i < 2; i++) {
    const response = await client.request({ url: echo, signal: AbortSignal.timeout(5_000) });
    assert.match(Buffer.from(await response.bytes(1e6)).toString(), /"authorization":"Bearer t1"/);
  }
  assert.equal(tokens, 1);
  client.close();
});

test('redirects are followed unless told otherwise; credentials stay with the first host', async () => {
  const away = await serve((_, response) => response.writeHead(302, { location: echo }).end());
  const basicAuth = { username: { value: 'u' }, password: { value: 'p' } };
  const followed = await get(away, { basicAuth });
  assert.equal(followed.status, 200);
  assert.equal((JSON.parse(followed.text) as Record<string, string>).authorization, undefined);
  assert.equal((await get(away, { followRedirects: false })).status, 302);
  const round: string = await serve((_, response) => response.writeHead(302, { location: '/again' }).end());
  await assert.rejects(get(round), /stopped after 10 redirects/);
});

test('bodies are decompressed; limits hold before and after', async () => {
  const page = await serve((_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('a'.repeat(10_000))),
  );
  assert.equal((await get(page)).text.length, 10_000);
  await assert.rejects(get(page, {}, 9_999), /body size limit exceeded/);
  await assert.rejects(get(echo, {}, 10), /body size limit exceeded/);
  const broken = await serve((_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  );
  await assert.rejects(get(broken), /gzip/);
});

test('failures are worded as users of Prometheus know them', async () => {
  const gone = await serve(() => {});
  const server = servers.at(-1) as http.Server;
  await new Promise((resolve) => server.close(resolve));
  await assert.rejects(get(gone), {
    message: `Get "${gone}": dial tcp ${gone.slice('http://'.length)}: connect: connection refused`,
  });
  const silent = await serve(() => {});
  const client = new HttpClient(DEFAULT_HTTP_CLIENT, { now: () => 0, env: {} });
  await assert.rejects(client.request({ url: silent, signal: AbortSignal.timeout(20) }), {
    message: `Get "${silent}": context deadline exceeded`,
    timedOut: true,
  });
  const rude = await serve((request) => request.socket.destroy());
  await assert.rejects(get(rude), { message: `Get "${rude}": EOF` });
  const stuck = await serve((_, response) => response.writeHead(200).write('x'));
  const response = await client.request({ url: stuck, signal: AbortSignal.timeout(50) });
  await assert.rejects(response.bytes(100), { message: 'context deadline exceeded' });
  await assert.rejects(get('ftp://x/'), /unsupported protocol scheme "ftp"/);
  assert.deepEqual(
    (await get(await serve((_, answer) => answer.writeHead(503).end()))).line,
    '503 Service Unavailable',
  );
  client.close();
});

test('a proxy is asked for the whole URL, except for hosts that no_proxy names', async () => {
  const proxy = await serve((request, response) =>
    response.end(`${request.url} ${request.headers['proxy-authorization']}`),
  );
  const config = {
    url: proxy.replace('://', '://me:pw@'),
    noProxy: ['127.0.0.0/8'],
    fromEnvironment: false,
    connectHeaders: {},
  };
  const answer = await get('http://far.example.test:81/x?y=1', { proxy: config });
  assert.equal(
    answer.text,
    `http://far.example.test:81/x?y=1 Basic ${Buffer.from('me:pw').toString('base64')}`,
  );
  assert.match((await get(echo, { proxy: config })).text, /"host"/);
});

test('which hosts go round the proxy', () => {
  const through = (url: string, noProxy: string) =>
    proxyFor(
      new URL(url),
      { url: 'http://p', noProxy: noProxy.split(','), fromEnvironment: false, connectHeaders: {} },
      {},
    ) !== undefined;
  for (const [url, noProxy, want] of [
    ['http://a.test', 'b.test', true],
    ['http://a.test', 'a.test', false],
    ['http://x.a.test', 'a.test', false],
    ['http://xa.test', 'a.test', true],
    ['http://a.test', '.a.test', true],
    ['http://x.a.test', '.a.test', false],
    ['http://a.test:81', 'a.test:80', true],
    ['http://10.1.2.3', '10.0.0.0/8', false],
    ['http://11.1.2.3', '10.0.0.0/8', true],
    ['http://[fd00::1]', 'fd00::/8', false],
    ['http://a.test', '*', false],
  ] as const) {
    assert.equal(through(url, noProxy), want, `${url} with no_proxy ${noProxy}`);
  }
  const env = { fromEnvironment: true, noProxy: [], connectHeaders: {} };
  assert.equal(proxyFor(new URL('https://a.test'), env, { HTTPS_PROXY: 'p:1' })?.host, 'p:1');
  assert.equal(proxyFor(new URL('http://localhost'), env, { HTTP_PROXY: 'http://p:1' }), undefined);
});
