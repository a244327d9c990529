import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FlameNode, flameBoxes, flameOf } from '../../ui/src/traces/flame.ts';
import { selfTimes } from '../../ui/src/traces/timing.ts';
import { buildTree } from '../../ui/src/traces/tree.ts';
import { MS, spans } from './fixture.ts';

const tree = buildTree(
  spans(
    { id: 'a', at: [0, 100], name: 'GET /' },
    { id: 'b', parent: 'a', at: [0, 20], name: 'SELECT' },
    { id: 'c', parent: 'a', at: [20, 50], name: 'SELECT', status: 'error' },
    { id: 'd', parent: 'a', at: [50, 60], name: 'render' },
    { id: 'e', parent: 'c', at: [21, 31], name: 'wait' },
  ),
);
const top = flameOf(tree, selfTimes(tree));

const print = (node: FlameNode, depth = 0): string[] => [
  `${'  '.repeat(depth)}${node.name} ${node.spans} spans, own ${node.selfNs / MS}, all ${node.totalNs / MS}, ${node.errors} errors`,
  ...node.children.flatMap((child) => print(child, depth + 1)),
];

test('spans of one path come together, widest first', () => {
  assert.deepEqual(print(top.children[0]!), [
    'GET / 1 spans, own 40, all 100, 0 errors',
    '  SELECT 2 spans, own 40, all 50, 1 errors',
    '    wait 1 spans, own 10, all 10, 0 errors',
    '  render 1 spans, own 10, all 10, 0 errors',
  ]);
  assert.equal(tree.spans[top.children[0]!.children[0]!.longestRow]!.status, 'error');
});

const boxes = (focus: FlameNode, least?: number): string[] =>
  flameBoxes(focus, least)
    .map((b) => `${b.level} ${b.node.name} ${b.from}-${b.to}`)
    .sort();

test('boxes of the whole', () => {
  assert.deepEqual(boxes(top), ['0 GET / 0-1', '1 SELECT 0-0.5', '1 render 0.5-0.6', '2 wait 0-0.1']);
});

test('boxes of a part keep its ancestors above it', () => {
  assert.deepEqual(boxes(top.children[0]!.children[0]!), ['0 GET / 0-1', '1 SELECT 0-1', '2 wait 0-0.2']);
});

test('what is too narrow is left out', () => {
  assert.deepEqual(boxes(top, 0.2), ['0 GET / 0-1', '1 SELECT 0-0.5']);
});

test('an empty trace and one without any duration', () => {
  assert.deepEqual(flameBoxes(flameOf(buildTree([]), new Float64Array())), []);
  const instant = buildTree(spans({ id: 'a', at: [0, 0] }));
  assert.deepEqual(flameBoxes(flameOf(instant, selfTimes(instant))), []);
});
