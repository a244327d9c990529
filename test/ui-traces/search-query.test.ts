import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  EMPTY_FORM,
  fromTraceql,
  OPERATORS,
  type SearchForm,
  toTraceql,
} from '../../ui/src/traces/search-query.ts';

/** Form -> query, and the same form read back from it. */
const both: [form: Partial<SearchForm>, query: string][] = [
  [{}, '{}'],
  [{ service: 'storefront' }, '{ resource.service.name = "storefront" }'],
  [{ name: 'GET /product/{id}' }, '{ name = "GET /product/{id}" }'],
  [{ name: 'a "quoted" \\ name' }, '{ name = "a \\"quoted\\" \\\\ name" }'],
  [{ name: 'a && b' }, '{ name = "a && b" }'],
  [{ status: 'error', minDuration: '100ms' }, '{ status = error && duration >= 100ms }'],
  [{ minDuration: '1m30s', maxDuration: '2h' }, '{ duration >= 1m30s && duration <= 2h }'],
  [{ tags: [{ key: 'http.route', operator: '=', value: '/cart' }] }, '{ .http.route = "/cart" }'],
  [
    { tags: [{ key: 'span.http.response.status_code', operator: '>=', value: '500' }] },
    '{ span.http.response.status_code >= 500 }',
  ],
  [{ tags: [{ key: 'span.n', operator: '=', value: '"500"' }] }, '{ span.n = "500" }'],
  [{ tags: [{ key: 'span.on', operator: '!=', value: 'true' }] }, '{ span.on != true }'],
  [{ tags: [{ key: 'span.re', operator: '=~', value: '5..' }] }, '{ span.re =~ "5.." }'],
  [{ tags: [{ key: 'span.re', operator: '!~', value: '42' }] }, '{ span.re !~ "42" }'],
  [{ tags: [{ key: 'traceDuration', operator: '>', value: '1.5s' }] }, '{ traceDuration > 1.5s }'],
  [{ tags: [{ key: 'span.empty', operator: '=', value: '' }] }, '{ span.empty = "" }'],
  [
    {
      service: 'größen-berater',
      name: 'x',
      status: 'ok',
      tags: [
        { key: 'resource.k8s.pod.name', operator: '=', value: 'p-1' },
        { key: 'span:id', operator: '=', value: 'ab' },
      ],
    },
    '{ resource.service.name = "größen-berater" && name = "x" && status = ok && resource.k8s.pod.name = "p-1" && span:id = "ab" }',
  ],
];
for (const [form, query] of both)
  test(`form <-> ${query}`, () => {
    assert.equal(toTraceql({ ...EMPTY_FORM, ...form }), query);
    assert.deepEqual(fromTraceql(query), { ...EMPTY_FORM, ...form });
  });

const written: [form: Partial<SearchForm>, query: string][] = [
  [{ minDuration: 'soon', maxDuration: '5' }, '{}'],
  [{ tags: [{ key: ' ', operator: '=', value: 'x' }] }, '{}'],
  [{ tags: [{ key: 'my key', operator: '=', value: 'x' }] }, '{ ."my key" = "x" }'],
  [{ tags: [{ key: 'span.my key', operator: '=', value: 'x' }] }, '{ span."my key" = "x" }'],
];
for (const [form, query] of written)
  test(`form -> ${query} of ${JSON.stringify(form)}`, () => {
    assert.equal(toTraceql({ ...EMPTY_FORM, ...form }), query);
  });

const richer = [
  '{ status = error } | count() > 3',
  '{ status = error } >> { name = "x" }',
  '{ name = "a" || name = "b" }',
  '{ (name = "a") }',
  '{ span.a = span.b }',
  '{ span."my key" = "x" }',
  '{ duration > 2 * 1s }',
  '{ name = "a" && }',
  'rubbish',
  '{ name = nil }',
];
for (const query of richer)
  test(`the form cannot say ${query}`, () => {
    assert.equal(fromTraceql(query), null);
  });

const equal: [query: string, same: string][] = [
  ['', '{}'],
  ['{true}', '{}'],
  ['{name="x"&&status=error}', '{ name = "x" && status = error }'],
  ['  { .a=1 }  ', '{ .a = 1 }'],
];
for (const [query, same] of equal)
  test(`${JSON.stringify(query)} is ${same}`, () => {
    assert.equal(toTraceql(fromTraceql(query)!), same);
  });

test('any form survives: written, read and written again it is the same', () => {
  const seed = Number(process.env.SEED ?? 11);
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const texts = [
    'x',
    'a b',
    '"',
    '\\',
    'true',
    '7',
    '1s',
    '',
    'a && b',
    '{}',
    'ü\n',
    '-1.5',
    '"q"',
    '"q',
    '|',
  ];
  const pick = <T>(list: readonly T[]): T => list[next(list.length)]!;
  for (let round = 0; round < 3000; round++) {
    const form: SearchForm = {
      service: pick(texts),
      name: pick(texts),
      status: pick(['', 'error', 'ok', 'unset'] as const),
      minDuration: pick(['', '1s', 'x']),
      maxDuration: pick(['', '2m']),
      tags: Array.from({ length: next(3) }, () => ({
        key: pick(['a', 'span.b.c', 'resource.d', '.e', 'kind', 'f-g/h']),
        operator: pick(OPERATORS),
        value: pick(texts),
      })),
    };
    const query = toTraceql(form);
    const read = fromTraceql(query);
    assert.ok(read !== null, `SEED=${seed} ${query}`);
    assert.equal(toTraceql(read), query, `SEED=${seed}`);
  }
});
