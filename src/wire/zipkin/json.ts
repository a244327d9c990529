/**
 * Zipkin's JSON of API v2: a list of spans. A document of another shape throws InputError with the place; spans
 * whose ids are none are refused one by one.
 */

import { InputError } from '../../model/errors.ts';
import type { SpanLimits } from '../otlp/traces.ts';
import { decodeUtf8 } from '../protobuf.ts';
import type { Rejected } from '../rejected.ts';
import { KIND_UNSPECIFIED, NO_BYTES, SpanBatchBuilder } from '../span-batch.ts';
import { idBytes } from './ids.ts';
import { toSpanRecord, ZIPKIN_KINDS, type ZipkinEndpoint } from './span.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Decodes the list that POST /api/v2/spans carries. `nowUs` stands in for times that are missing. */
export function decodeZipkinJson(
  body: Uint8Array,
  tenant: string,
  nowUs: bigint,
  limits: SpanLimits,
): SpanBatchBuilder {
  const builder = new SpanBatchBuilder(tenant, limits);
  readList(body).forEach((span, index) => {
    const at = `span ${index}`;
    builder.spend();
    const ids = readIds(span, at, builder.rejected);
    const kindText = optionalText(span, 'kind', at);
    const kind = kindText === '' ? KIND_UNSPECIFIED : ZIPKIN_KINDS.get(kindText);
    if (kind === undefined) {
      throw new InputError(`${at}: unknown kind ${JSON.stringify(kindText)}`, {
        hint: [...ZIPKIN_KINDS.keys()].join(', '),
      });
    }
    const local = readEndpoint(span.localEndpoint, `${at}: localEndpoint`);
    const remote = readEndpoint(span.remoteEndpoint, `${at}: remoteEndpoint`);
    const annotations = readObjects(span.annotations, `${at}: annotations`).map((one, i) => ({
      timestampUs: readMicros(one.timestamp, `${at}: annotations[${i}].timestamp`),
      value: optionalText(one, 'value', `${at}: annotations[${i}]`),
    }));
    builder.spend(annotations.length);
    const tags = new Map<string, string>();
    for (const [key, value] of Object.entries(readObject(span.tags ?? {}, `${at}: tags`))) {
      if (typeof value !== 'string') throw new InputError(`${at}: tag ${JSON.stringify(key)} is no string`);
      tags.set(key, value);
    }
    const timestampUs = readMicros(span.timestamp, `${at}: timestamp`);
    const durationUs = readMicros(span.duration, `${at}: duration`);
    const name = optionalText(span, 'name', at);
    if (ids === undefined) return;
    builder.add(
      toSpanRecord({ ...ids, kind, name, timestampUs, durationUs, local, remote, annotations, tags }, nowUs),
    );
  });
  return builder;
}

/** The body as a list of objects. */
export function readList(body: Uint8Array): JsonObject[] {
  const text = decodeUtf8(body, 0, body.length);
  if (text === undefined) throw new InputError('the body is not UTF-8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`the body is not JSON: ${(error as Error).message}`);
  }
  if (!Array.isArray(json))
    throw new InputError('the body is no list of spans', { hint: 'it begins with [' });
  return json.map((one, index) => readObject(one, `span ${index}`));
}

/** Ids of a span; undefined, and counted, when one is none. */
export function readIds(
  span: JsonObject,
  at: string,
  rejected: Rejected,
): { traceId: Uint8Array; id: Uint8Array; parentId: Uint8Array } | undefined {
  const traceText = optionalText(span, 'traceId', at);
  const idText = optionalText(span, 'id', at);
  const parentText = optionalText(span, 'parentId', at);
  const traceId = idBytes(traceText, 16);
  const id = idBytes(idText, 8);
  const parentId = parentText === '' ? NO_BYTES : idBytes(parentText, 8);
  if (traceId === undefined) rejected.add('traceId wants 1 to 32 hexadecimal digits', 1, traceText);
  else if (id === undefined) rejected.add('id wants 1 to 16 hexadecimal digits', 1, idText);
  else if (parentId === undefined) rejected.add('parentId wants 1 to 16 hexadecimal digits', 1, parentText);
  else return { traceId, id, parentId };
  return undefined;
}

export function readObject(value: unknown, at: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new InputError(`${at} is no object`);
}

/** A list of objects; none when absent. */
export function readObjects(value: unknown, at: string): JsonObject[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new InputError(`${at} is no list`);
  return value.map((one, index) => readObject(one, `${at}[${index}]`));
}

/** A string field; '' when absent or null. */
export function optionalText(object: JsonObject, field: string, at: string): string {
  const value = object[field] ?? '';
  if (typeof value !== 'string') throw new InputError(`${at}: ${field} is no string`);
  return value;
}

/** Microseconds as a number that is not negative; 0 when absent. Parts of microseconds are cut off. */
export function readMicros(value: unknown, at: string): bigint {
  if (value === undefined || value === null) return 0n;
  if (typeof value !== 'number' || !(value >= 0 && value < 2 ** 63)) {
    throw new InputError(`${at} wants a number of microseconds`);
  }
  return BigInt(Math.floor(value));
}

export function readEndpoint(value: unknown, at: string): ZipkinEndpoint | undefined {
  if (value === undefined || value === null) return undefined;
  const object = readObject(value, at);
  const port = object.port ?? 0;
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new InputError(`${at}: port is none`);
  }
  return {
    serviceName: optionalText(object, 'serviceName', at),
    ipv4: optionalText(object, 'ipv4', at),
    ipv6: optionalText(object, 'ipv6', at),
    port,
  };
}
