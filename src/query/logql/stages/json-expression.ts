/** `| json name="a.b[0]['c']"`: single values out of JSON lines. */

import { InputError } from '../../../model/errors.ts';
import { scanString } from '../../syntax/strings.ts';
import type { LabelExtraction } from '../ast.ts';
import { EXTRACTED_SUFFIX, FROM_LINE, type LineLabels } from '../line-labels.ts';
import { noteParseError } from './json.ts';
import { eachKey, JsonError, type JsonValue, nextToken, scanValue, stringValue } from './json-scan.ts';
import { type LabelGate, type Stage, sanitizeKey } from './stage.ts';

/** A key of an object or an index of an array. */
type Step = string | number;

/** Parses `a.b["c d"][2]`. Throws InputError. */
export function parseJsonPath(text: string, position: number): Step[] {
  const bad = (at: number): never => {
    throw new InputError(
      `cannot parse expression [${text}]: unexpected ${JSON.stringify(text[at] ?? 'end')}`,
      {
        position,
        hint: 'keys are joined by dots, others are written as ["key with.signs"], array elements as [0]',
      },
    );
  };
  const steps: Step[] = [];
  let at = 0;
  let isFirst = true;
  while (at < text.length) {
    if (text[at] === '[') {
      let end: number;
      if (text[at + 1] === '"' || text[at + 1] === '`') {
        try {
          const read = scanString(text, at + 1);
          steps.push(read.value);
          end = read.end;
        } catch {
          return bad(at + 1);
        }
      } else {
        const digits = /^\d{1,9}/.exec(text.slice(at + 1));
        if (digits === null) return bad(at + 1);
        steps.push(Number(digits[0]));
        end = at + 1 + digits[0].length;
      }
      if (text[end] !== ']') return bad(end);
      at = end + 1;
      isFirst = false;
      continue;
    }
    if (!isFirst) {
      if (text[at] !== '.') return bad(at);
      at++;
    }
    const name = /^[a-zA-Z_][a-zA-Z0-9_]*/.exec(text.slice(at));
    if (name === null) return bad(at);
    steps.push(name[0]);
    at += name[0].length;
    isFirst = false;
  }
  if (steps.length === 0) return bad(0);
  return steps;
}

/** Expressions by their next step. */
interface Node {
  /** Expressions that end here. */
  readonly wanted: number[];
  readonly keys: Map<string, Node>;
  readonly elements: Map<number, Node>;
}

const newNode = (): Node => ({ wanted: [], keys: new Map(), elements: new Map() });

/** The stage. Missing values give empty labels. Throws InputError. */
export function compileJsonExpressions(extractions: readonly LabelExtraction[], gate: LabelGate): Stage {
  const root = newNode();
  const names: string[] = [];
  extractions.forEach((extraction, i) => {
    names.push(sanitizeKey(extraction.name, true));
    let node = root;
    for (const step of parseJsonPath(extraction.expression, extraction.at)) {
      const next: Node =
        (typeof step === 'string' ? node.keys.get(step) : node.elements.get(step)) ?? newNode();
      if (typeof step === 'string') node.keys.set(step, next);
      else node.elements.set(step, next);
      node = next;
    }
    node.wanted.push(i);
  });

  let seen = new Uint8Array(names.length);
  let missing = 0;

  const take = (line: string, node: Node, value: JsonValue, labels: LineLabels): void => {
    for (const i of node.wanted) {
      if (seen[i] === 1) continue;
      seen[i] = 1;
      missing--;
      let name = names[i] as string;
      if (labels.streamHas(name)) name += EXTRACTED_SUFFIX;
      let text = '';
      if (value.type === 'object') text = line.slice(value.start, value.end);
      else if (value.type !== 'null') text = stringValue(line, value.start, value.end);
      labels.set(FROM_LINE, name, text);
    }
    if (value.type === 'object' && node.keys.size > 0) object(line, node, value.start, value.end, labels);
    else if (value.type === 'array' && node.elements.size > 0) array(line, node, value, labels);
  };

  const object = (line: string, node: Node, start: number, end: number, labels: LineLabels): void => {
    eachKey(line, start, end, (key, value) => {
      const next = node.keys.get(key);
      if (next !== undefined) take(line, next, value, labels);
      return missing > 0;
    });
  };

  const array = (line: string, node: Node, block: JsonValue, labels: LineLabels): void => {
    let at = block.start + 1;
    const end = block.end - 1;
    for (let index = 0; missing > 0; index++) {
      if (nextToken(line, at, end) < 0) return;
      const value = scanValue(line, at, end);
      const next = node.elements.get(index);
      if (next !== undefined) take(line, next, value, labels);
      at = nextToken(line, value.next, end);
      if (at < 0 || line[at] !== ',') return;
      at++;
    }
  };

  return (line, labels) => {
    if (line === '' || labels.hints.done) return line;
    const first = line.charCodeAt(0);
    if (first !== 123 && first !== 91 && first !== 34) {
      labels.setError('JSONParserErr', '');
      if (labels.hints.preserveError) noteParseError(labels, 'JSONParserErr', '');
      return line;
    }
    seen = new Uint8Array(names.length);
    missing = names.length;
    try {
      if (first === 123) object(line, root, 0, line.length, labels);
      else if (first === 91 && root.elements.size > 0) {
        array(line, root, scanValue(line, 0, line.length), labels);
      }
    } catch (error) {
      // What is wrong behind the values that were found does not matter to this stage.
      if (!(error instanceof JsonError)) throw error;
    }
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      if (missing > 0 && labels.get(name) === undefined) labels.set(FROM_LINE, name, '');
    }
    for (const name of names) if (labels.get(name) !== undefined && !gate(name, labels)) return undefined;
    return line;
  };
}
