/**
 * Label matchers as SQL over the series table. What the server's regular expressions are not certain to mean is left
 * to the process: those matchers come back as `rest`, and more series are read than match.
 */

import { METRIC_NAME } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import { compileRegex, matcherTest } from '../../query/syntax/regex.ts';
import { planRegex } from '../../query/syntax/regex-plan.ts';
import { bind, join, type Sql, sql, TENANT, table } from '../sql.ts';

export interface MatcherSql {
  /** Holds for every matching series; undefined: nothing is asked. */
  readonly condition: Sql | undefined;
  /** Whether any label but the metric name is tested. */
  readonly testsLabels: boolean;
  /** The metric names, when equality or a list names them. */
  readonly metrics: readonly string[] | undefined;
  /** Matchers that the condition does not test. */
  readonly rest: readonly Matcher[];
}

/** How many alternatives of a regular expression are sent as a list. */
const MAX_LIST = 200;

export function matcherSql(matchers: readonly Matcher[]): MatcherSql {
  const parts: Sql[] = [];
  const rest: Matcher[] = [];
  let metrics: readonly string[] | undefined;
  let testsLabels = false;
  for (const matcher of matchers) {
    const isName = matcher.name === METRIC_NAME;
    const part = oneMatcher(matcher, isName ? sql`metric` : sql`labels[${bind.string(matcher.name)}]`);
    if (part === undefined) {
      rest.push(matcher);
      continue;
    }
    parts.push(part);
    if (!isName) testsLabels = true;
    else if (metrics === undefined) metrics = namedValues(matcher);
  }
  return {
    condition: parts.length === 0 ? undefined : join(parts, ' AND '),
    testsLabels,
    metrics,
    rest,
  };
}

function oneMatcher(matcher: Matcher, value: Sql): Sql | undefined {
  const { op, value: want } = matcher;
  if (op === '=') return sql`${value} = ${bind.string(want)}`;
  if (op === '!=') return sql`${value} != ${bind.string(want)}`;
  const { literals } = compileRegex(want, { anchored: true });
  const negated = op === '!~';
  if (literals !== undefined && literals.length <= MAX_LIST) {
    return negated
      ? sql`${value} NOT IN (${join(literals.map(bind.string), ', ')})`
      : sql`${value} IN (${join(literals.map(bind.string), ', ')})`;
  }
  // Plain patterns mean the same in every engine.
  if (planRegex(want, true) === undefined) return undefined;
  const pattern = bind.string(`^(?s:${want})$`);
  return negated ? sql`NOT match(${value}, ${pattern})` : sql`match(${value}, ${pattern})`;
}

/** The values that a matcher admits, when they are few and known. */
function namedValues(matcher: Matcher): readonly string[] | undefined {
  if (matcher.op === '=') return [matcher.value];
  if (matcher.op !== '=~') return undefined;
  const { literals } = compileRegex(matcher.value, { anchored: true });
  return literals !== undefined && literals.length <= MAX_LIST ? literals : undefined;
}

const DAY_MS = 86_400_000;
const MAX_INT32 = 2 ** 31 - 1;

function clamp32(value: number): number {
  return Math.max(-MAX_INT32, Math.min(MAX_INT32, value));
}

/** Series that were active in a time range (to the day). */
export function activeBetween(startMs: number, endMs: number): Sql {
  const firstDay = clamp32(Math.floor(startMs / DAY_MS));
  const lastDay = clamp32(Math.floor(endMs / DAY_MS));
  return sql`week BETWEEN ${bind.int32(Math.floor(firstDay / 7))} AND ${bind.int32(Math.floor(lastDay / 7))}
    AND last_day >= ${bind.int32(firstDay)} AND first_day <= ${bind.int32(lastDay)}`;
}

/** Ids and metrics of the series that match and were active. */
export function matchingSeries(matcher: MatcherSql, startMs: number, endMs: number): Sql {
  return sql`${table.series} WHERE ${TENANT} AND ${activeBetween(startMs, endMs)}${andCondition(matcher)}`;
}

export function andCondition(matcher: MatcherSql): Sql {
  return matcher.condition === undefined ? sql`` : sql` AND ${matcher.condition}`;
}

/** The test of what SQL did not test. */
export function restTest(rest: readonly Matcher[]): ((get: (name: string) => string) => boolean) | undefined {
  if (rest.length === 0) return undefined;
  const tests = rest.map((matcher) => [matcher.name, matcherTest(matcher)] as const);
  return (get) => tests.every(([name, test]) => test(get(name)));
}
