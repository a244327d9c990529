import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '../../ui/src/traces/model.ts';
import {
  ancestorsOf,
  buildTree,
  CYCLE,
  childrenOf,
  DUPLICATE_ID,
  NO_START,
  ORPHAN,
  SHARED_ID,
  SKEWED,
  type TraceTree,
} from '../../ui/src/traces/tree.ts';
import { type Given, idOf, MS, span, spans } from './fixture.ts';

const FLAGS: [number, string][] = [
  [ORPHAN, 'orphan'],
  [CYCLE, 'cycle'],
  [SKEWED, 'skewed'],
  [SHARED_ID, 'shared'],
  [DUPLICATE_ID, 'duplicate'],
  [NO_START, 'no start'],
];

/** One line per row: two spaces of depth, id, flags. */
function print(tree: TraceTree): string[] {
  return tree.spans.map((s, row) => {
    const flags = FLAGS.filter(([bit]) => (tree.flags[row]! & bit) !== 0).map(([, name]) => `!${name}`);
    return ['  '.repeat(tree.depth[row]!) + idOf(s), ...flags].join(' ');
  });
}

const cases: [name: string, given: Given[], want: string[]][] = [
  ['nothing', [], []],
  ['one span', [{ id: 'a', at: [0, 1] }], ['a']],
  [
    'children in time order, whatever the order of the answer',
    [
      { id: 'c', parent: 'a', at: [5, 6] },
      { id: 'd', parent: 'b', at: [2, 3] },
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [1, 4] },
    ],
    ['a', '  b', '    d', '  c'],
  ],
  [
    'an orphan stands at the root and says so',
    [
      { id: 'a', at: [0, 10] },
      { id: 'x', parent: 'gone', at: [2, 3] },
      { id: 'y', parent: 'x', at: [2, 3] },
    ],
    ['a', 'x !orphan', '  y'],
  ],
  [
    'two true roots',
    [
      { id: 'b', at: [5, 6] },
      { id: 'a', at: [0, 1] },
    ],
    ['a', 'b'],
  ],
  ['its own parent', [{ id: 'a', parent: 'a', at: [0, 1] }], ['a !cycle']],
  [
    'a cycle is cut at its earliest span',
    [
      { id: 'c', parent: 'b', at: [3, 4] },
      { id: 'a', parent: 'c', at: [1, 2] },
      { id: 'b', parent: 'a', at: [2, 3] },
      { id: 'd', parent: 'c', at: [5, 6] },
    ],
    ['a !cycle', '  b', '    c', '      d'],
  ],
  [
    'the same span delivered twice is shown once',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [1, 2] },
      { id: 'b', parent: 'a', at: [1, 2] },
      { id: 'a', at: [0, 10] },
    ],
    ['a', '  b'],
  ],
  [
    'client and server with one id: the server hangs below, and has the children',
    [
      { id: 'a', at: [0, 10], kind: 'server' },
      { id: 'b', parent: 'a', at: [2, 7], kind: 'server', service: 'stock', name: 'in' },
      { id: 'b', parent: 'a', at: [1, 8], kind: 'client', name: 'out' },
      { id: 'c', parent: 'b', at: [3, 4], service: 'stock' },
    ],
    ['a', '  b', '    b !shared', '      c'],
  ],
  [
    'different spans with one id stay apart and are flagged',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [1, 2], name: 'one' },
      { id: 'b', parent: 'a', at: [3, 4], name: 'two' },
    ],
    ['a', '  b !duplicate', '  b !duplicate'],
  ],
];
for (const [name, given, want] of cases)
  test(`tree: ${name}`, () => {
    assert.deepEqual(print(buildTree(spans(...given))), want);
  });

test('exact duplicates are counted', () => {
  const tree = buildTree(spans({ id: 'a', at: [0, 1] }, { id: 'a', at: [0, 1] }, { id: 'a', at: [0, 1] }));
  assert.equal(tree.droppedDuplicates, 2);
});

test('the main root is the earliest true root, even when an orphan starts earlier', () => {
  const tree = buildTree(
    spans({ id: 'x', parent: 'gone', at: [0, 1] }, { id: 'b', at: [5, 9] }, { id: 'a', at: [3, 4] }),
  );
  assert.equal(idOf(tree.spans[tree.main]!), 'a');
  const orphans = buildTree(
    spans({ id: 'y', parent: 'gone', at: [4, 5] }, { id: 'x', parent: 'gone', at: [2, 3] }),
  );
  assert.equal(idOf(orphans.spans[orphans.main]!), 'x');
});

test('family look-ups', () => {
  const tree = buildTree(
    spans(
      { id: 'a', at: [0, 9] },
      { id: 'b', parent: 'a', at: [1, 5] },
      { id: 'c', parent: 'b', at: [2, 3] },
      { id: 'd', parent: 'a', at: [6, 7] },
    ),
  );
  assert.deepEqual(childrenOf(tree, 0), [1, 3]);
  assert.deepEqual(ancestorsOf(tree, 2), [1, 0]);
  assert.deepEqual([...tree.size], [4, 2, 1, 1]);
  assert.equal(tree.lengthNs, 9 * MS);
});

// --- clocks ------------------------------------------------------------------------------------------------

