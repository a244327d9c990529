/** What a dialect gives as a template function. */

import type { TemplateValue } from './value.ts';

/** An execution that failed. The template itself was in order. */
export class TemplateError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TemplateError';
  }
}

/** Go's type of a parameter. `any` takes everything; others are checked before the call. */
export type ParameterType = 'any' | 'string' | 'int' | 'float64' | 'bool' | 'time.Time';

export interface TemplateFunction {
  readonly params: readonly ParameterType[];
  /** The type of further arguments, when the function takes any number. */
  readonly rest?: ParameterType;
  /** Throw to fail the execution. `context` is what the dialect gave to `execute`. */
  call(args: readonly TemplateValue[], context: unknown): TemplateValue;
}

/** Functions by name. */
export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;
