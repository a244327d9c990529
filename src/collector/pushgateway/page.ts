/**
 * Reads a pushed page (text, OpenMetrics or protobuf) into families, grouping labels put over the page's own, as
 * Pushgateway does. What cannot be read, or must not be pushed, throws InputError.
 */

import { InputError } from '../../model/errors.ts';
import type { Histogram } from '../../model/histogram.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import type { ExpositionFormat } from '../../wire/exposition/content-type.ts';
import { ExpositionReader } from '../../wire/exposition/page.ts';
import type { ExpositionSink, MetricType } from '../../wire/exposition/sink.ts';
import { LabelPool } from '../../wire/label-pool.ts';
import { DEFAULT_SERIES_LIMITS, refuseLabels } from '../../wire/metric-batch.ts';
import { PUSH_FAILURE_TIME, PUSH_TIME, type PushedFamily, type PushedSeries } from './group.ts';

/** Endings that samples of a family's type have in place of, or behind, its name. */
const ENDINGS: Partial<Record<MetricType, readonly string[]>> = {
  histogram: ['_bucket', '_sum', '_count'],
  gaugehistogram: ['_bucket', '_gsum', '_gcount'],
  summary: ['_sum', '_count'],
};

export interface PushedPage {
  readonly families: PushedFamily[];
  /** Why the page must not be taken although it can be read. */
  readonly problem: string | undefined;
}

export async function readPushedPage(
  body: Uint8Array,
  format: ExpositionFormat,
  grouping: Labels,
  nowMs: number,
): Promise<PushedPage> {
  const sink = new PageSink(grouping);
  const options = { classicHistograms: true, convertClassicHistograms: false };
  const reader = new ExpositionReader<Labels>(sink, options, new LabelPool()).open(body, format);
  // A large page lets others have their turn.
  while (!reader.step(10_000)) await new Promise((resolve) => setImmediate(resolve));
  return { families: sink.families(nowMs), problem: sink.problem };
}

class PageSink implements ExpositionSink<Labels> {
  problem: string | undefined;
  readonly #grouping: Labels;
  readonly #described = new Map<string, { type: MetricType; help: string; unit: string }>();
  readonly #series = new Map<string, PushedSeries>();

  constructor(grouping: Labels) {
    this.#grouping = grouping;
  }

  series(names: readonly string[], values: readonly string[]): Labels {
    const seen = new Set(names);
    if (seen.size < names.length)
      throw new InputError(`a label twice in metric ${JSON.stringify(values[0])}`);
    const pairs = names.map((name, i) => [name, values[i] as string] as const);
    const labels = Labels.fromPairs([...pairs, ...this.#grouping.entries()]);
    const refused = refuseLabels(labels, DEFAULT_SERIES_LIMITS);
    if (refused !== undefined) this.#refuse(refused);
    return labels;
  }

  sample(labels: Labels, value: number, timestampMs: number): void {
    this.#add({ labels, value, histogram: undefined }, timestampMs);
  }

  histogram(labels: Labels, histogram: Histogram, timestampMs: number): void {
    this.#add({ labels, value: 0, histogram }, timestampMs);
  }

  exemplar(): void {
    // Pushgateway keeps none either: they would come again with every scrape.
  }

  metadata(family: string, kind: 'type' | 'help' | 'unit', text: string): void {
    const known = this.#described.get(family) ?? { type: 'unknown', help: '', unit: '' };
    this.#described.set(family, { ...known, [kind]: text });
  }

  #add(series: PushedSeries, timestampMs: number): void {
    if (!Number.isNaN(timestampMs)) this.#refuse('pushed metrics must not have timestamps');
    // A histogram may come in both ways.
    const key = `${series.histogram === undefined ? '' : 'native'}${series.labels.key}`;
    if (this.#series.has(key)) {
      const name = series.labels.get(METRIC_NAME);
      this.#refuse(`metric ${JSON.stringify(name)} comes twice with the same label values`);
    }
    this.#series.set(key, series);
  }

  #refuse(problem: string): void {
    this.problem ??= problem;
  }

  /** Families in the order of their first sample. The two times of a group are Pushgateway's own and left out. */
  families(nowMs: number): PushedFamily[] {
    const families = new Map<string, PushedFamily & { series: PushedSeries[] }>();
    for (const series of this.#series.values()) {
      const name = series.labels.get(METRIC_NAME);
      const [familyName, described] = this.#familyOf(name);
      if (familyName === PUSH_TIME || familyName === PUSH_FAILURE_TIME) continue;
      let family = families.get(familyName);
      if (family === undefined) {
        family = { name: familyName, ...described, timeMs: nowMs, series: [] };
        families.set(familyName, family);
      }
      family.series.push(series);
    }
    return [...families.values()];
  }

  /** The family of a sample as the text format names it: OpenMetrics's `x_total` is a family of that name there. */
  #familyOf(name: string): [name: string, { type: MetricType; help: string; unit: string }] {
    const exact = this.#described.get(name);
    if (exact !== undefined) return [name, exact];
    const ending = /_[a-z]+$/.exec(name)?.[0] ?? '';
    const base = name.slice(0, name.length - ending.length);
    const described = this.#described.get(base);
    if (described !== undefined) {
      if (ENDINGS[described.type]?.includes(ending)) return [base, described];
      if (described.type === 'counter' && ending === '_total') return [name, described];
      if (described.type === 'info' && ending === '_info') return [name, { ...described, type: 'gauge' }];
      if (ending === '_created') return [name, { type: 'gauge', help: described.help, unit: '' }];
    }
    return [name, { type: 'unknown', help: '', unit: '' }];
  }
}
