/**
 * Aggregation operators that give one series per group: sum, avg, min, max, count, group, stddev, stdvar, quantile.
 * Works column by column: the state of a group is an array over the grid.
 */

import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import { type Grouping, groupSeries } from './grouping.ts';
import { addHistograms, compact, divideHistogram, subtractHistograms } from './histogram/arithmetic.ts';
import { kahanAdd } from './kahan.ts';
import type { NoteSink } from './notes.ts';
import { quantile } from './quantile.ts';
import { FLOAT, HISTOGRAM, hasPoints, NONE, type StepSeries } from './series.ts';

export type AggregateOperation =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'quantile';

/** Flags of one point of one group. */
const SEEN_FLOAT = 1;
const SEEN_HISTOGRAM = 2;
const INCOMPATIBLE = 4;
/** The running sum would overflow, so the mean is carried on instead. */
const INCREMENTAL = 8;

/** State of one group; columns that an operation does not need stay empty. */
interface Group {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly flags: Uint8Array;
  readonly value: Float64Array;
  readonly compensation: Float64Array;
  readonly count: Float64Array;
  readonly mean: Float64Array;
  histograms: (Histogram | undefined)[] | undefined;
  samples: number[][] | undefined;
}

const NOTHING = new Float64Array(0);

/**
 * Aggregates. `parameter[i]` is the quantile at point i (only for quantile). Groups come in the order of first
 * appearance; groups without a point are left out.
 */
export function aggregate(
  operation: AggregateOperation,
  input: readonly StepSeries[],
  points: number,
  grouping: Grouping,
  parameter: Float64Array | undefined,
  note: NoteSink,
): StepSeries[] {
  const { labels, groupOf } = groupSeries(input, grouping);
  const needsCount = operation === 'avg' || operation === 'count' || operation.startsWith('std');
  const groups: Group[] = labels.map((group) => ({
    labels: group,
    dropName: false,
    flags: new Uint8Array(points),
    value: new Float64Array(points),
    compensation: operation === 'sum' || operation === 'avg' ? new Float64Array(points) : NOTHING,
    count: needsCount ? new Float64Array(points) : NOTHING,
    mean: operation === 'avg' || operation.startsWith('std') ? new Float64Array(points) : NOTHING,
    histograms: undefined,
    samples: operation === 'quantile' ? new Array<number[]>(points) : undefined,
  }));
  const add = ADDERS[operation];
  for (let i = 0; i < input.length; i++) {
    const series = input[i] as StepSeries;
    const group = groups[groupOf[i] as number] as Group;
    if (series.dropName === true && !group.dropName) (group as { dropName: boolean }).dropName = true;
    add(group, series, note);
  }
  const out: StepSeries[] = [];
  for (const group of groups) {
    const series = finish(operation, group, parameter, note);
    if (hasPoints(series)) out.push(series);
  }
  return out;
}

type Adder = (group: Group, series: StepSeries, note: NoteSink) => void;

const ADDERS: Readonly<Record<AggregateOperation, Adder>> = {
  sum: addSum,
  avg: addAverage,
  min: (group, series, note) => addExtreme(group, series, note, 'min'),
  max: (group, series, note) => addExtreme(group, series, note, 'max'),
  count: (group, series) => {
    const { kinds } = series;
    const { count, flags } = group;
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] === NONE) continue;
      flags[i] = SEEN_FLOAT;
      count[i] = (count[i] as number) + 1;
    }
  },
  group: (group, series) => {
    const { kinds } = series;
    for (let i = 0; i < kinds.length; i++) if (kinds[i] !== NONE) group.flags[i] = SEEN_FLOAT;
  },
  stddev: (group, series, note) => addDeviation(group, series, note, 'stddev'),
  stdvar: (group, series, note) => addDeviation(group, series, note, 'stdvar'),
  quantile: (group, series, note) => {
    const { kinds, values } = series;
    const samples = group.samples as number[][];
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] === FLOAT) {
        group.flags[i] = SEEN_FLOAT;
        const list = samples[i];
        if (list === undefined) samples[i] = [values[i] as number];
        else list.push(values[i] as number);
      } else if (kinds[i] === HISTOGRAM) note({ kind: 'histogram-ignored', operation: 'quantile' });
    }
  },
};

