/**
 * What a person should look at first: where errors began, repeated calls (N+1), long stretches without a
 * span, holes in propagation, clocks that disagree. Pure; refuses to know about drawing.
 */

import { attributeText, type Span } from './model.ts';
import { findGaps, type Gap } from './timing.ts';
import { CYCLE, DUPLICATE_ID, eachChild, ORPHAN, SKEWED, startStepNs, type TraceTree } from './tree.ts';

// --- errors ------------------------------------------------------------------------------------------------

export interface ErrorMap {
  /** Rows with status error, ascending. */
  readonly rows: readonly number[];
  /** Errors strictly below each row. */
  readonly below: Int32Array;
  /** Error rows with no error below them: where it began. The earliest ended first. */
  readonly origins: readonly number[];
}

export function mapErrors(tree: TraceTree): ErrorMap {
  const n = tree.spans.length;
  const below = new Int32Array(n);
  const rows: number[] = [];
  for (let row = n - 1; row >= 0; row--) {
    const isError = tree.spans[row]!.status === 'error';
    if (isError) rows.push(row);
    const p = tree.parent[row]!;
    if (p !== -1) below[p] = below[p]! + below[row]! + (isError ? 1 : 0);
  }
  rows.reverse();
  const end = (row: number): number => tree.offsetNs[row]! + tree.durationNs[row]!;
  const origins = rows.filter((row) => below[row] === 0).sort((a, b) => end(a) - end(b) || a - b);
  return { rows, below, origins };
}

// --- repeated calls ----------------------------------------------------------------------------------------

export interface RepeatedCalls {
  readonly parent: number;
  /** Rows of the calls in time order. */
  readonly rows: readonly number[];
  /** "SELECT inventory", "GET": what is called, and on what; `target` may be empty. */
  readonly operation: string;
  readonly target: string;
  /** Sum of the calls' durations. */
  readonly totalNs: number;
}

export const REPEATED_AT_LEAST = 5;
const SEQUENTIAL_SHARE = 0.8;

/**
 * Groups of at least `REPEATED_AT_LEAST` siblings that call the same operation on the same target one after
 * another (four fifths of the steps do not overlap): the N+1 pattern. Parallel fan-out is not meant. A loop
 * whose body has a span of its own (`process item` > SELECT) counts through that span.
 * Most time first.
 */
export function findRepeatedCalls(tree: TraceTree, least = REPEATED_AT_LEAST): RepeatedCalls[] {
  const found: RepeatedCalls[] = [];
  for (let row = 0; row < tree.spans.length; row++) {
    if (tree.size[row]! <= least) continue;
    // By name first: attributes are only looked at where enough spans share one.
    const named = new Map<string, number[]>();
    eachChild(tree, row, (child) => push(named, nameKey(tree.spans[child]!), child));
    for (const rows of named.values()) {
      if (rows.length < least) continue;
      const direct = rows.filter((call) => isCall(tree.spans[call]!));
      if (direct.length > 0) collect(tree, row, direct, least, found);
      else collect(tree, row, callsInside(tree, rows), least, found);
    }
  }
  return found.sort((a, b) => b.totalNs - a.totalNs || a.parent - b.parent);
}

/** The calls directly below `rows`, the bodies of a loop. */
function callsInside(tree: TraceTree, rows: readonly number[]): number[] {
  const calls: number[] = [];
  for (const row of rows)
    if (tree.spans[row]!.kind !== 'server')
      eachChild(tree, row, (inner) => {
        if (isCall(tree.spans[inner]!)) calls.push(inner);
      });
  return calls;
}

/** Splits `calls` by what exactly is called, and keeps the groups that are long and sequential. */
function collect(
  tree: TraceTree,
  parent: number,
  calls: readonly number[],
  least: number,
  found: RepeatedCalls[],
): void {
  if (calls.length < least) return;
  const groups = new Map<string, number[]>();
  for (const call of calls) {
    const span = tree.spans[call]!;
    push(groups, `${nameKey(span)}\0${callTarget(span)}\0${statementShape(span)}`, call);
  }
  for (const rows of groups.values()) {
    if (rows.length < least || !mostlySequential(tree, rows)) continue;
    const span = tree.spans[rows[0]!]!;
    let totalNs = 0;
    for (const r of rows) totalNs += tree.durationNs[r]!;
    found.push({ parent, rows, operation: callOperation(span), target: callTarget(span), totalNs });
  }
}

const nameKey = (span: Span): string => `${span.resource.service}\0${span.name}\0${span.kind}`;

function push(groups: Map<string, number[]>, key: string, row: number): void {
  const rows = groups.get(key);
  if (rows === undefined) groups.set(key, [row]);
  else rows.push(row);
}

function isCall(span: Span): boolean {
  if (span.kind === 'client' || span.kind === 'producer') return true;
  return span.kind !== 'server' && attributeText(span.attributes, 'db.system.name', 'db.system') !== '';
}

const STATEMENT_VERB = /^\s*(\w+)/;

/** "SELECT" of a database call, the method of an HTTP call, else the span's name. */
export function callOperation(span: Span): string {
  const a = span.attributes;
  const operation = attributeText(a, 'db.operation.name', 'db.operation');
  if (operation !== '') return operation;
  const statement = attributeText(a, 'db.query.text', 'db.statement');
  if (statement !== '') return STATEMENT_VERB.exec(statement)?.[1]?.toUpperCase() ?? span.name;
  const method = attributeText(a, 'http.request.method', 'http.method');
  return method !== '' ? method : span.name;
}

