/** Series of metrics queries: labels with typed values, one number per point of the grid. */

import { NIL, type Static, staticKey, stringStatic } from '../static.ts';

export interface SeriesLabel {
  readonly name: string;
  readonly value: Static;
}

export interface SeriesExemplar {
  readonly traceId: string;
  readonly timestampMs: number;
  readonly value: number;
}

export interface MetricSeries {
  readonly labels: readonly SeriesLabel[];
  /** NaN = no sample at that point. */
  readonly values: Float64Array;
  readonly exemplars: readonly SeriesExemplar[];
}

/** The label of series that are grouped by nothing. */
export const NAME_LABEL = '__name__';
const ABSENT = stringStatic('nil');

/**
 * Labels of a group: what the spans lack gives no label; if they lack all of it, the first label says `nil`.
 */
export function groupLabels(names: readonly string[], values: readonly Static[]): SeriesLabel[] {
  const labels = names
    .map((name, i) => ({ name, value: values[i] ?? NIL }))
    .filter(({ value }) => value.type !== 'nil');
  const [first] = names;
  return labels.length > 0 || first === undefined ? labels : [{ name: first, value: ABSENT }];
}

/** A text that is the same for the same labels, the name of the metric left out. */
export function labelsKey(labels: readonly SeriesLabel[]): string {
  return labels
    .filter(({ name }) => name !== NAME_LABEL)
    .map(({ name, value }) => `${name}\u0000${staticKey(value)}`)
    .sort()
    .join('\u0001');
}
