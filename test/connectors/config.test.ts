/** Tempo's words for the generator: what is read from trivium.yaml, and what is refused where. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEFAULT_GENERATOR,
  DEFAULT_SERVICE_GRAPH,
  DEFAULT_SPAN_METRICS,
  type GeneratorOptions,
} from '../../src/collector/connectors/options.ts';
import { ConfigError, formatDiagnostic } from '../../src/config/diagnostics.ts';
import { parseFlags } from '../../src/config/flags.ts';
import { readServeOptions, SERVE_FLAGS } from '../../src/config/serve-options.ts';
import { readMetricsGenerator } from '../../src/config/tempo/metrics-generator.ts';
import { YamlFile } from '../../src/config/yaml.ts';

function read(yaml: string): { options: GeneratorOptions | undefined; said: string[] } {
  const file = new YamlFile(yaml, 'trivium.yaml');
  const options = readMetricsGenerator(file.root());
  return { options, said: file.diagnostics.map(formatDiagnostic) };
}

const graph = (yaml: string) => `metrics_generator: { processor: { service_graphs: { ${yaml} } } }`;
const spans = (yaml: string) => `metrics_generator: { processor: { span_metrics: { ${yaml} } } }`;
const limits = (yaml: string) => `overrides: { defaults: { metrics_generator: { ${yaml} } } }`;

const taken: [yaml: string, want: GeneratorOptions | undefined][] = [
  ['{}', DEFAULT_GENERATOR],
  [
    graph(
      'wait: 5s, max_items: 7, histogram_buckets: [1, 2], dimensions: [a], enable_virtual_node_label: true',
    ),
    {
      ...DEFAULT_GENERATOR,
      serviceGraph: {
        ...DEFAULT_SERVICE_GRAPH,
        waitMs: 5000,
        maxWaiting: 7,
        buckets: [1, 2],
        dimensions: ['a'],
        virtualNodeLabel: true,
      },
    },
  ],
  [
    spans(
      'intrinsic_dimensions: { status_message: true }, enable_target_info: true, ' +
        'dimension_mappings: [{ name: n, source_labels: [x, y], join: "/" }], ' +
        'filter_policies: [{ include: { match_type: strict, attributes: [{ key: span.n, value: 5 }, ' +
        '{ key: resource.n, value: 5.0 }, { key: kind, value: SPAN_KIND_SERVER }] } }]',
    ),
    {
      ...DEFAULT_GENERATOR,
      spanMetrics: {
        ...DEFAULT_SPAN_METRICS,
        intrinsics: { ...DEFAULT_SPAN_METRICS.intrinsics, statusMessage: true },
        targetInfo: true,
        mappings: [{ name: 'n', sourceLabels: ['x', 'y'], join: '/' }],
        filters: [
          {
            include: {
              matchType: 'strict',
              attributes: [
                { scope: 'span', key: 'n', value: 5n },
                { scope: 'resource', key: 'n', value: 5 },
                { scope: 'kind', key: '', value: 'SPAN_KIND_SERVER' },
              ],
            },
          },
        ],
      },
    },
  ],
  [limits('disable_collection: true'), undefined],
  [limits('processors: []'), undefined],
  [
    limits('processors: [span-metrics-count]'),
    {
      ...DEFAULT_GENERATOR,
      serviceGraph: undefined,
      spanMetrics: { ...DEFAULT_SPAN_METRICS, latency: false, size: false },
    },
  ],
  [
    limits('generate_native_histograms: both, max_active_series: 5, native_histogram_bucket_factor: 1.5'),
    { ...DEFAULT_GENERATOR, histograms: 'both', maxActiveSeries: 5, nativeSchema: 1 },
  ],
  [
    `metrics_generator: { processor: { span_metrics: { dimensions: [a] } } }
overrides: { defaults: { metrics_generator: { processor: { span_metrics: { dimensions: [b] } } } } }`,
    { ...DEFAULT_GENERATOR, spanMetrics: { ...DEFAULT_SPAN_METRICS, dimensions: ['b'] } },
  ],
  [
    `metrics_generator:
  registry: { collection_interval: 30s, stale_duration: 5m, external_labels: { cluster: eu } }
  metrics_ingestion_time_range_slack: 1m`,
    {
      ...DEFAULT_GENERATOR,
      intervalMs: 30_000,
      staleMs: 300_000,
      slackMs: 60_000,
      externalLabels: { cluster: 'eu' },
    },
  ],
];
for (const [yaml, want] of taken) {
  test(`taken: ${yaml}`, () => {
    const { options, said } = read(yaml);
    assert.deepEqual(said, []);
    assert.deepEqual(options, want);
  });
}

const refused: [yaml: string, want: RegExp][] = [
  [
    graph('dimension: [a]'),
    /^trivium\.yaml:1:53: .*unknown field .*service_graphs\.dimension .*"dimensions"/,
  ],
  [graph('histogram_buckets: [1, 1]'), /:1:72: .*must ascend/],
  [graph('wait: 0s'), /above zero/],
  ['metrics_generator: { processor: { spanmetrics: {} } }', /:1:35: .*unknown field .*"span_metrics"/],
  [limits('processors: [span-metric]'), /"span-metric" is no processor.*"span-metrics"/],
  [limits('generate_native_histograms: yes please'), /none of classic, native, both/],
  [limits('native_histogram_bucket_factor: 1'), /above 1/],
  [spans('filter_policies: [{}]'), /include or exclude/],
  [spans('filter_policies: [{ exclude: { match_type: like, attributes: [] } }]'), /strict or regex/],
  [
    spans(
      'filter_policies: [{ exclude: { match_type: strict, attributes: [{ key: kind, value: server }] } }]',
    ),
    /"server" is no kind.*SPAN_KIND_SERVER/,
  ],
  [
    spans('filter_policies: [{ exclude: { match_type: regex, attributes: [{ key: name, value: "(" }] } }]'),
    /missing closing \)/,
  ],
  [
    spans('filter_policies: [{ exclude: { match_type: regex, attributes: [{ key: duration, value: x }] } }]'),
    /"duration" cannot be filtered by.*span\.x/,
  ],
];
for (const [yaml, want] of refused) {
  test(`refused: ${yaml}`, () => {
    const { said } = read(yaml);
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0] as string, want);
  });
}

test('blocks about where Tempo keeps things are taken with a warning', () => {
  const { said } = read('metrics_generator: { storage: { path: x } }');
  assert.equal(said.length, 1);
  assert.match(said[0] as string, /^trivium\.yaml:1:31: warning: .*storage: has no meaning here/);
});

const switches: [args: string[], on: boolean][] = [
  [[], true],
  [['--metrics-generator', 'on'], true],
  [['--metrics-generator', 'off'], false],
];
for (const [args, on] of switches) {
  test(`serve ${args.join(' ')}: the generator is ${on ? 'on' : 'off'}`, () => {
    const { metricsGenerator } = readServeOptions(parseFlags(args, SERVE_FLAGS), {});
    assert.deepEqual(metricsGenerator, on ? DEFAULT_GENERATOR : undefined);
  });
}
test('serve --metrics-generator perhaps is refused', () => {
  assert.throws(
    () => readServeOptions(parseFlags(['--metrics-generator', 'perhaps'], SERVE_FLAGS), {}),
    ConfigError,
  );
});
