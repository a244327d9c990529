/**
 * Compiles field expressions into functions over rows. The rules of types are Tempo's: an attribute compared with a
 * literal must have the literal's type; two fields compare as numbers whatever kind of numbers they are; whatever
 * cannot be compared is false.
 */

import type { AttributeValue } from '../../model/select-spans.ts';
import { compileRegex } from '../syntax/regex.ts';
import type { Field, FieldExpr } from './ast.ts';
import {
  compileField,
  exprUse,
  type FieldReader,
  type FieldUse,
  fieldUse,
  type Row,
  shortTraceId,
} from './fields.ts';
import {
  type Arithmetic,
  arithmetic,
  boolStatic,
  type Comparison,
  compareStatics,
  FALSE,
  NIL,
  type Static,
  stringStatic,
} from './static.ts';
import type { SpanNode } from './trace-node.ts';

export type Predicate = (row: Row) => boolean;
export type ValueTest = (value: Static) => boolean;

const FLIPPED: Readonly<Record<Comparison, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
const NEGATIVE = new Set<string>(['!=', '!~']);

/** A comparison of a field with a literal, field first. */
export interface FieldTest {
  readonly field: Field;
  readonly op: Comparison | '=~' | '!~';
  readonly literal: Static;
}

/** Sees a comparison of a field with a literal in an expression, whichever side the literal is on. */
export function asFieldTest(expr: FieldExpr): FieldTest | undefined {
  if (expr.kind !== 'binary') return undefined;
  const { op, left, right } = expr;
  if (
    op === '&&' ||
    op === '||' ||
    op === '+' ||
    op === '-' ||
    op === '*' ||
    op === '/' ||
    op === '%' ||
    op === '^'
  ) {
    return undefined;
  }
  const isField = (side: FieldExpr): side is Field => side.kind === 'attribute' || side.kind === 'intrinsic';
  if (isField(left) && right.kind === 'literal') return { field: left, op, literal: right.value };
  if (isField(right) && left.kind === 'literal' && op !== '=~' && op !== '!~') {
    return { field: right, op: FLIPPED[op], literal: left.value };
  }
  return undefined;
}

/** The test of one single value (no array) that a comparison of a field with a literal makes. */
export function compileSingleTest(test: FieldTest): ValueTest {
  const { field, op, literal } = test;
  if (op === '=~' || op === '!~') {
    const regex = compileRegex(literal.type === 'string' ? literal.value : '', { anchored: true });
    const want = op === '=~';
    return (value) => value.type === 'string' && regex.test(value.value) === want;
  }
  if (field.kind === 'attribute') {
    // A duration is no type of attributes: compared with the numbers as they are, in nanoseconds.
    if (literal.type === 'duration') return (value) => compareStatics(op, value, literal);
    const { type } = literal;
    if (type === 'string' && (op === '=' || op === '!=')) {
      const want = op === '=';
      return (value) => value.type === 'string' && (value.value === literal.value) === want;
    }
    return (value) => value.type === type && compareStatics(op, value, literal);
  }
  if (field.name === 'traceId' && literal.type === 'string') {
    const short = stringStatic(shortTraceId(literal.value));
    return (value) => compareStatics(op, value, short);
  }
  return (value) => compareStatics(op, value, literal);
}

/** The test of a value that may be an array: any element will do, also for `!=` and `!~`. */
export function compileTest(test: FieldTest): ValueTest {
  const single = compileSingleTest(test);
  return (value) => {
    if (value.type !== 'array') return single(value);
    for (const item of value.value) if (item.type !== 'other' && single(item)) return true;
    return false;
  };
}

/** Compares two values of which neither is written in the query: negations must hold for all elements of an array. */
function compareDynamic(op: Comparison, a: Static, b: Static): boolean {
  if (op === '!=' && (a.type === 'array') !== (b.type === 'array')) {
    const [array, single] = a.type === 'array' ? [a, b] : b.type === 'array' ? [b, a] : [undefined, a];
    const differs = (item: AttributeValue): boolean =>
      item.type !== 'other' && compareStatics('!=', item, single);
    return array?.value.every(differs) === true;
  }
  return compareStatics(op, a, b);
}

/** Reads a value; for field expressions that are no plain test. */
export function compileValue(expr: FieldExpr): FieldReader {
  switch (expr.kind) {
    case 'attribute':
    case 'intrinsic':
      return compileField(expr);
    case 'literal':
      return () => expr.value;
    case 'exists': {
      const test = compilePredicate(expr);
      return (row) => boolStatic(test(row));
    }
    case 'unary': {
      const operand = compileValue(expr.operand);
      if (expr.op === '!') {
        return (row) => {
          const value = operand(row);
          return value.type === 'bool' ? boolStatic(!value.value) : FALSE;
        };
      }
      return (row) => {
        const value = operand(row);
        switch (value.type) {
          case 'int':
            return { type: 'int', value: BigInt.asIntN(64, -value.value) };
          case 'duration':
            return { type: 'duration', value: -value.value };
          case 'double':
            return { type: 'double', value: -value.value };
          default:
            return NIL;
        }
      };
    }
    case 'binary': {
      switch (expr.op) {
        case '+':
        case '-':
        case '*':
        case '/':
        case '%':
        case '^': {
          const op: Arithmetic = expr.op;
          const left = compileValue(expr.left);
          const right = compileValue(expr.right);
          return (row) => arithmetic(op, left(row), right(row));
        }
        default: {
          const test = compilePredicate(expr);
          return (row) => boolStatic(test(row));
        }
      }
    }
  }
}

