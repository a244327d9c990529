/**
 * prometheus.yml (Prometheus 3.5) into typed sections: every field known, unknown ones refused with their place, the
 * cross-checks that Prometheus makes. What other parts carry out (rules, alerting, remote write and read) stays in
 * the result for them.
 */

import path from 'node:path';
import type { ScrapeConfig } from '../../collector/scrape/config.ts';
import { TRANSLATION_STRATEGIES } from '../../wire/otlp/names.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { YamlFile, type YamlObject, type YamlValue } from '../yaml.ts';
import {
  bytes,
  type ConfigFiles,
  choice,
  duration,
  filePath,
  filePattern,
  flag,
  labelMap,
  matchingFiles,
  type ReadContext,
  stringMap,
  text,
  texts,
  whole,
} from './fields.ts';
import { readTls } from './http-client.ts';
import { readAlerting, readRemoteRead, readRemoteWrite } from './remote.ts';
import { readScrapeConfigs, readScrapeDefaults, type ScrapeDefaults } from './scrape.ts';
import type { GlobalConfig, OtlpConfig, PrometheusConfig, TracingConfig } from './types.ts';

export type { ConfigFiles } from './fields.ts';
export type * from './types.ts';

export interface ReadPrometheusOptions {
  readonly files: ConfigFiles;
  /** For `${NAME}` in external labels. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The configuration stands below this field of the file. */
  readonly section?: string;
}

/** Reads a configuration. Usable only when no diagnostic is an error. */
export function readPrometheusConfig(
  source: string,
  file: string,
  { files, env = {}, section }: ReadPrometheusOptions,
): { config: PrometheusConfig; diagnostics: readonly Diagnostic[] } {
  const yaml = new YamlFile(source, file);
  const context: ReadContext = { folder: path.dirname(path.resolve(file)), files, env };
  const bareJobs = yaml.rootList();
  const top = bareJobs === undefined ? yaml.root() : new YamlFile('', file).root();
  const root = section === undefined ? top : (top.get(section)?.object() ?? new YamlFile('', file).root());
  const globalObject = root.get('global')?.object();
  const defaults = readScrapeDefaults(globalObject, context);
  const global = readGlobal(globalObject, defaults, context);
  const names = new Set<string>();
  bareJobs?.warn('a bare list of scrape jobs', 'put it below scrape_configs');
  const jobs = root.get('scrape_configs') ?? bareJobs;
  const scrapeConfigs = readScrapeConfigs(jobs, defaults, context, names);
  const diagnostics: Diagnostic[] = [];
  for (const pattern of root.get('scrape_config_files')?.list() ?? []) {
    const resolved = filePattern(pattern, context);
    if (resolved === undefined) continue;
    for (const name of matchingFiles(resolved, files)) {
      scrapeConfigs.push(...readJobFile(name, pattern, defaults, context, names, diagnostics));
    }
  }
  const storage = root.get('storage')?.object();
  const tsdb = storage?.get('tsdb')?.object();
  const exemplars = storage?.get('exemplars')?.object();
  const runtime = root.get('runtime')?.object();
  // Go's garbage collector is none of ours, and its setting does no harm.
  whole(runtime?.get('gogc'), 75);
  runtime?.done();
  const config: PrometheusConfig = {
    global,
    scrapeConfigs,
    ruleFiles: (root.get('rule_files')?.list() ?? []).flatMap((item) => filePattern(item, context) ?? []),
    alerting: readAlerting(root.get('alerting'), context),
    remoteWrite: readRemoteWrite(root.get('remote_write'), context),
    remoteRead: readRemoteRead(root.get('remote_read'), context),
    storage: {
      outOfOrderTimeWindowMs: duration(tsdb?.get('out_of_order_time_window'), 0),
      maxExemplars: whole(exemplars?.get('max_exemplars'), 100_000),
    },
    otlp: readOtlp(root.get('otlp')),
    tracing: readTracing(root.get('tracing'), context),
  };
  tsdb?.done();
  exemplars?.done();
  storage?.done();
  root.done();
  return { config, diagnostics: [...yaml.diagnostics, ...diagnostics] };
}

function readGlobal(
  object: YamlObject | undefined,
  defaults: ScrapeDefaults,
  context: ReadContext,
): GlobalConfig {
  const labels = labelMap(object?.get('external_labels'));
  for (const [name, value] of Object.entries(labels)) labels[name] = expand(value, context);
  const global: GlobalConfig = {
    scrapeIntervalMs: defaults.intervalMs,
    scrapeTimeoutMs: defaults.timeoutMs,
    evaluationIntervalMs: duration(object?.get('evaluation_interval'), 0) || 60_000,
    ruleQueryOffsetMs: duration(object?.get('rule_query_offset'), 0),
    queryLogFile: filePath(object?.get('query_log_file'), context),
    externalLabels: labels,
  };
  object?.done();
  return global;
}

