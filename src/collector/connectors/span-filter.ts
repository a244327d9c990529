/** Filter policies: which spans a processor counts. Attributes are looked up in the batch's columns. */

import type { AttributeColumn } from '../../model/attributes.ts';
import { ATTRIBUTE_BOOL, ATTRIBUTE_DOUBLE, ATTRIBUTE_INT, ATTRIBUTE_STRING } from '../../model/attributes.ts';
import type { SpanBatch } from '../../model/batch.ts';
import { compileRegex } from '../../query/syntax/regex.ts';
import type { FilterPolicy, PolicyAttribute, PolicyMatch } from './options.ts';

/** Names of kinds and status codes as protobuf's JSON has them, by their numbers. */
export const KIND_NAMES = [
  'SPAN_KIND_UNSPECIFIED',
  'SPAN_KIND_INTERNAL',
  'SPAN_KIND_SERVER',
  'SPAN_KIND_CLIENT',
  'SPAN_KIND_PRODUCER',
  'SPAN_KIND_CONSUMER',
] as const;
export const STATUS_NAMES = ['STATUS_CODE_UNSET', 'STATUS_CODE_OK', 'STATUS_CODE_ERROR'] as const;

/** Whether span `row` of a batch is counted. */
export type SpanFilter = (batch: SpanBatch, row: number) => boolean;

/** Undefined when every span passes. Throws InputError for a regular expression that is none. */
export function spanFilter(policies: readonly FilterPolicy[]): SpanFilter | undefined {
  if (policies.length === 0) return undefined;
  const checks = policies.map(({ include, exclude }) => ({
    include: include === undefined ? undefined : spanMatch(include),
    exclude: exclude === undefined ? undefined : spanMatch(exclude),
  }));
  return (batch, row) => {
    for (const { include, exclude } of checks) {
      if (include !== undefined && !include(batch, row)) return false;
      if (exclude?.(batch, row) === true) return false;
    }
    return true;
  };
}

function spanMatch({ matchType, attributes }: PolicyMatch): SpanFilter {
  const tests = attributes.map((attribute) => attributeTest(attribute, matchType === 'regex'));
  return (batch, row) => tests.every((test) => test(batch, row));
}

function attributeTest(attribute: PolicyAttribute, isRegex: boolean): SpanFilter {
  const { scope, key, value } = attribute;
  const regex = isRegex ? compileRegex(String(value)) : undefined;
  const text = regex === undefined ? (got: string) => got === value : (got: string) => regex.test(got);
  switch (scope) {
    case 'kind':
      return (batch, row) => text(KIND_NAMES[batch.kinds.get(row)] ?? '');
    case 'status':
      return (batch, row) => text(STATUS_NAMES[batch.statusCodes.get(row)] ?? '');
    case 'name':
      return (batch, row) => text(batch.names.string(row));
    case 'span':
      return (batch, row) => holds(batch, batch.attributes, row, key, value, regex === undefined, text);
    case 'resource':
      return (batch, row) =>
        holds(batch, batch.resources, batch.resourceIndex.get(row), key, value, regex === undefined, text);
  }
}

/** Whether the first attribute with the key has the value. A value of another type counts as that type's zero. */
function holds(
  batch: SpanBatch,
  column: AttributeColumn,
  row: number,
  key: string,
  value: PolicyAttribute['value'],
  strict: boolean,
  text: (got: string) => boolean,
): boolean {
  for (let at = column.rowStart(row); at < column.rowEnd(row); at++) {
    if (batch.keys.strings[column.keys.get(at)] !== key) continue;
    const type = column.types.get(at);
    if (!strict || typeof value === 'string') return text(type === ATTRIBUTE_STRING ? column.text(at) : '');
    if (typeof value === 'boolean') return (type === ATTRIBUTE_BOOL && column.slots.low(at) === 1) === value;
    if (typeof value === 'bigint') return (type === ATTRIBUTE_INT ? column.slots.bigInt(at) : 0n) === value;
    return (type === ATTRIBUTE_DOUBLE ? column.slots.float(at) : 0) === value;
  }
  return false;
}
