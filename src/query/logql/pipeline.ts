/**
 * The stages of a query compiled into one function over lines, and what is known about them: which labels they look
 * at, whether they need the line at all, and which lines or entries storage may leave out.
 */

import type { Matcher } from '../../model/matcher.ts';
import type { LineHint, LogHints } from '../../model/select-logs.ts';
import type { LabelFilter, StageExpr } from './ast.ts';
import type { LineLabels } from './line-labels.ts';
import { compileLabelFormat, compileLineFormat } from './stages/format.ts';
import { compileJson, compileUnpack } from './stages/json.ts';
import { compileJsonExpressions } from './stages/json-expression.ts';
import { compileLabelFilter, type LabelTest, labelsOfFilter } from './stages/label-filter.ts';
import { compileDecolorize, compileDrop, compileKeep } from './stages/label-stages.ts';
import { compileLineFilter } from './stages/line-filter.ts';
import { compileLogfmt, compileLogfmtExpressions } from './stages/logfmt.ts';
import { type LabelGate, OPEN_GATE, type Stage } from './stages/stage.ts';
import { compilePatternParser, compileRegexpParser } from './stages/text-parsers.ts';

export interface Pipeline {
  /** The line as the stages leave it, or undefined when it is dropped. The labels are changed in place. */
  readonly run: Stage;
  /** Labels that the stages look at by name; undefined when they may look at any. */
  readonly reads: readonly string[] | undefined;
  /** False when no stage looks at the line or changes it. */
  readonly usesLine: boolean;
  /** The line may leave the pipeline other than it came in. */
  readonly changesLine: boolean;
  /** Labels may be other than those of the stream and its metadata. */
  readonly changesLabels: boolean;
  /** What storage may leave out. */
  readonly hints: LogHints;
  /** The hints say all that the stages do: whatever passes them passes the pipeline unchanged. */
  readonly isExact: boolean;
}

const PARSERS: ReadonlySet<StageExpr['kind']> = new Set<StageExpr['kind']>([
  'json',
  'logfmt',
  'pattern',
  'regexp',
  'unpack',
]);
const CHANGES_LINE: ReadonlySet<StageExpr['kind']> = new Set<StageExpr['kind']>([
  'unpack',
  'decolorize',
  'line-format',
]);

/** Compiles stages. Throws InputError for what only shows now: templates, patterns, expressions, addresses. */
export function compilePipeline(stages: readonly StageExpr[], nowNs: bigint): Pipeline {
  const tests = new Map<StageExpr, LabelTest>();
  for (const stage of stages) {
    if (stage.kind === 'label-filter') tests.set(stage, compileLabelFilter(stage.filter));
  }
  let reads: string[] | undefined = [];
  const addReads = (names: readonly string[] | undefined): void => {
    if (names === undefined) reads = undefined;
    else reads?.push(...names);
  };
  const compiled = stages.map((_, i) => {
    const made = compileStage(stages, i, tests, nowNs);
    addReads(made.reads);
    return made.stage;
  });
  const usesLine = stages.some(
    (stage) => stage.kind !== 'label-filter' && stage.kind !== 'drop' && stage.kind !== 'keep',
  );
  return {
    run: chain(compiled),
    reads,
    usesLine,
    changesLine: stages.some((stage) => CHANGES_LINE.has(stage.kind)),
    changesLabels: stages.some((stage) => stage.kind !== 'line-filter' && stage.kind !== 'label-filter'),
    ...hintsOf(stages),
  };
}