function addSum(group: Group, series: StepSeries, note: NoteSink): void {
  const { kinds, values } = series;
  const { flags, value, compensation } = group;
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    if (kind === FLOAT) {
      const flag = flags[i] as number;
      const v = values[i] as number;
      if (flag === SEEN_FLOAT) {
        // The common case; kahanAdd written out, since this is the innermost loop of most queries.
        const s = value[i] as number;
        const t = s + v;
        if (t === Number.POSITIVE_INFINITY || t === Number.NEGATIVE_INFINITY) compensation[i] = 0;
        else {
          compensation[i] =
            (compensation[i] as number) + (Math.abs(s) >= Math.abs(v) ? s - t + v : v - t + s);
        }
        value[i] = t;
      } else if (flag === 0) {
        flags[i] = SEEN_FLOAT;
        value[i] = v;
      } else if ((flag & INCOMPATIBLE) === 0) {
        flags[i] = flag | SEEN_FLOAT;
        kahanAdd(value, compensation, i, v);
      }
    } else if (kind === HISTOGRAM) addHistogramSum(group, series, i, note);
  }
}

function addHistogramSum(group: Group, series: StepSeries, i: number, note: NoteSink): void {
  const h = series.histograms?.[i] as Histogram;
  const flag = group.flags[i] as number;
  if ((flag & INCOMPATIBLE) !== 0) return;
  group.flags[i] = flag | SEEN_HISTOGRAM;
  group.histograms ??= new Array<Histogram | undefined>(group.flags.length);
  const before = group.histograms[i];
  if (flag === 0) group.histograms[i] = h;
  else if (before !== undefined) {
    const sum = addHistograms(before, h);
    if (typeof sum === 'string') {
      group.flags[i] = (group.flags[i] as number) | INCOMPATIBLE;
      note({ kind: 'incompatible-histograms', reason: sum, metric: series.labels.get('__name__') });
    } else group.histograms[i] = sum;
  }
}

function addAverage(group: Group, series: StepSeries, note: NoteSink): void {
  const { kinds, values } = series;
  const { flags, value, compensation, count, mean } = group;
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    if (kind === NONE) continue;
    const flag = flags[i] as number;
    if ((flag & INCOMPATIBLE) !== 0) continue;
    const n = (count[i] as number) + 1;
    count[i] = n;
    if (kind === HISTOGRAM) {
      addHistogramAverage(group, series, i, n, note);
      continue;
    }
    flags[i] = flag | SEEN_FLOAT;
    const v = values[i] as number;
    if (n === 1) {
      value[i] = v;
      mean[i] = v;
      continue;
    }
    if ((flag & INCREMENTAL) === 0) {
      const oldValue = value[i] as number;
      const oldCompensation = compensation[i] as number;
      kahanAdd(value, compensation, i, v);
      const sum = value[i] as number;
      if (sum !== Number.POSITIVE_INFINITY && sum !== Number.NEGATIVE_INFINITY) continue;
      // The sum overflows: carry on with the mean instead.
      value[i] = oldValue;
      flags[i] = (flags[i] as number) | INCREMENTAL;
      mean[i] = oldValue / (n - 1);
      compensation[i] = oldCompensation / (n - 1);
    }
    const q = (n - 1) / n;
    mean[i] = q * (mean[i] as number);
    compensation[i] = q * (compensation[i] as number);
    kahanAdd(mean, compensation, i, v / n);
  }
}

function addHistogramAverage(group: Group, series: StepSeries, i: number, n: number, note: NoteSink): void {
  const h = series.histograms?.[i] as Histogram;
  const first = group.flags[i] === 0;
  group.flags[i] = (group.flags[i] as number) | SEEN_HISTOGRAM;
  group.histograms ??= new Array<Histogram | undefined>(group.flags.length);
  const before = group.histograms[i];
  if (first) group.histograms[i] = h;
  else if (before !== undefined) {
    const step = subtractHistograms(divideHistogram(h, n), divideHistogram(before, n));
    const next = typeof step === 'string' ? step : addHistograms(before, step);
    if (typeof next === 'string') {
      group.flags[i] = (group.flags[i] as number) | INCOMPATIBLE;
      note({ kind: 'incompatible-histograms', reason: next, metric: series.labels.get('__name__') });
    } else group.histograms[i] = next;
  }
}

