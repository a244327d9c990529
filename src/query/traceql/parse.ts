/**
 * Parses TraceQL: pipelines, spanset operations, metrics queries, hints. The result has passed the type checks. Every
 * mistake is an InputError with its position.
 */

import type {
  Aggregate,
  Field,
  Hint,
  MetricsExpr,
  MetricsStage,
  Query,
  RangeFunction,
  SecondStage,
  SpansetExpr,
  SpansetFilter,
  SpansetOp,
  Stage,
} from './ast.ts';
import { checkQuery } from './check.ts';
import {
  enter,
  leave,
  type ParseOptions,
  type ParseState,
  parseField,
  parseFieldExpr,
  parseLiteral,
} from './parse-field.ts';
import { Scanner } from './scanner.ts';
import { type Arithmetic, arithmetic, type Comparison, isNumeric, type Static, TRUE } from './static.ts';

export type { ParseOptions } from './parse-field.ts';

const STRUCTURAL: readonly SpansetOp[] = [
  '!>>',
  '!<<',
  '&>>',
  '&<<',
  '!>',
  '!<',
  '!~',
  '&>',
  '&<',
  '&~',
  '>>',
  '<<',
  '>',
  '<',
  '~',
];
const COMPARISONS: readonly Comparison[] = ['!=', '<=', '>=', '=', '<', '>'];
const AGGREGATES = new Set<string>(['count', 'avg', 'min', 'max', 'sum']);
const RANGE_FUNCTIONS = new Set<string>([
  'rate',
  'count_over_time',
  'min_over_time',
  'max_over_time',
  'avg_over_time',
  'sum_over_time',
  'quantile_over_time',
  'histogram_over_time',
]);
const MAX_QUERY_LENGTH = 200_000;
const DEFAULT_COMPARE_TOP = 10;

type Parsed =
  | { readonly kind: 'stages'; readonly stages: readonly Stage[] }
  | { readonly kind: 'metrics'; readonly expr: MetricsExpr };

/** Parses and checks a query. Throws InputError. */
export function parseQuery(text: string, options: ParseOptions = {}): Query {
  if (text.length > MAX_QUERY_LENGTH) {
    throw new Scanner(text).error(`parse error: the query is longer than ${MAX_QUERY_LENGTH} characters`, 0);
  }
  const scanner = new Scanner(text);
  const state: ParseState = { scanner, options, warnings: [], depth: 0, nodes: 0 };
  const parsed = parsePipeline(state);
  const hints: Hint[] = [];
  while (scanner.peekWord() === 'with') parseHints(state, hints);
  if (!scanner.atEnd()) throw scanner.error(`parse error: unexpected ${scanner.describe()}`);
  const query: Query =
    parsed.kind === 'metrics'
      ? { kind: 'metrics', expr: parsed.expr, hints, warnings: state.warnings }
      : { kind: 'search', stages: parsed.stages, hints, warnings: state.warnings };
  checkQuery(query);
  return query;
}

/** Parses one attribute or intrinsic by itself, such as the name of a tag: `span.http.route`, `name`, `event:name`. */
export function parseFieldName(text: string, options: ParseOptions = {}): Field {
  const scanner = new Scanner(text);
  const field = parseField({ scanner, options, warnings: [], depth: 0, nodes: 0 });
  if (scanner.at < text.length)
    throw scanner.error(`parse error: unexpected ${scanner.describe()} after the attribute`);
  return field;
}

function parsePipeline(state: ParseState): Parsed {
  const { scanner } = state;
  const position = scanner.position();
  enter(state);
  const first = parseFirst(state);
  if (first.kind === 'metrics') {
    leave(state);
    const second = [...first.expr.second, ...parseSecondStages(state)];
    return { kind: 'metrics', expr: { ...first.expr, second } };
  }
  const stages: Stage[] = [...first.stages];
  for (;;) {
    if (!scanner.sees('|') || scanner.sees('||')) {
      leave(state);
      return { kind: 'stages', stages };
    }
    scanner.at++;
    const word = scanner.peekWord();
    if (RANGE_FUNCTIONS.has(word) || word === 'compare') {
      const metrics = parseMetricsStage(state, word);
      leave(state);
      const second = parseSecondStages(state);
      return { kind: 'metrics', expr: { kind: 'query', stages, metrics, second, position } };
    }
    stages.push(parseStage(state));
  }
}

