import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attribute, Span } from '../../ui/src/traces/model.ts';
import {
  fullName,
  jobOf,
  operationMetrics,
  sameAttributeQuery,
  similarSpansQuery,
  spanGist,
} from '../../ui/src/traces/span-metrics.ts';
import { type Given, span } from './fixture.ts';

const of = (given: Partial<Given>): Span => span({ id: 's', at: [0, 1], service: 'shop', ...given });

const rates: [given: Partial<Given>, rate: string | null][] = [
  [
    { kind: 'server', attributes: { 'http.request.method': 'GET', 'http.route': '/cart/{id}' } },
    'sum(rate(http_server_request_duration_seconds_count{job="shop", http_route="/cart/{id}", http_request_method="GET"}[5m]))',
  ],
  [
    { kind: 'server', attributes: { 'http.method': 'GET' } },
    'sum(rate(http_server_request_duration_seconds_count{job="shop", http_request_method="GET"}[5m]))',
  ],
  [
    { kind: 'client', attributes: { 'http.request.method': 'POST', 'server.address': 'stock' } },
    'sum(rate(http_client_request_duration_seconds_count{job="shop", server_address="stock", http_request_method="POST"}[5m]))',
  ],
  [
    { kind: 'client', attributes: { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT' } },
    'sum(rate(db_client_operation_duration_seconds_count{job="shop", db_operation_name="SELECT"}[5m]))',
  ],
  [
    { kind: 'consumer', attributes: { 'messaging.destination.name': 'orders' } },
    'sum(rate(messaging_process_duration_seconds_count{job="shop", messaging_destination_name="orders"}[5m]))',
  ],
  [{ kind: 'internal' }, null],
];
for (const [given, rate] of rates)
  test(`metrics of ${given.kind} ${JSON.stringify(given.attributes ?? {})}`, () => {
    assert.equal(operationMetrics(of(given))?.rate ?? null, rate);
  });

test('the duration is a quantile over the buckets', () => {
  assert.equal(
    operationMetrics(of({ kind: 'server', attributes: { 'http.route': '/a"b' } }))?.quantile,
    'histogram_quantile(0.95, sum by (le) (rate(http_server_request_duration_seconds_bucket{job="shop", http_route="/a\\"b"}[5m])))',
  );
});

test('job has the namespace before the name', () => {
  const attributes: Attribute[] = [{ key: 'service.namespace', value: { type: 'string', value: 'eu' } }];
  const base = of({});
  assert.equal(jobOf(base), 'shop');
  assert.equal(jobOf({ ...base, resource: { service: 'shop', attributes } }), 'eu/shop');
});

test('similar spans', () => {
  assert.equal(
    similarSpansQuery(of({ name: 'GET "/"' })),
    '{ resource.service.name = "shop" && name = "GET \\"/\\"" }',
  );
});

const same: [attribute: Attribute, query: string | null][] = [
  [{ key: 'http.route', value: { type: 'string', value: '/a' } }, '{ span.http.route = "/a" }'],
  [{ key: 'code', value: { type: 'int', value: 503n } }, '{ span.code = 503 }'],
  [{ key: 'ratio', value: { type: 'double', value: 5 } }, '{ span.ratio = 5.0 }'],
  [{ key: 'ratio', value: { type: 'double', value: Number.NaN } }, null],
  [{ key: 'on', value: { type: 'bool', value: true } }, '{ span.on = true }'],
  [{ key: 'my key', value: { type: 'string', value: 'x' } }, '{ span."my key" = "x" }'],
  [{ key: 'list', value: { type: 'array', value: [] } }, null],
];
for (const [a, query] of same)
  test(`search for ${a.key} of type ${a.value.type}`, () => {
    assert.equal(sameAttributeQuery('span', a), query);
  });

const gists: [attributes: Record<string, string | number>, gist: string][] = [
  [
    { 'http.request.method': 'GET', 'http.route': '/cart', 'http.response.status_code': 503 },
    'GET /cart 503',
  ],
  [{ 'db.statement': 'SELECT *\n  FROM t', 'db.system': 'x' }, 'SELECT * FROM t'],
  [{ 'http.method': 'GET', 'http.url': 'https://stock:8080/items?sku=7' }, 'GET /items'],
  [{ 'messaging.destination.name': 'orders' }, 'orders'],
  [{}, ''],
];
for (const [attributes, gist] of gists)
  test(`gist ${JSON.stringify(gist)}`, () => {
    assert.equal(spanGist(of({ attributes })), gist);
  });

const names: [name: string, attributes: Record<string, string>, full: string][] = [
  ['POST', { 'http.request.method': 'POST', 'url.path': '/v1/charges' }, 'POST /v1/charges'],
  ['SELECT', { 'db.statement': 'SELECT * FROM t' }, 'SELECT * FROM t'],
  ['charge', { 'http.request.method': 'POST', 'url.path': '/v1/charges' }, 'charge'],
  ['GET /cart', { 'http.request.method': 'GET', 'http.route': '/cart' }, 'GET /cart'],
  ['work', {}, 'work'],
];
for (const [name, attributes, full] of names)
  test(`${name} in full is ${full}`, () => {
    assert.equal(fullName(of({ name, attributes })), full);
  });
