/** SQL values: what can be interpolated, how values travel, and that no query forgets its tenant. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ttlClause } from '../../src/storage/retention.ts';
import { bind, join, render, type Sql, sql, TENANT, table, tenantOf } from '../../src/storage/sql.ts';

test('values become parameters, tables constants, the tenant a predicate', () => {
  const where = join([sql`metric = ${bind.string('a\tb')}`, sql`ts > ${bind.int64(-5)}`], ' AND ');
  const { text, params } = render(sql`SELECT 1 FROM ${table.samples} WHERE ${TENANT} AND ${where}`, "t'\\");
  assert.equal(
    text,
    'SELECT 1 FROM samples WHERE tenant = {tenant:String} AND metric = {p0:String} AND ts > {p1:Int64}',
  );
  assert.deepEqual(
    [...params].map(([name, value]) => [name, value.type, value.text]),
    [
      ['p0', 'String', 'a\\tb'],
      ['p1', 'Int64', '-5'],
      ['tenant', 'String', "t'\\\\"],
    ],
  );
});

const texts: [string, Sql, string][] = [
  ['strings', bind.strings(["a'b", '\\', '']), "['a\\'b','\\\\','']"],
  ['large ids', bind.uint64s(BigUint64Array.of(2n ** 64n - 1n)), '[18446744073709551615]'],
  ['floats', bind.float64s([1e21, Number.NaN, -Infinity]), '[1e+21,nan,-inf]'],
];
for (const [what, fragment, want] of texts)
  test(`bound ${what}`, () => {
    assert.equal(render(fragment, undefined).params.get('p0')?.text, want);
  });

describe('refused', () => {
  const cases: [string, () => unknown, RegExp][] = [
    ['a plain string', () => sql`SELECT ${'1; DROP TABLE x' as unknown as Sql}`, /only Sql fragments/],
    ['a table by its bare name', () => sql`SELECT * FROM samples`, /write tables as/],
    ['a table by its full name', () => sql`SELECT * FROM trivium.spans`, /write tables as/],
    ['a join with a bare name', () => sql`SELECT * FROM x JOIN \`series\` USING id`, /write tables as/],
    ['no tenant', () => render(sql`SELECT * FROM ${table.spans}`, 't'), /needs its/],
    [
      'a subquery without tenant',
      () =>
        render(
          sql`SELECT * FROM ${table.samples} WHERE ${TENANT} AND id IN (SELECT id FROM ${table.series})`,
          't',
        ),
      /needs its/,
    ],
    [
      'a tenant predicate without scope',
      () => render(sql`SELECT * FROM ${table.spans} WHERE ${TENANT}`, undefined),
      /scoped/,
    ],
    ['an alias that is no name', () => tenantOf('a; --'), /alias/],
    ['a number that is no integer', () => render(bind.int64(1.5), undefined), /safe integer/],
    ['a number that is too large', () => render(bind.uint64(2 ** 53), undefined), /safe integer/],
  ];
  for (const [what, act, message] of cases) test(what, () => assert.throws(act, message));
});

test('TTL: one rule per period, exceptions excluded from the default, names quoted', () => {
  const hour = 3_600_000;
  const at = "toDateTime(least(greatest(intDiv(ts, 1000), 0), 4102444800), 'UTC')";
  assert.equal(
    ttlClause('samples', {
      default: { metrics: 10 * hour, logs: 'none', traces: 'none' },
      tenants: {
        b: { metrics: hour },
        "a'\\": { metrics: hour },
        keep: { metrics: 'none' },
        same: { metrics: 10 * hour },
        other: { logs: hour },
      },
    }),
    `${at} + toIntervalSecond(3600) DELETE WHERE tenant IN ('a\\'\\\\', 'b'), ` +
      `${at} + toIntervalSecond(36000) DELETE WHERE tenant NOT IN ('a\\'\\\\', 'b', 'keep')`,
  );
  assert.equal(ttlClause('samples', { default: { metrics: 'none', logs: hour, traces: hour } }), '');
  assert.throws(
    () => ttlClause('samples', { default: { metrics: 5, logs: 'none', traces: 'none' } }),
    RangeError,
  );
});
