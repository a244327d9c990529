/**
 * Flat spans -> one forest in display order. Row i of every array is the i-th span of the waterfall with all
 * rows open; a subtree is the half-open row range [i, i + size[i]). All passes are loops over arrays, so
 * depth and cycles cannot overflow a stack or hang.
 * Refuses to know about drawing and about what findings mean (see `findings.ts`).
 */

import { attributeText, type Resource, type Span } from './model.ts';

export const ORPHAN = 1; // names a parent that is not in the trace
export const CYCLE = 2; // was its own ancestor; cut here
export const SKEWED = 4; // drawn at a corrected time
export const SHARED_ID = 8; // server half of a client/server pair with one span id (Zipkin's way)
export const DUPLICATE_ID = 16; // another, different span has the same id
export const NO_START = 32; // came without a start time; drawn at its parent's start

export interface TraceTree {
  readonly spans: readonly Span[];
  readonly parent: Int32Array;
  readonly depth: Int32Array;
  /** Rows of the subtree, itself included. */
  readonly size: Int32Array;
  readonly flags: Uint8Array;
  /** Nanoseconds from `startNs`, clocks corrected; exact below 2^53 ns (104 days). */
  readonly offsetNs: Float64Array;
  readonly durationNs: Float64Array;
  /** What was added to the span's own clock, 0 for nearly all. */
  readonly skewNs: Float64Array;
  readonly roots: readonly number[];
  /** The row that names the trace: the earliest true root, else the earliest orphan; -1 if empty. */
  readonly main: number;
  readonly startNs: bigint;
  readonly lengthNs: number;
  /** The row of a span id (the first, if several spans have it); -1 if unknown. */
  readonly rowOf: (spanId: string) => number;
  readonly droppedDuplicates: number;
}

export interface TreeOptions {
  /** Move spans of other processes whose clock contradicts causality (default true). */
  readonly adjustClocks?: boolean;
}

/** Differences below this are left alone: many SDKs have millisecond clocks. */
export const SKEW_TOLERANCE_NS = 1_000_000;

export function buildTree(input: readonly Span[], options: TreeOptions = {}): TraceTree {
  const { spans, flags, dropped, firstOf, doubled } = withoutDuplicates(input);
  const n = spans.length;
  const parent = findParents(spans, flags, firstOf, doubled);
  cutCycles(spans, parent, flags);

  const base = earliestStart(spans);
  const offset = new Float64Array(n);
  const duration = new Float64Array(n);
  const skew = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    offset[i] = Number(spans[i]!.startNs - base);
    duration[i] = spans[i]!.durationNs;
  }
  const children = childLists(parent);
  const topDown = breadthFirst(parent, children);
  placeWithoutStart(spans, parent, topDown, offset, duration, flags);
  if (options.adjustClocks !== false) correctClocks(spans, parent, topDown, offset, duration, skew, flags);

  // Siblings by time; equal times keep the order of the answer.
  const byTime = (a: number, b: number): number => offset[a]! - offset[b]! || a - b;
  const roots: number[] = [];
  for (let i = 0; i < n; i++) if (parent[i] === -1) roots.push(i);
  roots.sort(byTime);
  sortChildren(children, byTime);

  const order = preorder(roots, children, n);
  return inOrder(order, { spans, parent, flags, offset, duration, skew, firstOf }, base, dropped);
}

// --- reading -----------------------------------------------------------------------------------------------

/** Calls `visit` for each direct child row of `row`, in time order. */
export function eachChild(tree: TraceTree, row: number, visit: (child: number) => void): void {
  const end = row + tree.size[row]!;
  for (let child = row + 1; child < end; child += tree.size[child]!) visit(child);
}

export function childrenOf(tree: TraceTree, row: number): number[] {
  const out: number[] = [];
  eachChild(tree, row, (child) => out.push(child));
  return out;
}

/** Ancestors from the parent up to the root. */
export function ancestorsOf(tree: TraceTree, row: number): number[] {
  const out: number[] = [];
  for (let p = tree.parent[row] ?? -1; p !== -1; p = tree.parent[p]!) out.push(p);
  return out;
}

/**
 * How much earlier than the truth a span's start may be, for its clock's steps: SDKs in JavaScript cut starts to
 * the millisecond (durations are exact), so calls one after another overlap by up to that.
 */
export function startStepNs(tree: TraceTree, row: number): number {
  const { startNs } = tree.spans[row]!;
  return startNs % 1_000_000n === 0n ? 1_000_000 : startNs % 1000n === 0n ? 1000 : 0;
}

// --- building ----------------------------------------------------------------------------------------------

interface Distinct {
  readonly spans: Span[];
  readonly flags: Uint8Array;
  readonly dropped: number;
  /** Span id -> index of its first span. */
  readonly firstOf: Map<string, number>;
  /** Ids of several different spans -> all of their indexes. */
  readonly doubled: Map<string, number[]>;
}

