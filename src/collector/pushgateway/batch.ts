/** Groups as batches of samples, as if Pushgateway had been scraped with honor_labels. */

import type { MetricBatch } from '../../model/batch.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/stale.ts';
import { KnownSeries, MetricBatchBuilder } from '../../wire/metric-batch.ts';
import { familiesOf, type PushedSeries, type PushGroup } from './group.ts';

/** Everything in `groups`, and stale markers for the series of `before` that are gone. */
export function groupsBatch(
  tenant: string,
  groups: readonly PushGroup[],
  timestampMs: number,
  before: PushGroup | undefined = undefined,
): MetricBatch {
  const batch = new MetricBatchBuilder(tenant);
  const present = new Set<string>();
  for (const group of groups) {
    for (const { name, type, help, unit, series } of familiesOf(group)) {
      batch.describe({ family: name, type, help, unit });
      for (const one of series) {
        present.add(keyOf(one));
        const index = batch.indexOf(new KnownSeries(one.labels, false));
        const { histogram } = one;
        if (histogram === undefined) batch.pushValue(index, timestampMs, one.value);
        else batch.histograms.push({ series: index, timestampMs, stale: false, histogram });
      }
    }
  }
  for (const { series } of before === undefined ? [] : familiesOf(before)) {
    for (const one of series) {
      if (present.has(keyOf(one))) continue;
      const index = batch.indexOf(new KnownSeries(one.labels, false));
      if (one.histogram === undefined) batch.pushBits(index, timestampMs, STALE_LOW, STALE_HIGH);
      else batch.histograms.push({ series: index, timestampMs, stale: true, histogram: null });
    }
  }
  return batch;
}

function keyOf({ labels, histogram }: PushedSeries): string {
  return `${histogram === undefined ? '' : 'native'}${labels.key}`;
}
