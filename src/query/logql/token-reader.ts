/** Reading tokens one after the other, with errors in Loki's words and a budget for nesting. */

import { InputError } from '../../model/errors.ts';
import type { Token, TokenKind } from './lex.ts';

const MAX_DEPTH = 200;

export class TokenReader {
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  next(): Token {
    const token = this.peek();
    if (this.#at < this.#tokens.length - 1) this.#at++;
    return token;
  }

  /** One level deeper; throws past the budget. */
  enter(): void {
    if (++this.#depth > MAX_DEPTH) {
      throw new InputError('query nested too deeply', { position: this.peek().at });
    }
  }

  leave(): void {
    this.#depth--;
  }

  isSign(text: string): boolean {
    const token = this.peek();
    return token.kind === 'sign' && token.text === text;
  }

  isWord(text: string): boolean {
    const token = this.peek();
    return token.kind === 'identifier' && token.text === text;
  }

  unexpected(token: Token = this.peek(), expecting?: string): never {
    const what = describe(token);
    const rest = expecting === undefined ? '' : `, expecting ${expecting}`;
    throw new InputError(`syntax error: unexpected ${what}${rest}`, { position: token.at });
  }

  expectSign(text: string): Token {
    if (!this.isSign(text)) this.unexpected(this.peek(), text);
    return this.next();
  }

  expect(kind: TokenKind, name: string): Token {
    if (this.peek().kind !== kind) this.unexpected(this.peek(), name);
    return this.next();
  }

  expectIdentifier(): Token {
    return this.expect('identifier', 'IDENTIFIER');
  }

  expectEnd(): void {
    if (this.peek().kind !== 'end') this.unexpected();
  }
}

function describe(token: Token): string {
  switch (token.kind) {
    case 'end':
      return '$end';
    case 'string':
      return 'STRING';
    case 'number':
      return 'NUMBER';
    case 'duration':
      return 'DURATION';
    case 'bytes':
      return 'BYTES';
    case 'range':
      return 'RANGE';
    case 'flag':
      return `PARSER_FLAG ${token.text}`;
    case 'identifier':
      return `IDENTIFIER ${token.text}`;
    case 'sign':
      return token.text;
  }
}
