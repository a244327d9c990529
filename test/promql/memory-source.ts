/** A MetricsSource over plain arrays: the reference against which storage is compared, and the source of scripts. */

import type { Exemplar, MetricMetadata } from '../../src/model/batch.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { compareCodePoints, type Labels } from '../../src/model/labels.ts';
import type { Matcher } from '../../src/model/matcher.ts';
import type {
  MetricSelect,
  MetricSelectResult,
  MetricsSource,
  RawSeries,
  SeriesQuery,
} from '../../src/model/select-metrics.ts';
import { STALE_HIGH, STALE_LOW } from '../../src/model/stale.ts';
import { matcherTest } from '../../src/query/syntax/regex.ts';

/** One sample; `stale` stands for a stale marker of either kind. */
export interface MemorySample {
  readonly timestampMs: number;
  readonly value: number | Histogram | 'stale' | 'stale-histogram';
}

interface MemorySeries {
  readonly labels: Labels;
  readonly samples: MemorySample[];
  readonly exemplars: Exemplar[];
}

export class MemorySource implements MetricsSource {
  readonly #series = new Map<string, MemorySeries>();

  clear(): void {
    this.#series.clear();
  }

  add(labels: Labels, samples: readonly MemorySample[], exemplars: readonly Exemplar[] = []): void {
    let series = this.#series.get(labels.key);
    if (series === undefined) {
      series = { labels, samples: [], exemplars: [] };
      this.#series.set(labels.key, series);
    }
    series.samples.push(...samples);
    series.samples.sort((a, b) => a.timestampMs - b.timestampMs);
    series.exemplars.push(...exemplars);
  }

  all(): IterableIterator<MemorySeries> {
    return this.#series.values();
  }

  #matching(matcherSets: readonly (readonly Matcher[])[]): MemorySeries[] {
    const tests = matcherSets.map((matchers) => matchers.map((m) => [m.name, matcherTest(m)] as const));
    return [...this.#series.values()].filter(
      ({ labels }) =>
        tests.length === 0 || tests.some((set) => set.every(([name, test]) => test(labels.get(name)))),
    );
  }

  async select(request: MetricSelect): Promise<MetricSelectResult> {
    const series: RawSeries[] = [];
    for (const one of this.#matching([request.matchers])) {
      const raw = rawSeries(one, request.startMs, request.endMs);
      if (raw !== undefined) series.push(raw);
    }
    return { kind: 'raw', series };
  }

  #inRange(query: SeriesQuery): MemorySeries[] {
    return this.#matching(query.matcherSets).filter(({ samples }) =>
      samples.some(({ timestampMs }) => timestampMs >= query.startMs && timestampMs <= query.endMs),
    );
  }

  async series(query: SeriesQuery): Promise<Labels[]> {
    return limited(
      this.#inRange(query).map(({ labels }) => labels),
      query.limit,
    );
  }

  async labelNames(query: SeriesQuery): Promise<string[]> {
    const names = new Set(this.#inRange(query).flatMap(({ labels }) => labels.names));
    return limited([...names].sort(compareCodePoints), query.limit);
  }

  async labelValues(name: string, query: SeriesQuery): Promise<string[]> {
    const values = new Set(this.#inRange(query).map(({ labels }) => labels.get(name)));
    values.delete('');
    return limited([...values].sort(compareCodePoints), query.limit);
  }

  async exemplars(query: SeriesQuery): Promise<{ labels: Labels; exemplars: Exemplar[] }[]> {
    const out = [];
    for (const { labels, exemplars } of this.#matching(query.matcherSets)) {
      const inRange = exemplars.filter((e) => e.timestampMs >= query.startMs && e.timestampMs <= query.endMs);
      if (inRange.length > 0) out.push({ labels, exemplars: inRange });
    }
    return out;
  }

  async metadata(): Promise<MetricMetadata[]> {
    return [];
  }
}

function limited<T>(list: T[], limit: number | undefined): T[] {
  return limit === undefined ? list : list.slice(0, limit);
}

function rawSeries(series: MemorySeries, startMs: number, endMs: number): RawSeries | undefined {
  const inRange = series.samples.filter((s) => s.timestampMs >= startMs && s.timestampMs <= endMs);
  if (inRange.length === 0) return undefined;
  const floats = inRange.filter(({ value }) => typeof value === 'number' || value === 'stale');
  const values = new Float64Array(floats.length);
  const bits = new Uint32Array(values.buffer);
  floats.forEach(({ value }, i) => {
    if (typeof value === 'number') values[i] = value;
    else {
      bits[2 * i] = STALE_LOW;
      bits[2 * i + 1] = STALE_HIGH;
    }
  });
  return {
    labels: series.labels,
    timestampsMs: Float64Array.from(floats, ({ timestampMs }) => timestampMs),
    values,
    histograms: inRange
      .filter(({ value }) => typeof value === 'object' || value === 'stale-histogram')
      .map(({ timestampMs, value }) => ({
        timestampMs,
        histogram: typeof value === 'object' ? value : null,
      })),
  };
}