const clocks: [name: string, given: Given[], offsetsMs: Record<string, number>, skewed: string[]][] = [
  [
    'a server that starts before its caller is centred in the call; its own children move along',
    [
      { id: 'a', at: [100, 200], kind: 'client' },
      { id: 'b', parent: 'a', at: [20, 80], kind: 'server', service: 'stock' },
      { id: 'c', parent: 'b', at: [30, 40], service: 'stock' },
    ],
    { a: 0, b: 20, c: 30 },
    ['b', 'c'],
  ],
  [
    'longer than the call: starts with it',
    [
      { id: 'a', at: [100, 110], kind: 'client' },
      { id: 'b', parent: 'a', at: [0, 50], kind: 'server', service: 'stock' },
    ],
    { a: 0, b: 0 },
    ['b'],
  ],
  [
    'a server that starts after its caller had the answer',
    [
      { id: 'a', at: [0, 100], kind: 'client' },
      { id: 'b', parent: 'a', at: [300, 350], kind: 'server', service: 'stock' },
    ],
    { a: 0, b: 25 },
    ['b'],
  ],
  [
    'a call that failed may have been given up before the server began',
    [
      { id: 'a', at: [0, 100], kind: 'client', status: 'error' },
      { id: 'b', parent: 'a', at: [300, 350], kind: 'server', service: 'stock' },
    ],
    { a: 0, b: 300 },
    [],
  ],
  [
    'a consumer runs when it likes',
    [
      { id: 'a', at: [0, 1], kind: 'producer' },
      { id: 'b', parent: 'a', at: [500, 600], kind: 'consumer', service: 'mail' },
    ],
    { a: 0, b: 500 },
    [],
  ],
  [
    'less than a millisecond is left alone',
    [
      { id: 'a', at: [1, 10], kind: 'client' },
      { id: 'b', parent: 'a', at: [0.5, 8], kind: 'server', service: 'stock' },
    ],
    { a: 0.5, b: 0 },
    [],
  ],
  [
    'within one process nothing is corrected',
    [
      { id: 'a', at: [10, 20] },
      { id: 'b', parent: 'a', at: [0, 5] },
    ],
    { a: 10, b: 0 },
    [],
  ],
  [
    'back in the process of the caller its clock holds again',
    [
      { id: 'a', at: [100, 200], kind: 'client' },
      { id: 'b', parent: 'a', at: [20, 80], kind: 'server', service: 'stock' },
      { id: 'c', parent: 'b', at: [140, 160], kind: 'server', service: 'shop' },
    ],
    { a: 0, b: 20, c: 40 },
    ['b'],
  ],
];
for (const [name, given, offsetsMs, skewed] of clocks) {
  test(`clock: ${name}`, () => {
    const tree = buildTree(spans(...given));
    const offsets = Object.fromEntries(tree.spans.map((s, row) => [idOf(s), tree.offsetNs[row]! / MS]));
    assert.deepEqual(offsets, offsetsMs);
    assert.deepEqual(tree.spans.filter((_, row) => (tree.flags[row]! & SKEWED) !== 0).map(idOf), skewed);
    for (let row = 0; row < tree.spans.length; row++)
      assert.equal(
        Number(tree.spans[row]!.startNs - tree.startNs) + tree.skewNs[row]!,
        tree.offsetNs[row]!,
        'offset = own clock + correction',
      );
  });
  test(`clock, as recorded: ${name}`, () => {
    const tree = buildTree(spans(...given), { adjustClocks: false });
    for (let row = 0; row < tree.spans.length; row++)
      assert.equal(Number(tree.spans[row]!.startNs - tree.startNs), tree.offsetNs[row]!);
  });
}

test('a span without a start is drawn at its parent and does not stretch the trace to 1970', () => {
  const broken: Span = {
    ...span({ id: 'b', parent: 'a', at: [0, 0] }),
    startNs: 0n,
    endNs: 0n,
    durationNs: 0,
  };
  const tree = buildTree([span({ id: 'a', at: [3, 13] }), broken]);
  assert.equal(tree.lengthNs, 10 * MS);
  assert.deepEqual(print(tree), ['a', '  b !no start']);
});

// --- any input ---------------------------------------------------------------------------------------------

function randomTrace(seed: number): Given[] {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const n = 1 + next(40);
  return Array.from({ length: n }, (_, i) => {
    const from = next(100);
    const parent = next(10) === 0 ? undefined : `s${next(n + 3)}`;
    return {
      id: `s${next(12) === 0 ? next(n) : i}`,
      ...(parent === undefined ? {} : { parent }),
      at: [from, from + next(50)] as const,
      service: `svc${next(3)}`,
      kind: (['internal', 'server', 'client'] as const)[next(3)]!,
    };
  });
}

test('random parents, cycles and double ids always give one forest of all spans', () => {
  const seed = Number(process.env.SEED ?? 20261121);
  for (let round = 0; round < 2000; round++) {
    const given = spans(...randomTrace(seed + round));
    const tree = buildTree(given);
    const context = `SEED=${seed + round}`;
    assert.equal(tree.spans.length + tree.droppedDuplicates, given.length, context);
    assert.equal(new Set(tree.spans).size, tree.spans.length, context);
    let sum = 0;
    for (const root of tree.roots) sum += tree.size[root]!;
    assert.equal(sum, tree.spans.length, context);
    for (let row = 0; row < tree.spans.length; row++) {
      const p = tree.parent[row]!;
      assert.ok(p < row, context);
      if (p !== -1) assert.ok(row < p + tree.size[p]! && tree.depth[row] === tree.depth[p]! + 1, context);
      assert.ok(
        tree.offsetNs[row]! >= 0 && tree.offsetNs[row]! + tree.durationNs[row]! <= tree.lengthNs,
        context,
      );
    }
  }
});
