/** Binary operators on single values. */

import type { Histogram } from '../../model/histogram.ts';
import {
  addHistograms,
  compact,
  divideHistogram,
  equalHistograms,
  multiplyHistogram,
  subtractHistograms,
} from './histogram/arithmetic.ts';
import type { NoteSink } from './notes.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^' | 'atan2';
export type ComparisonOperator = '==' | '!=' | '>' | '<' | '>=' | '<=';
export type SetOperator = 'and' | 'or' | 'unless';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | SetOperator;

const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '>', '<', '>=', '<=']);
const SETS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);

export function isComparison(operator: BinaryOperator): operator is ComparisonOperator {
  return COMPARISONS.has(operator);
}

export function isSetOperator(operator: BinaryOperator): operator is SetOperator {
  return SETS.has(operator);
}

/** x to the power y as IEEE 754 and Go have it: 1 to any power is 1, also to NaN and the infinities. */
export function power(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Number.POSITIVE_INFINITY || y === Number.NEGATIVE_INFINITY))) return 1;
  return x ** y;
}

const ARITHMETIC: Readonly<Record<ArithmeticOperator, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': power,
  atan2: (a, b) => Math.atan2(a, b),
};

const COMPARE: Readonly<Record<ComparisonOperator, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

export function arithmetic(operator: ArithmeticOperator): (a: number, b: number) => number {
  return ARITHMETIC[operator];
}

export function comparison(operator: ComparisonOperator): (a: number, b: number) => boolean {
  return COMPARE[operator];
}

/** Two scalars; comparisons give 1 or 0. */
export function scalarResult(
  operator: ArithmeticOperator | ComparisonOperator,
  a: number,
  b: number,
): number {
  return isComparison(operator) ? (COMPARE[operator](a, b) ? 1 : 0) : ARITHMETIC[operator](a, b);
}

/** A sample on one side of an operator. */
export type Operand = number | Histogram;

/**
 * Operators where a histogram takes part. Gives the result, or undefined when there is none (with a note); for
 * comparisons the left operand when the comparison holds.
 */
export function histogramResult(
  operator: ArithmeticOperator | ComparisonOperator,
  left: Operand,
  right: Operand,
  note: NoteSink,
): Operand | undefined {
  if (typeof left === 'number') {
    if (typeof right !== 'number' && operator === '*') return multiplyHistogram(right, left);
  } else if (typeof right === 'number') {
    if (operator === '*') return multiplyHistogram(left, right);
    if (operator === '/') return compact(divideHistogram(left, right));
  } else {
    switch (operator) {
      case '+':
      case '-': {
        const result = operator === '+' ? addHistograms(left, right) : subtractHistograms(left, right);
        if (typeof result !== 'string') return result;
        note({ kind: 'incompatible-layouts', operator });
        return undefined;
      }
      case '==':
        return equalHistograms(left, right) ? left : undefined;
      case '!=':
        return equalHistograms(left, right) ? undefined : left;
    }
  }
  note({
    kind: 'incompatible-types',
    left: typeof left === 'number' ? 'float' : 'histogram',
    operator,
    right: typeof right === 'number' ? 'float' : 'histogram',
  });
  return undefined;
}
