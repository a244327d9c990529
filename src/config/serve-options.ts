/**
 * What `serve` needs to know, from flags over trivium.yaml over defaults. Every limit has its name and default here.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { GeneratorOptions } from '../collector/connectors/options.ts';
import { ConfigError, closest, type Diagnostic } from './diagnostics.ts';
import type { FlagSpec, ParsedFlags } from './flags.ts';
import { readMetricsGenerator } from './tempo/metrics-generator.ts';
import { parseDurationMs } from './units.ts';
import { YamlFile, type YamlObject } from './yaml.ts';

/** Listeners and their well-known ports. */
export const LISTENERS = {
  http: 3000,
  prometheus: 9090,
  loki: 3100,
  tempo: 3200,
  'otlp-grpc': 4317,
  'otlp-http': 4318,
  pushgateway: 9091,
  zipkin: 9411,
  'jaeger-grpc': 14_250,
  'jaeger-http': 14_268,
} as const;

export type ListenerName = keyof typeof LISTENERS;

/** Prometheus's feature names that change what Trivium does. */
export const FEATURES = [
  'promql-experimental-functions',
  'promql-duration-expr',
  'promql-delayed-name-removal',
  'extra-scrape-metrics',
] as const;
/** Features of Prometheus that Trivium always has; naming them is right and changes nothing. */
const BUILT_IN_FEATURES = [
  'exemplar-storage',
  'native-histograms',
  'remote-write-receiver',
  'otlp-write-receiver',
] as const;

export type Feature = (typeof FEATURES)[number];

/** Listeners of the contract whose protocols are not spoken yet; asking for one is refused. */
const FUTURE_LISTENERS = ['alertmanager', 'collector-metrics'] as const;

/** Parts whose own files are not read yet; naming one is refused rather than ignored. */
const FUTURE_PARTS = ['alertmanager', 'loki', 'tempo', 'collector', 'promtail'] as const;

/** How long each signal is kept, in milliseconds; undefined: for ever. */
export interface SignalPeriods {
  readonly metrics: number | undefined;
  readonly logs: number | undefined;
  readonly traces: number | undefined;
}

export interface ServeOptions {
  readonly dataDir: string;
  readonly host: string;
  /** undefined: switched off; 0: any free port. */
  readonly ports: Readonly<Record<ListenerName, number | undefined>>;
  readonly externalUrl: string | undefined;
  readonly features: ReadonlySet<Feature>;
  /** Where prometheus.yml is: a file, or a section of trivium.yaml. */
  readonly prometheus: { readonly file: string; readonly section?: string } | undefined;
  /** What is generated from spans (`tempo:` in trivium.yaml); undefined: nothing. */
  readonly metricsGenerator: GeneratorOptions | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly storage: {
    /** An external ClickHouse; undefined: the embedded engine. */
    readonly url: string | undefined;
    readonly user: string | undefined;
    readonly password: string | undefined;
    readonly cluster: string | undefined;
    /** Memory ceiling of the embedded engine. */
    readonly memoryBytes: number;
  };
  /** Per signal; undefined: kept for ever. */
  readonly retentionMs: SignalPeriods & {
    /** What differs by tenant, with the defaults filled in. */
    readonly tenants: Readonly<Record<string, SignalPeriods>>;
  };
  /** Whether one request may wipe all pushed groups. */
  readonly pushgatewayAdminApi: boolean;
  readonly limits: Limits;
  /** Files that were read, for the start-up line. */
  readonly files: readonly string[];
  readonly warnings: readonly Diagnostic[];
}

/** Limits by the names under which they are configured (`limits:` in trivium.yaml). */
export interface Limits {
  /** http.max-body-bytes: a request body, before and after decompression. */
  readonly maxBodyBytes: number;
  /** ingest.max-queue-bytes: pushed, not yet committed. */
  readonly maxQueueBytes: number;
  /** query.timeout */
  readonly queryTimeoutMs: number;
  /** query.max-samples: in memory at one time, as in Prometheus. */
  readonly maxSamples: number;
  /** query.max-concurrency */
  readonly maxConcurrentQueries: number;
}

