/** The shape of a parsed TraceQL query. Positions are offsets in the text (UTF-16 units). */

import type { Arithmetic, Comparison, Static } from './static.ts';

export type FieldScope = 'none' | 'span' | 'resource' | 'event' | 'link' | 'instrumentation';

export type IntrinsicName =
  | 'duration'
  | 'name'
  | 'status'
  | 'statusMessage'
  | 'kind'
  | 'childCount'
  | 'spanId'
  | 'parentId'
  | 'rootName'
  | 'rootServiceName'
  | 'traceDuration'
  | 'traceId'
  | 'nestedSetLeft'
  | 'nestedSetRight'
  | 'nestedSetParent'
  | 'eventName'
  | 'eventTimeSinceStart'
  | 'linkTraceId'
  | 'linkSpanId'
  | 'scopeName'
  | 'scopeVersion';

/** How intrinsics are written, and named in answers. The first spelling is the canonical one. */
export const INTRINSIC_SPELLINGS: Readonly<Record<IntrinsicName, readonly string[]>> = {
  duration: ['duration', 'span:duration'],
  name: ['name', 'span:name'],
  status: ['status', 'span:status'],
  statusMessage: ['statusMessage', 'span:statusMessage'],
  kind: ['kind', 'span:kind'],
  childCount: ['span:childCount'],
  spanId: ['span:id'],
  parentId: ['span:parentID'],
  rootName: ['rootName', 'trace:rootName'],
  rootServiceName: ['rootServiceName', 'trace:rootService', 'trace:rootServiceName'],
  traceDuration: ['traceDuration', 'trace:duration'],
  traceId: ['trace:id'],
  nestedSetLeft: ['nestedSetLeft'],
  nestedSetRight: ['nestedSetRight'],
  nestedSetParent: ['nestedSetParent'],
  eventName: ['event:name'],
  eventTimeSinceStart: ['event:timeSinceStart'],
  linkTraceId: ['link:traceID'],
  linkSpanId: ['link:spanID'],
  scopeName: ['instrumentation:name'],
  scopeVersion: ['instrumentation:version'],
};

export type Field =
  | {
      readonly kind: 'attribute';
      readonly scope: FieldScope;
      readonly name: string;
      readonly position: number;
    }
  | { readonly kind: 'intrinsic'; readonly name: IntrinsicName; readonly position: number };

export type BinaryOp = Comparison | Arithmetic | '=~' | '!~' | '&&' | '||';

export type FieldExpr =
  | Field
  | { readonly kind: 'literal'; readonly value: Static; readonly position: number }
  | {
      readonly kind: 'unary';
      readonly op: '-' | '!';
      readonly operand: FieldExpr;
      readonly position: number;
    }
  /** `x != nil`, or with `absent` `x = nil`. */
  | {
      readonly kind: 'exists';
      readonly absent: boolean;
      readonly operand: FieldExpr;
      readonly position: number;
    }
  | {
      readonly kind: 'binary';
      readonly op: BinaryOp;
      readonly left: FieldExpr;
      readonly right: FieldExpr;
      readonly position: number;
    };

export const SPANSET_OPS = [
  '&&',
  '||',
  '>',
  '>>',
  '<',
  '<<',
  '~',
  '!>',
  '!>>',
  '!<',
  '!<<',
  '!~',
  '&>',
  '&>>',
  '&<',
  '&<<',
  '&~',
] as const;
export type SpansetOp = (typeof SPANSET_OPS)[number];

export interface SpansetFilter {
  readonly kind: 'filter';
  readonly expr: FieldExpr;
  readonly position: number;
}

export type SpansetExpr =
  | SpansetFilter
  | {
      readonly kind: 'operation';
      readonly op: SpansetOp;
      readonly left: SpansetExpr;
      readonly right: SpansetExpr;
      readonly position: number;
    }
  /** A pipeline in parentheses as an operand. */
  | { readonly kind: 'pipeline'; readonly stages: readonly Stage[]; readonly position: number };

export interface Aggregate {
  readonly op: 'count' | 'avg' | 'min' | 'max' | 'sum';
  readonly expr: FieldExpr | undefined;
  readonly position: number;
}

export type Stage =
  | SpansetExpr
  | {
      readonly kind: 'aggregate';
      readonly aggregate: Aggregate;
      readonly op: Comparison;
      readonly value: Static;
      readonly position: number;
    }
  | { readonly kind: 'by'; readonly expr: FieldExpr; readonly position: number }
  | { readonly kind: 'coalesce'; readonly position: number }
  | { readonly kind: 'select'; readonly fields: readonly Field[]; readonly position: number };

export type RangeFunction =
  | 'rate'
  | 'count_over_time'
  | 'min_over_time'
  | 'max_over_time'
  | 'avg_over_time'
  | 'sum_over_time'
  | 'quantile_over_time'
  | 'histogram_over_time';

export type MetricsStage =
  | {
      readonly kind: 'range';
      readonly func: RangeFunction;
      readonly field: Field | undefined;
      readonly quantiles: readonly number[];
      readonly by: readonly Field[];
      readonly position: number;
    }
  | {
      readonly kind: 'compare';
      readonly selection: SpansetFilter;
      readonly topN: number;
      /** Nanoseconds since the epoch; both 0 when the whole range is the selection's. */
      readonly startNs: bigint;
      readonly endNs: bigint;
      readonly position: number;
    };

export type SecondStage =
  | { readonly kind: 'topk' | 'bottomk'; readonly limit: number; readonly position: number }
  | {
      readonly kind: 'threshold';
      readonly op: Comparison;
      readonly value: Static;
      readonly position: number;
    };

export type MetricsExpr =
  | {
      readonly kind: 'query';
      readonly stages: readonly Stage[];
      readonly metrics: MetricsStage;
      readonly second: readonly SecondStage[];
      readonly position: number;
    }
  | {
      readonly kind: 'math';
      readonly op: '+' | '-' | '*' | '/';
      readonly left: MetricsExpr;
      readonly right: MetricsExpr;
      readonly second: readonly SecondStage[];
      readonly position: number;
    };

export interface Hint {
  readonly name: string;
  readonly value: Static;
}

/** Something that was taken although it is slightly off. */
export interface QueryWarning {
  readonly message: string;
  readonly position: number;
}

export interface TraceQuery {
  readonly kind: 'search';
  readonly stages: readonly Stage[];
  readonly hints: readonly Hint[];
  readonly warnings: readonly QueryWarning[];
}

export interface MetricsQuery {
  readonly kind: 'metrics';
  readonly expr: MetricsExpr;
  readonly hints: readonly Hint[];
  readonly warnings: readonly QueryWarning[];
}

export type Query = TraceQuery | MetricsQuery;
