/**
 * What the exposition parsers give: samples, histograms, exemplars and metadata of one page, in its order. The sink
 * decides what a series is (labels of the target, relabelling, limits); its answer is remembered by the raw bytes.
 */

import type { MetricMetadata } from '../../model/batch.ts';
import type { Histogram } from '../../model/histogram.ts';
import type { LabelPool } from '../label-pool.ts';
import { LineCache } from './line-cache.ts';

export type MetricType = MetricMetadata['type'];

/** An exemplar as it was exposed; labels may be unsorted. */
export interface ExposedExemplar {
  readonly names: readonly string[];
  readonly values: readonly string[];
  readonly value: number;
  /** Milliseconds; undefined when the page gives none. */
  readonly timestampMs: number | undefined;
}

/** `S` is what the sink wants to get back for a series that comes again with the same bytes. */
export interface ExpositionSink<S> {
  /**
   * A series seen for the first time in these bytes. names[0] is __name__; the rest is in the order of the page, may
   * have empty values and repeated names. `type` is what the page said of the family last. Throws InputError.
   */
  series(names: readonly string[], values: readonly string[], type: MetricType): S;
  /** `timestampMs` is NaN when the page gives none. */
  sample(series: S, value: number, timestampMs: number): void;
  histogram(series: S, histogram: Histogram, timestampMs: number): void;
  /** Belongs to the sample or histogram that came last, whose series is `series`. */
  exemplar(series: S, exemplar: ExposedExemplar, ofHistogram: boolean): void;
  metadata(family: string, kind: 'type' | 'help' | 'unit', text: string): void;
}

/** A page that is read piece by piece, so that a large one does not hold up everything else. */
export interface PageReader {
  /** Reads about so many entries more; true when the page is at its end. Throws InputError. */
  step(maxEntries: number): boolean;
}

/** What a metadata line said. */
export interface MetaLine {
  readonly meta: true;
  readonly kind: 'type' | 'help' | 'unit' | 'comment';
  readonly family: string;
  readonly text: string;
}

/** What is remembered between the pages of one target. */
export class ExpositionMemory<S> {
  readonly lines = new LineCache<{ readonly series: S } | MetaLine>();
  readonly metrics = new LineCache<ProtoSeries<S>>();
  /** Families of protobuf pages by name: their number is part of the key of a metric. */
  readonly families = new Map<string, number>();
  readonly pool: LabelPool;

  constructor(pool: LabelPool) {
    this.pool = pool;
  }
}

/** One metric of a protobuf page with the series that it stands for. */
export interface ProtoSeries<S> {
  readonly names: readonly string[];
  readonly values: readonly string[];
  plain: S | undefined;
  count: S | undefined;
  sum: S | undefined;
  /** By upper bound or quantile. */
  readonly parts: Map<number, S>;
}
