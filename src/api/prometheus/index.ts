/** The Prometheus HTTP API: queries, look-ups, exemplars and status. Reads from a MetricsSource; writes nothing. */

import type { Dialect } from '../../http/handler.ts';
import type { InferExemplars } from '../../model/infer-exemplars.ts';
import type { MetricsSource } from '../../model/select-metrics.ts';
import { type EngineOptions, PromqlEngine } from '../../query/promql/index.ts';
import { failure } from './answer.ts';
import { exemplarRoutes } from './exemplars.ts';
import { lookupRoutes } from './lookups.ts';
import { queryRoutes } from './query.ts';
import { type BuildInfo, statusRoutes } from './status.ts';

export type { BuildInfo } from './status.ts';

export interface PrometheusDeps {
  readonly source: MetricsSource;
  /** Wall clock in milliseconds since the epoch. */
  readonly now: () => number;
  readonly buildInfo: BuildInfo;
  /** When the server started, in milliseconds since the epoch. */
  readonly startedMs?: number;
  /** Limits, feature flags and look-back. `now` of the engine defaults to the wall clock. */
  readonly engine?: EngineOptions;
  /** Finds spans for histograms without exemplars. */
  readonly inferExemplars?: InferExemplars;
  readonly retention?: string;
  readonly configYaml?: () => string;
  readonly flags?: Readonly<Record<string, string>>;
  readonly isReady?: () => boolean;
}

/** All routes below `/api/v1` of Prometheus that read, and `/-/healthy`, `/-/ready`. */
export function prometheusDialect(deps: PrometheusDeps): Dialect {
  const engine = new PromqlEngine(deps.source, { now: deps.now, ...deps.engine });
  return {
    name: 'prometheus',
    routes: [
      ...queryRoutes({ engine, now: deps.now }),
      ...lookupRoutes(deps.source),
      ...exemplarRoutes({ engine, source: deps.source, inferExemplars: deps.inferExemplars }),
      ...statusRoutes({
        buildInfo: deps.buildInfo,
        startedMs: deps.startedMs ?? deps.now(),
        now: deps.now,
        retention: deps.retention,
        configYaml: deps.configYaml,
        flags: deps.flags,
        isReady: deps.isReady,
      }),
    ],
    onError: (error) => failure(error),
  };
}
