/** Names and values of attributes of the spans in a time range, by scope. */

import { attributeFromJson } from '../../model/attribute-json.ts';
import type { AttributeScope, AttributeValue, SpanField, TagQuery } from '../../model/select-spans.ts';
import type { QueryOptions } from '../client.ts';
import type { ScopedClient } from '../scope.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';
import { conditionSql, startWithin } from './spans-conditions.ts';

const DEFAULT_LIMIT = 10_000;
const MAPS = ['string', 'int', 'double', 'bool', 'other'] as const;
const KEYS = sql`arrayConcat(attributes_string.keys, attributes_int.keys, attributes_double.keys,
  attributes_bool.keys, attributes_other.keys)`;

const limitOf = (query: TagQuery): Sql => bind.uint64(query.limit ?? DEFAULT_LIMIT);

function where(query: TagQuery): Sql {
  const parts = [TENANT, startWithin(query.startNs, query.endNs)];
  if (query.condition !== undefined && query.condition.op !== 'true')
    parts.push(conditionSql(query.condition));
  if (query.plainSpansOnly === true) {
    parts.push(sql`empty(event_times_ns) AND empty(link_trace_ids) AND scope GLOBAL NOT IN (
      SELECT id FROM ${table.scopes} WHERE ${TENANT} AND notEmpty(${KEYS}))`);
  }
  return join(parts, ' AND ');
}

/** The one column of a result as texts. */
async function texts(scope: ScopedClient, query: Sql, options: QueryOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const block of scope.stream(query, options)) {
    const column = block.columns[0];
    for (let row = 0; row < block.rows; row++) found.push(column?.value(row) as string);
  }
  return found;
}

export async function selectTagNames(
  scope: ScopedClient,
  query: TagQuery,
  options: QueryOptions,
): Promise<{ scope: AttributeScope; names: string[] }[]> {
  const limit = limitOf(query);
  const condition = where(query);
  const names = (select: Sql): Promise<string[]> =>
    texts(
      scope,
      sql`SELECT DISTINCT ${select} AS tag FROM ${table.spans} WHERE ${condition} ORDER BY tag LIMIT ${limit}`,
      options,
    );
  const ofJson = (column: Sql): Sql => sql`arrayJoin(arrayFlatten(arrayMap(
    one -> arrayMap(pair -> JSONExtractString(pair, 'key'), JSONExtractArrayRaw(one)), arrayDistinct(${column}))))`;
  const referenced = (column: Sql, name: Sql): Promise<string[]> =>
    texts(
      scope,
      sql`SELECT DISTINCT arrayJoin(${KEYS}) AS tag FROM ${name} WHERE ${TENANT} AND id GLOBAL IN (
        SELECT DISTINCT ${column} FROM ${table.spans} WHERE ${condition}) ORDER BY tag LIMIT ${limit}`,
      options,
    );
  const [span, resource, instrumentation, event, link] = await Promise.all([
    names(sql`arrayJoin(${KEYS})`),
    referenced(sql`resource`, table.resources),
    referenced(sql`scope`, table.scopes),
    names(ofJson(sql`event_attributes`)),
    names(ofJson(sql`link_attributes`)),
  ]);
  return [
    { scope: 'span', names: span },
    { scope: 'resource', names: resource },
    { scope: 'instrumentation', names: instrumentation },
    { scope: 'event', names: event },
    { scope: 'link', names: link },
  ];
}

export async function selectTagValues(
  scope: ScopedClient,
  field: SpanField,
  query: TagQuery,
  options: QueryOptions,
): Promise<AttributeValue[]> {
  if (field.kind === 'intrinsic') return intrinsicValues(scope, field.name, query, options);
  const { name } = field;
  switch (field.scope) {
    case 'span':
      return ownValues(scope, name, sql`${table.spans} WHERE ${where(query)}`, query, options);
    case 'resource':
      return ownValues(scope, name, referencedRows(table.resources, sql`resource`, query), query, options);
    case 'instrumentation':
      return ownValues(scope, name, referencedRows(table.scopes, sql`scope`, query), query, options);
    case 'any': {
      const [own, shared] = await Promise.all([
        selectTagValues(scope, { ...field, scope: 'span' }, query, options),
        selectTagValues(scope, { ...field, scope: 'resource' }, query, options),
      ]);
      return distinct([...own, ...shared]);
    }
    case 'event':
    case 'link':
      return jsonValues(
        scope,
        name,
        field.scope === 'event' ? sql`event_attributes` : sql`link_attributes`,
        query,
        options,
      );
  }
}

const referencedRows = (from: Sql, column: Sql, query: TagQuery): Sql =>
  sql`${from} WHERE ${TENANT} AND id GLOBAL IN (SELECT DISTINCT ${column} FROM ${table.spans} WHERE ${where(query)})`;

