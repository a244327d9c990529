/** Loads the conformance kit's data sets into a memory source. */

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Histogram } from '../../src/model/histogram.ts';
import { Labels } from '../../src/model/labels.ts';
import { MemorySource } from './memory-source.ts';

interface KitHistogram {
  stale?: boolean;
  schema: number;
  count: number;
  sum: string;
  zt?: number;
  zc?: number;
  ps?: [number, number][];
  pc?: number[];
  ns?: [number, number][];
  nc?: number[];
  custom?: number[];
  hint?: Histogram['counterReset'];
  float?: boolean;
}

interface KitSeries {
  labels: Record<string, string>;
  events: ({ t: number; v: number } | { t: number; stale: true } | { t: number; h: KitHistogram })[];
  exemplars?: { labels: Record<string, string>; v: number; t: number }[];
}

function histogram(h: KitHistogram): Histogram {
  const spans = (list: [number, number][] | undefined) =>
    (list ?? []).map(([offset, length]) => ({ offset, length }));
  return {
    schema: h.schema,
    count: h.count,
    sum: Number(h.sum === '+Inf' ? Infinity : h.sum === '-Inf' ? -Infinity : h.sum),
    zeroThreshold: h.zt ?? 0,
    zeroCount: h.zc ?? 0,
    positiveSpans: spans(h.ps),
    positiveCounts: h.pc ?? [],
    negativeSpans: spans(h.ns),
    negativeCounts: h.nc ?? [],
    customValues: h.custom ?? [],
    counterReset: h.hint ?? 'unknown',
    isFloat: h.float ?? false,
  };
}

/** The kit's runner as a module. */
// biome-ignore lint/suspicious/noExplicitAny: a plain JavaScript module
export async function kitRunner(dir: string): Promise<any> {
  return import(pathToFileURL(path.join(dir, 'check-promql.mjs')).href);
}

export async function loadConformanceData(dir: string): Promise<MemorySource> {
  const { readDatasets } = await kitRunner(dir);
  const source = new MemorySource();
  for (const series of (readDatasets() as { series: KitSeries[] }).series) {
    source.add(
      Labels.from(series.labels),
      series.events.map((event) => {
        if ('h' in event) {
          return { timestampMs: event.t, value: event.h.stale ? 'stale-histogram' : histogram(event.h) };
        }
        return { timestampMs: event.t, value: 'stale' in event ? 'stale' : event.v };
      }),
      (series.exemplars ?? []).map((e) => ({ labels: Labels.from(e.labels), value: e.v, timestampMs: e.t })),
    );
  }
  return source;
}
