/** Series as test scripts write them: `name{labels} 1 2 _ 3+1x4 {{schema:0 count:3 buckets:[1 2]}}`. */

import type { CounterResetHint, Histogram } from '../../src/model/histogram.ts';
import { Labels } from '../../src/model/labels.ts';
import { parseDuration } from '../../src/query/syntax/durations.ts';
import { parseGoNumber } from '../../src/query/syntax/numbers.ts';
import { scanString } from '../../src/query/syntax/strings.ts';
import { addHistograms, subtractHistograms } from '../../src/query/vector/histogram/arithmetic.ts';

/** One value of a sequence; undefined where there is no sample. */
export type SequenceValue = number | Histogram | 'stale' | undefined;

export interface SeriesNotation {
  readonly labels: Labels;
  readonly values: SequenceValue[];
}

/** Parses one line. Throws an Error that says what is wrong. */
export function parseSeries(line: string): SeriesNotation {
  const { labels, end } = parseLabels(line);
  return { labels, values: parseValues(line.slice(end)) };
}

function parseLabels(line: string): { labels: Labels; end: number } {
  const pairs: [string, string][] = [];
  const name = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line)?.[0] ?? '';
  if (name !== '') pairs.push(['__name__', name]);
  let at = name.length;
  if (line[at] !== '{' || line[at + 1] === '{') return { labels: Labels.fromPairs(pairs), end: at };
  at++;
  const blanks = (): void => {
    while (line[at] === ' ' || line[at] === '\t') at++;
  };
  for (;;) {
    blanks();
    if (line[at] === '}') return { labels: Labels.fromPairs(pairs), end: at + 1 };
    let label: string;
    if (line[at] === '"' || line[at] === "'") {
      const { value, end } = scanString(line, at);
      label = value;
      at = end;
    } else {
      label = /^[a-zA-Z_][a-zA-Z0-9_]*/.exec(line.slice(at))?.[0] ?? '';
      if (label === '') throw new Error(`no label at ${at} in: ${line}`);
      at += label.length;
    }
    blanks();
    if (line[at] === '=') {
      at++;
      blanks();
      const { value, end } = scanString(line, at);
      pairs.push([label, value]);
      at = end;
    } else pairs.push(['__name__', label]);
    blanks();
    if (line[at] === ',') at++;
    else if (line[at] !== '}') throw new Error(`expected , or } at ${at} in: ${line}`);
  }
}

const NUMBER = /^[+-]?(?:[iI]nf|[nN]a[nN]|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/;

export function parseValues(text: string): SequenceValue[] {
  const out: SequenceValue[] = [];
  let rest = text.trim();
  const take = (pattern: RegExp): string | undefined => {
    const found = pattern.exec(rest)?.[0];
    if (found !== undefined) rest = rest.slice(found.length);
    return found;
  };
  const times = (): number | undefined => {
    const repeat = take(/^x\d+/);
    return repeat === undefined ? undefined : Number(repeat.slice(1));
  };
  while (rest !== '') {
    if (take(/^_/) !== undefined) {
      for (let i = times() ?? 1; i > 0; i--) out.push(undefined);
    } else if (take(/^stale/) !== undefined) {
      const repeat = times();
      for (let i = (repeat ?? 0) + 1; i > 0; i--) out.push('stale');
    } else if (rest.startsWith('{{')) {
      const end = rest.indexOf('}}') + 2;
      let h = parseHistogram(rest.slice(2, end - 2));
      rest = rest.slice(end);
      out.push(h);
      const sign = take(/^[+-](?=\{\{)/);
      if (sign === undefined) {
        for (let i = times() ?? 0; i > 0; i--) out.push(h);
      } else {
        const stepEnd = rest.indexOf('}}') + 2;
        const step = parseHistogram(rest.slice(2, stepEnd - 2));
        rest = rest.slice(stepEnd);
        for (let i = times() ?? 0; i > 0; i--) {
          const next = sign === '+' ? addHistograms(h, step) : subtractHistograms(h, step);
          if (typeof next === 'string') throw new Error(`histograms do not fit: ${text}`);
          h = next;
          out.push(h);
        }
      }
    } else {
      let value = number(take(NUMBER), rest);
      out.push(value);
      const step = /^[+-]/.test(rest) ? number(take(NUMBER), rest) : 0;
      for (let i = times() ?? 0; i > 0; i--) {
        value += step;
        out.push(value);
      }
    }
    if (rest !== '' && !/^\s/.test(rest)) throw new Error(`cannot read values at: ${rest}`);
    rest = rest.trimStart();
  }
  return out;
}

function number(text: string | undefined, rest: string): number {
  const value = text === undefined ? undefined : parseNumber(text);
  if (value === undefined) throw new Error(`no number at: ${text ?? rest}`);
  return value;
}

/** A number or a duration (in seconds). */
export function parseNumber(text: string): number | undefined {
  const value = parseGoNumber(text.replace(/^\+/, ''));
  if (value !== undefined) return value;
  const duration = parseDuration(text);
  return 'ms' in duration ? duration.ms / 1000 : undefined;
}

function parseHistogram(text: string): Histogram {
  const fields = new Map<string, string>();
  for (const found of text.matchAll(/([a-z_]+):(\[[^\]]*\]|\S+)/g))
    fields.set(found[1] as string, found[2] as string);
  const list = (name: string): number[] =>
    (fields.get(name) ?? '[]')
      .slice(1, -1)
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map((item) => number(item, item));
  const value = (name: string): number => (fields.has(name) ? number(fields.get(name), name) : 0);
  const side = (counts: number[], offset: number) => ({
    spans: counts.length === 0 ? [] : [{ offset, length: counts.length }],
    counts,
  });
  const positive = side(list('buckets'), value('offset'));
  const negative = side(list('n_buckets'), value('n_offset'));
  return {
    schema: value('schema'),
    count: value('count'),
    sum: value('sum'),
    zeroThreshold: value('z_bucket_w'),
    zeroCount: value('z_bucket'),
    positiveSpans: positive.spans,
    positiveCounts: positive.counts,
    negativeSpans: negative.spans,
    negativeCounts: negative.counts,
    customValues: list('custom_values'),
    counterReset: (fields.get('counter_reset_hint') ?? 'unknown') as CounterResetHint,
    isFloat: true,
  };
}