/** Values of a key of the five maps. `from` is a table with its condition. */
async function ownValues(
  scope: ScopedClient,
  name: string,
  from: Sql,
  query: TagQuery,
  options: QueryOptions,
): Promise<AttributeValue[]> {
  const key = bind.string(name);
  const limit = limitOf(query);
  const found: AttributeValue[] = [];
  const columns: Record<(typeof MAPS)[number], Sql> = {
    string: sql`attributes_string`,
    int: sql`attributes_int`,
    double: sql`attributes_double`,
    bool: sql`attributes_bool`,
    other: sql`attributes_other`,
  };
  const read = async (type: (typeof MAPS)[number]): Promise<void> => {
    const map = columns[type];
    const select = sql`SELECT DISTINCT ${map}[${key}] AS value FROM ${from} AND mapContains(${map}, ${key}) LIMIT ${limit}`;
    for await (const block of scope.stream(select, options)) {
      const column = block.column('value');
      for (let row = 0; row < block.rows; row++) {
        const value = column.value(row);
        if (type === 'string') found.push({ type, value: value as string });
        else if (type === 'int') found.push({ type, value: value as bigint });
        else if (type === 'double') found.push({ type, value: value as number });
        else if (type === 'bool') found.push({ type, value: value === 1 || value === true });
        else found.push(...elements(attributeFromJson(value as string)));
      }
    }
  };
  await Promise.all(MAPS.map(read));
  return distinct(found);
}

/** A value, or the elements of an array; nothing of what cannot be searched. */
function elements(value: AttributeValue): readonly AttributeValue[] {
  if (value.type === 'array') return value.value;
  return value.type === 'other' ? [] : [value];
}

function distinct(values: readonly AttributeValue[]): AttributeValue[] {
  const found = new Map<string, AttributeValue>();
  for (const value of values) {
    if (value.type !== 'other' && value.type !== 'array') found.set(`${value.type}${value.value}`, value);
  }
  return [...found.values()];
}

async function jsonValues(
  scope: ScopedClient,
  name: string,
  column: Sql,
  query: TagQuery,
  options: QueryOptions,
): Promise<AttributeValue[]> {
  const key = bind.string(name);
  const found = await texts(
    scope,
    sql`SELECT DISTINCT arrayJoin(arrayFlatten(arrayMap(one -> arrayMap(pair -> JSONExtractRaw(pair, 'value'),
        arrayFilter(pair -> JSONExtractString(pair, 'key') = ${key}, JSONExtractArrayRaw(one))), ${column}))) AS value
      FROM ${table.spans} WHERE ${where(query)} AND notEmpty(${column}) LIMIT ${limitOf(query)}`,
    options,
  );
  return distinct(found.flatMap((json) => elements(attributeFromJson(json))));
}

async function intrinsicValues(
  scope: ScopedClient,
  name: Extract<SpanField, { kind: 'intrinsic' }>['name'],
  query: TagQuery,
  options: QueryOptions,
): Promise<AttributeValue[]> {
  const limit = limitOf(query);
  const plain = async (select: Sql): Promise<AttributeValue[]> => {
    const found = await texts(
      scope,
      sql`SELECT DISTINCT ${select} AS value FROM ${table.spans} WHERE ${where(query)} LIMIT ${limit}`,
      options,
    );
    return found.map((value) => ({ type: 'string', value }));
  };
  const numbers = async (select: Sql): Promise<AttributeValue[]> => {
    const rows = await scope.rows(
      sql`SELECT DISTINCT toInt64(${select}) AS value FROM ${table.spans} WHERE ${where(query)} LIMIT ${limit}`,
      options,
    );
    return rows.map(({ value }) => ({ type: 'int', value: value as bigint }));
  };
  const ofScopes = async (select: Sql): Promise<AttributeValue[]> => {
    const from = referencedRows(table.scopes, sql`scope`, query);
    const found = await texts(
      scope,
      sql`SELECT DISTINCT ${select} AS value FROM ${from} LIMIT ${limit}`,
      options,
    );
    return found.map((value) => ({ type: 'string', value }));
  };
  const ofRoots = async (select: Sql): Promise<AttributeValue[]> => {
    const found = await texts(
      scope,
      sql`SELECT DISTINCT value FROM (SELECT max(${select}) AS value FROM ${table.traces}
        WHERE ${TENANT} AND start_ns < ${bind.int64(query.endNs)} AND end_ns >= ${bind.int64(query.startNs)}
        GROUP BY trace_id) LIMIT ${limit}`,
      options,
    );
    return found.map((value) => ({ type: 'string', value }));
  };
  switch (name) {
    case 'name':
      return plain(sql`name`);
    case 'statusMessage':
      return plain(sql`status_message`);
    case 'eventName':
      return plain(sql`arrayJoin(event_names)`);
    case 'kind':
      return numbers(sql`kind`);
    case 'status':
      return numbers(sql`status_code`);
    case 'scopeName':
      return ofScopes(sql`name`);
    case 'scopeVersion':
      return ofScopes(sql`version`);
    case 'rootName':
      return ofRoots(sql`root_name`);
    case 'rootServiceName':
      return ofRoots(sql`root_service`);
    default:
      return [];
  }
}
