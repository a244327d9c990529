/**
 * Flame graph of a trace: spans with the same path of operations are put together, width is own time of the
 * operation and all below it (so parallel work adds up). Pure.
 */

import type { TraceTree } from './tree.ts';

export interface FlameNode {
  readonly service: string;
  readonly name: string;
  /** Own time of all its spans, and of them with everything below. */
  selfNs: number;
  totalNs: number;
  spans: number;
  errors: number;
  /** The row of its longest span. */
  longestRow: number;
  readonly parent: FlameNode | null;
  readonly children: FlameNode[];
}

/** The forest under one nameless node. */
export function flameOf(tree: TraceTree, selfNs: Float64Array): FlameNode {
  const top = makeNode('', '', null);
  const nodeOf: FlameNode[] = new Array(tree.spans.length);
  const known = new Map<FlameNode, Map<string, FlameNode>>();
  const order: FlameNode[] = [];
  for (let row = 0; row < tree.spans.length; row++) {
    const span = tree.spans[row]!;
    const above = tree.parent[row] === -1 ? top : nodeOf[tree.parent[row]!]!;
    const key = `${span.resource.service}\0${span.name}`;
    let siblings = known.get(above);
    if (siblings === undefined) known.set(above, (siblings = new Map()));
    let node = siblings.get(key);
    if (node === undefined) {
      node = makeNode(span.resource.service, span.name, above);
      node.longestRow = row;
      siblings.set(key, node);
      above.children.push(node);
      order.push(node);
    }
    nodeOf[row] = node;
    node.selfNs += selfNs[row]!;
    node.spans++;
    if (span.status === 'error') node.errors++;
    if (tree.durationNs[row]! > tree.durationNs[node.longestRow]!) node.longestRow = row;
  }
  // Parents come before their children in `order`.
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i]!;
    node.totalNs += node.selfNs;
    node.parent!.totalNs += node.totalNs;
    node.parent!.spans += node.parent === top ? node.spans : 0;
    node.children.sort((a, b) => b.totalNs - a.totalNs);
  }
  top.children.sort((a, b) => b.totalNs - a.totalNs);
  return top;
}

function makeNode(service: string, name: string, parent: FlameNode | null): FlameNode {
  return { service, name, selfNs: 0, totalNs: 0, spans: 0, errors: 0, longestRow: -1, parent, children: [] };
}

export interface FlameBox {
  readonly node: FlameNode;
  readonly level: number;
  /** Shares of the width, 0 to 1. */
  readonly from: number;
  readonly to: number;
}

/**
 * Boxes when `focus` takes the whole width: its ancestors above it, its descendants below; what is narrower
 * than `least` is left out with all below it.
 */
export function flameBoxes(focus: FlameNode, least = 0.001): FlameBox[] {
  const boxes: FlameBox[] = [];
  const above: FlameNode[] = [];
  for (let n = focus.parent; n !== null && n.parent !== null; n = n.parent) above.push(n);
  above.reverse();
  above.forEach((node, level) => {
    boxes.push({ node, level, from: 0, to: 1 });
  });
  const scale = focus.totalNs > 0 ? 1 / focus.totalNs : 0;
  const isTop = focus.parent === null;
  const stack: FlameBox[] = [{ node: focus, level: above.length, from: 0, to: 1 }];
  while (stack.length > 0) {
    const box = stack.pop()!;
    const hidden = isTop && box.node === focus;
    if (!hidden) boxes.push(box);
    let at = box.from;
    for (const child of box.node.children) {
      const width = child.totalNs * scale;
      if (width >= least)
        stack.push({ node: child, level: box.level + (hidden ? 0 : 1), from: at, to: at + width });
      at += width;
    }
  }
  return boxes;
}
