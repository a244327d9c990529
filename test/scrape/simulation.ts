/** Simulated time, targets and storage for scraping: days pass in a moment, and every sample is kept to look at. */

import type { DiscoveryDeps } from '../../src/collector/discovery/mechanism.ts';
import type { Clock } from '../../src/collector/scrape/clock.ts';
import type { ScrapeConfig } from '../../src/collector/scrape/config.ts';
import type { ScrapeMetrics } from '../../src/collector/scrape/metrics.ts';
import { type Scraping, startScraping } from '../../src/collector/scrape/scraping.ts';
import { readPrometheusConfig } from '../../src/config/prometheus/index.ts';
import type { BatchSink, MetricBatch } from '../../src/model/batch.ts';
import type { Labels } from '../../src/model/labels.ts';
import { isStaleBits } from '../../src/model/stale.ts';
import { seriesText } from '../collector/memory-sink.ts';

export const START_MS = 1_780_000_000_000;

interface Pending {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that passes only when told to. `jump` moves the wall clock alone. */
export class SimulatedClock implements Clock {
  #elapsedMs = 0;
  #wallMs = START_MS;
  #order = 0;
  #timers: Pending[] = [];

  now(): number {
    return this.#wallMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(ms: number, callback: () => void) {
    const timer: Pending = { dueMs: this.#elapsedMs + ms, order: this.#order++, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  yield(): Promise<void> {
    return settled();
  }

  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /** Lets so much time pass, timer by timer. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settled();
    for (;;) {
      let next: Pending | undefined;
      for (const timer of this.#timers) {
        if (timer.dueMs > untilMs) continue;
        if (
          next === undefined ||
          timer.dueMs < next.dueMs ||
          (timer.dueMs === next.dueMs && timer.order < next.order)
        ) {
          next = timer;
        }
      }
      if (next === undefined) break;
      this.#timers.splice(this.#timers.indexOf(next), 1);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.callback();
      await settled();
    }
    this.#elapsedMs = untilMs;
  }
}

/** When everything that needs no time has happened. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** What a target answers. A number of milliseconds before the answer, or for ever with Infinity. */
export interface SimulatedPage {
  readonly body?: string;
  readonly contentType?: string;
  readonly error?: string;
  readonly delayMs?: number;
}

export interface Sample {
  readonly series: string;
  readonly timeMs: number;
  readonly value: number;
  readonly stale: boolean;
}

export class Simulation {
  readonly clock = new SimulatedClock();
  /** Pages by host:port; those that are not there refuse the connection. */
  readonly pages = new Map<string, SimulatedPage | ((nowMs: number) => SimulatedPage)>();
  readonly fetched: { url: string; timeMs: number }[] = [];
  readonly samples: Sample[] = [];
  readonly counters = new Map<string, number>();
  readonly logs: string[] = [];
  readonly files = new Map<string, string>();
  /** How long storage takes; an error refuses. */
  storageMs = 0;
  storageError: Error | undefined;
  batches = 0;
  scraping: Scraping | undefined;
  readonly #watchers = new Set<() => void>();

  readonly #sink: BatchSink = {
    writeMetrics: async (batch) => {
      this.batches++;
      if (this.storageMs > 0) {
        await new Promise<void>((resolve) => this.clock.after(this.storageMs, resolve));
      }
      if (this.storageError !== undefined) throw this.storageError;
      this.#keep(batch);
    },
    writeLogs: async () => {},
    writeSpans: async () => {},
  };

  #keep(batch: MetricBatch): void {
    for (let row = 0; row < batch.seriesIndex.length; row++) {
      this.samples.push({
        series: seriesText(batch.series[batch.seriesIndex.get(row)] as Labels),
        timeMs: batch.timestampsMs.float(row),
        value: batch.values.float(row),
        stale: isStaleBits(batch.values.low(row), batch.values.high(row)),
      });
    }
  }

  start(yaml: string): void {
    const metrics: ScrapeMetrics = {
      add: (name, count, labels = {}) => {
        const key = [name, ...Object.values(labels)].join(' ');
        this.counters.set(key, (this.counters.get(key) ?? 0) + count);
      },
      set: () => {},
      interval: () => {},
    };
    this.scraping = startScraping(jobs(yaml), {
      sink: this.#sink,
      tenant: 'default',
      userAgent: 'test',
      clock: this.clock,
      metrics,
      log: {
        debug: () => {},
        warn: (message, fields) => void this.logs.push(`${message} ${JSON.stringify(fields)}`),
      },
      fetcher: () => ({ fetch: (url, _timeoutMs, signal) => this.#fetch(url, signal), close: () => {} }),
      discovery: this.#discovery(),
    });
  }

  apply(yaml: string): void {
    this.scraping?.apply(jobs(yaml));
  }

  writeFile(name: string, text: string): void {
    this.files.set(name, text);
    for (const watcher of this.#watchers) watcher();
  }

  #discovery(): Pick<DiscoveryDeps, 'http' | 'dns' | 'files' | 'env'> {
    const none = () => Promise.reject(new Error('not simulated'));
    return {
      env: {},
      http: () => ({ request: none, close: () => {} }),
      dns: { srv: none, a: none, aaaa: none, mx: none, ns: none },
      files: {
        read: async (file) => {
          const text = this.files.get(file);
          if (text === undefined) throw new Error(`no file ${file}`);
          return text;
        },
        list: async (folder) =>
          [...this.files.keys()]
            .filter((file) => file.startsWith(`${folder}/`))
            .map((file) => file.slice(folder.length + 1)),
        watch: (_folder, onChange) => {
          this.#watchers.add(onChange);
          return { close: () => this.#watchers.delete(onChange) };
        },
      },
    };
  }

  async #fetch(url: string, signal: AbortSignal) {
    this.fetched.push({ url, timeMs: this.clock.now() });
    const known = this.pages.get(new URL(url).host);
    const page = typeof known === 'function' ? known(this.clock.now()) : known;
    if (page === undefined) throw new Error(`Get "${url}": dial tcp: connect: connection refused`);
    const { delayMs = 0 } = page;
    if (delayMs > 0) {
      await new Promise<void>((resolve, reject) => {
        if (Number.isFinite(delayMs)) this.clock.after(delayMs, resolve);
        signal.addEventListener('abort', () =>
          reject(new Error(`Get "${url}": ${(signal.reason as Error).message}`)),
        );
      });
    }
    if (page.error !== undefined) throw new Error(page.error);
    return {
      contentType: page.contentType ?? 'text/plain; version=0.0.4',
      body: new TextEncoder().encode(page.body ?? ''),
    };
  }

  /** Samples of one series as `seconds since the start: value`, stale markers as `stale`. */
  history(series: string): string[] {
    return this.samples
      .filter((sample) => sample.series === series)
      .map(({ timeMs, value, stale }) => `${(timeMs - START_MS) / 1000}: ${stale ? 'stale' : value}`);
  }

  /** Values only. */
  values(series: string): (number | 'stale')[] {
    return this.samples
      .filter((sample) => sample.series === series)
      .map(({ value, stale }) => (stale ? 'stale' : value));
  }

  target(address: string) {
    return this.scraping
      ?.pools()
      .flatMap(({ targets }) => targets)
      .find(({ identity }) => identity.labels.get('__address__') === address);
  }
}

/** Scrape jobs from the text of a prometheus.yml; throws when it has mistakes. */
export function jobs(yaml: string): readonly ScrapeConfig[] {
  const { config, diagnostics } = readPrometheusConfig(yaml, '/etc/prometheus.yml', {
    files: { read: () => '', list: () => [] },
  });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  return config.scrapeConfigs;
}
