/**
 * prometheus.yml as the parts of Trivium get it: typed, defaults filled in, paths absolute. Durations in milliseconds,
 * sizes in bytes; 0 stands for "no limit".
 */

import type { DiscoveryConfig } from '../../collector/discovery/config.ts';
import type { RelabelConfig } from '../../collector/relabel/relabel.ts';
import type { ScrapeConfig } from '../../collector/scrape/config.ts';
import type { HttpClientConfig, TlsConfig } from '../../http/client/config.ts';
import type { TranslationStrategy } from '../../wire/otlp/names.ts';

export interface PrometheusConfig {
  readonly global: GlobalConfig;
  readonly scrapeConfigs: readonly ScrapeConfig[];
  /** Absolute; may have wildcards in the last segment. A pattern without files is no error. */
  readonly ruleFiles: readonly string[];
  readonly alerting: AlertingConfig;
  readonly remoteWrite: readonly RemoteWriteConfig[];
  readonly remoteRead: readonly RemoteReadConfig[];
  readonly storage: {
    readonly outOfOrderTimeWindowMs: number;
    readonly maxExemplars: number;
  };
  readonly otlp: OtlpConfig;
  readonly tracing: TracingConfig | undefined;
}

export interface GlobalConfig {
  readonly scrapeIntervalMs: number;
  readonly scrapeTimeoutMs: number;
  readonly evaluationIntervalMs: number;
  readonly ruleQueryOffsetMs: number;
  readonly queryLogFile: string | undefined;
  readonly externalLabels: Readonly<Record<string, string>>;
}

export interface AlertingConfig {
  readonly alertRelabel: readonly RelabelConfig[];
  readonly alertmanagers: readonly AlertmanagerClientConfig[];
}

export interface AlertmanagerClientConfig {
  readonly scheme: string;
  readonly pathPrefix: string;
  readonly timeoutMs: number;
  readonly http: HttpClientConfig;
  readonly discovery: readonly DiscoveryConfig[];
  readonly relabel: readonly RelabelConfig[];
  readonly alertRelabel: readonly RelabelConfig[];
}

export const WRITE_MESSAGES = ['prometheus.WriteRequest', 'io.prometheus.write.v2.Request'] as const;

export interface RemoteWriteConfig {
  readonly url: string;
  /** '' when the file gives none. */
  readonly name: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly writeRelabel: readonly RelabelConfig[];
  readonly message: (typeof WRITE_MESSAGES)[number];
  readonly sendExemplars: boolean;
  readonly sendNativeHistograms: boolean;
  readonly roundRobinDns: boolean;
  readonly queue: {
    readonly capacity: number;
    readonly maxShards: number;
    readonly minShards: number;
    readonly maxSamplesPerSend: number;
    readonly batchSendDeadlineMs: number;
    readonly minBackoffMs: number;
    readonly maxBackoffMs: number;
    readonly retryOnHttp429: boolean;
    readonly sampleAgeLimitMs: number;
  };
  readonly metadata: {
    readonly send: boolean;
    readonly sendIntervalMs: number;
    readonly maxSamplesPerSend: number;
  };
  readonly http: HttpClientConfig;
}

export interface RemoteReadConfig {
  readonly url: string;
  readonly name: string;
  readonly timeoutMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly readRecent: boolean;
  readonly requiredMatchers: Readonly<Record<string, string>>;
  readonly filterExternalLabels: boolean;
  readonly chunkedReadLimitBytes: number;
  readonly http: HttpClientConfig;
}

export interface OtlpConfig {
  readonly promoteAllResourceAttributes: boolean;
  readonly promoteResourceAttributes: readonly string[];
  readonly ignoreResourceAttributes: readonly string[];
  readonly translationStrategy: TranslationStrategy;
  readonly keepIdentifyingResourceAttributes: boolean;
  readonly convertHistogramsToNhcb: boolean;
  readonly promoteScopeMetadata: boolean;
}

export interface TracingConfig {
  readonly clientType: 'grpc' | 'http';
  readonly endpoint: string;
  readonly samplingFraction: number;
  readonly insecure: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: string;
  readonly timeoutMs: number;
  readonly tls: TlsConfig;
}
