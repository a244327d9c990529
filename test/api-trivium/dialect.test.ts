/** Health, status, own metrics, the UI's files and the way to the demo's faults. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Status, triviumDialect } from '../../src/api/trivium/index.ts';
import { Listener } from '../../src/http/listener.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'trivium-ui-'));
const asked: string[] = [];
let notReady: string | undefined;
let listener: Listener;
let demo: http.Server;

before(async () => {
  mkdirSync(path.join(folder, 'ui/assets'), { recursive: true });
  writeFileSync(path.join(folder, 'ui/index.html'), '<title>Trivium</title>');
  writeFileSync(path.join(folder, 'ui/assets/app-1234.js'), 'let x;');
  writeFileSync(path.join(folder, 'secret.txt'), 'secret');
  demo = http.createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    asked.push(`${request.method} ${request.url} ${body}`);
    response.setHeader('content-type', 'application/json');
    response.end('[]');
  });
  await new Promise<void>((resolve) => demo.listen(0, '127.0.0.1', resolve));
  listener = await Listener.open({
    name: 'http',
    host: '127.0.0.1',
    port: 0,
    mounts: [
      {
        prefix: '',
        dialect: triviumDialect({
          uiDir: path.join(folder, 'ui'),
          notReady: async () => notReady,
          status: async () => ({ build: { version: 'x' } }) as unknown as Status,
          metrics: async () => ({ contentType: 'text/plain', text: 'up 1\n' }),
          demoUrl: () => `http://127.0.0.1:${(demo.address() as { port: number }).port}`,
        }),
      },
    ],
    grpcMethods: [],
    maxBodyBytes: 1000,
    onFinished: () => {},
    onBug: () => {},
  });
});
after(async () => {
  await listener.close(100);
  demo.close();
  rmSync(folder, { recursive: true });
});

const cases: [string, string, number, RegExp][] = [
  ['health', '/healthz', 200, /^ok\n$/],
  ['status', '/api/status', 200, /"version":"x"/],
  ['own metrics', '/metrics', 200, /^up 1\n$/],
  ['the page', '/', 200, /Trivium/],
  ["the application's own routes are the page too", '/trace/0af7651916cd43dd', 200, /Trivium/],
  ['an asset', '/assets/app-1234.js', 200, /let x/],
  ['a missing asset is no page', '/assets/gone.js', 404, /no file at/],
  ['an unknown API path is no page', '/api/nothing', 404, /unknown path/],
  ['a path out of the folder', '/..%2fsecret.txt', 200, /Trivium/],
  ['an encoded path out of the folder', '/%2e%2e/%2e%2e/secret.txt', 200, /Trivium/],
  ['faults of the demo', '/api/demo/faults', 200, /\[\]/],
];
for (const [name, target, status, body] of cases) {
  test(name, async () => {
    // node:http sends the path as it is written.
    const { code, text } = await new Promise<{ code: number; text: string }>((resolve) =>
      http.get({ host: '127.0.0.1', port: listener.port, path: target }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ code: response.statusCode as number, text });
      }),
    );
    assert.match(text, body);
    assert.equal(code, status);
  });
}

test('readiness says why not', async () => {
  const url = `http://127.0.0.1:${listener.port}/ready`;
  assert.equal((await fetch(url)).status, 200);
  notReady = 'the engine is starting';
  const response = await fetch(url);
  assert.equal(response.status, 503);
  assert.equal(await response.text(), 'the engine is starting\n');
});

test('the page is not cached and runs no foreign scripts; assets are cached for ever', async () => {
  const page = await fetch(`http://127.0.0.1:${listener.port}/`);
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  assert.match(page.headers.get('content-security-policy') ?? '', /script-src 'self'/);
  const asset = await fetch(`http://127.0.0.1:${listener.port}/assets/app-1234.js`);
  assert.match(asset.headers.get('cache-control') ?? '', /immutable/);
});

test('a fault is switched by JSON only, which a foreign page cannot send', async () => {
  const url = `http://127.0.0.1:${listener.port}/api/demo/faults/slow%20db`;
  assert.equal((await fetch(url, { method: 'POST', body: 'enabled=true' })).status, 415);
  asked.length = 0;
  const headers = { 'content-type': 'application/json' };
  assert.equal((await fetch(url, { method: 'POST', headers, body: '{"enabled":true}' })).status, 200);
  assert.deepEqual(asked, ['POST /faults/slow%20db {"enabled":true}']);
});
