/** The grammar of selectors, stages, label filters and unwrap. */

import { InputError } from '../../model/errors.ts';
import type { Matcher, MatchOp } from '../../model/matcher.ts';
import { compileRegex } from '../syntax/regex.ts';
import type {
  ComparisonSign,
  LabelExtraction,
  LabelFilter,
  LabelFormat,
  LineFilterMatch,
  LineFilterOperator,
  NamedLabel,
  StageExpr,
  UnwrapConversion,
  UnwrapExpr,
} from './ast.ts';
import type { TokenReader } from './token-reader.ts';

const MATCH_OPERATORS = new Set<string>(['=', '!=', '=~', '!~']);
const LINE_OPERATORS = new Set<string>(['|=', '!=', '|~', '!~', '|>', '!>']);
const COMPARISON_SIGNS = new Set<string>(['=', '==', '!=', '>', '>=', '<', '<=']);

/** `{name="value", ...}`; `{}` gives no matchers. */
export function parseSelector(reader: TokenReader): Matcher[] {
  reader.expectSign('{');
  const matchers: Matcher[] = [];
  while (!reader.isSign('}')) {
    matchers.push(parseMatcher(reader));
    if (reader.isSign(',')) {
      reader.next();
      if (reader.isSign('}')) reader.unexpected(reader.peek(), 'IDENTIFIER');
    } else if (!reader.isSign('}')) reader.unexpected(reader.peek(), '} or ,');
  }
  reader.next();
  return matchers;
}

function parseMatcher(reader: TokenReader): Matcher {
  const name = reader.expectIdentifier().text;
  const operator = reader.peek();
  if (operator.kind !== 'sign' || !MATCH_OPERATORS.has(operator.text)) {
    reader.unexpected(operator, '= or != or =~ or !~');
  }
  reader.next();
  const value = reader.expect('string', 'STRING');
  return makeMatcher(name, operator.text as MatchOp, value.text, value.at);
}

function makeMatcher(name: string, op: MatchOp, value: string, at: number): Matcher {
  if (op === '=~' || op === '!~') {
    try {
      compileRegex(value, { anchored: true });
    } catch (error) {
      throw new InputError((error as Error).message, { position: at, cause: error });
    }
  }
  return { name, op, value };
}

/** All stages that follow, and the unwrap that ends them. */
export function parseStages(reader: TokenReader): { stages: StageExpr[]; unwrap: UnwrapExpr | undefined } {
  const stages: StageExpr[] = [];
  for (;;) {
    const token = reader.peek();
    if (token.kind !== 'sign') break;
    if (LINE_OPERATORS.has(token.text)) {
      stages.push(parseLineFilter(reader));
      continue;
    }
    if (token.text !== '|') break;
    reader.next();
    if (reader.isWord('unwrap') && !isComparison(reader, 1)) {
      return { stages, unwrap: parseUnwrap(reader, token.at) };
    }
    stages.push(parseStage(reader, token.at));
  }
  return { stages, unwrap: undefined };
}

function parseLineFilter(reader: TokenReader): StageExpr {
  const token = reader.next();
  const operator = token.text as LineFilterOperator;
  const matches: LineFilterMatch[] = [parseLineMatch(reader, operator)];
  while (reader.isWord('or')) {
    reader.next();
    matches.push(parseLineMatch(reader, operator));
  }
  return { kind: 'line-filter', operator, matches, at: token.at };
}

function parseLineMatch(reader: TokenReader, operator: LineFilterOperator): LineFilterMatch {
  const token = reader.peek();
  if (token.kind === 'identifier' && token.text === 'ip') {
    reader.next();
    reader.expectSign('(');
    const text = reader.expect('string', 'STRING');
    reader.expectSign(')');
    if (operator !== '|=' && operator !== '!=') {
      throw new InputError(`ip: invalid operation ${operator}`, {
        position: token.at,
        hint: 'ip() goes with |= and !=',
      });
    }
    return { text: text.text, isIp: true, at: text.at };
  }
  const { text, at } = reader.expect('string', 'STRING');
  if (operator === '|~' || operator === '!~') {
    try {
      compileRegex(text);
    } catch (error) {
      throw new InputError((error as Error).message, { position: at, cause: error });
    }
  }
  return { text, isIp: false, at };
}

