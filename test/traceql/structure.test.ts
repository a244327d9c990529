/** Structural operators against their definition by parents, over random trees. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SPANSET_OPS } from '../../src/query/traceql/ast.ts';
import { relate } from '../../src/query/traceql/structure.ts';
import { buildTrace, type SpanNode } from '../../src/query/traceql/trace-node.ts';
import { Random, randomTrace, SEED } from './random.ts';

/** The parent of each span that hangs on a root. */
function parents(nodes: readonly SpanNode[]): Map<SpanNode, SpanNode> {
  const found = new Map<SpanNode, SpanNode>();
  for (const node of nodes) for (const child of node.children) if (child.left !== 0) found.set(child, node);
  return found;
}

function related(op: string, a: SpanNode, b: SpanNode, parentOf: Map<SpanNode, SpanNode>): boolean {
  if (a.left === 0 || b.left === 0) return false;
  const above = (node: SpanNode, other: SpanNode): boolean => {
    for (let at = parentOf.get(node); at !== undefined; at = parentOf.get(at)) if (at === other) return true;
    return false;
  };
  switch (op) {
    case '>':
      return parentOf.get(b) === a;
    case '<':
      return parentOf.get(a) === b;
    case '>>':
      return above(b, a);
    case '<<':
      return above(a, b);
    default:
      return a !== b && parentOf.get(a) === parentOf.get(b);
  }
}

test(`every operator, against the definition (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  let related_ = 0;
  for (let round = 0; round < 400; round++) {
    const { nodes } = buildTrace('t', randomTrace(random, 0n, 1n));
    const parentOf = parents(nodes);
    const left = nodes.filter(() => random.chance(0.4));
    const right = nodes.filter(() => random.chance(0.4));
    for (const op of SPANSET_OPS) {
      if (op === '&&' || op === '||') continue;
      const plain = op.replace(/^[!&]/, '');
      const hits = right.filter((b) => left.some((a) => related(plain, a, b, parentOf)));
      const want = new Set(op.startsWith('!') ? right.filter((b) => !hits.includes(b)) : hits);
      if (op.startsWith('&')) {
        for (const a of left) if (right.some((b) => related(plain, a, b, parentOf))) want.add(a);
      }
      related_ += hits.length;
      assert.deepEqual(new Set(relate(op, left, right)), want, `${op} in round ${round}`);
    }
  }
  assert(related_ > 1000);
});
