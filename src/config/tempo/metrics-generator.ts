/**
 * Tempo's configuration of its metrics-generator, as far as it says what is generated: the blocks `metrics_generator`
 * and `overrides.defaults.metrics_generator`. Where Tempo would keep or send its series has no meaning here.
 */

import { isScalar } from 'yaml';
import {
  DEFAULT_GENERATOR,
  DEFAULT_SERVICE_GRAPH,
  DEFAULT_SPAN_METRICS,
  type DimensionMapping,
  type FilterPolicy,
  type GeneratorOptions,
  type HistogramForms,
  type PolicyAttribute,
  type PolicyMatch,
  type ServiceGraphOptions,
  type SpanMetricsOptions,
} from '../../collector/connectors/options.ts';
import { KIND_NAMES, STATUS_NAMES } from '../../collector/connectors/span-filter.ts';
import { InputError } from '../../model/errors.ts';
import { compileRegex } from '../../query/syntax/regex.ts';
import { closest } from '../diagnostics.ts';
import type { YamlObject, YamlValue } from '../yaml.ts';

const PROCESSORS = [
  'service-graphs',
  'span-metrics',
  'span-metrics-count',
  'span-metrics-latency',
  'span-metrics-size',
] as const;

/** Blocks that say where and how Tempo keeps things. */
const WITHOUT_MEANING = [
  'storage',
  'ring',
  'traces_storage',
  'traces_query_storage',
  'query_timeout',
] as const;

interface Processors {
  spanMetrics: SpanMetricsOptions;
  serviceGraph: ServiceGraphOptions;
}

/**
 * Reads the generator's part of Tempo's configuration (the mapping that has `metrics_generator` and `overrides`).
 * Mistakes are added to the file's diagnostics. Undefined when the configuration switches the generator off. Both
 * processors are on unless `processors` says which.
 */
export function readMetricsGenerator(tempo: YamlObject | undefined): GeneratorOptions | undefined {
  const own = tempo?.get('metrics_generator')?.object();
  const overrides = tempo?.get('overrides')?.object();
  const defaults = overrides?.get('defaults')?.object();
  const limits = defaults?.get('metrics_generator')?.object();
  const registry = own?.get('registry')?.object();

  const processors: Processors = { spanMetrics: DEFAULT_SPAN_METRICS, serviceGraph: DEFAULT_SERVICE_GRAPH };
  readProcessors(own?.get('processor')?.object(), processors);
  readProcessors(limits?.get('processor')?.object(), processors);
  const chosen = limits?.get('processors');
  const names = chosen === undefined ? new Set(['service-graphs', 'span-metrics']) : processorNames(chosen);
  const all = names.has('span-metrics');
  const spanMetrics: SpanMetricsOptions = {
    ...processors.spanMetrics,
    calls: all || names.has('span-metrics-count'),
    latency: all || names.has('span-metrics-latency'),
    size: all || names.has('span-metrics-size'),
  };

  for (const name of WITHOUT_MEANING) {
    own?.get(name)?.warn('has no meaning here', 'generated series are stored with all other metrics');
  }
  const interval = limits?.get('collection_interval') ?? registry?.get('collection_interval');
  registry?.get('collection_interval');
  const slack = limits?.get('ingestion_time_range_slack') ?? own?.get('metrics_ingestion_time_range_slack');
  own?.get('metrics_ingestion_time_range_slack');
  const off = limits?.get('disable_collection')?.boolean() === true;
  const maxSeries = limits?.get('max_active_series')?.number();
  const external = registry?.get('external_labels')?.object();

  const options: GeneratorOptions = {
    ...DEFAULT_GENERATOR,
    spanMetrics: spanMetrics.calls || spanMetrics.latency || spanMetrics.size ? spanMetrics : undefined,
    serviceGraph: names.has('service-graphs') ? processors.serviceGraph : undefined,
    histograms: histogramForms(limits?.get('generate_native_histograms')),
    intervalMs: duration(interval) ?? DEFAULT_GENERATOR.intervalMs,
    staleMs: duration(registry?.get('stale_duration')) ?? DEFAULT_GENERATOR.staleMs,
    slackMs: duration(slack) ?? DEFAULT_GENERATOR.slackMs,
    // Tempo's 0 is no limit.
    maxActiveSeries:
      maxSeries === 0 ? Number.MAX_SAFE_INTEGER : (maxSeries ?? DEFAULT_GENERATOR.maxActiveSeries),
    maxLabelNameBytes:
      registry?.get('max_label_name_length')?.number() ?? DEFAULT_GENERATOR.maxLabelNameBytes,
    maxLabelValueBytes:
      registry?.get('max_label_value_length')?.number() ?? DEFAULT_GENERATOR.maxLabelValueBytes,
    traceIdLabel: limits?.get('trace_id_label_name')?.string() ?? DEFAULT_GENERATOR.traceIdLabel,
    externalLabels: Object.fromEntries(
      (external?.names() ?? []).map((name) => [name, external?.get(name)?.string() ?? '']),
    ),
    maxNativeBuckets:
      limits?.get('native_histogram_max_bucket_number')?.number() ?? DEFAULT_GENERATOR.maxNativeBuckets,
    nativeSchema: nativeSchema(limits?.get('native_histogram_bucket_factor')),
  };
  for (const block of [registry, own, limits, defaults, overrides]) block?.done();
  return off || (options.spanMetrics === undefined && options.serviceGraph === undefined)
    ? undefined
    : options;
}

