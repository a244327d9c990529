/**
 * Which rows of the waterfall are shown (collapsing) and which match a search. Pure.
 */

import { type Attribute, attributeText, type Span, valueText } from './model.ts';
import { ancestorsOf, type TraceTree } from './tree.ts';

/** Rows shown when the subtrees of `collapsed` are closed, in order. */
export function visibleRows(tree: TraceTree, collapsed: ReadonlySet<number>): Int32Array {
  const n = tree.spans.length;
  const out = new Int32Array(n);
  let filled = 0;
  for (let row = 0; row < n; row += collapsed.has(row) ? tree.size[row]! : 1) out[filled++] = row;
  return out.subarray(0, filled);
}

/** Position of `row` in ascending `rows`, or -1. */
export function positionOf(rows: Int32Array, row: number): number {
  let low = 0;
  let high = rows.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = rows[middle]!;
    if (at === row) return middle;
    if (at < row) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** `collapsed` with every ancestor of `row` open, or the same set if they all are. */
export function revealed(tree: TraceTree, collapsed: ReadonlySet<number>, row: number): ReadonlySet<number> {
  const closed = ancestorsOf(tree, row).filter((a) => collapsed.has(a));
  if (closed.length === 0) return collapsed;
  const next = new Set(collapsed);
  for (const a of closed) next.delete(a);
  return next;
}

/** Rows to close so that only `levels` levels stay open. */
export function collapsedBelow(tree: TraceTree, levels: number): ReadonlySet<number> {
  const out = new Set<number>();
  for (let row = 0; row < tree.spans.length; row++)
    if (tree.depth[row] === levels - 1 && tree.size[row]! > 1) out.add(row);
  return out;
}

/** The next of ascending `targets` after `from` (before it with `step` -1), around the end; -1 if none. */
export function nextOf(targets: readonly number[], from: number, step: 1 | -1): number {
  if (targets.length === 0) return -1;
  if (step === 1) return targets.find((t) => t > from) ?? targets[0]!;
  return targets.findLast((t) => t < from) ?? targets.at(-1)!;
}

// --- search ------------------------------------------------------------------------------------------------

type Test = (span: Span, tree: TraceTree, row: number) => boolean;

const TERM = /"([^"]*)"|(\S+)/g;
const COMPARISON = /^([\w.\-/:]+)(!=|>=|<=|=|>|<)(.+)$/s;

/**
 * Rows that match every word of `query`. A word matches anywhere in service, name, ids, status message,
 * attribute keys and values and events, in any case; "quoted words" stay together. `key=value`, `!=`, `<`,
 * `<=`, `>`, `>=` compare an attribute or one of service, name, kind, status, duration (`duration>200ms`).
 */
export function searchSpans(tree: TraceTree, query: string): number[] {
  const tests: Test[] = [];
  for (const [, quoted, bare] of query.matchAll(TERM)) {
    const word = quoted ?? bare!;
    if (word === '') continue;
    const comparison = quoted === undefined ? COMPARISON.exec(word) : null;
    tests.push(
      comparison === null
        ? containsTest(word)
        : comparisonTest(comparison[1]!, comparison[2]!, comparison[3]!.replace(/^"|"$/g, '')),
    );
  }
  if (tests.length === 0) return [];
  const rows: number[] = [];
  for (let row = 0; row < tree.spans.length; row++)
    if (tests.every((test) => test(tree.spans[row]!, tree, row))) rows.push(row);
  return rows;
}

const haystacks = new WeakMap<Span, string>();
const resourceHaystacks = new WeakMap<object, string>();

function containsTest(word: string): Test {
  const needle = word.toLowerCase();
  return (span) => haystack(span).includes(needle) || resourceHaystack(span).includes(needle);
}

function haystack(span: Span): string {
  let text = haystacks.get(span);
  if (text === undefined) {
    const parts = [span.name, span.spanId, span.kind, span.statusMessage, span.scope.name];
    if (span.status === 'error') parts.push('error');
    pushAttributes(parts, span.attributes);
    for (const event of span.events) {
      parts.push(event.name);
      pushAttributes(parts, event.attributes);
    }
    for (const link of span.links) parts.push(link.traceId, link.spanId);
    text = parts.join('\n').toLowerCase();
    haystacks.set(span, text);
  }
  return text;
}

function resourceHaystack(span: Span): string {
  let text = resourceHaystacks.get(span.resource);
  if (text === undefined) {
    const parts = [span.resource.service];
    pushAttributes(parts, span.resource.attributes);
    text = parts.join('\n').toLowerCase();
    resourceHaystacks.set(span.resource, text);
  }
  return text;
}

function pushAttributes(parts: string[], attributes: readonly Attribute[]): void {
  for (const a of attributes) parts.push(`${a.key}=${valueText(a.value)}`);
}

function comparisonTest(key: string, operator: string, wanted: string): Test {
  const lower = wanted.toLowerCase();
  if (key === 'duration') {
    const wantedNs = parseDurationNs(wanted);
    if (wantedNs !== null)
      return (_span, tree, row) => compareNumbers(tree.durationNs[row]!, operator, wantedNs);
  }
  const number = wanted.trim() === '' ? Number.NaN : Number(wanted);
  return (span) => {
    const value = fieldText(span, key);
    if (value === null) return operator === '!=';
    if (operator === '=') return value.toLowerCase() === lower;
    if (operator === '!=') return value.toLowerCase() !== lower;
    return !Number.isNaN(number) && value !== '' && compareNumbers(Number(value), operator, number);
  };
}

function fieldText(span: Span, key: string): string | null {
  if (key === 'service') return span.resource.service;
  if (key === 'name') return span.name;
  if (key === 'kind') return span.kind;
  if (key === 'status') return span.status;
  const bare = key.replace(/^(span|resource|event)?\./, '');
  const own = attributeText(span.attributes, key, bare);
  if (own !== '') return own;
  const resource = attributeText(span.resource.attributes, key, bare);
  return resource === '' ? null : resource;
}

function compareNumbers(value: number, operator: string, wanted: number): boolean {
  switch (operator) {
    case '=':
      return value === wanted;
    case '!=':
      return value !== wanted;
    case '>':
      return value > wanted;
    case '>=':
      return value >= wanted;
    case '<':
      return value < wanted;
    default:
      return value <= wanted;
  }
}

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** "250ms", "1.5s", "1m30s" (Go's way) in nanoseconds; null if it is not a duration. */
export function parseDurationNs(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text.trim())) return null;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(number) * UNIT_NS[unit!]!;
  return total;
}
