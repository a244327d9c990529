/**
 * Turns filters into conditions that storage can look for. A condition lets through every span that the filter lets
 * through, perhaps more; `exact` says that it lets through no more.
 */

import type { SpanCondition, SpanField } from '../../model/select-spans.ts';
import { compileRegex } from '../syntax/regex.ts';
import type { Field, FieldExpr, SpansetExpr, Stage } from './ast.ts';
import { asFieldTest, type FieldTest } from './expressions.ts';
import { exprUse } from './fields.ts';

export interface PlannedCondition {
  readonly condition: SpanCondition;
  readonly exact: boolean;
}

const TRUE: SpanCondition = { op: 'true' };
const ANYTHING: PlannedCondition = { condition: TRUE, exact: false };
/** Satisfied by no span: what is false at once need not be looked for. */
const NOTHING: PlannedCondition = { condition: { op: 'or', of: [] }, exact: true };
const ROOT: SpanCondition = {
  op: '=',
  field: { kind: 'intrinsic', name: 'parentId' },
  value: { type: 'string', value: '' },
};

const STORED_INTRINSICS: Partial<Record<string, Extract<SpanField, { kind: 'intrinsic' }>['name']>> = {
  name: 'name',
  status: 'status',
  statusMessage: 'statusMessage',
  kind: 'kind',
  duration: 'durationNs',
  spanId: 'spanId',
  parentId: 'parentId',
  traceId: 'traceId',
  eventName: 'eventName',
  scopeName: 'scopeName',
  scopeVersion: 'scopeVersion',
};

/** How storage calls a field, or undefined when it does not keep it per span. */
export function storedField(field: Field): SpanField | undefined {
  if (field.kind === 'attribute') {
    return { kind: 'attribute', scope: field.scope === 'none' ? 'any' : field.scope, name: field.name };
  }
  const name = STORED_INTRINSICS[field.name];
  return name === undefined ? undefined : { kind: 'intrinsic', name };
}

function and(parts: readonly PlannedCondition[]): PlannedCondition {
  const exact = parts.every((part) => part.exact);
  const of = parts.map((part) => part.condition).filter((condition) => condition.op !== 'true');
  const [only] = of;
  if (only === undefined) return { condition: TRUE, exact };
  return { condition: of.length === 1 ? only : { op: 'and', of }, exact };
}

function or(parts: readonly PlannedCondition[]): PlannedCondition {
  const exact = parts.every((part) => part.exact);
  if (parts.some((part) => part.condition.op === 'true')) return { condition: TRUE, exact };
  const of = parts.map((part) => part.condition);
  const [only] = of;
  return { condition: of.length === 1 && only !== undefined ? only : { op: 'or', of }, exact };
}

/** The condition of one filter expression. */
export function planExpr(expr: FieldExpr): PlannedCondition {
  switch (expr.kind) {
    case 'literal':
      return expr.value.type === 'bool' && expr.value.value ? { condition: TRUE, exact: true } : NOTHING;
    case 'attribute': {
      const field = storedField(expr);
      if (field === undefined) return ANYTHING;
      const condition: SpanCondition = { op: '=', field, value: { type: 'bool', value: true } };
      return { condition, exact: false };
    }
    case 'exists':
      return planExists(expr);
    case 'binary': {
      if (expr.op === '&&') {
        const parts = [planExpr(expr.left), planExpr(expr.right)];
        const planned = and(parts);
        // Two conditions on events must hold for the same event, which storage does not promise.
        const use = exprUse(expr);
        return use.events || use.links ? { ...planned, exact: false } : planned;
      }
      if (expr.op === '||') return or([planExpr(expr.left), planExpr(expr.right)]);
      const test = asFieldTest(expr);
      if (test !== undefined) return planTest(test);
      return { condition: and(fieldsOf(expr).map(planPresence)).condition, exact: false };
    }
    default:
      return ANYTHING;
  }
}

/** Comparing what is absent is false, so every attribute of a comparison must be there. */
function fieldsOf(expr: FieldExpr): Field[] {
  switch (expr.kind) {
    case 'attribute':
      return [expr];
    case 'binary':
      return expr.op === '&&' || expr.op === '||' ? [] : [...fieldsOf(expr.left), ...fieldsOf(expr.right)];
    case 'unary':
      return expr.op === '-' ? fieldsOf(expr.operand) : [];
    default:
      return [];
  }
}

function planPresence(field: Field): PlannedCondition {
  const stored = storedField(field);
  return stored === undefined ? ANYTHING : { condition: { op: 'exists', field: stored }, exact: false };
}

function planExists(expr: Extract<FieldExpr, { kind: 'exists' }>): PlannedCondition {
  if (expr.absent || expr.operand.kind !== 'attribute') return ANYTHING;
  return planPresence(expr.operand);
}

