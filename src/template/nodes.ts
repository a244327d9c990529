/** The tree of a parsed template. Positions are offsets in the template's text (UTF-16 units). */

import type { TemplateValue } from './value.ts';

/** An operand: something that gives a value. */
export type Term =
  | { readonly kind: 'dot'; readonly at: number }
  | { readonly kind: 'nil'; readonly at: number }
  | { readonly kind: 'constant'; readonly at: number; readonly value: TemplateValue }
  /** `.A.B`: fields of dot. */
  | { readonly kind: 'field'; readonly at: number; readonly path: readonly string[] }
  /** `$x.A.B`; the bare `$` has the name ''. */
  | {
      readonly kind: 'variable';
      readonly at: number;
      readonly name: string;
      readonly path: readonly string[];
    }
  | { readonly kind: 'function'; readonly at: number; readonly name: string }
  /** `(pipeline).A.B` */
  | {
      readonly kind: 'group';
      readonly at: number;
      readonly pipeline: Pipeline;
      readonly path: readonly string[];
    };

export interface Command {
  readonly at: number;
  /** The first may be a function, a method or a value; the others are its arguments. */
  readonly terms: readonly Term[];
}

export interface Pipeline {
  readonly at: number;
  /** Variables that take the value: none, one, or two in a `range`. */
  readonly variables: readonly string[];
  /** `=` rather than `:=`. */
  readonly assign: boolean;
  readonly commands: readonly Command[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with';
      readonly pipeline: Pipeline;
      readonly body: Node[];
      readonly otherwise: Node[];
    }
  | { readonly kind: 'range'; readonly pipeline: Pipeline; readonly body: Node[]; readonly otherwise: Node[] }
  | {
      readonly kind: 'template';
      readonly at: number;
      readonly name: string;
      readonly pipeline: Pipeline | undefined;
    }
  | { readonly kind: 'break' | 'continue' };

/** A template with everything it defines. `main` is what stands outside of every `define`. */
export interface TemplateTree {
  readonly main: readonly Node[];
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}
