/** The table of services, the snippets for senders, error texts and links. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorMessage, toSearchParams } from '../../ui/src/api/http.ts';
import { anyValueText, fullTraceId, type TraceMetricsSeries } from '../../ui/src/api/tempo.ts';
import { exploreHref, keepTime, quoteLiteral, traceHref } from '../../ui/src/app/links.ts';
import { matchScore, paletteEntries, traceIdIn } from '../../ui/src/app/palette-entries.ts';
import { jobOf, latencyQuery, latencySource } from '../../ui/src/home/latency.ts';
import { serviceRows, sparklinePath } from '../../ui/src/home/services.ts';
import { onlyLocal, reachable, snippets } from '../../ui/src/home/snippets.ts';

const series = (name: string, values: number[]): TraceMetricsSeries => ({
  labels: [{ key: 'resource.service.name', value: { stringValue: name } }],
  samples: values.map((value, i) => ({ timestampMs: String(i * 1000), value })),
});

test('services: rate, error share and p95 from three answers', () => {
  const rows = serviceRows({
    rates: [series('cart', [0, 4, 4, 1]), series('shop', [10, 10, 10, 3]), series('nil', [1, 1])],
    errors: [series('cart', [0, 1, 0, 0])],
    p95: [series('shop', [0.2, 0.3, 0]), series('cart', [0.1])],
    logs: { shop: 2, cron: 1 },
  });
  assert.deepEqual(
    rows.map((row) => [row.name, row.rate, row.errorRatio, row.p95Seconds, row.logRate]),
    [
      ['shop', 10, 0, 0.3, 2],
      ['cart', 4, 1 / 9, 0.1, null],
      ['cron', null, null, null, 1],
    ],
  );
  assert.deepEqual(
    rows[1]?.rates,
    [null, 4, 4],
    'not there before its first request, the unfinished interval left out',
  );
});

test('services: an answer that failed leaves a hole, not a zero', () => {
  const [row] = serviceRows({
    rates: [series('a', [1, 1])],
    errors: undefined,
    p95: undefined,
    logs: undefined,
  });
  assert.deepEqual([row?.errorRatio, row?.p95Seconds, row?.logRate], [null, null, null]);
});

test('sparklines break at gaps', () => {
  assert.equal(sparklinePath([0, 2, null, 1], 30, 12), 'M0.0 11.0L10.0 1.0M30.0 6.0');
  assert.equal(sparklinePath([0, 0], 30, 12), '');
  assert.equal(sparklinePath([], 30, 12), '');
});

test('addresses as a sender reaches them', () => {
  const at = (address: string) => [{ name: 'otlp-http', address }];
  assert.equal(reachable(at('127.0.0.1:4318'), 'otlp-http', 'box'), '127.0.0.1:4318');
  assert.equal(reachable(at('0.0.0.0:4399'), 'otlp-http', 'box'), 'box:4399');
  assert.equal(reachable(at('[::]:4318'), 'otlp-http', 'box'), 'box:4318');
  assert.equal(reachable(at('http://10.0.0.1:1/'), 'otlp-http', 'box'), '10.0.0.1:1');
  assert.equal(reachable(at('127.0.0.1:4318'), 'loki', 'box'), null, 'off');
  assert.equal(reachable([], 'loki', 'box'), 'box:3100', 'status unknown: the default');
  assert.equal(onlyLocal(at('127.0.0.1:4318')), true);
  assert.equal(onlyLocal(at('0.0.0.0:4318')), false);
});

test('snippets name the real ports, and the prefix where a listener is off', () => {
  const listeners = [
    { name: 'http', address: '127.0.0.1:3001' },
    { name: 'otlp-http', address: '127.0.0.1:5318' },
  ];
  const all = snippets(listeners, 'box', 'http://box:3001');
  const text = (id: string) => all.find((one) => one.id === id)?.text ?? '';
  assert.match(text('node'), /OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/127\.0\.0\.1:5318\n/);
  assert.match(text('collector'), /otlphttp\/trivium:\n {4}endpoint: http:\/\/127\.0\.0\.1:5318\n/);
  assert.match(text('remote-write'), /url: http:\/\/box:3001\/prometheus\/api\/v1\/write/);
  assert.match(text('promtail'), /url: http:\/\/box:3001\/loki\/loki\/api\/v1\/push/);
});

test('error texts of the dialects', () => {
  const cases: [string, number, string][] = [
    ['{"status":"error","errorType":"bad_data","error":"1:1: parse error: x"}', 400, '1:1: parse error: x'],
    ['parse error at line 1, col 2: x\n', 400, 'parse error at line 1, col 2: x'],
    ['{"code":13,"message":"gone"}', 500, 'gone'],
    ['{"odd":1}', 500, '{"odd":1}'],
    ['', 502, 'The server answered with status 502.'],
    ['<!DOCTYPE html><p>x', 404, 'The server answered with status 404.'],
  ];
  for (const [body, status, want] of cases) assert.equal(errorMessage(body, status), want);
});

test('parameters and links', () => {
  assert.equal(
    toSearchParams({ a: 1, b: undefined, 'match[]': ['x', 'y'] }).toString(),
    'a=1&match%5B%5D=x&match%5B%5D=y',
  );
  assert.equal(
    exploreHref({ lang: 'logql', q: '{a="b"}', from: 'now-1h' }),
    '/explore?lang=logql&q=%7Ba%3D%22b%22%7D&from=now-1h',
  );
  assert.equal(traceHref('ab', { spanId: 'cd' }), '/trace/ab?span=cd');
  assert.equal(keepTime('/status', '?q=x&from=now-3h&to=now'), '/status?from=now-3h&to=now');
  assert.equal(quoteLiteral('a"b\\c\nd'), '"a\\"b\\\\c\\nd"');
});

test('values of attributes', () => {
  assert.equal(anyValueText({ intValue: '5' }), '5');
  assert.equal(anyValueText({ boolValue: false }), 'false');
  assert.equal(
    anyValueText({ arrayValue: { values: [{ stringValue: 'a' }, { doubleValue: 1.5 }] } }),
    '[a, 1.5]',
  );
  assert.equal(anyValueText(undefined), '');
  assert.equal(fullTraceId('AB'), `${'0'.repeat(30)}ab`);
});

test('durations: the best metric that is there, and the queries over it', () => {
  const sample = (name: string, job: string) => ({ metric: { __name__: name, job } });
  assert.equal(latencySource([]), null);
  const source = latencySource([
    sample('http_server_duration_milliseconds_bucket', 'old'),
    sample('http_server_request_duration_seconds_bucket', 'shop/cart'),
    sample('http_server_request_duration_seconds_bucket', 'orders'),
  ]);
  assert.deepEqual(source, {
    metric: 'http_server_request_duration_seconds_bucket',
    classic: true,
    jobs: ['orders', 'shop/cart'],
  });
  assert.ok(source);
  assert.equal(jobOf(source, 'cart'), 'shop/cart');
  assert.equal(jobOf(source, 'art'), undefined);
  assert.equal(
    latencyQuery(source, 'shop/cart'),
    'histogram_quantile(0.95, sum by (le, http_route) (rate(http_server_request_duration_seconds_bucket{job="shop/cart"}[$__rate_interval])))',
  );
  const native = latencySource([sample('http_server_request_duration_seconds', 'a')]);
  assert.ok(native);
  assert.equal(
    latencyQuery(native),
    'histogram_quantile(0.95, sum by (job) (rate(http_server_request_duration_seconds[$__rate_interval])))',
  );
});

test('the palette: trace ids as people copy them', () => {
  const id = '4bf92f3577b34da6a3ce929d0e0e4736';
  const cases: [string, string | null][] = [
    [` ${id.toUpperCase()} `, id],
    ['4bf92f35-77b3-4da6-a3ce-929d0e0e4736', id],
    [`00-${id}-00f067aa0ba902b7-01`, id],
    ['00f067aa0ba902b7', '00f067aa0ba902b7'],
    ['cafe', null],
    ['checkout', null],
  ];
  for (const [text, want] of cases) assert.equal(traceIdIn(text), want, text);
  assert.equal(paletteEntries(id, [], {})[0]?.href, `/trace/${id}`);
});

test('the palette: letters in order find an entry, whole words come first', () => {
  assert.equal(matchScore('Explore logs', 'logs'), 8);
  assert.equal(matchScore('Explore logs', 'xyz'), null);
  assert.ok((matchScore('Explore logs', 'elg') ?? 0) >= 100);
  const labels = paletteEntries('cart lo', ['cart', 'catalog'], {}).map(
    (entry) => `${entry.label} ${entry.detail}`,
  );
  assert.equal(labels[0], 'cart logs');
  assert.equal(paletteEntries('zzz', ['cart'], {}).length, 0);
  assert.ok(
    paletteEntries(
      '',
      Array.from({ length: 50 }, (_, i) => `s${i}`),
      {},
    ).length <= 12,
  );
});
