/** Label filters: strings, numbers, durations, sizes, addresses, and their combinations. */

import { parseGoDuration } from '../../syntax/durations.ts';
import { parseGoFloat } from '../../syntax/numbers.ts';
import { matcherTest } from '../../syntax/regex.ts';
import type { ComparisonSign, LabelFilter } from '../ast.ts';
import type { LineLabels } from '../line-labels.ts';
import { parseBytes } from '../units.ts';
import { compileIp } from './ip.ts';

/** Whether a line passes. May note an error on it; then it passes. */
export type LabelTest = (labels: LineLabels) => boolean;

/** Throws InputError for wrong addresses. */
export function compileLabelFilter(filter: LabelFilter): LabelTest {
  switch (filter.kind) {
    case 'string': {
      const test = matcherTest(filter.matcher);
      const { name } = filter.matcher;
      return (labels) => test(labels.text(name));
    }
    case 'number':
      return compare(filter.name, filter.sign, filter.value, parseGoFloat, 'strconv.ParseFloat: parsing');
    case 'duration':
      return compare(filter.name, filter.sign, filter.value, parseGoDuration, 'time: invalid duration');
    case 'bytes':
      return compare(filter.name, filter.sign, filter.value, parseBytes, 'unhandled size name:');
    case 'ip': {
      const test = compileIp(filter.text, filter.at);
      return (labels) => {
        const value = labels.get(filter.name);
        if (value === undefined) return false;
        return labels.hasError || test(value) !== filter.negate;
      };
    }
    case 'and': {
      const left = compileLabelFilter(filter.left);
      const right = compileLabelFilter(filter.right);
      return (labels) => left(labels) && right(labels);
    }
    case 'or': {
      const left = compileLabelFilter(filter.left);
      const right = compileLabelFilter(filter.right);
      return (labels) => left(labels) || right(labels);
    }
  }
}

/** A label without the name fails; one that cannot be read passes with an error, so that it is seen. */
function compare<T extends number | bigint>(
  name: string,
  sign: ComparisonSign,
  want: T,
  read: (text: string) => T | undefined,
  words: string,
): LabelTest {
  const holds = comparer<T>(sign, want);
  return (labels) => {
    const text = labels.get(name);
    if (text === undefined) return false;
    // Only tests of strings take away lines with errors.
    if (labels.hasError) return true;
    const value = read(text);
    if (value === undefined) {
      labels.setError('LabelFilterErr', `${words} ${JSON.stringify(text)}`);
      return true;
    }
    return holds(value);
  };
}

function comparer<T extends number | bigint>(sign: ComparisonSign, want: T): (value: T) => boolean {
  switch (sign) {
    case '=':
      return (value) => value === want;
    case '!=':
      return (value) => value !== want;
    case '>':
      return (value) => value > want;
    case '>=':
      return (value) => value >= want;
    case '<':
      return (value) => value < want;
    case '<=':
      return (value) => value <= want;
  }
}

/** Names of the labels that a filter looks at. */
export function labelsOfFilter(filter: LabelFilter): string[] {
  switch (filter.kind) {
    case 'string':
      return [filter.matcher.name];
    case 'and':
    case 'or':
      return [...labelsOfFilter(filter.left), ...labelsOfFilter(filter.right)];
    default:
      return [filter.name];
  }
}