/** The first stage, which is a metrics expression when it stands in parentheses and ends in a metrics function. */
function parseFirst(state: ParseState): Parsed {
  const word = state.scanner.peekWord();
  if (word === 'coalesce') {
    throw state.scanner.error(
      'parse error: unexpected coalesce',
      state.scanner.at,
      'It follows a stage: { } | by(x) | coalesce().',
    );
  }
  if (RANGE_FUNCTIONS.has(word) || word === 'compare') {
    throw state.scanner.error(
      `parse error: unexpected ${word}`,
      state.scanner.at,
      `Write { } | ${word}(...).`,
    );
  }
  if (state.scanner.sees('{') || state.scanner.sees('(')) return parseOperation(state, 0);
  return { kind: 'stages', stages: [parseStage(state)] };
}

function parseStage(state: ParseState): Stage {
  const { scanner } = state;
  scanner.skip();
  const position = scanner.at;
  const word = scanner.peekWord();
  if (word === 'by') {
    scanner.at += 2;
    scanner.expect('(', 'after by');
    const expr = parseFieldExpr(state);
    scanner.expect(')', 'after the expression');
    return { kind: 'by', expr, position };
  }
  if (word === 'coalesce') {
    scanner.at += word.length;
    scanner.expect('(', 'after coalesce');
    scanner.expect(')', 'after coalesce(');
    return { kind: 'coalesce', position };
  }
  if (word === 'select') {
    scanner.at += word.length;
    return { kind: 'select', fields: parseFieldList(state, 'select'), position };
  }
  if (AGGREGATES.has(word)) return parseAggregateFilter(state);
  if (scanner.sees('{') || scanner.sees('(')) {
    const parsed = parseOperation(state, 0);
    if (parsed.kind === 'metrics')
      throw scanner.error('parse error: a metrics query cannot be a stage of a pipeline', position);
    return asSpansetExpr(parsed.stages, position);
  }
  if (scanner.number() !== undefined) {
    throw scanner.error(
      'a number left of a comparison is not supported',
      position,
      'Turn it round: count() > 2.',
    );
  }
  throw scanner.error(
    `parse error: unexpected ${scanner.describe()}, expected { ... } or a function`,
    position,
  );
}

function asSpansetExpr(stages: readonly Stage[], position: number): SpansetExpr {
  const [first] = stages;
  if (stages.length === 1 && first !== undefined && isSpansetExpr(first)) return first;
  return { kind: 'pipeline', stages, position };
}

function isSpansetExpr(stage: Stage): stage is SpansetExpr {
  return stage.kind === 'filter' || stage.kind === 'operation' || stage.kind === 'pipeline';
}

/** Spanset operations, or arithmetic between metrics queries in parentheses. */
function parseOperation(state: ParseState, level: number): Parsed {
  const { scanner } = state;
  scanner.skip();
  const start = scanner.at;
  enter(state);
  let left = parseOperand(state);
  for (;;) {
    scanner.skip();
    const position = scanner.at;
    if (left.kind === 'metrics') {
      const op = scanner.oneOf(['+', '-', '*', '/'] as const);
      const tight = op === '*' || op === '/' ? 2 : 1;
      if (op === undefined || tight <= level) break;
      scanner.at += 1;
      if (!scanner.sees('(')) {
        throw scanner.error(
          'parse error: arithmetic needs a metrics query in parentheses on both sides',
          scanner.at,
          'Scale the result where it is shown.',
        );
      }
      const right = parseOperation(state, tight);
      if (right.kind !== 'metrics')
        throw scanner.error('parse error: the right side is no metrics query', position);
      left = {
        kind: 'metrics',
        expr: { kind: 'math', op, left: left.expr, right: right.expr, second: [], position },
      };
      continue;
    }
    const logical = scanner.oneOf(['&&', '||'] as const);
    const op = logical ?? scanner.oneOf(STRUCTURAL);
    const tight = logical === undefined ? 2 : 1;
    if (op === undefined || tight <= level) break;
    scanner.at += op.length;
    if (!scanner.sees('{') && !scanner.sees('(')) {
      throw scanner.error(`parse error: unexpected ${scanner.describe()}, expected { ... } after ${op}`);
    }
    const right = parseOperation(state, tight);
    if (right.kind === 'metrics')
      throw scanner.error('parse error: a metrics query has no spans to combine', position);
    const node: SpansetExpr = {
      kind: 'operation',
      op,
      left: asSpansetExpr(left.stages, start),
      right: asSpansetExpr(right.stages, position),
      position,
    };
    left = { kind: 'stages', stages: [node] };
  }
  leave(state);
  return left;
}

