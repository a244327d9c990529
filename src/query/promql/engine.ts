/** The PromQL engine: parse -> check -> plan -> read -> evaluate. Pure: clock and source are given. */

import { InputError } from '../../model/errors.ts';
import { Labels } from '../../model/labels.ts';
import type { MetricsSource, RawSeries } from '../../model/select-metrics.ts';
import { quote } from '../syntax/strings.ts';
import { assertDistinct, dropEmpty, type Grid, type StepSeries, withoutName } from '../vector/series.ts';
import { Annotations } from './annotations.ts';
import { type Expr, typeOf } from './ast.ts';
import { Budget } from './budget.ts';
import { documentedType } from './check.ts';
import { type EvaluationContext, evaluate, evaluateMatrix, type Fetched } from './evaluate.ts';
import { compareLabels } from './functions/labels.ts';
import { DEFAULT_LOOKBACK_MS, DEFAULT_SUBQUERY_STEP_MS, type EngineOptions } from './options.ts';
import { parseExpr } from './parser.ts';
import { type Fetch, planQuery } from './plan.ts';
import { markedSamples, type Samples } from './samples.ts';

export interface QueryRequest {
  readonly tenant: string;
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Absent: an instant query at startMs. */
  readonly stepMs?: number;
  readonly lookbackMs?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface QueryStats {
  readonly samplesRead: number;
  readonly peakSamples: number;
  readonly seriesRead: number;
  /** Time until all samples were there, and until the result was. */
  readonly readMs: number;
  readonly totalMs: number;
}

/** Vectors and matrices on a grid of steps; a range vector as samples; scalars and strings of instant queries. */
export type QueryData =
  | { readonly type: 'vector'; readonly timeMs: number; readonly series: readonly StepSeries[] }
  | { readonly type: 'matrix'; readonly grid: Grid; readonly series: readonly StepSeries[] }
  | { readonly type: 'samples'; readonly series: readonly Samples[] }
  | { readonly type: 'scalar'; readonly timeMs: number; readonly value: number }
  | { readonly type: 'string'; readonly timeMs: number; readonly value: string };

export interface QueryResult {
  readonly data: QueryData;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly stats: QueryStats;
}

export class PromqlEngine {
  readonly #source: MetricsSource;
  readonly options: EngineOptions;

  constructor(source: MetricsSource, options: EngineOptions = {}) {
    this.#source = source;
    this.options = options;
  }

  /** Parses with the engine's feature flags. Throws InputError. */
  parse(query: string): Expr {
    return parseExpr(query, this.options);
  }

  /**
   * Evaluates a query. Throws InputError (wrong query), EvaluationError (cannot be evaluated on these data),
   * LimitError, QueryTimeoutError, QueryCanceledError, or what the source throws.
   */
  async query(request: QueryRequest): Promise<QueryResult> {
    const expr = this.parse(request.query);
    const type = typeOf(expr);
    const { stepMs } = request;
    if (stepMs !== undefined && type !== 'scalar' && type !== 'vector') {
      throw new InputError(
        `invalid expression type ${quote(documentedType(type))} for range query, must be Scalar or instant Vector`,
      );
    }
    const grid: Grid = {
      startMs: request.startMs,
      stepMs: stepMs ?? 1,
      points: stepMs === undefined ? 1 : Math.floor((request.endMs - request.startMs) / stepMs) + 1,
    };
    const lookbackMs = request.lookbackMs ?? this.options.lookbackMs ?? DEFAULT_LOOKBACK_MS;
    const plan = planQuery(expr, grid, {
      lookbackMs,
      subqueryStepMs: this.options.subqueryStepMs ?? DEFAULT_SUBQUERY_STEP_MS,
      hints: this.options.hints ?? true,
    });
    const budget = new Budget(this.options, request.signal, request.timeoutMs);
    const annotations = new Annotations(request.query);
    const fetched = await this.#read(plan.fetches, request, budget);
    const readMs = budget.elapsedMs;
    const context: EvaluationContext = {
      fetched,
      annotations,
      budget,
      lookbackMs,
      delayNameRemoval: this.options.delayNameRemoval ?? false,
    };
    let data: QueryData;
    if (plan.root.kind === 'matrix') {
      const series = await evaluateMatrix(plan.root, context);
      data = { type: 'samples', series: series.sort((a, b) => compareLabels(a.labels, b.labels)) };
    } else {
      const value = await evaluate(plan.root, context);
      if (value.type === 'string') data = { type: 'string', timeMs: grid.startMs, value: value.text };
      else if (value.type === 'scalar') data = scalarData(value.values, grid, stepMs === undefined);
      else {
        let series = dropEmpty(value.series);
        if (context.delayNameRemoval) {
          series = series.map((one) => (one.dropName ? { ...one, labels: withoutName(one.labels) } : one));
        }
        assertDistinct(series);
        data =
          stepMs === undefined
            ? { type: 'vector', timeMs: grid.startMs, series }
            : { type: 'matrix', grid, series: [...series].sort((a, b) => compareLabels(a.labels, b.labels)) };
      }
    }
    return {
      data,
      warnings: annotations.warnings,
      infos: annotations.infos,
      stats: {
        samplesRead: budget.samplesRead,
        peakSamples: budget.peakSamples,
        seriesRead: fetched.reduce((sum, one) => sum + one.series.length, 0),
        readMs,
        totalMs: budget.elapsedMs,
      },
    };
  }

  async #read(fetches: readonly Fetch[], request: QueryRequest, budget: Budget): Promise<Fetched[]> {
    budget.check('query execution');
    // A failed read stops the others.
    const stop = new AbortController();
    const signals = [stop.signal];
    if (request.signal !== undefined) signals.push(request.signal);
    const signal = AbortSignal.any(signals);
    try {
      return await Promise.all(
        fetches.map(async (fetch): Promise<Fetched> => {
          const result = await this.#source.select(
            {
              tenant: request.tenant,
              matchers: fetch.matchers,
              startMs: fetch.startMs,
              endMs: fetch.endMs,
              maxSamples: budget.maxSamples,
              ...(fetch.grid === undefined ? {} : { grid: fetch.grid }),
            },
            signal,
          );
          if (result.kind === 'grid') return result;
          let samples = 0;
          for (const series of result.series)
            samples += series.timestampsMs.length + series.histograms.length;
          budget.countRead(samples);
          return { kind: 'samples', series: result.series.map((series: RawSeries) => markedSamples(series)) };
        }),
      );
    } catch (error) {
      stop.abort();
      budget.check('query execution');
      throw error;
    }
  }
}

function scalarData(values: Float64Array, grid: Grid, isInstant: boolean): QueryData {
  if (isInstant) return { type: 'scalar', timeMs: grid.startMs, value: values[0] as number };
  const series: StepSeries = {
    labels: Labels.EMPTY,
    kinds: new Uint8Array(values.length).fill(1),
    values,
  };
  return { type: 'matrix', grid, series: [series] };
}