/** Positive durations. */
function duration(value: YamlValue | undefined): number | undefined {
  const ms = value?.durationMs();
  if (ms === undefined || ms > 0) return ms;
  value?.error('a duration above zero is wanted here');
  return undefined;
}

function processorNames(value: YamlValue): Set<string> {
  const names = new Set<string>();
  for (const item of value.list()) {
    const name = item.string();
    if (name === undefined) continue;
    if ((PROCESSORS as readonly string[]).includes(name)) names.add(name);
    else if (name === 'local-blocks') item.warn('needs no processor here: TraceQL metrics are always there');
    else {
      const near = closest(name, PROCESSORS);
      item.error(
        `"${name}" is no processor that is supported`,
        near === undefined ? `known: ${PROCESSORS.join(', ')}` : `did you mean "${near}"?`,
      );
    }
  }
  return names;
}

function histogramForms(value: YamlValue | undefined): HistogramForms {
  const text = value?.string();
  if (text === undefined || text === 'classic' || text === 'native' || text === 'both')
    return text ?? 'classic';
  value?.error(`"${text}" is none of classic, native, both`);
  return 'classic';
}

/** The coarsest schema whose buckets grow by at most the factor. */
function nativeSchema(value: YamlValue | undefined): number {
  const factor = value?.number();
  if (factor === undefined) return DEFAULT_GENERATOR.nativeSchema;
  if (!(factor > 1)) {
    value?.error('a factor above 1 is wanted here');
    return DEFAULT_GENERATOR.nativeSchema;
  }
  return Math.min(8, Math.max(-4, -Math.floor(Math.log2(Math.log2(factor)))));
}

function readProcessors(block: YamlObject | undefined, into: Processors): void {
  const graph = block?.get('service_graphs')?.object();
  if (graph !== undefined) into.serviceGraph = serviceGraph(graph, into.serviceGraph);
  const metrics = block?.get('span_metrics')?.object();
  if (metrics !== undefined) into.spanMetrics = spanMetrics(metrics, into.spanMetrics);
  block?.done();
}

function serviceGraph(block: YamlObject, base: ServiceGraphOptions): ServiceGraphOptions {
  block.get('workers')?.warn('has no meaning here', 'edges are counted while spans come in');
  const options: ServiceGraphOptions = {
    waitMs: duration(block.get('wait')) ?? base.waitMs,
    maxWaiting: block.get('max_items')?.number() ?? base.maxWaiting,
    buckets: buckets(block.get('histogram_buckets')) ?? base.buckets,
    dimensions: strings(block.get('dimensions')) ?? base.dimensions,
    clientServerPrefix: block.get('enable_client_server_prefix')?.boolean() ?? base.clientServerPrefix,
    virtualNodeLabel: block.get('enable_virtual_node_label')?.boolean() ?? base.virtualNodeLabel,
    messagingLatency:
      block.get('enable_messaging_system_latency_histogram')?.boolean() ?? base.messagingLatency,
    peerAttributes: strings(block.get('peer_attributes')) ?? base.peerAttributes,
    databaseAttributes: strings(block.get('database_name_attributes')) ?? base.databaseAttributes,
    multiplierKey: block.get('span_multiplier_key')?.string() ?? base.multiplierKey,
    filters: filterPolicies(block.get('filter_policies')) ?? base.filters,
  };
  block.done();
  return options;
}