const TABLE = /\b(?:from|into|update|join)\s+["`[]?([\w$.]+)/i;

/** What is called: table, topic, RPC service, peer service or address. */
export function callTarget(span: Span): string {
  const a = span.attributes;
  const table = attributeText(a, 'db.collection.name', 'db.sql.table', 'db.mongodb.collection');
  if (table !== '') return table;
  const statement = attributeText(a, 'db.query.text', 'db.statement');
  const inStatement = statement === '' ? undefined : TABLE.exec(statement)?.[1];
  if (inStatement !== undefined) return inStatement;
  return attributeText(
    a,
    'messaging.destination.name',
    'rpc.service',
    'peer.service',
    'db.namespace',
    'db.name',
    'server.address',
    'net.peer.name',
    'db.system.name',
    'db.system',
  );
}

/** The statement with its literals taken out, so that `id = 7` and `id = 8` are the same call. */
function statementShape(span: Span): string {
  return attributeText(span.attributes, 'db.query.text', 'db.statement')
    .slice(0, 500)
    .replace(/'(?:[^']|'')*'/g, '?')
    .replace(/\b\d+(?:\.\d+)?\b|\$\d+/g, '?')
    .replace(/\(\s*\?(?:\s*,\s*\?)*\s*\)/g, '(?)')
    .replace(/\s+/g, ' ');
}

function mostlySequential(tree: TraceTree, rows: readonly number[]): boolean {
  const byStart = [...rows].sort((a, b) => tree.offsetNs[a]! - tree.offsetNs[b]! || a - b);
  let sequential = 0;
  for (let i = 1; i < byStart.length; i++) {
    const before = byStart[i - 1]!;
    const row = byStart[i]!;
    // Whatever the clock's step, two that start together run together.
    const apart = tree.offsetNs[row]! > tree.offsetNs[before]! || tree.durationNs[before] === 0;
    const end = tree.offsetNs[before]! + tree.durationNs[before]!;
    if (apart && tree.offsetNs[row]! + startStepNs(tree, row) >= end) sequential++;
  }
  return sequential >= (byStart.length - 1) * SEQUENTIAL_SHARE;
}

/** "53 sequential SELECT on inventory". */
export function repeatedCallsText(found: RepeatedCalls): string {
  const on = found.target === '' || found.operation.includes(found.target) ? '' : ` on ${found.target}`;
  return `${found.rows.length} sequential ${found.operation}${on}`;
}

// --- all together ------------------------------------------------------------------------------------------

export type Finding =
  | { readonly kind: 'error'; readonly row: number; readonly total: number }
  | { readonly kind: 'repeated'; readonly row: number; readonly calls: RepeatedCalls }
  | { readonly kind: 'gap'; readonly row: number; readonly gap: Gap }
  | { readonly kind: 'orphans'; readonly row: number; readonly rows: readonly number[] }
  | { readonly kind: 'skew'; readonly row: number; readonly rows: readonly number[]; readonly maxNs: number }
  | { readonly kind: 'cycle'; readonly row: number; readonly rows: readonly number[] }
  | { readonly kind: 'duplicates'; readonly row: number; readonly rows: readonly number[] };

/** A gap is worth a word from this share of the trace, and from this length. */
const GAP_SHARE = 0.25;
const GAP_LEAST_NS = 10_000_000;
const MOST_PER_KIND = 3;
const MOST_GAPS = 1;

/** Findings in the order in which they are worth a look; at most a few of each kind. */
export function collectFindings(tree: TraceTree, errors: ErrorMap): Finding[] {
  const out: Finding[] = [];
  for (const row of errors.origins.slice(0, MOST_PER_KIND))
    out.push({ kind: 'error', row, total: errors.origins.length });
  for (const calls of findRepeatedCalls(tree).slice(0, MOST_PER_KIND))
    out.push({ kind: 'repeated', row: calls.rows[0]!, calls });
  const gapNs = Math.max(GAP_LEAST_NS, tree.lengthNs * GAP_SHARE);
  for (const gap of findGaps(tree, gapNs).slice(0, MOST_GAPS)) out.push({ kind: 'gap', row: gap.row, gap });
  const flagged = (flag: number): number[] => {
    const rows: number[] = [];
    for (let row = 0; row < tree.flags.length; row++) if ((tree.flags[row]! & flag) !== 0) rows.push(row);
    return rows;
  };
  const orphans = flagged(ORPHAN);
  if (orphans.length > 0) out.push({ kind: 'orphans', row: orphans[0]!, rows: orphans });
  const skewed = flagged(SKEWED);
  if (skewed.length > 0) {
    let worst = skewed[0]!;
    for (const row of skewed) if (Math.abs(tree.skewNs[row]!) > Math.abs(tree.skewNs[worst]!)) worst = row;
    out.push({ kind: 'skew', row: worst, rows: skewed, maxNs: tree.skewNs[worst]! });
  }
  const cycles = flagged(CYCLE);
  if (cycles.length > 0) out.push({ kind: 'cycle', row: cycles[0]!, rows: cycles });
  const doubled = flagged(DUPLICATE_ID);
  if (doubled.length > 0) out.push({ kind: 'duplicates', row: doubled[0]!, rows: doubled });
  return out;
}
