/**
 * The characters of a TraceQL text: blanks and remarks, words, numbers, durations, strings, attribute names. What may
 * stand where is the parser's business.
 */

import { InputError } from '../../model/errors.ts';
import type { Static } from './static.ts';

const ATTRIBUTE_STOP = /[\s{}()=~!<>&|^,"]/;
const WORD_START = /[\p{L}_]/u;
const WORD_PART = /[\p{L}\p{Nd}_]/u;
const DURATION_UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
  y: 31_536_000_000_000_000n,
};
const DURATION_PART = /(\d+)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h|d|w|y)|\.(\d+)(ns|us|µs|μs|ms|s|m|h)/y;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const MAX_INT = (1n << 63n) - 1n;

/**
 * Reads a duration such as `1h30m`, `1.5s`, `250us`, `7d`. Nanoseconds, or undefined when the text is none. Also used
 * for parameters of requests.
 */
export function parseDuration(text: string): bigint | undefined {
  let at = 0;
  let total = 0n;
  while (at < text.length) {
    DURATION_PART.lastIndex = at;
    const part = DURATION_PART.exec(text);
    if (part === null) return undefined;
    const unit = DURATION_UNITS[part[3] ?? part[5] ?? ''] as bigint;
    const fraction = part[2] ?? part[4] ?? '';
    if (fraction !== '' && unit >= (DURATION_UNITS.d as bigint)) return undefined;
    total += BigInt(part[1] ?? '0') * unit;
    if (fraction !== '')
      total += (BigInt(fraction.slice(0, 15)) * unit) / 10n ** BigInt(Math.min(15, fraction.length));
    at = DURATION_PART.lastIndex;
  }
  return at === 0 || total > MAX_INT ? undefined : total;
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** A cursor over the text. Every method skips blanks and remarks first unless it says otherwise. */
export class Scanner {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** A mistake at `position` (here, when left out); to be thrown. */
  error(message: string, position = this.at, hint?: string): InputError {
    return new InputError(message, hint === undefined ? { position } : { position, hint });
  }

  /** Where the next thing that is no blank stands. */
  position(): number {
    this.skip();
    return this.at;
  }

  /** Skips blanks, `// ...` and `# ...`. */
  skip(): void {
    const { text } = this;
    for (;;) {
      const char = text[this.at];
      if (char === undefined) return;
      if (/\s/.test(char)) this.at++;
      else if (char === '#' || (char === '/' && text[this.at + 1] === '/')) {
        const end = text.indexOf('\n', this.at);
        this.at = end < 0 ? text.length : end + 1;
      } else if (char === '/' && text[this.at + 1] === '*') {
        const end = text.indexOf('*/', this.at + 2);
        if (end < 0) throw this.error('comment not terminated');
        this.at = end + 2;
      } else return;
    }
  }

  atEnd(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }

  /** What stands here, for messages. */
  describe(): string {
    if (this.atEnd()) return 'end of the query';
    const word = this.peekWord();
    return `"${word === '' ? String.fromCodePoint(this.text.codePointAt(this.at) as number) : word}"`;
  }

  /** Whether this text stands here (symbols only). */
  sees(symbol: string): boolean {
    this.skip();
    return this.text.startsWith(symbol, this.at);
  }

  accept(symbol: string): boolean {
    if (!this.sees(symbol)) return false;
    this.at += symbol.length;
    return true;
  }

  expect(symbol: string, where: string): void {
    if (!this.accept(symbol)) {
      throw this.error(`parse error: unexpected ${this.describe()}, expected "${symbol}" ${where}`);
    }
  }

  /** The longest of these symbols that stands here. `symbols` must be sorted by falling length. */
  oneOf<T extends string>(symbols: readonly T[]): T | undefined {
    this.skip();
    for (const symbol of symbols) if (this.text.startsWith(symbol, this.at)) return symbol;
    return undefined;
  }

  /** The word (letters, digits, `_`) that starts here, or ''. */
  peekWord(): string {
    this.skip();
    let end = this.at;
    for (;;) {
      const code = this.text.codePointAt(end);
      if (code === undefined) break;
      const char = String.fromCodePoint(code);
      if (!(end === this.at ? WORD_START : WORD_PART).test(char)) break;
      end += char.length;
    }
    return this.text.slice(this.at, end);
  }

  acceptWord(word: string): boolean {
    if (this.peekWord() !== word) return false;
    this.at += word.length;
    return true;
  }

  /** A number or duration, or undefined. Does not take a sign. */
  number(): Static | undefined {
    this.skip();
    const { text } = this;
    const start = this.at;
    const first = text[start] ?? '';
    if (!/[\d.]/.test(first) || (first === '.' && !/\d/.test(text[start + 1] ?? ''))) return undefined;
    let end = start;
    while (/[\d.nsumhµμdwy]/.test(text[end] ?? '')) end++;
    const span = text.slice(start, end);
    if (/[a-zµμ]/.test(span)) {
      const value = parseDuration(span);
      if (value !== undefined) {
        this.at = end;
        return { type: 'duration', value };
      }
    }
    NUMBER.lastIndex = start;
    const match = NUMBER.exec(text)?.[0];
    if (match === undefined) return undefined;
    if (/^\d+$/.test(match)) {
      const value = BigInt(match);
      if (value > MAX_INT)
        throw this.error(`parse error: the integer ${match} does not fit into 64 bits`, start);
      this.at = start + match.length;
      return { type: 'int', value };
    }
    this.at = start + match.length;
    return { type: 'double', value: Number(match) };
  }

  /** A string in double or back quotes, or undefined. */
  string(): string | undefined {
    this.skip();
    const { text } = this;
    const start = this.at;
    if (text[start] === '`') {
      const end = text.indexOf('`', start + 1);
      if (end < 0) throw this.error('parse error: literal not terminated');
      this.at = end + 1;
      return text.slice(start + 1, end).replaceAll('\r', '');
    }
    if (text[start] !== '"') return undefined;
    let out = '';
    for (let i = start + 1; ; ) {
      const char = text[i];
      if (char === undefined || char === '\n') throw this.error('parse error: literal not terminated', start);
      if (char === '"') {
        this.at = i + 1;
        return out;
      }
      if (char !== '\\') {
        out += char;
        i++;
        continue;
      }
      const [piece, size] = this.#escape(i);
      out += piece;
      i += size;
    }
  }

  #escape(at: number): [string, number] {
    const kind = this.text[at + 1] ?? '';
    const simple = SIMPLE_ESCAPES[kind];
    if (simple !== undefined) return [simple, 2];
    const size = kind === 'x' ? 2 : kind === 'u' ? 4 : kind === 'U' ? 8 : /[0-7]/.test(kind) ? 3 : 0;
    const digits = size === 3 ? this.text.slice(at + 1, at + 4) : this.text.slice(at + 2, at + 2 + size);
    const valid = size === 3 ? /^[0-3][0-7]{2}$/.test(digits) : /^[0-9a-fA-F]+$/.test(digits);
    const code = valid && digits.length === size ? Number.parseInt(digits, size === 3 ? 8 : 16) : -1;
    if (size === 0 || code < 0 || code > 0x10ffff) {
      throw this.error(
        `parse error: unknown escape sequence \\${kind}`,
        at,
        'In back quotes nothing is escaped.',
      );
    }
    return [String.fromCodePoint(code), size === 3 ? 4 : size + 2];
  }

  /**
   * The attribute name that stands right here (no blanks skipped): everything up to a blank or one of `{}()=~!<>&|^,`,
   * parts of it in double quotes. '' when there is none.
   */
  attributeName(): string {
    const { text } = this;
    let name = '';
    for (;;) {
      const char = text[this.at];
      if (char === undefined) return name;
      if (char === '"') {
        name += this.#quotedPart();
      } else if (ATTRIBUTE_STOP.test(char)) {
        return name;
      } else {
        name += char;
        this.at++;
      }
    }
  }

  #quotedPart(): string {
    const start = this.at++;
    let part = '';
    for (;;) {
      const char = this.text[this.at++];
      if (char === undefined)
        throw this.error('parse error: unexpected end, expected `"` after the attribute name', start);
      if (char === '"') return part;
      if (char !== '\\') {
        part += char;
        continue;
      }
      const escaped = this.text[this.at++];
      if (escaped !== '"' && escaped !== '\\') {
        throw this.error('parse error: invalid escape sequence in an attribute name', this.at - 2);
      }
      part += escaped;
    }
  }
}
