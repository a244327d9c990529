/**
 * The form of the search page <-> TraceQL. `toTraceql` writes what the form says; `fromTraceql` reads that
 * very shape back, and null for anything richer (then the query's text is the only truth). Pure.
 */

import { quoteLiteral } from '../app/links.ts';
import { attributeName } from './span-metrics.ts';
import { parseDurationNs } from './visible-rows.ts';

export const OPERATORS = ['=', '!=', '=~', '!~', '>', '>=', '<', '<='] as const;
export type Operator = (typeof OPERATORS)[number];

export interface TagFilter {
  /** With scope (`span.`, `resource.`, ...) or without. */
  readonly key: string;
  readonly operator: Operator;
  /** As typed: numbers, true and false are taken as such, everything else (and "quoted" text) as text. */
  readonly value: string;
}

export interface SearchForm {
  readonly service: string;
  readonly name: string;
  readonly status: '' | 'error' | 'ok' | 'unset';
  readonly minDuration: string;
  readonly maxDuration: string;
  readonly tags: readonly TagFilter[];
}

export const EMPTY_FORM: SearchForm = {
  service: '',
  name: '',
  status: '',
  minDuration: '',
  maxDuration: '',
  tags: [],
};

const SCOPES = ['span', 'resource', 'parent', 'event', 'link', 'instrumentation'];
const INTRINSICS = new Set([
  'name',
  'status',
  'statusMessage',
  'kind',
  'duration',
  'rootName',
  'rootServiceName',
  'traceDuration',
]);

/** The form as TraceQL. Tags without a key and durations that cannot be read are left out. */
export function toTraceql(form: SearchForm): string {
  const parts: string[] = [];
  if (form.service !== '') parts.push(`resource.service.name = ${quoteLiteral(form.service)}`);
  if (form.name !== '') parts.push(`name = ${quoteLiteral(form.name)}`);
  if (form.status !== '') parts.push(`status = ${form.status}`);
  if (parseDurationNs(form.minDuration) !== null) parts.push(`duration >= ${form.minDuration.trim()}`);
  if (parseDurationNs(form.maxDuration) !== null) parts.push(`duration <= ${form.maxDuration.trim()}`);
  for (const { key, operator, value } of form.tags)
    if (key.trim() !== '') parts.push(`${tagKey(key.trim())} ${operator} ${tagValue(operator, value)}`);
  return parts.length === 0 ? '{}' : `{ ${parts.join(' && ')} }`;
}

function tagKey(key: string): string {
  if (INTRINSICS.has(key) || /^(span|trace|event|link|instrumentation):\w+$/.test(key)) return key;
  const dot = key.indexOf('.');
  const scope = key.slice(0, Math.max(0, dot));
  if (SCOPES.includes(scope)) return `${scope}.${attributeName(key.slice(dot + 1))}`;
  return `.${attributeName(key.startsWith('.') ? key.slice(1) : key)}`;
}

function tagValue(operator: Operator, value: string): string {
  const text = value.trim();
  const quoted = /^"(?:[^"\\]|\\.)*"$/.test(text);
  if (quoted) return text;
  if (operator === '=~' || operator === '!~') return quoteLiteral(value);
  if (/^-?\d+(\.\d+)?$/.test(text) || text === 'true' || text === 'false') return text;
  if (parseDurationNs(text) !== null) return text;
  return quoteLiteral(value);
}

const LITERAL = /^"((?:[^"\\]|\\.)*)"$/;
const CONDITION =
  /\s*((?:[\w:]+|\.)(?:[\w.\-/]|"(?:[^"\\]|\\.)*")*)\s*(=~|!~|!=|>=|<=|=|>|<)\s*("(?:[^"\\]|\\.)*"|[^\s"&|{}()]+)\s*(&&|$)/y;

/** The form that writes `query`, or null when the form cannot say it. */
export function fromTraceql(query: string): SearchForm | null {
  const braces = /^\s*\{(.*)\}\s*$/s.exec(query);
  if (query.trim() === '') return EMPTY_FORM;
  if (braces === null) return null;
  const body = braces[1]!;
  if (body.trim() === '' || body.trim() === 'true') return EMPTY_FORM;
  const form: { -readonly [K in keyof SearchForm]: SearchForm[K] } = { ...EMPTY_FORM };
  const tags: TagFilter[] = [];
  CONDITION.lastIndex = 0;
  let more = true;
  while (more) {
    const match = CONDITION.exec(body);
    if (match === null) return null;
    const [, key, operator, value, join] = match;
    more = join === '&&';
    if (!place(form, tags, key!, operator as Operator, value!)) return null;
  }
  return { ...form, tags };
}

function place(
  form: { -readonly [K in keyof SearchForm]: SearchForm[K] },
  tags: TagFilter[],
  key: string,
  operator: Operator,
  value: string,
): boolean {
  const text = unquote(value);
  if (key === 'resource.service.name' && operator === '=' && text !== null && form.service === '')
    form.service = text;
  else if ((key === 'name' || key === 'span:name') && operator === '=' && text !== null && form.name === '')
    form.name = text;
  else if (key === 'status' && operator === '=' && form.status === '' && /^(error|ok|unset)$/.test(value))
    form.status = value as SearchForm['status'];
  else if (key === 'duration' && operator === '>=' && form.minDuration === '' && isDuration(value))
    form.minDuration = value;
  else if (key === 'duration' && operator === '<=' && form.maxDuration === '' && isDuration(value))
    form.maxDuration = value;
  else if (key.includes('"')) return false;
  else if (text === null && !/^(-?\d+(\.\d+)?|true|false)$/.test(value) && !isDuration(value)) return false;
  else
    tags.push({
      key: key.startsWith('.') ? key.slice(1) : key,
      operator,
      value: shownValue(operator, value, text),
    });
  return true;
}

const isDuration = (value: string): boolean => parseDurationNs(value) !== null;

/** Text that would be read as a number keeps its quotes, so that writing it again says the same. */
function shownValue(operator: Operator, literal: string, text: string | null): string {
  if (text === null) return literal;
  return tagValue(operator, text) === literal ? text : literal;
}

function unquote(literal: string): string | null {
  const inner = LITERAL.exec(literal)?.[1];
  if (inner === undefined) return null;
  return inner.replace(/\\(.)/gs, (_, c: string) => ({ n: '\n', r: '\r', t: '\t' })[c] ?? c);
}
