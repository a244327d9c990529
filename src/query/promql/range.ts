/** Runs a function over the windows of one series after the other. */

import type { Histogram } from '../../model/histogram.ts';
import { Columns } from '../vector/columns.ts';
import { FLOAT, HISTOGRAM, type StepSeries } from '../vector/series.ts';
import type { Annotations } from './annotations.ts';
import type { RangeFunction, Value } from './functions/function.ts';
import type { Plan } from './plan.ts';
import { type Samples, upperBound } from './samples.ts';
import { Window } from './window.ts';

/** Gives a function from the samples of a series to its points; undefined when there is none. */
export function evaluateRange(
  func: RangeFunction,
  plan: Plan & { kind: 'range-call' },
  args: readonly Value[],
  annotations: Annotations,
): (samples: Samples) => StepSeries | undefined {
  const { grid, window: windowPlan, rangeArg } = plan;
  const { points, stepMs } = grid;
  const { atMs, offsetMs } = windowPlan.times;
  const { rangeMs } = windowPlan;
  const scalarArgs = args.map((arg, i) => (i !== rangeArg && arg.type === 'scalar' ? arg.values : undefined));
  const hasParams = scalarArgs.some((values) => values !== undefined);
  const w = new Window(
    annotations,
    plan.expr.args.map((arg) => arg.range.start),
  );
  w.rangeMs = rangeMs;
  w.params = args.map(() => Number.NaN);
  const firstEnd = (atMs ?? grid.startMs) - offsetMs;
  const endStep = atMs === undefined ? stepMs : 0;
  const { apply, column } = func;
  const columns = new Columns(points);
  const windows = { firstEndMs: firstEnd, stepMs: endStep, points, rangeMs };
  return (samples) => {
    const { times, histogramTimes } = samples;
    const { kinds, values } = columns;
    let histograms: (Histogram | undefined)[] | undefined;
    let any = false;
    if (column !== undefined && samples.histograms.length === 0) {
      if (!column(samples, windows, kinds, values)) return undefined;
      columns.next();
      return { labels: samples.labels, kinds, values };
    }
    w.samples = samples;
    let from = upperBound(times, firstEnd - rangeMs);
    let to = from;
    let histogramFrom = histogramTimes.length === 0 ? 0 : upperBound(histogramTimes, firstEnd - rangeMs);
    let histogramTo = histogramFrom;
    for (let i = 0; i < points; i++) {
      const endMs = firstEnd + i * endStep;
      const startMs = endMs - rangeMs;
      while (from < times.length && (times[from] as number) <= startMs) from++;
      if (to < from) to = from;
      while (to < times.length && (times[to] as number) <= endMs) to++;
      while (histogramFrom < histogramTimes.length && (histogramTimes[histogramFrom] as number) <= startMs)
        histogramFrom++;
      if (histogramTo < histogramFrom) histogramTo = histogramFrom;
      while (histogramTo < histogramTimes.length && (histogramTimes[histogramTo] as number) <= endMs)
        histogramTo++;
      if (to === from && histogramTo === histogramFrom) continue;
      w.from = from;
      w.to = to;
      w.histogramFrom = histogramFrom;
      w.histogramTo = histogramTo;
      w.startMs = startMs;
      w.endMs = endMs;
      w.timeMs = grid.startMs + i * stepMs;
      w.hasFloat = false;
      w.histogram = undefined;
      if (hasParams) {
        for (let p = 0; p < scalarArgs.length; p++) {
          const list = scalarArgs[p];
          if (list !== undefined) w.params[p] = list[i] as number;
        }
      }
      apply(w);
      if (w.hasFloat) {
        kinds[i] = FLOAT;
        values[i] = w.value;
        any = true;
      } else if (w.histogram !== undefined) {
        kinds[i] = HISTOGRAM;
        histograms ??= new Array<Histogram | undefined>(points);
        histograms[i] = w.histogram;
        any = true;
      }
    }
    if (!any) return undefined;
    columns.next();
    return { labels: samples.labels, kinds, values, histograms };
  };
}
