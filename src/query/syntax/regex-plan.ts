/**
 * Decides whether a pattern with RE2's syntax may run on JavaScript's engine: only when every construct means the
 * same there, and when the work of backtracking has a known bound. Everything that this file does not fully
 * understand is left to RE2. It runs no patterns itself.
 */

/** A pattern in JavaScript's syntax (flags `u`, maybe `s` and `i`), with the bound of its backtracking. */
export interface RegexPlan {
  readonly source: string;
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
  /** At most `factor * length ** exponent` steps are made when the match is anchored at its start. */
  readonly factor: number;
  readonly exponent: number;
  /** Names by group number (group 0 and unnamed groups: ''). */
  readonly groupNames: readonly string[];
  /** The strings that the whole pattern stands for, when it is a plain alternation of literals. */
  readonly literals: readonly string[] | undefined;
  /** What every match of the pattern starts with, when anchored. */
  readonly prefix: string;
}

const MAX_LITERALS = 1000;
const MAX_FACTOR = 1000;
const MAX_DEPTH = 50;

class NotPlain extends Error {}

interface Part {
  source: string;
  factor: number;
  exponent: number;
  /** All strings that the part matches, undefined when they are not few and known. */
  literals: string[] | undefined;
  hasGroup: boolean;
  /** May match the empty string. */
  nullable: boolean;
}

const PUNCTUATION = /^[!-/:-@[-`{-~]$/;

function literalSource(char: string): string {
  if (/^[A-Za-z0-9_]$/.test(char)) return char;
  return `\\u{${(char.codePointAt(0) as number).toString(16)}}`;
}

class Planner {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  readonly #ignoreCase: boolean;
  readonly groupNames: string[] = [''];

  constructor(text: string, ignoreCase: boolean) {
    this.#text = text;
    this.#ignoreCase = ignoreCase;
  }

  whole(): Part {
    const part = this.#alternation();
    if (this.#at < this.#text.length) throw new NotPlain();
    return part;
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  /** Takes one code point. */
  #take(): string {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined || (code >= 0xd800 && code <= 0xdfff)) throw new NotPlain();
    const char = String.fromCodePoint(code);
    this.#at += char.length;
    return char;
  }

  #alternation(): Part {
    if (++this.#depth > MAX_DEPTH) throw new NotPlain();
    let all = this.#sequence();
    while (this.#peek() === '|') {
      this.#at++;
      const next = this.#sequence();
      all = {
        source: `${all.source}|${next.source}`,
        factor: all.factor + next.factor,
        exponent: Math.max(all.exponent, next.exponent),
        literals:
          all.literals && next.literals && all.literals.length + next.literals.length <= MAX_LITERALS
            ? [...all.literals, ...next.literals]
            : undefined,
        hasGroup: all.hasGroup || next.hasGroup,
        nullable: all.nullable || next.nullable,
      };
    }
    this.#depth--;
    return all;
  }

  #sequence(): Part {
    const out: Part = {
      source: '',
      factor: 1,
      exponent: 0,
      literals: [''],
      hasGroup: false,
      nullable: true,
    };
    for (;;) {
      const c = this.#peek();
      if (c === '' || c === '|' || c === ')') return out;
      const item = this.#quantified();
      out.source += item.source;
      out.factor *= item.factor;
      if (out.factor > MAX_FACTOR) throw new NotPlain();
      out.exponent += item.exponent;
      out.hasGroup ||= item.hasGroup;
      out.nullable &&= item.nullable;
      const a = out.literals;
      const b = item.literals;
      out.literals =
        a && b && a.length * b.length <= MAX_LITERALS
          ? a.length === 1 && b.length === 1
            ? [(a[0] as string) + b[0]]
            : a.flatMap((x) => b.map((y) => x + y))
          : undefined;
    }
  }

  #quantified(): Part {
    const atom = this.#atom();
    const quantifier = /^(?:[*+?]|\{\d{1,3}(?:,\d{0,3})?\})\??/.exec(
      this.#text.slice(this.#at, this.#at + 12),
    )?.[0];
    if (quantifier === undefined) {
      if (this.#peek() === '{') throw new NotPlain();
      return atom;
    }
    this.#at += quantifier.length;
    if ('*+?{'.includes(this.#peek() || 'x')) throw new NotPlain();
    // A repeated part that itself has choices may backtrack exponentially; a repeated empty match differs from RE2.
    if (atom.factor !== 1 || atom.exponent !== 0 || atom.nullable) throw new NotPlain();
    const out: Part = { ...atom, source: atom.source + quantifier, literals: undefined };
    if (quantifier[0] === '*' || quantifier[0] === '+') {
      out.exponent = 1;
      out.nullable = quantifier[0] === '*';
    } else if (quantifier[0] === '?') {
      out.factor = 2;
      out.nullable = true;
      if (atom.literals && !atom.hasGroup && atom.literals.length < MAX_LITERALS)
        out.literals = [...atom.literals, ''];
    } else {
      const [, low, comma, high] = /^\{(\d+)(,?)(\d*)\}/.exec(quantifier) as RegExpExecArray;
      const least = Number(low);
      const most = comma === '' ? least : high === '' ? Number.POSITIVE_INFINITY : Number(high);
      if (most < least || least > 1000) throw new NotPlain();
      if (most === Number.POSITIVE_INFINITY) out.exponent = 1;
      else out.factor = most - least + 1;
      out.nullable = least === 0;
    }
    return out;
  }

  #plain(source: string, literals: string[] | undefined, nullable = false): Part {
    return { source, factor: 1, exponent: 0, literals, hasGroup: false, nullable };
  }

  #atom(): Part {
    const c = this.#peek();
    switch (c) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        this.#at++;
        return this.#plain('.', undefined);
      case '^':
      case '$':
        this.#at++;
        return this.#plain(c, undefined, true);
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
      case '{':
        throw new NotPlain();
    }
    const char = this.#take();
    return this.#plain(literalSource(char), this.#ignoreCase ? undefined : [char]);
  }

  #group(): Part {
    this.#at++;
    let open = '(';
    if (this.#peek() === '?') {
      const head = /^\?(?::|P?<([A-Za-z_][A-Za-z0-9_]*)>)/.exec(this.#text.slice(this.#at));
      if (!head) throw new NotPlain();
      this.#at += head[0].length;
      if (head[1] === undefined) open = '(?:';
      else {
        if (this.groupNames.includes(head[1])) throw new NotPlain();
        this.groupNames.push(head[1]);
      }
    } else this.groupNames.push('');
    const inner = this.#alternation();
    if (this.#peek() !== ')') throw new NotPlain();
    this.#at++;
    return { ...inner, source: `${open}${inner.source})`, hasGroup: inner.hasGroup || open === '(' };
  }

  #escape(): Part {
    this.#at++;
    const c = this.#take();
    if (PUNCTUATION.test(c)) return this.#plain(literalSource(c), this.#ignoreCase ? undefined : [c]);
    const control = CONTROL[c];
    if (control !== undefined)
      return this.#plain(literalSource(control), this.#ignoreCase ? undefined : [control]);
    if (this.#ignoreCase) throw new NotPlain();
    const set = PERL[c];
    if (set !== undefined) return this.#plain(set.negated ? `[^${set.body}]` : `[${set.body}]`, undefined);
    if (c === 'b' || c === 'B') return this.#plain(`\\${c}`, undefined, true);
    throw new NotPlain();
  }

  #class(): Part {
    this.#at++;
    let body = '';
    if (this.#peek() === '^') {
      this.#at++;
      body = '^';
    }
    let items = 0;
    while (this.#peek() !== ']' || items === 0) {
      if (this.#peek() === ']' || this.#peek() === '') throw new NotPlain();
      const from = this.#classItem();
      items++;
      if ([...from].length > 1) {
        body += from.slice(1);
        continue;
      }
      const isRange = this.#peek() === '-' && (this.#text[this.#at + 1] ?? ']') !== ']';
      if (!isRange) {
        body += literalSource(from);
        continue;
      }
      this.#at++;
      const to = this.#classItem();
      if ([...to].length > 1 || (to.codePointAt(0) as number) < (from.codePointAt(0) as number))
        throw new NotPlain();
      body += `${literalSource(from)}-${literalSource(to)}`;
    }
    this.#at++;
    return this.#plain(`[${body}]`, undefined);
  }

  /** One code point, or '#' followed by the body of a set. */
  #classItem(): string {
    const c = this.#take();
    if (c === '[' && this.#peek() === ':') throw new NotPlain();
    if (c !== '\\') return c;
    const e = this.#take();
    if (PUNCTUATION.test(e)) return e;
    const control = CONTROL[e];
    if (control !== undefined) return control;
    const set = PERL[e];
    if (set === undefined || set.negated || this.#ignoreCase) throw new NotPlain();
    return `#${set.body}`;
  }
}

