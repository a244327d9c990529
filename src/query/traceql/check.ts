/** Type checks of a parsed query: what can be said of it before any span is seen. Throws InputError. */

import { InputError } from '../../model/errors.ts';
import { compileRegex } from '../syntax/regex.ts';
import type {
  BinaryOp,
  Field,
  FieldExpr,
  IntrinsicName,
  MetricsExpr,
  Query,
  SpansetExpr,
  Stage,
} from './ast.ts';
import { printExpr, printField } from './print.ts';

/** `attribute`: known only when a span is seen. */
type ImpliedType =
  | 'attribute'
  | 'int'
  | 'double'
  | 'string'
  | 'bool'
  | 'duration'
  | 'status'
  | 'kind'
  | 'nil'
  | 'array';

/** How many fields a metrics query may group by, and how many values compare() may show. */
const MAX_GROUP_BY = 5;
const MAX_COMPARE_TOP = 1000;

const INTRINSIC_TYPES: Readonly<Record<IntrinsicName, ImpliedType>> = {
  duration: 'duration',
  name: 'string',
  status: 'status',
  statusMessage: 'string',
  kind: 'kind',
  childCount: 'int',
  spanId: 'string',
  parentId: 'string',
  rootName: 'string',
  rootServiceName: 'string',
  traceDuration: 'duration',
  traceId: 'string',
  nestedSetLeft: 'int',
  nestedSetRight: 'int',
  nestedSetParent: 'int',
  eventName: 'string',
  eventTimeSinceStart: 'duration',
  linkTraceId: 'string',
  linkSpanId: 'string',
  scopeName: 'string',
  scopeVersion: 'string',
};

const ARITHMETIC = new Set<BinaryOp>(['+', '-', '*', '/', '%', '^']);
const ORDER = new Set<BinaryOp>(['<', '<=', '>', '>=']);
const EQUALITY = new Set<BinaryOp>(['=', '!=']);
const REGEX = new Set<BinaryOp>(['=~', '!~']);
const LOGIC = new Set<BinaryOp>(['&&', '||']);

function fail(message: string, position: number, hint?: string): never {
  throw new InputError(message, hint === undefined ? { position } : { position, hint });
}

const numeric = (type: ImpliedType): boolean => type === 'int' || type === 'double' || type === 'duration';

function matching(a: ImpliedType, b: ImpliedType): boolean {
  return a === 'attribute' || b === 'attribute' || a === b || (numeric(a) && numeric(b));
}

function allows(op: BinaryOp, type: ImpliedType): boolean {
  if (type === 'attribute') return true;
  if (numeric(type)) return ARITHMETIC.has(op) || ORDER.has(op) || EQUALITY.has(op);
  switch (type) {
    case 'string':
      return ORDER.has(op) || EQUALITY.has(op) || REGEX.has(op);
    case 'bool':
      return LOGIC.has(op) || EQUALITY.has(op);
    default:
      return EQUALITY.has(op);
  }
}

/** The type that an expression has for every span. Checks it on the way. */
function typeOf(expr: FieldExpr): ImpliedType {
  switch (expr.kind) {
    case 'attribute':
      return 'attribute';
    case 'intrinsic':
      return INTRINSIC_TYPES[expr.name];
    case 'literal':
      return expr.value.type;
    case 'exists':
      checkExists(expr);
      return 'bool';
    case 'unary': {
      const type = typeOf(expr.operand);
      const fits = type === 'attribute' || (expr.op === '-' ? numeric(type) : type === 'bool');
      if (!fits) fail(`illegal operation for the given type: ${printExpr(expr)}`, expr.position);
      return expr.op === '!' ? 'bool' : type;
    }
    case 'binary':
      return typeOfBinary(expr);
  }
}

function checkExists(expr: Extract<FieldExpr, { kind: 'exists' }>): void {
  typeOf(expr.operand);
  if (!expr.absent) return;
  if (expr.operand.kind === 'intrinsic') {
    fail(`${printExpr(expr)} is not valid because intrinsics cannot be nil`, expr.position);
  }
  if (
    expr.operand.kind === 'attribute' &&
    expr.operand.scope === 'resource' &&
    expr.operand.name === 'service.name'
  ) {
    fail(`${printExpr(expr)} is not valid because resource.service.name cannot be nil`, expr.position);
  }
}

