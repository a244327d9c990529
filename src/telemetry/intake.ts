/** Counts what goes into storage, per signal: for `/metrics`, the status page and the rates on it. */

import type { BatchSink } from '../model/batch.ts';
import type { Registry } from './registry.ts';

export type Signal = 'metrics' | 'logs' | 'traces';
export const SIGNALS: readonly Signal[] = ['metrics', 'logs', 'traces'];

const RATE_WINDOW_S = 60;

/** Items of one signal since the start. */
export interface SignalCounts {
  readonly accepted: number;
  readonly refused: number;
  /** Accepted per second over the last minute. */
  readonly ratePerSecond: number;
  /** When the last item was accepted. */
  readonly lastMs: number | undefined;
}

class SignalCounter {
  accepted = 0;
  refused = 0;
  lastMs: number | undefined;
  readonly #seconds = new Float64Array(RATE_WINDOW_S);
  readonly #stamps = new Float64Array(RATE_WINDOW_S);

  accept(items: number, nowMs: number): void {
    this.accepted += items;
    this.lastMs = nowMs;
    const second = Math.floor(nowMs / 1000);
    const slot = second % RATE_WINDOW_S;
    if (this.#stamps[slot] !== second) {
      this.#stamps[slot] = second;
      this.#seconds[slot] = 0;
    }
    this.#seconds[slot] = (this.#seconds[slot] as number) + items;
  }

  rate(nowMs: number, startMs: number): number {
    const second = Math.floor(nowMs / 1000);
    let items = 0;
    for (let i = 0; i < RATE_WINDOW_S; i++) {
      if (second - (this.#stamps[i] as number) < RATE_WINDOW_S) items += this.#seconds[i] as number;
    }
    return items / Math.min(RATE_WINDOW_S, Math.max(1, (nowMs - startMs) / 1000));
  }
}

/** A sink that counts; a batch counts as accepted when its promise is fulfilled. */
export class Intake implements BatchSink {
  readonly #inner: BatchSink;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #counters: Record<Signal, SignalCounter> = {
    metrics: new SignalCounter(),
    logs: new SignalCounter(),
    traces: new SignalCounter(),
  };

  constructor(inner: BatchSink, registry: Registry, now: () => number) {
    this.#inner = inner;
    this.#now = now;
    this.#startMs = now();
    registry.collector(() => [
      {
        name: 'trivium_ingest_items_total',
        help: 'Samples, log records and spans by outcome.',
        type: 'counter',
        points: SIGNALS.flatMap((signal) => [
          { labels: { signal, outcome: 'accepted' }, value: this.#counters[signal].accepted },
          { labels: { signal, outcome: 'refused' }, value: this.#counters[signal].refused },
        ]),
      },
    ]);
  }

  async writeMetrics(batch: Parameters<BatchSink['writeMetrics']>[0]): Promise<void> {
    await this.#count('metrics', batch.seriesIndex.length + batch.histograms.length, () =>
      this.#inner.writeMetrics(batch),
    );
  }

  async writeLogs(batch: Parameters<BatchSink['writeLogs']>[0]): Promise<void> {
    await this.#count('logs', batch.streamIndex.length, () => this.#inner.writeLogs(batch));
  }

  async writeSpans(batch: Parameters<BatchSink['writeSpans']>[0]): Promise<void> {
    await this.#count('traces', batch.kinds.length, () => this.#inner.writeSpans(batch));
  }

  /** Items that a receiver refused before they became part of a batch. */
  refuse(signal: Signal, items: number): void {
    this.#counters[signal].refused += items;
  }

  counts(signal: Signal): SignalCounts {
    const counter = this.#counters[signal];
    return {
      accepted: counter.accepted,
      refused: counter.refused,
      ratePerSecond: counter.rate(this.#now(), this.#startMs),
      lastMs: counter.lastMs,
    };
  }

  async #count(signal: Signal, items: number, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#counters[signal].refused += items;
      throw error;
    }
    this.#counters[signal].accept(items, this.#now());
  }
}
