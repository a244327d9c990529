/** What each service of a trace spent. Pure. */

import type { CriticalPath } from './timing.ts';
import type { TraceTree } from './tree.ts';

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
