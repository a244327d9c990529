import assert from 'node:assert/strict';
import { test } from 'node:test';
import { criticalPath, findGaps, selfTimes } from '../../ui/src/traces/timing.ts';
import { buildTree } from '../../ui/src/traces/tree.ts';
import { type Given, idOf, MS, spans } from './fixture.ts';

const selfCases: [name: string, given: Given[], selfMs: Record<string, number>][] = [
  ['alone', [{ id: 'a', at: [0, 10] }], { a: 10 }],
  [
    'children one after another',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [1, 3] },
      { id: 'c', parent: 'a', at: [5, 9] },
    ],
    { a: 4, b: 2, c: 4 },
  ],
  [
    'parallel children are not subtracted twice',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [1, 6] },
      { id: 'c', parent: 'a', at: [2, 4] },
      { id: 'd', parent: 'a', at: [5, 8] },
    ],
    { a: 3, b: 5, c: 2, d: 3 },
  ],
  [
    'a child that sticks out is cut',
    [
      { id: 'a', at: [5, 10] },
      { id: 'b', parent: 'a', at: [0, 6] },
      { id: 'c', parent: 'a', at: [9, 99] },
    ],
    { a: 3, b: 6, c: 90 },
  ],
  [
    'a child outside takes nothing',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [20, 30] },
    ],
    { a: 10, b: 10 },
  ],
];
for (const [name, given, want] of selfCases)
  test(`self time: ${name}`, () => {
    const tree = buildTree(spans(...given));
    const self = selfTimes(tree);
    assert.deepEqual(Object.fromEntries(tree.spans.map((s, row) => [idOf(s), self[row]! / MS])), want);
  });

const pathCases: [name: string, given: Given[], want: Record<string, [number, number][]>][] = [
  ['alone', [{ id: 'a', at: [0, 10] }], { a: [[0, 10]] }],
  [
    'in and out of a child',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [2, 7] },
    ],
    {
      a: [
        [0, 2],
        [7, 10],
      ],
      b: [[2, 7]],
    },
  ],
  [
    'of parallel children only the last to finish matters',
    [
      { id: 'a', at: [0, 10] },
      { id: 'slow', parent: 'a', at: [1, 9] },
      { id: 'fast', parent: 'a', at: [1, 5] },
    ],
    {
      a: [
        [0, 1],
        [9, 10],
      ],
      slow: [[1, 9]],
    },
  ],
  [
    'before the last child, the one that finished before it started',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [1, 4] },
      { id: 'overlaps', parent: 'a', at: [2, 6] },
      { id: 'c', parent: 'a', at: [5, 9] },
    ],
    {
      a: [
        [0, 1],
        [4, 5],
        [9, 10],
      ],
      b: [[1, 4]],
      c: [[5, 9]],
    },
  ],
  [
    'a consumer that outlasts the root was not waited for',
    [
      { id: 'a', at: [0, 10], kind: 'server' },
      { id: 'p', parent: 'a', at: [8, 9], kind: 'producer' },
      { id: 'k', parent: 'p', at: [20, 90], kind: 'consumer', service: 'mail' },
    ],
    {
      a: [
        [0, 8],
        [9, 10],
      ],
      p: [[8, 9]],
    },
  ],
  [
    'fire and forget beside real work',
    [
      { id: 'a', at: [0, 10] },
      { id: 'forgotten', parent: 'a', at: [1, 50] },
      { id: 'b', parent: 'a', at: [2, 9] },
    ],
    {
      a: [
        [0, 2],
        [9, 10],
      ],
      b: [[2, 9]],
    },
  ],
  [
    'a server that outlasts its client was waited for, as long as the client did',
    [
      { id: 'a', at: [0, 10], kind: 'client' },
      { id: 'b', parent: 'a', at: [1, 40], kind: 'server', service: 'stock' },
      { id: 'c', parent: 'b', at: [2, 35], service: 'stock' },
    ],
    { a: [[0, 1]], b: [[1, 2]], c: [[2, 10]] },
  ],
  [
    'a clock that is a little late still counts as waited for',
    [
      { id: 'a', at: [0, 10] },
      { id: 'b', parent: 'a', at: [1, 10.5] },
    ],
    { a: [[0, 1]], b: [[1, 10]] },
  ],
];
for (const [name, given, want] of pathCases)
  test(`critical path: ${name}`, () => {
    const tree = buildTree(spans(...given));
    const path = criticalPath(tree);
    const got = Object.fromEntries(
      [...path.segments].map(([row, parts]) => [
        idOf(tree.spans[row]!),
        parts.map((p) => [p.fromNs / MS, p.toNs / MS]),
      ]),
    );
    assert.deepEqual(got, want);
    assert.equal(path.totalNs, tree.durationNs[tree.main]!, 'covers the root exactly');
  });

test('critical path: starts cut to the millisecond do not hide that one call followed the other', () => {
  const tree = buildTree(
    spans(
      { id: 'a', at: [0.2, 30.2], coarse: true },
      { id: 'b', parent: 'a', at: [1.1, 12.8], coarse: true }, // drawn 1.0 to 12.7
      { id: 'c', parent: 'a', at: [12.9, 20.4], coarse: true }, // drawn 12.0 to 19.5
      { id: 'early', parent: 'a', at: [0.5, 19], coarse: true }, // still running well after c began
    ),
  );
  const path = criticalPath(tree);
  assert.deepEqual([...path.segments.keys()].map((row) => idOf(tree.spans[row]!)).sort(), ['a', 'b', 'c']);
  assert.equal(path.totalNs, 30 * MS);
});

test('critical path of random trees covers the root once, without overlap', () => {
  const seed = Number(process.env.SEED ?? 7);
  for (let round = 0; round < 500; round++) {
    let state = seed + round;
    const next = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const given: Given[] = [{ id: 'r', at: [0, 1000] }];
    for (let i = 0; i < 30; i++) {
      const from = next(1000);
      given.push({ id: `s${i}`, parent: i === 0 ? 'r' : `s${next(i)}`, at: [from, from + next(400)] });
    }
    const path = criticalPath(buildTree(spans(...given)));
    assert.equal(path.totalNs, 1000 * MS, `SEED=${seed + round}`);
    const parts = [...path.segments.values()].flat().sort((a, b) => a.fromNs - b.fromNs);
    let at = 0;
    for (const part of parts) {
      assert.equal(part.fromNs, at, `SEED=${seed + round}`);
      at = part.toNs;
    }
  }
});

test('critical path of nothing', () => {
  assert.equal(criticalPath(buildTree([])).segments.size, 0);
});

test('gaps: before, between and after children, longest first; parallel children close them', () => {
  const tree = buildTree(
    spans(
      { id: 'a', at: [0, 100] },
      { id: 'b', parent: 'a', at: [10, 20] },
      { id: 'c', parent: 'a', at: [15, 50] },
      { id: 'd', parent: 'a', at: [80, 85] },
    ),
  );
  const name = (row: number): string => (row === -1 ? '' : idOf(tree.spans[row]!));
  assert.deepEqual(
    findGaps(tree, 10 * MS).map((g) => [
      name(g.row),
      name(g.after),
      name(g.before),
      g.fromNs / MS,
      g.toNs / MS,
    ]),
    [
      ['a', 'c', 'd', 50, 80],
      ['a', 'd', '', 85, 100],
      ['a', '', 'b', 0, 10],
    ],
  );
  assert.equal(findGaps(tree, 31 * MS).length, 0);
});
