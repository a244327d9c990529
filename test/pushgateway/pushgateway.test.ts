/** Pushgateway's API over a real listener, documents and samples in memory. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, test } from 'node:test';
import { pushgatewayDialect } from '../../src/api/pushgateway/index.ts';
import { Pushgateway } from '../../src/collector/pushgateway/pushgateway.ts';
import { Listener } from '../../src/http/listener.ts';
import { OverloadedError } from '../../src/model/errors.ts';
import { MemorySink, metricLines } from '../collector/memory-sink.ts';
import { concat, double, field, int, sint, varint } from '../wire/bytes.ts';
import { MemoryStore } from './memory-store.ts';

const START_MS = 1_700_000_000_000;
let nowMs = START_MS;
let store: MemoryStore;
let sink: MemorySink;
let gateway: Pushgateway;
let listener: Listener;
const failures: string[] = [];

function openGateway(reloadMs?: number, maxGroups?: number): Pushgateway {
  return new Pushgateway({
    store,
    sink,
    now: () => nowMs,
    defaultTenant: 'default',
    onError: (message) => failures.push(message),
    ...(reloadMs === undefined ? {} : { reloadMs }),
    ...(maxGroups === undefined ? {} : { maxGroups }),
  });
}

before(async () => {
  const dialect = (adminApi: boolean) =>
    pushgatewayDialect({
      // Each test has its own.
      gateway: new Proxy({} as Pushgateway, {
        get: (_, name: keyof Pushgateway) => (gateway[name] as () => unknown).bind(gateway),
      }),
      now: () => nowMs,
      startedMs: START_MS,
      buildInfo: { version: '1.2.3' },
      flags: { 'web.enable-admin-api': String(adminApi) },
      ready: async () => sink.failure === undefined,
      adminApi,
    });
  listener = await Listener.open({
    name: 'pushgateway',
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1 << 20,
    grpcMethods: [],
    mounts: [
      { prefix: '', dialect: dialect(false) },
      { prefix: '/admin', dialect: dialect(true) },
    ],
    onFinished: () => {},
    onBug: () => {},
  });
});
after(() => listener.close(100));
beforeEach(() => {
  nowMs = START_MS;
  store = new MemoryStore();
  sink = new MemorySink();
  gateway = openGateway();
});

async function send(
  method: string,
  path: string,
  body?: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${listener.port}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return { status: response.status, text: await response.text() };
}

async function push(method: string, path: string, body: string, headers: Record<string, string> = {}) {
  const answer = await send(method, path, body, headers);
  assert.deepEqual(answer, { status: 200, text: '' });
}

/** Samples of the exposition page without the two times and comments. */
async function page(): Promise<string[]> {
  const { text } = await send('GET', '/metrics');
  return text.split('\n').filter((line) => line !== '' && !/^#|^push_/.test(line));
}

const lines = () => sink.metrics.flatMap(metricLines).filter((line) => !line.startsWith('push_'));

const paths: [path: string, labels: Record<string, string> | RegExp][] = [
  ['/metrics/job/training', { job: 'training' }],
  ['/metrics/job/a%20b/instance/10.0.0.1%3A80', { job: 'a b', instance: '10.0.0.1:80' }],
  ['/metrics/job/directory_cleaner/path@base64/L3Zhci90bXA', { job: 'directory_cleaner', path: '/var/tmp' }],
  ['/metrics/job@base64/L3Zhci90bXA=/zone/a', { job: '/var/tmp', zone: 'a' }],
  ['/metrics/job/x/instance@base64/=', { job: 'x' }],
  ['/metrics/job/x%2Fy', { job: 'x/y' }],
  ['/metrics/job/', /job name is required/],
  ['/metrics/instance/x', /job name is required/],
  ['/metrics/job@base64/=', /job name is required/],
  ['/metrics/job/x/zone', /odd number of components in label string "zone"/],
  ['/metrics/job/x/', /odd number of components/],
  ['/metrics/job/x/0zone/a', /improper label name "0zone"/],
  ['/metrics/job/x/__zone/a', /improper label name "__zone"/],
  ['/metrics/job/x/zone@base64/!!', /invalid base64 encoding for label zone="!!"/],
];

describe('grouping keys', () => {
  for (const [path, want] of paths) {
    it(path, async () => {
      const { status, text } = await send('PUT', path, 'x 1\n');
      if (want instanceof RegExp) {
        assert.equal(status, 400);
        assert.match(text, want);
        return;
      }
      assert.equal(status, 200, text);
      const { data } = JSON.parse((await send('GET', '/api/v1/metrics')).text);
      assert.deepEqual(data[0].labels, want);
    });
  }
});

test('PUT replaces the group, POST only metrics of the same name, DELETE all of it', async () => {
  await push('PUT', '/metrics/job/a', 'x 1\ny{l="1"} 2\n');
  await push('POST', '/metrics/job/a', 'y{l="2"} 3\nz 4\n');
  assert.deepEqual(await page(), [
    'x{instance="",job="a"} 1',
    'y{instance="",job="a",l="2"} 3',
    'z{instance="",job="a"} 4',
  ]);
  await push('PUT', '/metrics/job/a', 'z 5\n');
  await push('PUT', '/metrics/job/a/zone/b', 'z 6\n');
  assert.deepEqual(await page(), ['z{instance="",job="a"} 5', 'z{instance="",job="a",zone="b"} 6']);
  assert.equal((await send('DELETE', '/metrics/job/a')).status, 202);
  assert.equal((await send('DELETE', '/metrics/job/unknown')).status, 202);
  assert.deepEqual(await page(), ['z{instance="",job="a",zone="b"} 6']);
});

test('grouping labels win over those of the page', async () => {
  await push('PUT', '/metrics/job/a/instance/i', 'x{job="other",instance="j",k="v"} 1\n');
  assert.deepEqual(await page(), ['x{instance="i",job="a",k="v"} 1']);
});

test('samples are stored at once, without instance unless there is one; what is gone becomes stale', async () => {
  await push('PUT', '/metrics/job/a', '# TYPE x counter\n# HELP x Things.\nx 1\ny{instance="i"} NaN\n');
  assert.deepEqual(lines(), [`x{job="a"} 1 @${nowMs}`, `y{instance="i", job="a"} NaN @${nowMs}`]);
  assert.deepEqual(sink.metrics[0]?.metadata[0], { family: 'x', type: 'counter', help: 'Things.', unit: '' });
  sink.clear();
  nowMs += 2500;
  await push('PUT', '/metrics/job/a', 'x 2\n');
  assert.deepEqual(lines(), [`x{job="a"} 2 @${nowMs}`, `y{instance="i", job="a"} stale @${nowMs}`]);
  sink.clear();
  nowMs += 1000;
  await send('DELETE', '/metrics/job/a');
  assert.deepEqual(sink.metrics.flatMap(metricLines), [
    `x{job="a"} stale @${nowMs}`,
    `push_time_seconds{job="a"} stale @${nowMs}`,
    `push_failure_time_seconds{job="a"} stale @${nowMs}`,
  ]);
});

test('a scrape writes all groups of all tenants again', async () => {
  await push('PUT', '/metrics/job/a', 'x 1\n');
  await push('PUT', '/metrics/job/b', 'x 2\n', { 'x-scope-orgid': 'team' });
  sink.clear();
  const atMs = START_MS + 17_000;
  // Another process, or the same one after a restart.
  gateway = openGateway();
  await gateway.scrape(atMs);
  assert.deepEqual(
    sink.metrics.map((batch) => [batch.tenant, ...metricLines(batch).filter((line) => line.startsWith('x'))]),
    [
      ['default', `x{job="a"} 1 @${atMs}`],
      ['team', `x{job="b"} 2 @${atMs}`],
    ],
  );
  sink.failure = new Error('down');
  await gateway.scrape(nowMs);
  assert.deepEqual(failures.splice(0), ['pushed metrics were not stored again']);
});

test('scrapes stand on a grid of 15 seconds, also when timers are early or a scrape takes long', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  await push('PUT', '/metrics/job/a', 'x 1\n');
  sink.clear();
  // Mocked time fires one millisecond early: the clock of the gateway lags behind.
  const pass = async (ms: number) => {
    nowMs += ms - 1;
    t.mock.timers.tick(ms);
    nowMs += 1;
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };
  const gridMs = START_MS - (START_MS % 15_000);
  gateway.start();
  await pass(15_000 - (START_MS % 15_000));
  await pass(15_000);
  gateway.close();
  await pass(60_000);
  assert.deepEqual(lines(), [`x{job="a"} 1 @${gridMs + 15_000}`, `x{job="a"} 1 @${gridMs + 30_000}`]);
});

