/** Names and types of PromQL's functions (Prometheus 3.5). What they compute is in `functions/`. */

import type { ValueType } from './ast.ts';

export interface FunctionSignature {
  readonly name: string;
  readonly args: readonly ValueType[];
  /** 0: exactly `args`; n > 0: the last may be missing and up to n follow; -1: the last may be missing or repeated. */
  readonly variadic: number;
  readonly returns: ValueType;
  readonly isExperimental: boolean;
}

const V = 'vector';
const M = 'matrix';
const S = 'scalar';
const T = 'string';

function define(
  names: string,
  args: readonly ValueType[],
  options: { variadic?: number; returns?: ValueType; experimental?: boolean } = {},
): FunctionSignature[] {
  return names.split(' ').map((name) => ({
    name,
    args,
    variadic: options.variadic ?? 0,
    returns: options.returns ?? V,
    isExperimental: options.experimental ?? false,
  }));
}

const ALL: readonly FunctionSignature[] = [
  ...define(
    'abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad sgn sin sinh',
    [V],
  ),
  ...define('sort sort_desc sqrt tan tanh timestamp', [V]),
  ...define('histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar', [V]),
  ...define(
    'absent_over_time avg_over_time changes count_over_time delta deriv idelta increase irate last_over_time',
    [M],
  ),
  ...define(
    'max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time sum_over_time',
    [M],
  ),
  ...define('mad_over_time ts_of_max_over_time ts_of_min_over_time ts_of_last_over_time', [M], {
    experimental: true,
  }),
  ...define('days_in_month day_of_month day_of_week day_of_year hour minute month year', [V], {
    variadic: 1,
  }),
  ...define('clamp', [V, S, S]),
  ...define('clamp_max clamp_min', [V, S]),
  ...define('histogram_fraction', [S, S, V]),
  ...define('histogram_quantile', [S, V]),
  ...define('double_exponential_smoothing', [M, S, S], { experimental: true }),
  ...define('info', [V, V], { variadic: 1, experimental: true }),
  ...define('label_replace', [V, T, T, T, T]),
  ...define('label_join', [V, T, T, T], { variadic: -1 }),
  ...define('pi time', [], { returns: S }),
  ...define('predict_linear', [M, S]),
  ...define('quantile_over_time', [S, M]),
  ...define('round', [V, S], { variadic: 1 }),
  ...define('scalar', [V], { returns: S }),
  ...define('sort_by_label sort_by_label_desc', [V, T], { variadic: -1, experimental: true }),
  ...define('vector', [S]),
];

const table: ReadonlyMap<string, FunctionSignature> = new Map(
  ALL.map((signature) => [signature.name, signature]),
);

/** The function of that name, if there is one. */
export function functionSignature(name: string): FunctionSignature | undefined {
  return table.get(name);
}
