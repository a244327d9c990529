/**
 * Tokens of the two text formats, with the states that decide what a byte means where. Faithful to Prometheus's
 * lexers, because error messages quote tokens. Used for lines that are new; known lines never come here.
 */

import { InputError } from '../../model/errors.ts';
import { quoteBytes, quoteText } from './go-text.ts';

export type Token =
  | 'EOF'
  | 'EOFWORD'
  | 'INVALID'
  | 'LINEBREAK'
  | 'WHITESPACE'
  | 'HELP'
  | 'TYPE'
  | 'UNIT'
  | 'COMMENT'
  | 'TEXT'
  | 'MNAME'
  | 'BOPEN'
  | 'BCLOSE'
  | 'LNAME'
  | 'LVALUE'
  | 'QSTRING'
  | 'EQUAL'
  | 'COMMA'
  | 'VALUE'
  | 'TIMESTAMP';

type State =
  | 'init'
  | 'comment'
  | 'meta1'
  | 'meta2'
  | 'labels'
  | 'labelValue'
  | 'value'
  | 'timestamp'
  | 'exemplar'
  | 'exemplarValue'
  | 'exemplarTimestamp';

const NEWLINE = 10;
const SPACE = 32;
const TAB = 9;
const QUOTE = 34;

/** 1: may begin a metric or label name; 2: digit; 4: colon. */
const CLASSES = characterClasses();

function characterClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  for (let c = 0; c < 128; c++) {
    if ((c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95) classes[c] = 1;
    else if (c >= 48 && c <= 57) classes[c] = 2;
    else if (c === 58) classes[c] = 4;
  }
  return classes;
}

/** Whether a byte may begin a metric name. */
export function beginsName(byte: number): boolean {
  return ((CLASSES[byte] ?? 0) & 5) !== 0;
}

/** The end of the metric name that begins at `at`. */
export function nameEnd(bytes: Uint8Array, at: number): number {
  while ((CLASSES[bytes[at] as number] ?? 0) !== 0) at++;
  return at;
}

export class Lexer {
  readonly bytes: Uint8Array;
  readonly openMetrics: boolean;
  /** The current token is bytes[start..at). */
  start = 0;
  at = 0;
  state: State = 'init';
  /** Where the current entry (line) began. */
  entry = 0;

  constructor(bytes: Uint8Array, openMetrics: boolean) {
    this.bytes = bytes;
    this.openMetrics = openMetrics;
  }

  /** The next token; blanks between tokens are skipped in the classic format and are never skipped in OpenMetrics. */
  next(): Token {
    for (;;) {
      this.start = this.at;
      const token = this.openMetrics ? this.#openMetricsToken() : this.#classicToken();
      if (token !== 'WHITESPACE') return token;
    }
  }

  fail(expected: string, got: Token): never {
    const end = Math.min(this.at + 1, this.bytes.length);
    const token = quoteBytes(this.bytes, this.start, end);
    throw new InputError(
      `${expected}, got ${token} (${quoteText(got)}) while parsing: ${quoteBytes(this.bytes, this.entry, end)}`,
    );
  }

  /** The entry so far, quoted, for messages. */
  soFar(): string {
    return quoteBytes(this.bytes, this.entry, this.at);
  }

