/** Parses field expressions: what stands in `{ ... }`, `by(...)` and the aggregates. */

import {
  type BinaryOp,
  type Field,
  type FieldExpr,
  type FieldScope,
  INTRINSIC_SPELLINGS,
  type IntrinsicName,
  type QueryWarning,
} from './ast.ts';
import type { Scanner } from './scanner.ts';
import {
  type Arithmetic,
  arithmetic,
  boolStatic,
  type Comparison,
  compareStatics,
  FALSE,
  KIND_NAMES,
  kindStatic,
  STATUS_NAMES,
  type Static,
  statusStatic,
  stringStatic,
  TRUE,
} from './static.ts';

/** How deep expressions may nest, and how many parts a query may have. */
export const MAX_DEPTH = 200;
export const MAX_NODES = 5_000;

export interface ParseOptions {
  /**
   * Names such as `service.name` without a scope and without the leading dot: `refuse` (as Tempo does) or `accept` them as
   * unscoped attributes with a warning.
   */
  readonly bareNames?: 'accept' | 'refuse';
}

/** What a parse shares between its parts. */
export interface ParseState {
  readonly scanner: Scanner;
  readonly options: ParseOptions;
  readonly warnings: QueryWarning[];
  depth: number;
  nodes: number;
}

const BINARY: readonly { readonly op: BinaryOp; readonly level: number }[] = [
  { op: '&&', level: 1 },
  { op: '||', level: 1 },
  { op: '=~', level: 2 },
  { op: '!~', level: 2 },
  { op: '!=', level: 2 },
  { op: '<=', level: 2 },
  { op: '>=', level: 2 },
  { op: '=', level: 2 },
  { op: '<', level: 2 },
  { op: '>', level: 2 },
  { op: '+', level: 3 },
  { op: '-', level: 3 },
  { op: '*', level: 5 },
  { op: '/', level: 5 },
  { op: '%', level: 5 },
  { op: '^', level: 6 },
];
const NOT_LEVEL = 4;
const SIGN_LEVEL = 3;
const COMPARISONS = new Set<string>(['=', '!=', '<', '<=', '>', '>=']);

const SCOPES: readonly { readonly prefix: string; readonly scope: FieldScope }[] = [
  { prefix: 'span.', scope: 'span' },
  { prefix: 'resource.', scope: 'resource' },
  { prefix: 'event.', scope: 'event' },
  { prefix: 'link.', scope: 'link' },
  { prefix: 'instrumentation.', scope: 'instrumentation' },
];
const INTRINSIC_SCOPES = ['trace:', 'span:', 'event:', 'link:', 'instrumentation:'];

const intrinsics = new Map(
  Object.entries(INTRINSIC_SPELLINGS).flatMap(([name, spellings]) =>
    spellings.map((spelling): [string, IntrinsicName] => [spelling, name as IntrinsicName]),
  ),
);

const keywords = new Map<string, Static>([
  ['true', TRUE],
  ['false', FALSE],
  ['minInt', { type: 'int', value: -(1n << 63n) }],
  ['maxInt', { type: 'int', value: (1n << 63n) - 1n }],
  ...STATUS_NAMES.map((name, code): [string, Static] => [name, statusStatic(code)]),
  ...KIND_NAMES.map((name, kind): [string, Static] => [name, kindStatic(kind)]),
]);

/** Counts a part of the query and enters a level of nesting; `leave` after it. */
export function enter(state: ParseState): void {
  count(state);
  if (++state.depth > MAX_DEPTH) {
    throw state.scanner.error(`parse error: the query is nested more than ${MAX_DEPTH} levels deep`);
  }
}

export function leave(state: ParseState): void {
  state.depth--;
}

function count(state: ParseState): void {
  if (++state.nodes > MAX_NODES) {
    throw state.scanner.error(`parse error: the query has more than ${MAX_NODES} parts`);
  }
}

