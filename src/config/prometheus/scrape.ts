/** `scrape_configs`, with the defaults of `global` and Prometheus's cross-checks. */

import {
  DEFAULT_SCRAPE_PROTOCOLS,
  ESCAPING_SCHEMES,
  type EscapingScheme,
  SCRAPE_PROTOCOLS,
  type ScrapeConfig,
  type ScrapeProtocol,
  type ValidationScheme,
} from '../../collector/scrape/config.ts';
import type { YamlObject, YamlValue } from '../yaml.ts';
import { readDiscovery } from './discovery.ts';
import { bytes, choice, duration, filePath, flag, type ReadContext, text, texts, whole } from './fields.ts';
import { readHttpClient } from './http-client.ts';
import { readRelabelConfigs } from './relabel.ts';

/** What jobs inherit. */
export interface ScrapeDefaults {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly protocols: readonly ScrapeProtocol[];
  readonly classicHistograms: boolean;
  readonly convertClassicHistograms: boolean;
  readonly failureLogFile: string | undefined;
  readonly bodyBytes: number;
  readonly samples: number;
  readonly targets: number;
  readonly labels: number;
  readonly labelNameBytes: number;
  readonly labelValueBytes: number;
  readonly keptDroppedTargets: number;
  readonly validation: ValidationScheme;
  readonly escaping: EscapingScheme | '';
}

const PROTOCOLS = Object.keys(SCRAPE_PROTOCOLS) as ScrapeProtocol[];
const SCHEMES: readonly ValidationScheme[] = ['utf8', 'legacy'];

/** The fields of `global` that jobs inherit. */
export function readScrapeDefaults(global: YamlObject | undefined, context: ReadContext): ScrapeDefaults {
  const interval = global?.get('scrape_interval');
  const timeout = global?.get('scrape_timeout');
  const intervalMs = duration(interval, 0) || 60_000;
  const timeoutMs = duration(timeout, 0);
  if (timeoutMs > intervalMs) timeout?.error('global scrape timeout greater than scrape interval');
  const validation = choice(
    global?.get('metric_name_validation_scheme'),
    SCHEMES,
    'utf8',
    'validation scheme',
  );
  const escaping = readEscaping(global?.get('metric_name_escaping_scheme'));
  if (validation === 'legacy' && escaping === 'allow-utf-8') {
    global?.error('utf8 metric names requested but validation scheme is not set to UTF8');
  }
  return {
    intervalMs,
    timeoutMs: timeoutMs || Math.min(10_000, intervalMs),
    protocols: readProtocols(global?.get('scrape_protocols')) ?? DEFAULT_SCRAPE_PROTOCOLS,
    classicHistograms: flag(global?.get('always_scrape_classic_histograms'), false),
    convertClassicHistograms: flag(global?.get('convert_classic_histograms_to_nhcb'), false),
    failureLogFile: filePath(global?.get('scrape_failure_log_file'), context),
    bodyBytes: bytes(global?.get('body_size_limit'), 0),
    samples: whole(global?.get('sample_limit'), 0),
    targets: whole(global?.get('target_limit'), 0),
    labels: whole(global?.get('label_limit'), 0),
    labelNameBytes: whole(global?.get('label_name_length_limit'), 0),
    labelValueBytes: whole(global?.get('label_value_length_limit'), 0),
    keptDroppedTargets: whole(global?.get('keep_dropped_targets'), 0),
    validation,
    escaping,
  };
}

function readEscaping(value: YamlValue | undefined): EscapingScheme | '' {
  return choice<EscapingScheme | ''>(value, ESCAPING_SCHEMES, '', 'escaping scheme');
}

function readProtocols(value: YamlValue | undefined): ScrapeProtocol[] | undefined {
  if (value === undefined) return undefined;
  const list = value.list();
  if (list.length === 0) value.error('scrape_protocols cannot be empty');
  const found = list.flatMap((item) => {
    const word = choice<ScrapeProtocol | ''>(item, PROTOCOLS, '', 'scrape protocol');
    return word === '' ? [] : [word];
  });
  if (new Set(found).size !== found.length) {
    value.error(`duplicated protocol in scrape_protocols, got [${found.join(' ')}]`);
  }
  return found;
}

