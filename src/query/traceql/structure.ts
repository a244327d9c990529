/**
 * Structural operators between two groups of spans of one trace, by nested-set numbers: n log n, whatever the shape.
 * Spans cut off from a root have the number 0 and are related to nothing.
 */

import type { SpansetOp } from './ast.ts';
import type { SpanNode } from './trace-node.ts';

type Relation = 'child' | 'parent' | 'descendant' | 'ancestor' | 'sibling';
type Related = (node: SpanNode) => boolean;

const RELATIONS: Readonly<Record<string, Relation>> = {
  '>': 'child',
  '<': 'parent',
  '>>': 'descendant',
  '<<': 'ancestor',
  '~': 'sibling',
};
const OPPOSITE: Readonly<Record<Relation, Relation>> = {
  child: 'parent',
  parent: 'child',
  descendant: 'ancestor',
  ancestor: 'descendant',
  sibling: 'sibling',
};

/** A test whether a span is child (parent, ...) of one of `others`. */
function relatedTo(relation: Relation, others: readonly SpanNode[]): Related {
  const placed = others.filter((node) => node.left !== 0);
  switch (relation) {
    case 'child': {
      const parents = new Set(placed.map((node) => node.left));
      return (node) => parents.has(node.parent);
    }
    case 'parent': {
      const parents = new Set(placed.map((node) => node.parent));
      return (node) => node.left !== 0 && parents.has(node.left);
    }
    case 'sibling': {
      const counts = new Map<number, number>();
      for (const { parent } of placed) counts.set(parent, (counts.get(parent) ?? 0) + 1);
      const own = new Set(placed);
      return (node) => node.left !== 0 && (counts.get(node.parent) ?? 0) > (own.has(node) ? 1 : 0);
    }
    default: {
      const sorted = [...placed].sort((a, b) => a.left - b.left);
      const lefts = Int32Array.from(sorted, (node) => node.left);
      return relation === 'descendant' ? descendant(sorted, lefts) : ancestor(sorted, lefts);
    }
  }
}

/** The number of entries of `lefts` (ascending) below `left`. */
function countBelow(lefts: Int32Array, left: number): number {
  let low = 0;
  let high = lefts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lefts[middle] as number) < left) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Inside an interval that begins before: the largest right end of all that begin before tells. */
function descendant(sorted: readonly SpanNode[], lefts: Int32Array): Related {
  const furthest = new Int32Array(sorted.length);
  let max = 0;
  sorted.forEach((node, i) => {
    max = Math.max(max, node.right);
    furthest[i] = max;
  });
  return (node) => {
    if (node.left === 0) return false;
    const before = countBelow(lefts, node.left);
    return before > 0 && (furthest[before - 1] as number) > node.right;
  };
}

/** Around an interval: the smallest right end of all that begin later tells. */
function ancestor(sorted: readonly SpanNode[], lefts: Int32Array): Related {
  const nearest = new Int32Array(sorted.length);
  let min = 0x7fffffff;
  for (let i = sorted.length - 1; i >= 0; i--) {
    min = Math.min(min, (sorted[i] as SpanNode).right);
    nearest[i] = min;
  }
  return (node) => {
    if (node.left === 0) return false;
    const after = countBelow(lefts, node.left + 1);
    return after < nearest.length && (nearest[after] as number) < node.right;
  };
}

/**
 * The spans that `left op right` leaves. Plain and negated operators give spans of the right side, union operators
 * (`&>` ...) those of both sides that are related.
 */
export function relate(op: SpansetOp, left: readonly SpanNode[], right: readonly SpanNode[]): SpanNode[] {
  const sign = op[0] === '!' || op[0] === '&' ? op[0] : '';
  const relation = RELATIONS[sign === '' ? op : op.slice(1)];
  if (relation === undefined) throw new Error(`${op} is no structural operator`);
  const test = relatedTo(relation, left);
  if (sign === '!') return right.filter((node) => !test(node));
  const found = right.filter(test);
  if (sign !== '&') return found;
  const back = relatedTo(OPPOSITE[relation], right);
  return [...new Set([...found, ...left.filter(back)])];
}
