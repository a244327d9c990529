/** All functions by name. `info` and `timestamp` of a selector are the planner's, because they read other series. */

import { absentFunctions } from './absent.ts';
import { dateFunctions } from './dates.ts';
import type { PromqlFunction } from './function.ts';
import { histogramFunctions } from './histograms.ts';
import { labelFunctions } from './labels.ts';
import { mathFunctions } from './math.ts';
import { overTimeFunctions } from './over-time.ts';
import { rateFunctions } from './rates.ts';

const table: ReadonlyMap<string, PromqlFunction> = new Map(
  [
    ...rateFunctions,
    ...overTimeFunctions,
    ...mathFunctions,
    ...dateFunctions,
    ...labelFunctions,
    ...histogramFunctions,
    ...absentFunctions,
  ].map((func: PromqlFunction) => [func.name, func]),
);

/** What a function computes; undefined for `info`. */
export function functionNamed(name: string): PromqlFunction | undefined {
  return table.get(name);
}
