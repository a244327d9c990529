/**
 * SQL as values: the only way to write a query for storage. Texts come from template literals, values are bound as
 * `{p0:Type}` parameters, tables are constants, and `TENANT` stands for the tenant predicate, which only a
 * `ScopedClient` can fill in. A plain string can never become part of a query text.
 */

import assert from 'node:assert/strict';

/** Types of bound values. */
export type BoundType =
  | 'String'
  | 'UInt8'
  | 'UInt32'
  | 'UInt64'
  | 'Int32'
  | 'Int64'
  | 'Float64'
  | 'Array(String)'
  | 'Array(UInt64)'
  | 'Array(Int64)'
  | 'Array(Float64)';

export type BoundValue =
  | string
  | number
  | bigint
  | readonly string[]
  | readonly (number | bigint)[]
  | BigUint64Array
  | BigInt64Array
  | Float64Array;

interface Bound {
  readonly type: BoundType;
  readonly value: BoundValue;
}

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bound'; readonly bound: Bound }
  | { readonly kind: 'table'; readonly name: string }
  | { readonly kind: 'tenant'; readonly alias: string };

/** A piece of SQL. Make it with `sql`, `bind`, `table`, `TENANT`, `tenantOf` and `join`. */
export class Sql {
  readonly parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    this.parts = parts;
  }
}

/** A query ready to be sent: `params` hold types and textual forms of bound values by parameter name. */
export interface RenderedSql {
  readonly text: string;
  readonly params: ReadonlyMap<string, { readonly type: string; readonly text: string }>;
}

/** Names of all tables of the schema; the same in every mode (the database tells local from distributed). */
export const TABLE_NAMES = [
  'series',
  'samples',
  'histograms',
  'exemplars',
  'metric_metadata',
  'streams',
  'log_records',
  'resources',
  'scopes',
  'spans',
  'traces',
  'documents',
] as const;
export type TableName = (typeof TABLE_NAMES)[number];

/** Tables as SQL fragments: sql`SELECT ... FROM ${table.samples} WHERE ${TENANT} AND ...`. */
export const table: Readonly<Record<TableName, Sql>> = Object.fromEntries(
  TABLE_NAMES.map((name) => [name, new Sql([{ kind: 'table', name }])]),
) as Record<TableName, Sql>;

/** The tenant predicate (`tenant = ...`) of the only table in scope. Every table reference needs one. */
export const TENANT: Sql = new Sql([{ kind: 'tenant', alias: '' }]);

/** The tenant predicate of a table with an alias (joins). */
export function tenantOf(alias: string): Sql {
  assert.match(alias, /^[a-z][a-z0-9_]*$/, 'alias');
  return new Sql([{ kind: 'tenant', alias }]);
}

const SELF_MADE_TABLE = new RegExp(`\\b(from|join|into)\\s+(\\w+\\.)?\`?(${TABLE_NAMES.join('|')})\\b`, 'i');

/** Tagged template: interpolations are other fragments (never strings). */
export function sql(texts: TemplateStringsArray, ...values: readonly Sql[]): Sql {
  const parts: Part[] = [];
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i] as string;
    assert(!SELF_MADE_TABLE.test(text), `write tables as \${table.name}: ${text}`);
    if (text !== '') parts.push({ kind: 'text', text });
    if (i < values.length) {
      const value = values[i];
      assert(value instanceof Sql, 'only Sql fragments can be interpolated; bind values with bind.*');
      for (const part of value.parts) parts.push(part);
    }
  }
  return new Sql(parts);
}

/** Fragments with a separator between them. */
export function join(
  fragments: readonly Sql[],
  separator: ', ' | ' AND ' | ' OR ' | ' UNION ALL ' | ' ',
): Sql {
  const parts: Part[] = [];
  fragments.forEach((fragment, i) => {
    if (i > 0) parts.push({ kind: 'text', text: separator });
    for (const part of fragment.parts) parts.push(part);
  });
  return new Sql(parts);
}

function bound(type: BoundType, value: BoundValue): Sql {
  return new Sql([{ kind: 'bound', bound: { type, value } }]);
}

/** Values become parameters that the server parses by their type; they cannot change the query. */
export const bind = {
  string: (value: string): Sql => bound('String', value),
  uint8: (value: number): Sql => bound('UInt8', value),
  uint32: (value: number): Sql => bound('UInt32', value),
  int32: (value: number): Sql => bound('Int32', value),
  /** A number must be a safe integer. */
  uint64: (value: number | bigint): Sql => bound('UInt64', value),
  int64: (value: number | bigint): Sql => bound('Int64', value),
  float64: (value: number): Sql => bound('Float64', value),
  strings: (value: readonly string[]): Sql => bound('Array(String)', value),
  uint64s: (value: BigUint64Array | readonly (number | bigint)[]): Sql => bound('Array(UInt64)', value),
  int64s: (value: BigInt64Array | readonly (number | bigint)[]): Sql => bound('Array(Int64)', value),
  float64s: (value: Float64Array | readonly number[]): Sql => bound('Array(Float64)', value),
} as const;

/**
 * Renders a query. `tenant` undefined is for storage's own statements: then no tenant placeholder is allowed.
 * Asserts that there are at least as many tenant predicates as table references.
 */
export function render(query: Sql, tenant: string | undefined): RenderedSql {
  const params = new Map<string, { type: string; text: string }>();
  let text = '';
  let tables = 0;
  let tenants = 0;
  for (const part of query.parts) {
    switch (part.kind) {
      case 'text':
        text += part.text;
        break;
      case 'table':
        tables++;
        text += part.name;
        break;
      case 'tenant':
        assert(tenant !== undefined, 'a tenant predicate needs a scoped client');
        tenants++;
        text += `${part.alias === '' ? '' : `${part.alias}.`}tenant = {tenant:String}`;
        break;
      case 'bound': {
        const name = `p${params.size}`;
        params.set(name, { type: part.bound.type, text: parameterText(part.bound) });
        text += `{${name}:${part.bound.type}}`;
      }
    }
  }
  if (tenant !== undefined) {
    assert(tenants >= tables, `every table needs its \${TENANT} predicate: ${text}`);
    params.set('tenant', { type: 'String', text: escapeText(tenant) });
  }
  return { text, params };
}

function parameterText({ type, value }: Bound): string {
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number' || typeof value === 'bigint') return scalarText(type, value);
  const items: string[] = [];
  for (const item of value) {
    if (typeof item === 'string') items.push(quoteText(item));
    else items.push(scalarText(type.slice(6, -1) as BoundType, item));
  }
  return `[${items.join(',')}]`;
}

function scalarText(type: BoundType, value: number | bigint): string {
  if (typeof value === 'bigint') return value.toString();
  if (type === 'Float64') {
    if (Number.isNaN(value)) return 'nan';
    if (value === Infinity) return 'inf';
    if (value === -Infinity) return '-inf';
    return String(value);
  }
  assert(Number.isSafeInteger(value), `${type} needs a safe integer, got ${value}`);
  return String(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\0': '\\0',
  '\b': '\\b',
  '\f': '\\f',
  "'": "\\'",
};

/** The escaped form in which the server reads a String parameter. */
function escapeText(value: string): string {
  return value.replace(/[\\\t\n\r\0\b\f]/g, (c) => ESCAPES[c] as string);
}

function quoteText(value: string): string {
  return `'${value.replace(/[\\\t\n\r\0\b\f']/g, (c) => ESCAPES[c] as string)}'`;
}
