/**
 * What one target's scrapes leave behind: which raw series is which stored one, which series were there last time
 * (so that vanished ones get a stale marker), metadata. Collects one scrape at a time into a batch. Knows nothing of
 * HTTP, timers or storage.
 */

import type { Exemplar, MetricBatch, MetricMetadata } from '../../model/batch.ts';
import { Slots32, Slots64 } from '../../model/column.ts';
import { InputError } from '../../model/errors.ts';
import type { Histogram } from '../../model/histogram.ts';
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import { hashed, hashLabels } from '../../model/series-id.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/stale.ts';
import type { ExposedExemplar, ExpositionSink } from '../../wire/exposition/sink.ts';
import { refuseHistogram } from '../../wire/histogram-check.ts';
import { fitHistogram, HistogramLimitError } from './histogram-limits.ts';
import { LabelLimitError, type SeriesRules, seriesLabels } from './series-labels.ts';

/** Samples with times later than this from now on are refused. */
const MAX_FUTURE_MS = 600_000;
/** Metadata stay for so many scrapes after their family has vanished. */
const METADATA_SCRAPES = 10;
/** Exemplars with more characters in their labels are left out (OpenMetrics). */
const MAX_EXEMPLAR_CHARACTERS = 128;
const MAX_BUCKETS = 4096;

/** A series of this target. Without labels: relabelling drops it. */
export class ScrapedSeries {
  readonly labels: Labels | undefined;
  /** Scrape in which it had a sample last, in which it was counted as alive last, and in which `index` holds. */
  seen = -1;
  tracked = -1;
  indexed = -1;
  index = 0;
  /** Time of the last sample that came with a time of its own. */
  explicitMs = Number.NEGATIVE_INFINITY;
  exemplar = '';
  isHistogram = false;

  constructor(labels: Labels | undefined) {
    this.labels = labels;
  }
}

interface FamilyMemory {
  type: MetricMetadata['type'];
  help: string;
  unit: string;
  lastScrape: number;
  stored: boolean;
}

export interface MemoryRules extends SeriesRules {
  readonly tenant: string;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
}

/** Numbers of a scrape, for its own series and for metrics. */
export interface ScrapeCounts {
  /** Samples on the page. */
  scraped: number;
  /** Samples left after relabelling. */
  kept: number;
  /** Series that were not there in the scrape before. */
  added: number;
  duplicates: number;
  outOfOrder: number;
  outOfBounds: number;
}

const DROPPED = new ScrapedSeries(undefined);

/** Series that describe the scrape itself. */
const REPORT = [
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'scrape_samples_post_metric_relabeling',
  'scrape_series_added',
  'scrape_timeout_seconds',
  'scrape_sample_limit',
  'scrape_body_size_bytes',
] as const;
const ORDINARY_REPORT = 5;

export class TargetMemory implements ExpositionSink<ScrapedSeries> {
  readonly #rules: MemoryRules;
  /** By 53 bits of the series id. */
  #series = new Map<number, ScrapedSeries>();
  #alive: ScrapedSeries[] = [];
  #before: ScrapedSeries[] = [];
  readonly #families = new Map<string, FamilyMemory>();
  readonly #changedFamilies = new Set<string>();
  #report: Labels[] | undefined;
  #scrape = 0;
  #goodScrape = 0;
  #nowMs = 0;
  #overSampleLimit = false;
  #samples = 0;
  #overBucketLimit = false;
  #lastTimestampMs = 0;
  /** How to take back what this scrape changed in series, should it not be stored. */
  #undo: (() => void)[] = [];
  #batch: MetricBatch;
  counts: ScrapeCounts = noCounts();

  constructor(rules: MemoryRules) {
    this.#rules = rules;
    this.#batch = newBatch(rules.tenant);
  }

  /** Starts a scrape at the time that its samples get. */
  begin(nowMs: number): void {
    this.#scrape++;
    this.#nowMs = nowMs;
    this.#batch = newBatch(this.#rules.tenant);
    this.#alive = [];
    this.#undo = [];
    this.#overSampleLimit = false;
    this.#overBucketLimit = false;
    this.#samples = 0;
    this.counts = noCounts();
  }

  series(names: readonly string[], values: readonly string[]): ScrapedSeries {
    const labels = seriesLabels(names, values, this.#rules);
    return labels === undefined ? DROPPED : this.#known(labels);
  }

  /** The one object for these labels. */
  #known(labels: Labels): ScrapedSeries {
    hashLabels(labels);
    const id = hashed.low + (hashed.high & 0x1fffff) * 0x100000000;
    const known = this.#series.get(id);
    if (known !== undefined && sameLabels(known.labels as Labels, labels)) return known;
    const series = new ScrapedSeries(labels);
    if (known === undefined) this.#series.set(id, series);
    return series;
  }

