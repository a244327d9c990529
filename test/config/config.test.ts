/** Flags, files and units: what is taken, and what is refused with which words. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from '../../src/config/diagnostics.ts';
import { parseFlags } from '../../src/config/flags.ts';
import { readServeOptions, SERVE_FLAGS, type ServeOptions } from '../../src/config/serve-options.ts';
import { parseBytes, parseDurationMs } from '../../src/config/units.ts';
import { YamlFile } from '../../src/config/yaml.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'trivium-config-'));
after(() => rmSync(folder, { recursive: true }));

const durations: [string, number | undefined][] = [
  ['15d', 1_296_000_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['500ms', 500],
  ['1y', 31_536_000_000],
  ['0', 0],
  ['', undefined],
  ['5', undefined],
  ['5 m', undefined],
  ['m', undefined],
  ['-5m', undefined],
];
for (const [text, want] of durations) {
  test(`duration "${text}" is ${want} ms`, () => assert.equal(parseDurationMs(text), want));
}

const sizes: [string, number | undefined][] = [
  ['4096', 4096],
  ['32MiB', 33_554_432],
  ['1GB', 1_000_000_000],
  ['1.5 k', 1536],
  ['12 parsecs', undefined],
  ['', undefined],
];
for (const [text, want] of sizes)
  test(`size "${text}" is ${want} bytes`, () => assert.equal(parseBytes(text), want));

function read(args: string[], yaml?: string, env: Record<string, string> = {}): ServeOptions {
  const all = [...args];
  if (yaml !== undefined) {
    const file = path.join(folder, 'trivium.yaml');
    writeFileSync(file, yaml);
    all.push('--config', file);
  }
  return readServeOptions(parseFlags(all, SERVE_FLAGS), env);
}

test('defaults: loopback, well-known ports, 15 days', () => {
  const options = read([]);
  assert.equal(options.host, '127.0.0.1');
  assert.deepEqual(options.ports, {
    http: 3000,
    prometheus: 9090,
    loki: 3100,
    tempo: 3200,
    'otlp-grpc': 4317,
    'otlp-http': 4318,
    pushgateway: 9091,
    zipkin: 9411,
    'jaeger-grpc': 14_250,
    'jaeger-http': 14_268,
  });
  assert.equal(options.retentionMs.logs, 15 * 86_400_000);
});

test('flags win over the file, the file over defaults', () => {
  const yaml = `
listen: 0.0.0.0
listeners: { loki: off, http: 8080 }
storage:
  memory: 1GiB
  retention: { default: 30d, logs: none }
limits: { http.max-body-bytes: 1MiB }
`;
  const options = read(['--http-port=0', '--data-dir', '/x'], yaml);
  assert.equal(options.host, '0.0.0.0');
  assert.equal(options.ports.loki, undefined);
  assert.equal(options.ports.http, 0);
  assert.equal(options.dataDir, '/x');
  assert.deepEqual(options.retentionMs, {
    metrics: 30 * 86_400_000,
    logs: undefined,
    traces: 30 * 86_400_000,
    tenants: {},
  });
  assert.equal(options.storage.memoryBytes, 2 ** 30);
  assert.equal(options.limits.maxBodyBytes, 2 ** 20);
});

test('retention by tenant: what a tenant does not say is the default; the flag stands for all', () => {
  const yaml =
    'storage: { retention: { default: 10d, tenants: { dev: { default: 3d }, audit: { logs: none } } } }';
  const day = 86_400_000;
  assert.deepEqual(read([], yaml).retentionMs, {
    metrics: 10 * day,
    logs: 10 * day,
    traces: 10 * day,
    tenants: {
      dev: { metrics: 3 * day, logs: 3 * day, traces: 3 * day },
      audit: { metrics: 10 * day, logs: undefined, traces: 10 * day },
    },
  });
  assert.deepEqual(read(['--retention', '1d'], yaml).retentionMs, {
    metrics: day,
    logs: day,
    traces: day,
    tenants: {},
  });
  assert.throws(
    () => read([], 'storage: { retention: { tenants: { dev: { log: 3d } } } }'),
    /did you mean "logs"/,
  );
});

test('the password comes from the environment or a file, never from a flag', () => {
  assert.equal(read([], undefined, { TRIVIUM_CLICKHOUSE_PASSWORD: 'secret' }).storage.password, 'secret');
  const secret = path.join(folder, 'secret');
  writeFileSync(secret, 'from file\n');
  assert.equal(read([], `storage: { password_file: ${secret} }`).storage.password, 'from file');
  assert.throws(() => read(['--clickhouse-password', 'x']), /unknown flag --clickhouse-password/);
});

const refusals: [string, string[], string | undefined, RegExp][] = [
  [
    'a misspelt flag',
    ['--data-dri', 'x'],
    undefined,
    /unknown flag --data-dri \(did you mean --data-dir\?\)/,
  ],
  ['a flag without its value', ['--listen'], undefined, /--listen wants a value: --listen ADDR/],
  ['a port that is none', ['--http-port', '99999'], undefined, /"99999" is no port/],
  ['a part that is not read yet', ['--loki-config', 'x'], undefined, /--loki-config is not supported yet/],
  [
    'a listener that is not spoken yet',
    ['--alertmanager-port', '9093'],
    undefined,
    /does not speak alertmanager yet/,
  ],
  [
    'an unknown feature',
    ['--enable-feature', 'exemplar-storage,promql-duration'],
    undefined,
    /unknown feature "promql-duration" \(did you mean "promql-duration-expr"\?\)/,
  ],
  ['a stray word', ['serve'], undefined, /unexpected argument "serve"/],
  ['a bad retention', ['--retention', 'soon'], undefined, /"soon" is no duration/],
  [
    'an unknown field',
    [],
    'storage:\n  urll: x\n',
    /trivium\.yaml:2:3: unknown field storage\.urll \(did you mean "url"\?\)/,
  ],
  [
    'a wrong type',
    [],
    'limits:\n  query.max-samples: many\n',
    /trivium\.yaml:2:22: limits\.query\.max-samples: a number is wanted here/,
  ],
  ['broken YAML', [], 'a: [1\nb: 2\n', /trivium\.yaml:\d+:\d+: /],
  ['a key twice', [], 'listen: a\nlisten: b\n', /trivium\.yaml:2:1: Map keys must be unique/],
  ['a list for a mapping', [], '- a\n', /a mapping is wanted here/],
];
for (const [name, args, yaml, message] of refusals) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => read(args, yaml),
      (error: Error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('wiping pushed groups is off unless a flag or the file says otherwise', () => {
  assert.equal(read([]).pushgatewayAdminApi, false);
  assert.equal(read(['--pushgateway-enable-admin-api']).pushgatewayAdminApi, true);
  assert.equal(read([], 'pushgateway: { enable_admin_api: true }\n').pushgatewayAdminApi, true);
});

test('a listener that is not spoken yet may be switched off', () => {
  assert.equal(read(['--zipkin-port', 'off', '--alertmanager-port=off']).ports.http, 3000);
});

test('anchors, merges and aliases are followed', () => {
  const file = new YamlFile('base: &b { a: 1 }\nuse:\n  <<: *b\n  c: *b\n', 'x.yaml');
  const use = file.root().get('use')?.object();
  assert.equal(use?.get('c')?.object().get('a')?.number(), 1);
  assert.deepEqual(file.diagnostics, []);
});
