/**
 * Raw samples of one series as the engine reads them: floats and histograms in columns of their own, stale markers
 * known. Knows nothing of sources.
 */

import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import type { RawSeries } from '../../model/select-metrics.ts';
import { isStaleBits } from '../../model/stale.ts';
import { FLOAT, type Grid, HISTOGRAM, NONE, type StepSeries } from '../vector/series.ts';

const NO_TIMES = new Float64Array(0);

/** Samples without stale markers, ascending in time. */
export interface Samples {
  readonly labels: Labels;
  readonly times: Float64Array;
  readonly values: Float64Array;
  readonly histogramTimes: Float64Array;
  readonly histograms: readonly Histogram[];
}

/** Samples with the times at which the series was marked stale. */
export interface MarkedSamples extends Samples {
  /** Times of stale markers, ascending. */
  readonly staleTimes: Float64Array;
}

/** Splits a raw series into live samples and stale markers. */
export function markedSamples(raw: RawSeries): MarkedSamples {
  let times = raw.timestampsMs;
  let values = raw.values;
  const stale: number[] = [];
  const keep = liveFloats(values);
  if (keep !== undefined) {
    const liveTimes = new Float64Array(keep.live);
    const liveValues = new Float64Array(keep.live);
    let at = 0;
    for (let i = 0; i < values.length; i++) {
      if (keep.isStale[i] === 1) stale.push(times[i] as number);
      else {
        liveTimes[at] = times[i] as number;
        liveValues[at++] = values[i] as number;
      }
    }
    times = liveTimes;
    values = liveValues;
  }
  if (raw.histograms.length === 0) {
    return {
      labels: raw.labels,
      times,
      values,
      histogramTimes: NO_TIMES,
      histograms: [],
      staleTimes: stale.length === 0 ? NO_TIMES : Float64Array.from(stale),
    };
  }
  const histogramTimes: number[] = [];
  const histograms: Histogram[] = [];
  for (const { timestampMs, histogram } of raw.histograms) {
    if (histogram === null) stale.push(timestampMs);
    else {
      histogramTimes.push(timestampMs);
      histograms.push(histogram);
    }
  }
  return {
    labels: raw.labels,
    times,
    values,
    histogramTimes: Float64Array.from(histogramTimes),
    histograms,
    staleTimes: Float64Array.from(stale).sort(),
  };
}

/** Which floats are stale markers; undefined when none is. */
function liveFloats(values: Float64Array): { isStale: Uint8Array; live: number } | undefined {
  let isStale: Uint8Array | undefined;
  let live = values.length;
  let bits: Uint32Array | undefined;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    // biome-ignore lint/suspicious/noSelfCompare: the cheapest test for NaN in a hot loop
    if (v === v) continue;
    bits ??= new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
    if (!isStaleBits(bits[i * 2] as number, bits[i * 2 + 1] as number)) continue;
    isStale ??= new Uint8Array(values.length);
    isStale[i] = 1;
    live--;
  }
  return isStale === undefined ? undefined : { isStale, live };
}

/** The points of an evaluated series as samples, for functions over a subquery. */
export function samplesOfSteps(series: StepSeries, grid: Grid): Samples {
  let floats = 0;
  let histogramCount = 0;
  for (const kind of series.kinds) {
    if (kind === FLOAT) floats++;
    else if (kind === HISTOGRAM) histogramCount++;
  }
  const times = new Float64Array(floats);
  const values = new Float64Array(floats);
  const histogramTimes = new Float64Array(histogramCount);
  const histograms: Histogram[] = [];
  let at = 0;
  for (let i = 0; i < series.kinds.length; i++) {
    const kind = series.kinds[i];
    if (kind === NONE) continue;
    const time = grid.startMs + i * grid.stepMs;
    if (kind === FLOAT) {
      times[at] = time;
      values[at++] = series.values[i] as number;
    } else {
      const h = series.histograms?.[i] as Histogram;
      histogramTimes[histograms.length] = time;
      // A subquery may skip samples or repeat them, so what a sample says about resets no longer holds.
      const known = h.counterReset === 'reset' || h.counterReset === 'not_reset';
      histograms.push(known ? { ...h, counterReset: 'unknown' } : h);
    }
  }
  return { labels: series.labels, times, values, histogramTimes, histograms };
}

/** The first index whose time is greater than `time`. */
export function upperBound(times: Float64Array, time: number, from = 0): number {
  let low = from;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}
