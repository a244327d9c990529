/** What a scrape job says (`scrape_configs` of Prometheus 3.5), with all defaults filled in. Durations in milliseconds. */

import type { HttpClientConfig } from '../../http/client/config.ts';
import type { DiscoveryConfig } from '../discovery/config.ts';
import type { RelabelConfig } from '../relabel/relabel.ts';

/** `scrape_protocols` with the media types that they ask for. */
export const SCRAPE_PROTOCOLS = {
  PrometheusProto:
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  'PrometheusText0.0.4': 'text/plain;version=0.0.4',
  'PrometheusText1.0.0': 'text/plain;version=1.0.0',
  'OpenMetricsText0.0.1': 'application/openmetrics-text;version=0.0.1',
  'OpenMetricsText1.0.0': 'application/openmetrics-text;version=1.0.0',
} as const;

export type ScrapeProtocol = keyof typeof SCRAPE_PROTOCOLS;

/** Native histograms come by protobuf only; everything else is as good in text. */
export const DEFAULT_SCRAPE_PROTOCOLS: readonly ScrapeProtocol[] = [
  'PrometheusProto',
  'OpenMetricsText1.0.0',
  'OpenMetricsText0.0.1',
  'PrometheusText1.0.0',
  'PrometheusText0.0.4',
];

export const ESCAPING_SCHEMES = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type EscapingScheme = (typeof ESCAPING_SCHEMES)[number];
export type ValidationScheme = 'utf8' | 'legacy';

/** Zero stands for "no limit" throughout. */
export interface ScrapeLimits {
  readonly bodyBytes: number;
  readonly samples: number;
  readonly targets: number;
  readonly labels: number;
  readonly labelNameBytes: number;
  readonly labelValueBytes: number;
  readonly histogramBuckets: number;
  /** Native histograms are lowered in resolution until their buckets grow by at least this factor. */
  readonly histogramMinBucketFactor: number;
  readonly keptDroppedTargets: number;
}

export interface ScrapeConfig {
  readonly jobName: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly metricsPath: string;
  readonly scheme: string;
  readonly params: Readonly<Record<string, readonly string[]>>;
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  readonly trackTimestampsStaleness: boolean;
  readonly protocols: readonly ScrapeProtocol[];
  readonly fallbackProtocol: ScrapeProtocol | undefined;
  readonly classicHistograms: boolean;
  readonly convertClassicHistograms: boolean;
  readonly compression: boolean;
  readonly failureLogFile: string | undefined;
  readonly limits: ScrapeLimits;
  readonly validation: ValidationScheme;
  readonly escaping: EscapingScheme;
  readonly http: HttpClientConfig;
  readonly discovery: readonly DiscoveryConfig[];
  readonly relabel: readonly RelabelConfig[];
  readonly metricRelabel: readonly RelabelConfig[];
}
