// What can stand at the cursor of a TraceQL query. Pure: knows the language's shape, not the data.
import { scan } from './scan.ts';

export type TraceqlContext =
  | { kind: 'attribute'; from: number; scope: string | null }
  | { kind: 'operator'; from: number }
  | { kind: 'value'; from: number; attribute: string; quoted: boolean }
  | { kind: 'pipeline'; from: number }
  | { kind: 'start'; from: number }
  | { kind: 'none' };

const attribute = String.raw`[\w.:/\-]*(?:"[^"]*")?`;
const comparison = `(?:=~|!~|!=|>=|<=|=|>|<)`;

/** What to offer, given the text before the cursor. `from` is where the replaced text begins. */
export function traceqlContext(before: string): TraceqlContext {
  const state = scan(before, '//');
  if (state.comment) return { kind: 'none' };
  const innermost = state.open.at(-1);
  const inBraces = state.open.some((bracket) => bracket.char === '{');
  const call = innermost?.char === '(' ? (/([\w_]+)\s*$/.exec(before.slice(0, innermost.at))?.[1] ?? '') : '';

  if (state.stringFrom >= 0) {
    if (!inBraces) return { kind: 'none' };
    const head = before.slice(0, state.stringFrom);
    const name = new RegExp(`(${attribute})\\s*${comparison}\\s*$`).exec(head)?.[1];
    return name
      ? { kind: 'value', from: state.stringFrom + 1, attribute: name, quoted: true }
      : { kind: 'none' };
  }
  const word = /[\w.:/-]*$/.exec(before)?.[0] ?? '';
  const from = before.length - word.length;
  const scope = /^(resource|span|event|link|instrumentation|parent|trace)[.:]/.exec(word)?.[1] ?? null;
  const named = /^(by|select|compare|\w+_over_time|avg|min|max|sum)$/.test(call);

  if (inBraces) {
    const inner = before.slice((innermost?.at ?? 0) + 1);
    const beforeWord = inner.slice(0, inner.length - word.length);
    const compared = new RegExp(`(${attribute})\\s*${comparison}\\s*$`).exec(beforeWord);
    if (compared?.[1]) return { kind: 'value', from, attribute: compared[1], quoted: false };
    if (/(?:^|&&|\|\||[(!])\s*$/.test(beforeWord)) return { kind: 'attribute', from, scope };
    if (word === '' && /[\w"]\s+$/.test(inner)) return { kind: 'operator', from };
    return { kind: 'none' };
  }
  if (named && /[(,]\s*[\w.:/-]*$/.test(before)) return { kind: 'attribute', from, scope };
  if (/\|\s*\w*$/.test(before)) return { kind: 'pipeline', from };
  if (/\)\s+\w*$/.test(before)) return { kind: 'pipeline', from };
  if (before.trim() === word) return { kind: 'start', from };
  return { kind: 'none' };
}
