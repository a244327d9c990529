// What can stand at the cursor of a LogQL query. Pure: knows the language's shape, not the data.
import { scan } from './scan.ts';

export type LogqlContext =
  | { kind: 'label-name'; from: number; selector: string }
  | { kind: 'operator'; from: number }
  | { kind: 'label-value'; from: number; label: string; quoted: boolean; selector: string }
  | { kind: 'stage'; from: number; selector: string; logQuery: string }
  | { kind: 'field'; from: number; selector: string; logQuery: string }
  | { kind: 'grouping'; from: number; selector: string; logQuery: string }
  | { kind: 'duration'; from: number }
  | { kind: 'expression'; from: number }
  | { kind: 'none' };

/** The complete matchers of a selector's inside, braces around; `{}` if there are none. */
export function finishedMatchers(inner: string, except?: string): string {
  const pattern = /([\w.:]+)\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|`[^`]*`)/g;
  const kept = [...inner.matchAll(pattern)].filter((match) => match[1] !== except).map((match) => match[0]);
  return `{${kept.join(', ')}}`;
}

function firstSelector(text: string): string {
  const match = /\{[^{}]*\}/.exec(text);
  return match ? finishedMatchers(match[0].slice(1, -1)) : '{}';
}

const wordBefore = (text: string) => /[\w.]*$/.exec(text)?.[0] ?? '';

/** What to offer, given the text before the cursor. `from` is where the replaced word begins. */
export function logqlContext(before: string): LogqlContext {
  const state = scan(before);
  if (state.comment) return { kind: 'none' };
  const innermost = state.open.at(-1);
  const word = wordBefore(before);
  const from = before.length - word.length;

  if (innermost?.char === '{') {
    const inner = before.slice(innermost.at + 1);
    if (state.stringFrom >= 0) {
      const label = /([\w.:]+)\s*(?:=~|!~|!=|=)\s*$/.exec(
        before.slice(innermost.at + 1, state.stringFrom),
      )?.[1];
      if (!label) return { kind: 'none' };
      const selector = finishedMatchers(before.slice(innermost.at + 1, state.stringFrom), label);
      return { kind: 'label-value', from: state.stringFrom + 1, label, quoted: true, selector };
    }
    const afterOperator = /([\w.:]+)\s*(?:=~|!~|!=|=)\s*$/.exec(inner);
    if (afterOperator?.[1]) {
      const selector = finishedMatchers(inner, afterOperator[1]);
      return { kind: 'label-value', from: before.length, label: afterOperator[1], quoted: false, selector };
    }
    if (/(?:^|,)\s*[\w.:]*$/.test(inner))
      return { kind: 'label-name', from, selector: finishedMatchers(inner) };
    if (/(?:^|,)\s*[\w.:]+\s+$/.test(inner)) return { kind: 'operator', from: before.length };
    return { kind: 'none' };
  }
  if (state.stringFrom >= 0) return { kind: 'none' };
  if (innermost?.char === '[')
    return { kind: 'duration', from: before.length - (/\w*$/.exec(before)?.[0].length ?? 0) };

  const selector = firstSelector(before);
  if (
    innermost?.char === '(' &&
    /\b(by|without|on|ignoring|group_left|group_right)\s*$/.test(before.slice(0, innermost.at))
  ) {
    return { kind: 'grouping', from, selector, logQuery: selector };
  }
  if (innermost?.char === '(' && /\|\s*unwrap\s+\w+\s*$/.test(before.slice(0, innermost.at))) {
    const pipeline = before.slice(state.closedBraceEnd, innermost.at);
    return { kind: 'field', from, selector, logQuery: `${selector}${stagesBefore(pipeline)}` };
  }
  // A pipeline is open if a selector has closed inside the innermost bracket.
  const start = innermost ? innermost.at + 1 : 0;
  if (state.closedBraceEnd > start) {
    const pipeline = before.slice(state.closedBraceEnd);
    if (/[)\]]/.test(pipeline.replace(/"(?:\\.|[^"\\])*"|`[^`]*`/g, '""').replace(/\([^()]*\)/g, ''))) {
      return { kind: 'none' };
    }
    const logQuery = `${selector}${stagesBefore(pipeline)}`;
    if (/\|\s*(?:unwrap\s+(?:\w+\s*\(\s*)?|drop\s+|keep\s+|label_format\s+)[\w.]*$/.test(pipeline)) {
      return { kind: 'field', from, selector, logQuery };
    }
    if (/\|\s*[\w.]*$/.test(pipeline)) return { kind: 'stage', from, selector, logQuery };
    if (/\b(and|or)\s+[\w.]*$/.test(pipeline)) return { kind: 'field', from, selector, logQuery };
    return { kind: 'none' };
  }
  if (/[\w)\]]\s+$/.test(before) || /[)\]]\w*$/.test(before)) return { kind: 'none' };
  return { kind: 'expression', from };
}

/** The finished stages of a pipeline, without the one being written. */
function stagesBefore(pipeline: string): string {
  const last = pipeline.lastIndexOf('|');
  return last <= 0 ? '' : ` ${pipeline.slice(0, last).trim()}`.trimEnd();
}
