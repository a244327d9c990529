/** Options of the engine with Prometheus's defaults. */

import type { ParseOptions } from './parse-options.ts';

export interface EngineOptions extends ParseOptions {
  /** How old the newest sample of an instant selector may be (left-open). */
  readonly lookbackMs?: number;
  /** Step of subqueries that name none. */
  readonly subqueryStepMs?: number;
  /** Samples that one query may hold at a time. */
  readonly maxSamples?: number;
  /** How long one query may take. */
  readonly timeoutMs?: number;
  /** Drop metric names at the end of the query instead of in each function. */
  readonly delayNameRemoval?: boolean;
  /** Let storage compute what it can (changes the cost, never the answer). */
  readonly hints?: boolean;
  /** A monotonic clock in milliseconds; without one there are no timeouts. */
  readonly now?: () => number;
  /** Lets other work of the process run; called now and then during long evaluations. */
  readonly pause?: () => Promise<void>;
}

export const DEFAULT_LOOKBACK_MS = 5 * 60_000;
export const DEFAULT_SUBQUERY_STEP_MS = 60_000;
export const DEFAULT_MAX_SAMPLES = 50_000_000;
export const DEFAULT_TIMEOUT_MS = 2 * 60_000;