function spanMetrics(block: YamlObject, base: SpanMetricsOptions): SpanMetricsOptions {
  const intrinsics = block.get('intrinsic_dimensions')?.object();
  const options: SpanMetricsOptions = {
    ...base,
    buckets: buckets(block.get('histogram_buckets')) ?? base.buckets,
    intrinsics: {
      service: intrinsics?.get('service')?.boolean() ?? base.intrinsics.service,
      spanName: intrinsics?.get('span_name')?.boolean() ?? base.intrinsics.spanName,
      spanKind: intrinsics?.get('span_kind')?.boolean() ?? base.intrinsics.spanKind,
      statusCode: intrinsics?.get('status_code')?.boolean() ?? base.intrinsics.statusCode,
      statusMessage: intrinsics?.get('status_message')?.boolean() ?? base.intrinsics.statusMessage,
    },
    dimensions: strings(block.get('dimensions')) ?? base.dimensions,
    mappings: block.get('dimension_mappings')?.list().map(mapping) ?? base.mappings,
    targetInfo: block.get('enable_target_info')?.boolean() ?? base.targetInfo,
    targetInfoExcluded: strings(block.get('target_info_excluded_dimensions')) ?? base.targetInfoExcluded,
    instanceLabel: block.get('enable_instance_label')?.boolean() ?? base.instanceLabel,
    multiplierKey: block.get('span_multiplier_key')?.string() ?? base.multiplierKey,
    filters: filterPolicies(block.get('filter_policies')) ?? base.filters,
  };
  intrinsics?.done();
  block.done();
  return options;
}

function strings(value: YamlValue | undefined): string[] | undefined {
  return value
    ?.list()
    .map((item) => item.string())
    .filter((text) => text !== undefined);
}

function buckets(value: YamlValue | undefined): number[] | undefined {
  const bounds = value
    ?.list()
    .map((item) => item.number())
    .filter((bound) => bound !== undefined);
  if (bounds?.some((bound, i) => i > 0 && bound <= (bounds[i - 1] as number))) {
    value?.error('bounds of buckets must ascend');
  }
  return bounds;
}

function mapping(value: YamlValue): DimensionMapping {
  const block = value.object();
  const name = block.get('name')?.string();
  const sourceLabels = strings(block.get('source_labels'));
  if (name === undefined || sourceLabels === undefined) value.error('wants a name and source_labels');
  const join = block.get('join')?.string() ?? '';
  block.done();
  return { name: name ?? '', sourceLabels: sourceLabels ?? [], join };
}

function filterPolicies(value: YamlValue | undefined): FilterPolicy[] | undefined {
  return value?.list().map((item) => {
    const block = item.object();
    const include = block.get('include');
    const exclude = block.get('exclude');
    if (include === undefined && exclude === undefined) item.error('a policy wants include or exclude');
    const policy: FilterPolicy = {
      ...(include === undefined ? {} : { include: policyMatch(include) }),
      ...(exclude === undefined ? {} : { exclude: policyMatch(exclude) }),
    };
    block.done();
    return policy;
  });
}

function policyMatch(value: YamlValue): PolicyMatch {
  const block = value.object();
  const given = block.get('match_type');
  const type = given?.string();
  if (type !== 'strict' && type !== 'regex') (given ?? value).error('match_type must be strict or regex');
  const matchType = type === 'regex' ? 'regex' : 'strict';
  const attributes = block.get('attributes')?.list() ?? [];
  const match: PolicyMatch = {
    matchType,
    attributes: attributes
      .map((item) => policyAttribute(item, matchType))
      .filter((attribute) => attribute !== undefined),
  };
  block.done();
  return match;
}

function policyAttribute(item: YamlValue, matchType: PolicyMatch['matchType']): PolicyAttribute | undefined {
  const block = item.object();
  const keyValue = block.get('key');
  const key = keyValue?.string();
  const wanted = block.get('value');
  block.done();
  const value = wanted === undefined ? undefined : scalar(wanted);
  if (key === undefined || wanted === undefined || value === undefined) {
    item.error('an attribute wants key and value');
    return undefined;
  }
  const [, scope, name = ''] = /^(kind|status|name|span|resource)(?:\.(.+))?$/s.exec(key) ?? [];
  const scoped = scope === 'span' || scope === 'resource';
  if (scope === undefined || scoped !== (name !== '')) {
    keyValue?.error(`"${key}" cannot be filtered by`, 'write kind, status, name, span.x or resource.x');
    return undefined;
  }
  if (matchType === 'regex') {
    try {
      compileRegex(String(value));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      wanted.error(error.message);
      return undefined;
    }
  } else if (scope === 'kind' || scope === 'status') {
    const names: readonly string[] = scope === 'kind' ? KIND_NAMES : STATUS_NAMES;
    if (!names.includes(String(value)))
      wanted.error(`"${value}" is no ${scope}`, `known: ${names.join(', ')}`);
  }
  return { scope: scope as PolicyAttribute['scope'], key: name, value };
}

/** A scalar with its type: whole numbers are integers, others doubles. */
function scalar(value: YamlValue): PolicyAttribute['value'] | undefined {
  const raw = isScalar(value.node) ? value.node.value : undefined;
  if (typeof raw === 'boolean') return raw;
  if (typeof raw !== 'number') return value.string();
  return /^[+-]?\d+$/.test(value.string() ?? '') ? BigInt(raw) : raw;
}