function planTest(test: FieldTest): PlannedCondition {
  const { field, op, literal } = test;
  if (field.kind === 'intrinsic') return planIntrinsicTest(test);
  const stored = storedField(field);
  if (stored === undefined) return ANYTHING;
  switch (literal.type) {
    case 'string':
    case 'int':
    case 'double':
    case 'bool': {
      const condition: SpanCondition = { op, field: stored, value: literal };
      // Unscoped: the span's own attribute hides the resource's, which storage does not promise.
      return {
        condition,
        exact: field.scope === 'span' || field.scope === 'resource' || field.scope === 'instrumentation',
      };
    }
    default:
      return planPresence(field);
  }
}

function planIntrinsicTest({ field, op, literal }: FieldTest): PlannedCondition {
  if (field.kind !== 'intrinsic') return ANYTHING;
  const { name } = field;
  if (name === 'nestedSetParent' && literal.type === 'int') {
    // Roots, and only they, have -1.
    const root =
      (op === '<' && literal.value === 0n) || ((op === '=' || op === '<=') && literal.value === -1n);
    return root ? { condition: ROOT, exact: false } : ANYTHING;
  }
  if (name === 'traceId') {
    if (op !== '=' || literal.type !== 'string') return ANYTHING;
    const id = literal.value.toLowerCase().replace(/^0+/, '').padStart(32, '0');
    return {
      condition: { op, field: { kind: 'intrinsic', name }, value: { type: 'string', value: id } },
      exact: true,
    };
  }
  const stored = STORED_INTRINSICS[name];
  if (stored === undefined || name === 'parentId') return ANYTHING;
  const spanField: SpanField = { kind: 'intrinsic', name: stored };
  switch (literal.type) {
    case 'string':
      return { condition: { op, field: spanField, value: literal }, exact: name !== 'eventName' };
    case 'duration':
    case 'int':
      if (name !== 'duration') return ANYTHING;
      return {
        condition: { op, field: spanField, value: { type: 'int', value: literal.value } },
        exact: true,
      };
    case 'status':
    case 'kind':
      return {
        condition: { op, field: spanField, value: { type: 'int', value: BigInt(literal.value) } },
        exact: true,
      };
    default:
      return ANYTHING;
  }
}

/** Conditions on the root that a trace must meet: `rootName = "x"` wants a root span of that name. */
function rootConditions(expr: FieldExpr): SpanCondition[] {
  if (expr.kind !== 'binary') return [];
  if (expr.op === '&&') return [...rootConditions(expr.left), ...rootConditions(expr.right)];
  const test = asFieldTest(expr);
  if (test?.field.kind !== 'intrinsic' || test.literal.type !== 'string') return [];
  const { op, literal } = test;
  const { name } = test.field;
  if (name !== 'rootName' && name !== 'rootServiceName') return [];
  // The names of a trace without root are ''.
  const fits =
    (op === '=' && literal.value !== '') ||
    (op === '=~' && !compileRegex(literal.value, { anchored: true }).test(''));
  if (!fits) return [];
  const field: SpanField =
    name === 'rootName'
      ? { kind: 'intrinsic', name: 'name' }
      : { kind: 'attribute', scope: 'resource', name: 'service.name' };
  return [{ op: 'and', of: [ROOT, { op, field, value: literal }] }];
}

/** What the spans of a trace must meet, each by some span, for a spanset expression to find anything. */
function planSpansets(expr: SpansetExpr): SpanCondition[] {
  switch (expr.kind) {
    case 'filter':
      return [planExpr(expr.expr).condition, ...rootConditions(expr.expr)];
    case 'pipeline':
      return planTrace(expr.stages);
    case 'operation': {
      if (expr.op[0] === '!') return planSpansets(expr.right);
      const left = planSpansets(expr.left);
      const right = planSpansets(expr.right);
      if (expr.op !== '||') return [...left, ...right];
      const either = or([left, right].map((of) => ({ condition: of[0] ?? TRUE, exact: false }))).condition;
      return [either];
    }
  }
}

/** Conditions for whole traces: each must be met by some span. Without any, all traces are candidates. */
export function planTrace(stages: readonly Stage[]): SpanCondition[] {
  const found: SpanCondition[] = [];
  let pending: PlannedCondition[] = [];
  const flush = (): void => {
    if (pending.length > 0) found.push(and(pending).condition);
    pending = [];
  };
  for (const stage of stages) {
    if (stage.kind === 'filter') {
      // Filters one after the other must hold for the same span.
      pending.push(planExpr(stage.expr));
      found.push(...rootConditions(stage.expr));
    } else if (stage.kind === 'operation' || stage.kind === 'pipeline') {
      flush();
      found.push(...planSpansets(stage));
    }
  }
  flush();
  const seen = new Set<string>();
  return found.filter((condition) => {
    if (condition.op === 'true') return false;
    const key = JSON.stringify(condition, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
    return !seen.has(key) && seen.add(key);
  });
}
