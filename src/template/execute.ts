/**
 * Carries out a parsed template: Go's text/template semantics over the values of `value.ts`. Pure: what functions
 * may know (the time, a log line, queries) is given in the function map by the dialect.
 */

import { BUILTINS } from './builtins.ts';
import { TemplateError, type TemplateFunction, type TemplateFunctions } from './functions.ts';
import type { Command, Node, Pipeline, TemplateTree, Term } from './nodes.ts';
import { parseTemplate } from './parse.ts';
import { isList, isMap, isObject, isTrue, printValue, type TemplateValue, typeName } from './value.ts';

export interface TemplateOptions {
  readonly functions?: TemplateFunctions;
  /** Go's option missingkey: what a key that a map lacks gives. Default: `default`. */
  readonly missingKey?: 'default' | 'zero' | 'error';
  /** Characters that one execution may write. Default: one million. */
  readonly maxOutput?: number;
  /** Nodes that one execution may visit. Default: one million. */
  readonly maxSteps?: number;
}

const DEFAULT_MAX_OUTPUT = 1_000_000;
const DEFAULT_MAX_STEPS = 1_000_000;
/** Templates that call each other. */
const MAX_CALL_DEPTH = 100;

/** A template that can be executed any number of times; `C` is what its functions are given as context. */
export class Template {
  readonly source: string;
  readonly tree: TemplateTree;
  readonly #options: TemplateOptions;
  readonly #functions: ReadonlyMap<string, TemplateFunction>;
  readonly #library: ReadonlyMap<string, readonly Node[]>;

  /**
   * Parses `source`. `library` holds definitions of other files that it may call. Throws InputError with a position.
   */
  constructor(
    source: string,
    options: TemplateOptions = {},
    library: ReadonlyMap<string, readonly Node[]> = new Map(),
  ) {
    this.source = source;
    this.#options = options;
    const functions = new Map(Object.entries(BUILTINS));
    for (const [name, spec] of Object.entries(options.functions ?? {})) functions.set(name, spec);
    this.#functions = functions;
    this.tree = parseTemplate(source, (name) => functions.has(name));
    this.#library = library;
  }

  /**
   * The text for a value of dot. `context` is handed to the functions. Throws TemplateError when the execution
   * fails or a budget is used up.
   */
  execute(dot: TemplateValue, context?: unknown): string {
    return new Run(this.tree, this.#library, this.#functions, this.#options, context).run(dot);
  }
}

type Signal = 'break' | 'continue' | undefined;

class Run {
  readonly #tree: TemplateTree;
  readonly #library: ReadonlyMap<string, readonly Node[]>;
  readonly #functions: ReadonlyMap<string, TemplateFunction>;
  readonly #missingKey: 'default' | 'zero' | 'error';
  readonly #maxOutput: number;
  readonly #context: unknown;
  #steps: number;
  #out = '';
  #callDepth = 0;
  /** Variables by name, the innermost last. */
  #variables: { readonly name: string; value: TemplateValue }[] = [];

  constructor(
    tree: TemplateTree,
    library: ReadonlyMap<string, readonly Node[]>,
    functions: ReadonlyMap<string, TemplateFunction>,
    options: TemplateOptions,
    context: unknown,
  ) {
    this.#tree = tree;
    this.#library = library;
    this.#functions = functions;
    this.#missingKey = options.missingKey ?? 'default';
    this.#maxOutput = options.maxOutput ?? DEFAULT_MAX_OUTPUT;
    this.#steps = options.maxSteps ?? DEFAULT_MAX_STEPS;
    this.#context = context;
  }

  run(dot: TemplateValue): string {
    this.#variables.push({ name: '', value: dot });
    this.#list(this.#tree.main, dot);
    return this.#out;
  }

  #write(text: string): void {
    if (this.#out.length + text.length > this.#maxOutput) {
      throw new TemplateError(`output of more than ${this.#maxOutput} characters`);
    }
    this.#out += text;
  }

  #list(nodes: readonly Node[], dot: TemplateValue): Signal {
    for (const node of nodes) {
      if (--this.#steps < 0) throw new TemplateError('template does too much work');
      const signal = this.#node(node, dot);
      if (signal !== undefined) return signal;
    }
    return undefined;
  }

