// Where in a query an API's error message points. Pure.
//
// Prometheus writes `1:7: parse error: ...`, Loki and Tempo `parse error at line 1, col 5: ...`;
// lines and columns count from 1.

export interface QuerySpan {
  from: number;
  to: number;
}

const forms: readonly RegExp[] = [
  /\b(\d+):(\d+): parse error/,
  /\bline (\d+), col(?:umn)?:? ?(\d+)/i,
  /(?:^|[\s(])(\d+):(\d+):/,
];

/** The part of `query` that the message is about; null if the message names no place. */
export function errorPosition(message: string, query: string): QuerySpan | null {
  for (const form of forms) {
    const match = form.exec(message);
    if (match) return spanAt(query, Number(match[1]), Number(match[2]));
  }
  return null;
}

function spanAt(query: string, line: number, column: number): QuerySpan {
  const lines = query.split('\n');
  const index = Math.min(Math.max(line, 1), lines.length) - 1;
  let start = 0;
  for (let i = 0; i < index; i++) start += (lines[i]?.length ?? 0) + 1;
  const lineText = lines[index] ?? '';
  const from = start + Math.min(Math.max(column - 1, 0), lineText.length);
  const word = /^(?:[\w.:]+|"(?:\\.|[^"\\])*"?|\S)/.exec(query.slice(from));
  if (word) return { from, to: from + word[0].length };
  // Past the end: the last character that is no space stands for what is missing.
  const last = query.trimEnd().length;
  return { from: Math.max(0, last - 1), to: last };
}
