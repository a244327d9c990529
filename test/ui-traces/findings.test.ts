import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  callOperation,
  callTarget,
  collectFindings,
  findRepeatedCalls,
  mapErrors,
  repeatedCallsText,
} from '../../ui/src/traces/findings.ts';
import { buildTree } from '../../ui/src/traces/tree.ts';
import { type Given, idOf, span, spans } from './fixture.ts';

test('errors: counted below, origins are those with none below', () => {
  const tree = buildTree(
    spans(
      { id: 'a', at: [0, 100], status: 'error' },
      { id: 'b', parent: 'a', at: [10, 90], status: 'error' },
      { id: 'c', parent: 'b', at: [20, 80] },
      { id: 'd', parent: 'c', at: [30, 70], status: 'error' },
      { id: 'e', parent: 'a', at: [91, 95] },
      { id: 'f', parent: 'a', at: [40, 60], status: 'error' },
    ),
  );
  const errors = mapErrors(tree);
  const names = (rows: readonly number[]): string[] => rows.map((r) => idOf(tree.spans[r]!));
  assert.deepEqual(names(errors.rows), ['a', 'b', 'd', 'f']);
  assert.deepEqual(names(errors.origins), ['f', 'd'], 'the first to end first');
  assert.deepEqual(Object.fromEntries(tree.spans.map((s, row) => [idOf(s), errors.below[row]])), {
    a: 3,
    b: 1,
    c: 1,
    d: 0,
    e: 0,
    f: 0,
  });
});

/** `n` calls of 2 ms, `every` ms apart, below span a. */
function calls(n: number, every: number, more: (i: number) => Partial<Given>): Given[] {
  const list: Given[] = [{ id: 'a', at: [0, 1000], kind: 'server' }];
  for (let i = 0; i < n; i++)
    list.push({ id: `c${i}`, parent: 'a', at: [i * every, i * every + 2], kind: 'client', ...more(i) });
  return list;
}

const select = (i: number): Partial<Given> => ({
  name: 'pg.query',
  attributes: { 'db.system': 'postgresql', 'db.statement': `SELECT qty FROM inventory WHERE id = ${i}` },
});

const repeated: [name: string, given: Given[], want: string[]][] = [
  ['statements that differ in literals', calls(53, 3, select), ['53 sequential SELECT on inventory']],
  [
    'stable conventions',
    calls(6, 3, () => ({
      name: 'SELECT users',
      attributes: { 'db.system.name': 'mysql', 'db.operation.name': 'SELECT', 'db.collection.name': 'users' },
    })),
    ['6 sequential SELECT on users'],
  ],
  [
    'HTTP calls to one service',
    calls(9, 3, () => ({
      name: 'GET',
      attributes: { 'http.request.method': 'GET', 'server.address': 'stock' },
    })),
    ['9 sequential GET on stock'],
  ],
  ['parallel fan-out is not meant', calls(40, 0, select), []],
  [
    'starts cut to the millisecond',
    // 2.7 ms each, 2.75 ms apart: as drawn, most overlap the one before.
    calls(20, 2.75, (i) => ({ ...select(i), at: [i * 2.75, i * 2.75 + 2.7], coarse: true })),
    ['20 sequential SELECT on inventory'],
  ],
  [
    'parallel, starts cut to the millisecond',
    calls(40, 0.1, (i) => ({ ...select(i), at: [i * 0.01, i * 0.01 + 2.7], coarse: true })),
    [],
  ],
  ['too few', calls(4, 3, select), []],
  [
    'different statements',
    calls(8, 3, (i) => ({
      name: 'pg.query',
      attributes: { 'db.system': 'postgresql', 'db.statement': `SELECT * FROM t${'abcdefgh'[i]}` },
    })),
    [],
  ],
  [
    'different targets',
    calls(8, 3, (i) => ({ name: 'GET', attributes: { 'server.address': `h${i % 4}` } })),
    [],
  ],
  ['work inside the process', calls(30, 3, () => ({ kind: 'internal', name: 'render' })), []],
  [
    'through the body of a loop',
    [
      { id: 'a', at: [0, 1000], kind: 'server' },
      ...Array.from({ length: 7 }, (_, i): Given[] => [
        { id: `b${i}`, parent: 'a', at: [i * 10, i * 10 + 8], name: 'price item' },
        { id: `q${i}`, parent: `b${i}`, at: [i * 10 + 1, i * 10 + 5], kind: 'client', ...select(i) },
      ]).flat(),
    ],
    ['7 sequential SELECT on inventory'],
  ],
];
for (const [name, given, want] of repeated)
  test(`repeated calls: ${name}`, () => {
    assert.deepEqual(findRepeatedCalls(buildTree(spans(...given))).map(repeatedCallsText), want);
  });

const named: [attributes: Record<string, string>, operation: string, target: string][] = [
  [{ 'db.statement': "update Orders set state = 'paid'" }, 'UPDATE', 'Orders'],
  [{ 'db.statement': 'INSERT INTO "order_lines" VALUES (1)' }, 'INSERT', 'order_lines'],
  [{ 'db.operation': 'HGET', 'db.system': 'redis' }, 'HGET', 'redis'],
  [{ 'db.query.text': 'PING', 'db.namespace': 'cache' }, 'PING', 'cache'],
  [{ 'http.method': 'POST', 'peer.service': 'tax' }, 'POST', 'tax'],
  [{ 'messaging.destination.name': 'orders' }, 'x', 'orders'],
  [{}, 'x', ''],
];
for (const [attributes, operation, target] of named)
  test(`call of ${JSON.stringify(attributes)}`, () => {
    const s = span({ id: 'x', at: [0, 1], attributes });
    assert.equal(callOperation(s), operation);
    assert.equal(callTarget(s), target);
  });

test('findings: what matters first', () => {
  const given: Given[] = [
    ...calls(6, 3, select),
    { id: 'bad', parent: 'a', at: [30, 31], status: 'error' },
    { id: 'o', parent: 'gone', at: [500, 501] },
  ];
  const tree = buildTree(spans(...given));
  assert.deepEqual(
    collectFindings(tree, mapErrors(tree)).map((f) => f.kind),
    ['error', 'repeated', 'gap', 'orphans'],
  );
});

test('findings: nothing to say about a plain trace', () => {
  const tree = buildTree(spans({ id: 'a', at: [0, 10] }, { id: 'b', parent: 'a', at: [0.2, 9.9] }));
  assert.deepEqual(collectFindings(tree, mapErrors(tree)), []);
});
