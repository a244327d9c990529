/** What a query has to tell beside its result: warnings and infos in Prometheus's words, each at its place. */

import { formatGeneral } from '../syntax/numbers.ts';
import { lineAndColumn } from '../syntax/positions.ts';
import { quote } from '../syntax/strings.ts';
import type { NoteSink, VectorNote } from '../vector/notes.ts';

/** Notes that name a metric. */
export type MetricNote =
  | 'mixed-floats-histograms'
  | 'mixed-classic-native'
  | 'histogram-not-counter'
  | 'histogram-not-gauge'
  | 'mixed-schemas'
  | 'incompatible-bounds'
  | 'not-a-counter'
  | 'forced-monotonicity'
  | 'histograms-ignored'
  | 'quantile-nan-result'
  | 'quantile-nan-skew'
  | 'fraction-nans';

const MONOTONICITY =
  'input to histogram_quantile needed to be fixed for monotonicity ' +
  '(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name';

const METRIC_NOTES: Readonly<Record<MetricNote, readonly ['warning' | 'info', string]>> = {
  'mixed-floats-histograms': ['warning', 'encountered a mix of histograms and floats for metric name'],
  'mixed-classic-native': [
    'warning',
    'vector contains a mix of classic and native histograms for metric name',
  ],
  'histogram-not-counter': ['warning', 'this native histogram metric is not a counter:'],
  'histogram-not-gauge': ['warning', 'this native histogram metric is not a gauge:'],
  'mixed-schemas': [
    'warning',
    'vector contains a mix of histograms with exponential and custom buckets schemas for metric name',
  ],
  'incompatible-bounds': [
    'warning',
    'vector contains histograms with incompatible custom buckets for metric name',
  ],
  'not-a-counter': [
    'info',
    'metric might not be a counter, name does not end in _total/_sum/_count/_bucket:',
  ],
  'forced-monotonicity': ['info', MONOTONICITY],
  'histograms-ignored': [
    'info',
    'ignored histograms in a range containing both floats and histograms for metric name',
  ],
  'quantile-nan-result': [
    'info',
    'input to histogram_quantile has NaN observations, result is NaN for metric name',
  ],
  'quantile-nan-skew': [
    'info',
    'input to histogram_quantile has NaN observations, result is skewed higher for metric name',
  ],
  'fraction-nans': [
    'info',
    'input to histogram_fraction has NaN observations, which are excluded from all fractions for metric name',
  ],
};

/** Collects notes; equal ones count once. */
export class Annotations {
  readonly #text: string;
  readonly #warnings = new Set<string>();
  readonly #infos = new Set<string>();

  /** `text` is the query, for line and column. */
  constructor(text: string) {
    this.#text = text;
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  get infos(): string[] {
    return [...this.#infos];
  }

  add(level: 'warning' | 'info', message: string, position: number): void {
    const { line, column } = lineAndColumn(this.#text, position);
    (level === 'warning' ? this.#warnings : this.#infos).add(
      `PromQL ${level}: ${message} (${line}:${column})`,
    );
  }

  metric(note: MetricNote, metric: string, position: number): void {
    const [level, message] = METRIC_NOTES[note];
    this.add(level, `${message} ${quote(metric)}`, position);
  }

  badBucket(metric: string, label: string, position: number): void {
    this.add(
      'warning',
      `bucket label "le" is missing or has a malformed value of ${quote(label)} for metric name ${quote(metric)}`,
      position,
    );
  }

  invalidQuantile(value: number, position: number): void {
    this.add('warning', `quantile value should be between 0 and 1, got ${formatGeneral(value)}`, position);
  }

  /** Notes of the vector operations, at the place of `position`, those on parameters at `parameterPosition`. */
  sink(position: number, parameterPosition = position): NoteSink {
    return (note: VectorNote) => {
      switch (note.kind) {
        case 'histogram-ignored':
          return this.add('info', `ignored histogram in ${note.operation} aggregation`, position);
        case 'mixed-floats-histograms':
          return this.add('warning', 'encountered a mix of histograms and floats for aggregation', position);
        case 'incompatible-histograms':
          return this.metric(
            note.reason === 'schema' ? 'mixed-schemas' : 'incompatible-bounds',
            note.metric,
            position,
          );
        case 'incompatible-types':
          return this.add(
            'info',
            `incompatible sample types encountered for binary operator ${quote(note.operator)}: ` +
              `${note.left} ${note.operator} ${note.right}`,
            position,
          );
        case 'incompatible-layouts':
          return this.add(
            'warning',
            `incompatible bucket layout encountered for binary operator ${note.operator}`,
            position,
          );
        case 'invalid-quantile':
          return this.invalidQuantile(note.value, parameterPosition);
        case 'invalid-ratio':
          return this.add(
            'warning',
            `ratio value should be between -1 and 1, got ${formatGeneral(note.value)}, capping to ${formatGeneral(note.used)}`,
            parameterPosition,
          );
      }
    };
  }
}
