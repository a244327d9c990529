/** Small builders for traces in tests: a trace reads as a list of spans with millisecond times. */

import type { Attribute, Span, SpanKind, SpanStatus } from '../../ui/src/traces/model.ts';

export interface Given {
  readonly id: string;
  readonly parent?: string;
  /** Milliseconds from the start of the test's trace. */
  readonly at: readonly [from: number, to: number];
  readonly service?: string;
  readonly name?: string;
  readonly kind?: SpanKind;
  readonly status?: SpanStatus;
  readonly attributes?: Readonly<Record<string, string | number>>;
  /** The start is cut to the millisecond, as JavaScript's SDK does; the duration stays exact. */
  readonly coarse?: boolean;
}

/** Not a whole millisecond or microsecond: starts are exact unless a span is `coarse`. */
export const BASE_NS = 1_795_181_401_000_000_007n;
export const MS = 1_000_000;
const TRACE_ID = 'bd14e38f8dca61181b5b35e854367cb4';

export const hex = (id: string): string =>
  [...id]
    .map((c) => c.charCodeAt(0).toString(16).padStart(2, '0'))
    .join('')
    .padStart(16, '0');

export function span(given: Given): Span {
  const [from, to] = given.at;
  const exactNs = BASE_NS + BigInt(Math.round(from * MS));
  const startNs = given.coarse === true ? exactNs - (exactNs % 1_000_000n) : exactNs;
  const endNs = startNs + BigInt(Math.round((to - from) * MS));
  const attributes: Attribute[] = Object.entries(given.attributes ?? {}).map(([key, v]) => ({
    key,
    value: typeof v === 'string' ? { type: 'string', value: v } : { type: 'int', value: BigInt(v) },
  }));
  return {
    traceId: TRACE_ID,
    spanId: hex(given.id),
    parentSpanId: given.parent === undefined ? '' : hex(given.parent),
    traceState: '',
    name: given.name ?? given.id,
    kind: given.kind ?? 'internal',
    startNs,
    endNs,
    durationNs: endNs > startNs ? Number(endNs - startNs) : 0,
    status: given.status ?? 'unset',
    statusMessage: '',
    resource: { service: given.service ?? 'shop', attributes: [] },
    scope: { name: '', version: '', attributes: [] },
    attributes,
    events: [],
    links: [],
    dropped: null,
  };
}

export const spans = (...given: Given[]): Span[] => given.map(span);

/** The id a test gave, back from a span. */
export const idOf = (s: Span): string =>
  Buffer.from(s.spanId.replace(/^(00)+/, ''), 'hex').toString('latin1');
