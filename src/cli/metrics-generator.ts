/** The metrics generator at work: its timer, its own metrics, its label for this process's host. */

import { hostname } from 'node:os';
import { MetricsGenerator, type TenantStatistics } from '../collector/connectors/metrics-generator.ts';
import type { GeneratorOptions } from '../collector/connectors/options.ts';
import type { BatchSink } from '../model/batch.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { MetricFamily, Registry } from '../telemetry/registry.ts';

/** Tempo's label for the process that generated a series: counters of two processes must not be mixed. */
const INSTANCE_LABEL = '__metrics_gen_instance';
const PREFIX = 'tempo_metrics_generator_';

type Reading = readonly [
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  read: (one: TenantStatistics) => number,
];

/** Per tenant, under Tempo's names. */
const READINGS: readonly Reading[] = [
  ['spans_received_total', 'Spans that were looked at.', 'counter', (one) => one.received],
  [
    'processor_service_graphs_dropped_spans',
    'Spans that found no room to wait for their other side.',
    'counter',
    (one) => one.edges?.dropped ?? 0,
  ],
  ['processor_service_graphs_edges', 'Edges that were seen.', 'counter', (one) => one.edges?.edges ?? 0],
  [
    'processor_service_graphs_expired_edges',
    'Unpaired spans: their other side neither came nor could be inferred.',
    'counter',
    (one) => one.edges?.expired ?? 0,
  ],
  ['processor_service_graphs_waiting_edges', 'Edges that wait.', 'gauge', (one) => one.waitingEdges],
  ['registry_active_series', 'Series that are written.', 'gauge', (one) => one.activeSeries],
  ['registry_series_added_total', 'Series that were made.', 'counter', (one) => one.seriesAdded],
  ['registry_series_removed_total', 'Series that went stale.', 'counter', (one) => one.seriesRemoved],
  [
    'registry_series_limited_total',
    'Series that were not made because max_active_series was reached.',
    'counter',
    (one) => one.seriesLimited,
  ],
];

export interface GeneratorPart {
  /** Stands before the storage sink. */
  readonly sink: BatchSink;
  /** Collects a last time. */
  close(): Promise<void>;
}

/** Starts generating, or hands the sink through when there is nothing to generate. */
export function openMetricsGenerator(
  options: GeneratorOptions | undefined,
  deps: {
    readonly sink: BatchSink;
    readonly registry: Registry;
    readonly log: Logger;
    readonly now: () => number;
  },
): GeneratorPart {
  if (options === undefined) return { sink: deps.sink, close: async () => {} };
  const externalLabels = { [INSTANCE_LABEL]: hostname(), ...options.externalLabels };
  const generator = new MetricsGenerator(
    deps.sink,
    { ...options, externalLabels },
    {
      now: deps.now,
      onError: (what, error) =>
        what === 'collection'
          ? deps.log.warn('generated metrics were not stored; their sums come with the next collection', {
              error,
            })
          : deps.log.error('spans were stored but not counted, by a bug', { error }),
    },
  );
  deps.registry.collector(() => families(generator, options));
  const timer = setInterval(() => void generator.collect(), options.intervalMs);
  return {
    sink: generator,
    close: async () => {
      clearInterval(timer);
      await generator.collect();
    },
  };
}

function families(generator: MetricsGenerator, options: GeneratorOptions): MetricFamily[] {
  const tenants = generator.statistics();
  const discarded = (tenant: string, reason: string, value: number) => ({
    labels: { tenant, reason },
    value,
  });
  return [
    ...READINGS.map(
      ([name, help, type, read]): MetricFamily => ({
        name: PREFIX + name,
        help,
        type,
        points: tenants.map((one) => ({ labels: { tenant: one.tenant }, value: read(one) })),
      }),
    ),
    {
      name: `${PREFIX}spans_discarded_total`,
      help: 'Spans that were not counted, by reason.',
      type: 'counter',
      points: [
        ...tenants.flatMap(({ tenant, outsideSlack, spanMetricsFiltered, edges }) => [
          discarded(tenant, 'outside_metrics_ingestion_slack', outsideSlack),
          discarded(tenant, 'span_metrics_filtered', spanMetricsFiltered),
          discarded(tenant, 'service_graphs_filtered', edges?.filtered ?? 0),
        ]),
        discarded('', 'too_many_tenants', generator.refusedSpans),
      ],
    },
    {
      name: `${PREFIX}registry_max_active_series`,
      help: 'Most series of one tenant.',
      type: 'gauge',
      points: [{ labels: {}, value: options.maxActiveSeries }],
    },
    {
      name: `${PREFIX}registry_collections_total`,
      help: 'Collections.',
      type: 'counter',
      points: [{ labels: {}, value: generator.collections }],
    },
    {
      name: `${PREFIX}registry_collections_failed_total`,
      help: 'Collections that were not stored, or only in part.',
      type: 'counter',
      points: [{ labels: {}, value: generator.failedCollections }],
    },
  ];
}
