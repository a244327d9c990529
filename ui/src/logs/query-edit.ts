// Edits a LogQL query's text for "filter for" and "filter out". Works on the text, so that what the
// user wrote stays as it is. Pure.
import { quoteLiteral } from '../app/links.ts';
import type { Field } from './log-model.ts';

interface Span {
  from: number;
  to: number;
}

/** End of the string literal that begins at `at`. */
function skipString(query: string, at: number): number {
  const quote = query[at];
  for (let i = at + 1; i < query.length; i++) {
    if (query[i] === '\\' && quote !== '`') i++;
    else if (query[i] === quote) return i + 1;
  }
  return query.length;
}

/** The first stream selector, braces included; null if there is none. */
export function findSelector(query: string): Span | null {
  let from = -1;
  for (let i = 0; i < query.length; i++) {
    const char = query[i];
    if (char === '"' || char === '`') i = skipString(query, i) - 1;
    else if (char === '#') {
      const end = query.indexOf('\n', i);
      if (end < 0) return null;
      i = end;
    } else if (char === '{') from = i;
    else if (char === '}' && from >= 0) return { from, to: i + 1 };
  }
  return null;
}

interface Matcher extends Span {
  name: string;
  operator: string;
  value: string;
}

function matchersIn(query: string, selector: Span): Matcher[] {
  const out: Matcher[] = [];
  const inner = query.slice(selector.from + 1, selector.to - 1);
  const pattern =
    /([\p{L}_][\p{L}\p{N}_.:]*|"(?:\\.|[^"\\])*")\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|`[^`]*`)/gu;
  for (const match of inner.matchAll(pattern)) {
    const [whole, name = '', operator = '', value = ''] = match;
    const from = selector.from + 1 + match.index;
    out.push({ from, to: from + whole.length, name, operator, value });
  }
  return out;
}

/** Adds a matcher to the first selector, or turns one about the same value around. */
function editSelector(
  query: string,
  selector: Span,
  name: string,
  operator: '=' | '!=',
  value: string,
): string {
  const literal = quoteLiteral(value);
  const text = `${name}${operator}${literal}`;
  for (const matcher of matchersIn(query, selector)) {
    if (matcher.name !== name) continue;
    const sameValue = matcher.value === literal || matcher.value === `\`${value}\``;
    if (matcher.operator === operator && sameValue) return query;
    // One value can be asked for at a time; several can be kept out.
    if (operator === '=' && matcher.operator !== '!=' && matcher.operator !== '!~') {
      return query.slice(0, matcher.from) + text + query.slice(matcher.to);
    }
    if (sameValue && (matcher.operator === '=' || matcher.operator === '!=')) {
      return query.slice(0, matcher.from) + text + query.slice(matcher.to);
    }
  }
  const inner = query
    .slice(selector.from + 1, selector.to - 1)
    .trimEnd()
    .replace(/,$/, '');
  const added = inner.trim() === '' ? text : `${inner}, ${text}`;
  return `${query.slice(0, selector.from)}{${added}}${query.slice(selector.to)}`;
}

/** Where the pipeline of the first selector ends: before `[`, a closing parenthesis, or the end. */
function pipelineEnd(query: string, from: number): number {
  let depth = 0;
  for (let i = from; i < query.length; i++) {
    const char = query[i];
    if (char === '"' || char === '`') i = skipString(query, i) - 1;
    else if (char === '(') depth++;
    else if (char === ')') {
      if (depth === 0) return i;
      depth--;
    } else if (char === '[' && depth === 0) return i;
  }
  return query.length;
}

/** Ahead of these, a filter on structured metadata is cheapest and still sees the name. */
const fieldName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function addStage(query: string, selector: Span, stages: readonly string[]): string {
  const end = pipelineEnd(query, selector.to);
  let head = query.slice(0, end).trimEnd();
  const tail = query.slice(end);
  for (const stage of stages) {
    const text = `| ${stage}`;
    if (head.slice(selector.to).includes(text)) continue;
    head += ` ${text}`;
  }
  return tail === '' ? head : `${head} ${tail.trimStart()}`;
}

/**
 * The query with a condition on a field: a stream label goes into the selector, anything else
 * becomes a label filter at the end of the pipeline (with the parser it needs, if the field was only
 * read out of the line). Returns the query unchanged if it has no selector or the field cannot be named.
 */
export function filterBy(
  query: string,
  field: Field,
  mode: 'for' | 'out',
  format: 'json' | 'logfmt' | null = null,
): string {
  const operator = mode === 'for' ? '=' : '!=';
  const selector = findSelector(query);
  if (field.origin === 'label') {
    if (!selector) return `{${field.name}${operator}${quoteLiteral(field.value)}}`;
    return editSelector(query, selector, field.name, operator, field.value);
  }
  if (!selector || !fieldName.test(field.name)) return query;
  const opposite = mode === 'for' ? '!=' : '=';
  const literal = quoteLiteral(field.value);
  const turned = query.replace(` | ${field.name}${opposite}${literal}`, '');
  const stages = [`${field.name}${operator}${literal}`];
  if (field.origin === 'line' && format) {
    const pipeline = turned.slice(selector.to, pipelineEnd(turned, selector.to));
    if (!new RegExp(`\\|\\s*${format}\\b`).test(pipeline)) stages.unshift(format);
  }
  return addStage(turned, selector, stages);
}

/** The query with a line filter, for a text selected in a line. */
export function filterLine(query: string, text: string, mode: 'for' | 'out'): string {
  const selector = findSelector(query);
  if (!selector || text === '') return query;
  const filter = `${mode === 'for' ? '|=' : '!='} ${quoteLiteral(text)}`;
  const rest = query.slice(selector.to);
  if (rest.includes(filter)) return query;
  return `${query.slice(0, selector.to)} ${filter}${rest}`;
}

/** Whether the text is a log query (it answers lines) rather than a metric query. */
export function isLogQuery(query: string): boolean {
  const text = query.replace(/#[^\n]*/g, '').trim();
  return /^\(*\s*\{/.test(text) && !/^\(*\s*\{[^}]*\}\s*\[/.test(text);
}

/** The query that counts a log query's lines by level, for the histogram above the list. */
export function volumeQuery(query: string, step: string): string {
  let text = query.replace(/(^|\n)\s*#[^\n]*/g, '$1').trim();
  while (text.startsWith('(') && text.endsWith(')')) text = text.slice(1, -1).trim();
  return `sum by (detected_level, level) (count_over_time(${text}\n[${step}]))`;
}
