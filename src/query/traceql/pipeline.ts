/** Evaluates pipelines over one trace: filters, spanset operations, aggregates, by, coalesce. */

import type { Aggregate, FieldExpr, SpansetExpr, Stage } from './ast.ts';
import { compileFilter, compileSpanValue } from './expressions.ts';
import { printAggregate, printExpr } from './print.ts';
import { type Comparison, compareStatics, type Static, staticKey, toNumber } from './static.ts';
import { relate } from './structure.ts';
import type { SpanNode } from './trace-node.ts';

/** Spans of one trace that belong together, and what by() and aggregates said of them. */
export interface Spanset {
  readonly nodes: readonly SpanNode[];
  readonly attributes: readonly { readonly name: string; readonly value: Static }[];
}

/** Spansets in, spansets out; empty ones are left out. */
export type PipelineStep = (spansets: readonly Spanset[]) => Spanset[];

/** The field expressions of all filters, wherever they stand. */
export function filtersOf(stages: readonly Stage[]): FieldExpr[] {
  const found: FieldExpr[] = [];
  const visit = (stage: Stage): void => {
    if (stage.kind === 'filter') found.push(stage.expr);
    else if (stage.kind === 'operation') {
      visit(stage.left);
      visit(stage.right);
    } else if (stage.kind === 'pipeline') stage.stages.forEach(visit);
  };
  stages.forEach(visit);
  return found;
}

/** Compiles a pipeline. The first step gets one spanset with all spans of the trace. */
export function compilePipeline(stages: readonly Stage[], filters = filtersOf(stages)): PipelineStep {
  const steps = stages.map((stage) => compileStage(stage, filters));
  return (input) => {
    let spansets: readonly Spanset[] = input;
    for (const step of steps) {
      spansets = step(spansets);
      if (spansets.length === 0) break;
    }
    return [...spansets];
  };
}

function compileStage(stage: Stage, filters: readonly FieldExpr[]): PipelineStep {
  switch (stage.kind) {
    case 'filter':
    case 'operation':
    case 'pipeline':
      return compileSpansetExpr(stage, filters);
    case 'aggregate':
      return compileAggregate(stage.aggregate, stage.op, stage.value, filters);
    case 'by':
      return compileBy(stage.expr, filters);
    case 'coalesce':
      return (spansets) => [{ nodes: union(spansets), attributes: [] }];
    case 'select':
      return (spansets) => [...spansets];
  }
}

function union(spansets: readonly Spanset[]): SpanNode[] {
  const [first] = spansets;
  if (spansets.length === 1 && first !== undefined) return [...first.nodes];
  return [...new Set(spansets.flatMap((spanset) => spanset.nodes))];
}

function compileSpansetExpr(expr: SpansetExpr, filters: readonly FieldExpr[]): PipelineStep {
  switch (expr.kind) {
    case 'filter': {
      const test = compileFilter(expr.expr);
      return (spansets) => {
        const out: Spanset[] = [];
        for (const spanset of spansets) {
          const nodes = spanset.nodes.filter(test);
          if (nodes.length > 0) out.push({ nodes, attributes: spanset.attributes });
        }
        return out;
      };
    }
    case 'pipeline':
      return compilePipeline(expr.stages, [...filters]);
    case 'operation': {
      const { op } = expr;
      const left = compileSpansetExpr(expr.left, filters);
      const right = compileSpansetExpr(expr.right, filters);
      return (spansets) => {
        const out: Spanset[] = [];
        for (const spanset of spansets) {
          const a = union(left([spanset]));
          // Most operators have nothing to say when one side is empty.
          if (a.length === 0 && op !== '||' && op[0] !== '!') continue;
          const b = union(right([spanset]));
          const nodes =
            op === '&&' || op === '||'
              ? op === '||' || b.length > 0
                ? [...new Set([...a, ...b])]
                : []
              : relate(op, a, b);
          if (nodes.length > 0) out.push({ nodes, attributes: spanset.attributes });
        }
        return out;
      };
    }
  }
}

function compileBy(expr: FieldExpr, filters: readonly FieldExpr[]): PipelineStep {
  const read = compileSpanValue(expr, filters);
  const name = `by(${printExpr(expr)})`;
  return (spansets) => {
    const out: Spanset[] = [];
    for (const spanset of spansets) {
      const groups = new Map<string, { value: Static; nodes: SpanNode[] }>();
      for (const node of spanset.nodes) {
        const value = read(node);
        const key = staticKey(value);
        const group = groups.get(key);
        if (group === undefined) groups.set(key, { value, nodes: [node] });
        else group.nodes.push(node);
      }
      for (const { value, nodes } of groups.values()) {
        out.push({ nodes, attributes: [...spanset.attributes, { name, value }] });
      }
    }
    return out;
  };
}

function compileAggregate(
  aggregate: Aggregate,
  op: Comparison,
  limit: Static,
  filters: readonly FieldExpr[],
): PipelineStep {
  const name = printAggregate(aggregate);
  const read = aggregate.expr === undefined ? undefined : compileSpanValue(aggregate.expr, filters);
  return (spansets) => {
    const out: Spanset[] = [];
    for (const spanset of spansets) {
      const value = aggregateOf(aggregate.op, spanset.nodes, read);
      if (value === undefined || !compareStatics(op, value, limit)) continue;
      out.push({ nodes: spanset.nodes, attributes: [...spanset.attributes, { name, value }] });
    }
    return out;
  };
}

/** The aggregate of the numbers that the spans have; undefined when none has one. */
function aggregateOf(
  op: Aggregate['op'],
  nodes: readonly SpanNode[],
  read: ((node: SpanNode) => Static) | undefined,
): Static | undefined {
  if (read === undefined) return { type: 'int', value: BigInt(nodes.length) };
  let result: Static | undefined;
  let count = 0;
  for (const node of nodes) {
    const value = read(node);
    if (toNumber(value) === undefined) continue;
    count++;
    if (result === undefined) result = value;
    else if (op === 'min' || op === 'max') {
      if (compareStatics(op === 'min' ? '<' : '>', value, result)) result = value;
    } else result = add(result, value);
  }
  if (result === undefined || op !== 'avg') return result;
  // Averages of durations are cut to whole nanoseconds.
  if (result.type === 'duration') return { type: 'duration', value: result.value / BigInt(count) };
  return { type: 'double', value: (toNumber(result) as number) / count };
}

function add(a: Static, b: Static): Static {
  if (a.type === 'int' && b.type === 'int')
    return { type: 'int', value: BigInt.asIntN(64, a.value + b.value) };
  if (a.type === 'duration' && b.type === 'duration') return { type: 'duration', value: a.value + b.value };
  return { type: 'double', value: (toNumber(a) as number) + (toNumber(b) as number) };
}
