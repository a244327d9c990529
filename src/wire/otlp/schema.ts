/**
 * OTLP's request messages as tables (opentelemetry-proto 1.x): for each field its JSON name, number and type. They
 * serve OTLP/JSON, which is brought into protobuf first, so that there is one decoder for both.
 */

export type ScalarType =
  | 'string'
  | 'bytes'
  /** bytes that OTLP/JSON writes in hexadecimal: trace and span ids. */
  | 'hex'
  | 'bool'
  | 'enum'
  | 'uint32'
  | 'sint32'
  | 'fixed32'
  | 'int64'
  | 'uint64'
  | 'fixed64'
  | 'sfixed64'
  | 'double';

export interface FieldSchema {
  readonly number: number;
  readonly type: ScalarType | MessageSchema;
  readonly repeated?: boolean;
  /** Numbers of an enum's names, which OTLP forbids in JSON but some senders use. */
  readonly names?: Readonly<Record<string, number>>;
}

/** Fields by their JSON name. */
export interface MessageSchema {
  readonly [name: string]: FieldSchema;
}

const one = (number: number, type: FieldSchema['type']): FieldSchema => ({ number, type });
const many = (number: number, type: FieldSchema['type']): FieldSchema => ({ number, type, repeated: true });
const named = (number: number, prefix: string, values: readonly string[]): FieldSchema => ({
  number,
  type: 'enum',
  names: Object.fromEntries(values.map((value, index) => [`${prefix}${value}`, index])),
});

/** AnyValue, ArrayValue, KeyValueList and KeyValue refer to each other: filled in below. */
const anyValue: Record<string, FieldSchema> = {};
const keyValue: MessageSchema = { key: one(1, 'string'), value: one(2, anyValue) };
Object.assign(anyValue, {
  stringValue: one(1, 'string'),
  boolValue: one(2, 'bool'),
  intValue: one(3, 'int64'),
  doubleValue: one(4, 'double'),
  arrayValue: one(5, { values: many(1, anyValue) }),
  kvlistValue: one(6, { values: many(1, keyValue) }),
  bytesValue: one(7, 'bytes'),
});

const resource: MessageSchema = { attributes: many(1, keyValue), droppedAttributesCount: one(2, 'uint32') };

const scope: MessageSchema = {
  name: one(1, 'string'),
  version: one(2, 'string'),
  attributes: many(3, keyValue),
  droppedAttributesCount: one(4, 'uint32'),
};

const span: MessageSchema = {
  traceId: one(1, 'hex'),
  spanId: one(2, 'hex'),
  traceState: one(3, 'string'),
  parentSpanId: one(4, 'hex'),
  flags: one(16, 'fixed32'),
  name: one(5, 'string'),
  kind: named(6, 'SPAN_KIND_', ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER']),
  startTimeUnixNano: one(7, 'fixed64'),
  endTimeUnixNano: one(8, 'fixed64'),
  attributes: many(9, keyValue),
  droppedAttributesCount: one(10, 'uint32'),
  events: many(11, {
    timeUnixNano: one(1, 'fixed64'),
    name: one(2, 'string'),
    attributes: many(3, keyValue),
    droppedAttributesCount: one(4, 'uint32'),
  }),
  droppedEventsCount: one(12, 'uint32'),
  links: many(13, {
    traceId: one(1, 'hex'),
    spanId: one(2, 'hex'),
    traceState: one(3, 'string'),
    attributes: many(4, keyValue),
    droppedAttributesCount: one(5, 'uint32'),
    flags: one(6, 'fixed32'),
  }),
  droppedLinksCount: one(14, 'uint32'),
  status: one(15, { message: one(2, 'string'), code: named(3, 'STATUS_CODE_', ['UNSET', 'OK', 'ERROR']) }),
};

/** ExportTraceServiceRequest and TracesData. */
export const TRACES: MessageSchema = {
  resourceSpans: many(1, {
    resource: one(1, resource),
    scopeSpans: many(2, { scope: one(1, scope), spans: many(2, span), schemaUrl: one(3, 'string') }),
    schemaUrl: one(3, 'string'),
  }),
};

const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'].flatMap((name) => [
  name,
  `${name}2`,
  `${name}3`,
  `${name}4`,
]);

