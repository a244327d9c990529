import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '../../ui/src/traces/model.ts';
import { buildTree } from '../../ui/src/traces/tree.ts';
import {
  collapsedBelow,
  nextOf,
  parseDurationNs,
  positionOf,
  revealed,
  searchSpans,
  visibleRows,
} from '../../ui/src/traces/visible-rows.ts';
import { idOf, span, spans } from './fixture.ts';

const tree = buildTree(
  spans(
    { id: 'a', at: [0, 100] },
    { id: 'b', parent: 'a', at: [1, 50] },
    { id: 'c', parent: 'b', at: [2, 20] },
    { id: 'd', parent: 'b', at: [21, 30] },
    { id: 'e', parent: 'a', at: [51, 60] },
    { id: 'z', parent: 'gone', at: [70, 80] },
  ),
);
const rowOf = (id: string): number => tree.spans.findIndex((s) => idOf(s) === id);
const shown = (collapsed: string[]): string =>
  [...visibleRows(tree, new Set(collapsed.map(rowOf)))].map((row) => idOf(tree.spans[row]!)).join('');

const collapsing: [closed: string[], want: string][] = [
  [[], 'abcdez'],
  [['b'], 'abez'],
  [['a'], 'az'],
  [['a', 'b'], 'az'],
  [['c'], 'abcdez'],
];
for (const [closed, want] of collapsing)
  test(`rows with ${closed.join(',') || 'nothing'} closed: ${want}`, () => {
    assert.equal(shown(closed), want);
  });

test('levels', () => {
  assert.deepEqual([...collapsedBelow(tree, 2)], [rowOf('b')]);
  assert.deepEqual([...collapsedBelow(tree, 1)], [rowOf('a')]);
});

test('revealing opens all ancestors, and changes nothing when they are open', () => {
  const closed = new Set([rowOf('a'), rowOf('b')]);
  assert.equal(revealed(tree, closed, rowOf('d')).size, 0);
  assert.equal(revealed(tree, closed, rowOf('a')), closed);
});

test('position in the visible rows', () => {
  const rows = visibleRows(tree, new Set([rowOf('b')]));
  assert.equal(positionOf(rows, rowOf('e')), 2);
  assert.equal(positionOf(rows, rowOf('c')), -1);
});

const steps: [from: number, step: 1 | -1, want: number][] = [
  [-1, 1, 2],
  [2, 1, 5],
  [9, 1, 2],
  [5, -1, 2],
  [2, -1, 9],
];
for (const [from, step, want] of steps)
  test(`next of 2,5,9 from ${from} by ${step} is ${want}`, () => {
    assert.equal(nextOf([2, 5, 9], from, step), want);
  });
test('next of none', () => {
  assert.equal(nextOf([], 3, 1), -1);
});

const withEvent: Span = {
  ...span({ id: 'p', at: [0, 250], service: 'payments', kind: 'client', status: 'error' }),
  statusMessage: 'card declined',
  events: [{ timeNs: 1n, name: 'exception', attributes: [], droppedAttributes: 0 }],
};
const searchable = buildTree([
  withEvent,
  ...spans(
    {
      id: 'q',
      at: [1, 20],
      service: 'orders',
      name: 'SELECT orders',
      attributes: { 'http.status_code': 503, 'db.statement': 'SELECT * FROM Orders' },
    },
    { id: 'r', at: [2, 3], service: 'orders', name: 'GET /cart/{id}', kind: 'server' },
  ),
]);
const searches: [query: string, want: string][] = [
  ['', ''],
  ['   ', ''],
  ['orders', 'qr'],
  ['ORDERS select', 'q'],
  ['"from orders"', 'q'],
  ['declined', 'p'],
  ['exception', 'p'],
  ['error', 'p'],
  ['service=payments', 'p'],
  ['service!=payments', 'qr'],
  ['kind=server', 'r'],
  ['status=error', 'p'],
  ['http.status_code=503', 'q'],
  ['span.http.status_code>=500', 'q'],
  ['http.status_code<500', ''],
  ['duration>100ms', 'p'],
  ['duration<=19ms', 'qr'],
  ['/cart/', 'r'],
  ['{id}', 'r'],
  ['nothing-like-it', ''],
];
for (const [query, want] of searches)
  test(`search ${JSON.stringify(query)}`, () => {
    assert.equal(
      searchSpans(searchable, query)
        .map((row) => idOf(searchable.spans[row]!))
        .join(''),
      want,
    );
  });

const durations: [text: string, ns: number | null][] = [
  ['1ns', 1],
  ['1.5s', 1.5e9],
  ['1m30s', 90e9],
  ['250ms', 250e6],
  ['2us', 2000],
  ['2µs', 2000],
  ['5', null],
  ['', null],
  ['ms', null],
];
for (const [text, ns] of durations)
  test(`duration ${JSON.stringify(text)}`, () => {
    assert.equal(parseDurationNs(text), ns);
  });