test('values that JSON does not have, and native histograms, survive a restart', async () => {
  await push('PUT', '/metrics/job/a', 'a NaN\nb +Inf\nc -Inf\nd -0\n');
  const histogram = concat(sint(5, 3), field(12, concat(sint(1, 0), int(2, 2))), sint(13, 1), sint(13, 0));
  const family = concat(
    field(1, 'h'),
    int(3, 4),
    field(4, field(7, concat(int(1, 2), double(2, 5), histogram, double(6, 0.001)))),
  );
  const answer = await send('POST', '/metrics/job/a', new Uint8Array(concat(varint(family.length), family)), {
    'content-type': 'application/vnd.google.protobuf; encoding=delimited',
  });
  assert.equal(answer.status, 200, answer.text);
  const pushed = lines();
  sink.clear();
  gateway = openGateway();
  await gateway.scrape(nowMs);
  const plain = (all: string[]) => all.map((line) => line.replace(/ @\d+$/, '')).sort();
  assert.deepEqual(plain(lines()), plain(pushed.slice(4)));
  assert.ok(
    lines().some((line) => line.startsWith('h{job="a"} {"schema":3,"count":2,"sum":5')),
    lines().join('\n'),
  );
  assert.deepEqual(await page(), [
    'a{instance="",job="a"} NaN',
    'b{instance="",job="a"} +Inf',
    'c{instance="",job="a"} -Inf',
    'd{instance="",job="a"} -0',
    'h_bucket{instance="",job="a",le="+Inf"} 2',
    'h_sum{instance="",job="a"} 5',
    'h_count{instance="",job="a"} 2',
  ]);
});

