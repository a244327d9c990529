/** `| json` without expressions and `| unpack`: JSON objects as labels. */

import { EXTRACTED_SUFFIX, FROM_LINE, type LineLabels } from '../line-labels.ts';
import { eachKey, JsonError, type JsonValue, stringValue } from './json-scan.ts';
import { type LabelGate, type Stage, sanitizeKey } from './stage.ts';

/** Objects within objects. */
const MAX_DEPTH = 200;
/** Names of labels by prefix and key; bounded because keys come from lines. */
const MAX_NAMES = 20_000;

/** Notes the error on the line; it goes on through the pipeline. */
export function noteParseError(
  labels: LineLabels,
  kind: 'JSONParserErr' | 'LogfmtParserErr',
  details: string,
): void {
  labels.setError(kind, details);
  if (labels.hints.preserveError) labels.set(FROM_LINE, '__preserve_error__', 'true');
}

type Outcome = 'go on' | 'all found' | 'dropped';

/** Every scalar of the object as a label, nested keys joined by '_'. */
export function compileJson(gate: LabelGate): Stage {
  const namesByPrefix = new Map<string, Map<string, string>>();
  let cached = 0;

  const nameOf = (prefix: string, key: string): string => {
    let names = namesByPrefix.get(prefix);
    if (names === undefined) {
      names = new Map();
      if (cached < MAX_NAMES) namesByPrefix.set(prefix, names);
    }
    let name = names.get(key);
    if (name === undefined) {
      name = prefix === '' ? sanitizeKey(key, true) : `${prefix}_${sanitizeKey(key, false)}`;
      if (cached++ < MAX_NAMES) names.set(key, name);
    }
    return name;
  };

  const walk = (
    line: string,
    start: number,
    end: number,
    prefix: string,
    depth: number,
    labels: LineLabels,
  ): Outcome => {
    let outcome: Outcome = 'go on';
    eachKey(line, start, end, (key, value) => {
      outcome = visit(line, key, value, prefix, depth, labels);
      return outcome === 'go on';
    });
    return outcome;
  };

  const visit = (
    line: string,
    key: string,
    value: JsonValue,
    prefix: string,
    depth: number,
    labels: LineLabels,
  ): Outcome => {
    switch (value.type) {
      case 'null':
      case 'array':
        return 'go on';
      case 'object': {
        const inner = nameOf(prefix, key);
        if (!labels.hints.shouldExtractPrefix(inner)) return 'go on';
        if (depth >= MAX_DEPTH) throw new JsonError('nested too deeply');
        return walk(line, value.start, value.end, inner, depth + 1, labels);
      }
    }
    let name = nameOf(prefix, key);
    if (name === '') return 'go on';
    if (labels.streamHas(name)) name += EXTRACTED_SUFFIX;
    if (!labels.wants(name)) return 'go on';
    const text =
      value.type === 'string'
        ? stringValue(line, value.start, value.end)
        : line.slice(value.start, value.end);
    labels.set(FROM_LINE, name, text);
    if (!gate(name, labels)) return 'dropped';
    return labels.hints.allExtracted ? 'all found' : 'go on';
  };

  return (line, labels) => {
    if (labels.hints.done) return line;
    labels.beginParser();
    try {
      if (walk(line, 0, line.length, '', 0, labels) === 'dropped') return undefined;
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      noteParseError(labels, 'JSONParserErr', error.message);
    }
    return line;
  };
}

/** The key under which a packed line carries the original. */
const ENTRY_KEY = '_entry';

/** `| unpack`: the strings of a packed line as labels, its `_entry` as the line. */
export function compileUnpack(gate: LabelGate): Stage {
  return (line, labels) => {
    if (line === '' || labels.hints.done) return line;
    if (line.charCodeAt(0) !== 123) {
      noteParseError(labels, 'JSONParserErr', 'expecting json object(6), but it is not');
      return line;
    }
    labels.beginParser();
    const found: [string, string][] = [];
    let entry: string | undefined;
    try {
      eachKey(line, 0, line.length, (key, value) => {
        if (value.type !== 'string') return true;
        if (key === ENTRY_KEY) {
          entry = stringValue(line, value.start, value.end);
          return true;
        }
        let name = key;
        if (labels.streamHas(name)) name += EXTRACTED_SUFFIX;
        if (!labels.wants(name)) return true;
        name = sanitizeKey(name, true);
        if (name !== '') found.push([name, stringValue(line, value.start, value.end)]);
        return true;
      });
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      noteParseError(labels, 'JSONParserErr', error.message);
      return line;
    }
    if (entry === undefined) return line;
    for (const [name, value] of found) {
      labels.set(FROM_LINE, name, value);
      if (!gate(name, labels)) return undefined;
    }
    return entry;
  };
}
