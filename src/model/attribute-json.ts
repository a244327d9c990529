/** Attribute values that are kept as OTLP JSON text: arrays become typed values again, the rest stays text. */

import type { AttributeValue } from './select-spans.ts';

interface AnyValue {
  readonly stringValue?: unknown;
  readonly boolValue?: unknown;
  readonly intValue?: unknown;
  readonly doubleValue?: unknown;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] } | null;
}

function scalar(value: AnyValue): AttributeValue | undefined {
  if (typeof value.stringValue === 'string') return { type: 'string', value: value.stringValue };
  if (typeof value.boolValue === 'boolean') return { type: 'bool', value: value.boolValue };
  if (typeof value.intValue === 'string' || typeof value.intValue === 'number') {
    return { type: 'int', value: BigInt(value.intValue) };
  }
  // Not-a-number and the infinities are strings in JSON.
  if (value.doubleValue !== undefined) return { type: 'double', value: Number(value.doubleValue) };
  return undefined;
}

/** The value of an OTLP AnyValue in JSON text. Arrays of one scalar type come as arrays; all that is left as `other`. */
export function attributeFromJson(json: string): AttributeValue {
  let parsed: AnyValue | null;
  try {
    parsed = JSON.parse(json) as AnyValue | null;
  } catch {
    return { type: 'other', json };
  }
  if (parsed === null || typeof parsed !== 'object') return { type: 'other', json };
  const values = parsed.arrayValue?.values;
  if (!Array.isArray(values)) return scalar(parsed) ?? { type: 'other', json };
  const items = values.map(scalar);
  const [first] = items;
  if (first === undefined || !items.every((item) => item?.type === first.type))
    return { type: 'other', json };
  return { type: 'array', value: items as AttributeValue[] };
}
