/**
 * Migration 1: all tables. The reasons for sort keys, codecs, partitions and indexes, with figures, are in README.md
 * next to this file. Texts are constants; nothing is ever filled in.
 *
 * Times are integers as the protocols give them (milliseconds for samples, nanoseconds for logs and spans), so any
 * time is allowed. Weeks and days are counted from the epoch: week = intDiv(day, 7), day = intDiv(ms, 86400000).
 */

/** Settings of every table: expired rows go within the hour; a changed TTL does not rewrite data. */
const COMMON = 'merge_with_ttl_timeout = 3600, materialize_ttl_recalculate_only = 1';

/** Repeated inserts are recognised by their token; only documents may use this (see README.md, "Retries"). */
const DEDUPLICATED = 'non_replicated_deduplication_window = 1000';

const ATTRIBUTES = `
  attributes_string Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  attributes_int Map(LowCardinality(String), Int64) CODEC(ZSTD(1)),
  attributes_double Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
  attributes_bool Map(LowCardinality(String), UInt8) CODEC(ZSTD(1)),
  attributes_other Map(LowCardinality(String), String) CODEC(ZSTD(1))`;

/** Searches read the strings of many spans: LZ4 costs a fifth more space and reads them 2.6 times faster. */
const SPAN_ATTRIBUTES = ATTRIBUTES.replace('String) CODEC(ZSTD(1))', 'String) CODEC(LZ4)');

/** Labels and attributes depend on the id alone: whichever row survives a merge has the right ones. */
const DEPENDENT = 'allow_dimensions_outside_sorting_key = 1';

const ACTIVITY = `
  week Int32,
  first_day SimpleAggregateFunction(min, Int32),
  last_day SimpleAggregateFunction(max, Int32)`;

