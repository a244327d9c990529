/** Groups in the JSON of Pushgateway's query API: families by name, histograms and summaries put together again. */

import { familiesOf, type PushedFamily, type PushGroup } from '../../collector/pushgateway/group.ts';
import { METRIC_NAME } from '../../model/labels.ts';
import { typeWord, valueText } from './text.ts';

/** The `data` of GET /api/v1/metrics. */
export function groupsJson(groups: readonly PushGroup[]): object[] {
  return groups.map((group) => ({
    labels: group.labels.toRecord(),
    last_push_successful: group.pushMs >= group.failureMs,
    ...Object.fromEntries(familiesOf(group).map((family) => [family.name, familyJson(family)])),
  }));
}

function familyJson(family: PushedFamily): object {
  return {
    time_stamp: new Date(family.timeMs).toISOString(),
    type: typeWord(family.type).toUpperCase(),
    ...(family.help === '' ? {} : { help: family.help }),
    metrics: metricsJson(family),
  };
}

interface MetricJson {
  labels: Record<string, string>;
  value?: string;
  count?: string;
  sum?: string;
  buckets?: Record<string, string>;
  quantiles?: Record<string, string>;
}

function metricsJson({ name, series }: PushedFamily): MetricJson[] {
  const metrics = new Map<string, MetricJson>();
  for (const { labels, value, histogram } of series) {
    const sample = labels.get(METRIC_NAME);
    const bound =
      sample === `${name}_bucket` ? 'le' : sample === name && labels.has('quantile') ? 'quantile' : '';
    const rest = labels.without(new Set([METRIC_NAME, bound]));
    let metric = metrics.get(rest.key);
    if (metric === undefined) {
      metric = { labels: { ...(rest.has('instance') ? {} : { instance: '' }), ...rest.toRecord() } };
      metrics.set(rest.key, metric);
    }
    const text = valueText(value);
    if (histogram !== undefined) {
      metric.count = valueText(histogram.count);
      metric.sum = valueText(histogram.sum);
    } else if (bound === 'le') metric.buckets = { ...metric.buckets, [labels.get('le')]: text };
    else if (bound === 'quantile') metric.quantiles = { ...metric.quantiles, [labels.get('quantile')]: text };
    else if (sample === `${name}_count`) metric.count = text;
    else if (sample === `${name}_sum`) metric.sum = text;
    else metric.value = text;
  }
  return [...metrics.values()];
}
