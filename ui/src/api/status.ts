// Trivium's own status, `GET /api/status`. All numbers are plain JSON numbers; times are
// milliseconds since 1970; a field that the server does not know is absent, never 0.
import { getJson, type RequestOptions } from './http.ts';

export type Signal = 'metrics' | 'logs' | 'traces';

/** What came in for one signal since the process started. */
export interface SignalStatus {
  /** Items that are committed: samples, log records, spans. */
  accepted: number;
  /** Items that were refused (bad input, limits). */
  refused: number;
  /** Items accepted per second, over the last minute. */
  ratePerSecond?: number;
  /** When the last item was accepted; absent if none was. */
  lastMs?: number;
}

export interface ListenerStatus {
  /** As in the flag: http, prometheus, otlp-grpc ... */
  name: string;
  /** host:port as bound, with the real port. */
  address: string;
  /** What it speaks, for people. */
  speaks?: string;
}

export interface EngineStatus {
  version: string;
  mode?: 'embedded' | 'external';
  uptimeMs?: number;
  memoryBytes?: number;
  diskBytes?: number;
  parts?: number;
  restarts?: number;
  /** Last error, if it is not well. */
  problem?: string;
}

export interface LimitStatus {
  name: string;
  value: string | number;
  description?: string;
}

export interface Status {
  build: { version: string; revision?: string; node?: string; startedMs?: number };
  listeners: readonly ListenerStatus[];
  signals: Readonly<Partial<Record<Signal, SignalStatus>>>;
  engine?: EngineStatus;
  limits?: readonly LimitStatus[];
  process?: { memoryBytes?: number };
}

export async function fetchStatus(options: RequestOptions = {}): Promise<Status> {
  const body = ((await getJson('/api/status', {}, options)) ?? {}) as Partial<Status>;
  return {
    ...body,
    build: body.build ?? { version: 'unknown' },
    listeners: body.listeners ?? [],
    signals: body.signals ?? {},
  };
}