const CONTROL: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' };
const PERL: Readonly<Record<string, { body: string; negated: boolean }>> = {
  d: { body: '0-9', negated: false },
  D: { body: '0-9', negated: true },
  w: { body: '0-9A-Za-z_', negated: false },
  W: { body: '0-9A-Za-z_', negated: true },
  s: { body: '\\t\\n\\f\\r ', negated: false },
  S: { body: '\\t\\n\\f\\r ', negated: true },
};

/** The plan for JavaScript's engine, or undefined when only RE2 is safe and certain. */
export function planRegex(pattern: string, dotAll: boolean): RegexPlan | undefined {
  let text = pattern;
  let ignoreCase = false;
  const flags = /^\(\?([is]+)\)/.exec(text);
  if (flags) {
    text = text.slice(flags[0].length);
    ignoreCase = (flags[1] as string).includes('i');
    dotAll ||= (flags[1] as string).includes('s');
  }
  try {
    const planner = new Planner(text, ignoreCase);
    const part = planner.whole();
    return {
      source: part.source,
      ignoreCase,
      dotAll,
      factor: part.factor,
      exponent: part.exponent,
      groupNames: planner.groupNames,
      literals: part.literals,
      prefix: ignoreCase ? '' : plainPrefix(text),
    };
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

function plainPrefix(text: string): string {
  if (text.includes('|')) return '';
  const plain = (/^[A-Za-z0-9_ :/,;=@%&<>~"'-]*/.exec(text) as RegExpExecArray)[0];
  return /^[*?{]/.test(text.slice(plain.length)) ? plain.slice(0, -1) : plain;
}