/** A field expression whose operators bind at least as tightly as `level`. */
export function parseFieldExpr(state: ParseState, level = 0): FieldExpr {
  const { scanner } = state;
  enter(state);
  let left: FieldExpr | 'nil' = parsePrimary(state);
  for (;;) {
    if (scanner.atEnd()) break;
    const next = BINARY.find(({ op }) => scanner.sees(op));
    if (next === undefined) break;
    // Only `^` groups to the right.
    if (next.op === '^' ? next.level < level : next.level <= level) break;
    const position = scanner.at;
    scanner.at += next.op.length;
    count(state);
    const right = COMPARISONS.has(next.op) && acceptNil(state) ? 'nil' : parseFieldExpr(state, next.level);
    left = combine(state, next.op, left, right, position);
  }
  leave(state);
  if (left === 'nil') throw scanner.error('parse error: nil can only be compared by = or !=');
  return left;
}

/** Takes the word nil, unless it is the start of a bare dotted name. */
function acceptNil(state: ParseState): boolean {
  const { scanner } = state;
  if (scanner.peekWord() !== 'nil' || scanner.text[scanner.at + 3] === '.') return false;
  return scanner.acceptWord('nil');
}

function combine(
  state: ParseState,
  op: BinaryOp,
  left: FieldExpr | 'nil',
  right: FieldExpr | 'nil',
  position: number,
): FieldExpr {
  if (left === 'nil' || right === 'nil') {
    if (op !== '=' && op !== '!=') {
      throw state.scanner.error('parse error: nil can only be compared by = or !=', position);
    }
    const operand = left === 'nil' ? right : left;
    if (operand === 'nil') return { kind: 'literal', value: FALSE, position };
    return { kind: 'exists', absent: op === '=', operand, position };
  }
  const node: FieldExpr = { kind: 'binary', op, left, right, position };
  return fold(node);
}

/** Computes what does not depend on a span, where the types allow it. */
function fold(node: Extract<FieldExpr, { kind: 'binary' }>): FieldExpr {
  const { op, left, right } = node;
  if (left.kind !== 'literal' || right.kind !== 'literal') return node;
  const a = left.value;
  const b = right.value;
  const literal = (value: Static): FieldExpr => ({ kind: 'literal', value, position: left.position });
  const numeric = (value: Static) =>
    value.type === 'int' || value.type === 'double' || value.type === 'duration';
  if (op === '&&' || op === '||') {
    if (a.type !== 'bool' || b.type !== 'bool') return node;
    return literal(boolStatic(op === '&&' ? a.value && b.value : a.value || b.value));
  }
  if (op === '=~' || op === '!~') return node;
  if (COMPARISONS.has(op)) {
    const ordering = op !== '=' && op !== '!=';
    if (a.type !== b.type && !(numeric(a) && numeric(b))) return node;
    if (ordering && !numeric(a) && a.type !== 'string') return node;
    return literal(boolStatic(compareStatics(op as Comparison, a, b)));
  }
  if (!numeric(a) || !numeric(b)) return node;
  const value = arithmetic(op as Arithmetic, a, b);
  if (value.type === 'nil') return node;
  const durations = (a.type === 'duration' || b.type === 'duration') && value.type === 'double';
  return literal(
    durations && Number.isSafeInteger(value.value) ? { type: 'duration', value: BigInt(value.value) } : value,
  );
}

function parsePrimary(state: ParseState): FieldExpr | 'nil' {
  const { scanner } = state;
  scanner.skip();
  const position = scanner.at;
  if (scanner.accept('(')) {
    const inner = parseFieldExpr(state);
    scanner.expect(')', 'after the expression');
    return inner;
  }
  if (scanner.sees('!') && !scanner.sees('!=') && !scanner.sees('!~')) {
    scanner.at++;
    const operand = parseFieldExpr(state, NOT_LEVEL);
    if (operand.kind === 'literal' && operand.value.type === 'bool') {
      return { kind: 'literal', value: boolStatic(!operand.value.value), position };
    }
    return { kind: 'unary', op: '!', operand, position };
  }
  if (scanner.accept('-')) {
    const operand = parseFieldExpr(state, SIGN_LEVEL);
    if (operand.kind === 'literal') {
      const { value } = operand;
      if (value.type === 'int') {
        return { kind: 'literal', value: { type: 'int', value: BigInt.asIntN(64, -value.value) }, position };
      }
      if (value.type === 'double')
        return { kind: 'literal', value: { type: 'double', value: -value.value }, position };
      if (value.type === 'duration') {
        return { kind: 'literal', value: { type: 'duration', value: -value.value }, position };
      }
    }
    return { kind: 'unary', op: '-', operand, position };
  }
  const value = parseLiteral(state);
  if (value !== undefined) return { kind: 'literal', value, position };
  if (acceptNil(state)) return 'nil';
  return parseField(state);
}

