/**
 * Regular expressions of users: RE2's syntax and linear time, whoever wrote them. Runs on JavaScript's engine where
 * `regex-plan.ts` proves that it means the same and that the work is bounded, on re2js otherwise. Compiled
 * expressions are cached.
 */

import { RE2JS } from 're2js';
import { InputError } from '../../model/errors.ts';
import type { Matcher } from '../../model/matcher.ts';
import { planRegex, type RegexPlan } from './regex-plan.ts';

export interface RegexOptions {
  /**
   * The whole text must match, and `.` matches a newline (label matchers, relabelling, label_replace). Otherwise a
   * match may be anywhere and `.` stops at newlines.
   */
  readonly anchored?: boolean;
}

/** Offsets are UTF-16 units. Groups that took no part are undefined; group 0 is the whole match. */
export interface RegexMatch {
  readonly start: number;
  readonly end: number;
  readonly groups: readonly (string | undefined)[];
}

/** A compiled expression. Stateless; may be shared. */
export interface Regex {
  readonly pattern: string;
  /** Names by group number; '' for group 0 and for groups without a name. */
  readonly groupNames: readonly string[];
  /** All strings that match, when they are few and known (anchored expressions only). */
  readonly literals: readonly string[] | undefined;
  /** What every matching text starts with ('' when nothing is known; anchored expressions only). */
  readonly prefix: string;
  test(text: string): boolean;
  /** The leftmost match at or after `from`. */
  match(text: string, from?: number): RegexMatch | undefined;
  /** Every match replaced; `$1`, `${1}`, `$name`, `${name}`, `$$` in the template as in Go's Regexp.Expand. */
  replaceAll(text: string, template: string): string;
}

/** Steps of backtracking per text beyond which RE2 is used although the pattern is polynomial. */
const STEP_BUDGET = 100_000;
const CACHE_SIZE = 1000;
const MAX_PATTERN = 100_000;

const cache = new Map<string, Regex>();

/**
 * Compiles a pattern with RE2's syntax. Throws InputError with RE2's words ("error parsing regexp: ...") when the
 * pattern is wrong.
 */
export function compileRegex(pattern: string, options: RegexOptions = {}): Regex {
  const anchored = options.anchored === true;
  const key = (anchored ? '^' : ' ') + pattern;
  const hit = cache.get(key);
  if (hit !== undefined) {
    cache.delete(key);
    cache.set(key, hit);
    return hit;
  }
  if (pattern.length > MAX_PATTERN) throw new InputError('error parsing regexp: expression is too large');
  const plan = planRegex(pattern, anchored);
  const regex =
    plan === undefined ? new Re2Regex(pattern, anchored) : new PlannedRegex(pattern, anchored, plan);
  cache.set(key, regex);
  if (cache.size > CACHE_SIZE) cache.delete(cache.keys().next().value as string);
  return regex;
}

/** The test of one label matcher as a function of the label's value ('' when the label is absent). */
export function matcherTest(matcher: Matcher): (value: string) => boolean {
  const want = matcher.value;
  switch (matcher.op) {
    case '=':
      return (value) => value === want;
    case '!=':
      return (value) => value !== want;
    case '=~': {
      const regex = compileRegex(want, { anchored: true });
      return (value) => regex.test(value);
    }
    case '!~': {
      const regex = compileRegex(want, { anchored: true });
      return (value) => !regex.test(value);
    }
  }
}

/** Expands `$1`, `${name}` and `$$` of a template as Go's Regexp.Expand does; unknown groups are empty. */
export function expandTemplate(
  template: string,
  groups: readonly (string | undefined)[],
  groupNames: readonly string[],
): string {
  if (!template.includes('$')) return template;
  return template.replace(/\$(?:\$|([A-Za-z0-9_]+)|\{([A-Za-z0-9_]+)\})/g, (whole, bare, braced) => {
    if (whole === '$$') return '$';
    const name = (bare ?? braced) as string;
    if (/^(?:0|[1-9]\d*)$/.test(name)) return groups[Number(name)] ?? '';
    // A name may be given to one group only, so the first is the one.
    const index = groupNames.indexOf(name);
    return index > 0 ? (groups[index] ?? '') : '';
  });
}

