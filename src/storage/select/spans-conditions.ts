/**
 * Conditions on spans as SQL over a row of `spans`. Attributes are compared by their type; arrays match when any
 * element does. Conditions on attributes of events and links only look for the key (a superset); all others are exact.
 */

import type { AttributeValue, SpanCondition, SpanField } from '../../model/select-spans.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';

type Comparison = Extract<SpanCondition, { readonly value: AttributeValue }>;
type AttributeField = Extract<SpanField, { kind: 'attribute' }>;
type IntrinsicField = Extract<SpanField, { kind: 'intrinsic' }>;

const NEVER = sql`0`;
const ALWAYS = sql`1`;
const HOUR_NS = 3_600_000_000_000n;

/** `start_ns` within [startNs, endNs), in a form that the sort key can use. */
export function startWithin(startNs: bigint, endNs: bigint): Sql {
  const first = startNs / HOUR_NS;
  const last = (endNs > startNs ? endNs - 1n : startNs) / HOUR_NS;
  return sql`intDiv(start_ns, 3600000000000) BETWEEN ${bind.int64(first)} AND ${bind.int64(last)}
    AND start_ns >= ${bind.int64(startNs)} AND start_ns < ${bind.int64(endNs)}`;
}

/** A trace id of 32 hex digits as the column has it. */
export const traceIdValue = (hex: string): Sql => sql`toFixedString(unhex(${bind.string(hex)}), 16)`;

/** Many trace ids as the right side of IN; one parameter, however many there are. */
export const traceIdSet = (ids: readonly string[]): Sql =>
  sql`SELECT arrayJoin(arrayMap(id -> toFixedString(unhex(id), 16), ${bind.strings(ids)}))`;

/** The condition as a predicate of one row of `spans`. */
export function conditionSql(condition: SpanCondition): Sql {
  switch (condition.op) {
    case 'true':
      return ALWAYS;
    case 'and':
      if (condition.of.length === 0) return ALWAYS;
      return sql`(${join(condition.of.map(conditionSql), ' AND ')})`;
    case 'or':
      if (condition.of.length === 0) return NEVER;
      return sql`(${join(condition.of.map(conditionSql), ' OR ')})`;
    case 'exists':
      return existsSql(condition.field);
    default:
      return comparisonSql(condition);
  }
}

function comparisonSql(condition: Comparison): Sql {
  const { field } = condition;
  return field.kind === 'attribute' ? attributeSql(field, condition) : intrinsicSql(field, condition);
}

/** `left op right` for plain values; regular expressions must match the whole text. */
function compare(left: Sql, op: Comparison['op'], right: Sql): Sql {
  switch (op) {
    case '=':
      return sql`${left} = ${right}`;
    case '!=':
      return sql`${left} != ${right}`;
    case '<':
      return sql`${left} < ${right}`;
    case '<=':
      return sql`${left} <= ${right}`;
    case '>':
      return sql`${left} > ${right}`;
    case '>=':
      return sql`${left} >= ${right}`;
    case '=~':
      return sql`match(${left}, concat('^(?s:', ${right}, ')$'))`;
    case '!~':
      return sql`NOT match(${left}, concat('^(?s:', ${right}, ')$'))`;
  }
}

function intrinsicSql(field: IntrinsicField, { op, value }: Comparison): Sql {
  if (value.type === 'int') {
    const number = bind.int64(value.value);
    switch (field.name) {
      case 'durationNs':
        // A span that ends before it starts has the duration 0.
        return compare(sql`greatest(duration_ns, 0)`, op, number);
      case 'startNs':
        return compare(sql`start_ns`, op, number);
      case 'kind':
        return compare(sql`kind`, op, number);
      case 'status':
        return compare(sql`status_code`, op, number);
      default:
        return NEVER;
    }
  }
  if (value.type !== 'string') return NEVER;
  const text = bind.string(value.value);
  switch (field.name) {
    case 'name':
      return compare(sql`name`, op, text);
    case 'statusMessage':
      return compare(sql`status_message`, op, text);
    case 'traceId':
      if (op === '=')
        return /^[0-9a-f]{32}$/.test(value.value) ? sql`trace_id = ${traceIdValue(value.value)}` : NEVER;
      return compare(sql`lower(hex(trace_id))`, op, text);
    case 'spanId':
      return compare(sql`lower(hex(span_id))`, op, text);
    case 'parentId':
      if (op === '=' && value.value === '') return sql`parent_id = unhex('0000000000000000')`;
      return compare(sql`lower(hex(parent_id))`, op, text);
    case 'eventName':
      return sql`arrayExists(item -> ${compare(sql`item`, op, text)}, event_names)`;
    case 'scopeName':
      return scopesWhere(compare(sql`name`, op, text));
    case 'scopeVersion':
      return scopesWhere(compare(sql`version`, op, text));
    default:
      return NEVER;
  }
}

const resourcesWhere = (condition: Sql): Sql =>
  sql`resource GLOBAL IN (SELECT id FROM ${table.resources} WHERE ${TENANT} AND ${condition})`;
