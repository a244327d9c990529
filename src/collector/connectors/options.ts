/**
 * What the metrics generator can be told, under the names and with the defaults of Tempo's metrics-generator. It
 * knows neither YAML nor flags: `config/tempo` reads these options from files.
 */

/** Which forms a histogram is written in. */
export type HistogramForms = 'classic' | 'native' | 'both';

/** One attribute of a filter policy. Keys: `kind`, `status`, `name`, or `span.x` and `resource.x`. */
export interface PolicyAttribute {
  readonly scope: 'kind' | 'status' | 'name' | 'span' | 'resource';
  /** The attribute's key; '' for intrinsics. */
  readonly key: string;
  /** bigint for integers, number for doubles; a regular expression is a string. */
  readonly value: string | bigint | number | boolean;
}

/** All attributes must match. Strict comparison, or a regular expression that may match anywhere. */
export interface PolicyMatch {
  readonly matchType: 'strict' | 'regex';
  readonly attributes: readonly PolicyAttribute[];
}

/** A span passes when it matches `include` (if there is one) and does not match `exclude` (if there is one). */
export interface FilterPolicy {
  readonly include?: PolicyMatch;
  readonly exclude?: PolicyMatch;
}

/** A label that joins the values of several attributes. */
export interface DimensionMapping {
  readonly name: string;
  readonly sourceLabels: readonly string[];
  readonly join: string;
}

export interface SpanMetricsOptions {
  readonly calls: boolean;
  readonly latency: boolean;
  readonly size: boolean;
  /** Upper bounds in seconds, ascending, without +Inf. */
  readonly buckets: readonly number[];
  readonly intrinsics: {
    readonly service: boolean;
    readonly spanName: boolean;
    readonly spanKind: boolean;
    readonly statusCode: boolean;
    readonly statusMessage: boolean;
  };
  /** Attributes that become labels; the resource's value goes before the span's. */
  readonly dimensions: readonly string[];
  readonly mappings: readonly DimensionMapping[];
  /** Writes traces_target_info and puts `job` (and `instance`) on every series. */
  readonly targetInfo: boolean;
  readonly targetInfoExcluded: readonly string[];
  readonly instanceLabel: boolean;
  /** An attribute with the ratio that was sampled: a span counts 1/ratio times. '' for none. */
  readonly multiplierKey: string;
  readonly filters: readonly FilterPolicy[];
}

export interface ServiceGraphOptions {
  /** How long one side of an edge waits for the other. */
  readonly waitMs: number;
  /** Most edges that wait at one time. */
  readonly maxWaiting: number;
  readonly buckets: readonly number[];
  readonly dimensions: readonly string[];
  /** Labels `client_x` and `server_x` instead of `x` for each dimension. */
  readonly clientServerPrefix: boolean;
  /** The label `virtual_node` says which side was inferred. */
  readonly virtualNodeLabel: boolean;
  readonly messagingLatency: boolean;
  /** Span attributes that name a side that sends no spans. */
  readonly peerAttributes: readonly string[];
  /** Attributes that make a client span a database request; the value is the last resort for its name. */
  readonly databaseAttributes: readonly string[];
  readonly multiplierKey: string;
  readonly filters: readonly FilterPolicy[];
}

export interface GeneratorOptions {
  /** undefined: switched off. */
  readonly spanMetrics: SpanMetricsOptions | undefined;
  readonly serviceGraph: ServiceGraphOptions | undefined;
  readonly histograms: HistogramForms;
  readonly intervalMs: number;
  /** A series that was not touched for this long gets a stale marker and is forgotten. */
  readonly staleMs: number;
  /** Spans that ended further from now, in the past or in the future, are not counted. */
  readonly slackMs: number;
  /** Most series of one tenant. Series beyond are not made; their spans are lost to the metrics, not to storage. */
  readonly maxActiveSeries: number;
  /** Most tenants that are kept apart at one time. */
  readonly maxTenants: number;
  readonly maxLabelNameBytes: number;
  readonly maxLabelValueBytes: number;
  readonly traceIdLabel: string;
  /** Put on every series. */
  readonly externalLabels: Readonly<Record<string, string>>;
  /** Most buckets of a native histogram before its resolution is halved. */
  readonly maxNativeBuckets: number;
  /** Resolution of native histograms: buckets grow by 2^(2^-schema). */
  readonly nativeSchema: number;
}

/** `count` bounds, each `factor` times the one before. */
function exponential(first: number, factor: number, count: number): number[] {
  const bounds: number[] = [];
  for (let bound = first; bounds.length < count; bound *= factor) bounds.push(bound);
  return bounds;
}

export const DEFAULT_SPAN_METRICS: SpanMetricsOptions = {
  calls: true,
  latency: true,
  size: true,
  buckets: exponential(0.002, 2, 14),
  intrinsics: { service: true, spanName: true, spanKind: true, statusCode: true, statusMessage: false },
  dimensions: [],
  mappings: [],
  targetInfo: false,
  targetInfoExcluded: [],
  instanceLabel: true,
  multiplierKey: '',
  filters: [],
};

export const DEFAULT_SERVICE_GRAPH: ServiceGraphOptions = {
  waitMs: 10_000,
  // Tempo: 10,000, which a single node loses edges with at a thousand unanswered calls a second.
  maxWaiting: 100_000,
  buckets: exponential(0.1, 2, 8),
  dimensions: [],
  clientServerPrefix: false,
  virtualNodeLabel: false,
  messagingLatency: false,
  peerAttributes: ['peer.service', 'db.name', 'db.system'],
  databaseAttributes: ['db.namespace', 'db.name', 'db.system'],
  multiplierKey: '',
  filters: [],
};

export const DEFAULT_GENERATOR: GeneratorOptions = {
  spanMetrics: DEFAULT_SPAN_METRICS,
  serviceGraph: DEFAULT_SERVICE_GRAPH,
  histograms: 'classic',
  intervalMs: 15_000,
  staleMs: 15 * 60_000,
  slackMs: 30_000,
  // Tempo: without limit.
  maxActiveSeries: 100_000,
  maxTenants: 1_000,
  maxLabelNameBytes: 1_024,
  maxLabelValueBytes: 2_048,
  traceIdLabel: 'traceID',
  externalLabels: {},
  maxNativeBuckets: 100,
  nativeSchema: 3,
};