const DEFAULT_LIMITS: Limits = {
  maxBodyBytes: 32 * 2 ** 20,
  maxQueueBytes: 128 * 2 ** 20,
  queryTimeoutMs: 120_000,
  maxSamples: 50_000_000,
  maxConcurrentQueries: 20,
};
const DEFAULT_RETENTION_MS = 15 * 86_400_000;
const DEFAULT_ENGINE_MEMORY_BYTES = 2 * 2 ** 30;

/** Flags of `serve`; `demo` takes them too. */
export const SERVE_FLAGS: Readonly<Record<string, FlagSpec>> = {
  config: {
    value: 'FILE',
    help: 'trivium.yaml (default: ./trivium.yaml or ./config/trivium.yaml if there is one)',
  },
  'data-dir': { value: 'DIR', help: 'where the embedded engine keeps its data (default: ./data)' },
  listen: { value: 'ADDR', help: 'address to listen on (default: 127.0.0.1)' },
  'clickhouse-url': {
    value: 'URL',
    help: 'an external ClickHouse instead of the embedded engine; the password is read from TRIVIUM_CLICKHOUSE_PASSWORD',
  },
  'clickhouse-user': { value: 'NAME', help: 'user of the external ClickHouse (default: default)' },
  'clickhouse-cluster': {
    value: 'NAME',
    help: 'cluster of the external ClickHouse over which tables are spread',
  },
  retention: { value: 'DURATION|none', help: 'how long all signals are kept (default: 15d)' },
  'external-url': { value: 'URL', help: 'URL under which users reach this server' },
  'enable-feature': { value: 'NAMES', help: `features of Prometheus, with commas: ${FEATURES.join(', ')}` },
  'metrics-generator': {
    value: 'on|off',
    help: 'metrics from spans: rates, errors, durations, who calls whom (default: on)',
  },
  'pushgateway-enable-admin-api': { help: 'let PUT /api/v1/admin/wipe delete all pushed groups' },
  'log-level': { value: 'LEVEL', help: 'debug, info, warn or error (default: info)' },
  ...Object.fromEntries(
    Object.entries(LISTENERS).map(([name, port]) => [
      `${name}-port`,
      { value: 'N|off', help: `port of the ${name} listener, 0 for any free one (default: ${port})` },
    ]),
  ),
  ...Object.fromEntries(
    FUTURE_LISTENERS.map((name) => [
      `${name}-port`,
      { value: 'off', help: 'not spoken yet: only "off" is taken' },
    ]),
  ),
  'prometheus-config': {
    value: 'FILE',
    help: 'prometheus.yml (default: beside trivium.yaml or in ./config if there is one)',
  },
  ...Object.fromEntries(
    FUTURE_PARTS.map((name) => [`${name}-config`, { value: 'FILE', help: 'not read yet: refused' }]),
  ),
};