export const V1: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS series (
  tenant LowCardinality(String),
  metric LowCardinality(String),
  id UInt64 CODEC(ZSTD(1)),
  labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),${ACTIVITY}
) ENGINE = AggregatingMergeTree
PARTITION BY week
ORDER BY (tenant, metric, id)
SETTINGS ${COMMON}, ${DEPENDENT}`,

  `CREATE TABLE IF NOT EXISTS samples (
  tenant LowCardinality(String),
  metric LowCardinality(String),
  id UInt64 CODEC(ZSTD(1)),
  ts Int64 CODEC(DoubleDelta, ZSTD(1)),
  value Float64 CODEC(Delta, ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY intDiv(ts, 604800000)
ORDER BY (tenant, metric, id, ts)
SETTINGS ${COMMON}`,

  `CREATE TABLE IF NOT EXISTS histograms (
  tenant LowCardinality(String),
  metric LowCardinality(String),
  id UInt64 CODEC(ZSTD(1)),
  ts Int64 CODEC(DoubleDelta, ZSTD(1)),
  stale UInt8,
  is_float UInt8,
  counter_reset UInt8 COMMENT '0 unknown, 1 reset, 2 not reset, 3 gauge',
  schema Int8,
  count Float64 CODEC(ZSTD(1)),
  sum Float64 CODEC(ZSTD(1)),
  zero_threshold Float64 CODEC(ZSTD(1)),
  zero_count Float64 CODEC(ZSTD(1)),
  positive_offsets Array(Int32) CODEC(ZSTD(1)),
  positive_lengths Array(UInt32) CODEC(ZSTD(1)),
  positive_counts Array(Float64) CODEC(ZSTD(1)),
  negative_offsets Array(Int32) CODEC(ZSTD(1)),
  negative_lengths Array(UInt32) CODEC(ZSTD(1)),
  negative_counts Array(Float64) CODEC(ZSTD(1)),
  custom_values Array(Float64) CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY intDiv(ts, 604800000)
ORDER BY (tenant, metric, id, ts)
SETTINGS ${COMMON}`,

  `CREATE TABLE IF NOT EXISTS exemplars (
  tenant LowCardinality(String),
  metric LowCardinality(String),
  id UInt64 CODEC(ZSTD(1)),
  ts Int64 CODEC(DoubleDelta, ZSTD(1)),
  value Float64 CODEC(ZSTD(1)),
  labels Map(LowCardinality(String), String) CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY intDiv(ts, 604800000)
ORDER BY (tenant, metric, id, ts, value)
SETTINGS ${COMMON}`,

  `CREATE TABLE IF NOT EXISTS metric_metadata (
  tenant LowCardinality(String),
  family String,
  type LowCardinality(String),
  unit LowCardinality(String),
  help String,
  last_day SimpleAggregateFunction(max, Int32)
) ENGINE = AggregatingMergeTree
ORDER BY (tenant, family, type, unit, help)
SETTINGS ${COMMON}`,

  `CREATE TABLE IF NOT EXISTS streams (
  tenant LowCardinality(String),
  id UInt64 CODEC(ZSTD(1)),
  labels Map(LowCardinality(String), String) CODEC(ZSTD(1)),${ACTIVITY}
) ENGINE = AggregatingMergeTree
PARTITION BY week
ORDER BY (tenant, id)
SETTINGS ${COMMON}, ${DEPENDENT}`,

  `CREATE TABLE IF NOT EXISTS log_records (
  tenant LowCardinality(String),
  stream UInt64 CODEC(ZSTD(1)),
  ts Int64 CODEC(Delta, ZSTD(1)),
  hash UInt64 DEFAULT bitShiftRight(cityHash64(body, trace_id, span_id, metadata), 16) CODEC(T64, LZ4),
  observed_ns Int64 CODEC(Delta, ZSTD(1)),
  severity UInt8 CODEC(ZSTD(1)),
  body String CODEC(ZSTD(1)),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  span_id FixedString(8) CODEC(ZSTD(1)),
  metadata Map(LowCardinality(String), String) CODEC(ZSTD(1)),
  INDEX trace_id trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree
PARTITION BY intDiv(ts, 604800000000000)
ORDER BY (tenant, stream, ts, hash)
SETTINGS ${COMMON}`,

  `CREATE TABLE IF NOT EXISTS resources (
  tenant LowCardinality(String),
  id UInt64 CODEC(ZSTD(1)),
  service LowCardinality(String),${ATTRIBUTES},${ACTIVITY}
) ENGINE = AggregatingMergeTree
PARTITION BY week
ORDER BY (tenant, id)
SETTINGS ${COMMON}, ${DEPENDENT}`,

  `CREATE TABLE IF NOT EXISTS scopes (
  tenant LowCardinality(String),
  id UInt64 CODEC(ZSTD(1)),
  name LowCardinality(String),
  version LowCardinality(String),${ATTRIBUTES},${ACTIVITY}
) ENGINE = AggregatingMergeTree
PARTITION BY week
ORDER BY (tenant, id)
SETTINGS ${COMMON}, ${DEPENDENT}`,

  `CREATE TABLE IF NOT EXISTS spans (
  tenant LowCardinality(String),
  trace_id FixedString(16) CODEC(ZSTD(1)),
  span_id FixedString(8) CODEC(ZSTD(1)),
  parent_id FixedString(8) CODEC(ZSTD(1)),
  start_ns Int64 CODEC(Delta, ZSTD(1)),
  duration_ns Int64 CODEC(ZSTD(1)),
  service LowCardinality(String),
  name LowCardinality(String),
  kind UInt8 CODEC(ZSTD(1)),
  status_code UInt8 CODEC(ZSTD(1)),
  status_message String CODEC(ZSTD(1)),
  resource UInt64 CODEC(ZSTD(1)),
  scope UInt64 CODEC(ZSTD(1)),
  trace_state String CODEC(ZSTD(1)),
  flags UInt32 CODEC(ZSTD(1)),
  dropped_attributes UInt32 CODEC(ZSTD(1)),
  dropped_events UInt32 CODEC(ZSTD(1)),
  dropped_links UInt32 CODEC(ZSTD(1)),${SPAN_ATTRIBUTES},
  event_times_ns Array(Int64) CODEC(ZSTD(1)),
  event_names Array(LowCardinality(String)) CODEC(ZSTD(1)),
  event_attributes Array(String) COMMENT 'OTLP JSON: list of key/value' CODEC(ZSTD(1)),
  link_trace_ids Array(FixedString(16)) CODEC(ZSTD(1)),
  link_span_ids Array(FixedString(8)) CODEC(ZSTD(1)),
  link_trace_states Array(String) CODEC(ZSTD(1)),
  link_attributes Array(String) COMMENT 'OTLP JSON: list of key/value' CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY intDiv(start_ns, 604800000000000)
ORDER BY (tenant, intDiv(start_ns, 3600000000000), trace_id, span_id, kind)
SETTINGS ${COMMON}`,

  `CREATE TABLE IF NOT EXISTS traces (
  tenant LowCardinality(String),
  trace_id FixedString(16),
  start_ns SimpleAggregateFunction(min, Int64) CODEC(ZSTD(1)),
  end_ns SimpleAggregateFunction(max, Int64) CODEC(ZSTD(1)),
  root_service SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
  root_name SimpleAggregateFunction(max, String) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree
PARTITION BY intDiv(start_ns, 604800000000000)
ORDER BY (tenant, trace_id)
SETTINGS ${COMMON}`,

  `CREATE MATERIALIZED VIEW IF NOT EXISTS traces_of_spans TO traces AS
SELECT s.tenant AS tenant, s.trace_id AS trace_id, min(s.start_ns) AS start_ns,
  max(s.start_ns + s.duration_ns) AS end_ns,
  max(if(s.parent_id = unhex('0000000000000000'), toString(s.service), '')) AS root_service,
  max(if(s.parent_id = unhex('0000000000000000'), toString(s.name), '')) AS root_name
FROM spans AS s
GROUP BY s.tenant, s.trace_id, intDiv(s.start_ns, 604800000000000)`,

  `CREATE TABLE IF NOT EXISTS documents (
  tenant LowCardinality(String),
  kind LowCardinality(String),
  id String,
  version UInt64,
  writer UInt64 COMMENT 'random; tells two writers of the same version apart',
  written DateTime64(9, 'UTC') DEFAULT now64(9),
  deleted UInt8,
  body String CODEC(ZSTD(1))
) ENGINE = MergeTree
ORDER BY (tenant, kind, id, version, written, writer)
SETTINGS ${COMMON}, ${DEDUPLICATED}`,
];

/** The sharding key of each table in a cluster: rows that are read together lie together. */
export const SHARDING: Readonly<Record<string, string>> = {
  series: 'id',
  samples: 'id',
  histograms: 'id',
  exemplars: 'id',
  metric_metadata: 'cityHash64(family)',
  streams: 'id',
  log_records: 'stream',
  resources: 'id',
  scopes: 'id',
  spans: 'cityHash64(trace_id)',
  traces: 'cityHash64(trace_id)',
  documents: 'cityHash64(kind, id)',
};
