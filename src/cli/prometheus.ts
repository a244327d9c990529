/** prometheus.yml at work: read at the start, carried out, and read again when asked to. */

import { readdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { targetRoutes } from '../api/prometheus/targets.ts';
import { SCRAPE_COUNTERS, SCRAPE_GAUGES } from '../collector/scrape/metrics.ts';
import { type Scraping, startScraping } from '../collector/scrape/scraping.ts';
import { ConfigError, formatDiagnostic } from '../config/diagnostics.ts';
import {
  type ConfigFiles,
  type PrometheusConfig,
  readPrometheusConfig,
  withoutSecrets,
} from '../config/prometheus/index.ts';
import type { ServeOptions } from '../config/serve-options.ts';
import { HttpError, type Route } from '../http/handler.ts';
import type { BatchSink } from '../model/batch.ts';
import { TEXT_CONTENT_TYPE, toText } from '../telemetry/exposition.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Registry } from '../telemetry/registry.ts';
import { scrapeMetrics } from '../telemetry/scrape-metrics.ts';

export interface PrometheusPartDeps {
  readonly options: ServeOptions;
  readonly version: string;
  readonly sink: BatchSink;
  readonly tenant: string;
  readonly registry: Registry;
  readonly log: Logger;
  readonly now: () => number;
  /** Other parts that carry out sections of the file; called with every configuration that was taken. */
  readonly onConfig?: (config: PrometheusConfig) => void;
}

export interface PrometheusPart {
  /** Go before the dialect's own routes. */
  readonly routes: readonly Route[];
  /** The active file, secrets blanked. */
  configYaml(): string;
  /** Reads the file again; rejects with ConfigError, and nothing changes, when it cannot be used. */
  reload(): Promise<void>;
  /** Starts the scrapes. */
  start(): void;
  close(): Promise<void>;
}

/** Configuration files of this machine. */
export const SYSTEM_FILES: ConfigFiles = {
  read: (file) => readFileSync(file, 'utf8'),
  list(folder) {
    try {
      return readdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  },
};

/** Reads prometheus.yml. Throws ConfigError when it cannot be used. */
export function loadPrometheusConfig(
  place: NonNullable<ServeOptions['prometheus']>,
  onWarning: (line: string) => void,
): { config: PrometheusConfig; source: string } {
  let source: string;
  try {
    source = readFileSync(place.file, 'utf8');
  } catch (error) {
    throw new ConfigError([
      {
        file: place.file,
        line: 0,
        column: 0,
        severity: 'error',
        message: `cannot be read: ${(error as Error).message}`,
      },
    ]);
  }
  const { config, diagnostics } = readPrometheusConfig(source, place.file, {
    files: SYSTEM_FILES,
    env: process.env,
    ...(place.section === undefined ? {} : { section: place.section }),
  });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
  for (const warning of diagnostics) onWarning(formatDiagnostic(warning));
  return { config, source };
}

/** Sections with content that nobody carries out yet: said aloud, because they must not be ignored in silence. */
function notCarriedOut(config: PrometheusConfig | undefined): string[] {
  if (config === undefined) return [];
  return Object.entries({
    rule_files: config.ruleFiles.length > 0,
    alerting: config.alerting.alertmanagers.length > 0,
    remote_write: config.remoteWrite.length > 0,
    remote_read: config.remoteRead.length > 0,
    tracing: config.tracing !== undefined,
    'global.query_log_file': config.global.queryLogFile !== undefined,
  })
    .filter(([, isThere]) => isThere)
    .map(([section]) => section);
}

/** Reads the configuration, if there is one. Throws ConfigError before anything is started. */
export function openPrometheusPart(deps: PrometheusPartDeps): PrometheusPart {
  const { options, registry, log, now } = deps;
  const place = options.prometheus;
  const warn = (line: string) => log.warn(line);
  let loaded = place === undefined ? undefined : loadPrometheusConfig(place, warn);
  const metrics = scrapeMetrics(registry, SCRAPE_COUNTERS, SCRAPE_GAUGES);
  const taken = () => {
    for (const section of notCarriedOut(loaded?.config)) {
      log.warn('this section of prometheus.yml is read, but not carried out by this version', { section });
    }
    metrics.set('prometheus_config_last_reload_successful', 1);
    metrics.set('prometheus_config_last_reload_success_timestamp_seconds', now() / 1000);
    if (loaded !== undefined) deps.onConfig?.(loaded.config);
  };
  let scraping: Scraping | undefined;
  const reload = async () => {
    if (place === undefined) return;
    try {
      loaded = loadPrometheusConfig(place, warn);
    } catch (error) {
      metrics.set('prometheus_config_last_reload_successful', 0);
      log.error('configuration was not reloaded', { file: place.file, error });
      throw error;
    }
    scraping?.apply(loaded.config.scrapeConfigs);
    taken();
    log.info('configuration was reloaded', { file: place.file });
  };
  const externalHost =
    options.externalUrl !== undefined && URL.canParse(options.externalUrl)
      ? new URL(options.externalUrl).hostname
      : hostname();
  return {
    routes: [
      {
        methods: ['GET'],
        path: '/metrics',
        handler: async () => ({
          status: 200,
          headers: { 'content-type': TEXT_CONTENT_TYPE },
          body: toText(await registry.collect()),
        }),
      },
      ...targetRoutes({ pools: () => scraping?.pools() ?? [], externalHost }),
      {
        methods: ['POST', 'PUT'],
        path: '/-/reload',
        handler: async () => {
          try {
            await reload();
          } catch (error) {
            throw new HttpError(500, `failed to reload config: ${(error as Error).message}`, {
              cause: error,
            });
          }
          return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '' };
        },
      },
    ],
    configYaml: () => withoutSecrets(loaded?.source ?? ''),
    reload,
    start() {
      scraping = startScraping(loaded?.config.scrapeConfigs ?? [], {
        sink: deps.sink,
        tenant: deps.tenant,
        userAgent: `Trivium/${deps.version}`,
        extraReport: options.features.has('extra-scrape-metrics'),
        metrics,
        log,
      });
      taken();
    },
    close: async () => scraping?.close(),
  };
}
