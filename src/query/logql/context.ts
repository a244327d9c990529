/** What the parts of an evaluation share. */

import type { LogsSource } from '../../model/select-logs.ts';
import type { TimeGrid } from './grid.ts';

/** Work done, for the statistics of an answer. */
export interface QueryStats {
  /** Lines read from storage, before the pipeline. */
  lines: number;
  bytes: number;
  /** Lines that passed the pipeline. */
  kept: number;
  /** Answers that storage computed by itself. */
  pushedDown: number;
}

export function newStats(): QueryStats {
  return { lines: 0, bytes: 0, kept: 0, pushedDown: 0 };
}

export interface EvaluationContext {
  readonly source: LogsSource;
  readonly tenant: string;
  readonly grid: TimeGrid;
  /** The time that templates see as `now`. */
  readonly nowNs: bigint;
  /** False: storage is asked for everything and may skip nothing; answers must be the same. */
  readonly useHints: boolean;
  readonly stats: QueryStats;
  readonly signal: AbortSignal | undefined;
}