function withoutDuplicates(input: readonly Span[]): Distinct {
  const firstOf = new Map<string, number>();
  const doubled = new Map<string, number[]>();
  const spans: Span[] = [];
  let dropped = 0;
  for (const span of input) {
    const { spanId } = span;
    const first = firstOf.get(spanId);
    if (first === undefined) {
      firstOf.set(spanId, spans.length);
    } else {
      const all = doubled.get(spanId) ?? [first];
      if (all.some((i) => sameSpan(spans[i]!, span))) {
        dropped++;
        continue;
      }
      doubled.set(spanId, [...all, spans.length]);
    }
    spans.push(span);
  }
  const flags = new Uint8Array(spans.length);
  for (const all of doubled.values()) for (const i of all) flags[i] = DUPLICATE_ID;
  return { spans, flags, dropped, firstOf, doubled };
}

function sameSpan(a: Span, b: Span): boolean {
  return (
    a.startNs === b.startNs &&
    a.endNs === b.endNs &&
    a.name === b.name &&
    a.kind === b.kind &&
    a.parentSpanId === b.parentSpanId &&
    a.resource.service === b.resource.service
  );
}

function findParents(
  spans: readonly Span[],
  flags: Uint8Array,
  firstOf: ReadonlyMap<string, number>,
  doubled: ReadonlyMap<string, readonly number[]>,
): Int32Array {
  // Children of a shared id belong to the server half; the server half hangs under the client half.
  const serving = new Map<string, number>();
  const calling = new Map<string, number>();
  for (const [id, all] of doubled) {
    const server = all.find((i) => spans[i]!.kind === 'server' || spans[i]!.kind === 'consumer');
    const client = all.find((i) => spans[i]!.kind === 'client' || spans[i]!.kind === 'producer');
    if (server !== undefined) serving.set(id, server);
    if (client !== undefined) calling.set(id, client);
  }
  const parent = new Int32Array(spans.length).fill(-1);
  for (let i = 0; i < spans.length; i++) {
    const { spanId, parentSpanId, kind } = spans[i]!;
    if ((flags[i]! & DUPLICATE_ID) !== 0 && (kind === 'server' || kind === 'consumer')) {
      const half = calling.get(spanId);
      if (half !== undefined) {
        parent[i] = half;
        flags[i] = (flags[i]! & ~DUPLICATE_ID) | SHARED_ID;
        flags[half] = flags[half]! & ~DUPLICATE_ID;
        continue;
      }
    }
    if (parentSpanId === '') continue;
    const p = serving.get(parentSpanId) ?? firstOf.get(parentSpanId);
    if (p === undefined) flags[i] = flags[i]! | ORPHAN;
    else parent[i] = p;
  }
  return parent;
}

/** Every cycle is cut at its earliest span, which becomes a root. */
function cutCycles(spans: readonly Span[], parent: Int32Array, flags: Uint8Array): void {
  const mark = new Int32Array(parent.length); // 0 = new, k = reached by the k-th walk
  for (let i = 0; i < parent.length; i++) {
    const walk = i + 1;
    let at = i;
    while (at !== -1 && mark[at] === 0) {
      mark[at] = walk;
      at = parent[at]!;
    }
    if (at === -1 || mark[at] !== walk) continue;
    let first = at;
    for (let c = parent[at]!; c !== at; c = parent[c]!)
      if (spans[c]!.startNs < spans[first]!.startNs) first = c;
    parent[first] = -1;
    flags[first] = flags[first]! | CYCLE;
  }
}

function earliestStart(spans: readonly Span[]): bigint {
  let base = 0n;
  for (const { startNs } of spans) if (startNs > 0n && (base === 0n || startNs < base)) base = startNs;
  return base;
}

function childLists(parent: Int32Array): number[][] {
  const lists: number[][] = new Array(parent.length);
  for (let i = 0; i < parent.length; i++) {
    const p = parent[i]!;
    if (p === -1) continue;
    const siblings = lists[p];
    if (siblings === undefined) lists[p] = [i];
    else siblings.push(i);
  }
  return lists;
}

function breadthFirst(parent: Int32Array, children: number[][]): Int32Array {
  const order = new Int32Array(parent.length);
  let filled = 0;
  for (let i = 0; i < parent.length; i++) if (parent[i] === -1) order[filled++] = i;
  for (let at = 0; at < filled; at++) {
    const list = children[order[at]!];
    if (list !== undefined) for (const child of list) order[filled++] = child;
  }
  return order;
}

function placeWithoutStart(
  spans: readonly Span[],
  parent: Int32Array,
  topDown: Int32Array,
  offset: Float64Array,
  duration: Float64Array,
  flags: Uint8Array,
): void {
  for (const i of topDown) {
    if (spans[i]!.startNs > 0n) continue;
    offset[i] = parent[i] === -1 ? 0 : offset[parent[i]!]!;
    duration[i] = 0;
    flags[i] = flags[i]! | NO_START;
  }
}

/**
 * A child cannot start before its parent, and a server cannot start after its caller has had the answer.
 * Where a process's clock says otherwise, its span is centred in the parent (or starts with it when longer),
 * and its descendants of the same process move along.
 */