/** `${NAME}` and `$NAME` by the environment's value (empty when there is none); `$$` is a dollar sign. */
function expand(value: string, { env }: ReadContext): string {
  return value.replace(
    /\$(?:\$|\{([^}]*)\}|([a-zA-Z_][a-zA-Z0-9_]*))/g,
    (all, braced?: string, bare?: string) => (all === '$$' ? '$' : (env[braced ?? bare ?? ''] ?? '')),
  );
}

/** A file of `scrape_config_files`: jobs below `scrape_configs`, or the bare list that operators use. */
function readJobFile(
  file: string,
  named: YamlValue,
  defaults: ScrapeDefaults,
  context: ReadContext,
  names: Set<string>,
  diagnostics: Diagnostic[],
): ScrapeConfig[] {
  let source: string;
  try {
    source = context.files.read(file);
  } catch (error) {
    named.error(`${file} cannot be read: ${(error as Error).message}`);
    return [];
  }
  const yaml = new YamlFile(source, file);
  const bareJobs = yaml.rootList();
  const root = bareJobs === undefined ? yaml.root() : new YamlFile('', file).root();
  const jobs = readScrapeConfigs(
    root.get('scrape_configs') ?? bareJobs,
    defaults,
    { ...context, folder: path.dirname(file) },
    names,
  );
  root.done();
  diagnostics.push(...yaml.diagnostics);
  return jobs;
}

function readOtlp(value: YamlValue | undefined): OtlpConfig {
  const object = value?.object();
  const promote = object?.get('promote_resource_attributes');
  const config: OtlpConfig = {
    promoteAllResourceAttributes: flag(object?.get('promote_all_resource_attributes'), false),
    promoteResourceAttributes: texts(promote),
    ignoreResourceAttributes: texts(object?.get('ignore_resource_attributes')),
    translationStrategy: choice(
      object?.get('translation_strategy'),
      TRANSLATION_STRATEGIES,
      'UnderscoreEscapingWithSuffixes',
      'OTLP translation strategy',
    ),
    keepIdentifyingResourceAttributes: flag(object?.get('keep_identifying_resource_attributes'), false),
    convertHistogramsToNhcb: flag(object?.get('convert_histograms_to_nhcb'), false),
    promoteScopeMetadata: flag(object?.get('promote_scope_metadata'), false),
  };
  const { promoteResourceAttributes: promoted } = config;
  if (new Set(promoted).size !== promoted.length) {
    promote?.error('duplicated promoted OTel resource attribute');
  }
  if (config.promoteAllResourceAttributes && promoted.length > 0) {
    object?.error(
      "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously",
    );
  }
  if (!config.promoteAllResourceAttributes && config.ignoreResourceAttributes.length > 0) {
    object?.error(
      "'ignore_resource_attributes' can only be configured if 'promote_all_resource_attributes' is true",
    );
  }
  object?.done();
  return config;
}

function readTracing(value: YamlValue | undefined, context: ReadContext): TracingConfig | undefined {
  if (value === undefined) return undefined;
  const object = value.object();
  const config: TracingConfig = {
    clientType: choice(object.get('client_type'), ['grpc', 'http'], 'grpc', 'tracing client type'),
    endpoint: text(object.get('endpoint')),
    samplingFraction: object.get('sampling_fraction')?.number() ?? 0,
    insecure: flag(object.get('insecure'), false),
    headers: stringMap(object.get('headers')),
    compression: choice(object.get('compression'), ['gzip', ''], '', 'compression'),
    timeoutMs: duration(object.get('timeout'), 10_000),
    tls: readTls(object.get('tls_config'), context),
  };
  if (config.endpoint === '') object.error('tracing endpoint must be set');
  object.done();
  return config;
}

const SECRET_FIELD =
  /^(\s*(?:- )?["']?(?:password|bearer_token|credentials|client_secret|token|secret_key|key)["']?\s*:\s*)(\S.*)$/gm;

/** The text with its secrets blanked, for people and APIs. */
export function withoutSecrets(source: string): string {
  return source
    .replace(SECRET_FIELD, '$1<secret>')
    .replace(/(https?:\/\/[^\s:/@"']+:)[^\s@"']+@/g, '$1<secret>@');
}

/** Size limits, for other readers of the same conventions. */
export { bytes };