/** Whether the expression is true for a row. */
export function compilePredicate(expr: FieldExpr): Predicate {
  if (expr.kind === 'exists') return compileExists(expr);
  if (expr.kind === 'binary') {
    const { op } = expr;
    if (op === '&&' || op === '||') {
      const left = compilePredicate(expr.left);
      const right = compilePredicate(expr.right);
      return op === '&&' ? (row) => left(row) && right(row) : (row) => left(row) || right(row);
    }
    const test = asFieldTest(expr);
    if (test !== undefined) {
      const read = compileField(test.field);
      const passes = compileTest(test);
      return (row) => passes(read(row));
    }
    if (op === '=~' || op === '!~') {
      const read = compileValue(expr.left);
      if (expr.right.kind !== 'literal' || expr.right.value.type !== 'string') return () => false;
      const regex = compileRegex(expr.right.value.value, { anchored: true });
      const want = !NEGATIVE.has(op);
      return (row) => {
        const value = read(row);
        return value.type === 'string' && regex.test(value.value) === want;
      };
    }
    if (op === '=' || op === '!=' || op === '<' || op === '<=' || op === '>' || op === '>=') {
      const left = compileValue(expr.left);
      const right = compileValue(expr.right);
      return (row) => compareDynamic(op, left(row), right(row));
    }
  }
  const read = compileValue(expr);
  return (row) => {
    const value = read(row);
    return value.type === 'bool' && value.value;
  };
}

function compileExists(expr: Extract<FieldExpr, { kind: 'exists' }>): Predicate {
  const read = compileValue(expr.operand);
  if (!expr.absent) return (row) => read(row).type !== 'nil';
  const use = exprUse(expr.operand);
  if (!use.events && !use.links) return (row) => read(row).type === 'nil';
  // An attribute of events is absent when no event has it.
  return (row) => {
    for (const each of rowsOf(row.node, use)) if (read(each).type !== 'nil') return false;
    return true;
  };
}

/** The rows of a span: one for each event and link that matters, at least one. */
function* rowsOf(node: SpanNode, use: FieldUse): Generator<Row> {
  const events = use.events && node.span.events.length > 0 ? node.span.events : [undefined];
  const links = use.links && node.span.links.length > 0 ? node.span.links : [undefined];
  for (const event of events) for (const link of links) yield { node, event, link };
}

/** A filter over spans: true when it holds for some event and some link of the span. */
export function compileFilter(expr: FieldExpr): (node: SpanNode) => boolean {
  if (expr.kind === 'literal') {
    const always = expr.value.type === 'bool' && expr.value.value;
    return () => always;
  }
  const test = compilePredicate(expr);
  const use = exprUse(expr);
  if (!use.events && !use.links) {
    return (node) => test({ node, event: undefined, link: undefined });
  }
  return (node) => {
    for (const row of rowsOf(node, use)) if (test(row)) return true;
    return false;
  };
}

/**
 * Reads a field or expression outside of filters, where no event or link is given: from the first event (link) that
 * satisfies one of the query's filters on events and has a value.
 */
export function compileSpanValue(expr: FieldExpr, filters: readonly FieldExpr[]): (node: SpanNode) => Static {
  const read = compileValue(expr);
  const use = exprUse(expr);
  if (!use.events && !use.links) return (node) => read({ node, event: undefined, link: undefined });
  const accepts = rowGuard(use, filters);
  return (node) => {
    for (const row of rowsOf(node, use)) {
      if (!accepts(row)) continue;
      const value = read(row);
      if (value.type !== 'nil') return value;
    }
    return NIL;
  };
}

function rowGuard(use: FieldUse, filters: readonly FieldExpr[]): Predicate {
  const tests: Predicate[] = [];
  for (const filter of filters) {
    const uses = exprUse(filter);
    if ((use.events && uses.events) || (use.links && uses.links)) {
      // Other kinds of rows of the same filter may be any.
      const test = compilePredicate(filter);
      const rest: FieldUse = {
        events: uses.events && !use.events,
        links: uses.links && !use.links,
        trace: false,
      };
      tests.push((row) => {
        for (const each of rowsOf(row.node, rest)) {
          if (test({ node: row.node, event: row.event ?? each.event, link: row.link ?? each.link }))
            return true;
        }
        return false;
      });
    }
  }
  return tests.length === 0 ? () => true : (row) => tests.some((test) => test(row));
}

/**
 * Reads a field for display: only what satisfies one of `tests` (elements of arrays each by themselves), or all of it
 * when there are none.
 */
export function compileShown(
  field: Field,
  tests: readonly FieldTest[] | undefined,
  filters: readonly FieldExpr[],
): (node: SpanNode) => Static {
  const passes = tests?.map(compileSingleTest);
  const keep = (value: Static): Static => {
    if (passes === undefined) return value;
    if (value.type !== 'array') return passes.some((test) => test(value)) ? value : NIL;
    const kept = value.value.filter((item) => item.type !== 'other' && passes.some((test) => test(item)));
    const [first] = kept;
    if (first === undefined || first.type === 'other') return NIL;
    return kept.length === 1 ? first : { type: 'array', value: kept };
  };
  const read = compileField(field);
  const use = fieldUse(field);
  if (!use.events && !use.links) return (node) => keep(read({ node, event: undefined, link: undefined }));
  const accepts = rowGuard(use, filters);
  return (node) => {
    for (const row of rowsOf(node, use)) {
      if (!accepts(row)) continue;
      const value = keep(read(row));
      if (value.type !== 'nil') return value;
    }
    return NIL;
  };
}
