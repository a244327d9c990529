/**
 * What is remembered of OTLP metrics across requests, so that labels are built once per series: resources, metrics
 * below a resource and scope, and the series of their points.
 */

import { Labels, METRIC_NAME } from '../../model/labels.ts';
import {
  DEFAULT_SERIES_LIMITS,
  type KnownSeries,
  refuseLabels,
  type SeriesLimits,
  SeriesRegister,
} from '../metric-batch.ts';
import type { SeriesCache } from '../series-cache.ts';
import type { DeltaTotals } from './delta.ts';
import {
  DEFAULT_METRIC_LABEL_OPTIONS,
  type MetricLabelOptions,
  type Pair,
  pointLabels,
  type ResourceLabels,
  resourceLabels,
} from './metric-labels.ts';
import { metricName, type NameKind } from './names.ts';

export interface OtlpMetricsOptions extends MetricLabelOptions {
  readonly limits: SeriesLimits;
  /** Write target_info for resources with attributes beyond job and instance. */
  readonly targetInfo: boolean;
  /** Distance of target_info's samples in a request that spans a long time. */
  readonly targetInfoIntervalMs: number;
  /** Explicit histograms become native histograms with custom buckets instead of classic series. */
  readonly convertHistogramsToNhcb: boolean;
  /** Write a sample of 0 at the start time of cumulative points. */
  readonly createdTimestampZeroSamples: boolean;
}

export const DEFAULT_OTLP_METRICS_OPTIONS: OtlpMetricsOptions = {
  ...DEFAULT_METRIC_LABEL_OPTIONS,
  limits: DEFAULT_SERIES_LIMITS,
  targetInfo: true,
  targetInfoIntervalMs: 150_000,
  convertHistogramsToNhcb: false,
  createdTimestampZeroSamples: false,
};

/** When so many resources or metrics are remembered, all is forgotten. */
const MAX_CONTEXTS = 100_000;
/** Bounds and quantiles of one point's attributes that are remembered. */
const MAX_SERIES_OF_POINT = 1000;

export type PointKind = 'gauge' | 'sum' | 'histogram' | 'exponential' | 'summary';
export const UNSPECIFIED = 0;
export const DELTA = 1;
export const CUMULATIVE = 2;

/** The series of a point's attributes under one metric, as they are remembered across requests. */
export class PointSeries {
  /** Labels without the metric's name; null when they are refused. */
  readonly labels: Map<string, string> | null;
  readonly refused: string | undefined;
  /** Series by what is behind the family's name and by the value of le or quantile. */
  readonly #series = new Map<string, KnownSeries | string>();
  /** Bounds of the explicit histogram that was seen last, and its series: per bound, +Inf, _count, _sum. */
  bounds: readonly number[] = [];
  bucketSeries: KnownSeries[] = [];

  readonly #register: SeriesRegister;

  constructor(labels: Map<string, string> | string, register: SeriesRegister) {
    this.#register = register;
    this.labels = typeof labels === 'string' ? null : labels;
    this.refused = typeof labels === 'string' ? labels : undefined;
  }

  /** The series called `name`, with one more label if given; or why it is refused. */
  get(name: string, limits: SeriesLimits, extra?: Pair): KnownSeries | string {
    if (this.labels === null) return this.refused as string;
    const key = extra === undefined ? name : `${name}\u0000${extra[1]}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const pairs: Pair[] = [...this.labels];
      if (extra !== undefined) pairs.push(extra);
      pairs.push([METRIC_NAME, name]);
      const labels = Labels.fromPairs(pairs);
      series = refuseLabels(labels, limits) ?? this.#register.get(labels);
      if (this.#series.size >= MAX_SERIES_OF_POINT) this.#series.clear();
      this.#series.set(key, series);
    }
    return series;
  }
}

export interface ResourceContext {
  readonly id: number;
  readonly labels: ResourceLabels;
  readonly targetInfo: KnownSeries | undefined;
}

/** A metric under one resource and scope. */
export interface MetricContext {
  readonly id: number;
  readonly tenant: string;
  readonly resource: ResourceLabels;
  readonly scope: readonly Pair[];
  /** Name of the family in Prometheus. */
  readonly family: string;
  readonly refused: string | undefined;
}

/** Remembers resources, metrics and series under one set of options. */
export class MetricMemory {
  readonly options: OtlpMetricsOptions;
  readonly deltas: DeltaTotals;
  readonly series: SeriesCache<PointSeries>;
  readonly #resources = new Map<string, ResourceContext>();
  readonly #metrics = new Map<string, MetricContext>();
  readonly #register: SeriesRegister;
  #ids = 0;

  constructor(options: OtlpMetricsOptions, deltas: DeltaTotals, series: SeriesCache<PointSeries>) {
    this.options = options;
    this.deltas = deltas;
    this.series = series;
    // Series of histograms have a dozen and more label sets for one set of attributes.
    this.#register = new SeriesRegister(series.maxEntries * 2);
    series.onClear = () => {
      this.#resources.clear();
      this.#metrics.clear();
      this.#register.clear();
    };
  }

  /** Call before a request: forgets everything when too much is remembered. */
  tidy(): void {
    if (this.#metrics.size > MAX_CONTEXTS || this.#resources.size > MAX_CONTEXTS) this.series.clear();
    else this.series.tidy();
  }

  /** What is known of a resource; `bytes` are its encoding, `read` gives its attributes when it is new. */
  resource(tenant: string, bytes: Uint8Array, read: () => readonly Pair[]): ResourceContext {
    const key = `${tenant}\u0000${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')}`;
    let context = this.#resources.get(key);
    if (context === undefined) {
      const labels = resourceLabels(read(), this.options);
      const info = this.options.targetInfo ? labels.targetInfo : undefined;
      context = {
        id: this.#ids++,
        labels,
        targetInfo:
          info === undefined || refuseLabels(info, this.options.limits) !== undefined
            ? undefined
            : this.#register.get(info),
      };
      this.#resources.set(key, context);
    }
    return context;
  }

  metric(
    tenant: string,
    resource: ResourceContext,
    scope: readonly Pair[],
    scopeKey: string,
    name: string,
    unit: string,
    kind: NameKind,
  ): MetricContext {
    const key = `${resource.id}\u0000${kind}\u0000${unit}\u0000${name}\u0000${scopeKey}`;
    let context = this.#metrics.get(key);
    if (context === undefined) {
      const family = metricName(name, unit, kind, this.options.translationStrategy);
      context = {
        id: this.#ids++,
        tenant,
        resource: resource.labels,
        scope,
        family: family ?? '',
        refused:
          family === undefined
            ? `metric name ${JSON.stringify(name.slice(0, 100))} cannot be used`
            : resource.labels.refused,
      };
      this.#metrics.set(key, context);
    }
    return context;
  }

  /** The labels of a point with these attributes. */
  labels(attributes: readonly Pair[], context: MetricContext): PointSeries {
    return new PointSeries(
      pointLabels(attributes, context.resource, context.scope, this.options),
      this.#register,
    );
  }
}
