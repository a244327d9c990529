/** Groups of series by labels: `by (...)` and `without (...)`. */

import { Labels, METRIC_NAME } from '../../model/labels.ts';
import type { StepSeries } from './series.ts';

export interface Grouping {
  /** true: group by these labels; false: by all labels but these and the metric name. */
  readonly by: boolean;
  readonly labels: readonly string[];
}

export interface Groups {
  /** Labels of each group, in the order of first appearance. */
  readonly labels: Labels[];
  /** The group of each input series. */
  readonly groupOf: Int32Array;
}

/** The labels of the group that a label set belongs to. */
export function groupLabels(grouping: Grouping): (labels: Labels) => Labels {
  if (grouping.by) {
    if (grouping.labels.length === 0) return () => Labels.EMPTY;
    const keep = new Set(grouping.labels);
    return (labels) => labels.keep(keep);
  }
  const drop = new Set([...grouping.labels, METRIC_NAME]);
  return (labels) => labels.without(drop);
}

export function groupSeries(input: readonly StepSeries[], grouping: Grouping): Groups {
  const groupOf = new Int32Array(input.length);
  const of = groupLabels(grouping);
  if (grouping.by && grouping.labels.length === 0)
    return { labels: input.length === 0 ? [] : [Labels.EMPTY], groupOf };
  const labels: Labels[] = [];
  const index = new Map<string, number>();
  for (let i = 0; i < input.length; i++) {
    const group = of((input[i] as StepSeries).labels);
    let at = index.get(group.key);
    if (at === undefined) {
      at = labels.length;
      labels.push(group);
      index.set(group.key, at);
    }
    groupOf[i] = at;
  }
  return { labels, groupOf };
}
