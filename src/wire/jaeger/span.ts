/**
 * A Jaeger span (to which thrift and protobuf are brought) and what it is in OpenTelemetry's terms, as the
 * OpenTelemetry Collector's Jaeger receiver translates it. Knows no encoding.
 */

import {
  KIND_NAMES,
  KIND_SERVER,
  KIND_UNSPECIFIED,
  NO_BYTES,
  type SpanAttributes,
  type SpanEventRecord,
  type SpanLinkRecord,
  type SpanRecord,
  type SpanValue,
  STATUS_ERROR,
  STATUS_OK,
  STATUS_UNSET,
} from '../span-batch.ts';

export interface JaegerReference {
  readonly followsFrom: boolean;
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  /** 8 bytes. */
  readonly spanId: Uint8Array;
}

export interface JaegerProcess {
  readonly serviceName: string;
  readonly tags: SpanAttributes;
}

export interface JaegerSpan {
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  /** 8 bytes. */
  readonly spanId: Uint8Array;
  /** 8 bytes, or none when only references tell it. */
  readonly parentId: Uint8Array;
  readonly name: string;
  readonly references: readonly JaegerReference[];
  readonly startNs: bigint;
  readonly durationNs: bigint;
  readonly tags: SpanAttributes;
  readonly logs: readonly { readonly timeNs: bigint; readonly fields: SpanAttributes }[];
}

const NO_PROCESS: JaegerProcess = { serviceName: '', tags: new Map() };

/** Resource attributes of a process. */
export function resourceOf(process: JaegerProcess | undefined): SpanAttributes {
  const { serviceName, tags } = process ?? NO_PROCESS;
  const resource = new Map<string, SpanValue>();
  if (serviceName !== '') resource.set('service.name', serviceName);
  for (const [key, value] of tags) {
    if (key === 'hostname') resource.set('host.name', value);
    else if (key === 'jaeger.version') resource.set('opencensus.exporterversion', `Jaeger-${value}`);
    else resource.set(key, value);
  }
  return resource;
}

export function toSpanRecord(span: JaegerSpan, resource: SpanAttributes): SpanRecord {
  const attributes = new Map(span.tags);
  const take = (...keys: string[]): string => {
    for (const key of keys) {
      const value = attributes.get(key);
      if (typeof value !== 'string') continue;
      attributes.delete(key);
      return value;
    }
    return '';
  };
  const kindName = attributes.get('span.kind');
  const kind = typeof kindName === 'string' ? KIND_NAMES.get(kindName.toLowerCase()) : undefined;
  if (kind !== undefined) attributes.delete('span.kind');
  const scopeName = take('otel.scope.name', 'otel.library.name');
  const scopeVersion = take('otel.scope.version', 'otel.library.version');
  const traceState = take('w3c.tracestate');
  const status = statusOf(attributes, kind ?? KIND_UNSPECIFIED);
  const parent = parentOf(span);
  return {
    resource,
    scopeName,
    scopeVersion,
    traceId: span.traceId,
    spanId: span.spanId,
    parentId: parent,
    startNs: span.startNs,
    endNs: span.startNs + span.durationNs,
    name: span.name,
    kind: kind ?? KIND_UNSPECIFIED,
    statusCode: status.code,
    statusMessage: status.message,
    traceState,
    attributes,
    events: span.logs.map(eventOf),
    links: linksOf(span, parent),
  };
}

/** The parent that is named, else the first CHILD_OF in this trace, else the first FOLLOWS_FROM. */
function parentOf(span: JaegerSpan): Uint8Array {
  if (span.parentId.some((byte) => byte !== 0)) return span.parentId;
  const here = span.references.filter(({ traceId }) => same(traceId, span.traceId));
  return (here.find(({ followsFrom }) => !followsFrom) ?? here[0])?.spanId ?? NO_BYTES;
}

/** All references but the CHILD_OF that is the parent. */
function linksOf(span: JaegerSpan, parent: Uint8Array): SpanLinkRecord[] {
  return span.references
    .filter(({ followsFrom, spanId }) => followsFrom || !same(spanId, parent))
    .map(({ followsFrom, traceId, spanId }) => ({
      traceId,
      spanId,
      traceState: '',
      attributes: new Map([['opentracing.ref_type', followsFrom ? 'follows_from' : 'child_of']]),
    }));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** The name of an event is its `event` field, or else its `message`. */
function eventOf({ timeNs, fields }: JaegerSpan['logs'][number]): SpanEventRecord {
  for (const key of ['event', 'message']) {
    const name = fields.get(key);
    if (typeof name !== 'string') continue;
    const attributes = new Map(fields);
    attributes.delete(key);
    return { timeNs, name, attributes };
  }
  return { timeNs, name: '', attributes: fields };
}

/** A true `error` tag has the last word; then `otel.status_code`; then the code of an HTTP answer. */
function statusOf(attributes: Map<string, SpanValue>, kind: number): { code: number; message: string } {
  const named = attributes.get('otel.status_code');
  attributes.delete('otel.status_code');
  const text = (key: string): string | undefined => {
    const value = attributes.get(key);
    return typeof value === 'string' ? value : undefined;
  };
  const description = (): string | undefined => {
    const value = text('otel.status_description');
    if (value !== undefined) attributes.delete('otel.status_description');
    return value;
  };
  const error = attributes.get('error');
  if (error === true || error === 'true') {
    attributes.delete('error');
    return { code: STATUS_ERROR, message: description() ?? text('http.status_message') ?? '' };
  }
  if (typeof named === 'string') {
    const upper = named.toUpperCase();
    const code = upper === 'OK' ? STATUS_OK : upper === 'ERROR' ? STATUS_ERROR : STATUS_UNSET;
    return { code, message: description() ?? '' };
  }
  const http = Number(attributes.get('http.status_code'));
  // What the client did wrong is no failure of the server.
  const failed = http < 600 && http >= (kind === KIND_SERVER ? 500 : 400);
  if (failed) return { code: STATUS_ERROR, message: text('http.status_message') ?? '' };
  return { code: STATUS_UNSET, message: '' };
}
