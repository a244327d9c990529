import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scatterColumns, sortRows, toRows } from '../../ui/src/traces/search-results.ts';

const rows = toRows([
  {
    traceID: 'ff00FF00ff00ff00ff00ff00ff00ff',
    rootServiceName: 'shop',
    rootTraceName: 'GET /',
    startTimeUnixNano: '1795181401368821986',
    durationMs: 30,
    spanSets: [
      { matched: 3, spans: [{ spanID: '014c0f9afe4b9b9e', startTimeUnixNano: '1', durationNanos: '1' }] },
      { matched: 2 },
    ],
    serviceStats: { stock: { spanCount: 2 }, shop: { spanCount: 5, errorCount: 1 } },
  },
  { traceID: 'ab', startTimeUnixNano: '1795181402000000000', spanSet: { matched: 1 } },
  { traceID: 'cd', startTimeUnixNano: '1795181400000000000', durationMs: 900 },
]);

test('rows: ids padded, sums over span sets and services', () => {
  assert.deepEqual(rows[0], {
    traceId: '00ff00ff00ff00ff00ff00ff00ff00ff',
    service: 'shop',
    name: 'GET /',
    startMs: 1795181401368.821,
    durationMs: 30,
    matched: 5,
    firstSpanId: '014c0f9afe4b9b9e',
    services: [
      { service: 'shop', spans: 5, errors: 1 },
      { service: 'stock', spans: 2, errors: 0 },
    ],
    spans: 7,
    errors: 1,
  });
  assert.equal(rows[1]!.matched, 1);
  assert.equal(rows[2]!.matched, 0);
});

const order = (by: Parameters<typeof sortRows>[1]): string =>
  sortRows(rows, by)
    .map((r) => r.traceId.slice(-2))
    .join(' ');
const orders: [by: Parameters<typeof sortRows>[1], want: string][] = [
  ['start', 'ab ff cd'],
  ['duration', 'cd ff ab'],
  ['spans', 'ff ab cd'],
  ['errors', 'ff ab cd'],
];
for (const [by, want] of orders)
  test(`sorted by ${by}`, () => {
    assert.equal(order(by), want);
  });

test('scatter: ascending in time, failed apart, nothing at or below zero', () => {
  const columns = scatterColumns(rows);
  assert.deepEqual(columns.x, [1795181400, 1795181401.3688211, 1795181402]);
  assert.deepEqual(columns.fine, [900, null, 0.5]);
  assert.deepEqual(columns.failed, [null, 30, null]);
});
