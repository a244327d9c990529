/** Writes queries: `parse(print(query))` is the same query. Also gives fields and aggregates their names in answers. */

import {
  type Aggregate,
  type Field,
  type FieldExpr,
  INTRINSIC_SPELLINGS,
  type MetricsExpr,
  type Query,
  type SecondStage,
  type SpansetExpr,
  type Stage,
} from './ast.ts';
import { formatStatic } from './static.ts';

/** `span.http.route`, `.tenant`, `name`, `event:name`. */
export function printField(field: Field): string {
  if (field.kind === 'intrinsic') return INTRINSIC_SPELLINGS[field.name][0] as string;
  const name = /[\s{}()=~!<>&|^,"]/.test(field.name)
    ? `"${field.name.replace(/[\\"]/g, '\\$&')}"`
    : field.name;
  return field.scope === 'none' ? `.${name}` : `${field.scope}.${name}`;
}

/** A field expression; operands that are operations themselves stand in parentheses. */
export function printExpr(expr: FieldExpr): string {
  const operand = (inner: FieldExpr): string =>
    inner.kind === 'attribute' || inner.kind === 'intrinsic' || inner.kind === 'literal'
      ? printExpr(inner)
      : `(${printExpr(inner)})`;
  switch (expr.kind) {
    case 'attribute':
    case 'intrinsic':
      return printField(expr);
    case 'literal':
      return formatStatic(expr.value);
    case 'unary':
      return expr.op + operand(expr.operand);
    case 'exists':
      return `${operand(expr.operand)} ${expr.absent ? '=' : '!='} nil`;
    case 'binary':
      return `${operand(expr.left)} ${expr.op} ${operand(expr.right)}`;
  }
}

/** `count()`, `avg(duration)`: also the name of its value in search answers. */
export function printAggregate(aggregate: Aggregate): string {
  return `${aggregate.op}(${aggregate.expr === undefined ? '' : printExpr(aggregate.expr)})`;
}

function printSpanset(expr: SpansetExpr): string {
  switch (expr.kind) {
    case 'filter':
      return `{ ${printExpr(expr.expr)} }`;
    case 'operation': {
      const operand = (inner: SpansetExpr): string =>
        inner.kind === 'operation' ? `(${printSpanset(inner)})` : printSpanset(inner);
      return `${operand(expr.left)} ${expr.op} ${operand(expr.right)}`;
    }
    case 'pipeline':
      return `(${printStages(expr.stages)})`;
  }
}

function printStage(stage: Stage): string {
  switch (stage.kind) {
    case 'aggregate':
      return `${printAggregate(stage.aggregate)} ${stage.op} ${formatStatic(stage.value)}`;
    case 'by':
      return `by(${printExpr(stage.expr)})`;
    case 'coalesce':
      return 'coalesce()';
    case 'select':
      return `select(${stage.fields.map(printField).join(', ')})`;
    default:
      return printSpanset(stage);
  }
}

const printStages = (stages: readonly Stage[]): string => stages.map(printStage).join(' | ');

function printSecond(stages: readonly SecondStage[]): string {
  return stages
    .map((stage) =>
      stage.kind === 'threshold'
        ? ` ${stage.op} ${formatStatic(stage.value)}`
        : ` | ${stage.kind}(${stage.limit})`,
    )
    .join('');
}

function printMetrics(expr: MetricsExpr): string {
  if (expr.kind === 'math') {
    return `(${printMetrics(expr.left)}) ${expr.op} (${printMetrics(expr.right)})${printSecond(expr.second)}`;
  }
  const { metrics } = expr;
  const stages = printStages(expr.stages);
  if (metrics.kind === 'compare') {
    const window = metrics.endNs > 0n ? `, ${metrics.startNs}, ${metrics.endNs}` : '';
    return `${stages} | compare(${printSpanset(metrics.selection)}, ${metrics.topN}${window})`;
  }
  const parameters = [
    ...(metrics.field === undefined ? [] : [printField(metrics.field)]),
    ...metrics.quantiles.map(String),
  ];
  const by = metrics.by.length === 0 ? '' : ` by (${metrics.by.map(printField).join(', ')})`;
  return `${stages} | ${metrics.func}(${parameters.join(', ')})${by}${printSecond(expr.second)}`;
}

/** The whole query, hints included. */
export function printQuery(query: Query): string {
  const body = query.kind === 'metrics' ? printMetrics(query.expr) : printStages(query.stages);
  if (query.hints.length === 0) return body;
  const hints = query.hints.map((hint) => `${hint.name}=${formatStatic(hint.value)}`);
  return `${body} with (${hints.join(', ')})`;
}