  #node(node: Node, dot: TemplateValue): Signal {
    switch (node.kind) {
      case 'text':
        this.#write(node.text);
        return undefined;
      case 'action': {
        const value = this.#pipeline(node.pipeline, dot);
        if (node.pipeline.variables.length === 0) this.#write(printValue(value));
        return undefined;
      }
      case 'if':
      case 'with': {
        const scope = this.#variables.length;
        const value = this.#pipeline(node.pipeline, dot);
        let signal: Signal;
        if (isTrue(value)) signal = this.#list(node.body, node.kind === 'with' ? value : dot);
        else signal = this.#list(node.otherwise, dot);
        this.#variables.length = scope;
        return signal;
      }
      case 'range':
        this.#range(node, dot);
        return undefined;
      case 'template':
        this.#call(node.name, node.pipeline === undefined ? undefined : this.#pipeline(node.pipeline, dot));
        return undefined;
      case 'break':
      case 'continue':
        return node.kind;
    }
  }

  #call(name: string, dot: TemplateValue): void {
    const body = this.#tree.definitions.get(name) ?? this.#library.get(name);
    if (body === undefined) throw new TemplateError(`template "${name}" not defined`);
    if (++this.#callDepth > MAX_CALL_DEPTH) throw new TemplateError('exceeded maximum template depth');
    const variables = this.#variables;
    this.#variables = [{ name: '', value: dot }];
    this.#list(body, dot);
    this.#variables = variables;
    this.#callDepth--;
  }

  #range(node: Extract<Node, { kind: 'range' }>, dot: TemplateValue): void {
    const scope = this.#variables.length;
    const { pipeline } = node;
    const value = this.#value(pipeline, dot);
    const one = (key: TemplateValue, element: TemplateValue): Signal => {
      if (--this.#steps < 0) throw new TemplateError('template does too much work');
      const [first, second] = pipeline.variables;
      const inner = this.#variables.length;
      if (first !== undefined) this.#bind(pipeline, first, second === undefined ? element : key);
      if (second !== undefined) this.#bind(pipeline, second, element);
      const signal = this.#list(node.body, element);
      this.#variables.length = inner;
      return signal;
    };
    let visited = false;
    if (isList(value)) {
      for (let i = 0; i < value.length; i++) {
        visited = true;
        if (one(BigInt(i), value[i]) === 'break') break;
      }
    } else if (isMap(value)) {
      for (const key of value.keys()) {
        visited = true;
        if (one(key, value.get(key)) === 'break') break;
      }
    } else if (typeof value === 'bigint') {
      for (let i = 0n; i < value; i++) {
        visited = true;
        if (one(i, i) === 'break') break;
      }
    } else if (value !== null && value !== undefined) {
      throw new TemplateError(`range can't iterate over ${printValue(value)}`);
    }
    if (!visited) this.#list(node.otherwise, dot);
    this.#variables.length = scope;
  }

  #bind(pipeline: Pipeline, name: string, value: TemplateValue): void {
    if (pipeline.assign) this.#assign(name, value);
    else this.#variables.push({ name, value });
  }

  #assign(name: string, value: TemplateValue): void {
    for (let i = this.#variables.length - 1; i >= 0; i--) {
      const variable = this.#variables[i];
      if (variable?.name === name) {
        variable.value = value;
        return;
      }
    }
    throw new TemplateError(`undefined variable: $${name}`);
  }

  #pipeline(pipeline: Pipeline, dot: TemplateValue): TemplateValue {
    const value = this.#value(pipeline, dot);
    for (const name of pipeline.variables) this.#bind(pipeline, name, value);
    return value;
  }

  #value(pipeline: Pipeline, dot: TemplateValue): TemplateValue {
    let value: TemplateValue;
    let piped = false;
    for (const command of pipeline.commands) {
      value = this.#command(command, dot, piped, value);
      piped = true;
    }
    return value;
  }

  #command(command: Command, dot: TemplateValue, piped: boolean, last: TemplateValue): TemplateValue {
    if (--this.#steps < 0) throw new TemplateError('template does too much work');
    const head = command.terms[0] as Term;
    const hasArguments = command.terms.length > 1 || piped;
    switch (head.kind) {
      case 'function':
        return this.#function(head.name, command.terms, dot, piped, last);
      case 'field':
        return this.#path(dot, head.path, this.#arguments(command.terms, dot, piped, last), hasArguments);
      case 'variable':
        if (head.path.length > 0) {
          const base = this.#variable(head.name);
          return this.#path(base, head.path, this.#arguments(command.terms, dot, piped, last), hasArguments);
        }
        break;
      case 'group':
        if (head.path.length > 0) {
          const base = this.#pipeline(head.pipeline, dot);
          return this.#path(base, head.path, this.#arguments(command.terms, dot, piped, last), hasArguments);
        }
        break;
    }
    if (hasArguments) {
      throw new TemplateError(`can't give argument to non-function ${describeTerm(head)}`);
    }
    return this.#term(head, dot);
  }

  #arguments(
    terms: readonly Term[],
    dot: TemplateValue,
    piped: boolean,
    last: TemplateValue,
  ): TemplateValue[] {
    const values: TemplateValue[] = [];
    for (let i = 1; i < terms.length; i++) values.push(this.#term(terms[i] as Term, dot));
    if (piped) values.push(last);
    return values;
  }

  #function(
    name: string,
    terms: readonly Term[],
    dot: TemplateValue,
    piped: boolean,
    last: TemplateValue,
  ): TemplateValue {
    if (name === 'and' || name === 'or') {
      // Only these do not look at all of their arguments.
      const count = terms.length - 1 + (piped ? 1 : 0);
      if (count === 0) throw new TemplateError(`wrong number of args for ${name}: want at least 1 got 0`);
      let value: TemplateValue;
      for (let i = 1; i < terms.length; i++) {
        value = this.#term(terms[i] as Term, dot);
        if (isTrue(value) === (name === 'or')) return value;
      }
      return piped ? last : value;
    }
    const spec = this.#functions.get(name) as TemplateFunction;
    const values = this.#arguments(terms, dot, piped, last);
    checkArguments(name, spec, values);
    try {
      return spec.call(values, this.#context);
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      throw new TemplateError(`error calling ${name}: ${(error as Error).message}`, { cause: error });
    }
  }

  #term(term: Term, dot: TemplateValue): TemplateValue {
    switch (term.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'constant':
        return term.value;
      case 'field':
        return this.#path(dot, term.path, [], false);
      case 'variable':
        return this.#path(this.#variable(term.name), term.path, [], false);
      case 'group':
        return this.#path(this.#pipeline(term.pipeline, dot), term.path, [], false);
      case 'function':
        return this.#function(term.name, [term], dot, false, undefined);
    }
  }

  #variable(name: string): TemplateValue {
    for (let i = this.#variables.length - 1; i >= 0; i--) {
      const variable = this.#variables[i];
      if (variable?.name === name) return variable.value;
    }
    throw new TemplateError(`undefined variable: $${name}`);
  }

  /** Fields one after the other; arguments belong to the last. */
  #path(
    base: TemplateValue,
    path: readonly string[],
    args: readonly TemplateValue[],
    hasArguments: boolean,
  ): TemplateValue {
    let value = base;
    for (let i = 0; i < path.length; i++) {
      const name = path[i] as string;
      const isLast = i === path.length - 1;
      if (value === null || value === undefined) {
        throw new TemplateError(`nil data; no entry for key ${JSON.stringify(name)}`);
      }
      if (isObject(value)) {
        const member = value.member(name, isLast ? args : []);
        if (member === undefined) {
          throw new TemplateError(`can't evaluate field ${name} in type ${value.typeName}`);
        }
        value = member;
        continue;
      }
      if (!isMap(value)) throw new TemplateError(`can't evaluate field ${name} in type ${typeName(value)}`);
      if (isLast && hasArguments) throw new TemplateError(`${name} is not a method but has arguments`);
      value = this.#lookUp(value, name);
    }
    return value;
  }

  #lookUp(map: Extract<TemplateValue, { templateKind: 'map' }>, name: string): TemplateValue {
    const value = map.get(name);
    if (value !== undefined || map.has(name)) return value;
    if (this.#missingKey === 'error')
      throw new TemplateError(`map has no entry for key ${JSON.stringify(name)}`);
    return this.#missingKey === 'zero' ? map.zero : undefined;
  }
}

