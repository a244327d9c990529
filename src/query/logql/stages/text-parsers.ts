/** `| pattern` and `| regexp`. */

import { InputError } from '../../../model/errors.ts';
import { compileRegex } from '../../syntax/regex.ts';
import { EXTRACTED_SUFFIX, FROM_LINE, type LineLabels } from '../line-labels.ts';
import { compilePattern } from './pattern.ts';
import { type LabelGate, type Stage, sanitizeKey } from './stage.ts';

/** Sets a label unless it is not asked for; false drops the line. */
function put(name: string, value: string, labels: LineLabels, gate: LabelGate): boolean {
  const unique = labels.streamHas(name) ? name + EXTRACTED_SUFFIX : name;
  if (!labels.wants(unique)) return true;
  labels.set(FROM_LINE, unique, value);
  return gate(unique, labels);
}

export function compilePatternParser(text: string, position: number, gate: LabelGate): Stage {
  const { names, match } = compilePattern(text, position);
  return (line, labels) => {
    if (labels.hints.done) return line;
    labels.beginParser();
    const values = match(line);
    for (let i = 0; i < values.length; i++) {
      if (!put(names[i] as string, values[i] as string, labels, gate)) return undefined;
    }
    return line;
  };
}

export function compileRegexpParser(text: string, position: number, gate: LabelGate): Stage {
  const fail = (why: string, cause?: unknown): never => {
    throw new InputError(why, { position, cause });
  };
  let regex: ReturnType<typeof compileRegex>;
  try {
    regex = compileRegex(text);
  } catch (error) {
    return fail((error as Error).message, error);
  }
  const groups: [index: number, name: string][] = [];
  regex.groupNames.forEach((name, index) => {
    if (name === '') return;
    if (groups.some(([, other]) => other === name)) fail(`duplicate extracted label name '${name}'`);
    groups.push([index, sanitizeKey(name, true)]);
  });
  if (groups.length === 0) fail('at least one named capture must be supplied');
  return (line, labels) => {
    if (labels.hints.done) return line;
    labels.beginParser();
    const found = regex.match(line);
    if (found === undefined) return line;
    for (const [index, name] of groups) {
      if (!put(name, found.groups[index] ?? '', labels, gate)) return undefined;
    }
    return line;
  };
}
