/** What `GET /api/status` says, put together from the parts. */

import type { Status } from '../api/trivium/index.ts';
import type { Limits, ServeOptions } from '../config/serve-options.ts';
import type { Storage } from '../storage/index.ts';
import { type Intake, SIGNALS } from '../telemetry/intake.ts';
import { residentBytes } from '../telemetry/process-metrics.ts';
import type { OpenListener } from './listeners.ts';

/** Limits as they are configured, with what they mean. */
const LIMIT_TEXTS: readonly {
  readonly name: string;
  readonly key: keyof Limits;
  readonly description: string;
}[] = [
  {
    name: 'http.max-body-bytes',
    key: 'maxBodyBytes',
    description: 'A request body, before and after decompression; beyond: 413',
  },
  {
    name: 'ingest.max-queue-bytes',
    key: 'maxQueueBytes',
    description: 'Pushed but not yet committed; beyond: 429 or 503 with Retry-After',
  },
  { name: 'query.timeout', key: 'queryTimeoutMs', description: 'Milliseconds a query may take' },
  {
    name: 'query.max-samples',
    key: 'maxSamples',
    description: 'Samples that a PromQL query may hold in memory at one time',
  },
  {
    name: 'query.max-concurrency',
    key: 'maxConcurrentQueries',
    description: 'Queries that run at one time; others wait',
  },
];

export interface StatusParts {
  readonly options: ServeOptions;
  readonly version: string;
  readonly startMs: number;
  readonly now: () => number;
  readonly storage: Storage;
  readonly intake: Intake;
  readonly listeners: () => readonly OpenListener[];
}

/** Reads everything now; an engine that does not answer is told as its problem, the rest is told all the same. */
export async function readStatus(parts: StatusParts): Promise<Status> {
  const { options, storage, intake, startMs, now } = parts;
  return {
    build: { version: parts.version, node: process.versions.node, startedMs: startMs },
    listeners: parts.listeners().map(({ listener, speaks }) => ({
      name: listener.name,
      address: `${listener.host}:${listener.port}`,
      speaks,
    })),
    signals: Object.fromEntries(
      SIGNALS.map((signal) => {
        const { lastMs, ...counts } = intake.counts(signal);
        return [signal, { ...counts, ...(lastMs === undefined ? {} : { lastMs }) }];
      }),
    ),
    engine: await engineStatus(storage, options, now() - startMs),
    limits: LIMIT_TEXTS.map(({ name, key, description }) => ({
      name,
      value: options.limits[key],
      description,
    })),
    process: { memoryBytes: process.memoryUsage().rss },
  };
}

async function engineStatus(
  storage: Storage,
  options: ServeOptions,
  uptimeMs: number,
): Promise<Status['engine']> {
  const mode = options.storage.url === undefined ? 'embedded' : 'external';
  try {
    const { version, enginePid, engineRestarts, tables } = await storage.status();
    const memoryBytes = enginePid === undefined ? undefined : await residentBytes(enginePid);
    return {
      version,
      mode,
      uptimeMs,
      restarts: engineRestarts,
      diskBytes: tables.reduce((sum, { bytesOnDisk }) => sum + bytesOnDisk, 0),
      parts: tables.reduce((sum, { parts }) => sum + parts, 0),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
  } catch (error) {
    return { version: 'unknown', mode, problem: error instanceof Error ? error.message : String(error) };
  }
}
