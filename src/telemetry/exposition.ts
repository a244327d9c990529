/** Own metrics in Prometheus's text format 0.0.4, for `/metrics`, and as a batch, for Trivium's own storage. */

import type { MetricBatch, MetricMetadata } from '../model/batch.ts';
import { Slots32, Slots64 } from '../model/column.ts';
import { Labels, METRIC_NAME } from '../model/labels.ts';
import type { MetricFamily } from './registry.ts';

export const TEXT_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The classic series of all families, histograms as _bucket, _sum and _count. */
function* series(families: readonly MetricFamily[]): Generator<[string, Record<string, string>, number]> {
  for (const family of families) {
    for (const point of family.points) {
      if (point.histogram === undefined) {
        yield [family.name, { ...point.labels }, point.value];
        continue;
      }
      const { bounds, counts } = point.histogram;
      for (let i = 0; i <= bounds.length; i++) {
        const le = i === bounds.length ? '+Inf' : String(bounds[i]);
        yield [`${family.name}_bucket`, { ...point.labels, le }, counts[i] as number];
      }
      yield [`${family.name}_sum`, { ...point.labels }, point.value];
      yield [`${family.name}_count`, { ...point.labels }, counts[bounds.length] as number];
    }
  }
}

/** The text format, families in the given order. */
export function toText(families: readonly MetricFamily[]): string {
  let text = '';
  for (const family of families) {
    if (family.points.length === 0) continue;
    text += `# HELP ${family.name} ${family.help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${family.name} ${family.type}\n`;
    for (const [name, labels, value] of series([family])) {
      const inner = Object.entries(labels)
        .map(([label, text]) => `${label}="${escapeLabel(text)}"`)
        .join(',');
      text += `${name}${inner === '' ? '' : `{${inner}}`} ${formatValue(value)}\n`;
    }
  }
  return text;
}

function escapeLabel(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/** A batch as if the process had scraped itself; `target` labels (job, instance) are added to each series. */
export function toBatch(
  families: readonly MetricFamily[],
  tenant: string,
  target: Readonly<Record<string, string>>,
  timestampMs: number,
): MetricBatch {
  const batch = {
    tenant,
    series: [] as Labels[],
    seriesIndex: new Slots32(),
    timestampsMs: new Slots64(),
    values: new Slots64(),
    histograms: [],
    exemplars: [],
    metadata: [] as MetricMetadata[],
  };
  const push = (name: string, labels: Record<string, string>, value: number) => {
    batch.seriesIndex.push(batch.series.length);
    batch.series.push(Labels.from({ ...labels, ...target, [METRIC_NAME]: name }));
    batch.timestampsMs.pushFloat(timestampMs);
    batch.values.pushFloat(value);
  };
  for (const family of families) {
    if (family.points.length === 0) continue;
    batch.metadata.push({ family: family.name, type: family.type, help: family.help, unit: '' });
    for (const [name, labels, value] of series([family])) push(name, labels, value);
  }
  push('up', {}, 1);
  return batch;
}
