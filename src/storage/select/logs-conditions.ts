/**
 * Line filters and label tests of log queries as SQL over log_records. What the server is not certain to mean as the
 * query does is left out: then more lines are read than pass, and `isExact` says so.
 */

import type { Labels } from '../../model/labels.ts';
import type { Matcher } from '../../model/matcher.ts';
import type { LineHint, LogHints } from '../../model/select-logs.ts';
import { matcherTest } from '../../query/syntax/regex.ts';
import { planRegex } from '../../query/syntax/regex-plan.ts';
import { bind, join, type Sql, sql } from '../sql.ts';

export interface HintSql {
  readonly conditions: readonly Sql[];
  /** The conditions say everything. */
  readonly isExact: boolean;
}

const NEVER = sql`0`;

/** Filters of lines. */
export function lineConditions(hints: LogHints): HintSql {
  const conditions: Sql[] = [];
  let isExact = true;
  for (const hint of hints.lines ?? []) {
    const condition = lineCondition(hint);
    if (condition === undefined) isExact = false;
    else if (condition !== 'always') conditions.push(condition);
  }
  return { conditions, isExact };
}

function lineCondition(hint: LineHint): Sql | 'always' | undefined {
  const tests: Sql[] = [];
  for (const text of hint.any) {
    if (text === '') return hint.negate ? NEVER : 'always';
    if (hint.kind === 'contains') tests.push(sql`position(body, ${bind.string(text)}) > 0`);
    else {
      if (planRegex(text, false) === undefined) return undefined;
      // The server's dot takes newlines, the query's does not.
      const pattern = text.includes('.') ? `(?-s)${text}` : text;
      tests.push(sql`match(body, ${bind.string(pattern)})`);
    }
  }
  const any = tests.length === 1 ? (tests[0] as Sql) : sql`(${join(tests, ' OR ')})`;
  return hint.negate ? sql`NOT ${any}` : any;
}

/** `x_extracted`: the name that metadata `x` has where a stream has the label `x`. */
const EXTRACTED = '_extracted';

/** Which streams may pass a test of labels, and what their lines' metadata must satisfy. */
export interface MetadataPlan {
  /** False: no line of the stream passes. */
  admits(stream: Labels): boolean;
  /** Matchers that the stream's own labels do not decide. */
  undecided(stream: Labels): readonly Matcher[];
}

export function planMetadata(hints: LogHints): MetadataPlan {
  const matchers = (hints.metadata ?? []).map((matcher) => ({ matcher, test: matcherTest(matcher) }));
  return {
    admits: (stream) =>
      matchers.every(({ matcher, test }) => !stream.has(matcher.name) || test(stream.get(matcher.name))),
    undecided: (stream) =>
      matchers.filter(({ matcher }) => !stream.has(matcher.name)).map(({ matcher }) => matcher),
  };
}

/** Whether SQL over metadata can tell a label of this name: `_extracted` names depend on the stream. */
export function isPlainName(name: string): boolean {
  return !name.endsWith(EXTRACTED);
}

const ZERO_TRACE = sql`trace_id != toFixedString(unhex('00000000000000000000000000000000'), 16)`;
const ZERO_SPAN = sql`span_id != toFixedString(unhex('0000000000000000'), 8)`;

/**
 * The value of a label of structured metadata, '' when a line has none. Names with an underscore may be stored with
 * another sign in its place (`k8s.pod`).
 */
export function metadataValue(name: string): Sql {
  let stored = sql`metadata[${bind.string(name)}]`;
  if (name.includes('_')) {
    const like = sql`arrayFirst(k -> replaceRegexpAll(k, '[^a-zA-Z0-9_]', '_') = ${bind.string(name)}, mapKeys(metadata))`;
    stored = sql`if(mapContains(metadata, ${bind.string(name)}), metadata[${bind.string(name)}], metadata[${like}])`;
  }
  // Ids that are in columns of their own are left out of the map.
  if (name === 'trace_id') return sql`if(${ZERO_TRACE}, lower(hex(trace_id)), ${stored})`;
  if (name === 'span_id') return sql`if(${ZERO_SPAN}, lower(hex(span_id)), ${stored})`;
  return stored;
}

/** Tests of metadata. */
export function metadataConditions(matchers: readonly Matcher[]): HintSql {
  const conditions: Sql[] = [];
  let isExact = true;
  for (const matcher of matchers) {
    const condition = isPlainName(matcher.name) ? metadataCondition(matcher) : undefined;
    if (condition === undefined) isExact = false;
    else conditions.push(condition);
  }
  return { conditions, isExact };
}

function metadataCondition(matcher: Matcher): Sql | undefined {
  const { name, op, value } = matcher;
  if (name === 'trace_id' && op === '=' && /^[0-9a-f]{32}$/.test(value) && !/^0+$/.test(value)) {
    // The column has an index; the map holds only ids that are not 32 digits, or other ones than the column's.
    return sql`(trace_id = toFixedString(unhex(${bind.string(value)}), 16) OR ${metadataValue(name)} = ${bind.string(value)})`;
  }
  switch (op) {
    case '=':
      return sql`${metadataValue(name)} = ${bind.string(value)}`;
    case '!=':
      return sql`${metadataValue(name)} != ${bind.string(value)}`;
    default: {
      if (planRegex(value, true) === undefined) return undefined;
      const test = sql`match(${metadataValue(name)}, ${bind.string(`^(?s:${value})$`)})`;
      return op === '=~' ? test : sql`NOT ${test}`;
    }
  }
}