/** Whether the token `ahead` compares: then what stands before it is a label, whatever its name. */
function isComparison(reader: TokenReader, ahead: number): boolean {
  const token = reader.peek(ahead);
  return token.kind === 'sign' && (COMPARISON_SIGNS.has(token.text) || MATCH_OPERATORS.has(token.text));
}

function parseStage(reader: TokenReader, at: number): StageExpr {
  const token = reader.peek();
  if (token.kind === 'identifier' && !isComparison(reader, 1)) {
    switch (token.text) {
      case 'json':
        reader.next();
        return { kind: 'json', extractions: parseExtractions(reader), at };
      case 'logfmt':
        reader.next();
        return parseLogfmt(reader, at);
      case 'pattern':
      case 'regexp': {
        reader.next();
        const text = reader.expect('string', 'STRING');
        return { kind: token.text, text: text.text, at: text.at };
      }
      case 'unpack':
      case 'decolorize':
        reader.next();
        return { kind: token.text, at };
      case 'line_format': {
        reader.next();
        const text = reader.expect('string', 'STRING');
        return { kind: 'line-format', template: text.text, at: text.at };
      }
      case 'label_format':
        reader.next();
        return parseLabelFormat(reader, at);
      case 'drop':
      case 'keep':
        reader.next();
        return { kind: token.text, labels: parseNamedLabels(reader), at };
    }
  }
  if (token.kind !== 'identifier' && !reader.isSign('(')) reader.unexpected();
  return { kind: 'label-filter', filter: parseLabelFilter(reader, 0), at };
}

function parseExtractions(reader: TokenReader): LabelExtraction[] {
  const list: LabelExtraction[] = [];
  while (reader.peek().kind === 'identifier') {
    const name = reader.next();
    if (reader.isSign('=')) {
      reader.next();
      const value = reader.expect('string', 'STRING');
      list.push({ name: name.text, expression: value.text, at: value.at });
    } else list.push({ name: name.text, expression: name.text, at: name.at });
    if (!reader.isSign(',')) break;
    reader.next();
    if (reader.peek().kind !== 'identifier') reader.unexpected(reader.peek(), 'IDENTIFIER');
  }
  return list;
}

function parseLogfmt(reader: TokenReader, at: number): StageExpr {
  let strict = false;
  let keepEmpty = false;
  for (;;) {
    const flag = reader.peek();
    if (flag.kind !== 'flag') break;
    if (flag.text === '--strict') strict = true;
    else if (flag.text === '--keep-empty') keepEmpty = true;
    else {
      throw new InputError(`unknown parser flag ${flag.text}`, {
        position: flag.at,
        hint: 'logfmt knows --strict and --keep-empty',
      });
    }
    reader.next();
  }
  return { kind: 'logfmt', strict, keepEmpty, extractions: parseExtractions(reader), at };
}

function parseLabelFormat(reader: TokenReader, at: number): StageExpr {
  const formats: LabelFormat[] = [];
  const seen = new Set<string>();
  for (;;) {
    const name = reader.expectIdentifier();
    if (name.text === '__error__') {
      throw new InputError('__error__ cannot be formatted', { position: name.at });
    }
    if (seen.has(name.text)) {
      throw new InputError(`multiple label name '${name.text}' not allowed in a single format operation`, {
        position: name.at,
      });
    }
    seen.add(name.text);
    reader.expectSign('=');
    const value = reader.next();
    if (value.kind === 'identifier') {
      formats.push({ kind: 'rename', name: name.text, from: value.text, at: name.at });
    } else if (value.kind === 'string') {
      formats.push({ kind: 'template', name: name.text, template: value.text, at: value.at });
    } else reader.unexpected(value, 'IDENTIFIER or STRING');
    if (!reader.isSign(',')) break;
    reader.next();
  }
  return { kind: 'label-format', formats, at };
}

function parseNamedLabels(reader: TokenReader): NamedLabel[] {
  const list: NamedLabel[] = [];
  for (;;) {
    const name = reader.expectIdentifier();
    const operator = reader.peek();
    if (operator.kind === 'sign' && MATCH_OPERATORS.has(operator.text)) {
      reader.next();
      const value = reader.expect('string', 'STRING');
      const matcher = makeMatcher(name.text, operator.text as MatchOp, value.text, value.at);
      list.push({ name: name.text, matcher });
    } else list.push({ name: name.text, matcher: undefined });
    if (!reader.isSign(',')) break;
    reader.next();
  }
  return list;
}