const scopesWhere = (condition: Sql): Sql =>
  sql`scope GLOBAL IN (SELECT id FROM ${table.scopes} WHERE ${TENANT} AND ${condition})`;

function attributeSql(field: AttributeField, comparison: Comparison): Sql {
  const own = ownAttributeSql(field.name, comparison);
  switch (field.scope) {
    case 'span':
      return own;
    case 'resource':
      return resourceSql(field.name, comparison, own);
    case 'instrumentation':
      return scopesWhere(own);
    case 'any':
      return sql`(${own} OR ${resourceSql(field.name, comparison, own)})`;
    case 'event':
    case 'link':
      return keySql(field);
  }
}

/** The service's name also stands in a column of the spans. */
function resourceSql(name: string, { op, value }: Comparison, own: Sql): Sql {
  if (name === 'service.name' && value.type === 'string' && value.value !== '' && op === '=') {
    return sql`service = ${bind.string(value.value)}`;
  }
  return resourcesWhere(own);
}

/** A comparison with an attribute of the row's own maps. */
function ownAttributeSql(name: string, { op, value }: Comparison): Sql {
  const key = bind.string(name);
  const plain = (present: Sql, read: Sql, right: Sql, isDefault: boolean): Sql => {
    const test = compare(read, op, right);
    // A missing key reads as the type's default: it need not be asked for when that would not match.
    return op === '=' && !isDefault ? test : sql`(${present} AND ${test})`;
  };
  switch (value.type) {
    case 'string': {
      const right = bind.string(value.value);
      const test = plain(
        sql`mapContains(attributes_string, ${key})`,
        sql`attributes_string[${key}]`,
        right,
        value.value === '',
      );
      const item = compare(sql`JSONExtractString(item, 'stringValue')`, op, right);
      return sql`(${test} OR ${arraySql(key, sql`stringValue`, item)})`;
    }
    case 'int': {
      const right = bind.int64(value.value);
      const test = plain(
        sql`mapContains(attributes_int, ${key})`,
        sql`attributes_int[${key}]`,
        right,
        value.value === 0n,
      );
      const item = compare(sql`toInt64OrZero(JSONExtractString(item, 'intValue'))`, op, right);
      return sql`(${test} OR ${arraySql(key, sql`intValue`, item)})`;
    }
    case 'double': {
      const right = bind.float64(value.value);
      const test = plain(
        sql`mapContains(attributes_double, ${key})`,
        sql`attributes_double[${key}]`,
        right,
        value.value === 0,
      );
      const item = compare(sql`JSONExtractFloat(item, 'doubleValue')`, op, right);
      return sql`(${test} OR ${arraySql(key, sql`doubleValue`, item)})`;
    }
    case 'bool': {
      const right = bind.uint8(value.value ? 1 : 0);
      const test = plain(
        sql`mapContains(attributes_bool, ${key})`,
        sql`attributes_bool[${key}]`,
        right,
        !value.value,
      );
      const item = compare(sql`toUInt8(JSONExtractBool(item, 'boolValue'))`, op, right);
      return sql`(${test} OR ${arraySql(key, sql`boolValue`, item)})`;
    }
    default:
      return NEVER;
  }
}

/** Whether an attribute is an array of one type with an element that passes. `type` is a constant name. */
function arraySql(key: Sql, type: Sql, item: Sql): Sql {
  const items = sql`JSONExtractArrayRaw(attributes_other[${key}], 'arrayValue', 'values')`;
  const name = sql`'${type}'`;
  return sql`(mapContains(attributes_other, ${key}) AND notEmpty(${items})
    AND arrayAll(item -> JSONHas(item, ${name}), ${items}) AND arrayExists(item -> ${item}, ${items}))`;
}

/** Whether a row of spans, resources or scopes has an attribute of any type. */
function ownExistsSql(name: string): Sql {
  const key = bind.string(name);
  return sql`(mapContains(attributes_string, ${key}) OR mapContains(attributes_int, ${key})
    OR mapContains(attributes_double, ${key}) OR mapContains(attributes_bool, ${key})
    OR mapContains(attributes_other, ${key}))`;
}

function existsSql(field: SpanField): Sql {
  if (field.kind === 'intrinsic') {
    return field.name === 'eventName' ? sql`notEmpty(event_times_ns)` : ALWAYS;
  }
  switch (field.scope) {
    case 'span':
      return ownExistsSql(field.name);
    case 'resource':
      return resourcesWhere(ownExistsSql(field.name));
    case 'instrumentation':
      return scopesWhere(ownExistsSql(field.name));
    case 'any':
      return sql`(${ownExistsSql(field.name)} OR ${resourcesWhere(ownExistsSql(field.name))})`;
    case 'event':
    case 'link':
      return keySql(field);
  }
}

/** Whether the JSON text of some event (link) holds the key. Keys that JSON might escape are not looked for. */
function keySql(field: AttributeField): Sql {
  const column = field.scope === 'event' ? sql`event_attributes` : sql`link_attributes`;
  if (!/^[\w .:/-]+$/.test(field.name)) return sql`notEmpty(${column})`;
  return sql`arrayExists(item -> position(item, ${bind.string(`"${field.name}"`)}) > 0, ${column})`;
}
