/** absent(), and the labels that the absent functions can name. */

import { Labels } from '../../../model/labels.ts';
import { FLOAT, NONE, newSeries } from '../../vector/series.ts';
import { type Expr, unwrapParens } from '../ast.ts';
import { type VectorFunction, vectorArg } from './function.ts';

/** The labels that a selector asks for by equality, each once; nothing for other expressions. */
export function absentLabels(expr: Expr | undefined): Labels {
  if (expr === undefined) return Labels.EMPTY;
  const inner = unwrapParens(expr);
  const selector =
    inner.kind === 'matrix-selector' ? inner.selector : inner.kind === 'vector-selector' ? inner : undefined;
  if (selector === undefined) return Labels.EMPTY;
  const values = new Map<string, string>();
  const seen = new Set<string>();
  for (const { name, op, value } of selector.matchers) {
    if (name === '__name__') continue;
    if (op === '=' && !seen.has(name)) {
      values.set(name, value);
      seen.add(name);
    } else values.delete(name);
  }
  return Labels.fromPairs(values);
}

export const absentFunctions: readonly VectorFunction[] = [
  {
    kind: 'vector',
    name: 'absent',
    evaluate: (call) => {
      const input = vectorArg(call, 0);
      const { points } = call.grid;
      const out = newSeries(absentLabels(call.exprs[0]), points);
      for (let i = 0; i < points; i++) {
        if (input.some((series) => series.kinds[i] !== NONE)) continue;
        out.kinds[i] = FLOAT;
        out.values[i] = 1;
      }
      return [out];
    },
  },
];