/** What both kinds share: replacing all matches by means of `match`. */
function replaceAllWith(regex: Regex, text: string, template: string): string {
  let out = '';
  let copied = 0;
  let from = 0;
  let lastEnd = -1;
  while (from <= text.length) {
    const found = regex.match(text, from);
    if (found === undefined) break;
    // An empty match right behind the last one is none (as in Go).
    if (found.end !== found.start || found.start !== lastEnd) {
      out += text.slice(copied, found.start) + expandTemplate(template, found.groups, regex.groupNames);
      copied = found.end;
      lastEnd = found.end;
    }
    if (found.end > from && found.end !== found.start) from = found.end;
    else from = found.end + ((text.codePointAt(found.end) ?? 0) > 0xffff ? 2 : 1);
  }
  return out + text.slice(copied);
}

class Re2Regex implements Regex {
  readonly pattern: string;
  readonly groupNames: readonly string[];
  readonly literals = undefined;
  readonly prefix = '';
  readonly #re2: RE2JS;

  constructor(pattern: string, anchored: boolean) {
    this.pattern = pattern;
    try {
      // The bare pattern first: "a)(b" must be refused although it is correct between parentheses.
      const bare = RE2JS.compile(pattern);
      this.#re2 = anchored ? RE2JS.compile(`^(?s:${pattern})$`) : bare;
    } catch (error) {
      throw new InputError((error as Error).message, { cause: error });
    }
    const names = new Array<string>(this.#re2.groupCount() + 1).fill('');
    for (const [name, index] of Object.entries(this.#re2.namedGroups())) names[index as number] = name;
    this.groupNames = names;
  }

  test(text: string): boolean {
    return this.#re2.test(text);
  }

  match(text: string, from = 0): RegexMatch | undefined {
    const matcher = this.#re2.matcher(text);
    if (!matcher.find(from)) return undefined;
    const groups: (string | undefined)[] = [];
    for (let i = 0; i < this.groupNames.length; i++) groups.push(matcher.group(i) ?? undefined);
    return { start: matcher.start(0), end: matcher.end(0), groups };
  }

  replaceAll(text: string, template: string): string {
    return replaceAllWith(this, text, template);
  }
}

class PlannedRegex implements Regex {
  readonly pattern: string;
  readonly groupNames: readonly string[];
  readonly literals: readonly string[] | undefined;
  readonly prefix: string;
  readonly #anchored: boolean;
  readonly #plan: RegexPlan;
  readonly #exponent: number;
  readonly #set: ReadonlySet<string> | undefined;
  #js: RegExp | undefined;
  #jsFrom: RegExp | undefined;
  #re2: Re2Regex | undefined;

  constructor(pattern: string, anchored: boolean, plan: RegexPlan) {
    this.pattern = pattern;
    this.groupNames = plan.groupNames;
    this.#anchored = anchored;
    this.#plan = plan;
    this.#exponent = plan.exponent + (anchored ? 0 : 1);
    this.literals = anchored && plan.literals ? [...new Set(plan.literals)] : undefined;
    this.#set = this.literals === undefined ? undefined : new Set(this.literals);
    this.prefix = anchored ? plan.prefix : '';
  }

  #flags(): string {
    return `u${this.#plan.dotAll ? 's' : ''}${this.#plan.ignoreCase ? 'i' : ''}`;
  }

  #source(): string {
    return this.#anchored ? `^(?:${this.#plan.source})$` : this.#plan.source;
  }

  #isCheap(length: number): boolean {
    return this.#exponent <= 1
      ? this.#plan.factor * length <= STEP_BUDGET * 10
      : this.#plan.factor * length ** this.#exponent <= STEP_BUDGET;
  }

  test(text: string): boolean {
    if (this.#set !== undefined) return this.#set.has(text);
    if (!this.#isCheap(text.length)) return this.#fallback().test(text);
    this.#js ??= new RegExp(this.#source(), this.#flags());
    return this.#js.test(text);
  }

  match(text: string, from = 0): RegexMatch | undefined {
    if (!this.#isCheap(text.length)) return this.#fallback().match(text, from);
    this.#jsFrom ??= new RegExp(this.#source(), `${this.#flags()}g`);
    this.#jsFrom.lastIndex = from;
    const found = this.#jsFrom.exec(text);
    return found === null
      ? undefined
      : { start: found.index, end: found.index + found[0].length, groups: [...found] };
  }

  replaceAll(text: string, template: string): string {
    return replaceAllWith(this, text, template);
  }

  #fallback(): Re2Regex {
    this.#re2 ??= new Re2Regex(this.pattern, this.#anchored);
    return this.#re2;
  }
}