const CONVERSIONS = new Set<string>(['duration', 'duration_seconds', 'bytes']);

function parseUnwrap(reader: TokenReader, at: number): UnwrapExpr {
  reader.next();
  const first = reader.expectIdentifier();
  let label = first.text;
  let conversion: UnwrapConversion | undefined;
  if (reader.isSign('(')) {
    if (!CONVERSIONS.has(first.text)) {
      throw new InputError(`syntax error: unexpected IDENTIFIER ${first.text}`, {
        position: first.at,
        hint: 'unwrap knows duration(), duration_seconds() and bytes()',
      });
    }
    conversion = first.text as UnwrapConversion;
    reader.next();
    label = reader.expectIdentifier().text;
    reader.expectSign(')');
  }
  const filters: LabelFilter[] = [];
  while (reader.isSign('|')) {
    reader.next();
    filters.push(parseLabelFilter(reader, 0));
  }
  return { label, conversion, filters, at };
}

const OR = 1;
const AND = 2;

/**
 * Label filters. `and` binds tighter than `or`; a comma and a mere space are an `and` with everything that follows,
 * as Loki's grammar resolves it.
 */
function parseLabelFilter(reader: TokenReader, minimum: number): LabelFilter {
  reader.enter();
  let left = parseOneLabelFilter(reader);
  for (;;) {
    const token = reader.peek();
    if (
      token.kind === 'identifier' &&
      (token.text === 'and' || token.text === 'or') &&
      !isComparison(reader, 1)
    ) {
      const precedence = token.text === 'and' ? AND : OR;
      if (precedence < minimum) break;
      reader.next();
      const right = parseLabelFilter(reader, precedence + 1);
      left = { kind: token.text, left, right };
    } else if (reader.isSign(',')) {
      reader.next();
      left = { kind: 'and', left, right: parseLabelFilter(reader, 0) };
    } else if ((token.kind === 'identifier' && isComparison(reader, 1)) || reader.isSign('(')) {
      left = { kind: 'and', left, right: parseLabelFilter(reader, 0) };
    } else break;
  }
  reader.leave();
  return left;
}

function parseOneLabelFilter(reader: TokenReader): LabelFilter {
  if (reader.isSign('(')) {
    reader.next();
    const inner = parseLabelFilter(reader, 0);
    reader.expectSign(')');
    return inner;
  }
  const name = reader.expectIdentifier();
  const operator = reader.peek();
  if (!isComparison(reader, 0)) reader.unexpected(operator);
  reader.next();
  const value = reader.peek();
  if (value.kind === 'string') {
    if (!MATCH_OPERATORS.has(operator.text)) reader.unexpected(value);
    reader.next();
    return {
      kind: 'string',
      matcher: makeMatcher(name.text, operator.text as MatchOp, value.text, value.at),
      at: value.at,
    };
  }
  if (value.kind === 'identifier' && value.text === 'ip') {
    if (operator.text !== '=' && operator.text !== '!=') reader.unexpected(value);
    reader.next();
    reader.expectSign('(');
    const text = reader.expect('string', 'STRING');
    reader.expectSign(')');
    return { kind: 'ip', name: name.text, negate: operator.text === '!=', text: text.text, at: text.at };
  }
  if (!COMPARISON_SIGNS.has(operator.text)) reader.unexpected(value, 'STRING');
  const sign = (operator.text === '==' ? '=' : operator.text) as ComparisonSign;
  let negative = false;
  if (reader.isSign('-') || reader.isSign('+')) negative = reader.next().text === '-';
  const amount = reader.next();
  switch (amount.kind) {
    case 'number':
      return { kind: 'number', name: name.text, sign, value: negative ? -amount.number : amount.number };
    case 'duration':
      return { kind: 'duration', name: name.text, sign, value: negative ? -amount.ns : amount.ns };
    case 'bytes':
      if (negative) reader.unexpected(amount);
      return { kind: 'bytes', name: name.text, sign, value: amount.number, text: amount.text };
    default:
      return reader.unexpected(amount);
  }
}
