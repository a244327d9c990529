/** Bucketed counts, sums and histograms of spans, added up by ClickHouse. */

import { attributeFromJson } from '../../model/attribute-json.ts';
import type { AttributeValue, SpanBucketGroup, SpanBuckets, SpanField } from '../../model/select-spans.ts';
import type { QueryOptions } from '../client.ts';
import type { Block, Column } from '../native.ts';
import type { ScopedClient } from '../scope.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';
import { conditionSql, startWithin } from './spans-conditions.ts';
import type { SpanRows } from './spans-rows.ts';

type GroupValue = AttributeValue | undefined;
/** How a field to group by is selected, and how its column is read. */
interface GroupField {
  readonly select: Sql;
  readonly read: (column: Column, row: number) => GroupValue;
  /** Ids to look up before reading. */
  readonly lookUp?: 'resource' | 'scope';
}

const text = (value: string): GroupValue => ({ type: 'string', value });

/** An attribute of any type as one text: a letter for the type and the value; '' when absent. */
function typedText(name: string): Sql {
  const key = bind.string(name);
  return sql`multiIf(mapContains(attributes_string, ${key}), concat('s', attributes_string[${key}]),
    mapContains(attributes_int, ${key}), concat('i', toString(attributes_int[${key}])),
    mapContains(attributes_double, ${key}), concat('d', toString(attributes_double[${key}])),
    mapContains(attributes_bool, ${key}), concat('b', toString(attributes_bool[${key}])),
    mapContains(attributes_other, ${key}), concat('o', attributes_other[${key}]), '')`;
}

function fromTypedText(value: string): GroupValue {
  const rest = value.slice(1);
  switch (value[0]) {
    case 's':
      return text(rest);
    case 'i':
      return { type: 'int', value: BigInt(rest) };
    case 'd':
      return {
        type: 'double',
        value: rest === 'inf' ? Infinity : rest === '-inf' ? -Infinity : Number(rest),
      };
    case 'b':
      return { type: 'bool', value: rest === '1' };
    case 'o':
      return attributeFromJson(rest);
    default:
      return undefined;
  }
}

const plainText = (column: Column, row: number): GroupValue => text(column.value(row) as string);
const plainNumber = (column: Column, row: number): GroupValue => ({
  type: 'int',
  value: BigInt(column.value(row) as number | bigint),
});

function groupField(field: SpanField): GroupField | undefined {
  if (field.kind === 'attribute') {
    switch (field.scope) {
      case 'span':
        return {
          select: typedText(field.name),
          read: (column, row) => fromTypedText(column.value(row) as string),
        };
      case 'resource':
        if (field.name === 'service.name') {
          return {
            select: sql`service`,
            read: (column, row) => (column.value(row) === '' ? undefined : plainText(column, row)),
          };
        }
        return { select: sql`resource`, read: plainNumber, lookUp: 'resource' };
      case 'instrumentation':
        return { select: sql`scope`, read: plainNumber, lookUp: 'scope' };
      default:
        return undefined;
    }
  }
  switch (field.name) {
    case 'name':
      return { select: sql`name`, read: plainText };
    case 'statusMessage':
      return { select: sql`status_message`, read: plainText };
    case 'kind':
      return { select: sql`kind`, read: plainNumber };
    case 'status':
      return { select: sql`status_code`, read: plainNumber };
    case 'durationNs':
      return { select: sql`greatest(duration_ns, 0)`, read: plainNumber };
    case 'scopeName':
    case 'scopeVersion':
      return { select: sql`scope`, read: plainNumber, lookUp: 'scope' };
    default:
      return undefined;
  }
}

interface Measured {
  readonly value: Sql;
  /** Which spans have a value. */
  readonly present: Sql;
  /** Counts spans whose value cannot be seen here (arrays); then this is no exact way. */
  readonly unknown: Sql;
}

