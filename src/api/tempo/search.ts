/** /api/search: by a TraceQL query, or by tags and durations as before TraceQL. */

import type { Route } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import type { TraceQuery } from '../../query/traceql/ast.ts';
import { type LegacyQuery, parseTags, searchLegacy } from '../../query/traceql/legacy.ts';
import { type ParseOptions, parseQuery } from '../../query/traceql/parse.ts';
import { parseDuration } from '../../query/traceql/scanner.ts';
import { type SearchOptions, searchTraces } from '../../query/traceql/search.ts';
import { json, queryError, type TempoContext } from './index.ts';
import { searchJson } from './json.ts';
import { invalid, optionalRange, sinceRange, wholeNumber } from './params.ts';

const NS_PER_MS = 1_000_000n;
/** A day ahead of the clock: spans whose sender's clock is fast are found, too. */
const AHEAD_MS = 86_400_000;

function duration(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  const value = parseDuration(text);
  if (value === undefined) throw invalid(`invalid ${name}: "${text}" is no duration`);
  return value;
}

function legacyQuery(query: URLSearchParams): LegacyQuery {
  const minDurationNs = duration(query, 'minDuration');
  const maxDurationNs = duration(query, 'maxDuration');
  if (minDurationNs !== undefined && maxDurationNs !== undefined && maxDurationNs <= minDurationNs) {
    throw invalid('invalid maxDuration: must be greater than minDuration');
  }
  return { tags: parseTags(query.get('tags') ?? ''), minDurationNs, maxDurationNs };
}

function searchQuery(text: string, options: ParseOptions): TraceQuery {
  try {
    const query = parseQuery(text, options);
    if (query.kind === 'search') return query;
  } catch (error) {
    if (error instanceof InputError) throw queryError(text, error);
    throw error;
  }
  throw invalid('invalid TraceQL query: a metrics query is asked at /api/metrics/query_range');
}

export function searchRoute({ source, limits, now, parseOptions }: TempoContext): Route {
  return {
    methods: ['GET', 'POST'],
    path: '/api/search',
    handler: async (request) => {
      const query = await request.form();
      const text = (query.get('q') ?? '').trim();
      const legacy = ['tags', 'minDuration', 'maxDuration'].some((name) => (query.get(name) ?? '') !== '');
      if (text !== '' && (query.get('tags') ?? '') !== '') {
        throw invalid("invalid request: can't specify tags and q in the same query");
      }
      const range = optionalRange(query) ??
        sinceRange(query, now()) ?? { startNs: 0n, endNs: BigInt(Math.floor(now()) + AHEAD_MS) * NS_PER_MS };
      const maxRangeNs = BigInt(limits.maxSearchRangeMs) * NS_PER_MS;
      if (query.has('start') && maxRangeNs > 0n && range.endNs - range.startNs > maxRangeNs) {
        throw invalid(`range specified by start and end exceeds ${limits.maxSearchRangeMs / 3_600_000}h`);
      }
      const options: SearchOptions = {
        tenant: request.tenant,
        ...range,
        limit: wholeNumber(query, 'limit', limits.defaultSearchLimit, 1, limits.maxSearchLimit),
        spansPerSpanset: wholeNumber(
          query,
          'spss',
          limits.defaultSpansPerSpanset,
          0,
          limits.maxSpansPerSpanset,
        ),
      };
      if (text === '' && legacy) {
        return json(searchJson(await searchLegacy(legacyQuery(query), source, options, request.signal), []));
      }
      const parsed = searchQuery(text === '' ? '{}' : text, parseOptions(request));
      const result = await searchTraces(parsed, source, options, request.signal);
      return json(
        searchJson(
          result,
          parsed.warnings.map(({ message }) => message),
        ),
      );
    },
  };
}