/** A literal: string, number, duration, true, false, a status or a kind. */
export function parseLiteral(state: ParseState): Static | undefined {
  const { scanner } = state;
  const text = scanner.string();
  if (text !== undefined) return stringStatic(text);
  const number = scanner.number();
  if (number !== undefined) return number;
  const word = scanner.peekWord();
  const value = keywords.get(word);
  if (value === undefined) return undefined;
  if (
    /^\.[^\s{}()=~!<>&|^,]/.test(scanner.text.slice(scanner.at + word.length, scanner.at + word.length + 2))
  ) {
    return undefined;
  }
  scanner.at += word.length;
  return value;
}

/** An attribute or an intrinsic. */
export function parseField(state: ParseState): Field {
  const { scanner } = state;
  scanner.skip();
  const position = scanner.at;
  const attribute = (scope: FieldScope): Field => {
    const name = scanner.attributeName();
    if (name === '') {
      throw scanner.error(`parse error: unexpected ${scanner.describe()}, expected the name of an attribute`);
    }
    return { kind: 'attribute', scope, name, position };
  };
  if (scanner.accept('.')) return attribute('none');
  for (const { prefix, scope } of SCOPES) {
    if (!scanner.sees(prefix)) continue;
    scanner.at += prefix.length;
    return attribute(scope);
  }
  if (scanner.sees('parent.')) {
    throw scanner.error('the parent scope is not supported', position, 'Use { <parent> } > { <child> }.');
  }
  for (const prefix of INTRINSIC_SCOPES) {
    if (!scanner.sees(prefix)) continue;
    scanner.at += prefix.length;
    const start = scanner.at;
    const word = /^[A-Za-z]*/.exec(scanner.text.slice(start))?.[0] ?? '';
    const name = intrinsics.get(prefix + word);
    if (name === undefined) {
      const known = [...intrinsics.keys()].filter((spelling) => spelling.startsWith(prefix));
      throw scanner.error(
        `parse error: unknown intrinsic "${prefix}${word}"`,
        position,
        `Known: ${known.join(', ')}.`,
      );
    }
    scanner.at = start + word.length;
    return { kind: 'intrinsic', name, position };
  }
  const word = scanner.peekWord();
  const after = scanner.text[scanner.at + word.length];
  if (word !== '' && after === '.') return bareName(state, position);
  const name = word === '' || word.includes(':') ? undefined : intrinsics.get(word);
  if (name !== undefined) {
    scanner.at += word.length;
    return { kind: 'intrinsic', name, position };
  }
  if (word === 'parent') throw scanner.error('the intrinsic "parent" is not supported', position);
  if (word !== '') {
    throw scanner.error(
      `parse error: unknown identifier: ${word}`,
      position,
      `Attributes have a scope: span.${word}, resource.${word} or .${word}.`,
    );
  }
  throw scanner.error(`parse error: unexpected ${scanner.describe()}, expected a field or a value`);
}

function bareName(state: ParseState, position: number): Field {
  const { scanner } = state;
  const name = scanner.attributeName();
  const hint = `Write resource.${name}, span.${name} or .${name}.`;
  if (state.options.bareNames !== 'accept') {
    throw scanner.error(`parse error: unknown identifier: ${name}`, position, hint);
  }
  state.warnings.push({ message: `"${name}" has no scope and was taken as .${name}. ${hint}`, position });
  return { kind: 'attribute', scope: 'none', name, position };
}
