/** What the handlers of the Loki API are given, and what they share. */

import type { LogBatch } from '../../model/batch.ts';
import type { LogsSource } from '../../model/select-logs.ts';
import type { LogQLEngine } from '../../query/logql/engine.ts';

export interface LokiBuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildDate: string;
}

/** Limits under Loki's names (limits_config). 0 means none. */
export interface LokiLimits {
  /** max_entries_limit_per_query */
  readonly maxEntries: number;
  /** max_query_series */
  readonly maxSeries: number;
  /** max_query_length */
  readonly maxQueryLengthMs: number;
  /** Points of one series: Loki has this one built in. */
  readonly maxPoints: number;
  /** volume_max_series */
  readonly maxVolumeSeries: number;
  /** Lines that detected_fields and patterns may read. */
  readonly maxSampleLines: number;
  /** max_concurrent_tail_requests */
  readonly maxTails: number;
}

/** Loki's defaults. */
export const DEFAULT_LOKI_LIMITS: LokiLimits = {
  maxEntries: 5000,
  maxSeries: 500,
  maxQueryLengthMs: 721 * 3_600_000,
  maxPoints: 11_000,
  maxVolumeSeries: 1000,
  maxSampleLines: 10_000,
  maxTails: 10,
};

/**
 * Committed log batches as they come, for tail. Without it, tail asks storage once a second. The listener must not keep
 * the batch; it is called once for every batch of the tenant, after the commit.
 */
export interface LiveLogs {
  subscribe(tenant: string, listener: (batch: LogBatch) => void): () => void;
}

/** The state of the rules, as `/loki/api/v1/rules` and `/prometheus/api/v1/rules` show it. */
export interface LokiRules {
  /** Rule groups by namespace, as they are configured (written as YAML by the caller). */
  configText(tenant: string): Promise<string>;
  /** The `groups` of Prometheus's rules answer. */
  groups(tenant: string): Promise<readonly unknown[]>;
  /** The `alerts` of Prometheus's alerts answer. */
  alerts(tenant: string): Promise<readonly unknown[]>;
}

export interface LokiDeps {
  readonly source: LogsSource;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly buildInfo: LokiBuildInfo;
  readonly limits?: Partial<LokiLimits>;
  /** Whether queries and pushes work; for /ready. */
  readonly ready?: () => boolean | Promise<boolean>;
  readonly live?: LiveLogs;
  readonly rules?: LokiRules;
  /** False switches the hints to storage off (answers are the same, slower). */
  readonly useHints?: boolean;
  /** The configuration as YAML, for /config. */
  readonly configText?: () => string;
}

/** What the handlers share. */
export interface LokiContext {
  readonly source: LogsSource;
  readonly engine: LogQLEngine;
  readonly now: () => number;
  readonly limits: LokiLimits;
  readonly deps: LokiDeps;
}
