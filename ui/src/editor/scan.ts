// What is open where the cursor stands: brackets and strings of LogQL and TraceQL. Pure.

export interface OpenBracket {
  char: '{' | '(' | '[';
  at: number;
}

export interface Scan {
  /** Innermost last. */
  open: OpenBracket[];
  /** Where an unfinished string begins, at its quote; -1 outside of strings. */
  stringFrom: number;
  /** In a comment: nothing to complete. */
  comment: boolean;
  /** Place behind the last `}` that closed at the outermost level seen; -1 if none. */
  closedBraceEnd: number;
}

const closers: Readonly<Record<string, string>> = { '}': '{', ')': '(', ']': '[' };

/** Scans the text before the cursor. */
export function scan(text: string, lineComment: '#' | '//' = '#'): Scan {
  const open: OpenBracket[] = [];
  let closedBraceEnd = -1;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (text.startsWith(lineComment, i)) {
      const end = text.indexOf('\n', i);
      if (end < 0) return { open, stringFrom: -1, comment: true, closedBraceEnd };
      i = end;
    } else if (char === '"' || char === '`') {
      const from = i;
      i++;
      while (i < text.length && text[i] !== char) {
        if (char === '"' && text[i] === '\\') i++;
        i++;
      }
      if (i >= text.length) return { open, stringFrom: from, comment: false, closedBraceEnd };
    } else if (char === '{' || char === '(' || char === '[') open.push({ char, at: i });
    else if (closers[char]) {
      if (open.at(-1)?.char === closers[char]) open.pop();
      if (char === '}') closedBraceEnd = i + 1;
    }
  }
  return { open, stringFrom: -1, comment: false, closedBraceEnd };
}
