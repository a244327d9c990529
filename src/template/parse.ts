/**
 * Go's text/template grammar: tokens to a tree. Functions are checked by name against the dialect's list; what they
 * do is not known here. Errors are InputErrors with a position in the template.
 */

import { InputError } from '../model/errors.ts';
import { lexTemplate, type Token, type TokenKind } from './lex.ts';
import type { Command, Node, Pipeline, TemplateTree, Term } from './nodes.ts';
import type { TemplateValue } from './value.ts';

/** Nesting of blocks and parentheses. */
const MAX_DEPTH = 100;
const MAX_SOURCE = 1 << 20;

const KEYWORDS = new Set([
  'block',
  'break',
  'continue',
  'define',
  'else',
  'end',
  'if',
  'range',
  'template',
  'with',
]);

/**
 * Parses a template. `isFunction` says which identifiers are functions. Throws InputError.
 */
export function parseTemplate(source: string, isFunction: (name: string) => boolean): TemplateTree {
  if (source.length > MAX_SOURCE) throw new InputError('template too long', { position: MAX_SOURCE });
  return new Parser(lexTemplate(source), isFunction).parse();
}

type Ender = { readonly kind: 'end' | 'else' | 'eof'; readonly at: number };

class Parser {
  readonly #tokens: readonly Token[];
  readonly #isFunction: (name: string) => boolean;
  readonly #definitions = new Map<string, readonly Node[]>();
  #at = 0;
  #depth = 0;
  #rangeDepth = 0;
  /** Variables in scope, the innermost last. */
  #variables: string[] = [''];

  constructor(tokens: readonly Token[], isFunction: (name: string) => boolean) {
    this.#tokens = tokens;
    this.#isFunction = isFunction;
  }

  parse(): TemplateTree {
    const { nodes, ender } = this.#list(true);
    if (ender.kind !== 'eof') throw new InputError(`unexpected {{${ender.kind}}}`, { position: ender.at });
    return { main: nodes, definitions: this.#definitions };
  }

  #peek(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #next(): Token {
    return this.#tokens[this.#at++] as Token;
  }

  #skipSpace(): Token {
    while (this.#peek().kind === 'space') this.#at++;
    return this.#peek();
  }

