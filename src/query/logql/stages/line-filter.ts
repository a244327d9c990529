/** Line filters: texts, regular expressions, patterns, addresses. */

import { compileRegex } from '../../syntax/regex.ts';
import type { LineFilterMatch, StageExpr } from '../ast.ts';
import { compileIp } from './ip.ts';
import { compilePatternFilter } from './pattern.ts';
import type { Stage } from './stage.ts';

type LineFilterExpr = Extract<StageExpr, { kind: 'line-filter' }>;

/** The stage of one line filter. Throws InputError for wrong addresses and patterns. */
export function compileLineFilter(expr: LineFilterExpr): Stage {
  const tests = expr.matches.map((match) => compileMatch(expr, match));
  const negated = expr.operator.startsWith('!');
  const only = tests[0] as (line: string) => boolean;
  const matches = tests.length === 1 ? only : (line: string): boolean => tests.some((test) => test(line));
  return negated
    ? (line) => (matches(line) ? undefined : line)
    : (line) => (matches(line) ? line : undefined);
}

function compileMatch(expr: LineFilterExpr, match: LineFilterMatch): (line: string) => boolean {
  if (match.isIp) return compileIp(match.text, match.at);
  const { text } = match;
  switch (expr.operator) {
    case '|=':
    case '!=':
      return (line) => line.includes(text);
    case '|~':
    case '!~': {
      const regex = compileRegex(text);
      return (line) => regex.test(line);
    }
    case '|>':
    case '!>':
      return compilePatternFilter(text, match.at);
  }
}
