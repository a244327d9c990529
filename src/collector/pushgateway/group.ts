/** What was pushed under one grouping key, and its text as a document. Knows nothing of HTTP or storage. */

import type { MetricMetadata } from '../../model/batch.ts';
import type { Histogram } from '../../model/histogram.ts';
import { Labels } from '../../model/labels.ts';

export interface PushedSeries {
  /** With __name__ and the grouping labels. */
  readonly labels: Labels;
  readonly value: number;
  /** A native histogram; `value` means nothing then. */
  readonly histogram: Histogram | undefined;
}

export interface PushedFamily {
  readonly name: string;
  readonly type: MetricMetadata['type'];
  readonly help: string;
  readonly unit: string;
  /** When it was pushed. */
  readonly timeMs: number;
  readonly series: readonly PushedSeries[];
}

export interface PushGroup {
  /** The grouping key, `job` included. */
  readonly labels: Labels;
  /** The last push that was taken and the last one that was not; 0 for never. */
  readonly pushMs: number;
  readonly failureMs: number;
  readonly families: readonly PushedFamily[];
}

export const PUSH_TIME = 'push_time_seconds';
export const PUSH_FAILURE_TIME = 'push_failure_time_seconds';

/** All families of a group, its two times among them. */
export function familiesOf(group: PushGroup): PushedFamily[] {
  const time = (name: string, result: string, ms: number): PushedFamily => ({
    name,
    type: 'gauge',
    help: `Last Unix time when changing this group in the Pushgateway ${result}.`,
    unit: '',
    timeMs: Math.max(group.pushMs, group.failureMs),
    series: [{ labels: group.labels.with('__name__', name), value: ms / 1000, histogram: undefined }],
  });
  return [
    ...group.families,
    time(PUSH_TIME, 'succeeded', group.pushMs),
    time(PUSH_FAILURE_TIME, 'failed', group.failureMs),
  ];
}

/** The same text for the same grouping key. */
export function groupId(labels: Labels): string {
  return JSON.stringify([...labels.entries()]);
}

interface StoredGroup {
  readonly labels: Record<string, string>;
  readonly pushMs: number;
  readonly failureMs: number;
  readonly families: readonly (Omit<PushedFamily, 'series'> & {
    readonly series: readonly (readonly [Record<string, string>, number, Histogram?])[];
  })[];
}

/** JSON has neither NaN, infinities nor -0: such numbers are written as `{"#": text}`. */
export function encodeGroup(group: PushGroup): string {
  const stored: StoredGroup = {
    labels: group.labels.toRecord(),
    pushMs: group.pushMs,
    failureMs: group.failureMs,
    families: group.families.map((family) => ({
      ...family,
      series: family.series.map(({ labels, value, histogram }) =>
        histogram === undefined ? [labels.toRecord(), value] : [labels.toRecord(), 0, histogram],
      ),
    })),
  };
  return JSON.stringify(stored, (_key, value) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
      ? { '#': Object.is(value, -0) ? '-0' : String(value) }
      : value,
  );
}

export function decodeGroup(text: string): PushGroup {
  const stored: StoredGroup = JSON.parse(text, (_key, value) =>
    typeof value === 'object' && value !== null && '#' in value ? Number(value['#']) : value,
  );
  return {
    labels: Labels.from(stored.labels),
    pushMs: stored.pushMs,
    failureMs: stored.failureMs,
    families: stored.families.map((family) => ({
      ...family,
      series: family.series.map(([labels, value, histogram]) => ({
        labels: Labels.from(labels),
        value,
        histogram,
      })),
    })),
  };
}
