/**
 * Scrapes one target at its pace: fetch, read, store, and what users see of it (health, last error). A scrape that
 * takes longer than its interval delays only this target; a turn that is missed is counted, never made up for.
 */

import { BodyTooLargeError } from '../../http/client/errors.ts';
import type { BatchSink, MetricBatch } from '../../model/batch.ts';
import { OverloadedError } from '../../model/errors.ts';
import type { Labels } from '../../model/labels.ts';
import { type ExpositionFormat, formatOf } from '../../wire/exposition/content-type.ts';
import { ExpositionReader } from '../../wire/exposition/page.ts';
import type { LabelPool } from '../../wire/label-pool.ts';
import type { Clock, Timer } from './clock.ts';
import type { ScrapeConfig, ScrapeProtocol } from './config.ts';
import type { PageFetcher } from './fetch.ts';
import type { ScrapeMetrics } from './metrics.ts';
import type { TargetIdentity } from './target.ts';
import { LabelLimitError, SampleLimitError, type ScrapedSeries, TargetMemory } from './target-memory.ts';

/** Lines that are read before other work gets a turn. */
const STEP_LINES = 20_000;
/** Times are taken as planned when the timer was at most this late, which makes them compress better. */
const TIME_TOLERANCE_MS = 5;
const RETRY_MS = 500;

export type TargetHealth = 'unknown' | 'up' | 'down';

export interface LoopDeps {
  readonly config: ScrapeConfig;
  readonly tenant: string;
  readonly sink: BatchSink;
  readonly clock: Clock;
  readonly fetcher: PageFetcher;
  readonly relabel: ((labels: Labels) => Labels | undefined) | undefined;
  readonly pool: LabelPool;
  readonly metrics: ScrapeMetrics;
  readonly extraReport: boolean;
  /** Told of failed scrapes; for the log. */
  readonly onFailure: (target: TargetIdentity, error: string) => void;
}

export class TargetLoop {
  readonly identity: TargetIdentity;
  readonly memory: TargetMemory;
  health: TargetHealth = 'unknown';
  lastError = '';
  /** 0: never. */
  lastScrapeMs = 0;
  lastDurationS = 0;
  readonly #deps: LoopDeps;
  readonly #reader: ExpositionReader<ScrapedSeries>;
  #timer: Timer | undefined;
  /** When the next scrape is due, on the monotonic clock. */
  #dueMs = 0;
  /** The time that the next scrape's samples ought to have, on the wall clock. */
  #alignedMs = Number.NaN;
  #startedMs = Number.NaN;
  #running: Promise<void> | undefined;
  #aborter: AbortController | undefined;
  #stopped = false;