function measuredField(field: SpanField, intsOnly: boolean): Measured | undefined {
  if (field.kind === 'intrinsic') {
    return field.name === 'durationNs'
      ? { value: sql`greatest(duration_ns, 0)`, present: sql`1`, unknown: sql`0` }
      : undefined;
  }
  if (field.scope !== 'span') return undefined;
  const key = bind.string(field.name);
  const unknown = sql`mapContains(attributes_other, ${key})`;
  if (intsOnly) {
    return { value: sql`attributes_int[${key}]`, present: sql`mapContains(attributes_int, ${key})`, unknown };
  }
  return {
    value: sql`if(mapContains(attributes_int, ${key}), toFloat64(attributes_int[${key}]), attributes_double[${key}])`,
    present: sql`(mapContains(attributes_int, ${key}) OR mapContains(attributes_double, ${key}))`,
    unknown,
  };
}

interface GroupSum {
  readonly by: GroupValue[];
  readonly counts: Float64Array;
  readonly values: Float64Array | undefined;
  readonly buckets: Map<number, Float64Array> | undefined;
  readonly exemplars: { traceId: string; startNs: bigint; value?: number }[];
}

/** Rows of one span lie in one partition: its time is part of the key. */
const FINAL_SETTINGS = { do_not_merge_across_partitions_select_final: 1 };

/** Answers a bucketed aggregation, or undefined when it cannot be done exactly here. */
export async function selectBuckets(
  scope: ScopedClient,
  rows: SpanRows,
  request: SpanBuckets,
  options: QueryOptions,
): Promise<SpanBucketGroup[] | undefined> {
  const fields = request.by.map(groupField);
  if (!fields.every((field): field is GroupField => field !== undefined)) return undefined;
  const { measure } = request;
  const measured =
    measure.kind === 'count' ? undefined : measuredField(measure.field, measure.kind === 'log2');
  if (measure.kind !== 'count' && measured === undefined) return undefined;
  const origin = request.gridStartNs - request.stepNs;
  const endNs = request.gridStartNs + BigInt(request.points - 1) * request.stepNs + 1n;
  const within = sql`${TENANT} AND ${startWithin(origin + 1n, endNs)} AND ${conditionSql(request.condition)}`;
  if (measured !== undefined && measure.kind !== 'count' && measure.field.kind === 'attribute') {
    const hidden = await scope.rows(
      sql`SELECT count() AS hidden FROM ${table.spans} WHERE ${within} AND ${measured.unknown}`,
      options,
    );
    if (hidden[0]?.hidden !== 0n) return undefined;
  }
  const selects: Sql[] = fields.map(({ select }, i) => aliased(select, i));
  const groups: Sql[] = fields.map((_, i) => alias(i));
  selects.push(
    sql`toInt64(intDiv(start_ns - ${bind.int64(origin)} - 1, ${bind.int64(request.stepNs)})) AS point`,
  );
  groups.push(sql`point`);
  if (measured !== undefined && measure.kind === 'log2') {
    selects.push(sql`toFloat64(roundToExp2(toUInt64(${measured.value} - 1))) * 2 AS bound`);
    groups.push(sql`bound`);
  }
  selects.push(sql`toFloat64(count()) AS spans`);
  if (measured !== undefined && measure.kind !== 'log2') {
    const value = sql`toFloat64(${measured.value})`;
    selects.push(
      measure.kind === 'sum'
        ? sql`sum(${value}) AS total`
        : measure.kind === 'min'
          ? sql`min(${value}) AS total`
          : sql`max(${value}) AS total`,
    );
  }
  if (request.exemplars > 0) {
    const value = measured === undefined ? sql`toFloat64(0)` : sql`toFloat64(${measured.value})`;
    selects.push(sql`any(tuple(trace_id, start_ns, ${value})) AS example`);
  }
  const having = measured === undefined ? sql`` : sql`AND ${measured.present}`;
  const least = measure.kind === 'log2' && measured !== undefined ? sql`AND ${measured.value} >= 2` : sql``;
  const query = sql`SELECT ${join(selects, ', ')} FROM ${table.spans} FINAL WHERE ${within} ${having} ${least}
    GROUP BY ${join(groups, ', ')}`;
  const sums = new Map<string, GroupSum>();
  for await (const block of scope.stream(query, { ...options, settings: FINAL_SETTINGS })) {
    const readers = await Promise.all(
      fields.map((field, i) => readerOf(scope, rows, request.by[i], field, block, i, options)),
    );
    addBlock(block, readers, request, sums);
  }
  return [...sums.values()].map(({ values, buckets, ...group }) => ({
    ...group,
    ...(values === undefined ? {} : { values }),
    ...(buckets === undefined ? {} : { buckets }),
  }));
}

