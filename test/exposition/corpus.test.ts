/** Exposition pages against what Prometheus 3.5 made of them: samples, histograms, exemplars, metadata, errors. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { MetricBatch } from '../../src/model/batch.ts';
import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../../src/model/histogram.ts';
import type { Labels } from '../../src/model/labels.ts';
import { formatOf } from '../../src/wire/exposition/content-type.ts';
import { PageScraper } from './memory-page.ts';

interface Case {
  readonly id: string;
  readonly about: string;
  readonly type: string | null;
  readonly body?: string;
  readonly bodyBase64?: string;
  readonly headers?: Record<string, string>;
  readonly status?: number;
  readonly scrape?: Record<string, unknown>;
  readonly job?: string;
  readonly expect: {
    readonly health: 'up' | 'down';
    readonly error?: string;
    readonly series: {
      labels: Record<string, string>;
      value?: number | string;
      histogram?: object;
      at?: number;
    }[];
    readonly metadata: { metric: string; type: string; help: string; unit: string }[];
    readonly exemplars: { series: Record<string, string>; labels: Record<string, string>; value: number }[];
    readonly samplesScraped?: number;
  };
}

const NOW = 1_780_000_000_000;
const cases = readFileSync(path.join(import.meta.dirname, 'golden', 'cases.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

function bodyOf({ body, bodyBase64, headers }: Case): Uint8Array {
  if (bodyBase64 !== undefined) {
    const bytes = Buffer.from(bodyBase64, 'base64');
    return headers?.['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
  }
  return Buffer.from(
    (body as string)
      .replace(/@MS\(([+-]?[\d.]+)\)@/g, (_, s) => String(NOW + Number(s) * 1000))
      .replace(/@S\(([+-]?[\d.]+)\)@/g, (_, s) => (NOW / 1000 + Number(s)).toFixed(3)),
  );
}

function scraperOf({ id, scrape = {} }: Case): PageScraper {
  return new PageScraper({
    target: { job: id, instance: 'I' },
    honorLabels: scrape.honor_labels === true,
    honorTimestamps: scrape.honor_timestamps !== false,
    validation: scrape.metric_name_validation_scheme === 'legacy' ? 'legacy' : 'utf8',
    convertClassicHistograms: scrape.convert_classic_histograms_to_nhcb === true,
    limits: {
      samples: Number(scrape.sample_limit ?? 0),
      labels: Number(scrape.label_limit ?? 0),
      labelNameBytes: Number(scrape.label_name_length_limit ?? 0),
      labelValueBytes: Number(scrape.label_value_length_limit ?? 0),
    },
  });
}

const number = (value: number) =>
  Number.isNaN(value) ? 'NaN' : value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : value;

/** Buckets as Prometheus's API lists them: [boundaries, lower, upper, count]. */
function buckets(h: Histogram): unknown[] {
  const list: [number, number, number, number][] = [];
  const bound = (index: number) =>
    h.schema === CUSTOM_BUCKETS_SCHEMA
      ? (h.customValues[index] ?? (index < 0 ? -Infinity : Infinity))
      : 2 ** (index * 2 ** -h.schema);
  for (const negative of [false, true]) {
    const spans = negative ? h.negativeSpans : h.positiveSpans;
    const counts = negative ? h.negativeCounts : h.positiveCounts;
    let index = 0;
    let at = 0;
    for (const { offset, length } of spans) {
      index += offset;
      for (let i = 0; i < length; i++, index++) {
        const count = counts[at++] as number;
        if (count === 0) continue;
        const [low, high] = [bound(index - 1), bound(index)];
        if (negative) list.push([1, -high, -low, count]);
        else list.push([h.schema === CUSTOM_BUCKETS_SCHEMA && low === -Infinity ? 3 : 0, low, high, count]);
      }
    }
  }
  if (h.zeroCount > 0) list.push([3, -h.zeroThreshold, h.zeroThreshold, h.zeroCount]);
  return list
    .sort((a, b) => a[1] - b[1])
    .map(([kind, low, high, count]) => [
      kind,
      number(Number(low.toPrecision(14))),
      number(Number(high.toPrecision(14))),
      count,
    ]);
}

const sortBy = <T>(list: readonly T[], key: (item: T) => string) =>
  [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
const canon = (record: Record<string, string>) => JSON.stringify(Object.entries(record).sort());

function seriesOf(batch: MetricBatch): Case['expect']['series'] {
  const bySeries = new Map<string, Case['expect']['series'][number]>();
  const plain = (labels: Labels) => {
    const { job: _job, instance: _instance, ...rest } = labels.toRecord();
    return rest;
  };
  for (let row = 0; row < batch.seriesIndex.length; row++) {
    const labels = plain(batch.series[batch.seriesIndex.get(row)] as Labels);
    const time = batch.timestampsMs.float(row);
    bySeries.set(canon(labels), {
      labels,
      value: number(batch.values.float(row)),
      ...(time === NOW ? {} : { at: (time - NOW) / 1000 }),
    });
  }
  for (const { series, histogram } of batch.histograms) {
    const labels = plain(batch.series[series] as Labels);
    const { count, sum } = histogram as Histogram;
    bySeries.set(canon(labels), {
      labels,
      histogram: { count, sum, buckets: buckets(histogram as Histogram) },
    });
  }
  return sortBy([...bySeries.values()], (s) => canon(s.labels));
}

for (const entry of cases) {
  // What HTTP says is tested with HTTP.
  if (entry.status !== undefined || entry.scrape?.body_size_limit !== undefined) continue;
  const { id, about, type, expect, scrape } = entry;
  test(`${id}: ${about} is ${expect.health}`, () => {
    const scraper = scraperOf(entry);
    const read = () => {
      const fallback = scrape?.fallback_scrape_protocol === undefined ? undefined : 'text';
      return scraper.scrape(bodyOf(entry), formatOf(type ?? '', fallback), NOW);
    };
    if (expect.health === 'down') {
      assert.throws(read, (error: Error) => {
        assert.equal(error.message, expect.error);
        return true;
      });
      assert.equal(scraper.memory.take().series.length, 0);
      return;
    }
    const batch = read();
    assert.deepEqual(
      seriesOf(batch),
      sortBy(
        expect.series.map((s) =>
          s.histogram === undefined
            ? s
            : {
                ...s,
                histogram: {
                  ...s.histogram,
                  buckets: (s.histogram as { buckets: unknown[][] }).buckets.map((bucket) =>
                    bucket.map((x) => (typeof x === 'number' ? Number(x.toPrecision(14)) : x)),
                  ),
                },
              },
        ),
        (s) => canon(s.labels),
      ),
    );
    if (expect.samplesScraped !== undefined && expect.samplesScraped !== null) {
      assert.equal(scraper.memory.counts.scraped, expect.samplesScraped);
    }
    assert.deepEqual(
      scraper.memory.families().map(({ family, ...rest }) => ({ metric: family, ...rest })),
      sortBy(expect.metadata, ({ metric }) => metric).map(({ metric, type: kind, help, unit }) => ({
        metric,
        type: kind,
        help,
        unit,
      })),
    );
    assert.deepEqual(
      sortBy(
        batch.exemplars.map(({ series, exemplar }) => {
          const { job: _job, instance: _instance, ...labels } = (batch.series[series] as Labels).toRecord();
          return canon(labels) + canon(exemplar.labels.toRecord()) + exemplar.value;
        }),
        String,
      ),
      sortBy(
        expect.exemplars.map(({ series, labels, value }) => canon(series) + canon(labels) + value),
        String,
      ),
    );
  });
}
