/**
 * What the generator makes of a replay, against what Tempo's metrics-generator wrote for the same spans, under its
 * default settings, with everything configured, and with native histograms.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import {
  DEFAULT_SERVICE_GRAPH,
  DEFAULT_SPAN_METRICS,
  type GeneratorOptions,
} from '../../src/collector/connectors/options.ts';
import type { MetricBatch } from '../../src/model/batch.ts';
import type { Labels } from '../../src/model/labels.ts';
import { Generated, START_MS } from './generated.ts';

const DATA = path.join(import.meta.dirname, 'data');
const lines = (name: string) => readFileSync(path.join(DATA, name), 'utf8').trimEnd().split('\n');

interface Entry {
  type: string;
  name: string;
  labels: Record<string, string>;
  value?: number;
  count?: number;
  sum?: number;
  buckets?: Record<string, number>;
}

const VARIANTS: Record<string, Partial<GeneratorOptions>> = {
  default: {},
  native: { histograms: 'both' },
  custom: {
    serviceGraph: {
      ...DEFAULT_SERVICE_GRAPH,
      buckets: [0.05, 0.5, 5],
      dimensions: ['tenant', 'http.route'],
      clientServerPrefix: true,
      messagingLatency: true,
      peerAttributes: ['peer.service', 'db.system'],
      multiplierKey: 'sample.ratio',
    },
    spanMetrics: {
      ...DEFAULT_SPAN_METRICS,
      buckets: [0.01, 0.1, 1],
      intrinsics: { ...DEFAULT_SPAN_METRICS.intrinsics, statusMessage: true },
      dimensions: ['tenant', 'http.route', 'deployment.environment'],
      mappings: [{ name: 'where', sourceLabels: ['region', 'k8s.cluster.name'], join: '/' }],
      targetInfo: true,
      targetInfoExcluded: ['region'],
      multiplierKey: 'sample.ratio',
      filters: [
        {
          exclude: {
            matchType: 'strict',
            attributes: [{ scope: 'kind', key: '', value: 'SPAN_KIND_UNSPECIFIED' }],
          },
        },
      ],
    },
  },
};

/** Series with histograms folded, by type, name and labels. */
function fold(batches: readonly MetricBatch[]): Map<string, Entry> {
  const entries = new Map<string, Entry>();
  const entry = (type: string, name: string, labels: Record<string, string>): Entry => {
    const key = keyOf({ type, name, labels });
    const known = entries.get(key) ?? { type, name, labels };
    entries.set(key, known);
    return known;
  };
  for (const batch of batches) {
    for (let row = 0; row < batch.seriesIndex.length; row++) {
      const { __name__: name = '', ...labels } = (
        batch.series[batch.seriesIndex.get(row)] as Labels
      ).toRecord();
      const value = batch.values.float(row);
      const [, family, part] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? [];
      if (family === undefined)
        entry(name.endsWith('_total') ? 'counter' : 'gauge', name, labels).value = value;
      else if (part === 'bucket') {
        const { le = '', ...rest } = labels;
        const { buckets = {} } = entry('histogram', family, rest);
        entry('histogram', family, rest).buckets = { ...buckets, [le]: value };
      } else entry('histogram', family, labels)[part as 'sum' | 'count'] = value;
    }
    for (const { series, histogram } of batch.histograms) {
      const { __name__: name = '', ...labels } = (batch.series[series] as Labels).toRecord();
      Object.assign(entry('native_histogram', name, labels), {
        count: histogram?.count,
        sum: histogram?.sum,
      });
    }
  }
  return entries;
}

function keyOf({ type, name, labels }: Entry): string {
  return JSON.stringify([type, name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Sums are compared to twelve digits: the order of the additions is not Tempo's. */
function rounded(value: number | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.toPrecision(12));
}

for (const [variant, options] of Object.entries(VARIANTS)) {
  test(`a replay gives what Tempo writes (${variant})`, async () => {
    const generated = new Generated(options);
    const now = BigInt(START_MS) * 1_000_000n;
    for (const line of lines('replay.jsonl')) {
      const body = line.replace(
        /"(startTimeUnixNano|endTimeUnixNano|timeUnixNano)":"(-?\d+)"/g,
        (_, key, offset) => `"${key}":"${now + BigInt(offset)}"`,
      );
      await generated.post(body);
    }
    const got = fold(await generated.collect());
    assert.deepEqual(generated.errors, []);
    const wanted = lines('expect.jsonl')
      .map((line) => JSON.parse(line) as Entry & { variant: string })
      .filter((one) => one.variant === variant);
    assert.ok(wanted.length > 100);
    const text = (one: Entry) =>
      `${keyOf(one)} ${JSON.stringify([rounded(one.value), rounded(one.count), rounded(one.sum), one.buckets])}`;
    const ordered = (one: Entry): Entry => ({
      ...one,
      ...(one.buckets === undefined
        ? {}
        : {
            buckets: Object.fromEntries(
              Object.entries(one.buckets)
                .map(([le, count]): [string, number] => [`le ${le}`, count])
                .sort(([a], [b]) => (a < b ? -1 : 1)),
            ),
          }),
    });
    const show = (all: Iterable<Entry>) => [...all].map((one) => text(ordered(one))).sort();
    assert.deepEqual(show(got.values()), show(wanted));
  });
}
