/** Loki's HTTP API: routes and the shape of its errors (plain text). What is asked is done by query/logql. */

import { type Dialect, HttpError, type HttpResponse } from '../../http/handler.ts';
import { InputError, LimitError, OverloadedError } from '../../model/errors.ts';
import { LogQLEngine } from '../../query/logql/engine.ts';
import { PipelineError } from '../../query/logql/errors.ts';
import { EvaluationError } from '../../query/vector/evaluation-error.ts';
import { DEFAULT_LOKI_LIMITS, type LokiContext, type LokiDeps } from './context.ts';
import { detectedRoutes } from './detected.ts';
import { lookupRoutes } from './lookups.ts';
import { patternRoutes } from './patterns.ts';
import { queryRoutes } from './query.ts';
import { statusRoutes } from './status.ts';
import { tailRoute } from './tail.ts';
import { volumeRoutes } from './volume.ts';

export {
  DEFAULT_LOKI_LIMITS,
  type LiveLogs,
  type LokiBuildInfo,
  type LokiDeps,
  type LokiLimits,
  type LokiRules,
} from './context.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
/** What Loki answers when the client has gone. */
const CLIENT_CLOSED = 499;

/** The dialect. Push is a receiver's business: its routes are added by the caller. */
export function lokiDialect(deps: LokiDeps): Dialect {
  const limits = { ...DEFAULT_LOKI_LIMITS, ...deps.limits };
  const context: LokiContext = {
    source: deps.source,
    engine: new LogQLEngine(deps.source, {
      useHints: deps.useHints ?? true,
      maxSeries: limits.maxSeries === 0 ? Number.POSITIVE_INFINITY : limits.maxSeries,
    }),
    now: deps.now,
    limits,
    deps,
  };
  return {
    name: 'loki',
    routes: [
      ...queryRoutes(context),
      ...lookupRoutes(context),
      ...volumeRoutes(context),
      ...detectedRoutes(context),
      ...patternRoutes(context),
      ...statusRoutes(context),
    ],
    webSockets: [tailRoute(context)],
    onError: answerError,
  };
}

function answerError(error: unknown): HttpResponse {
  const text = (
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ): HttpResponse => ({
    status,
    headers: { ...TEXT, ...headers },
    body: `${message}\n`,
  });
  if (error instanceof HttpError) return text(error.status, error.message, error.headers);
  if (error instanceof InputError) {
    return text(400, error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
  }
  if (error instanceof LimitError || error instanceof PipelineError || error instanceof EvaluationError) {
    return text(400, error.message);
  }
  if (error instanceof OverloadedError) {
    return text(503, error.message, { 'retry-after': String(Math.ceil(error.retryAfterMs / 1000)) });
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return text(CLIENT_CLOSED, 'The request was cancelled by the client.');
  }
  return text(500, error instanceof Error ? error.message : String(error));
}
