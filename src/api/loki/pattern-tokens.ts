/** Lines as tokens for pattern mining: words, signs that separate them, and wildcards for what looks like a value. */

export const WILDCARD = '<_>';
const MAX_LINE = 3000;
const MAX_TOKENS = 120;

export interface TemplateToken {
  readonly text: string;
  /** A blank stands before it. */
  readonly spaceBefore: boolean;
}

/** Signs that stand between words and values and are part of the shape of a line. */
const SEPARATOR = /[=:,;"'`()[\]{}<>|]/;

/**
 * Tokens of a line. Numbers, times, ids, addresses, sizes and durations are wildcards; what follows `=` in logfmt and
 * the strings of JSON values stay words, for lines to agree on or not.
 */
export function tokenize(line: string): TemplateToken[] {
  const text = line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line;
  const tokens: TemplateToken[] = [];
  let spaceBefore = false;
  let at = 0;
  while (at < text.length && tokens.length < MAX_TOKENS) {
    const c = text[at] as string;
    if (c === ' ' || c === '\t' || c === '\n' || c === '\r') {
      spaceBefore = true;
      at++;
      continue;
    }
    let end = at + 1;
    if (!SEPARATOR.test(c)) {
      // A colon within digits belongs to a time or an address.
      while (end < text.length) {
        const e = text[end] as string;
        if (
          e === ':' &&
          /[0-9a-fA-F]/.test(text[end - 1] as string) &&
          /[0-9a-fA-F:]/.test(text[end + 1] ?? '')
        ) {
          end++;
          continue;
        }
        if (/\s/.test(e) || SEPARATOR.test(e)) break;
        end++;
      }
    }
    const word = text.slice(at, end);
    tokens.push({ text: isValue(word) ? WILDCARD : word, spaceBefore: spaceBefore && tokens.length > 0 });
    spaceBefore = false;
    at = end;
  }
  return tokens;
}

/** Whether a word is a value by its looks: it has a digit, and is not a short word with a digit at its end (http2). */
function isValue(word: string): boolean {
  if (!/\d/.test(word)) return false;
  return !/^[a-zA-Z]{2,}\d$/.test(word) || /^[0-9a-fA-F]{6,}$/.test(word);
}
