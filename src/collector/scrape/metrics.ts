/** What scraping and discovery tell about themselves, under Prometheus's names. Telemetry implements this. */

export const SCRAPE_COUNTERS = {
  prometheus_target_scrapes_exceeded_sample_limit_total:
    'Scrapes that hit the sample limit and were rejected.',
  prometheus_target_scrapes_exceeded_body_size_limit_total:
    'Scrapes that hit the body size limit and were rejected.',
  prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total:
    'Scrapes that hit the native histogram bucket limit and were rejected.',
  prometheus_target_scrape_pool_exceeded_label_limits_total: 'Scrapes that hit one of the label limits.',
  prometheus_target_scrape_pool_exceeded_target_limit_total:
    'Times a scrape pool had more targets than its limit.',
  prometheus_target_scrapes_sample_duplicate_timestamp_total:
    'Samples refused because their series came twice in a scrape.',
  prometheus_target_scrapes_sample_out_of_order_total:
    'Samples refused because a later one of their series is stored.',
  prometheus_target_scrapes_sample_out_of_bounds_total: 'Samples refused because they lie in the future.',
  prometheus_target_scrape_pools_total: 'Attempts to create a scrape pool.',
  prometheus_target_scrape_pools_failed_total: 'Attempts to create a scrape pool that failed.',
  prometheus_target_scrape_pool_reloads_total: 'Reloads of scrape pools.',
  prometheus_target_scrape_pool_sync_total: 'Synchronisations of a scrape pool with discovery.',
  prometheus_target_sync_failed_total: 'Targets that could not be made of what was discovered.',
  prometheus_sd_updates_total: 'Changes sent by discovery to scraping.',
  prometheus_sd_refresh_failures_total: 'Refreshes of a discovery mechanism that failed.',
  prometheus_sd_file_read_errors_total: 'Files of file_sd that could not be read.',
  prometheus_sd_http_failures_total: 'Requests of http_sd that failed.',
  prometheus_sd_dns_lookups_total: 'Look-ups of dns_sd.',
  prometheus_sd_dns_lookup_failures_total: 'Look-ups of dns_sd that failed.',
  prometheus_sd_kubernetes_failures_total: 'Watches and lists of the Kubernetes API that failed.',
  trivium_scrape_missed_total: 'Scrapes that did not take place or were not stored, by reason.',
} as const;

export const SCRAPE_GAUGES = {
  prometheus_target_scrape_pool_targets: 'Targets of a scrape pool.',
  prometheus_target_scrape_pool_target_limit: 'Limit of targets of a scrape pool.',
  prometheus_target_metadata_cache_entries: 'Metric families with metadata, by job.',
  prometheus_sd_discovered_targets: 'Discovered targets before relabelling, by job.',
  prometheus_sd_file_mtime_seconds: 'Modification time of a file of file_sd.',
  prometheus_config_last_reload_successful: 'Whether the last configuration was taken.',
  prometheus_config_last_reload_success_timestamp_seconds: 'When a configuration was taken last.',
} as const;

export type ScrapeCounter = keyof typeof SCRAPE_COUNTERS;
export type ScrapeGauge = keyof typeof SCRAPE_GAUGES;

export interface ScrapeMetrics {
  add(name: ScrapeCounter, count: number, labels?: Readonly<Record<string, string>>): void;
  set(name: ScrapeGauge, value: number, labels?: Readonly<Record<string, string>>): void;
  /** Seconds between two scrapes of a target, by the configured interval (`15s`). */
  interval(seconds: number, interval: string): void;
}

/** For callers that want no metrics. */
export const NO_SCRAPE_METRICS: ScrapeMetrics = { add() {}, set() {}, interval() {} };
