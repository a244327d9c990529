/** The aggregation operator count_values: how many series have each value. */

import type { Histogram } from '../../model/histogram.ts';
import type { Labels } from '../../model/labels.ts';
import { formatPlain } from '../syntax/numbers.ts';
import { type Grouping, groupLabels } from './grouping.ts';
import { histogramText } from './histogram/text.ts';
import { FLOAT, NONE, newSeries, type StepSeries } from './series.ts';

/** One series per group and value; the value becomes the label `valueLabel`. */
export function countValues(
  valueLabel: string,
  input: readonly StepSeries[],
  points: number,
  grouping: Grouping,
): StepSeries[] {
  const of = groupLabels(grouping.by ? { by: true, labels: [...grouping.labels, valueLabel] } : grouping);
  const byKey = new Map<string, StepSeries>();
  for (const series of input) {
    // Values repeat over time, so look up each distinct one once.
    const byText = new Map<string, StepSeries>();
    for (let i = 0; i < points; i++) {
      const kind = series.kinds[i];
      if (kind === NONE) continue;
      const text =
        kind === FLOAT
          ? formatPlain(series.values[i] as number)
          : histogramText(series.histograms?.[i] as Histogram);
      let target = byText.get(text);
      if (target === undefined) {
        const labels: Labels = of(series.labels.with(valueLabel, text));
        target = byKey.get(labels.key);
        if (target === undefined) {
          target = newSeries(labels, points);
          byKey.set(labels.key, target);
        }
        byText.set(text, target);
      }
      target.kinds[i] = FLOAT;
      target.values[i] = (target.values[i] as number) + 1;
    }
  }
  return [...byKey.values()];
}