const refused: [what: string, body: string, reason: RegExp, noted: boolean][] = [
  [
    'timestamps',
    'x 1 1700000000000\n',
    /inconsistent with existing metrics: pushed metrics must not have timestamps/,
    true,
  ],
  ['a metric twice', 'x{a="1"} 1\nx{a="1"} 2\n', /metric "x" comes twice/, true],
  ['twice by the grouping labels', 'x{job="1"} 1\nx{job="2"} 2\n', /metric "x" comes twice/, true],
  [
    'another type than elsewhere',
    '# TYPE known gauge\nknown 1\n',
    /"known" is a gauge, but a counter in group/,
    true,
  ],
  ['what cannot be read', 'x y z\n', /parsing|expected|invalid/, false],
];
for (const [what, body, reason, noted] of refused) {
  test(`refused: ${what}`, async () => {
    await push('PUT', '/metrics/job/other', '# TYPE known counter\nknown 1\n');
    await push('PUT', '/metrics/job/a', 'old 1\n');
    nowMs += 60_000;
    const { status, text } = await send('PUT', '/metrics/job/a', body);
    assert.equal(status, 400);
    assert.match(text, reason);
    assert.deepEqual(await page(), ['known{instance="",job="other"} 1', 'old{instance="",job="a"} 1']);
    const all = (await send('GET', '/metrics')).text;
    assert.match(all, /^push_time_seconds\{instance="",job="a"\} 1700000000$/m);
    const failed = noted ? 1_700_000_060 : 0;
    assert.match(all, new RegExp(`^push_failure_time_seconds\\{instance="",job="a"\\} ${failed}$`, 'm'));
    const { data } = JSON.parse((await send('GET', '/api/v1/metrics')).text);
    assert.equal(data[0].last_push_successful, !noted);
  });
}