  sample(series: ScrapedSeries, value: number, timestampMs: number): void {
    if (!this.#accept(series, timestampMs)) return;
    const batch = this.#batch;
    batch.seriesIndex.push(this.#indexOf(series));
    batch.timestampsMs.pushFloat(this.#lastTimestampMs);
    batch.values.pushFloat(value);
    series.isHistogram = false;
  }

  histogram(series: ScrapedSeries, histogram: Histogram, timestampMs: number): void {
    if (!this.#accept(series, timestampMs)) return;
    let fitted: Histogram;
    try {
      fitted = fitHistogram(histogram, this.#rules.limits);
    } catch (error) {
      if (!(error instanceof HistogramLimitError)) throw error;
      this.#overBucketLimit = true;
      return;
    }
    const refused = refuseHistogram(fitted, MAX_BUCKETS);
    if (refused !== undefined) throw new InputError(refused);
    this.#batch.histograms.push({
      series: this.#indexOf(series),
      timestampMs: this.#lastTimestampMs,
      stale: false,
      histogram: fitted,
    });
    series.isHistogram = true;
  }

  /** Counts a sample and decides whether it is stored. Leaves its time in #lastTimestampMs. */
  #accept(series: ScrapedSeries, givenMs: number): boolean {
    const { counts } = this;
    counts.scraped++;
    if (series.labels === undefined) return false;
    const isExplicit = this.#rules.honorTimestamps && !Number.isNaN(givenMs);
    counts.kept++;
    this.#lastTimestampMs = isExplicit ? givenMs : this.#nowMs;
    if (!isExplicit && series.seen === this.#scrape) {
      counts.duplicates++;
      return false;
    }
    const { limits } = this.#rules;
    if (limits.samples > 0 && ++this.#samples > limits.samples) {
      this.#overSampleLimit = true;
      return false;
    }
    if (series.seen < this.#goodScrape) counts.added++;
    series.seen = this.#scrape;
    if ((!isExplicit || this.#rules.trackTimestampsStaleness) && series.tracked !== this.#scrape) {
      series.tracked = this.#scrape;
      this.#alive.push(series);
    }
    if (!isExplicit) return true;
    if (givenMs > this.#nowMs + MAX_FUTURE_MS) {
      counts.outOfBounds++;
      return false;
    }
    const before = series.explicitMs;
    if (givenMs <= before) {
      // The same sample comes with every scrape until the target has a newer one.
      if (givenMs < before) counts.outOfOrder++;
      return false;
    }
    series.explicitMs = givenMs;
    this.#undo.push(() => {
      series.explicitMs = before;
    });
    return true;
  }

  #indexOf(series: ScrapedSeries): number {
    if (series.indexed !== this.#scrape) {
      series.indexed = this.#scrape;
      series.index = this.#batch.series.length;
      this.#batch.series.push(series.labels as Labels);
    }
    return series.index;
  }

  exemplar(series: ScrapedSeries, exposed: ExposedExemplar, ofHistogram: boolean): void {
    if (series.labels === undefined || this.#overSampleLimit) return;
    // A native histogram repeats its exemplars: without a time they cannot be told from new ones.
    if (ofHistogram && exposed.timestampMs === undefined) return;
    let characters = 0;
    for (let i = 0; i < exposed.names.length; i++) {
      characters += [...(exposed.names[i] as string)].length + [...(exposed.values[i] as string)].length;
    }
    if (characters > MAX_EXEMPLAR_CHARACTERS) return;
    const labels = Labels.fromPairs(exposed.names.map((name, i) => [name, exposed.values[i] as string]));
    const key = `${labels.key}${exposed.value} ${exposed.timestampMs ?? ''}`;
    const before = series.exemplar;
    if (ofHistogram ? before.includes(`${key}\n`) : before === key) return;
    // Of histograms all exemplars of the last scrapes are remembered, up to a reasonable length.
    series.exemplar = ofHistogram ? `${before.slice(-8192)}${key}\n` : key;
    this.#undo.push(() => {
      series.exemplar = before;
    });
    const exemplar: Exemplar = {
      labels,
      value: exposed.value,
      timestampMs: exposed.timestampMs ?? this.#lastTimestampMs,
    };
    this.#batch.exemplars.push({ series: this.#indexOf(series), exemplar });
  }

