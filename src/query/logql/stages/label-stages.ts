/** `drop`, `keep`, `decolorize`: stages that take away. */

import { compileRegex, matcherTest } from '../../syntax/regex.ts';
import type { NamedLabel } from '../ast.ts';
import { ERROR_DETAILS_LABEL, ERROR_LABEL, type LineLabels, PRESERVE_ERROR_LABEL } from '../line-labels.ts';
import type { Stage } from './stage.ts';

function remove(name: string, labels: LineLabels): void {
  if (name === ERROR_LABEL) labels.error = '';
  else if (name === ERROR_DETAILS_LABEL) labels.errorDetails = '';
  else labels.delete(name);
}

export function compileDrop(list: readonly NamedLabel[]): Stage {
  const drops = list.map(({ name, matcher }) => ({
    name,
    test: matcher === undefined ? undefined : matcherTest(matcher),
  }));
  return (line, labels) => {
    for (const { name, test } of drops) {
      if (test === undefined || test(labels.text(name))) remove(name, labels);
    }
    return line;
  };
}

const SPECIAL: ReadonlySet<string> = new Set([ERROR_LABEL, ERROR_DETAILS_LABEL, PRESERVE_ERROR_LABEL]);

export function compileKeep(list: readonly NamedLabel[]): Stage {
  const plain = new Set(list.filter((label) => label.matcher === undefined).map((label) => label.name));
  const tests = new Map<string, ((value: string) => boolean)[]>();
  for (const { name, matcher } of list) {
    if (matcher === undefined) continue;
    const test = matcherTest(matcher);
    const known = tests.get(name);
    if (known === undefined) tests.set(name, [test]);
    else known.push(test);
  }
  return (line, labels) => {
    const gone: string[] = [];
    for (const [name, value] of labels.entries()) {
      if (SPECIAL.has(name) || plain.has(name)) continue;
      if (tests.get(name)?.some((test) => test(value)) !== true) gone.push(name);
    }
    for (const name of gone) labels.delete(name);
    return line;
  };
}

/**
 * ANSI escape sequences: an escape (or the one-character CSI), signs, then either a string that ends with a bell or
 * numbers with a final letter.
 */
const ANSI =
  '[\\x1b\\x{9b}][\\[\\]()#;?]*(?:(?:(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\\x07)|' +
  '(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]))';

export function compileDecolorize(): Stage {
  const ansi = compileRegex(ANSI);
  return (line) => (line.includes('\u001b') || line.includes('\u009b') ? ansi.replaceAll(line, '') : line);
}
