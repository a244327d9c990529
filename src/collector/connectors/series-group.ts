/**
 * The counters and histograms of one label set, and how their values become rows of a batch. It does not know what
 * they count.
 */

import type { Exemplar } from '../../model/batch.ts';
import { compareCodePoints, Labels, METRIC_NAME } from '../../model/labels.ts';
import { STALE_HIGH, STALE_LOW } from '../../model/stale.ts';
import type { MetricBatchBuilder } from '../../wire/metric-batch.ts';
import { NativeBuckets } from './native-buckets.ts';
import type { HistogramForms } from './options.ts';

/** What all groups of a generator have in common. */
export interface GroupFormat {
  readonly histograms: HistogramForms;
  readonly traceIdLabel: string;
  readonly maxNativeBuckets: number;
  readonly nativeSchema: number;
}

/** A histogram's name and bounds, shared by all its series. */
export interface HistogramShape {
  readonly name: string;
  /** Ascending, without +Inf. */
  readonly bounds: readonly number[];
  /** Values of `le`, +Inf included. */
  readonly boundTexts: readonly string[];
}

export function histogramShape(name: string, buckets: readonly number[]): HistogramShape {
  return { name, bounds: buckets, boundTexts: [...buckets.map(decimal), '+Inf'] };
}

/** Shortest decimal without exponent, as Tempo writes bounds: 0.002, 1, 16.384. */
function decimal(value: number): string {
  const text = String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign, whole, fraction = '', exponentText] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  const exponent = Number(exponentText);
  const digits = whole + fraction;
  return exponent < 0
    ? `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
    : `${sign}${digits.padEnd(exponent + 1, '0')}`;
}

/** How many series a histogram of this shape is. */
export function seriesOfHistogram(shape: HistogramShape, forms: HistogramForms): number {
  return (forms === 'native' ? 0 : shape.boundTexts.length + 2) + (forms === 'classic' ? 0 : 1);
}

/** How far the zero before the first value has come. */
const NEW = 0;
const WRITTEN = 1;
const STORED = 2;

class CounterSeries {
  readonly labels: Labels;
  value = 0;
  state = NEW;

  constructor(labels: Labels) {
    this.labels = labels;
  }
}

export class HistogramSeries {
  readonly shape: HistogramShape;
  readonly #bounds: readonly number[];
  /** Per bucket, not cumulative. */
  readonly #counts: Float64Array;
  #sum = 0;
  readonly #native: NativeBuckets | undefined;
  readonly #bucketLabels: readonly Labels[];
  readonly #sumLabels: Labels | undefined;
  readonly #countLabels: Labels | undefined;
  readonly #nativeLabels: Labels | undefined;
  // The last observation of every bucket since the last collection; a time of 0 is none.
  readonly #exampleTimesMs: Float64Array;
  readonly #exampleValues: Float64Array;
  /** Four words each. */
  readonly #exampleTraces: Int32Array;
  state = NEW;

  constructor(labels: Labels, shape: HistogramShape, format: GroupFormat) {
    const buckets = shape.boundTexts.length;
    this.shape = shape;
    this.#bounds = shape.bounds;
    this.#counts = new Float64Array(buckets);
    this.#exampleTimesMs = new Float64Array(buckets);
    this.#exampleValues = new Float64Array(buckets);
    this.#exampleTraces = new Int32Array(buckets * 4);
    const classic = format.histograms !== 'native';
    this.#bucketLabels = classic
      ? shape.boundTexts.map((le) => insert(named(labels, `${shape.name}_bucket`), 'le', le))
      : [];
    this.#sumLabels = classic ? named(labels, `${shape.name}_sum`) : undefined;
    this.#countLabels = classic ? named(labels, `${shape.name}_count`) : undefined;
    if (format.histograms !== 'classic') {
      this.#nativeLabels = named(labels, shape.name);
      this.#native = new NativeBuckets(format.nativeSchema, format.maxNativeBuckets);
    }
  }

  /** Counts a value `weight` times. The trace id comes as four signed big-endian words. */
  observe(
    value: number,
    weight: number,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    nowMs: number,
  ): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] as number) + weight;
    this.#sum += value * weight;
    this.#native?.observe(value, weight);
    this.#exampleTimesMs[bucket] = nowMs;
    this.#exampleValues[bucket] = value;
    const to = bucket * 4;
    this.#exampleTraces[to] = w0;
    this.#exampleTraces[to + 1] = w1;
    this.#exampleTraces[to + 2] = w2;
    this.#exampleTraces[to + 3] = w3;
  }

  write(batch: MetricBatchBuilder, nowMs: number, zeroMs: number, traceIdLabel: string): void {
    const { shape } = this;
    const stored = this.state === STORED;
    if (this.state === NEW) this.state = WRITTEN;
    const bucketSeries: number[] = [];
    if (this.#sumLabels !== undefined && this.#countLabels !== undefined) {
      let cumulative = 0;
      for (let i = 0; i < this.#bucketLabels.length; i++) {
        cumulative += this.#counts[i] as number;
        bucketSeries.push(
          pushSample(batch, this.#bucketLabels[i] as Labels, nowMs, cumulative, stored, zeroMs),
        );
      }
      pushSample(batch, this.#sumLabels, nowMs, this.#sum, stored, zeroMs);
      pushSample(batch, this.#countLabels, nowMs, cumulative, stored, zeroMs);
    }
    let nativeSeries = -1;
    if (this.#nativeLabels !== undefined && this.#native !== undefined) {
      nativeSeries = batch.series.push(this.#nativeLabels) - 1;
      if (!stored) {
        const empty = new NativeBuckets(0, 1).histogram(0);
        batch.histograms.push({ series: nativeSeries, timestampMs: zeroMs, stale: false, histogram: empty });
      }
      const histogram = this.#native.histogram(this.#sum);
      batch.histograms.push({ series: nativeSeries, timestampMs: nowMs, stale: false, histogram });
    }
    for (let i = 0; i < this.#exampleTimesMs.length; i++) {
      if (this.#exampleTimesMs[i] === 0) continue;
      const exemplar = this.#exemplar(i, traceIdLabel);
      const series = bucketSeries[i];
      if (series !== undefined) batch.exemplars.push({ series, exemplar });
      if (nativeSeries >= 0) batch.exemplars.push({ series: nativeSeries, exemplar });
      this.#exampleTimesMs[i] = 0;
    }
    if (bucketSeries.length > 0 || nativeSeries >= 0) {
      batch.describe({ family: shape.name, type: 'histogram', help: '', unit: 'seconds' });
    }
  }

  #exemplar(bucket: number, traceIdLabel: string): Exemplar {
    let id = '';
    for (let i = 0; i < 4; i++) {
      const word = this.#exampleTraces[bucket * 4 + i] as number;
      id += (word >>> 0).toString(16).padStart(8, '0');
    }
    return {
      labels: Labels.from({ [traceIdLabel]: id }),
      value: this.#exampleValues[bucket] as number,
      timestampMs: this.#exampleTimesMs[bucket] as number,
    };
  }

  writeStale(batch: MetricBatchBuilder, nowMs: number): void {
    for (const labels of this.#bucketLabels) pushStale(batch, labels, nowMs);
    if (this.#sumLabels !== undefined) pushStale(batch, this.#sumLabels, nowMs);
    if (this.#countLabels !== undefined) pushStale(batch, this.#countLabels, nowMs);
    if (this.#nativeLabels !== undefined) {
      const series = batch.series.push(this.#nativeLabels) - 1;
      batch.histograms.push({ series, timestampMs: nowMs, stale: true, histogram: null });
    }
  }
}

/** All series of one label set. Members are made by the SeriesStore, which counts them. */
export class SeriesGroup {
  /** Without the metric's name. */
  readonly labels: Labels;
  /** When it was touched last. */
  lastMs: number;
  /** Forgotten by the store: do not add to it, get it anew. */
  gone = false;
  /** How many series it has. */
  size = 0;
  readonly gauge: boolean;
  readonly onGone: () => void;
  readonly #counters: (CounterSeries | undefined)[] = [];
  readonly #histograms: (HistogramSeries | undefined)[] = [];

  constructor(labels: Labels, nowMs: number, gauge: boolean, onGone: () => void) {
    this.labels = labels;
    this.onGone = onGone;
    this.lastMs = nowMs;
    this.gauge = gauge;
  }

  hasCounter(slot: number): boolean {
    return this.#counters[slot] !== undefined;
  }

  addCounter(slot: number, name: string): void {
    this.#counters[slot] = new CounterSeries(named(this.labels, name));
    this.size++;
  }

  count(slot: number, amount: number): void {
    (this.#counters[slot] as CounterSeries).value += amount;
  }

  set(slot: number, value: number): void {
    (this.#counters[slot] as CounterSeries).value = value;
  }

  hasHistogram(slot: number): boolean {
    return this.#histograms[slot] !== undefined;
  }

  addHistogram(slot: number, shape: HistogramShape, format: GroupFormat): void {
    this.#histograms[slot] = new HistogramSeries(this.labels, shape, format);
    this.size += seriesOfHistogram(shape, format.histograms);
  }

  histogram(slot: number): HistogramSeries {
    return this.#histograms[slot] as HistogramSeries;
  }

  /** Appends the current values; series that were never stored get a zero at `zeroMs` first. */
  write(batch: MetricBatchBuilder, nowMs: number, zeroMs: number, traceIdLabel: string): void {
    for (const counter of this.#counters) {
      if (counter === undefined) continue;
      pushSample(batch, counter.labels, nowMs, counter.value, counter.state === STORED || this.gauge, zeroMs);
      if (counter.state === NEW) counter.state = WRITTEN;
      batch.describe({
        family: counter.labels.get(METRIC_NAME),
        type: this.gauge ? 'gauge' : 'counter',
        help: '',
        unit: '',
      });
    }
    for (const histogram of this.#histograms) histogram?.write(batch, nowMs, zeroMs, traceIdLabel);
  }

  /** To be called once a batch with this group's values is stored. */
  wasStored(): void {
    for (const member of [...this.#counters, ...this.#histograms]) {
      if (member?.state === WRITTEN) member.state = STORED;
    }
  }

  writeStale(batch: MetricBatchBuilder, nowMs: number): void {
    for (const counter of this.#counters) if (counter !== undefined) pushStale(batch, counter.labels, nowMs);
    for (const histogram of this.#histograms) histogram?.writeStale(batch, nowMs);
  }
}

/**
 * Appends a sample of a series that stands nowhere else in the batch, and gives the series' number. A counter's first
 * value is preceded by a zero, so that rate and increase see what was counted before it was first written.
 */
function pushSample(
  batch: MetricBatchBuilder,
  labels: Labels,
  nowMs: number,
  value: number,
  stored: boolean,
  zeroMs: number,
): number {
  const series = batch.series.push(labels) - 1;
  if (!stored) batch.pushValue(series, zeroMs, 0);
  batch.pushValue(series, nowMs, value);
  return series;
}

function pushStale(batch: MetricBatchBuilder, labels: Labels, nowMs: number): void {
  batch.pushBits(batch.series.push(labels) - 1, nowMs, STALE_LOW, STALE_HIGH);
}

function named(labels: Labels, name: string): Labels {
  return insert(labels, METRIC_NAME, name);
}

/** Labels with one more, which is not among them. */
function insert(labels: Labels, name: string, value: string): Labels {
  let at = 0;
  while (at < labels.size && compareCodePoints(labels.names[at] as string, name) < 0) at++;
  return Labels.fromSorted(
    [...labels.names.slice(0, at), name, ...labels.names.slice(at)],
    [...labels.values.slice(0, at), value, ...labels.values.slice(at)],
  );
}