/** A stage and the labels that it reads by name (undefined: any). */
function compileStage(
  stages: readonly StageExpr[],
  at: number,
  tests: ReadonlyMap<StageExpr, LabelTest>,
  nowNs: bigint,
): { stage: Stage; reads: readonly string[] | undefined } {
  const stage = stages[at] as StageExpr;
  const gate = PARSERS.has(stage.kind) ? gateAfter(stages, at, tests) : OPEN_GATE;
  const plain = (made: Stage): { stage: Stage; reads: readonly string[] } => ({ stage: made, reads: [] });
  switch (stage.kind) {
    case 'line-filter':
      return plain(compileLineFilter(stage));
    case 'json':
      return plain(
        stage.extractions.length === 0 ? compileJson(gate) : compileJsonExpressions(stage.extractions, gate),
      );
    case 'logfmt':
      return plain(
        stage.extractions.length === 0
          ? compileLogfmt(stage, gate)
          : compileLogfmtExpressions(stage, stage.extractions, gate),
      );
    case 'pattern':
      return plain(compilePatternParser(stage.text, stage.at, gate));
    case 'regexp':
      return plain(compileRegexpParser(stage.text, stage.at, gate));
    case 'unpack':
      return plain(compileUnpack(gate));
    case 'decolorize':
      return plain(compileDecolorize());
    case 'label-filter': {
      const test = tests.get(stage) as LabelTest;
      return {
        stage: (line, labels) => (test(labels) ? line : undefined),
        reads: labelsOfFilter(stage.filter),
      };
    }
    case 'line-format':
      return compileLineFormat(stage.template, stage.at, nowNs);
    case 'label-format':
      return compileLabelFormat(stage.formats, nowNs);
    case 'drop':
      return plain(compileDrop(stage.labels));
    case 'keep':
      return plain(compileKeep(stage.labels));
  }
}

function chain(stages: readonly Stage[]): Stage {
  if (stages.length === 0) return (line) => line;
  if (stages.length === 1) return stages[0] as Stage;
  return (line, labels) => {
    let current: string | undefined = line;
    for (const stage of stages) {
      current = stage(current, labels);
      if (current === undefined) return undefined;
    }
    return current;
  };
}

/**
 * Tests of single labels that stand behind a parser with nothing between that could change what they see. A parser
 * asks them as soon as it knows a label, and stops with the line when one fails, whatever is wrong with its rest.
 */
function gateAfter(
  stages: readonly StageExpr[],
  parser: number,
  tests: ReadonlyMap<StageExpr, LabelTest>,
): LabelGate {
  const byName = new Map<string, LabelTest>();
  for (let i = parser + 1; i < stages.length; i++) {
    const stage = stages[i] as StageExpr;
    if (stage.kind === 'line-filter') continue;
    if (stage.kind !== 'label-filter') break;
    const { filter } = stage;
    if (filter.kind === 'and' || filter.kind === 'or') continue;
    const name = labelsOfFilter(filter)[0] as string;
    if (!byName.has(name)) byName.set(name, tests.get(stage) as LabelTest);
  }
  if (byName.size === 0) return OPEN_GATE;
  return (name: string, labels: LineLabels) => byName.get(name)?.(labels) ?? true;
}

/** Line filters in front of everything that changes lines, and tests of labels in front of everything that adds some. */
function hintsOf(stages: readonly StageExpr[]): { hints: LogHints; isExact: boolean } {
  const lines: LineHint[] = [];
  const metadata: Matcher[] = [];
  let isExact = true;
  let addsLabels = false;
  for (const stage of stages) {
    if (CHANGES_LINE.has(stage.kind)) {
      isExact = false;
      break;
    }
    if (stage.kind === 'line-filter') {
      const hint = lineHint(stage);
      if (hint === undefined) isExact = false;
      else lines.push(hint);
    } else if (stage.kind === 'label-filter') {
      const matchers = addsLabels ? undefined : matchersOf(stage.filter);
      if (matchers === undefined) isExact = false;
      else metadata.push(...matchers);
    } else {
      isExact = false;
      addsLabels = true;
    }
  }
  return {
    hints: {
      ...(lines.length === 0 ? {} : { lines }),
      ...(metadata.length === 0 ? {} : { metadata }),
    },
    isExact,
  };
}

function lineHint(stage: Extract<StageExpr, { kind: 'line-filter' }>): LineHint | undefined {
  const { operator, matches } = stage;
  if (operator === '|>' || operator === '!>' || matches.some((match) => match.isIp)) return undefined;
  return {
    kind: operator === '|=' || operator === '!=' ? 'contains' : 'regex',
    any: matches.map((match) => match.text),
    negate: operator.startsWith('!'),
  };
}

/** A conjunction of string tests as matchers; undefined for anything else. Errors are no stored labels. */
function matchersOf(filter: LabelFilter): Matcher[] | undefined {
  if (filter.kind === 'string') {
    return filter.matcher.name.startsWith('__') ? undefined : [filter.matcher];
  }
  if (filter.kind !== 'and') return undefined;
  const left = matchersOf(filter.left);
  const right = matchersOf(filter.right);
  return left === undefined || right === undefined ? undefined : [...left, ...right];
}
