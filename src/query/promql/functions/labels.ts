/** Functions on label sets and on the order of an instant vector. */

import { compareCodePoints, type Labels, METRIC_NAME } from '../../../model/labels.ts';
import { compileRegex, expandTemplate } from '../../syntax/regex.ts';
import { EvaluationError } from '../../vector/evaluation-error.ts';
import { ascendingNaNFirst } from '../../vector/quantile.ts';
import { assertDistinct, FLOAT, hasPoints, type StepSeries } from '../../vector/series.ts';
import { type Call, labelNameArg, stringArg, type VectorFunction, vectorArg } from './function.ts';
import { compareNatural } from './natural-order.ts';

/** Gives every series a label; a label of the name means that the name is wanted. */
function withLabel(call: Call, dst: string, valueFor: (labels: Labels) => string | undefined): StepSeries[] {
  const out = vectorArg(call, 0).map((series) => {
    const value = valueFor(series.labels);
    if (value === undefined) return series;
    const labels = series.labels.with(dst, value);
    return dst === METRIC_NAME ? { ...series, labels, dropName: false } : { ...series, labels };
  });
  assertDistinct(out);
  return out;
}

function replaceLabel(call: Call): StepSeries[] {
  const replacement = stringArg(call, 2);
  const src = stringArg(call, 3);
  const pattern = stringArg(call, 4);
  let regex: ReturnType<typeof compileRegex>;
  try {
    regex = compileRegex(pattern, { anchored: true });
  } catch (error) {
    throw new EvaluationError(`invalid regular expression in label_replace(): ${pattern}`, { cause: error });
  }
  const dst = labelNameArg(call, 1, 'invalid destination label name in label_replace()');
  return withLabel(call, dst, (labels) => {
    const match = regex.match(labels.get(src));
    return match === undefined ? undefined : expandTemplate(replacement, match.groups, regex.groupNames);
  });
}

function joinLabels(call: Call): StepSeries[] {
  const separator = stringArg(call, 2);
  const sources = call.args
    .slice(3)
    .map((_, i) => labelNameArg(call, i + 3, 'invalid source label name in label_join()'));
  const dst = labelNameArg(call, 1, 'invalid destination label name in label_join()');
  return withLabel(call, dst, (labels) => sources.map((name) => labels.get(name)).join(separator));
}

/** Orders an instant vector by value, NaN last; histograms are left out. Of no effect on longer grids. */
function sortByValue(call: Call, sign: 1 | -1): StepSeries[] {
  const floats = vectorArg(call, 0)
    .map((series) =>
      series.histograms === undefined
        ? series
        : {
            ...series,
            kinds: series.kinds.map((kind) => (kind === FLOAT ? FLOAT : 0)),
            histograms: undefined,
          },
    )
    .filter(hasPoints);
  if (call.grid.points !== 1) return floats;
  return floats.sort((a, b) => {
    const x = a.values[0] as number;
    const y = b.values[0] as number;
    if (Number.isNaN(x) || Number.isNaN(y)) return -ascendingNaNFirst(x, y);
    return sign * ascendingNaNFirst(x, y);
  });
}

/** Orders an instant vector by labels, with numbers inside of them by value. Of no effect on longer grids. */
function sortByLabel(call: Call, sign: 1 | -1): readonly StepSeries[] {
  const input = vectorArg(call, 0);
  if (call.grid.points !== 1) return input;
  const names = call.args.slice(1).map((_, i) => stringArg(call, i + 1));
  return [...input].sort((a, b) => {
    for (const name of names) {
      const order = compareNatural(a.labels.get(name), b.labels.get(name));
      if (order !== 0) return sign * order;
    }
    return sign * compareLabels(a.labels, b.labels);
  });
}

/** The order of label sets: by names and values in turn, shorter sets first. */
export function compareLabels(a: Labels, b: Labels): number {
  const length = Math.min(a.size, b.size);
  for (let i = 0; i < length; i++) {
    const byName = compareCodePoints(a.names[i] as string, b.names[i] as string);
    if (byName !== 0) return byName;
    const byValue = compareCodePoints(a.values[i] as string, b.values[i] as string);
    if (byValue !== 0) return byValue;
  }
  return a.size - b.size;
}

export const labelFunctions: readonly VectorFunction[] = [
  { kind: 'vector', name: 'label_replace', evaluate: replaceLabel },
  { kind: 'vector', name: 'label_join', evaluate: joinLabels },
  { kind: 'vector', name: 'sort', evaluate: (call) => sortByValue(call, 1) },
  { kind: 'vector', name: 'sort_desc', evaluate: (call) => sortByValue(call, -1) },
  { kind: 'vector', name: 'sort_by_label', evaluate: (call) => sortByLabel(call, 1) },
  { kind: 'vector', name: 'sort_by_label_desc', evaluate: (call) => sortByLabel(call, -1) },
];
