/**
 * A whole trace as the evaluation sees it: its spans with their places in the tree (nested-set numbers), its root,
 * times and counts per service. Refuses to know queries.
 */

import type { AttributeValue, Span } from '../../model/select-spans.ts';

/** What Tempo shows for a trace whose root has not come. In queries the root's names are ''. */
export const ROOT_NOT_RECEIVED = '<root span not yet received>';

const NO_PARENT = '0000000000000000';
/** OTLP's numbers. */
const KIND_SERVER = 2;
const KIND_CLIENT = 3;
const STATUS_ERROR = 2;

/** The nested-set parent of a root; 0 stands for spans that hang on no root. */
export const ROOT_PARENT = -1;

export interface SpanNode {
  readonly span: Span;
  readonly trace: TraceNode;
  readonly durationNs: bigint;
  /** Nested-set numbers: all 0 for spans cut off from a root. */
  left: number;
  right: number;
  /** The parent's `left`, ROOT_PARENT or 0. */
  parent: number;
  children: SpanNode[];
}

export interface TraceNode {
  readonly traceId: string;
  readonly nodes: readonly SpanNode[];
  /** undefined when no span of the trace is without parent. */
  readonly root: Span | undefined;
  readonly rootName: string;
  readonly rootServiceName: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export interface ServiceStats {
  spanCount: number;
  errorCount: number;
}

/** Whether a span has no parent. */
export const isRoot = (span: Span): boolean => span.parentId === '' || span.parentId === NO_PARENT;

const text = (value: AttributeValue | undefined): string => (value?.type === 'string' ? value.value : '');

/** The service a span belongs to; '' when its resource does not say. */
export const serviceOf = (span: Span): string => text(span.resource.attributes.get('service.name'));

/** Keeps one of each span that was delivered more than once (same id, kind and start). */
export function withoutDuplicates(spans: readonly Span[]): readonly Span[] {
  const ids = new Set<string>();
  for (const span of spans) ids.add(span.spanId);
  if (ids.size === spans.length) return spans;
  const kept = new Map<string, Span>();
  for (const span of spans) kept.set(`${span.spanId}/${span.kind}/${span.startNs}`, span);
  return [...kept.values()];
}

/** By start; equals by id and kind, so that a tree is numbered the same whatever order its spans come in. */
function inOrder(a: Span, b: Span): number {
  if (a.startNs !== b.startNs) return a.startNs < b.startNs ? -1 : 1;
  if (a.spanId !== b.spanId) return a.spanId < b.spanId ? -1 : 1;
  return a.kind - b.kind;
}

/** Makes the tree. `spans` are all spans of one trace, at least one, in any order. */
export function buildTrace(traceId: string, spans: readonly Span[]): TraceNode {
  const unique = [...withoutDuplicates(spans)].sort(inOrder);
  let root: Span | undefined;
  let startNs = unique[0]?.startNs ?? 0n;
  let endNs = startNs;
  for (const span of unique) {
    if (span.startNs < startNs) startNs = span.startNs;
    if (span.endNs > endNs) endNs = span.endNs;
    // Of several roots the latest gives the trace its name.
    if (isRoot(span) && (root === undefined || span.startNs >= root.startNs)) root = span;
  }
  const nodes: SpanNode[] = [];
  const trace: TraceNode = {
    traceId,
    nodes,
    root,
    rootName: root?.name ?? '',
    rootServiceName: root === undefined ? '' : serviceOf(root),
    startNs,
    endNs,
  };
  for (const span of unique) {
    const durationNs = span.endNs > span.startNs ? span.endNs - span.startNs : 0n;
    nodes.push({ span, trace, durationNs, left: 0, right: 0, parent: 0, children: [] });
  }
  number(nodes);
  return trace;
}

/**
 * Numbers the tree depth first. Two spans may share an id when they are the client's and the server's side of one
 * call; then children belong to the server's side, and the server's side is looked for on the client's. More than two
 * spans with one id make the tree unknowable: no span gets a number.
 */
function number(nodes: readonly SpanNode[]): void {
  const byId = new Map<string, SpanNode[]>();
  let ambiguous = false;
  for (const node of nodes) {
    const same = byId.get(node.span.spanId);
    if (same === undefined) byId.set(node.span.spanId, [node]);
    else if (same.push(node) > 2) ambiguous = true;
  }
  const roots: SpanNode[] = [];
  for (const node of nodes) {
    if (isRoot(node.span)) {
      roots.push(node);
      continue;
    }
    const candidates = byId.get(node.span.parentId);
    if (candidates === undefined) continue;
    if (candidates.length === 1) candidates[0]?.children.push(node);
    else {
      const wanted = node.span.kind === KIND_SERVER ? KIND_CLIENT : KIND_SERVER;
      candidates.find((candidate) => candidate.span.kind === wanted)?.children.push(node);
    }
  }
  if (ambiguous) return;
  let next = 1;
  const stack: { node: SpanNode; child: number }[] = [];
  for (const root of roots) {
    root.left = next++;
    root.parent = ROOT_PARENT;
    stack.push({ node: root, child: 0 });
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const child = top.node.children[top.child++];
      if (child === undefined) {
        top.node.right = next++;
        stack.pop();
      } else if (child.left === 0) {
        child.left = next++;
        child.parent = top.node.left;
        stack.push({ node: child, child: 0 });
      }
    }
  }
}

/** Spans and errors per service. */
export function serviceStats(trace: TraceNode): Map<string, ServiceStats> {
  const stats = new Map<string, ServiceStats>();
  for (const { span } of trace.nodes) {
    const service = serviceOf(span);
    let entry = stats.get(service);
    if (entry === undefined) stats.set(service, (entry = { spanCount: 0, errorCount: 0 }));
    entry.spanCount++;
    if (span.statusCode === STATUS_ERROR) entry.errorCount++;
  }
  return stats;
}
