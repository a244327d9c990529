/**
 * Bucketed counts in ClickHouse: lines or bytes per cell of time and group, added up to windows here. Cells are the
 * greatest common divisor of step and window, so that every window is a whole number of cells.
 */

import { Labels } from '../../model/labels.ts';
import type { LogBuckets } from '../../model/select-logs.ts';
import { LineLabels, StreamLabels } from '../../query/logql/line-labels.ts';
import { ParserHints } from '../../query/logql/parser-hints.ts';
import { StorageError } from '../errors.ts';
import type { ScopedClient } from '../scope.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';
import { isPlainName, metadataValue } from './logs-conditions.ts';
import { type Stream, timeWithin } from './logs-streams.ts';

/** Cells of a grid; beyond, the lines are counted in the process. */
const MAX_CELLS = 100_000n;
/** Rows of the server's answer; beyond, counting in the process needs less. */
const MAX_GROUPS = 300_000;
/** ClickHouse: limit for rows to group by exceeded. */
const TOO_MANY_ROWS = 158;

export interface BucketGroup {
  readonly labels: Labels;
  readonly values: Float64Array;
  readonly present: Uint8Array;
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

/** Undefined when this is better done in the process. */
export async function selectBuckets(
  scope: ScopedClient,
  request: LogBuckets,
  streams: readonly Stream[],
  conditions: readonly Sql[],
  signal: AbortSignal | undefined,
): Promise<BucketGroup[] | undefined> {
  if (streams.length === 0) return [];
  const { windowNs, gridStartNs, points } = request;
  const stepNs = request.stepNs === 0n ? windowNs : request.stepNs;
  const cellNs = gcd(stepNs, windowNs);
  const baseNs = gridStartNs - windowNs;
  const cells = (stepNs * BigInt(points - 1) + windowNs) / cellNs;
  if (cells > MAX_CELLS) return undefined;
  const plan = request.by === undefined ? wholePlan(streams) : groupPlan(streams, request.by);
  if (plan === undefined) return undefined;

  const sum = request.measure === 'bytes' ? sql`, sum(length(body)) AS bytes` : sql``;
  const ids = streams.map(({ id }) => id);
  const query = sql`SELECT ${plan.columns}, intDiv(ts - ${bind.int64(baseNs + 1n)}, ${bind.int64(cellNs)}) AS cell,
      count() AS lines${sum}
    FROM ${table.log_records} FINAL
    WHERE ${TENANT} AND stream IN ${bind.uint64s(ids)} AND ${timeWithin(request.select.startNs, request.select.endNs)}
      ${conditions.length === 0 ? sql`` : sql`AND ${join([...conditions], ' AND ')}`}
    GROUP BY ${plan.groupBy}, cell`;
  const cellsPerStep = Number(stepNs / cellNs);
  const cellsPerWindow = Number(windowNs / cellNs);
  const groups = new Map<string, { labels: Labels; lines: Float64Array; sums: Float64Array }>();
  try {
    const settings = {
      max_rows_to_group_by: MAX_GROUPS,
      group_by_overflow_mode: 'throw',
      do_not_merge_across_partitions_select_final: 1,
    };
    for await (const block of scope.stream(query, { signal, settings })) {
      const cell = block.bigints('cell').numbers();
      const lines = block.bigints('lines').numbers();
      const bytes = request.measure === 'bytes' ? block.bigints('bytes').numbers() : lines;
      for (let row = 0; row < block.rows; row++) {
        const labels = plan.labels((name) => block.column(name).value(row));
        let group = groups.get(labels.key);
        if (group === undefined) {
          group = { labels, lines: new Float64Array(Number(cells)), sums: new Float64Array(Number(cells)) };
          groups.set(labels.key, group);
        }
        const at = cell[row] as number;
        group.lines[at] = (group.lines[at] as number) + (lines[row] as number);
        group.sums[at] = (group.sums[at] as number) + (bytes[row] as number);
      }
    }
  } catch (error) {
    if (error instanceof StorageError && error.code === TOO_MANY_ROWS) return undefined;
    throw error;
  }
  const out: BucketGroup[] = [];
  for (const { labels, lines, sums } of groups.values()) {
    const values = new Float64Array(points);
    const present = new Uint8Array(points);
    let any = false;
    let count = 0;
    let total = 0;
    let from = 0;
    let to = 0;
    // Sums of whole numbers: adding and taking away is exact.
    for (let i = 0; i < points; i++) {
      const end = i * cellsPerStep + cellsPerWindow;
      const start = i * cellsPerStep;
      while (to < end) {
        count += lines[to] as number;
        total += sums[to] as number;
        to++;
      }
      while (from < start) {
        count -= lines[from] as number;
        total -= sums[from] as number;
        from++;
      }
      if (count === 0) continue;
      any = true;
      present[i] = 1;
      values[i] = total;
    }
    if (any) out.push({ labels, values, present });
  }
  return out;
}

interface Plan {
  readonly columns: Sql;
  readonly groupBy: Sql;
  /** The labels of an answer's row. */
  labels(column: (name: string) => unknown): Labels;
}

/** Groups by some labels: those of streams are looked up here, so that the server groups by a number. */
function groupPlan(streams: readonly Stream[], by: readonly string[]): Plan | undefined {
  const names = [...new Set(by)];
  const missing = names.filter((name) => !streams.every(({ labels }) => labels.has(name)));
  if (!missing.every(isPlainName)) return undefined;
  const groups = new Map<string, { index: number; labels: Labels }>();
  const wanted = new Set(names);
  const indexOf = streams.map(({ labels }) => {
    const kept = labels.keep(wanted);
    let group = groups.get(kept.key);
    if (group === undefined) {
      group = { index: groups.size, labels: kept };
      groups.set(kept.key, group);
    }
    return group.index;
  });
  const labelsOf = [...groups.values()].map((group) => group.labels);
  const group =
    labelsOf.length === 1
      ? sql`toUInt64(0)`
      : sql`transform(stream, ${bind.uint64s(streams.map(({ id }) => id))}, ${bind.uint64s(indexOf)}, toUInt64(0))`;
  const values = missing.map((name, i) => sql`${metadataValue(name)} AS ${VALUE_NAMES[i] as Sql}`);
  if (missing.length > VALUE_NAMES.length) return undefined;
  return {
    columns: join([sql`${group} AS grp`, ...values], ', '),
    groupBy: join([sql`grp`, ...missing.map((_, i) => VALUE_NAMES[i] as Sql)], ', '),
    labels: (column) => {
      const stream = labelsOf[Number(column('grp') as bigint)] as Labels;
      if (missing.length === 0) return stream;
      const pairs: [string, string][] = [...stream.entries()];
      // The stream's own label goes before metadata of the same name.
      missing.forEach((name, i) => {
        if (!stream.has(name)) pairs.push([name, column(`v${i}`) as string]);
      });
      return Labels.fromPairs(pairs);
    },
  };
}

const VALUE_NAMES: readonly Sql[] = [sql`v0`, sql`v1`, sql`v2`, sql`v3`, sql`v4`, sql`v5`, sql`v6`, sql`v7`];

/** Groups by everything that a line's labels are made of. */
function wholePlan(streams: readonly Stream[]): Plan {
  const byId = new Map(streams.map(({ id, labels }) => [id, new StreamLabels(labels)]));
  const line = new LineLabels(ParserHints.all());
  const cache = new Map<string, Labels>();
  return {
    columns: sql`stream, metadata, lower(hex(trace_id)) AS trace, lower(hex(span_id)) AS span`,
    groupBy: sql`stream, metadata, trace, span`,
    labels: (column) => {
      const id = column('stream') as bigint;
      const map = column('metadata') as Map<string, string>;
      const pairs: [string, string][] = [...map];
      const trace = column('trace') as string;
      const span = column('span') as string;
      if (/[^0]/.test(trace) && !map.has('trace_id')) pairs.push(['trace_id', trace]);
      if (/[^0]/.test(span) && !map.has('span_id')) pairs.push(['span_id', span]);
      const metadata = Labels.fromPairs(pairs);
      const key = `${id} ${metadata.key}`;
      let labels = cache.get(key);
      if (labels === undefined) {
        line.reset(byId.get(id) as StreamLabels, metadata, 0n);
        labels = line.labels();
        cache.set(key, labels);
      }
      return labels;
    },
  };
}