function typeOfBinary(expr: Extract<FieldExpr, { kind: 'binary' }>): ImpliedType {
  const { op, left, right } = expr;
  const a = typeOf(left);
  const b = typeOf(right);
  if (!matching(a, b)) {
    fail(
      `binary operations must operate on the same type: ${printExpr(expr)}`,
      expr.position,
      a === 'duration' || b === 'duration'
        ? 'Durations are written without quotes: 100ms, 1.5s.'
        : a === 'status' || b === 'status' || a === 'kind' || b === 'kind'
          ? 'Values of status and kind are written without quotes: status = error, kind = server.'
          : undefined,
    );
  }
  if (!allows(op, a) || !allows(op, b)) {
    fail(`illegal operation for the given types: ${printExpr(expr)}`, expr.position);
  }
  if (REGEX.has(op)) {
    if (right.kind !== 'literal' || right.value.type !== 'string') {
      fail(`the right side of ${op} must be a string: ${printExpr(expr)}`, right.position);
    }
    try {
      compileRegex(right.value.value, { anchored: true });
    } catch (cause) {
      if (!(cause instanceof InputError)) throw cause;
      throw new InputError(`invalid regex: ${cause.message}`, { position: right.position, cause });
    }
  }
  if (!ARITHMETIC.has(op)) return 'bool';
  if (a === 'attribute' || b === 'attribute') return 'attribute';
  return a === b ? a : 'double';
}

function referencesSpan(expr: FieldExpr): boolean {
  switch (expr.kind) {
    case 'attribute':
    case 'intrinsic':
      return true;
    case 'literal':
      return false;
    case 'binary':
      return referencesSpan(expr.left) || referencesSpan(expr.right);
    default:
      return referencesSpan(expr.operand);
  }
}

function checkSpanset(expr: SpansetExpr): void {
  switch (expr.kind) {
    case 'filter': {
      const type = typeOf(expr.expr);
      if (type !== 'attribute' && type !== 'bool') {
        fail(
          `span filter field expressions must resolve to a boolean: { ${printExpr(expr.expr)} }`,
          expr.expr.position,
        );
      }
      return;
    }
    case 'operation':
      checkSpanset(expr.left);
      checkSpanset(expr.right);
      return;
    case 'pipeline':
      for (const stage of expr.stages) checkStage(stage);
  }
}

function checkStage(stage: Stage): void {
  switch (stage.kind) {
    case 'filter':
    case 'operation':
    case 'pipeline':
      checkSpanset(stage);
      return;
    case 'by':
      if (!referencesSpan(stage.expr)) {
        fail(
          `grouping field expressions must reference the span: by(${printExpr(stage.expr)})`,
          stage.expr.position,
        );
      }
      typeOf(stage.expr);
      return;
    case 'aggregate': {
      const { expr, op } = stage.aggregate;
      if (expr === undefined) return;
      const type = typeOf(expr);
      if (type !== 'attribute' && !numeric(type)) {
        fail(
          `aggregate field expressions must resolve to a number type: ${op}(${printExpr(expr)})`,
          expr.position,
        );
      }
      if (!referencesSpan(expr)) {
        fail(`aggregate field expressions must reference the span: ${op}(${printExpr(expr)})`, expr.position);
      }
      return;
    }
    default:
      return;
  }
}

function checkNumeric(field: Field, what: string): void {
  if (field.kind === 'attribute') return;
  if (!numeric(INTRINSIC_TYPES[field.name])) {
    fail(`${what} needs a number: ${printField(field)}`, field.position);
  }
}

function containsCompare(expr: MetricsExpr): boolean {
  if (expr.kind === 'query') return expr.metrics.kind === 'compare';
  return containsCompare(expr.left) || containsCompare(expr.right);
}

function checkMetrics(expr: MetricsExpr): void {
  for (const stage of expr.second) {
    if (stage.kind !== 'threshold' && stage.limit <= 0)
      fail(`${stage.kind}: the limit must be greater than 0`, stage.position);
  }
  if (containsCompare(expr) && (expr.kind === 'math' || expr.second.length > 0)) {
    fail('`compare()` cannot be used with second stage functions or arithmetic', expr.position);
  }
  if (expr.kind === 'math') {
    checkMetrics(expr.left);
    checkMetrics(expr.right);
    return;
  }
  for (const stage of expr.stages) checkStage(stage);
  const { metrics } = expr;
  if (metrics.kind === 'compare') {
    checkSpanset(metrics.selection);
    if (metrics.topN < 1 || metrics.topN > MAX_COMPARE_TOP) {
      fail(`compare() shows between 1 and ${MAX_COMPARE_TOP} values`, metrics.position);
    }
    if (metrics.startNs > 0n && metrics.endNs <= metrics.startNs) {
      fail('compare(): the end must be after the start', metrics.position);
    }
    return;
  }
  if (metrics.by.length > MAX_GROUP_BY) {
    fail(`metrics can be grouped by at most ${MAX_GROUP_BY} fields`, metrics.position);
  }
  if (metrics.field !== undefined) checkNumeric(metrics.field, metrics.func);
  for (const quantile of metrics.quantiles) {
    if (!(quantile >= 0 && quantile <= 1))
      fail(`quantile must be between 0 and 1: ${quantile}`, metrics.position);
  }
}

/** Throws InputError for the first mistake. */
export function checkQuery(query: Query): void {
  if (query.kind === 'metrics') checkMetrics(query.expr);
  else for (const stage of query.stages) checkStage(stage);
}