  metadata(name: string, kind: 'type' | 'help' | 'unit', text: string): void {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = { type: 'unknown', help: '', unit: '', lastScrape: 0, stored: false };
      this.#families.set(name, family);
      this.#changedFamilies.add(name);
    }
    family.lastScrape = this.#scrape;
    if (family[kind] === text) return;
    (family as { [K in typeof kind]: string })[kind] = text;
    this.#changedFamilies.add(name);
  }

  /** The page is read: what it exceeded makes the scrape fail. Throws InputError. */
  check(): void {
    if (this.#overSampleLimit) throw new SampleLimitError('sample limit exceeded');
    if (this.#overBucketLimit) throw new SampleLimitError('histogram bucket limit exceeded');
  }

  /** The page counts: series that it lacks get stale markers. */
  succeed(): void {
    this.#goodScrape = this.#scrape;
    this.#markStale();
    this.#forget();
  }

  /** The page does not count: everything that was there before gets stale markers. The counts stay. */
  fail(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    for (const series of this.#alive) series.tracked = -1;
    this.#alive = [];
    this.#batch = newBatch(this.#rules.tenant);
    // Numbers of series in the batch begin anew.
    this.#scrape++;
    this.#markStale();
  }

  #markStale(): void {
    for (const series of this.#before) {
      if (series.tracked === this.#scrape) continue;
      this.#pushStale(this.#indexOf(series), series.isHistogram, this.#nowMs);
    }
    this.#before = this.#alive;
    this.#alive = [];
  }

  #pushStale(index: number, isHistogram: boolean, timestampMs: number): void {
    const batch = this.#batch;
    if (isHistogram) {
      batch.histograms.push({ series: index, timestampMs, stale: true, histogram: null });
      return;
    }
    batch.seriesIndex.push(index);
    batch.timestampsMs.pushFloat(timestampMs);
    batch.values.pushHalves(STALE_LOW, STALE_HIGH);
  }

  /** Series that have not been seen for long are forgotten, when there are many. */
  #forget(): void {
    if (this.#series.size > this.#before.length * 2 + 1000) {
      for (const [id, series] of this.#series) if (series.seen !== this.#scrape) this.#series.delete(id);
    }
    if (this.#scrape % METADATA_SCRAPES !== 0) return;
    for (const [name, { lastScrape }] of this.#families) {
      if (this.#scrape - lastScrape > METADATA_SCRAPES) this.#families.delete(name);
    }
  }

  /** Adds the series that describe the scrape, in the order of `values`; 5, or 8 with the extra ones. */
  report(values: readonly number[]): void {
    this.#report ??= reportLabels(this.#rules.target);
    const first = this.#batch.series.length;
    for (let i = 0; i < values.length; i++) {
      this.#batch.series.push(this.#report[i] as Labels);
      this.#batch.seriesIndex.push(first + i);
      this.#batch.timestampsMs.pushFloat(this.#nowMs);
      this.#batch.values.pushFloat(values[i] as number);
    }
  }

  /** The batch of this scrape, with the metadata that are not stored yet. */
  take(): MetricBatch {
    for (const name of this.#changedFamilies) {
      const family = this.#families.get(name);
      if (family === undefined) continue;
      const { type, help, unit } = family;
      this.#batch.metadata.push({ family: name, type, help, unit });
    }
    return this.#batch;
  }

  /** The batch was stored. */
  stored(): void {
    this.#undo = [];
    this.#changedFamilies.clear();
  }

  /** The batch was not stored: what it held of explicit times may come again. */
  notStored(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
  }

  /** A batch that ends all series of this target, its report included. */
  end(nowMs: number, extraReport: boolean): MetricBatch {
    this.begin(nowMs);
    this.#markStale();
    this.#report ??= reportLabels(this.#rules.target);
    for (const labels of this.#report.slice(0, extraReport ? REPORT.length : ORDINARY_REPORT)) {
      this.#batch.series.push(labels);
      this.#pushStale(this.#batch.series.length - 1, false, nowMs);
    }
    return this.#batch;
  }

  /** Takes over which series were alive in the target that this one replaces. */
  adopt(former: TargetMemory): void {
    for (const series of former.#before) {
      const known = this.#known(series.labels as Labels);
      known.isHistogram = series.isHistogram;
      known.explicitMs = series.explicitMs;
      known.exemplar = series.exemplar;
      this.#before.push(known);
    }
  }

  /** Metadata of all families, sorted by name. */
  families(): MetricMetadata[] {
    return [...this.#families]
      .map(([family, { type, help, unit }]) => ({ family, type, help, unit }))
      .sort((a, b) => (a.family < b.family ? -1 : 1));
  }

  get familyCount(): number {
    return this.#families.size;
  }
}

/** A limit on samples or buckets was exceeded. */
export class SampleLimitError extends InputError {}

export { LabelLimitError };

function noCounts(): ScrapeCounts {
  return { scraped: 0, kept: 0, added: 0, duplicates: 0, outOfOrder: 0, outOfBounds: 0 };
}

function newBatch(tenant: string): MetricBatch {
  return {
    tenant,
    series: [],
    seriesIndex: new Slots32(),
    timestampsMs: new Slots64(),
    values: new Slots64(),
    histograms: [],
    exemplars: [],
    metadata: [],
  };
}

function reportLabels(target: Labels): Labels[] {
  return REPORT.map((name) => target.with(METRIC_NAME, name));
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a.size !== b.size) return false;
  for (let i = 0; i < a.size; i++) {
    if (a.names[i] !== b.names[i] || a.values[i] !== b.values[i]) return false;
  }
  return true;
}
