/** /api/metrics/query_range and /api/metrics/query: TraceQL metrics over a grid, or as one number per series. */

import type { HttpRequest, Route } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import type { MetricsQuery } from '../../query/traceql/ast.ts';
import { instantGrid, rangeGrid } from '../../query/traceql/metrics/grid.ts';
import { runMetrics } from '../../query/traceql/metrics/run.ts';
import { type ParseOptions, parseQuery } from '../../query/traceql/parse.ts';
import { json, queryError, type TempoContext } from './index.ts';
import { instantJson, rangeJson } from './json.ts';
import { invalid, optionalRange, parseStep, sinceRange, type TimeRange, wholeNumber } from './params.ts';

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;
const DEFAULT_RANGE_NS = 3_600n * NS_PER_SECOND;
/** How many points a query without a step is meant to have. */
const DEFAULT_POINTS = 240n;

function metricsQuery(text: string, options: ParseOptions): MetricsQuery {
  if (text.trim() === '') throw invalid('invalid TraceQL query: q is missing');
  try {
    const query = parseQuery(text, options);
    if (query.kind === 'metrics') return query;
  } catch (error) {
    if (error instanceof InputError) throw queryError(text, error);
    throw error;
  }
  throw invalid('invalid TraceQL query: not a metrics query; add a function such as | rate()');
}

/** About 240 points, in whole multiples of 5 seconds, or of 1 second for short ranges. */
export function defaultStepNs({ startNs, endNs }: TimeRange): bigint {
  const aim = (endNs - startNs) / DEFAULT_POINTS;
  const unit = aim >= 5n * NS_PER_SECOND ? 5n * NS_PER_SECOND : NS_PER_SECOND;
  const step = (aim / unit) * unit;
  return step > 0n ? step : NS_PER_SECOND;
}

export function metricsRoutes({ source, limits, now, parseOptions }: TempoContext): Route[] {
  const rangeOf = (query: URLSearchParams): TimeRange => {
    const range = optionalRange(query) ?? sinceRange(query, now());
    const endNs = BigInt(Math.floor(now())) * NS_PER_MS;
    const chosen = range ?? { startNs: endNs - DEFAULT_RANGE_NS, endNs };
    if (chosen.endNs <= chosen.startNs) throw invalid('end must be after start');
    const maxNs = BigInt(limits.maxMetricsRangeMs) * NS_PER_MS;
    if (maxNs > 0n && chosen.endNs - chosen.startNs > maxNs) {
      throw invalid(
        `metrics query time range exceeds the maximum allowed duration of ${limits.maxMetricsRangeMs / 3_600_000}h`,
      );
    }
    return chosen;
  };
  const parse = async (request: HttpRequest) => {
    const query = await request.form();
    const parsed = metricsQuery(query.get('q') ?? query.get('query') ?? '', parseOptions(request));
    const exemplars = wholeNumber(query, 'exemplars', limits.maxExemplars, 0, Number.MAX_SAFE_INTEGER);
    const warnings = parsed.warnings.map(({ message }) => message);
    return { query, parsed, warnings, exemplars: Math.min(exemplars, limits.maxExemplars) };
  };
  return [
    {
      methods: ['GET', 'POST'],
      path: '/api/metrics/query_range',
      handler: async (request) => {
        const { query, parsed, warnings, exemplars } = await parse(request);
        const range = rangeOf(query);
        const stepText = query.get('step') ?? '';
        const stepNs = stepText === '' ? defaultStepNs(range) : parseStep('step', stepText);
        const grid = rangeGrid(range.startNs, range.endNs, stepNs, limits.maxMetricsIntervals);
        const series = await runMetrics(
          parsed,
          source,
          { tenant: request.tenant, grid, exemplars },
          request.signal,
        );
        return json(rangeJson(series, grid, warnings));
      },
    },
    {
      methods: ['GET', 'POST'],
      path: '/api/metrics/query',
      handler: async (request) => {
        const { query, parsed, warnings } = await parse(request);
        const { startNs, endNs } = rangeOf(query);
        const grid = instantGrid(startNs, endNs);
        const series = await runMetrics(
          parsed,
          source,
          { tenant: request.tenant, grid, exemplars: 0 },
          request.signal,
        );
        return json(instantJson(series, warnings));
      },
    },
  ];
}