/** Puts flags, file and defaults together. Throws ConfigError with everything that is wrong. */
export function readServeOptions(
  flags: ParsedFlags,
  env: Readonly<Record<string, string | undefined>>,
): ServeOptions {
  const diagnostics: Diagnostic[] = [];
  const flagError = (message: string, hint?: string) =>
    diagnostics.push({
      file: 'command line',
      line: 0,
      column: 0,
      severity: 'error',
      message,
      ...(hint === undefined ? {} : { hint }),
    });
  for (const extra of flags.positionals) flagError(`unexpected argument "${extra}"`);
  for (const part of FUTURE_PARTS) {
    if (flags.values.has(`${part}-config`)) {
      flagError(
        `--${part}-config is not supported yet`,
        `this version reads no ${part} configuration; nothing was started, so that it is not ignored in silence`,
      );
    }
  }
  for (const name of FUTURE_LISTENERS) {
    const value = flags.values.get(`${name}-port`);
    if (value !== undefined && value !== 'off') {
      flagError(
        `--${name}-port: this version does not speak ${name} yet`,
        'leave the flag out or give "off"',
      );
    }
  }

  const files: string[] = [];
  const file = readFile(flags.values.get('config'), files, diagnostics);
  const storage = file?.get('storage')?.object();
  const retention = storage?.get('retention')?.object();
  const limits = file?.get('limits')?.object();

  /** A flag over the file's field; the field is always asked for, or it would count as unknown. */
  const text = (flag: string, section: YamlObject | undefined, field: string): string | undefined => {
    const fromFile = section?.get(field)?.string();
    return flags.values.get(flag) ?? fromFile;
  };

  const ports = {} as Record<ListenerName, number | undefined>;
  const listeners = file?.get('listeners')?.object();
  for (const [name, port] of Object.entries(LISTENERS) as [ListenerName, number][]) {
    const given = text(`${name}-port`, listeners, name) ?? String(port);
    if (given !== 'off' && !(/^\d+$/.test(given) && Number(given) < 65_536)) {
      flagError(`--${name}-port: "${given}" is no port`, 'give 0 to 65535, or "off"');
    }
    ports[name] = given === 'off' ? undefined : Number(given);
  }
  listeners?.done();

  const retentionMs = readRetention(retention, flags.values.get('retention'), flagError);

  const pushgateway = file?.get('pushgateway')?.object();
  const adminApi = pushgateway?.get('enable_admin_api')?.boolean() ?? false;
  pushgateway?.done();

  const options: ServeOptions = {
    dataDir: path.resolve(text('data-dir', storage, 'data_dir') ?? 'data'),
    host: text('listen', file, 'listen') ?? '127.0.0.1',
    ports,
    externalUrl: text('external-url', file, 'external_url'),
    features: features(text('enable-feature', file, 'enable_feature') ?? '', flagError),
    prometheus: prometheusConfig(flags, file),
    metricsGenerator: metricsGenerator(flags, file, flagError),
    logLevel: logLevel(text('log-level', file, 'log_level') ?? 'info', flagError),
    storage: {
      url: text('clickhouse-url', storage, 'url'),
      user: text('clickhouse-user', storage, 'user'),
      password: passwordFrom(storage, env),
      cluster: text('clickhouse-cluster', storage, 'cluster'),
      memoryBytes: storage?.get('memory')?.bytes() ?? DEFAULT_ENGINE_MEMORY_BYTES,
    },
    retentionMs,
    pushgatewayAdminApi: flags.values.has('pushgateway-enable-admin-api') || adminApi,
    limits: {
      maxBodyBytes: limits?.get('http.max-body-bytes')?.bytes() ?? DEFAULT_LIMITS.maxBodyBytes,
      maxQueueBytes: limits?.get('ingest.max-queue-bytes')?.bytes() ?? DEFAULT_LIMITS.maxQueueBytes,
      queryTimeoutMs: limits?.get('query.timeout')?.durationMs() ?? DEFAULT_LIMITS.queryTimeoutMs,
      maxSamples: limits?.get('query.max-samples')?.number() ?? DEFAULT_LIMITS.maxSamples,
      maxConcurrentQueries:
        limits?.get('query.max-concurrency')?.number() ?? DEFAULT_LIMITS.maxConcurrentQueries,
    },
    files,
    warnings: [],
  };
  if (options.storage.url !== undefined && !URL.canParse(options.storage.url)) {
    flagError(
      `--clickhouse-url: "${options.storage.url}" is no URL`,
      'write for instance http://127.0.0.1:8123',
    );
  }
  storage?.done();
  limits?.done();
  file?.done();
  if (file !== undefined) diagnostics.push(...file.file.diagnostics);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
  return { ...options, warnings: diagnostics };
}

function readFile(
  named: string | undefined,
  files: string[],
  diagnostics: Diagnostic[],
): YamlObject | undefined {
  const name = named ?? ['trivium.yaml', 'config/trivium.yaml'].find((candidate) => existsSync(candidate));
  if (name === undefined) return undefined;
  try {
    const text = readFileSync(name, 'utf8');
    files.push(name);
    return new YamlFile(text, name).root();
  } catch (error) {
    diagnostics.push({
      file: name,
      line: 0,
      column: 0,
      severity: 'error',
      message: `cannot be read: ${(error as Error).message}`,
    });
    return undefined;
  }
}

