/**
 * Services of a trace: their colours and what each of them spent. Pure.
 * Colours come from the name's hash, so a service keeps its colour from trace to trace; two services of one
 * trace that hash to the same place are told apart by taking the next free one.
 */

import type { CriticalPath } from './timing.ts';
import type { TraceTree } from './tree.ts';

/**
 * Every colour stands out at least 3:1 from the surfaces of both themes, the least that WCAG 2 (1.4.11) asks
 * of graphics, and any two are at least 0.09 apart in OKLab. Chosen one by one as the farthest from those
 * before it and from the red of errors, so the first ones differ most.
 */
export const SERVICE_COLOURS: readonly string[] = [
  '#3b82c4',
  '#3f9b01',
  '#ad41b8',
  '#746c4a',
  '#b58707',
  '#8d74fe',
  '#a3849b',
  '#289785',
  '#db3d7e',
  '#d961d2',
  '#aa5e61',
  '#cf5c00',
  '#8667a6',
  '#0065da',
  '#087988',
  '#02814b',
  '#8b9472',
  '#777f00',
];

/** FNV-1a, 32 bits, over UTF-16 units. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** Places in the palette that were given out before, by name. */
export type ColourMemory = Map<string, number>;

/**
 * A colour per service; the same set of names gets the same colours, whatever their order. With a memory, a
 * service keeps the colour that it had on an earlier page unless another one of this page has it.
 */
export function serviceColours(
  names: Iterable<string>,
  memory: ColourMemory = new Map(),
): ReadonlyMap<string, string> {
  const size = SERVICE_COLOURS.length;
  const taken = new Set<number>();
  const out = new Map<string, string>();
  const give = (name: string, wanted: number): void => {
    let at = wanted;
    if (taken.size < size) while (taken.has(at)) at = (at + 1) % size;
    taken.add(at);
    out.set(name, SERVICE_COLOURS[at]!);
    if (!memory.has(name)) memory.set(name, at);
  };
  const sorted = [...new Set(names)].sort();
  const known = sorted.filter((name) => memory.has(name));
  for (const name of known) give(name, memory.get(name)!);
  for (const name of sorted) if (!out.has(name)) give(name, hashName(name) % size);
  return out;
}

export interface ServiceSummary {
  readonly service: string;
  readonly spans: number;
  readonly errors: number;
  /** Sum of own times; parallel work counts as often as it ran. */
  readonly selfNs: number;
  /** Time on the critical path. */
  readonly criticalNs: number;
  readonly longestNs: number;
  readonly longestRow: number;
}

/** One entry per service, most critical time first, then most own time. */
export function summarizeServices(tree: TraceTree, self: Float64Array, path: CriticalPath): ServiceSummary[] {
  interface Sum {
    spans: number;
    errors: number;
    selfNs: number;
    criticalNs: number;
    longestNs: number;
    longestRow: number;
  }
  const sums = new Map<string, Sum>();
  for (let row = 0; row < tree.spans.length; row++) {
    const span = tree.spans[row]!;
    let sum = sums.get(span.resource.service);
    if (sum === undefined) {
      sum = { spans: 0, errors: 0, selfNs: 0, criticalNs: 0, longestNs: -1, longestRow: row };
      sums.set(span.resource.service, sum);
    }
    sum.spans++;
    if (span.status === 'error') sum.errors++;
    sum.selfNs += self[row]!;
    if (tree.durationNs[row]! > sum.longestNs) {
      sum.longestNs = tree.durationNs[row]!;
      sum.longestRow = row;
    }
    for (const part of path.segments.get(row) ?? []) sum.criticalNs += part.toNs - part.fromNs;
  }
  return [...sums]
    .map(([service, sum]) => ({ service, ...sum }))
    .sort((a, b) => b.criticalNs - a.criticalNs || b.selfNs - a.selfNs || (a.service < b.service ? -1 : 1));
}