/** Reads a list of jobs. `names` collects them, to find those given twice. */
export function readScrapeConfigs(
  value: YamlValue | undefined,
  defaults: ScrapeDefaults,
  context: ReadContext,
  names: Set<string>,
): ScrapeConfig[] {
  return (value?.list() ?? []).flatMap((item) => {
    if (item.isNull) {
      item.error('empty or null scrape config section');
      return [];
    }
    const object = item.object();
    const config = readScrapeConfig(object, defaults, context);
    object.done();
    if (config.jobName === '') object.error('job_name is empty');
    else if (names.has(config.jobName)) {
      object.error(`found multiple scrape configs with job name ${JSON.stringify(config.jobName)}`);
    }
    names.add(config.jobName);
    return [config];
  });
}

function readScrapeConfig(object: YamlObject, defaults: ScrapeDefaults, context: ReadContext): ScrapeConfig {
  const jobName = text(object.get('job_name'));
  const intervalMs = duration(object.get('scrape_interval'), 0) || defaults.intervalMs;
  const timeout = object.get('scrape_timeout');
  const timeoutMs = duration(timeout, 0);
  if (timeoutMs > intervalMs) {
    timeout?.error(
      `scrape timeout greater than scrape interval for scrape config with job name ${JSON.stringify(jobName)}`,
    );
  }
  const validation = choice(
    object.get('metric_name_validation_scheme'),
    SCHEMES,
    defaults.validation,
    'validation scheme',
  );
  const escapingField = object.get('metric_name_escaping_scheme');
  const escaping =
    readEscaping(escapingField) ||
    (validation === defaults.validation ? defaults.escaping : '') ||
    (validation === 'legacy' ? 'underscores' : 'allow-utf-8');
  if (validation === 'legacy' && escaping === 'allow-utf-8') {
    object.error('utf8 metric names requested but validation scheme is not set to UTF8');
  }
  const relabel = readRelabelConfigs(object.get('relabel_configs'));
  const fallback = object.get('fallback_scrape_protocol');
  const fallbackProtocol = choice<ScrapeProtocol | ''>(fallback, PROTOCOLS, '', 'scrape protocol');
  const limit = (name: string, otherwise: number) => whole(object.get(name), 0) || otherwise;
  return {
    jobName,
    intervalMs,
    timeoutMs: timeoutMs || Math.min(defaults.timeoutMs, intervalMs),
    metricsPath: text(object.get('metrics_path'), '/metrics'),
    scheme: text(object.get('scheme'), 'http'),
    params: readParams(object.get('params')),
    honorLabels: flag(object.get('honor_labels'), false),
    honorTimestamps: flag(object.get('honor_timestamps'), true),
    trackTimestampsStaleness: flag(object.get('track_timestamps_staleness'), false),
    protocols: readProtocols(object.get('scrape_protocols')) ?? defaults.protocols,
    fallbackProtocol: fallbackProtocol === '' ? undefined : fallbackProtocol,
    classicHistograms: flag(
      // Before 3.0 it was called otherwise; the old name is everywhere.
      object.get('always_scrape_classic_histograms') ?? object.get('scrape_classic_histograms'),
      defaults.classicHistograms,
    ),
    convertClassicHistograms: flag(
      object.get('convert_classic_histograms_to_nhcb'),
      defaults.convertClassicHistograms,
    ),
    compression: flag(object.get('enable_compression'), true),
    failureLogFile: filePath(object.get('scrape_failure_log_file'), context) ?? defaults.failureLogFile,
    limits: {
      bodyBytes: bytes(object.get('body_size_limit'), 0) || defaults.bodyBytes,
      samples: limit('sample_limit', defaults.samples),
      targets: limit('target_limit', defaults.targets),
      labels: limit('label_limit', defaults.labels),
      labelNameBytes: limit('label_name_length_limit', defaults.labelNameBytes),
      labelValueBytes: limit('label_value_length_limit', defaults.labelValueBytes),
      histogramBuckets: limit('native_histogram_bucket_limit', 0),
      histogramMinBucketFactor: object.get('native_histogram_min_bucket_factor')?.number() ?? 0,
      keptDroppedTargets: limit('keep_dropped_targets', defaults.keptDroppedTargets),
    },
    validation,
    escaping,
    http: readHttpClient(object, context),
    discovery: readDiscovery(object, context, relabel.length === 0),
    relabel,
    metricRelabel: readRelabelConfigs(object.get('metric_relabel_configs')),
  };
}

function readParams(value: YamlValue | undefined): Record<string, string[]> {
  const params: Record<string, string[]> = {};
  const object = value?.object();
  for (const name of object?.names() ?? []) params[name] = texts(object?.get(name));
  return params;
}