function describeTerm(term: Term): string {
  switch (term.kind) {
    case 'constant':
      return typeof term.value === 'string' ? JSON.stringify(term.value) : String(term.value);
    case 'variable':
      return `$${term.name}`;
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    default:
      return 'value';
  }
}

/** Number and types of arguments, as Go checks them before it calls. */
function checkArguments(name: string, spec: TemplateFunction, values: readonly TemplateValue[]): void {
  const fixed = spec.params.length;
  if (spec.rest === undefined ? values.length !== fixed : values.length < fixed) {
    const want = spec.rest === undefined ? String(fixed) : `at least ${fixed}`;
    throw new TemplateError(`wrong number of args for ${name}: want ${want} got ${values.length}`);
  }
  for (let i = 0; i < values.length; i++) {
    const want = i < fixed ? spec.params[i] : spec.rest;
    if (want === undefined || want === 'any') continue;
    const value = values[i];
    if (typeName(value) === want) continue;
    if (value === null || value === undefined) throw new TemplateError(`invalid value; expected ${want}`);
    // A whole number written without a point is taken where a float64 is wanted.
    if (want === 'float64' && typeof value === 'bigint') {
      (values as TemplateValue[])[i] = Number(value);
      continue;
    }
    throw new TemplateError(`wrong type for value; expected ${want}; got ${typeName(value)}`);
  }
}
