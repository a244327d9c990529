/**
 * Everything the trace page shows that is computed from the spans alone, in one go. Pure.
 */

import { collectFindings, type ErrorMap, type Finding, mapErrors } from './findings.ts';
import type { Span } from './model.ts';
import { type ServiceSummary, serviceColours, summarizeServices } from './services.ts';
import { type CriticalPath, criticalPath, selfTimes } from './timing.ts';
import { buildTree, type TraceTree, type TreeOptions } from './tree.ts';

export interface TraceAnalysis {
  readonly tree: TraceTree;
  readonly selfNs: Float64Array;
  readonly path: CriticalPath;
  readonly errors: ErrorMap;
  readonly findings: readonly Finding[];
  readonly services: readonly ServiceSummary[];
  readonly colours: ReadonlyMap<string, string>;
}

/** About 150 ms for 50,000 spans, a millisecond for a hundred. */
export function analyseTrace(spans: readonly Span[], options: TreeOptions = {}): TraceAnalysis {
  const tree = buildTree(spans, options);
  const selfNs = selfTimes(tree);
  const path = criticalPath(tree);
  const errors = mapErrors(tree);
  const services = summarizeServices(tree, selfNs, path);
  return {
    tree,
    selfNs,
    path,
    errors,
    findings: collectFindings(tree, errors),
    services,
    colours: serviceColours(services.map((s) => s.service)),
  };
}
