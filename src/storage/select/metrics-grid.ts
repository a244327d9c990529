/** Range functions computed in ClickHouse on a time grid, where the answer is the same as on raw samples. */

import type { GridHint, MetricSelect, MetricSelectResult } from '../../model/select-metrics.ts';
import type { ScopedClient } from '../scope.ts';
import type { MatcherSql } from './metrics-matchers.ts';

/** The grid, or undefined when this one is better (or only exactly) computed from raw samples. */
export async function selectGrid(
  _scope: ScopedClient,
  _request: MetricSelect,
  _grid: GridHint,
  _matcher: MatcherSql,
  _signal: AbortSignal | undefined,
): Promise<MetricSelectResult | undefined> {
  return undefined;
}