function parseOperand(state: ParseState): Parsed {
  const { scanner } = state;
  scanner.skip();
  const position = scanner.at;
  if (scanner.sees('{')) return { kind: 'stages', stages: [parseFilter(state)] };
  scanner.expect('(', 'or { ... }');
  const inner = parsePipeline(state);
  scanner.expect(')', 'after the expression');
  if (inner.kind === 'metrics') return inner;
  return { kind: 'stages', stages: [asSpansetExpr(inner.stages, position)] };
}

function parseFilter(state: ParseState): SpansetFilter {
  const { scanner } = state;
  scanner.skip();
  const position = scanner.at;
  scanner.expect('{', '');
  if (scanner.accept('}'))
    return { kind: 'filter', expr: { kind: 'literal', value: TRUE, position }, position };
  const expr = parseFieldExpr(state);
  scanner.expect('}', 'after the expression');
  return { kind: 'filter', expr, position };
}

function parseFieldList(state: ParseState, what: string): Field[] {
  const { scanner } = state;
  scanner.expect('(', `after ${what}`);
  const fields = [parseField(state)];
  while (scanner.accept(',')) fields.push(parseField(state));
  scanner.expect(')', 'after the fields');
  return fields;
}

function parseAggregateFilter(state: ParseState): Stage {
  const { scanner } = state;
  const position = scanner.at;
  const op = scanner.peekWord() as Aggregate['op'];
  scanner.at += op.length;
  scanner.expect('(', `after ${op}`);
  const expr = op === 'count' ? undefined : parseFieldExpr(state);
  scanner.expect(')', `after ${op}(`);
  const comparison = scanner.oneOf(COMPARISONS);
  if (comparison === undefined) {
    const at = scanner.describe();
    throw scanner.error(
      `parse error: unexpected ${at}, expected a comparison after ${op}()`,
      scanner.at,
      `Such as ${op}() > 2.`,
    );
  }
  scanner.at += comparison.length;
  if (AGGREGATES.has(scanner.peekWord())) {
    throw scanner.error('comparing two aggregates is not supported', scanner.at, 'Compare with a number.');
  }
  const value = parseScalar(state, 0);
  return { kind: 'aggregate', aggregate: { op, expr, position }, op: comparison, value, position };
}

/** A number, possibly computed: `2 * (3 + 1)`, `-5ms`. */
function parseScalar(state: ParseState, level: number): Static {
  const { scanner } = state;
  enter(state);
  let left: Static;
  const position = scanner.position();
  if (scanner.accept('(')) {
    left = parseScalar(state, 0);
    scanner.expect(')', 'after the number');
  } else if (scanner.accept('-')) {
    const operand = parseScalar(state, 3);
    left =
      operand.type === 'duration'
        ? { type: 'duration', value: -operand.value }
        : arithmetic('-', { type: 'int', value: 0n }, operand);
  } else {
    const number = scanner.number();
    if (number === undefined)
      throw scanner.error(`parse error: unexpected ${scanner.describe()}, expected a number`);
    left = number;
  }
  for (;;) {
    const op = scanner.oneOf<Arithmetic>(['+', '-', '*', '/', '%', '^']);
    const tight = op === '+' || op === '-' ? 1 : op === '^' ? 3 : 2;
    if (op === undefined || tight <= level) break;
    scanner.at += 1;
    const right = parseScalar(state, op === '^' ? tight - 1 : tight);
    const value = arithmetic(op, left, right);
    if (!isNumeric(value.type)) throw scanner.error('parse error: division by zero', position);
    const durations = left.type === 'duration' || right.type === 'duration';
    left =
      durations && value.type === 'double' && Number.isSafeInteger(value.value)
        ? { type: 'duration', value: BigInt(value.value) }
        : value;
  }
  leave(state);
  return left;
}