function correctClocks(
  spans: readonly Span[],
  parent: Int32Array,
  topDown: Int32Array,
  offset: Float64Array,
  duration: Float64Array,
  skew: Float64Array,
  flags: Uint8Array,
): void {
  const processOf = processKeys();
  for (const i of topDown) {
    const p = parent[i]!;
    if (p === -1 || (flags[i]! & NO_START) !== 0) continue;
    let move = 0;
    if (processOf(spans[i]!.resource) === processOf(spans[p]!.resource)) {
      move = skew[p]!;
    } else {
      const room = duration[p]! - duration[i]!;
      const early = offset[p]! - offset[i]! > SKEW_TOLERANCE_NS;
      const late =
        offset[i]! - (offset[p]! + duration[p]!) > SKEW_TOLERANCE_NS &&
        spans[i]!.kind === 'server' &&
        spans[p]!.kind === 'client' &&
        spans[p]!.status !== 'error' &&
        room >= 0;
      if (early || late) move = offset[p]! + (room > 0 ? Math.floor(room / 2) : 0) - offset[i]!;
    }
    if (move === 0) continue;
    offset[i] = offset[i]! + move;
    skew[i] = move;
    flags[i] = flags[i]! | SKEWED;
  }
}

const PROCESS_KEYS = ['service.instance.id', 'host.name', 'host.id', 'k8s.pod.name', 'process.pid'];

function processKeys(): (resource: Resource) => string {
  const known = new Map<Resource, string>();
  return (resource) => {
    let key = known.get(resource);
    if (key === undefined) {
      key = [resource.service, ...PROCESS_KEYS.map((k) => attributeText(resource.attributes, k))].join('\0');
      known.set(resource, key);
    }
    return key;
  };
}

function sortChildren(children: number[][], byTime: (a: number, b: number) => number): void {
  for (const list of children) if (list !== undefined && list.length > 1) list.sort(byTime);
}

function preorder(roots: readonly number[], children: number[][], n: number): Int32Array {
  const order = new Int32Array(n);
  let filled = 0;
  const stack: number[] = [];
  for (let r = roots.length - 1; r >= 0; r--) stack.push(roots[r]!);
  while (stack.length > 0) {
    const at = stack.pop()!;
    order[filled++] = at;
    const list = children[at];
    if (list !== undefined) for (let c = list.length - 1; c >= 0; c--) stack.push(list[c]!);
  }
  return order;
}

interface Unordered {
  readonly spans: readonly Span[];
  readonly parent: Int32Array;
  readonly flags: Uint8Array;
  readonly offset: Float64Array;
  readonly duration: Float64Array;
  readonly skew: Float64Array;
  readonly firstOf: ReadonlyMap<string, number>;
}

function inOrder(order: Int32Array, from: Unordered, base: bigint, droppedDuplicates: number): TraceTree {
  const n = order.length;
  const rowOfIndex = new Int32Array(n);
  for (let row = 0; row < n; row++) rowOfIndex[order[row]!] = row;
  const spans: Span[] = new Array(n);
  const parent = new Int32Array(n);
  const depth = new Int32Array(n);
  const size = new Int32Array(n).fill(1);
  const flags = new Uint8Array(n);
  const offsetNs = new Float64Array(n);
  const durationNs = new Float64Array(n);
  const skewNs = new Float64Array(n);
  const roots: number[] = [];
  let first = 0;
  let last = 0;
  for (let row = 0; row < n; row++) {
    const i = order[row]!;
    spans[row] = from.spans[i]!;
    const p = from.parent[i]!;
    parent[row] = p === -1 ? -1 : rowOfIndex[p]!;
    depth[row] = p === -1 ? 0 : depth[parent[row]!]! + 1;
    flags[row] = from.flags[i]!;
    offsetNs[row] = from.offset[i]!;
    durationNs[row] = from.duration[i]!;
    skewNs[row] = from.skew[i]!;
    if (p === -1) roots.push(row);
    if (row === 0 || offsetNs[row]! < first) first = offsetNs[row]!;
    if (row === 0 || offsetNs[row]! + durationNs[row]! > last) last = offsetNs[row]! + durationNs[row]!;
  }
  for (let row = n - 1; row > 0; row--) {
    const p = parent[row]!;
    if (p !== -1) size[p] = size[p]! + size[row]!;
  }
  // Corrected clocks may move the earliest span: offsets always count from the first drawn moment.
  if (first !== 0) for (let row = 0; row < n; row++) offsetNs[row] = offsetNs[row]! - first;
  const trueRoot = roots.find((r) => (flags[r]! & (ORPHAN | CYCLE)) === 0);
  return {
    spans,
    parent,
    depth,
    size,
    flags,
    offsetNs,
    durationNs,
    skewNs,
    roots,
    main: trueRoot ?? roots[0] ?? -1,
    startNs: base + BigInt(Math.round(first)),
    lengthNs: n === 0 ? 0 : last - first,
    rowOf: (spanId) => {
      const index = from.firstOf.get(spanId);
      return index === undefined ? -1 : rowOfIndex[index]!;
    },
    droppedDuplicates,
  };
}
