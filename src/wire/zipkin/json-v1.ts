/**
 * Zipkin's JSON of API v1, brought to the model of version 2: kinds, times and endpoints stood in annotations then
 * (cs, cr, ss, sr, ms, mr; sa, ca, ma), and one span could hold both sides of a call.
 */

import { InputError } from '../../model/errors.ts';
import type { SpanLimits } from '../otlp/traces.ts';
import {
  KIND_CLIENT,
  KIND_CONSUMER,
  KIND_PRODUCER,
  KIND_SERVER,
  KIND_UNSPECIFIED,
  SpanBatchBuilder,
  type SpanValue,
} from '../span-batch.ts';
import {
  type JsonObject,
  optionalText,
  readEndpoint,
  readIds,
  readList,
  readMicros,
  readObjects,
} from './json.ts';
import { toSpanRecord, type ZipkinEndpoint, type ZipkinSpan } from './span.ts';

interface Annotation {
  readonly timestampUs: bigint;
  readonly value: string;
  readonly endpoint: ZipkinEndpoint | undefined;
}

/** Which annotations begin and end a side of a call. */
const SIDES = [
  { kind: KIND_CLIENT, begin: 'cs', end: 'cr', peer: 'sa' },
  { kind: KIND_SERVER, begin: 'sr', end: 'ss', peer: 'ca' },
  { kind: KIND_PRODUCER, begin: 'ms', end: '', peer: 'ma' },
  { kind: KIND_CONSUMER, begin: 'mr', end: '', peer: 'ma' },
] as const;
const CORE = new Set(['cs', 'cr', 'ss', 'sr', 'ms', 'mr']);
const ADDRESSES = new Set(['sa', 'ca', 'ma']);

/** Decodes the list that POST /api/v1/spans carries. `nowUs` stands in for times that are missing. */
export function decodeZipkinJsonV1(
  body: Uint8Array,
  tenant: string,
  nowUs: bigint,
  limits: SpanLimits,
): SpanBatchBuilder {
  const builder = new SpanBatchBuilder(tenant, limits);
  readList(body).forEach((span, index) => {
    const at = `span ${index}`;
    const ids = readIds(span, at, builder.rejected);
    const sides = sidesOf(span, at);
    if (ids === undefined) return;
    for (const side of sides) {
      builder.spend(1 + side.annotations.length);
      builder.add(toSpanRecord({ ...ids, ...side }, nowUs));
    }
  });
  return builder;
}

type Side = Omit<ZipkinSpan, 'traceId' | 'id' | 'parentId'>;

/** The sides of a call that a span of version 1 holds: one, or two with the same id. */
function sidesOf(span: JsonObject, at: string): Side[] {
  const name = optionalText(span, 'name', at);
  const timestampUs = readMicros(span.timestamp, `${at}: timestamp`);
  const durationUs = readMicros(span.duration, `${at}: duration`);
  const annotations = readObjects(span.annotations, `${at}: annotations`).map((one, i): Annotation => {
    const place = `${at}: annotations[${i}]`;
    return {
      timestampUs: readMicros(one.timestamp, `${place}.timestamp`),
      value: optionalText(one, 'value', place),
      endpoint: readEndpoint(one.endpoint, `${place}.endpoint`),
    };
  });
  const binary = readObjects(span.binaryAnnotations, `${at}: binaryAnnotations`).map((one, i) => {
    const place = `${at}: binaryAnnotations[${i}]`;
    return {
      key: optionalText(one, 'key', place),
      value: tagValue(one.value, place),
      endpoint: readEndpoint(one.endpoint, `${place}.endpoint`),
    };
  });
  const events = annotations.filter(({ value }) => !CORE.has(value));
  const addresses = binary.filter(
    ({ key, value }) => ADDRESSES.has(key) && (value === true || value === 'true'),
  );
  const tags = binary.filter((one) => !addresses.includes(one) && !(one.key === 'lc' && one.value === ''));

  const found = SIDES.flatMap((side) => {
    const begin = annotations.find(({ value }) => value === side.begin);
    const end = side.end === '' ? undefined : annotations.find(({ value }) => value === side.end);
    if (begin === undefined && end === undefined) return [];
    return [{ ...side, begin, end, local: begin?.endpoint ?? end?.endpoint }];
  });
  const anywhere =
    annotations.find(({ endpoint }) => endpoint !== undefined)?.endpoint ??
    tags.find(({ endpoint }) => endpoint !== undefined)?.endpoint;
  if (found.length === 0) {
    // A local span, or one of which only an address is known: sa makes it a client, ca a server.
    const address = addresses[0];
    const kind = address?.key === 'sa' ? KIND_CLIENT : address?.key === 'ca' ? KIND_SERVER : KIND_UNSPECIFIED;
    return [
      {
        kind,
        name,
        timestampUs,
        durationUs,
        local: anywhere,
        remote: address?.endpoint,
        annotations: events,
        tags: new Map(tags.map(({ key, value }) => [key, value])),
      },
    ];
  }
  return found.map((side, index) => {
    // The times of the whole span are those of the side that began it.
    const own = index === 0 && timestampUs > 0n;
    const startUs = own ? timestampUs : (side.begin?.timestampUs ?? 0n);
    const endUs = side.end?.timestampUs ?? 0n;
    const took = own && durationUs > 0n ? durationUs : endUs > startUs && startUs > 0n ? endUs - startUs : 0n;
    // What another side's service noted belongs to that one; the first side has what nobody claims.
    const mine = (endpoint: ZipkinEndpoint | undefined) => {
      const claimed = found.findIndex(({ local }) => sameService(local, endpoint));
      return claimed < 0 ? index === 0 : claimed === index;
    };
    const other = found.find((one) => one !== side);
    return {
      kind: side.kind,
      name,
      timestampUs: startUs > 0n ? startUs : endUs,
      durationUs: took,
      local: side.local ?? (found.length === 1 ? anywhere : undefined),
      remote: addresses.find(({ key }) => key === side.peer)?.endpoint ?? other?.local,
      annotations: events.filter(({ endpoint }) => mine(endpoint)),
      tags: new Map(tags.filter(({ endpoint }) => mine(endpoint)).map(({ key, value }) => [key, value])),
    };
  });
}

function sameService(a: ZipkinEndpoint | undefined, b: ZipkinEndpoint | undefined): boolean {
  return a !== undefined && b !== undefined && a.serviceName === b.serviceName;
}

function tagValue(value: unknown, at: string): SpanValue {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  throw new InputError(`${at}: value is no string, number or boolean`);
}
