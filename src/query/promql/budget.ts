/** What one query may use: samples, time, and the patience of its client. */

import { LimitError } from '../../model/errors.ts';
import type { EngineOptions } from './options.ts';
import { DEFAULT_MAX_SAMPLES, DEFAULT_TIMEOUT_MS } from './options.ts';

/** The query ran longer than it may. */
export class QueryTimeoutError extends Error {
  constructor(where: string) {
    super(`query timed out in ${where}`);
    this.name = 'QueryTimeoutError';
  }
}

/** The client went away or the server shuts down. */
export class QueryCanceledError extends Error {
  constructor(where: string) {
    super(`query was canceled in ${where}`);
    this.name = 'QueryCanceledError';
  }
}

/** How long an evaluation may keep the process to itself, in milliseconds. */
const SLICE_MS = 20;

export class Budget {
  readonly maxSamples: number;
  readonly signal: AbortSignal | undefined;
  readonly #now: () => number;
  readonly #pause: (() => Promise<void>) | undefined;
  readonly #startedMs: number;
  readonly #deadlineMs: number;
  #sliceEndMs: number;
  #samples = 0;
  #peak = 0;
  #read = 0;

  constructor(options: EngineOptions, signal: AbortSignal | undefined, timeoutMs: number | undefined) {
    this.maxSamples = options.maxSamples ?? DEFAULT_MAX_SAMPLES;
    this.signal = signal;
    this.#now = options.now ?? (() => 0);
    this.#pause = options.pause;
    const started = this.#now();
    const most = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#startedMs = started;
    this.#deadlineMs = started + Math.min(most, timeoutMs ?? most);
    this.#sliceEndMs = started + SLICE_MS;
  }

  get elapsedMs(): number {
    return this.#now() - this.#startedMs;
  }

  /** Milliseconds until the query times out. */
  get remainingMs(): number {
    return this.#deadlineMs - this.#now();
  }

  /** Samples that are held now. */
  get held(): number {
    return this.#samples;
  }

  get peakSamples(): number {
    return this.#peak;
  }

  get samplesRead(): number {
    return this.#read;
  }

  countRead(samples: number): void {
    this.#read += samples;
  }

  /** Samples are held from now on. */
  hold(samples: number): void {
    this.#samples += samples;
    if (this.#samples > this.#peak) this.#peak = this.#samples;
    if (this.#samples > this.maxSamples) {
      throw new LimitError(
        'query.max-samples',
        'query processing would load too many samples into memory in query execution',
      );
    }
  }

  release(samples: number): void {
    this.#samples -= samples;
  }

  /** Throws when the query must end. */
  check(where = 'expression evaluation'): void {
    if (this.signal?.aborted) throw new QueryCanceledError(where);
    if (this.#now() > this.#deadlineMs) throw new QueryTimeoutError(where);
  }

  /** Like `check`; lets other work run when this query has had the process for a while. */
  async breathe(): Promise<void> {
    this.check();
    if (this.#pause === undefined || this.#now() < this.#sliceEndMs) return;
    await this.#pause();
    this.#sliceEndMs = this.#now() + SLICE_MS;
    this.check();
  }
}
