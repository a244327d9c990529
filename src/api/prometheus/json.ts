/** Query results as Prometheus's JSON, written piece by piece so that a large matrix never is one string. */

import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import type { QueryData } from '../../query/promql/index.ts';
import { formatSample } from '../../query/syntax/numbers.ts';
import { type Bucket, populatedBuckets } from '../../query/vector/histogram/bounds.ts';
import { FLOAT, type Grid, HISTOGRAM, type StepSeries } from '../../query/vector/series.ts';

/** How long a piece of text becomes before it is handed on. */
const PIECE = 1 << 16;

/** Milliseconds as seconds with up to three digits: 1793578500 or 1793578500.250. */
export function timeJson(ms: number): string {
  const whole = Math.trunc(ms / 1000);
  const rest = Math.abs(ms - whole * 1000);
  const sign = ms < 0 && whole === 0 ? '-' : '';
  return rest === 0 ? sign + String(whole) : `${sign}${whole}.${String(rest).padStart(3, '0')}`;
}

export function labelsJson(labels: Labels): string {
  let out = '{';
  for (let i = 0; i < labels.size; i++) {
    if (i > 0) out += ',';
    out += `${JSON.stringify(labels.names[i])}:${JSON.stringify(labels.values[i])}`;
  }
  return `${out}}`;
}

/** 0: (lower, upper], 1: [lower, upper), 2: open, 3: closed. */
function boundaryRule(bucket: Bucket): number {
  if (bucket.lowerInclusive) return bucket.upperInclusive ? 3 : 1;
  return bucket.upperInclusive ? 0 : 2;
}

export function histogramJson(h: Histogram): string {
  let out = `{"count":"${formatSample(h.count)}","sum":"${formatSample(h.sum)}"`;
  const buckets = populatedBuckets(h);
  buckets.forEach((b, i) => {
    out += i === 0 ? ',"buckets":[' : ',';
    out += `[${boundaryRule(b)},"${formatSample(b.lower)}","${formatSample(b.upper)}","${formatSample(b.count)}"]`;
  });
  return `${out}${buckets.length > 0 ? ']' : ''}}`;
}

/** The value of `data`, without statistics. */
export function* queryDataJson(data: QueryData): Generator<string> {
  switch (data.type) {
    case 'scalar':
      yield `{"resultType":"scalar","result":[${timeJson(data.timeMs)},"${formatSample(data.value)}"]`;
      return;
    case 'string':
      yield `{"resultType":"string","result":[${timeJson(data.timeMs)},${JSON.stringify(data.value)}]`;
      return;
    case 'vector':
      yield '{"resultType":"vector","result":[';
      yield* vectorJson(data.timeMs, data.series);
      yield ']';
      return;
    case 'matrix':
      yield '{"resultType":"matrix","result":[';
      yield* matrixJson(data.grid, data.series);
      yield ']';
      return;
    case 'samples': {
      yield '{"resultType":"matrix","result":[';
      let first = true;
      for (const { labels, times, values, histogramTimes, histograms } of data.series) {
        let out = `${first ? '' : ','}{"metric":${labelsJson(labels)}`;
        first = false;
        for (let i = 0; i < times.length; i++) {
          out += `${i === 0 ? ',"values":[' : ','}[${timeJson(times[i] as number)},"${formatSample(values[i] as number)}"]`;
          if (out.length > PIECE) {
            yield out;
            out = '';
          }
        }
        if (times.length > 0) out += ']';
        histograms.forEach((h, i) => {
          out += `${i === 0 ? ',"histograms":[' : ','}[${timeJson(histogramTimes[i] as number)},${histogramJson(h)}]`;
        });
        if (histograms.length > 0) out += ']';
        yield `${out}}`;
      }
      yield ']';
    }
  }
}

function* vectorJson(timeMs: number, list: readonly StepSeries[]): Generator<string> {
  const time = timeJson(timeMs);
  let out = '';
  let first = true;
  for (const series of list) {
    const head = `${first ? '' : ','}{"metric":${labelsJson(series.labels)},`;
    first = false;
    if (series.kinds[0] === HISTOGRAM) {
      out += `${head}"histogram":[${time},${histogramJson(series.histograms?.[0] as Histogram)}]}`;
    } else out += `${head}"value":[${time},"${formatSample(series.values[0] as number)}"]}`;
    if (out.length > PIECE) {
      yield out;
      out = '';
    }
  }
  yield out;
}

function* matrixJson(grid: Grid, list: readonly StepSeries[]): Generator<string> {
  // Every series has the same times, so they are written once.
  const times: string[] = [];
  for (let i = 0; i < grid.points; i++) times.push(`[${timeJson(grid.startMs + i * grid.stepMs)},`);
  let out = '';
  let first = true;
  for (const { labels, kinds, values, histograms } of list) {
    out += `${first ? '' : ','}{"metric":${labelsJson(labels)}`;
    first = false;
    let open = ',"values":[';
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] !== FLOAT) continue;
      out += `${open}${times[i]}"${formatSample(values[i] as number)}"]`;
      open = ',';
    }
    if (open === ',') out += ']';
    if (histograms !== undefined) {
      open = ',"histograms":[';
      for (let i = 0; i < kinds.length; i++) {
        if (kinds[i] !== HISTOGRAM) continue;
        out += `${open}${times[i]}${histogramJson(histograms[i] as Histogram)}]`;
        open = ',';
      }
      if (open === ',') out += ']';
    }
    out += '}';
    if (out.length > PIECE) {
      yield out;
      out = '';
    }
  }
  yield out;
}