  #unexpected(token: Token, where: string): never {
    const what = token.kind === 'end' ? 'EOF' : `${JSON.stringify(token.text)}`;
    throw new InputError(`unexpected ${what} in ${where}`, { position: token.at });
  }

  #enter(at: number): void {
    if (++this.#depth > MAX_DEPTH) throw new InputError('template nested too deeply', { position: at });
  }

  /** Nodes up to an `end`, an `else` (whose keyword is eaten, not its rest) or the end of the text. */
  #list(top: boolean): { nodes: Node[]; ender: Ender } {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#next();
      if (token.kind === 'end') return { nodes, ender: { kind: 'eof', at: token.at } };
      if (token.kind === 'text') {
        nodes.push({ kind: 'text', text: token.text });
        continue;
      }
      const first = this.#skipSpace();
      if (first.kind === 'identifier' && KEYWORDS.has(first.text)) {
        this.#at++;
        switch (first.text) {
          case 'end':
            this.#close('end');
            return { nodes, ender: { kind: 'end', at: first.at } };
          case 'else':
            return { nodes, ender: { kind: 'else', at: first.at } };
          case 'if':
          case 'with':
          case 'range':
            nodes.push(this.#control(first.text, first.at));
            continue;
          case 'break':
          case 'continue':
            if (this.#rangeDepth === 0) {
              throw new InputError(`{{${first.text}}} outside {{range}}`, { position: first.at });
            }
            this.#close(first.text);
            nodes.push({ kind: first.text });
            continue;
          case 'template':
            nodes.push(this.#template(first.at));
            continue;
          case 'block':
            nodes.push(this.#block(first.at));
            continue;
          default:
            if (!top) throw new InputError('unexpected {{define}}', { position: first.at });
            this.#define(first.at);
            continue;
        }
      }
      nodes.push({ kind: 'action', pipeline: this.#pipeline('command', 'close') });
    }
  }

  #close(context: string): void {
    const token = this.#skipSpace();
    if (token.kind !== 'close') this.#unexpected(token, context);
    this.#at++;
  }

  #needEnd(ender: Ender, what: string, at: number): void {
    if (ender.kind === 'eof') throw new InputError('unexpected EOF', { position: ender.at });
    if (ender.kind === 'else') throw new InputError(`unexpected {{else}} in ${what}`, { position: at });
  }

  #control(kind: 'if' | 'with' | 'range', at: number): Node {
    this.#enter(at);
    const scope = this.#variables.length;
    const pipeline = this.#pipeline(kind, 'close', kind === 'range');
    if (kind === 'range') this.#rangeDepth++;
    const body = this.#list(false);
    if (kind === 'range') this.#rangeDepth--;
    let otherwise: Node[] = [];
    if (body.ender.kind === 'eof') throw new InputError('unexpected EOF', { position: body.ender.at });
    if (body.ender.kind === 'else') {
      const token = this.#skipSpace();
      if (token.kind === 'identifier' && token.text === kind && kind !== 'range') {
        // {{else if x}} is {{else}}{{if x}} with one {{end}} for both.
        this.#at++;
        otherwise = [this.#control(kind, token.at)];
      } else {
        this.#close('else');
        const rest = this.#list(false);
        this.#needEnd(rest.ender, kind, at);
        otherwise = rest.nodes;
      }
    }
    this.#variables.length = scope;
    this.#depth--;
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  #name(context: string): string {
    const token = this.#skipSpace();
    if (token.kind !== 'string') this.#unexpected(token, context);
    this.#at++;
    return token.text;
  }

  #template(at: number): Node {
    const name = this.#name('template clause');
    if (this.#skipSpace().kind === 'close') {
      this.#at++;
      return { kind: 'template', at, name, pipeline: undefined };
    }
    return { kind: 'template', at, name, pipeline: this.#pipeline('template clause', 'close') };
  }

  /** Parses the body of a definition in a scope of its own. */
  #body(what: string, at: number): Node[] {
    this.#enter(at);
    const variables = this.#variables;
    const rangeDepth = this.#rangeDepth;
    this.#variables = [''];
    this.#rangeDepth = 0;
    const { nodes, ender } = this.#list(false);
    this.#needEnd(ender, what, at);
    this.#variables = variables;
    this.#rangeDepth = rangeDepth;
    this.#depth--;
    return nodes;
  }

  #define(at: number): void {
    const name = this.#name('define clause');
    this.#close('define clause');
    this.#definitions.set(name, this.#body('define clause', at));
  }

  #block(at: number): Node {
    const name = this.#name('block clause');
    const pipeline = this.#pipeline('block clause', 'close');
    this.#definitions.set(name, this.#body('block clause', at));
    return { kind: 'template', at, name, pipeline };
  }

  #pipeline(context: string, closer: TokenKind, range = false): Pipeline {
    const first = this.#skipSpace();
    const at = first.at;
    this.#enter(at);
    const declared: string[] = [];
    let assign = false;
    const start = this.#at;
    if (first.kind === 'variable') {
      this.#at++;
      const after = this.#skipSpace();
      if (after.kind === 'declare' || after.kind === 'assign') {
        this.#at++;
        declared.push(first.text);
        assign = after.kind === 'assign';
      } else if (range && after.kind === 'comma') {
        this.#at++;
        const second = this.#skipSpace();
        if (second.kind !== 'variable') this.#unexpected(second, 'range');
        this.#at++;
        const operator = this.#skipSpace();
        if (operator.kind !== 'declare' && operator.kind !== 'assign') this.#unexpected(operator, 'range');
        this.#at++;
        declared.push(first.text, second.text);
        assign = operator.kind === 'assign';
      } else this.#at = start;
    }
    if (assign) for (const name of declared) this.#requireVariable(name, at);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#skipSpace();
      if (token.kind === closer) {
        this.#at++;
        break;
      }
      switch (token.kind) {
        case 'identifier':
        case 'field':
        case 'dot':
        case 'variable':
        case 'number':
        case 'string':
        case 'char':
        case '(':
          commands.push(this.#command());
          continue;
        default:
          this.#unexpected(token, context);
      }
    }
    if (commands.length === 0) throw new InputError(`missing value for ${context}`, { position: at });
    commands.forEach((command, index) => {
      const head = command.terms[0] as Term;
      const constant = head.kind === 'constant' || head.kind === 'nil' || head.kind === 'dot';
      if (index > 0 && constant) {
        throw new InputError(`non executable command in pipeline stage ${index + 1}`, { position: head.at });
      }
    });
    if (!assign) this.#variables.push(...declared);
    this.#depth--;
    return { at, variables: declared, assign, commands };
  }

  /** Operands separated by spaces, up to `|` (eaten) or whatever ends the pipeline (not eaten). */
  #command(): Command {
    const terms: Term[] = [];
    const at = this.#peek().at;
    for (;;) {
      this.#skipSpace();
      const term = this.#operand();
      if (term !== undefined) terms.push(term);
      const token = this.#peek();
      if (token.kind === 'space') {
        this.#at++;
        if (this.#startsOperand(this.#skipSpace())) continue;
      }
      const after = this.#skipSpace();
      if (after.kind === 'pipe') {
        this.#at++;
        const next = this.#skipSpace();
        if (!this.#startsOperand(next)) {
          throw new InputError('missing value for command', { position: next.at });
        }
      } else if (after.kind !== 'close' && after.kind !== ')') this.#unexpected(after, 'operand');
      break;
    }
    const head = terms[0] as Term;
    if (head.kind === 'nil' && terms.length === 1)
      throw new InputError('nil is not a command', { position: at });
    return { at, terms };
  }

  #startsOperand(token: Token): boolean {
    switch (token.kind) {
      case 'identifier':
      case 'field':
      case 'dot':
      case 'variable':
      case 'number':
      case 'string':
      case 'char':
      case '(':
        return true;
      default:
        return false;
    }
  }

  #fields(): string[] {
    const path: string[] = [];
    while (this.#peek().kind === 'field') path.push(this.#next().text);
    return path;
  }

  #requireVariable(name: string, at: number): void {
    if (!this.#variables.includes(name)) {
      throw new InputError(`undefined variable "$${name}"`, { position: at });
    }
  }

  #operand(): Term | undefined {
    const token = this.#next();
    const at = token.at;
    switch (token.kind) {
      case 'dot':
        if (this.#peek().kind === 'field') this.#unexpected(this.#peek(), 'operand');
        return { kind: 'dot', at };
      case 'field':
        return { kind: 'field', at, path: [token.text, ...this.#fields()] };
      case 'variable':
        this.#requireVariable(token.text, at);
        return { kind: 'variable', at, name: token.text, path: this.#fields() };
      case 'string':
        return this.#constant(token.text, at);
      case 'char':
        return this.#constant(BigInt(token.text.codePointAt(0) as number), at);
      case 'number':
        return this.#constant(parseNumber(token), at);
      case '(': {
        const pipeline = this.#pipeline('parenthesized pipeline', ')');
        return { kind: 'group', at, pipeline, path: this.#fields() };
      }
      case 'identifier':
        if (token.text === 'true' || token.text === 'false') return this.#constant(token.text === 'true', at);
        if (token.text === 'nil') return { kind: 'nil', at };
        if (KEYWORDS.has(token.text)) this.#unexpected(token, 'operand');
        if (!this.#isFunction(token.text)) {
          throw new InputError(`function ${JSON.stringify(token.text)} not defined`, { position: at });
        }
        if (this.#peek().kind === 'field') this.#unexpected(this.#peek(), 'operand');
        return { kind: 'function', at, name: token.text };
      default:
        return this.#unexpected(token, 'operand');
    }
  }

  #constant(value: TemplateValue, at: number): Term {
    if (this.#peek().kind === 'field') this.#unexpected(this.#peek(), 'operand');
    return { kind: 'constant', at, value };
  }
}

/** A Go number: an int where it has no point or exponent, else a float64. */
function parseNumber(token: Token): bigint | number {
  const bad = (): never => {
    throw new InputError(`bad number syntax: ${JSON.stringify(token.text)}`, { position: token.at });
  };
  const text = token.text;
  if (/__|_$|^[+-]?_/.test(text)) bad();
  const clean = text.replaceAll('_', '');
  const negative = clean.startsWith('-');
  const digits = clean.replace(/^[+-]/, '');
  if (/^0[xX][0-9a-fA-F]+$/.test(digits) || /^0[bB][01]+$/.test(digits) || /^0[oO][0-7]+$/.test(digits)) {
    return negative ? -BigInt(digits) : BigInt(digits);
  }
  if (/^0[0-7]+$/.test(digits)) {
    const value = BigInt(`0o${digits.slice(1)}`);
    return negative ? -value : value;
  }
  if (/^(?:0|[1-9]\d*)$/.test(digits)) {
    const value = negative ? -BigInt(digits) : BigInt(digits);
    if (BigInt.asIntN(64, value) !== value) bad();
    return value;
  }
  if (!/^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(digits)) bad();
  return Number(clean);
}