/** ExportLogsServiceRequest and LogsData. */
export const LOGS: MessageSchema = {
  resourceLogs: many(1, {
    resource: one(1, resource),
    scopeLogs: many(2, {
      scope: one(1, scope),
      logRecords: many(2, {
        timeUnixNano: one(1, 'fixed64'),
        observedTimeUnixNano: one(11, 'fixed64'),
        severityNumber: named(2, 'SEVERITY_NUMBER_', ['UNSPECIFIED', ...severities]),
        severityText: one(3, 'string'),
        body: one(5, anyValue),
        attributes: many(6, keyValue),
        droppedAttributesCount: one(7, 'uint32'),
        flags: one(8, 'fixed32'),
        traceId: one(9, 'hex'),
        spanId: one(10, 'hex'),
        eventName: one(12, 'string'),
      }),
      schemaUrl: one(3, 'string'),
    }),
    schemaUrl: one(3, 'string'),
  }),
};

const temporality = named(2, 'AGGREGATION_TEMPORALITY_', ['UNSPECIFIED', 'DELTA', 'CUMULATIVE']);

const exemplar: MessageSchema = {
  filteredAttributes: many(7, keyValue),
  timeUnixNano: one(2, 'fixed64'),
  asDouble: one(3, 'double'),
  asInt: one(6, 'sfixed64'),
  spanId: one(4, 'hex'),
  traceId: one(5, 'hex'),
};

const numberPoint: MessageSchema = {
  attributes: many(7, keyValue),
  startTimeUnixNano: one(2, 'fixed64'),
  timeUnixNano: one(3, 'fixed64'),
  asDouble: one(4, 'double'),
  asInt: one(6, 'sfixed64'),
  exemplars: many(5, exemplar),
  flags: one(8, 'uint32'),
};

const buckets: MessageSchema = { offset: one(1, 'sint32'), bucketCounts: many(2, 'uint64') };

/** ExportMetricsServiceRequest and MetricsData. */
export const METRICS: MessageSchema = {
  resourceMetrics: many(1, {
    resource: one(1, resource),
    scopeMetrics: many(2, {
      scope: one(1, scope),
      metrics: many(2, {
        name: one(1, 'string'),
        description: one(2, 'string'),
        unit: one(3, 'string'),
        gauge: one(5, { dataPoints: many(1, numberPoint) }),
        sum: one(7, {
          dataPoints: many(1, numberPoint),
          aggregationTemporality: temporality,
          isMonotonic: one(3, 'bool'),
        }),
        histogram: one(9, {
          dataPoints: many(1, {
            attributes: many(9, keyValue),
            startTimeUnixNano: one(2, 'fixed64'),
            timeUnixNano: one(3, 'fixed64'),
            count: one(4, 'fixed64'),
            sum: one(5, 'double'),
            bucketCounts: many(6, 'fixed64'),
            explicitBounds: many(7, 'double'),
            exemplars: many(8, exemplar),
            flags: one(10, 'uint32'),
            min: one(11, 'double'),
            max: one(12, 'double'),
          }),
          aggregationTemporality: temporality,
        }),
        exponentialHistogram: one(10, {
          dataPoints: many(1, {
            attributes: many(1, keyValue),
            startTimeUnixNano: one(2, 'fixed64'),
            timeUnixNano: one(3, 'fixed64'),
            count: one(4, 'fixed64'),
            sum: one(5, 'double'),
            scale: one(6, 'sint32'),
            zeroCount: one(7, 'fixed64'),
            positive: one(8, buckets),
            negative: one(9, buckets),
            flags: one(10, 'uint32'),
            exemplars: many(11, exemplar),
            min: one(12, 'double'),
            max: one(13, 'double'),
            zeroThreshold: one(14, 'double'),
          }),
          aggregationTemporality: temporality,
        }),
        summary: one(11, {
          dataPoints: many(1, {
            attributes: many(7, keyValue),
            startTimeUnixNano: one(2, 'fixed64'),
            timeUnixNano: one(3, 'fixed64'),
            count: one(4, 'fixed64'),
            sum: one(5, 'double'),
            quantileValues: many(6, { quantile: one(1, 'double'), value: one(2, 'double') }),
            flags: one(8, 'uint32'),
          }),
        }),
        metadata: many(12, keyValue),
      }),
      schemaUrl: one(3, 'string'),
    }),
    schemaUrl: one(3, 'string'),
  }),
};
