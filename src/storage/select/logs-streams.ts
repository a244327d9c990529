/** Log streams by matchers: which there are, and which were active. */

import { compareCodePoints, Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { StreamQuery } from '../../model/select-logs.ts';
import type { ScopedClient } from '../scope.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';
import { activeBetween, matcherSql, restTest } from './metrics-matchers.ts';

const MS = 1_000_000n;
const DAY_NS = 86_400_000n * MS;
/** Up to this range a look-up asks the lines themselves which streams were there. */
const MAX_PRECISE_RANGE_NS = 7n * DAY_NS;
/** Decoded label sets that are kept, over all tenants. */
const MAX_KNOWN = 200_000;

export interface Stream {
  readonly id: bigint;
  readonly labels: Labels;
}

/** Label sets by the id of their stream: an id is a hash of its labels, so what is known stays right. */
export class StreamCatalog {
  readonly #known = new Map<bigint, Labels>();

  labels(id: bigint, decode: () => Labels): Labels {
    let labels = this.#known.get(id);
    if (labels === undefined) {
      labels = decode();
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(id, labels);
    }
    return labels;
  }
}

/** Streams that satisfy one of the matcher sets (none: all) and were active, to the day, in [startNs, endNs). */
export async function findStreams(
  scope: ScopedClient,
  catalog: StreamCatalog,
  matcherSets: readonly (readonly Matcher[])[],
  startNs: bigint,
  endNs: bigint,
  signal: AbortSignal | undefined,
): Promise<Stream[]> {
  if (endNs <= startNs) return [];
  const sets = matcherSets.map((set) => {
    const named = set.filter((matcher) => matcher.name !== '__name__');
    const others = set.filter((matcher) => matcher.name === '__name__');
    const { condition, rest } = matcherSql(named);
    return { condition, rest: restTest([...rest, ...others]) };
  });
  // A set without a condition admits anything, so that the others need not be asked.
  const asks = sets.every(({ condition }) => condition !== undefined);
  const conditions = asks ? sets.map(({ condition }) => sql`(${condition as Sql})`) : [];
  const where = conditions.length === 0 ? sql`` : sql` AND (${join(conditions, ' OR ')})`;
  const query = sql`SELECT id, any(labels) AS set FROM ${table.streams}
    WHERE ${TENANT} AND ${activeBetween(Number(startNs / MS), Number((endNs - 1n) / MS))}${where}
    GROUP BY id`;
  const needsTest = !asks || sets.some(({ rest }) => rest !== undefined);
  const tests = needsTest ? matcherSets.map((set) => restTest(set) ?? (() => true)) : [];
  const found: Stream[] = [];
  for (const block of await scope.query(query, { signal })) {
    const ids = block.bigints('id');
    const column = block.map('set');
    for (let row = 0; row < block.rows; row++) {
      const id = ids.value(row);
      const labels = catalog.labels(id, () => {
        const pairs: [string, string][] = [];
        for (const [name, value] of column.value(row)) pairs.push([name as string, value as string]);
        return Labels.fromPairs(pairs);
      });
      if (tests.length > 0 && !tests.some((test) => test((name) => labels.get(name)))) continue;
      found.push({ id, labels });
    }
  }
  return found;
}

/** As findStreams, but exact to the nanosecond for ranges up to a week. */
export async function presentStreams(
  scope: ScopedClient,
  catalog: StreamCatalog,
  query: StreamQuery,
  signal: AbortSignal | undefined,
): Promise<Stream[]> {
  const { matcherSets, startNs, endNs } = query;
  const found = await findStreams(scope, catalog, matcherSets, startNs, endNs, signal);
  if (found.length === 0 || endNs - startNs > MAX_PRECISE_RANGE_NS) return found;
  const present = new Set<bigint>();
  const request = sql`SELECT DISTINCT stream FROM ${table.log_records} WHERE ${TENANT}
    AND stream IN ${bind.uint64s(found.map(({ id }) => id))} AND ${timeWithin(startNs, endNs)}`;
  for (const block of await scope.query(request, { signal })) {
    const ids = block.bigints('stream');
    for (let row = 0; row < block.rows; row++) present.add(ids.value(row));
  }
  return found.filter(({ id }) => present.has(id));
}

const MAX_INT64 = 2n ** 63n - 1n;

function clamp(ns: bigint): bigint {
  if (ns > MAX_INT64) return MAX_INT64;
  return ns < -MAX_INT64 ? -MAX_INT64 : ns;
}

/** startNs <= ts < endNs. */
export function timeWithin(startNs: bigint, endNs: bigint): Sql {
  return sql`ts >= ${bind.int64(clamp(startNs))} AND ts < ${bind.int64(clamp(endNs))}`;
}

/** Values of what streams have, sorted and without repeats. */
export function distinct(values: Iterable<string>, limit: number | undefined): string[] {
  const set = new Set(values);
  set.delete('');
  const sorted = [...set].sort(compareCodePoints);
  return limit === undefined ? sorted : sorted.slice(0, limit);
}