  constructor(identity: TargetIdentity, deps: LoopDeps) {
    this.identity = identity;
    this.#deps = deps;
    const { config } = deps;
    this.memory = new TargetMemory({
      tenant: deps.tenant,
      target: identity.publicLabels,
      honorLabels: config.honorLabels,
      honorTimestamps: config.honorTimestamps,
      trackTimestampsStaleness: config.trackTimestampsStaleness,
      relabel: deps.relabel,
      validation: config.validation,
      limits: config.limits,
    });
    this.#reader = new ExpositionReader(
      this.memory,
      {
        classicHistograms: config.classicHistograms,
        convertClassicHistograms: config.convertClassicHistograms,
      },
      deps.pool,
    );
  }

  /** Starts with the first scrape after so many milliseconds. */
  start(delayMs: number): void {
    this.#dueMs = this.#deps.clock.monotonic() + delayMs;
    this.#timer = this.#deps.clock.after(delayMs, () => this.#turn());
  }

  /** Ends without a trace in the data. Resolves when a scrape under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#aborter?.abort(new Error('scraping was stopped'));
    await this.#running;
  }

  #turn(): void {
    if (this.#stopped) return;
    const { clock, metrics } = this.#deps;
    const { intervalMs } = this.identity;
    this.#running = this.#scrape()
      .catch((error: unknown) => {
        this.lastError = String(error);
        this.health = 'down';
      })
      .then(() => {
        this.#running = undefined;
        if (this.#stopped) return;
        const nowMs = clock.monotonic();
        this.#dueMs += intervalMs;
        // Half a millisecond: timers may fire a little early.
        const missed = Math.floor((nowMs - this.#dueMs - 0.5) / intervalMs) + 1;
        if (missed > 0) {
          this.#dueMs += missed * intervalMs;
          metrics.add('trivium_scrape_missed_total', missed, { reason: 'previous scrape took too long' });
        }
        this.#timer = clock.after(Math.max(0, this.#dueMs - nowMs), () => this.#turn());
      });
  }

  /** The time of this scrape's samples: on the grid of the interval as long as the clock keeps to it. */
  #timeOfScrape(): number {
    const { clock, metrics } = this.#deps;
    const { intervalMs, interval } = this.identity;
    const nowMs = clock.now();
    const startMs = clock.monotonic();
    if (!Number.isNaN(this.#startedMs)) metrics.interval((startMs - this.#startedMs) / 1000, interval);
    this.#startedMs = startMs;
    const turns = Math.round((nowMs - this.#alignedMs) / intervalMs);
    const plannedMs = this.#alignedMs + turns * intervalMs;
    const tolerance = Math.min(TIME_TOLERANCE_MS, intervalMs / 100);
    this.#alignedMs = turns > 0 && Math.abs(nowMs - plannedMs) <= tolerance ? plannedMs : Math.round(nowMs);
    return this.#alignedMs;
  }

  async #scrape(): Promise<void> {
    const { config, clock, fetcher, metrics } = this.#deps;
    const { memory } = this;
    const timestampMs = this.#timeOfScrape();
    const startMs = clock.monotonic();
    const aborter = new AbortController();
    this.#aborter = aborter;
    const timeout = clock.after(this.identity.timeoutMs, () =>
      aborter.abort(new DOMException('context deadline exceeded', 'TimeoutError')),
    );
    let failure: string | undefined;
    let bodyBytes = 0;
    memory.begin(timestampMs);
    try {
      const page = await deadline(
        fetcher.fetch(this.identity.url, this.identity.timeoutMs, aborter.signal),
        aborter.signal,
      );
      bodyBytes = page.body.length;
      if (bodyBytes > 0) {
        const reader = this.#reader.open(page.body, this.#formatOf(page.contentType));
        while (!reader.step(STEP_LINES)) await clock.yield();
      }
      memory.check();
      memory.succeed();
    } catch (error) {
      if (this.#stopped) return;
      failure = error instanceof Error ? error.message : String(error);
      if (error instanceof BodyTooLargeError) bodyBytes = -1;
      this.#countFailure(error);
      memory.fail();
    } finally {
      timeout.cancel();
    }
    const durationS = (clock.monotonic() - startMs) / 1000;
    this.health = failure === undefined ? 'up' : 'down';
    this.lastError = failure ?? '';
    this.lastScrapeMs = timestampMs;
    this.lastDurationS = durationS;
    if (failure !== undefined) this.#deps.onFailure(this.identity, failure);
    const { counts } = memory;
    const report = [failure === undefined ? 1 : 0, durationS, counts.scraped, counts.kept, counts.added];
    if (this.#deps.extraReport) {
      report.push(this.identity.timeoutMs / 1000, config.limits.samples, bodyBytes);
    }
    memory.report(report);
    const { duplicates, outOfOrder, outOfBounds } = counts;
    if (duplicates > 0) metrics.add('prometheus_target_scrapes_sample_duplicate_timestamp_total', duplicates);
    if (outOfOrder > 0) metrics.add('prometheus_target_scrapes_sample_out_of_order_total', outOfOrder);
    if (outOfBounds > 0) metrics.add('prometheus_target_scrapes_sample_out_of_bounds_total', outOfBounds);
    await this.#store(memory.take());
  }

  /** Until the next turn a refused batch is tried again; then it is a missed scrape. */
  async #store(batch: MetricBatch): Promise<void> {
    const { sink, clock, metrics } = this.#deps;
    const untilMs = this.#dueMs + this.identity.intervalMs;
    for (;;) {
      try {
        await sink.writeMetrics(batch);
        this.memory.stored();
        return;
      } catch (error) {
        const waitMs = error instanceof OverloadedError ? error.retryAfterMs : RETRY_MS;
        if (this.#stopped || clock.monotonic() + waitMs >= untilMs) {
          this.memory.notStored();
          this.lastError = `samples were not stored: ${(error as Error).message}`;
          metrics.add('trivium_scrape_missed_total', 1, { reason: 'storage refused the samples' });
          this.#deps.onFailure(this.identity, this.lastError);
          return;
        }
        await new Promise<void>((resolve) => clock.after(waitMs, resolve));
      }
    }
  }

  #formatOf(contentType: string): ExpositionFormat {
    const { fallbackProtocol } = this.#deps.config;
    return formatOf(contentType, fallbackProtocol === undefined ? undefined : FORMATS[fallbackProtocol]);
  }

  #countFailure(error: unknown): void {
    const { metrics } = this.#deps;
    if (error instanceof BodyTooLargeError) {
      metrics.add('prometheus_target_scrapes_exceeded_body_size_limit_total', 1);
    } else if (error instanceof LabelLimitError) {
      metrics.add('prometheus_target_scrape_pool_exceeded_label_limits_total', 1);
    } else if (error instanceof SampleLimitError) {
      metrics.add(
        error.message.startsWith('sample')
          ? 'prometheus_target_scrapes_exceeded_sample_limit_total'
          : 'prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total',
        1,
      );
    }
  }
}

const FORMATS: Readonly<Record<ScrapeProtocol, ExpositionFormat>> = {
  PrometheusProto: 'protobuf',
  'PrometheusText0.0.4': 'text',
  'PrometheusText1.0.0': 'text',
  'OpenMetricsText0.0.1': 'openmetrics',
  'OpenMetricsText1.0.0': 'openmetrics',
};

/** A fetcher that does not heed its signal must not hold up the loop. */
function deadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      // A fetcher that does heed it words the failure better; it gets the rest of this turn to do so.
      queueMicrotask(() => queueMicrotask(() => setImmediate(() => reject(signal.reason))));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
