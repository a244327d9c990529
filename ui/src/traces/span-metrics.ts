/**
 * From a span to the metrics and the searches of its operation. Knows OpenTelemetry's semantic conventions
 * (metric and attribute names, stable and previous) and how they look in Prometheus. Pure.
 */

import { quoteLiteral } from '../app/links.ts';
import { callOperation } from './findings.ts';
import { type Attribute, type AttributeValue, attribute, attributeText, type Span } from './model.ts';

export interface OperationMetrics {
  /** The metric's family, for the link's title. */
  readonly metric: string;
  /** 95th percentile of the duration. */
  readonly quantile: string;
  /** Calls a second. */
  readonly rate: string;
}

/** `job` as Prometheus' OTLP receiver makes it: `namespace/name`, or the name alone. */
export function jobOf(span: Span): string {
  const namespace = attributeText(span.resource.attributes, 'service.namespace');
  return namespace === '' ? span.resource.service : `${namespace}/${span.resource.service}`;
}

type Label = readonly [label: string, ...attributes: string[]];

interface Family {
  readonly metric: string;
  readonly when: (span: Span) => boolean;
  readonly labels: readonly Label[];
}

const has = (span: Span, ...keys: string[]): boolean => attributeText(span.attributes, ...keys) !== '';

const FAMILIES: readonly Family[] = [
  {
    metric: 'http_server_request_duration_seconds',
    when: (s) => s.kind === 'server' && has(s, 'http.request.method', 'http.method', 'http.route'),
    labels: [
      ['http_route', 'http.route'],
      ['http_request_method', 'http.request.method', 'http.method'],
    ],
  },
  {
    metric: 'http_client_request_duration_seconds',
    when: (s) => s.kind === 'client' && has(s, 'http.request.method', 'http.method'),
    labels: [
      ['server_address', 'server.address', 'net.peer.name'],
      ['http_request_method', 'http.request.method', 'http.method'],
    ],
  },
  {
    metric: 'db_client_operation_duration_seconds',
    when: (s) => has(s, 'db.system.name', 'db.system'),
    labels: [
      ['db_operation_name', 'db.operation.name', 'db.operation'],
      ['db_collection_name', 'db.collection.name', 'db.sql.table'],
    ],
  },
  {
    metric: 'rpc_server_call_duration_seconds',
    when: (s) => s.kind === 'server' && has(s, 'rpc.system', 'rpc.system.name'),
    labels: [['rpc_method', 'rpc.method']],
  },
  {
    metric: 'rpc_client_call_duration_seconds',
    when: (s) => s.kind === 'client' && has(s, 'rpc.system', 'rpc.system.name'),
    labels: [['rpc_method', 'rpc.method']],
  },
  {
    metric: 'messaging_process_duration_seconds',
    when: (s) => s.kind === 'consumer',
    labels: [['messaging_destination_name', 'messaging.destination.name']],
  },
  {
    metric: 'messaging_client_operation_duration_seconds',
    when: (s) => s.kind === 'producer',
    labels: [['messaging_destination_name', 'messaging.destination.name']],
  },
];

/** PromQL over the metric that the conventions name for this kind of span; null if they name none. */
export function operationMetrics(span: Span): OperationMetrics | null {
  const family = FAMILIES.find((f) => f.when(span));
  if (family === undefined) return null;
  const matchers = [`job=${quoteLiteral(jobOf(span))}`];
  for (const [label, ...keys] of family.labels) {
    const value = attributeText(span.attributes, ...keys);
    if (value !== '') matchers.push(`${label}=${quoteLiteral(value)}`);
  }
  const selector = `{${matchers.join(', ')}}`;
  return {
    metric: family.metric,
    quantile: `histogram_quantile(0.95, sum by (le) (rate(${family.metric}_bucket${selector}[5m])))`,
    rate: `sum(rate(${family.metric}_count${selector}[5m]))`,
  };
}

/** TraceQL for spans of the same operation. */
export function similarSpansQuery(span: Span): string {
  return `{ resource.service.name = ${quoteLiteral(span.resource.service)} && name = ${quoteLiteral(span.name)} }`;
}

/** TraceQL for spans with the same value of an attribute; null for values TraceQL cannot compare. */
export function sameAttributeQuery(scope: 'span' | 'resource', a: Attribute): string | null {
  const literal = traceqlLiteral(a.value);
  return literal === null ? null : `{ ${scope}.${attributeName(a.key)} = ${literal} }`;
}

/** An attribute's name after its scope; quoted when it is more than letters, digits and `_ - . /`. */
export function attributeName(key: string): string {
  return /^[\w.\-/]+$/.test(key) ? key : quoteLiteral(key);
}

function traceqlLiteral(v: AttributeValue): string | null {
  switch (v.type) {
    case 'string':
      return quoteLiteral(v.value);
    case 'int':
    case 'bool':
      return String(v.value);
    case 'double':
      return Number.isFinite(v.value)
        ? Number.isInteger(v.value)
          ? v.value.toFixed(1)
          : String(v.value)
        : null;
    default:
      return null;
  }
}

/** The name, or the gist where that says the same and more ("POST" -> "POST /v1/charges 502"). */
export function fullName(span: Span): string {
  const gist = spanGist(span);
  return gist.length > span.name.length && gist.startsWith(span.name) ? gist : span.name;
}

/** One line on what a span does, from its attributes: "GET /cart 503", "SELECT orders"; may be empty. */
export function spanGist(span: Span): string {
  const a = span.attributes;
  const method = attributeText(a, 'http.request.method', 'http.method');
  if (method !== '') {
    const where = attributeText(a, 'http.route', 'url.path', 'http.target', 'url.full', 'http.url')
      .replace(/^https?:\/\/[^/]*/, '')
      .replace(/\?.*$/s, '');
    const code = attribute(a, 'http.response.status_code') ?? attribute(a, 'http.status_code');
    return [method, where, code?.type === 'int' ? String(code.value) : ''].filter((t) => t !== '').join(' ');
  }
  const statement = attributeText(a, 'db.query.text', 'db.statement');
  if (statement !== '') return statement.replace(/\s+/g, ' ').slice(0, 200);
  if (has(span, 'db.system.name', 'db.system')) return callOperation(span);
  return attributeText(a, 'messaging.destination.name', 'rpc.method');
}
