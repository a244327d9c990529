/** `line_format` and `label_format`: lines and labels written by templates. */

import { InputError } from '../../../model/errors.ts';
import { compareCodePoints } from '../../../model/labels.ts';
import { Template } from '../../../template/execute.ts';
import { TemplateError } from '../../../template/functions.ts';
import type { Node, Pipeline, Term } from '../../../template/nodes.ts';
import type { TemplateMap } from '../../../template/value.ts';
import type { LabelFormat } from '../ast.ts';
import { ERROR_DETAILS_LABEL, ERROR_LABEL, FROM_LINE, type LineLabels } from '../line-labels.ts';
import { LOGQL_FUNCTIONS, type TemplateContext } from '../template-functions.ts';
import type { Stage } from './stage.ts';

/** Characters that one line or label may become. */
const MAX_OUTPUT = 1 << 20;

/** The labels of a line as dot of a template, without a copy. */
class LabelsMap implements TemplateMap {
  readonly templateKind = 'map';
  readonly zero = '';
  readonly #labels: LineLabels;

  constructor(labels: LineLabels) {
    this.#labels = labels;
  }

  get size(): number {
    return [...this.keys()].length;
  }

  get(key: string): string | undefined {
    if (key === ERROR_LABEL && this.#labels.error !== '') return this.#labels.error;
    if (key === ERROR_DETAILS_LABEL && this.#labels.errorDetails !== '') return this.#labels.errorDetails;
    return this.#labels.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  keys(): string[] {
    const names = new Set<string>();
    for (const [name] of this.#labels.entries()) names.add(name);
    if (this.#labels.error !== '') names.add(ERROR_LABEL);
    if (this.#labels.errorDetails !== '') names.add(ERROR_DETAILS_LABEL);
    return [...names].sort(compareCodePoints);
  }
}

interface CompiledTemplate {
  /** The text, or undefined with an error on the line. */
  run(line: string, labels: LineLabels): string | undefined;
  /** Labels that it reads; undefined when it may read any. */
  readonly reads: readonly string[] | undefined;
}

function compileTemplate(source: string, position: number, nowNs: bigint): CompiledTemplate {
  let template: Template;
  try {
    template = new Template(source, {
      functions: LOGQL_FUNCTIONS,
      missingKey: 'zero',
      maxOutput: MAX_OUTPUT,
    });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`invalid template: ${error.message}`, { position, cause: error });
  }
  return {
    reads: fieldsOf(template),
    run: (line, labels) => {
      const context: TemplateContext = { line, timeNs: labels.timeNs, nowNs };
      try {
        return template.execute(new LabelsMap(labels), context);
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        labels.setError('TemplateFormatErr', `template: ${error.message}`);
        return undefined;
      }
    },
  };
}

/**
 * Names of fields that a template reads (a field of something else than dot may be among them), or undefined when it
 * may read any.
 */
function fieldsOf(template: Template): string[] | undefined {
  const names = new Set<string>();
  let readsAll = false;
  const term = (t: Term, isInner: boolean): void => {
    if (t.kind === 'group') pipeline(t.pipeline, isInner);
    else if (t.kind === 'field' || t.kind === 'variable') {
      if (t.path[0] !== undefined) names.add(t.path[0]);
      else if (t.kind === 'variable' && t.name === '') readsAll = true;
    } else if (t.kind === 'dot' && !isInner) readsAll = true;
  };
  const pipeline = (p: Pipeline, isInner: boolean): void => {
    for (const command of p.commands) for (const t of command.terms) term(t, isInner);
  };
  const list = (nodes: readonly Node[], isInner: boolean): void => {
    for (const node of nodes) {
      if ('pipeline' in node && node.pipeline !== undefined) pipeline(node.pipeline, isInner);
      if ('body' in node) {
        list(node.body, isInner || node.kind !== 'if');
        list(node.otherwise, isInner);
      }
    }
  };
  list(template.tree.main, false);
  for (const body of template.tree.definitions.values()) list(body, true);
  return readsAll ? undefined : [...names];
}

export interface FormatStage {
  readonly stage: Stage;
  /** Labels that it reads; undefined when it may read any. */
  readonly reads: readonly string[] | undefined;
}

/** `| line_format`. Throws InputError for a wrong template. */
export function compileLineFormat(source: string, position: number, nowNs: bigint): FormatStage {
  const { run, reads } = compileTemplate(source, position, nowNs);
  return { reads, stage: (line, labels) => run(line, labels) ?? line };
}

/**
 * `| label_format`. All templates see the labels as they were before the stage. Throws InputError for a wrong template.
 */
export function compileLabelFormat(formats: readonly LabelFormat[], nowNs: bigint): FormatStage {
  const templates = formats.map((format) =>
    format.kind === 'template' ? compileTemplate(format.template, format.at, nowNs) : undefined,
  );
  const readsAll = templates.some((template) => template !== undefined && template.reads === undefined);
  const reads = readsAll
    ? undefined
    : formats.flatMap((format, i) =>
        format.kind === 'rename' ? [format.from] : [...(templates[i]?.reads ?? [])],
      );
  return {
    reads,
    stage: (line, labels) => {
      const texts = templates.map((template) => template?.run(line, labels));
      formats.forEach((format, i) => {
        if (format.kind === 'template') {
          const text = texts[i];
          if (text !== undefined) labels.set(FROM_LINE, format.name, text);
          return;
        }
        const value = labels.get(format.from);
        if (value === undefined) return;
        const category = labels.category(format.from);
        labels.delete(format.from);
        labels.delete(format.name);
        labels.set(category, format.name, value);
      });
      return line;
    },
  };
}
