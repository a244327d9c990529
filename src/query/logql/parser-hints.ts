/**
 * What a metric query needs of a line, so that parsers can stop early. This is part of the language, not only of its
 * speed: a parser that already has all that is asked for does not see what is wrong with the rest of the line, and
 * `sum(count_over_time(... | json [5m]))` asks for nothing, so it has no errors.
 */

import { EXTRACTED_SUFFIX } from './line-labels.ts';

/** Answers whether to go on with a line, now that a label is known. */
export type EarlyFilter = (name: string) => boolean;

export class ParserHints {
  /** Labels that are asked for; empty when all may be. */
  readonly required: readonly string[];
  /** No label is asked for at all. */
  readonly nothing: boolean;
  /** The query looks at `__error__` itself, so errors do not fail it. */
  readonly preserveError: boolean;
  readonly #required: ReadonlySet<string>;
  readonly #extracted = new Set<string>();

  constructor(required: readonly string[], nothing: boolean, preserveError: boolean) {
    this.required = required;
    this.nothing = nothing;
    this.preserveError = preserveError;
    this.#required = new Set(required);
  }

  /** Everything is wanted: log queries. */
  static all(): ParserHints {
    return new ParserHints([], false, false);
  }

  /**
   * For a metric query: the labels that its stages look at, its grouping and the label of its unwrap. `by` undefined
   * means that the grouping keeps everything or names what goes.
   */
  static forMetric(
    stageLabels: readonly string[],
    by: readonly string[] | undefined,
    unwrap: string | undefined,
  ): ParserHints {
    const names = new Set<string>();
    for (const name of [...stageLabels, ...(by ?? []), ...(unwrap === undefined ? [] : [unwrap])]) {
      names.add(name);
      if (name.endsWith(EXTRACTED_SUFFIX)) names.add(name.slice(0, -EXTRACTED_SUFFIX.length));
    }
    const preserve = names.has('__error__');
    if (by === undefined) return new ParserHints([], false, preserve);
    if (names.size === 0) return new ParserHints([], true, preserve);
    return new ParserHints([...names], false, preserve);
  }

  reset(): void {
    if (this.#extracted.size > 0) this.#extracted.clear();
  }

  /** Whether the label is asked for. */
  asksFor(name: string): boolean {
    return this.#required.size === 0 || this.#required.has(name);
  }

  /** Whether any label that is asked for begins so. */
  shouldExtractPrefix(prefix: string): boolean {
    if (this.#required.size === 0) return true;
    for (const name of this.required) if (name.startsWith(prefix)) return true;
    return false;
  }

  recordExtracted(name: string): void {
    if (this.#required.has(name)) this.#extracted.add(name);
  }

  /** Parsers have nothing to do. */
  get done(): boolean {
    return this.nothing || this.allExtracted;
  }

  get allExtracted(): boolean {
    return this.#required.size > 0 && this.#extracted.size === this.#required.size;
  }
}
