/**
 * Where the time of a trace went: self time, critical path, gaps. Times are nanoseconds from the trace's
 * start, clocks corrected as the tree has them. Refuses to know about names, services and drawing.
 */

import { eachChild, startStepNs, type TraceTree } from './tree.ts';

export interface Interval {
  readonly fromNs: number;
  readonly toNs: number;
}

/**
 * Own time of each span: its duration less the union of its children's intervals (cut to the span), so that
 * parallel children are not subtracted twice and the result is never negative.
 */
export function selfTimes(tree: TraceTree): Float64Array {
  const { spans, offsetNs, durationNs, parent } = tree;
  const n = spans.length;
  const self = new Float64Array(durationNs);
  // Rows are in time order among siblings, so one running "covered until" per parent is a union.
  const covered = new Float64Array(n);
  for (let row = 0; row < n; row++) covered[row] = offsetNs[row]!;
  for (let row = 0; row < n; row++) {
    const p = parent[row]!;
    if (p === -1) continue;
    const end = offsetNs[p]! + durationNs[p]!;
    const from = Math.max(offsetNs[row]!, covered[p]!);
    const to = Math.min(offsetNs[row]! + durationNs[row]!, end);
    if (to <= from) continue;
    self[p] = self[p]! - (to - from);
    covered[p] = to;
  }
  return self;
}

export interface CriticalPath {
  /** Rows on the path, with the parts of their bars that are on it (ascending). */
  readonly segments: ReadonlyMap<number, readonly Interval[]>;
  /** Sum of all parts: the duration of the main root. */
  readonly totalNs: number;
}

/** A child may outlast its parent this much (clock steps, late `end()`) and still count as waited for. */
function overrunToleranceNs(parentNs: number): number {
  return Math.max(1_000_000, parentNs * 0.01);
}

/**
 * The chain of work that decided when the main root ended: walking back from its end, always into the child
 * that finished last before the point reached. Shortening anything on it shortens the trace; nothing else does.
 * Children that clearly outlast their parent (queue consumers, fire and forget) were not waited for and are
 * left out, except a server below its client: there the caller waited, however the clocks look.
 */
export function criticalPath(tree: TraceTree): CriticalPath {
  const segments = new Map<number, Interval[]>();
  if (tree.main === -1) return { segments, totalNs: 0 };
  const { offsetNs, durationNs, spans } = tree;
  const root = tree.main;
  const stack: { row: number; from: number; to: number }[] = [
    { row: root, from: offsetNs[root]!, to: offsetNs[root]! + durationNs[root]! },
  ];
  let totalNs = 0;
  const keep = (row: number, fromNs: number, toNs: number): void => {
    if (toNs <= fromNs) return;
    totalNs += toNs - fromNs;
    const list = segments.get(row);
    if (list === undefined) segments.set(row, [{ fromNs, toNs }]);
    else list.push({ fromNs, toNs });
  };
  while (stack.length > 0) {
    const { row, from, to } = stack.pop()!;
    const spanEnd = offsetNs[row]! + durationNs[row]!;
    const candidates: { child: number; start: number; end: number }[] = [];
    eachChild(tree, row, (child) => {
      const start = Math.max(offsetNs[child]!, from);
      const rawEnd = offsetNs[child]! + durationNs[child]!;
      const waited =
        rawEnd <= spanEnd + overrunToleranceNs(durationNs[row]!) ||
        (spans[row]!.kind === 'client' && spans[child]!.kind === 'server');
      // `to` is this span's own end, cut by its ancestors' ends or by a clock's step.
      const end = Math.min(rawEnd, to);
      if (waited && end > start) candidates.push({ child, start, end });
    });
    candidates.sort((a, b) => b.end - a.end || b.start - a.start);
    let cursor = to;
    let slack = 0;
    for (const { child, start, end } of candidates) {
      if (end > cursor + slack || start >= cursor) continue;
      const cut = Math.min(end, cursor);
      keep(row, cut, cursor);
      stack.push({ row: child, from: start, to: cut });
      cursor = start;
      slack = startStepNs(tree, child);
    }
    keep(row, from, cursor);
  }
  for (const list of segments.values()) list.sort((a, b) => a.fromNs - b.fromNs);
  return { segments, totalNs };
}

export interface Gap extends Interval {
  /** The span whose own time it is; -1 = between two roots. */
  readonly row: number;
  /** Children on either side; -1 at the span's own start or end. */
  readonly after: number;
  readonly before: number;
}

/**
 * Long stretches inside spans with children in which no child runs: work that nobody instrumented, waiting
 * for a lock or a connection, garbage collection. Longest first.
 */
export function findGaps(tree: TraceTree, minNs: number): Gap[] {
  const gaps: Gap[] = [];
  const { offsetNs, durationNs, size } = tree;
  for (let row = 0; row < size.length; row++) {
    if (size[row] === 1 || durationNs[row]! < minNs) continue;
    const end = offsetNs[row]! + durationNs[row]!;
    let at = offsetNs[row]!;
    let after = -1;
    eachChild(tree, row, (child) => {
      const start = Math.min(offsetNs[child]!, end);
      if (start - at >= minNs) gaps.push({ row, after, before: child, fromNs: at, toNs: start });
      const childEnd = offsetNs[child]! + durationNs[child]!;
      if (childEnd > at) {
        at = childEnd;
        after = child;
      }
    });
    if (end - at >= minNs) gaps.push({ row, after, before: -1, fromNs: at, toNs: end });
  }
  return gaps.sort((a, b) => b.toNs - b.fromNs - (a.toNs - a.fromNs) || a.row - b.row);
}
