/**
 * The tree of a LogQL query. Durations are nanoseconds (bigint); `at` is an offset in the query's text (UTF-16 units):
 * of the argument where a stage has just one, else of the stage's pipe.
 * Knows nothing of how a query is carried out.
 */

import type { Matcher } from '../../model/matcher.ts';

export type LineFilterOperator = '|=' | '!=' | '|~' | '!~' | '|>' | '!>';

/** One alternative of a line filter: a text (or expression, or pattern), or addresses by `ip()`. */
export interface LineFilterMatch {
  readonly text: string;
  readonly isIp: boolean;
  readonly at: number;
}

export type ComparisonSign = '=' | '!=' | '>' | '>=' | '<' | '<=';

/** A test of labels behind `|`. */
export type LabelFilter =
  | { readonly kind: 'string'; readonly matcher: Matcher; readonly at: number }
  | { readonly kind: 'number'; readonly name: string; readonly sign: ComparisonSign; readonly value: number }
  | {
      readonly kind: 'duration';
      readonly name: string;
      readonly sign: ComparisonSign;
      readonly value: bigint;
    }
  | {
      readonly kind: 'bytes';
      readonly name: string;
      readonly sign: ComparisonSign;
      readonly value: number;
      readonly text: string;
    }
  | {
      readonly kind: 'ip';
      readonly name: string;
      readonly negate: boolean;
      readonly text: string;
      readonly at: number;
    }
  | { readonly kind: 'and' | 'or'; readonly left: LabelFilter; readonly right: LabelFilter };

/** `name="expression"` of json and logfmt; the short form has the name as its expression. */
export interface LabelExtraction {
  readonly name: string;
  readonly expression: string;
  readonly at: number;
}

export type LabelFormat =
  | { readonly kind: 'rename'; readonly name: string; readonly from: string; readonly at: number }
  | { readonly kind: 'template'; readonly name: string; readonly template: string; readonly at: number };

/** What `drop` and `keep` name: a label, or a label with certain values. */
export type NamedLabel = { readonly name: string; readonly matcher: Matcher | undefined };

export type StageExpr =
  | {
      readonly kind: 'line-filter';
      readonly operator: LineFilterOperator;
      /** At least one; for a negated operator none of them may match. */
      readonly matches: readonly LineFilterMatch[];
      readonly at: number;
    }
  | { readonly kind: 'json'; readonly extractions: readonly LabelExtraction[]; readonly at: number }
  | {
      readonly kind: 'logfmt';
      readonly strict: boolean;
      readonly keepEmpty: boolean;
      readonly extractions: readonly LabelExtraction[];
      readonly at: number;
    }
  | { readonly kind: 'pattern' | 'regexp'; readonly text: string; readonly at: number }
  | { readonly kind: 'unpack' | 'decolorize'; readonly at: number }
  | { readonly kind: 'label-filter'; readonly filter: LabelFilter; readonly at: number }
  | { readonly kind: 'line-format'; readonly template: string; readonly at: number }
  | { readonly kind: 'label-format'; readonly formats: readonly LabelFormat[]; readonly at: number }
  | { readonly kind: 'drop' | 'keep'; readonly labels: readonly NamedLabel[]; readonly at: number };

export type UnwrapConversion = 'duration' | 'duration_seconds' | 'bytes';

export interface UnwrapExpr {
  readonly label: string;
  readonly conversion: UnwrapConversion | undefined;
  /** Label filters behind it. */
  readonly filters: readonly LabelFilter[];
  readonly at: number;
}

export interface LogExpr {
  readonly kind: 'log';
  readonly matchers: readonly Matcher[];
  readonly stages: readonly StageExpr[];
  readonly at: number;
}

export const RANGE_OPERATIONS = [
  'absent_over_time',
  'avg_over_time',
  'bytes_over_time',
  'bytes_rate',
  'count_over_time',
  'first_over_time',
  'last_over_time',
  'max_over_time',
  'min_over_time',
  'quantile_over_time',
  'rate',
  'rate_counter',
  'stddev_over_time',
  'stdvar_over_time',
  'sum_over_time',
] as const;
export type RangeOperation = (typeof RANGE_OPERATIONS)[number];

export const VECTOR_OPERATIONS = [
  'approx_topk',
  'avg',
  'bottomk',
  'count',
  'max',
  'min',
  'sort',
  'sort_desc',
  'stddev',
  'stdvar',
  'sum',
  'topk',
] as const;
export type VectorOperation = (typeof VECTOR_OPERATIONS)[number];

export interface GroupingExpr {
  readonly without: boolean;
  readonly labels: readonly string[];
}

export interface RangeExpr {
  readonly kind: 'range';
  readonly operation: RangeOperation;
  /** Only for quantile_over_time. */
  readonly parameter: number | undefined;
  readonly log: LogExpr;
  readonly unwrap: UnwrapExpr | undefined;
  readonly rangeNs: bigint;
  readonly offsetNs: bigint;
  readonly grouping: GroupingExpr | undefined;
  readonly at: number;
}

export interface AggregateExpr {
  readonly kind: 'aggregate';
  readonly operation: VectorOperation;
  /** k of topk, bottomk and approx_topk. */
  readonly parameter: number | undefined;
  readonly grouping: GroupingExpr | undefined;
  readonly inner: MetricExpr;
  readonly at: number;
}

export type BinaryOperator =
  | 'or'
  | 'and'
  | 'unless'
  | '=='
  | '!='
  | '>'
  | '>='
  | '<'
  | '<='
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^';

export interface MatchingExpr {
  readonly on: boolean;
  readonly labels: readonly string[];
  readonly group: 'left' | 'right' | undefined;
  readonly include: readonly string[];
}

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly left: MetricExpr;
  readonly right: MetricExpr;
  readonly returnBool: boolean;
  readonly matching: MatchingExpr | undefined;
  readonly at: number;
}

export interface LabelReplaceExpr {
  readonly kind: 'label-replace';
  readonly inner: MetricExpr;
  readonly target: string;
  readonly replacement: string;
  readonly source: string;
  readonly regex: string;
  readonly at: number;
}

export type MetricExpr =
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'vector'; readonly value: number; readonly at: number }
  | RangeExpr
  | AggregateExpr
  | BinaryExpr
  | LabelReplaceExpr;

export type LogQLExpr = LogExpr | MetricExpr;

export function isMetric(expr: LogQLExpr): expr is MetricExpr {
  return expr.kind !== 'log';
}

/** Every range vector of a metric query. */
export function rangesOf(expr: MetricExpr): RangeExpr[] {
  switch (expr.kind) {
    case 'number':
    case 'vector':
      return [];
    case 'range':
      return [expr];
    case 'aggregate':
    case 'label-replace':
      return rangesOf(expr.inner);
    case 'binary':
      return [...rangesOf(expr.left), ...rangesOf(expr.right)];
  }
}

/** Matchers of all selectors of a query. */
export function selectorsOf(expr: LogQLExpr): (readonly Matcher[])[] {
  return isMetric(expr) ? rangesOf(expr).map((range) => range.log.matchers) : [expr.matchers];
}
