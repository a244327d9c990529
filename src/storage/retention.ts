/**
 * Retention: how long each signal of each tenant is kept. It is carried out by ClickHouse's TTL; this file writes the
 * TTL expressions and sets them when they differ from what a table has. Changing retention applies to what is stored
 * already. It never deletes anything itself.
 */

import type { StorageClient } from './client.ts';
import { bind, type RenderedSql, sql, type TableName } from './sql.ts';

export type Signal = 'metrics' | 'logs' | 'traces';

/** Milliseconds, or 'none' to keep for ever. */
export type RetentionPeriod = number | 'none';

export interface Retention {
  readonly default: Readonly<Record<Signal, RetentionPeriod>>;
  /** Exceptions by tenant. */
  readonly tenants?: Readonly<Record<string, Partial<Readonly<Record<Signal, RetentionPeriod>>>>>;
}

export const KEEP_ALL: Retention = { default: { metrics: 'none', logs: 'none', traces: 'none' } };

/** Seconds since the epoch of a row's newest datum, by table. */
const TIMES: Readonly<Partial<Record<TableName, { readonly signal: Signal; readonly seconds: string }>>> = {
  samples: { signal: 'metrics', seconds: 'intDiv(ts, 1000)' },
  histograms: { signal: 'metrics', seconds: 'intDiv(ts, 1000)' },
  exemplars: { signal: 'metrics', seconds: 'intDiv(ts, 1000)' },
  series: { signal: 'metrics', seconds: '(toInt64(last_day) + 1) * 86400' },
  metric_metadata: { signal: 'metrics', seconds: '(toInt64(last_day) + 1) * 86400' },
  log_records: { signal: 'logs', seconds: 'intDiv(ts, 1000000000)' },
  streams: { signal: 'logs', seconds: '(toInt64(last_day) + 1) * 86400' },
  spans: { signal: 'traces', seconds: 'intDiv(start_ns, 1000000000)' },
  traces: { signal: 'traces', seconds: 'intDiv(end_ns, 1000000000)' },
  resources: { signal: 'traces', seconds: '(toInt64(last_day) + 1) * 86400' },
  scopes: { signal: 'traces', seconds: '(toInt64(last_day) + 1) * 86400' },
};

/** Beyond this (year 2100) a time is not compared: such data are kept until then. */
const MAX_SECONDS = 4_102_444_800;

/** The TTL clause of a table, or '' when nothing expires. */
export function ttlClause(table: TableName, retention: Retention): string {
  const time = TIMES[table];
  if (time === undefined) return '';
  const { signal, seconds } = time;
  const groups = new Map<number, string[]>();
  const exceptions: string[] = [];
  for (const [tenant, own] of Object.entries(retention.tenants ?? {})) {
    const period = own[signal];
    if (period === undefined || period === retention.default[signal]) continue;
    exceptions.push(tenant);
    if (period === 'none') continue;
    const group = groups.get(period) ?? [];
    group.push(tenant);
    groups.set(period, group);
  }
  const at = `toDateTime(least(greatest(${seconds}, 0), ${MAX_SECONDS}), 'UTC')`;
  const rules: string[] = [];
  for (const [period, tenants] of [...groups].sort(([a], [b]) => a - b))
    rules.push(`${at} + toIntervalSecond(${wholeSeconds(period)}) DELETE WHERE tenant IN (${list(tenants)})`);
  const normal = retention.default[signal];
  if (normal !== 'none') {
    const where = exceptions.length === 0 ? '' : ` DELETE WHERE tenant NOT IN (${list(exceptions)})`;
    rules.push(`${at} + toIntervalSecond(${wholeSeconds(normal)})${where}`);
  }
  return rules.join(', ');
}

/** Sets the TTL of all tables that have another one. Returns the tables that were changed. */
export async function applyRetention(
  client: StorageClient,
  retention: Retention,
): Promise<readonly TableName[]> {
  const rows = await client.rows(
    sql`SELECT name, create_table_query AS text FROM system.tables WHERE database = ${bind.string(client.database)}`,
  );
  const texts = new Map(rows.map((row) => [String(row.name), String(row.text)]));
  const changed: TableName[] = [];
  for (const table of Object.keys(TIMES) as TableName[]) {
    const want = ttlClause(table, retention);
    const have = texts.get(table);
    if (have === undefined) continue;
    const marker = `ttl:${want}`;
    const current = /COMMENT '((?:[^'\\]|\\.)*)'\s*$/.exec(have)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? 'ttl:';
    if (current === marker) continue;
    // Only the limits of the parts are computed anew; rows go when parts are merged.
    const settings = { materialize_ttl_after_modify: 1, mutations_sync: 0 };
    const alter = want === '' ? (/\bTTL\b/.test(have) ? 'REMOVE TTL' : '') : `MODIFY TTL ${want}`;
    if (alter !== '')
      await client.commandText({ text: `ALTER TABLE ${table} ${alter}`, params: NONE }, { settings });
    await client.commandText({
      text: `ALTER TABLE ${table} MODIFY COMMENT ${quote(marker)}`,
      params: NONE,
    });
    changed.push(table);
  }
  return changed;
}

const NONE: RenderedSql['params'] = new Map();

function wholeSeconds(ms: number): number {
  if (!(ms >= 1000 && ms <= 200 * 365 * 86_400_000)) throw new RangeError(`retention of ${ms} ms`);
  return Math.ceil(ms / 1000);
}

function list(tenants: readonly string[]): string {
  return [...tenants].sort().map(quote).join(', ');
}

/** A string literal. TTL expressions cannot have parameters; this is the only place that writes literals. */
function quote(text: string): string {
  return `'${text.replaceAll(/[\\']/g, (c) => `\\${c}`)}'`;
}