function parseInteger(state: ParseState, what: string): number {
  const { scanner } = state;
  scanner.skip();
  const position = scanner.at;
  const number = scanner.number();
  if (number?.type !== 'int' || number.value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw scanner.error(`parse error: expected a whole number ${what}`, position);
  }
  return Number(number.value);
}

function parseMetricsStage(state: ParseState, word: string): MetricsStage {
  const { scanner } = state;
  const position = scanner.at;
  scanner.at += word.length;
  scanner.expect('(', `after ${word}`);
  if (word === 'compare') return parseCompare(state, position);
  const func = word as RangeFunction;
  const quantiles: number[] = [];
  let field: Field | undefined;
  if (func !== 'rate' && func !== 'count_over_time') {
    field = parseField(state);
    if (func === 'quantile_over_time') {
      do {
        scanner.expect(',', 'and a quantile');
        const number = scanner.number();
        if (number?.type !== 'int' && number?.type !== 'double') {
          throw scanner.error(
            `parse error: unexpected ${scanner.describe()}, expected a quantile between 0 and 1`,
          );
        }
        quantiles.push(Number(number.value));
      } while (scanner.sees(','));
    }
  }
  scanner.expect(')', `after ${word}(`);
  const by = scanner.acceptWord('by') ? parseFieldList(state, 'by') : [];
  return { kind: 'range', func, field, quantiles, by, position };
}

function parseCompare(state: ParseState, position: number): MetricsStage {
  const { scanner } = state;
  const selection = parseFilter(state);
  let topN = DEFAULT_COMPARE_TOP;
  let startNs = 0n;
  let endNs = 0n;
  if (scanner.accept(',')) {
    topN = parseInteger(state, 'of values to show');
    if (scanner.accept(',')) {
      startNs = parseNanoseconds(state);
      scanner.expect(',', 'and the end of the selection');
      endNs = parseNanoseconds(state);
    }
  }
  scanner.expect(')', 'after compare(');
  return { kind: 'compare', selection, topN, startNs, endNs, position };
}

function parseNanoseconds(state: ParseState): bigint {
  const number = state.scanner.number();
  if (number?.type !== 'int') throw state.scanner.error('parse error: expected a time in nanoseconds');
  return number.value;
}

function parseSecondStages(state: ParseState): SecondStage[] {
  const { scanner } = state;
  const stages: SecondStage[] = [];
  for (;;) {
    scanner.skip();
    const position = scanner.at;
    if (scanner.sees('|') && !scanner.sees('||')) {
      scanner.at++;
      const word = scanner.peekWord();
      if (word !== 'topk' && word !== 'bottomk') {
        throw scanner.error(
          `parse error: unexpected ${scanner.describe()} after a metrics function`,
          scanner.at,
          'topk(n) and bottomk(n) may follow.',
        );
      }
      scanner.at += word.length;
      scanner.expect('(', `after ${word}`);
      const limit = parseInteger(state, 'of series');
      scanner.expect(')', 'after the number');
      stages.push({ kind: word, limit, position });
      continue;
    }
    const op = scanner.oneOf(COMPARISONS);
    if (op === undefined) return stages;
    scanner.at += op.length;
    stages.push({ kind: 'threshold', op, value: parseScalar(state, 0), position });
  }
}

function parseHints(state: ParseState, hints: Hint[]): void {
  const { scanner } = state;
  scanner.acceptWord('with');
  scanner.expect('(', 'after with');
  do {
    const name = scanner.peekWord();
    if (name === '')
      throw scanner.error(`parse error: unexpected ${scanner.describe()}, expected the name of a hint`);
    scanner.at += name.length;
    scanner.expect('=', `after ${name}`);
    const value = parseLiteral(state);
    if (value === undefined)
      throw scanner.error(`parse error: unexpected ${scanner.describe()}, expected a value`);
    hints.push({ name, value });
  } while (scanner.accept(','));
  scanner.expect(')', 'after the hints');
}