/** The flag, the field `prometheus` (a path or the configuration itself), or a file with the well-known name. */
function prometheusConfig(
  flags: ParsedFlags,
  file: YamlObject | undefined,
): { readonly file: string; readonly section?: string } | undefined {
  const value = file?.get('prometheus');
  const named = flags.values.get('prometheus-config');
  if (named !== undefined) return { file: named };
  if (file !== undefined && value !== undefined) {
    if (!value.isScalar) return { file: file.file.file, section: 'prometheus' };
    const given = value.string();
    return given === undefined ? undefined : { file: path.resolve(path.dirname(file.file.file), given) };
  }
  const folder = file === undefined ? 'config' : path.dirname(file.file.file);
  const known = path.join(folder, 'prometheus.yml');
  return existsSync(known) ? { file: known } : undefined;
}

/** The flag switches off; what is generated stands in `tempo:`, in Tempo's words. */
function metricsGenerator(
  flags: ParsedFlags,
  file: YamlObject | undefined,
  flagError: (message: string, hint?: string) => void,
): GeneratorOptions | undefined {
  const given = flags.values.get('metrics-generator') ?? 'on';
  if (given !== 'on' && given !== 'off') flagError(`--metrics-generator: "${given}" is neither on nor off`);
  const tempo = file?.get('tempo')?.object();
  const options = readMetricsGenerator(tempo);
  tempo?.done();
  return given === 'off' ? undefined : options;
}

function passwordFrom(
  storage: YamlObject | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const value = storage?.get('password_file');
  if (env.TRIVIUM_CLICKHOUSE_PASSWORD !== undefined) return env.TRIVIUM_CLICKHOUSE_PASSWORD;
  const name = value?.string();
  if (value === undefined || name === undefined) return undefined;
  try {
    return readFileSync(name, 'utf8').trimEnd();
  } catch (error) {
    value.error(`cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}

function features(list: string, flagError: (message: string, hint?: string) => void): ReadonlySet<Feature> {
  const chosen = new Set<Feature>();
  for (const name of list
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')) {
    if ((FEATURES as readonly string[]).includes(name)) chosen.add(name as Feature);
    else if (!(BUILT_IN_FEATURES as readonly string[]).includes(name)) {
      const known = [...FEATURES, ...BUILT_IN_FEATURES];
      const near = closest(name, known);
      flagError(
        `--enable-feature: unknown feature "${name}"`,
        near === undefined ? `known: ${known.join(', ')}` : `did you mean "${near}"?`,
      );
    }
  }
  return chosen;
}

/** `retention:` of the file, or the flag, which stands for all signals and tenants. */
function readRetention(
  section: YamlObject | undefined,
  flag: string | undefined,
  flagError: (message: string, hint?: string) => void,
): ServeOptions['retentionMs'] {
  const inFile = (object: YamlObject | undefined, otherwise: SignalPeriods): SignalPeriods => {
    const forAll = object?.get('default');
    const period = (name: keyof SignalPeriods) => {
      const value = object?.get(name) ?? forAll;
      if (value === undefined) return otherwise[name];
      return value.string() === 'none' ? undefined : value.durationMs();
    };
    return { metrics: period('metrics'), logs: period('logs'), traces: period('traces') };
  };
  const same = (ms: number | undefined): SignalPeriods => ({ metrics: ms, logs: ms, traces: ms });
  const byDefault = inFile(section, same(DEFAULT_RETENTION_MS));
  const named = section?.get('tenants')?.object();
  const tenants = Object.fromEntries(
    (named?.names() ?? []).map((name) => {
      const own = named?.get(name)?.object();
      const periods = inFile(own, byDefault);
      own?.done();
      return [name, periods];
    }),
  );
  section?.done();
  if (flag === undefined) return { ...byDefault, tenants };
  const ms = flag === 'none' ? undefined : parseDurationMs(flag);
  if (flag !== 'none' && (ms === undefined || ms <= 0)) {
    flagError(`--retention: "${flag}" is no duration`, 'write for instance 15d or 720h, or none');
  }
  return { ...same(ms), tenants: {} };
}

function logLevel(
  text: string,
  flagError: (message: string, hint?: string) => void,
): ServeOptions['logLevel'] {
  if (text === 'debug' || text === 'info' || text === 'warn' || text === 'error') return text;
  flagError(`--log-level: "${text}" is no level`, 'debug, info, warn or error');
  return 'info';
}