test('a type may change when the only group that has it is replaced', async () => {
  await push('PUT', '/metrics/job/a', '# TYPE x counter\nx 1\n');
  await push('PUT', '/metrics/job/a', '# TYPE x gauge\nx 2\n');
  assert.match((await send('GET', '/metrics')).text, /^# TYPE x gauge$/m);
});

test('the page: families of all groups together, help and type once, escapes', async () => {
  await push(
    'PUT',
    '/metrics/job/a',
    '# HELP s Line\\nbreak.\n# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 2\ns_count 3\n',
  );
  await push(
    'PUT',
    '/metrics/job/b',
    '# TYPE s summary\ns_sum{p="a\\\\b\\"c\\n"} 2\ns_count{p="a\\\\b\\"c\\n"} 3\n',
  );
  const { text } = await send('GET', '/metrics');
  assert.equal(
    text.slice(text.indexOf('# HELP s ')),
    [
      '# HELP s Line\\nbreak.',
      '# TYPE s summary',
      's{instance="",job="a",quantile="0.5"} 1',
      's_sum{instance="",job="a"} 2',
      's_count{instance="",job="a"} 3',
      's_sum{instance="",job="b",p="a\\\\b\\"c\\n"} 2',
      's_count{instance="",job="b",p="a\\\\b\\"c\\n"} 3',
      '',
    ].join('\n'),
  );
});

test('OpenMetrics: families are named as the text format names them', async () => {
  const body = '# TYPE jobs counter\njobs_total 3\njobs_created 1700000000\n# EOF\n';
  await push('PUT', '/metrics/job/a', body, {
    'content-type': 'application/openmetrics-text; version=1.0.0',
  });
  const { text } = await send('GET', '/metrics');
  assert.match(text, /^# TYPE jobs_total counter\njobs_total\{instance="",job="a"\} 3$/m);
  assert.match(text, /^# TYPE jobs_created gauge$/m);
});

test('the query API: histograms and summaries are put together', async () => {
  const body =
    '# HELP h Sizes.\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3.5\nh_count 2\n' +
    '# TYPE s summary\ns{quantile="0.9"} 7\ns_sum 8\ns_count 9\nplain{a="b"} 1\n';
  await push('PUT', '/metrics/job/a', body);
  const answer = JSON.parse((await send('GET', '/api/v1/metrics')).text);
  const [group] = answer.data;
  assert.equal(answer.status, 'success');
  assert.deepEqual(group.labels, { job: 'a' });
  assert.deepEqual(group.h, {
    time_stamp: new Date(nowMs).toISOString(),
    type: 'HISTOGRAM',
    help: 'Sizes.',
    metrics: [
      { labels: { instance: '', job: 'a' }, buckets: { '1.0': '1', '+Inf': '2' }, sum: '3.5', count: '2' },
    ],
  });
  assert.deepEqual(group.s.metrics, [
    { labels: { instance: '', job: 'a' }, quantiles: { '0.9': '7' }, sum: '8', count: '9' },
  ]);
  assert.deepEqual(group.plain.metrics, [{ labels: { instance: '', a: 'b', job: 'a' }, value: '1' }]);
  assert.equal(group.push_time_seconds.metrics[0].value, '1700000000');
});

test('status, health, wipe', async () => {
  const status = JSON.parse((await send('GET', '/api/v1/status')).text);
  assert.deepEqual(status.data, {
    build_information: { version: '1.2.3' },
    flags: { 'web.enable-admin-api': 'false' },
    start_time: new Date(START_MS).toISOString(),
  });
  assert.deepEqual(await send('GET', '/-/healthy'), { status: 200, text: 'OK' });
  assert.deepEqual(await send('GET', '/-/ready'), { status: 200, text: 'OK' });
  await push('PUT', '/metrics/job/a', 'x 1\n');
  assert.equal((await send('PUT', '/api/v1/admin/wipe')).status, 404);
  assert.equal((await page()).length, 1);
  assert.equal((await send('PUT', '/admin/api/v1/admin/wipe')).status, 202);
  assert.equal((await page()).length, 0);
  sink.failure = new OverloadedError('full', 2000);
  assert.equal((await send('GET', '/-/ready')).status, 503);
  assert.equal((await send('PUT', '/metrics/job/a', 'x 1\n')).status, 503);
});

test('tenants do not see each other', async () => {
  await push('PUT', '/metrics/job/a', 'x 1\n', { 'x-scope-orgid': 'team' });
  assert.deepEqual(await page(), []);
});

test('pushes at once to one group are all taken; another process in between is noticed', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, i) => push('POST', '/metrics/job/a', `x${i} ${i}\n`)));
  assert.equal((await page()).length, 20);
  const other = openGateway();
  const labels = (await gateway.groups('default'))[0]?.labels;
  assert.ok(labels);
  store.intruder = () => other.push('default', labels, { families: [], problem: undefined }, true);
  await push('POST', '/metrics/job/a', 'mine 1\n');
  assert.deepEqual(await page(), ['mine{instance="",job="a"} 1']);
});

test('a view on the groups of other processes is renewed when it is old', async () => {
  gateway = openGateway(60_000);
  const other = openGateway();
  assert.deepEqual(await page(), []);
  const { Labels } = await import('../../src/model/labels.ts');
  await other.push('default', Labels.from({ job: 'b' }), { families: [], problem: undefined }, true);
  assert.equal((await gateway.groups('default')).length, 0);
  nowMs += 60_000;
  assert.equal((await gateway.groups('default')).length, 1);
});

test('no more groups than the limit', async () => {
  gateway = openGateway(undefined, 2);
  await push('PUT', '/metrics/job/a', 'x 1\n');
  await push('PUT', '/metrics/job/b', 'x 1\n');
  const { status, text } = await send('PUT', '/metrics/job/c', 'x 1\n');
  assert.equal(status, 413);
  assert.match(text, /pushgateway\.max-groups/);
  await push('PUT', '/metrics/job/b', 'x 2\n');
});
