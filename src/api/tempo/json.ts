/** The JSON shapes of Tempo's API: traces, search results, series, values. */

import type { Attributes, AttributeValue, Span } from '../../model/select-spans.ts';
import { type Grid, pointMs } from '../../query/traceql/metrics/grid.ts';
import type { MetricSeries, SeriesLabel } from '../../query/traceql/metrics/series.ts';
import type { FoundSpanset, SearchResult } from '../../query/traceql/search.ts';
import { formatStatic, type Static } from '../../query/traceql/static.ts';
import { groupSpans } from '../../wire/otlp/trace-encode.ts';

const KINDS = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
];
const STATUS_CODES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'];

/** JSON has no word for these numbers; protobuf's JSON writes them as strings. */
const jsonNumber = (value: number): number | string =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? value : value > 0 ? 'Infinity' : '-Infinity';

/** An attribute value as AnyValue. */
function anyValue(value: AttributeValue): unknown {
  switch (value.type) {
    case 'string':
      return { stringValue: value.value };
    case 'bool':
      return { boolValue: value.value };
    case 'int':
      return { intValue: value.value.toString() };
    case 'double':
      return { doubleValue: jsonNumber(value.value) };
    case 'array':
      return { arrayValue: { values: value.value.map(anyValue) } };
    case 'other':
      return JSON.parse(value.json) as unknown;
  }
}

/** A value of a query as AnyValue: status, kind and durations are strings. */
export function staticValue(value: Static): unknown {
  switch (value.type) {
    case 'nil':
    case 'duration':
    case 'status':
    case 'kind':
      return { stringValue: formatStatic(value, false) };
    default:
      return anyValue(value);
  }
}

const attributeList = (attributes: Attributes): unknown[] =>
  Array.from(attributes, ([key, value]) => ({ key, value: anyValue(value) }));

const labelList = (labels: readonly SeriesLabel[]): unknown[] =>
  labels.map(({ name, value }) => ({ key: name, value: staticValue(value) }));

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

function spanJson(span: Span): unknown {
  return {
    traceId: base64(span.traceId),
    spanId: base64(span.spanId),
    ...(span.traceState === '' ? {} : { traceState: span.traceState }),
    ...(span.parentId === '' ? {} : { parentSpanId: base64(span.parentId) }),
    ...(span.flags === 0 ? {} : { flags: span.flags }),
    name: span.name,
    kind: KINDS[span.kind] ?? span.kind,
    startTimeUnixNano: span.startNs.toString(),
    endTimeUnixNano: span.endNs.toString(),
    attributes: attributeList(span.attributes),
    ...(span.droppedAttributes === 0 ? {} : { droppedAttributesCount: span.droppedAttributes }),
    ...(span.events.length === 0
      ? {}
      : {
          events: span.events.map((event) => ({
            timeUnixNano: event.timeNs.toString(),
            name: event.name,
            attributes: attributeList(event.attributes),
          })),
        }),
    ...(span.droppedEvents === 0 ? {} : { droppedEventsCount: span.droppedEvents }),
    ...(span.links.length === 0
      ? {}
      : {
          links: span.links.map((link) => ({
            traceId: base64(link.traceId),
            spanId: base64(link.spanId),
            ...(link.traceState === '' ? {} : { traceState: link.traceState }),
            attributes: attributeList(link.attributes),
          })),
        }),
    ...(span.droppedLinks === 0 ? {} : { droppedLinksCount: span.droppedLinks }),
    status: {
      ...(span.statusCode === 0 ? {} : { code: STATUS_CODES[span.statusCode] ?? span.statusCode }),
      ...(span.statusMessage === '' ? {} : { message: span.statusMessage }),
    },
  };
}

/** `resourceSpans` (in v1 called `batches`) of a trace; ids in base64 as protobuf's JSON has bytes. */
export function resourceSpansJson(spans: readonly Span[]): unknown[] {
  return groupSpans(spans).map(({ resource, scopeSpans }) => ({
    resource: { attributes: attributeList(resource.attributes) },
    scopeSpans: scopeSpans.map(({ scope, spans: own }) => ({
      scope: {
        name: scope.name,
        ...(scope.version === '' ? {} : { version: scope.version }),
        ...(scope.attributes.size === 0 ? {} : { attributes: attributeList(scope.attributes) }),
      },
      spans: own.map(spanJson),
    })),
  }));
}

