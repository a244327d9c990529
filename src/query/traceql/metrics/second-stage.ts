/** What follows a metrics function: topk, bottomk, thresholds, and arithmetic between two queries. */

import type { SecondStage } from '../ast.ts';
import { type Comparison, compareText, formatStatic, stringStatic, toNumber } from '../static.ts';
import { labelsKey, type MetricSeries, NAME_LABEL, type SeriesLabel } from './series.ts';

const NS_PER_SECOND = 1e9;

export function applySecondStages(series: MetricSeries[], stages: readonly SecondStage[]): MetricSeries[] {
  for (const stage of stages) {
    series =
      stage.kind === 'threshold'
        ? threshold(series, stage.op, thresholdValue(stage.value))
        : ranked(series, stage.kind, stage.limit);
  }
  return series;
}

/** Durations are compared in seconds, as values are. */
function thresholdValue(value: Extract<SecondStage, { kind: 'threshold' }>['value']): number {
  const number = toNumber(value) ?? Number.NaN;
  return value.type === 'duration' ? number / NS_PER_SECOND : number;
}

const hasSample = (series: MetricSeries): boolean => series.values.some((value) => !Number.isNaN(value));

function threshold(series: readonly MetricSeries[], op: Comparison, limit: number): MetricSeries[] {
  const passes = (value: number): boolean => {
    switch (op) {
      case '=':
        return value === limit;
      case '!=':
        return value !== limit;
      case '<':
        return value < limit;
      case '<=':
        return value <= limit;
      case '>':
        return value > limit;
      case '>=':
        return value >= limit;
    }
  };
  return series
    .map((one) => ({ ...one, values: one.values.map((value) => (passes(value) ? value : Number.NaN)) }))
    .filter(hasSample);
}

function compareLabels(a: readonly SeriesLabel[], b: readonly SeriesLabel[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[i];
    const y = b[i];
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
    const order =
      compareText(formatStatic(x.value, false), formatStatic(y.value, false)) || compareText(x.name, y.name);
    if (order !== 0) return order;
  }
  return 0;
}

/** Point by point the k largest (smallest); ties go to the first (last) in the order of labels. */
function ranked(series: readonly MetricSeries[], kind: 'topk' | 'bottomk', limit: number): MetricSeries[] {
  const sorted = [...series].sort((a, b) => compareLabels(a.labels, b.labels));
  if (kind === 'bottomk') sorted.reverse();
  const kept = sorted.map((one) => new Float64Array(one.values.length).fill(Number.NaN));
  const points = sorted[0]?.values.length ?? 0;
  for (let point = 0; point < points; point++) {
    const present: number[] = [];
    sorted.forEach((one, i) => {
      if (!Number.isNaN(one.values[point])) present.push(i);
    });
    const at = (i: number): number => sorted[i]?.values[point] as number;
    present.sort((i, j) => (kind === 'topk' ? at(j) - at(i) : at(i) - at(j)) || i - j);
    for (const i of present.slice(0, limit)) (kept[i] as Float64Array)[point] = at(i);
  }
  return sorted.map((one, i) => ({ ...one, values: kept[i] as Float64Array })).filter(hasSample);
}

function compute(op: '+' | '-' | '*' | '/', a: number, b: number): number {
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return b === 0 ? Number.NaN : a / b;
  }
}

const nameOf = (labels: readonly SeriesLabel[]): string | undefined => {
  const value = labels.find(({ name }) => name === NAME_LABEL)?.value;
  return value?.type === 'string' ? value.value : undefined;
};

/**
 * Arithmetic between the series of two queries that have the same labels; a series without labels goes with all of
 * the other side. Dividing by zero leaves no sample.
 */
export function applyMath(
  op: '+' | '-' | '*' | '/',
  left: readonly MetricSeries[],
  right: readonly MetricSeries[],
): MetricSeries[] {
  const lefts = new Map(left.map((one) => [labelsKey(one.labels), one]));
  const rights = new Map(right.map((one) => [labelsKey(one.labels), one]));
  const target = rights.has('') ? lefts : rights;
  const out: MetricSeries[] = [];
  for (const key of target.keys()) {
    const a = lefts.get(key) ?? lefts.get('');
    const b = rights.get(key) ?? rights.get('');
    if (a === undefined || b === undefined) continue;
    const names = [nameOf(a.labels), nameOf(b.labels)];
    const labels = [
      ...a.labels,
      ...b.labels.filter(({ name }) => !a.labels.some((own) => own.name === name)),
    ].filter(({ name }) => name !== NAME_LABEL);
    if (names[0] !== undefined && names[1] !== undefined) {
      labels.push({ name: NAME_LABEL, value: stringStatic(`(${names[0]} ${op} ${names[1]})`) });
    }
    const values = a.values.map((value, i) => compute(op, value, b.values[i] as number));
    const exemplars =
      lefts.has(key) === rights.has(key)
        ? [...a.exemplars, ...b.exemplars]
        : lefts.has(key)
          ? a.exemplars
          : b.exemplars;
    const one = { labels, values, exemplars };
    if (hasSample(one)) out.push(one);
  }
  return out;
}
