/** Tempo's HTTP API: routes and the shape of its errors (plain text). What is asked is done by query/traceql. */

import {
  type Dialect,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  type Route,
} from '../../http/handler.ts';
import { InputError, LimitError, OverloadedError } from '../../model/errors.ts';
import type { SpansSource } from '../../model/select-spans.ts';
import type { ParseOptions } from '../../query/traceql/parse.ts';
import { metricsRoutes } from './metrics.ts';
import { searchRoute } from './search.ts';
import { tagRoutes } from './tags.ts';
import { traceRoutes } from './traces.ts';

export interface TempoBuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildDate: string;
}

export interface TempoLimits {
  readonly defaultSearchLimit: number;
  readonly maxSearchLimit: number;
  readonly defaultSpansPerSpanset: number;
  readonly maxSpansPerSpanset: number;
  /** Longest range of a search, of a metrics query; 0 = any. */
  readonly maxSearchRangeMs: number;
  readonly maxMetricsRangeMs: number;
  readonly maxMetricsIntervals: number;
  readonly maxExemplars: number;
  readonly maxTags: number;
}

/** Tempo's defaults. */
export const DEFAULT_TEMPO_LIMITS: TempoLimits = {
  defaultSearchLimit: 20,
  maxSearchLimit: 262_144,
  defaultSpansPerSpanset: 3,
  maxSpansPerSpanset: 100,
  maxSearchRangeMs: 168 * 3_600_000,
  maxMetricsRangeMs: 24 * 3_600_000,
  maxMetricsIntervals: 10_000,
  maxExemplars: 100,
  maxTags: 10_000,
};

export interface TempoDeps {
  readonly source: SpansSource;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly buildInfo: TempoBuildInfo;
  readonly limits?: Partial<TempoLimits>;
  /** Whether queries and pushes work; for /ready. */
  readonly ready?: () => boolean | Promise<boolean>;
  /**
   * Attribute names without scope or dot (`service.name = "x"`): refused as Tempo does, or taken with a warning. A request
   * can ask for either with the parameter `bareNames`.
   */
  readonly bareNames?: 'accept' | 'refuse';
}

/** What the handlers share. */
export interface TempoContext {
  readonly source: SpansSource;
  readonly now: () => number;
  readonly limits: TempoLimits;
  readonly parseOptions: (request: HttpRequest) => ParseOptions;
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

/** A JSON answer. */
export function json(value: unknown): HttpResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** Where a mistake is, as line and column of the query's text. */
function place(query: string, position: number): string {
  const before = query.slice(0, position).split('\n');
  return `line ${before.length}, col ${(before.at(-1) ?? '').length + 1}`;
}

/** Says of a mistake in a query where it is and what would help. */
export function queryError(query: string, error: InputError): HttpError {
  const where = error.position === undefined ? '' : ` at ${place(query, error.position)}`;
  const hint = error.hint === undefined ? '' : ` (${error.hint})`;
  return new HttpError(400, `invalid TraceQL query: ${error.message}${where}${hint}`, { cause: error });
}

function onError(error: unknown): HttpResponse {
  if (error instanceof HttpError)
    return { status: error.status, headers: { ...TEXT, ...error.headers }, body: error.message };
  if (error instanceof InputError) return { status: 400, headers: TEXT, body: error.message };
  if (error instanceof LimitError)
    return { status: 422, headers: TEXT, body: `${error.message} (${error.limit})` };
  if (error instanceof OverloadedError) {
    const seconds = String(Math.max(1, Math.ceil(error.retryAfterMs / 1000)));
    return { status: 429, headers: { ...TEXT, 'retry-after': seconds }, body: error.message };
  }
  return { status: 500, headers: TEXT, body: 'internal error' };
}

/** Tempo's API over a source of spans. */
export function tempoDialect(deps: TempoDeps): Dialect {
  const context: TempoContext = {
    source: deps.source,
    now: deps.now,
    limits: { ...DEFAULT_TEMPO_LIMITS, ...deps.limits },
    parseOptions: (request) => {
      const asked = request.query.get('bareNames');
      const bareNames = asked === 'accept' || asked === 'refuse' ? asked : deps.bareNames;
      return bareNames === undefined ? {} : { bareNames };
    },
  };
  const text = (path: string, body: () => string): Route => ({
    methods: ['GET'],
    path,
    handler: () => ({ status: 200, headers: TEXT, body: body() }),
  });
  const { version, revision, branch, buildDate } = deps.buildInfo;
  const routes: Route[] = [
    ...traceRoutes(context),
    searchRoute(context),
    ...tagRoutes(context),
    ...metricsRoutes(context),
    text('/api/echo', () => 'echo'),
    text(
      '/status/version',
      () =>
        `trivium, version ${version} (branch: ${branch}, revision: ${revision})\n  build date: ${buildDate}\n`,
    ),
    {
      methods: ['GET'],
      path: '/api/status/buildinfo',
      handler: () => json({ version, revision, branch, buildUser: '', buildDate, goVersion: '' }),
    },
    {
      methods: ['GET'],
      path: '/ready',
      handler: async () => {
        const ready = (await deps.ready?.()) ?? true;
        return { status: ready ? 200 : 503, headers: TEXT, body: ready ? 'ready' : 'not ready' };
      },
    },
  ];
  return { name: 'tempo', routes, onError };
}