function addExtreme(group: Group, series: StepSeries, note: NoteSink, operation: 'min' | 'max'): void {
  const { kinds, values } = series;
  const { flags, value } = group;
  const isMax = operation === 'max';
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    if (kind === FLOAT) {
      const v = values[i] as number;
      const best = value[i] as number;
      if (flags[i] === 0) {
        flags[i] = SEEN_FLOAT;
        value[i] = v;
      } else if ((isMax ? best < v : best > v) || Number.isNaN(best)) value[i] = v;
    } else if (kind === HISTOGRAM) note({ kind: 'histogram-ignored', operation });
  }
}

function addDeviation(
  group: Group,
  series: StepSeries,
  note: NoteSink,
  operation: 'stddev' | 'stdvar',
): void {
  const { kinds, values } = series;
  const { flags, value, count, mean } = group;
  for (let i = 0; i < kinds.length; i++) {
    const kind = kinds[i];
    if (kind === FLOAT) {
      const v = values[i] as number;
      if (flags[i] === 0) {
        flags[i] = SEEN_FLOAT;
        count[i] = 1;
        mean[i] = v;
        value[i] = Number.isFinite(v) ? 0 : Number.NaN;
      } else {
        const n = (count[i] as number) + 1;
        const delta = v - (mean[i] as number);
        const next = (mean[i] as number) + delta / n;
        count[i] = n;
        mean[i] = next;
        value[i] = (value[i] as number) + delta * (v - next);
      }
    } else if (kind === HISTOGRAM) note({ kind: 'histogram-ignored', operation });
  }
}

function finish(
  operation: AggregateOperation,
  group: Group,
  parameter: Float64Array | undefined,
  note: NoteSink,
): StepSeries {
  const { flags, value } = group;
  const points = flags.length;
  const kinds = new Uint8Array(points);
  let histograms: (Histogram | undefined)[] | undefined;
  for (let i = 0; i < points; i++) {
    const flag = flags[i] as number;
    if (flag === 0) continue;
    kinds[i] = FLOAT;
    switch (operation) {
      case 'sum':
      case 'avg':
        if ((flag & SEEN_FLOAT) !== 0 && (flag & SEEN_HISTOGRAM) !== 0) {
          note({ kind: 'mixed-floats-histograms' });
          kinds[i] = NONE;
        } else if ((flag & INCOMPATIBLE) !== 0) kinds[i] = NONE;
        else if ((flag & SEEN_HISTOGRAM) !== 0) {
          kinds[i] = HISTOGRAM;
          histograms ??= new Array<Histogram | undefined>(points);
          histograms[i] = compact(group.histograms?.[i] as Histogram);
        } else if (operation === 'sum') value[i] = (value[i] as number) + (group.compensation[i] as number);
        else if ((flag & INCREMENTAL) !== 0)
          value[i] = (group.mean[i] as number) + (group.compensation[i] as number);
        else {
          const n = group.count[i] as number;
          value[i] = (value[i] as number) / n + (group.compensation[i] as number) / n;
        }
        break;
      case 'count':
        value[i] = group.count[i] as number;
        break;
      case 'group':
        value[i] = 1;
        break;
      case 'stdvar':
        value[i] = (value[i] as number) / (group.count[i] as number);
        break;
      case 'stddev':
        value[i] = Math.sqrt((value[i] as number) / (group.count[i] as number));
        break;
      case 'quantile':
        value[i] = quantile(parameter?.[i] as number, group.samples?.[i] as number[]);
        break;
    }
  }
  return {
    labels: group.labels,
    kinds,
    values: value,
    histograms,
    dropName: group.dropName,
  };
}