/** Names of the grouping columns; a query groups by at most five fields. */
const ALIASES = [sql`by0`, sql`by1`, sql`by2`, sql`by3`, sql`by4`];
const ALIAS_NAMES = ['by0', 'by1', 'by2', 'by3', 'by4'] as const;
const alias = (i: number): Sql => ALIASES[i] as Sql;
const aliased = (select: Sql, i: number): Sql => sql`${select} AS ${alias(i)}`;

type RowReader = (row: number) => GroupValue;

async function readerOf(
  scope: ScopedClient,
  rows: SpanRows,
  wanted: SpanField | undefined,
  field: GroupField,
  block: Block,
  i: number,
  options: QueryOptions,
): Promise<RowReader> {
  const column = block.column(ALIAS_NAMES[i] as string);
  if (field.lookUp === undefined || wanted === undefined) return (row) => field.read(column, row);
  const ids = block.bigints(ALIAS_NAMES[i] as string).values;
  const distinct = new Set(ids as BigUint64Array);
  if (field.lookUp === 'resource') {
    const found = await rows.resources(scope, distinct, options);
    const { name } = wanted;
    return (row) => found.get(ids[row] as bigint)?.attributes.get(name);
  }
  const found = await rows.scopes(scope, distinct, options);
  return (row) => {
    const one = found.get(ids[row] as bigint);
    if (wanted.kind === 'attribute') return one?.attributes.get(wanted.name);
    return text((wanted.name === 'scopeName' ? one?.name : one?.version) ?? '');
  };
}

function addBlock(
  block: Block,
  readers: readonly RowReader[],
  request: SpanBuckets,
  sums: Map<string, GroupSum>,
): void {
  const { measure, points } = request;
  const indices = block.bigints('point').numbers();
  const counts = block.floats('spans');
  const bounds = measure.kind === 'log2' ? block.floats('bound') : undefined;
  const totals = measure.kind === 'count' || measure.kind === 'log2' ? undefined : block.floats('total');
  const examples = request.exemplars > 0 ? block.column('example') : undefined;
  for (let row = 0; row < block.rows; row++) {
    const by = readers.map((read) => read(row));
    const key = by.map(keyOf).join('\u0001');
    let group = sums.get(key);
    if (group === undefined) {
      group = {
        by,
        counts: new Float64Array(points),
        values: totals === undefined ? undefined : new Float64Array(points),
        buckets: bounds === undefined ? undefined : new Map(),
        exemplars: [],
      };
      sums.set(key, group);
    }
    const point = indices[row] as number;
    const count = counts[row] as number;
    if (totals !== undefined && group.values !== undefined) {
      const total = totals[row] as number;
      const before = group.values[point] as number;
      const first = group.counts[point] === 0;
      group.values[point] = first
        ? total
        : measure.kind === 'sum'
          ? before + total
          : measure.kind === 'min'
            ? Math.min(before, total)
            : Math.max(before, total);
    }
    group.counts[point] = (group.counts[point] as number) + count;
    if (bounds !== undefined && group.buckets !== undefined) {
      const bound = bounds[row] as number;
      let own = group.buckets.get(bound);
      if (own === undefined) group.buckets.set(bound, (own = new Float64Array(points)));
      own[point] = (own[point] as number) + count;
    }
    if (examples !== undefined) {
      const [id, startNs, value] = examples.value(row) as [Uint8Array, bigint, number];
      const traceId = Buffer.from(id).toString('hex');
      group.exemplars.push(measure.kind === 'count' ? { traceId, startNs } : { traceId, startNs, value });
    }
  }
}

function keyOf(value: GroupValue): string {
  if (value === undefined) return '';
  if (value.type === 'other') return `o${value.json}`;
  if (value.type === 'array') return `a${value.value.map(keyOf).join('\u0002')}`;
  return `${value.type}${value.value}`;
}