  #classicToken(): Token {
    const { bytes } = this;
    if (this.at >= bytes.length) return 'EOF';
    const byte = bytes[this.at] as number;
    if ((byte === SPACE || byte === TAB) && this.state !== 'meta2') {
      this.#blanks();
      return 'WHITESPACE';
    }
    switch (this.state) {
      case 'init':
        if (byte === NEWLINE) return this.#one('LINEBREAK');
        if (byte === 35) return this.#classicComment();
        return this.#seriesStart(byte);
      case 'meta1':
        return this.#familyName(byte);
      case 'meta2':
        this.#line();
        this.state = 'init';
        return 'TEXT';
      case 'labels':
        return this.#inLabels(byte);
      case 'labelValue':
        return this.#labelValue(true, 'labels');
      case 'value':
        if (byte === 123) return this.#one('BOPEN', 'labels');
        if (byte === NEWLINE) return 'INVALID';
        while (!isOneOf(bytes[this.at], 123, SPACE, TAB, NEWLINE)) this.at++;
        this.state = 'timestamp';
        return 'VALUE';
      case 'timestamp':
        if (byte === NEWLINE) return this.#one('LINEBREAK', 'init');
        if (CLASSES[byte] !== 2) return 'INVALID';
        while (CLASSES[bytes[this.at] as number] === 2) this.at++;
        return 'TIMESTAMP';
      default:
        return 'INVALID';
    }
  }

  /** After '#': HELP and TYPE with blanks behind them are metadata, all else is a comment up to the line's end. */
  #classicComment(): Token {
    const { bytes } = this;
    this.at++;
    const blank = bytes[this.at];
    if (blank === SPACE || blank === TAB) {
      this.#blanks();
      for (const word of ['HELP', 'TYPE'] as const) {
        if (!this.#word(word)) continue;
        const after = bytes[this.at + 4];
        if (after !== SPACE && after !== TAB) continue;
        this.at += 4;
        this.#blanks();
        this.state = 'meta1';
        return word;
      }
    }
    this.#line();
    this.state = 'init';
    return 'COMMENT';
  }

  #openMetricsToken(): Token {
    const { bytes } = this;
    if (this.at >= bytes.length) return 'EOF';
    const byte = bytes[this.at] as number;
    switch (this.state) {
      case 'init':
        if (byte === 35) {
          if (bytes[this.at + 1] !== SPACE) {
            this.at++;
            return 'INVALID';
          }
          this.at += 2;
          return this.#openMetricsComment();
        }
        return this.#seriesStart(byte);
      case 'meta1':
        return this.#familyName(byte);
      case 'meta2': {
        if (byte !== SPACE) return 'INVALID';
        this.#line();
        if (this.at >= bytes.length) return 'INVALID';
        this.at++;
        this.state = 'init';
        return 'TEXT';
      }
      case 'labels':
        return this.#inLabels(byte);
      case 'labelValue':
        return this.#labelValue(false, 'labels');
      case 'value':
        if (byte === 123) return this.#one('BOPEN', 'labels');
        return this.#spaced('VALUE', 'timestamp');
      case 'timestamp':
        if (byte === NEWLINE) return this.#one('LINEBREAK', 'init');
        if (byte === SPACE && bytes[this.at + 1] === 35 && bytes[this.at + 2] === SPACE) {
          if (bytes[this.at + 3] === 123) {
            this.at += 4;
            this.state = 'exemplar';
            return 'COMMENT';
          }
        }
        return this.#spaced('TIMESTAMP', 'timestamp');
      case 'exemplar':
        if (byte === 61) return this.#one('EQUAL', 'exemplarValue');
        if (byte === 125) return this.#one('BCLOSE', 'exemplarValue');
        if (byte === 44) return this.#one('COMMA');
        if (byte === QUOTE) return this.#quoted(false) ? 'QSTRING' : 'INVALID';
        return this.#labelName(byte);
      case 'exemplarValue':
        if (byte === QUOTE) return this.#labelValue(false, 'exemplar');
        return this.#spaced('VALUE', 'exemplarTimestamp');
      case 'exemplarTimestamp':
        if (byte === NEWLINE) return this.#one('LINEBREAK', 'init');
        return this.#spaced('TIMESTAMP', 'exemplarTimestamp');
      default:
        return 'INVALID';
    }
  }

  #openMetricsComment(): Token {
    const { bytes } = this;
    for (const word of ['HELP', 'TYPE', 'UNIT'] as const) {
      if (!this.#word(word) || bytes[this.at + 4] !== SPACE) continue;
      this.at += 5;
      this.state = 'meta1';
      return word;
    }
    if (this.#word('EOF')) {
      this.at += 3;
      if (bytes[this.at] === NEWLINE) this.at++;
      this.state = 'init';
      return 'EOFWORD';
    }
    return 'INVALID';
  }

  #seriesStart(byte: number): Token {
    if (byte === 123) return this.#one('BOPEN', 'labels');
    if (!beginsName(byte)) return 'INVALID';
    this.at = nameEnd(this.bytes, this.at);
    this.state = 'value';
    return 'MNAME';
  }

  #familyName(byte: number): Token {
    if (byte === QUOTE) {
      if (!this.#quoted(true)) return 'INVALID';
    } else if (beginsName(byte)) this.at = nameEnd(this.bytes, this.at);
    else return 'INVALID';
    this.state = 'meta2';
    return 'MNAME';
  }

  #inLabels(byte: number): Token {
    if (byte === 125) return this.#one('BCLOSE', 'value');
    if (byte === 61) return this.#one('EQUAL', 'labelValue');
    if (byte === 44) return this.#one('COMMA');
    if (byte === QUOTE) return this.#quoted(true) ? 'QSTRING' : 'INVALID';
    return this.#labelName(byte);
  }

  #labelName(byte: number): Token {
    if (CLASSES[byte] !== 1) return 'INVALID';
    while (((CLASSES[this.bytes[this.at] as number] ?? 0) & 3) !== 0) this.at++;
    return 'LNAME';
  }

  #labelValue(newlines: boolean, after: State): Token {
    if (this.bytes[this.at] !== QUOTE || !this.#quoted(newlines)) return 'INVALID';
    this.state = after;
    return 'LVALUE';
  }

  /** A quoted string with its quotes; stops at the end (or line break) when it is not closed. */
  #quoted(newlines: boolean): boolean {
    const { bytes } = this;
    let at = this.at + 1;
    for (; at < bytes.length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        this.at = at + 1;
        return true;
      }
      if (byte === 92) {
        at++;
        if (bytes[at] === NEWLINE) break;
      } else if (byte === NEWLINE && !newlines) break;
    }
    this.at = Math.min(at, bytes.length);
    return false;
  }

  /** OpenMetrics: exactly one space and then a word. */
  #spaced(token: Token, after: State): Token {
    const { bytes } = this;
    if (bytes[this.at] !== SPACE) return 'INVALID';
    let at = this.at + 1;
    while (at < bytes.length && bytes[at] !== SPACE && bytes[at] !== NEWLINE) at++;
    if (at === this.at + 1) {
      this.at++;
      return 'INVALID';
    }
    this.at = at;
    this.state = after;
    return token;
  }

  #one(token: Token, after: State = this.state): Token {
    this.at++;
    this.state = after;
    return token;
  }

  #blanks(): void {
    while (this.bytes[this.at] === SPACE || this.bytes[this.at] === TAB) this.at++;
  }

  #line(): void {
    const end = this.bytes.indexOf(NEWLINE, this.at);
    this.at = end < 0 ? this.bytes.length : end;
  }

  #word(word: string): boolean {
    for (let i = 0; i < word.length; i++) {
      if (this.bytes[this.at + i] !== word.charCodeAt(i)) return false;
    }
    return true;
  }
}

function isOneOf(byte: number | undefined, a: number, b: number, c: number, d: number): boolean {
  return byte === undefined || byte === a || byte === b || byte === c || byte === d;
}
