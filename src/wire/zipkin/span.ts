/**
 * A Zipkin span (API v2's model, to which all of Zipkin's formats are brought) and what it is in OpenTelemetry's
 * terms, as the OpenTelemetry Collector's Zipkin receiver translates it. Knows no encoding.
 */

import {
  KIND_CLIENT,
  KIND_CONSUMER,
  KIND_NAMES,
  KIND_PRODUCER,
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
import { idBytes } from './ids.ts';

export interface ZipkinEndpoint {
  readonly serviceName: string;
  /** Text forms; '' when absent. */
  readonly ipv4: string;
  readonly ipv6: string;
  /** 0 when absent. */
  readonly port: number;
}

export interface ZipkinSpan {
  /** 16 bytes. */
  readonly traceId: Uint8Array;
  /** 8 bytes. */
  readonly id: Uint8Array;
  /** 8 bytes or none. */
  readonly parentId: Uint8Array;
  /** OTLP's numbers; KIND_UNSPECIFIED for a local span. */
  readonly kind: number;
  readonly name: string;
  /** Microseconds since the epoch; 0 when absent. */
  readonly timestampUs: bigint;
  readonly durationUs: bigint;
  readonly local: ZipkinEndpoint | undefined;
  readonly remote: ZipkinEndpoint | undefined;
  readonly annotations: readonly { readonly timestampUs: bigint; readonly value: string }[];
  /** Version 2 has strings only. */
  readonly tags: ReadonlyMap<string, SpanValue>;
}

/** Names of kinds in JSON. */
export const ZIPKIN_KINDS: ReadonlyMap<string, number> = new Map([
  ['CLIENT', KIND_CLIENT],
  ['SERVER', KIND_SERVER],
  ['PRODUCER', KIND_PRODUCER],
  ['CONSUMER', KIND_CONSUMER],
]);

const STATUS_CODES: ReadonlyMap<string, number> = new Map([
  ['UNSET', STATUS_UNSET],
  ['OK', STATUS_OK],
  ['ERROR', STATUS_ERROR],
  ['STATUS_CODE_UNSET', STATUS_UNSET],
  ['STATUS_CODE_OK', STATUS_OK],
  ['STATUS_CODE_ERROR', STATUS_ERROR],
]);

/** Tags that OpenTelemetry's exporters made of resource attributes, by the namespaces of resource conventions. */
const RESOURCE_TAG =
  /^(?:(?:service\.(?:namespace|instance\.id|version)|telemetry\.(?:sdk|auto|distro)\.[\w.]+|deployment\.environment(?:\.name)?|container\.[\w.]+|host\.(?:id|name|type|arch|image\.[\w.]+)|os\.[\w.]+|process\.(?:pid|executable\.[\w.]+|command(?:_line|_args)?|owner|runtime\.[\w.]+)|device\.[\w.]+|k8s\.[\w.-]+|cloud\.[\w.]+|aws\.(?:ecs|eks|log)\.[\w.]+|faas\.(?:name|id|version|instance)|webengine\.[\w.]+))$/;

/** Start and end are taken from the annotations, or from the time of receipt, when a span has no timestamp. */
const ABSENT_START = 'otel.zipkin.absentField.startTime';
const NO_ATTRIBUTES: SpanAttributes = new Map();

/** `nowUs` stands in where a span names no time at all. */
export function toSpanRecord(span: ZipkinSpan, nowUs: bigint): SpanRecord {
  const tags = new Map(span.tags);
  const take = (key: string): SpanValue | undefined => {
    const value = tags.get(key);
    tags.delete(key);
    return value;
  };
  const resource = new Map<string, SpanValue>();
  const serviceKey = take('otlp.service.name.source');
  const serviceName = span.local?.serviceName ?? '';
  if (serviceName !== '') {
    resource.set(
      typeof serviceKey === 'string' && serviceKey !== '' ? serviceKey : 'service.name',
      serviceName,
    );
  }
  for (const key of span.tags.keys()) {
    if (RESOURCE_TAG.test(key)) resource.set(key, take(key) as SpanValue);
  }
  const scopeName = text(take('otel.scope.name') ?? tags.get('otel.library.name'));
  const scopeVersion = text(take('otel.scope.version') ?? tags.get('otel.library.version'));
  tags.delete('otel.library.name');
  tags.delete('otel.library.version');
  const traceState = text(take('w3c.tracestate'));

  let { kind } = span;
  const kindTag = tags.get('span.kind');
  if (kind === KIND_UNSPECIFIED && typeof kindTag === 'string') {
    const named = KIND_NAMES.get(kindTag.toLowerCase());
    if (named !== undefined) {
      kind = named;
      tags.delete('span.kind');
    }
  }
  const status = statusOf(tags);
  const links = linksOf(tags);
  endpointAttributes(span, tags);

  let startUs = span.timestampUs;
  if (startUs <= 0n) {
    tags.set(ABSENT_START, true);
    startUs = nowUs - span.durationUs;
    let found = false;
    for (const { timestampUs } of span.annotations) {
      if (timestampUs <= 0n || (found && timestampUs >= startUs)) continue;
      startUs = timestampUs;
      found = true;
    }
    if (startUs < 0n) startUs = nowUs;
  }
  return {
    resource,
    scopeName,
    scopeVersion,
    traceId: span.traceId,
    spanId: span.id,
    parentId: sameBytes(span.parentId, span.id) ? NO_BYTES : span.parentId,
    startNs: startUs * 1000n,
    endNs: (startUs + span.durationUs) * 1000n,
    name: span.name,
    kind,
    statusCode: status.code,
    statusMessage: status.message,
    traceState,
    attributes: tags,
    events: span.annotations.map(({ timestampUs, value }) => eventOf(timestampUs, value)),
    links,
  };
}

function text(value: SpanValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/**
 * Takes the tags that say how it ended. In Zipkin any `error` tag means failure, its value is the message ("" and
 * "true" say nothing more and go; other values stay as an attribute too).
 */
function statusOf(tags: Map<string, SpanValue>): { code: number; message: string } {
  let code = STATUS_UNSET;
  let message = '';
  const named = tags.get('otel.status_code');
  const known = typeof named === 'string' ? STATUS_CODES.get(named.toUpperCase()) : undefined;
  if (known !== undefined) {
    code = known;
    tags.delete('otel.status_code');
    message = text(tags.get('otel.status_description'));
    tags.delete('otel.status_description');
  }
  const error = tags.get('error');
  if (error !== undefined && error !== 'false' && error !== false) {
    code = STATUS_ERROR;
    if (error === 'true' || error === '' || error === true) tags.delete('error');
    else if (message === '' && typeof error === 'string') message = error;
  }
  return { code, message };
}

function endpointAttributes({ local, remote }: ZipkinSpan, tags: Map<string, SpanValue>): void {
  if (local !== undefined) {
    if (local.ipv4 !== '') tags.set('net.host.ip', local.ipv4);
    else if (local.ipv6 !== '') tags.set('net.host.ip', local.ipv6);
    if (local.port > 0) tags.set('net.host.port', BigInt(local.port));
  }
  if (remote !== undefined) {
    if (remote.serviceName !== '') tags.set('peer.service', remote.serviceName);
    if (remote.ipv4 !== '') tags.set('net.peer.ip', remote.ipv4);
    else if (remote.ipv6 !== '') tags.set('net.peer.ip', remote.ipv6);
    if (remote.port > 0) tags.set('net.peer.port', BigInt(remote.port));
  }
}

/** OpenTelemetry's exporters write events as `name|{attributes in JSON}|dropped`; all else is a plain name. */
function eventOf(timestampUs: bigint, value: string): SpanEventRecord {
  const timeNs = timestampUs * 1000n;
  const parts = /^(.*?)\|(\{.*\})\|\d+$/s.exec(value);
  const attributes = parts === null ? undefined : jsonAttributes(parts[2] as string);
  if (parts === null || attributes === undefined) return { timeNs, name: value, attributes: NO_ATTRIBUTES };
  return { timeNs, name: parts[1] as string, attributes };
}

/** Links as OpenTelemetry's exporters write them: `otlp.link.N` = `traceId|spanId|state|{attributes}|dropped`. */
function linksOf(tags: Map<string, SpanValue>): SpanLinkRecord[] {
  const links: SpanLinkRecord[] = [];
  for (let i = 0; ; i++) {
    const key = `otlp.link.${i}`;
    const value = tags.get(key);
    if (typeof value !== 'string') return links;
    const parts = /^([0-9a-f]{32})\|([0-9a-f]{16})\|([^|]*)\|(\{.*\})\|\d+$/s.exec(value);
    const attributes = parts === null ? undefined : jsonAttributes(parts[4] as string);
    if (parts === null || attributes === undefined) return links;
    tags.delete(key);
    links.push({
      traceId: idBytes(parts[1] as string, 16) as Uint8Array,
      spanId: idBytes(parts[2] as string, 8) as Uint8Array,
      traceState: parts[3] as string,
      attributes,
    });
  }
}

function jsonAttributes(json: string): SpanAttributes | undefined {
  let object: Record<string, unknown>;
  try {
    object = JSON.parse(json);
  } catch {
    return undefined;
  }
  const attributes = new Map<string, SpanValue>();
  for (const [key, value] of Object.entries(object)) {
    if (typeof value === 'string' || typeof value === 'boolean') attributes.set(key, value);
    else if (typeof value === 'number')
      attributes.set(key, Number.isSafeInteger(value) ? BigInt(value) : value);
    else attributes.set(key, JSON.stringify(value));
  }
  return attributes;
}
