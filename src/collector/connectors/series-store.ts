/**
 * All series that were generated for one tenant: bounded in number, collected into batches, forgotten (with a stale
 * marker) when nothing touches them any more. It does not know what they count.
 */

import type { MetricBatch } from '../../model/batch.ts';
import { Labels } from '../../model/labels.ts';
import { MetricBatchBuilder } from '../../wire/metric-batch.ts';
import { cutUtf8 } from '../../wire/otlp/any-value.ts';
import type { GeneratorOptions } from './options.ts';
import { type HistogramShape, SeriesGroup, seriesOfHistogram } from './series-group.ts';

/** Rows of one batch, so that neither the event loop nor the queue of the sink takes all series at once. */
const MAX_BATCH_SAMPLES = 20_000;

/** What a group is made of from the start. Slots are the caller's numbers for its members. */
export interface GroupMembers {
  readonly counters: readonly { readonly slot: number; readonly name: string }[];
  readonly histograms: readonly { readonly slot: number; readonly shape: HistogramShape }[];
  readonly gauge?: boolean;
}

export class SeriesStore {
  readonly #options: GeneratorOptions;
  readonly #groups = new Set<SeriesGroup>();
  /** Forgotten, and the stale markers not stored yet. */
  readonly #leaving = new Set<SeriesGroup>();
  readonly #external: readonly (readonly [string, string])[];
  /** No series of an earlier collection has a sample at this time or behind it. */
  #zeroMs: number;
  /** Series that are kept. */
  active = 0;
  /** Series since the start: made, forgotten, and refused because the limit was reached. */
  added = 0;
  removed = 0;
  limited = 0;

  constructor(options: GeneratorOptions, nowMs: number) {
    this.#options = options;
    this.#zeroMs = nowMs;
    this.#external = Object.entries(options.externalLabels);
  }

  /**
   * Series for a new label set; undefined when the limit is reached. Pairs with empty values are left out. `onGone` is
   * called when the store forgets them.
   */
  add(
    pairs: readonly (readonly [string, string])[],
    members: GroupMembers,
    nowMs: number,
    onGone: () => void,
  ): SeriesGroup | undefined {
    const { counters, histograms, gauge } = members;
    let size = counters.length;
    for (const { shape } of histograms) size += seriesOfHistogram(shape, this.#options.histograms);
    if (!this.#admit(size)) return undefined;
    const group = new SeriesGroup(this.#labels(pairs), nowMs, gauge === true, onGone);
    for (const { slot, name } of counters) group.addCounter(slot, name);
    for (const { slot, shape } of histograms) group.addHistogram(slot, shape, this.#options);
    this.#groups.add(group);
    return group;
  }

  /** Makes sure that a group has a counter; false when the limit is reached. */
  ensureCounter(group: SeriesGroup, slot: number, name: string): boolean {
    if (group.hasCounter(slot)) return true;
    if (!this.#admit(1)) return false;
    group.addCounter(slot, name);
    return true;
  }

  /** Makes sure that a group has a histogram; false when the limit is reached. */
  ensureHistogram(group: SeriesGroup, slot: number, shape: HistogramShape): boolean {
    if (group.hasHistogram(slot)) return true;
    if (!this.#admit(seriesOfHistogram(shape, this.#options.histograms))) return false;
    group.addHistogram(slot, shape, this.#options);
    return true;
  }

  #admit(size: number): boolean {
    if (this.active + size > this.#options.maxActiveSeries) {
      this.limited += size;
      return false;
    }
    this.active += size;
    this.added += size;
    return true;
  }

  #labels(pairs: readonly (readonly [string, string])[]): Labels {
    const { maxLabelNameBytes, maxLabelValueBytes } = this.#options;
    const cutPairs: [string, string][] = [];
    for (const [name, value] of pairs) {
      cutPairs.push([cut(name, maxLabelNameBytes), cut(value, maxLabelValueBytes)]);
    }
    return Labels.fromPairs([...cutPairs, ...this.#external]);
  }

  /** Takes groups that were idle for too long out of the store. */
  #retire(nowMs: number): void {
    for (const group of this.#groups) {
      if (nowMs - group.lastMs <= this.#options.staleMs) continue;
      group.gone = true;
      group.onGone();
      this.#groups.delete(group);
      this.#leaving.add(group);
      this.active -= group.size;
      this.removed += group.size;
    }
  }

  /** Whether nothing is kept and nothing is left to be written. */
  get empty(): boolean {
    return this.#groups.size === 0 && this.#leaving.size === 0;
  }

  /**
   * Writes the current value of every series, in batches one after the other. When a write fails the values come
   * with the next collection, because they are sums; what is lost is a point in time, and its exemplars.
   */
  async collect(tenant: string, nowMs: number, write: (batch: MetricBatch) => Promise<void>): Promise<void> {
    this.#retire(nowMs);
    const zeroMs = Math.min(this.#zeroMs, nowMs - 1);
    this.#zeroMs = nowMs + 1;
    const { traceIdLabel } = this.#options;
    let batch = new MetricBatchBuilder(tenant);
    let inBatch: SeriesGroup[] = [];
    const flush = async () => {
      if (inBatch.length === 0) return;
      const groups = inBatch;
      const full = batch;
      batch = new MetricBatchBuilder(tenant);
      inBatch = [];
      await write(full);
      for (const group of groups) {
        group.wasStored();
        this.#leaving.delete(group);
      }
    };
    for (const group of [...this.#leaving, ...this.#groups]) {
      if (group.gone) group.writeStale(batch, nowMs);
      else group.write(batch, nowMs, zeroMs, traceIdLabel);
      inBatch.push(group);
      if (batch.seriesIndex.length + batch.histograms.length >= MAX_BATCH_SAMPLES) await flush();
    }
    await flush();
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function cut(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = encoder.encode(text);
  return decoder.decode(bytes.subarray(0, cutUtf8(bytes, 0, bytes.length, maxBytes)));
}