function spansetJson(spanset: FoundSpanset): unknown {
  return {
    spans: spanset.spans.map((span) => ({
      spanID: span.spanId,
      ...(span.name === undefined ? {} : { name: span.name }),
      startTimeUnixNano: span.startNs.toString(),
      durationNanos: span.durationNs.toString(),
      ...(span.attributes.length === 0 ? {} : { attributes: labelList(span.attributes) }),
    })),
    matched: spanset.matched,
    ...(spanset.attributes.length === 0 ? {} : { attributes: labelList(spanset.attributes) }),
  };
}

/** The answer of /api/search. Leading zeros of trace ids are left out, as Tempo does. */
export function searchJson(result: SearchResult, warnings: readonly string[]): unknown {
  return {
    traces: result.traces.map((trace) => {
      const spanSets = trace.spansets.map(spansetJson);
      return {
        traceID: trace.traceId.replace(/^0+(?=.)/, ''),
        rootServiceName: trace.rootServiceName,
        rootTraceName: trace.rootTraceName,
        startTimeUnixNano: trace.startNs.toString(),
        durationMs: Number(trace.durationNs / 1_000_000n),
        // `spanSet` is for clients from before there were several.
        ...(spanSets.length === 0 ? {} : { spanSet: spanSets[0], spanSets }),
        serviceStats: Object.fromEntries(
          Array.from(trace.serviceStats, ([service, { spanCount, errorCount }]) => [
            service,
            errorCount === 0 ? { spanCount } : { spanCount, errorCount },
          ]),
        ),
      };
    }),
    metrics: {
      inspectedTraces: result.inspectedTraces,
      inspectedSpans: String(result.inspectedSpans),
      completedJobs: 1,
      totalJobs: 1,
    },
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/** Labels as Prometheus would write them, for tools that show them as text. */
function promLabels(labels: readonly SeriesLabel[]): string {
  return `{${labels.map(({ name, value }) => `${JSON.stringify(name)}=${JSON.stringify(formatStatic(value, false))}`).join(', ')}}`;
}

/** The answer of /api/metrics/query_range. Points without a sample are left out. */
export function rangeJson(series: readonly MetricSeries[], grid: Grid, warnings: readonly string[]): unknown {
  return {
    series: series.map(({ labels, values, exemplars }) => {
      const samples: unknown[] = [];
      values.forEach((value, i) => {
        if (!Number.isNaN(value))
          samples.push({ timestampMs: String(pointMs(grid, i)), value: jsonNumber(value) });
      });
      return {
        labels: labelList(labels),
        promLabels: promLabels(labels),
        samples,
        ...(exemplars.length === 0
          ? {}
          : {
              exemplars: exemplars.map(({ traceId, timestampMs, value }) => ({
                labels: [{ key: 'trace:id', value: { stringValue: traceId } }],
                value: jsonNumber(value),
                timestampMs: String(timestampMs),
              })),
            }),
      };
    }),
    metrics: { completedJobs: 1, totalJobs: 1 },
    status: 'COMPLETE',
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

/** The answer of /api/metrics/query: the last point of each series. */
export function instantJson(series: readonly MetricSeries[], warnings: readonly string[]): unknown {
  return {
    series: series.flatMap(({ labels, values }) => {
      const value = values.at(-1) ?? Number.NaN;
      if (Number.isNaN(value)) return [];
      return [{ labels: labelList(labels), promLabels: promLabels(labels), value: jsonNumber(value) }];
    }),
    metrics: { completedJobs: 1, totalJobs: 1 },
    status: 'COMPLETE',
    ...(warnings.length === 0 ? {} : { warnings }),
  };
}

const VALUE_TYPES: Readonly<Record<Static['type'], string>> = {
  nil: 'string',
  string: 'string',
  int: 'int',
  double: 'float',
  bool: 'bool',
  duration: 'duration',
  status: 'keyword',
  kind: 'keyword',
  array: 'string',
};

/** A tag's value with its type, as the second version of the API has it. */
export function typedValueJson(value: Static): { type: string; value: string } {
  return { type: VALUE_TYPES[value.type], value: formatStatic(value, false) };
}
