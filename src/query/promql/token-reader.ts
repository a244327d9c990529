/** Reads tokens one after the other for the parser, and words its complaints about them. */

import { InputError } from '../../model/errors.ts';
import { quote } from '../syntax/strings.ts';
import { describeToken, Lexer, type Token } from './lexer.ts';
import type { ParseOptions } from './parse-options.ts';

/** How deep parentheses, calls and signs may nest. */
const MAX_NESTING = 400;

export class TokenReader {
  protected readonly options: ParseOptions;
  protected token: Token;
  /** End of the last consumed token. */
  protected lastEnd = 0;
  readonly #lexer: Lexer;
  #nesting = 0;

  constructor(text: string, options: ParseOptions) {
    this.#lexer = new Lexer(text);
    this.options = options;
    this.token = this.#lexer.next();
  }

  protected advance(): Token {
    const token = this.token;
    this.lastEnd = token.end;
    this.token = this.#lexer.next();
    return token;
  }

  protected atEnd(): boolean {
    return this.token.kind === 'end';
  }

  protected is(text: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === text;
  }

  protected isKeyword(word: string): boolean {
    return this.token.kind === 'keyword' && this.token.value === word;
  }

  protected unexpected(context = '', expected = ''): InputError {
    const where = context === '' ? '' : ` in ${context}`;
    const wanted = expected === '' ? '' : `, expected ${expected}`;
    return new InputError(`unexpected ${describeToken(this.token)}${where}${wanted}`, {
      position: this.token.start,
    });
  }

  protected expect(text: string, context: string): Token {
    if (!this.is(text)) throw this.unexpected(context, quote(text));
    return this.advance();
  }

  protected nested<T>(parse: () => T): T {
    if (++this.#nesting > MAX_NESTING) {
      throw new InputError(`the expression is nested deeper than ${MAX_NESTING} levels`, {
        position: this.token.start,
      });
    }
    const out = parse();
    this.#nesting--;
    return out;
  }
}
