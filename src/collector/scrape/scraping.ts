/**
 * Scraping as a whole: a pool per job, fed by the job's discovery mechanisms; a new configuration changes only what
 * differs. The entry to this room.
 */

import { appendFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { BatchSink } from '../../model/batch.ts';
import { LabelPool } from '../../wire/label-pool.ts';
import { startDiscovery } from '../discovery/index.ts';
import type { Discovery, DiscoveryDeps } from '../discovery/mechanism.ts';
import { systemDiscovery } from '../discovery/system.ts';
import { compileRelabel } from '../relabel/relabel.ts';
import { type Clock, systemClock } from './clock.ts';
import type { ScrapeConfig } from './config.ts';
import { type PageFetcher, pageFetcher } from './fetch.ts';
import { NO_SCRAPE_METRICS, type ScrapeMetrics } from './metrics.ts';
import { ScrapePool } from './pool.ts';
import type { TargetGroup } from './target.ts';

/** Changes of discovery within this time are applied together. */
const SETTLE_MS = 200;

export interface ScrapingDeps {
  readonly sink: BatchSink;
  readonly tenant: string;
  readonly userAgent: string;
  /** Also write scrape_timeout_seconds, scrape_sample_limit and scrape_body_size_bytes. */
  readonly extraReport?: boolean;
  readonly clock?: Clock;
  readonly metrics?: ScrapeMetrics;
  readonly log?: ScrapeLog;
  /** Appends a line to a file (`scrape_failure_log_file`). */
  readonly appendLine?: (file: string, line: string) => void;
  /** Instead of HTTP, for tests. */
  readonly fetcher?: (config: ScrapeConfig) => PageFetcher;
  /** Instead of the machine's files, names and connections, for tests. */
  readonly discovery?: Pick<DiscoveryDeps, 'http' | 'dns' | 'files' | 'env'>;
}

export interface ScrapeLog {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Running scraping. */
export interface Scraping {
  /** Pools in the order of the configuration. */
  pools(): readonly ScrapePool[];
  /** Takes a new configuration: jobs that are as before go on undisturbed. */
  apply(configs: readonly ScrapeConfig[]): void;
  /** Ends all scrapes; series are not marked as ended, because a restart goes on with them. */
  close(): Promise<void>;
}

interface Job {
  readonly config: ScrapeConfig;
  readonly pool: ScrapePool;
  discoveries: Discovery[];
  /** Groups by mechanism. */
  readonly groups: (readonly TargetGroup[])[];
  settle: { cancel(): void } | undefined;
  closed: boolean;
}

/** Starts scraping the jobs. */
export function startScraping(configs: readonly ScrapeConfig[], deps: ScrapingDeps): Scraping {
  const clock = deps.clock ?? systemClock();
  const metrics = deps.metrics ?? NO_SCRAPE_METRICS;
  const log: ScrapeLog = deps.log ?? { debug() {}, warn() {} };
  const clientOptions = { now: () => clock.now() };
  const discoveryDeps: DiscoveryDeps = {
    ...(deps.discovery ?? systemDiscovery(clientOptions)),
    clock,
    metrics,
    userAgent: deps.userAgent,
    warn: (message, fields) => log.warn(message, fields),
  };
  const fetcher =
    deps.fetcher ?? ((config: ScrapeConfig) => pageFetcher(config, deps.userAgent, clientOptions));
  const labelPool = new LabelPool();
  const appendLine =
    deps.appendLine ??
    ((file: string, line: string) => {
      appendFile(file, `${line}\n`).catch((error: unknown) =>
        log.warn('scrape_failure_log_file could not be written', { file, error }),
      );
    });
  let jobs = new Map<string, Job>();
  /** Pools that are gone, whose series may still have to be ended. */
  const retired = new Set<ScrapePool>();

  const newJob = (config: ScrapeConfig, former: Job | undefined): Job => {
    metrics.add('prometheus_target_scrape_pools_total', 1);
    const pool = new ScrapePool({
      config,
      tenant: deps.tenant,
      sink: deps.sink,
      clock,
      fetcher: fetcher(config),
      pool: labelPool,
      metrics,
      extraReport: deps.extraReport ?? false,
      targetRelabel: compileRelabel(config.relabel),
      relabel: config.metricRelabel.length === 0 ? undefined : compileRelabel(config.metricRelabel),
      onFailure: (target, error) => {
        log.debug('scrape failed', { scrape_pool: config.jobName, target: target.url, error });
        if (config.failureLogFile === undefined) return;
        const entry = { job_name: config.jobName, target: target.url };
        const time = new Date(clock.now()).toISOString();
        appendLine(config.failureLogFile, JSON.stringify({ time, level: 'ERROR', msg: error, ...entry }));
      },
      isScraped: (key) => [...jobs.values()].some((other) => other.pool.scrapes(key)),
      onInvalidTarget: (job, error) => log.warn('creating a target failed', { scrape_pool: job, error }),
    });
    const job: Job = { config, pool, discoveries: [], groups: [], settle: undefined, closed: false };
    let handedOver = former?.pool.handOver();
    const sync = () => {
      if (job.closed) return;
      const groups = job.groups.flatMap((list) => list ?? []);
      metrics.add('prometheus_sd_updates_total', 1, { name: 'scrape' });
      metrics.set(
        'prometheus_sd_discovered_targets',
        groups.reduce((count, { targets }) => count + targets.length, 0),
        { name: 'scrape', config: config.jobName },
      );
      pool.sync(groups, handedOver);
      handedOver = undefined;
    };
    const isStatic = config.discovery.every(({ kind }) => kind === 'static');
    job.discoveries = config.discovery.map((mechanism, index) => {
      try {
        return startDiscovery(mechanism, discoveryDeps, (groups) => {
          if (job.closed) return;
          job.groups[index] = groups;
          if (isStatic) return;
          job.settle ??= clock.after(SETTLE_MS, () => {
            job.settle = undefined;
            sync();
          });
        });
      } catch (error) {
        log.warn('discovery could not be started', { scrape_pool: config.jobName, error });
        metrics.add('prometheus_sd_refresh_failures_total', 1, { mechanism: mechanism.kind });
        return { close() {} };
      }
    });
    // What is static is there at once; other mechanisms answer when they know.
    if (isStatic) sync();
    return job;
  };

  const closeJob = (job: Job, removed: boolean): Promise<void> => {
    job.closed = true;
    job.settle?.cancel();
    for (const discovery of job.discoveries) discovery.close();
    return job.pool.stop(removed);
  };

  const apply = (next: readonly ScrapeConfig[]) => {
    for (const pool of retired) if (pool.pendingEndings === 0) retired.delete(pool);
    const before = jobs;
    jobs = new Map();
    for (const config of next) {
      const former = before.get(config.jobName);
      if (former !== undefined && isDeepStrictEqual(former.config, config)) {
        jobs.set(config.jobName, former);
        before.delete(config.jobName);
        continue;
      }
      if (former !== undefined) metrics.add('prometheus_target_scrape_pool_reloads_total', 1);
      jobs.set(config.jobName, newJob(config, former));
    }
    for (const job of before.values()) {
      retired.add(job.pool);
      closeJob(job, true).catch((error: unknown) =>
        log.warn('a scrape pool did not close', { scrape_pool: job.config.jobName, error }),
      );
    }
  };

  apply(configs);
  return {
    pools: () => [...jobs.values()].map(({ pool }) => pool),
    apply,
    async close() {
      for (const pool of retired) pool.abandonEndings();
      await Promise.all([...jobs.values()].map((job) => closeJob(job, false)));
      jobs.clear();
    },
  };
}
