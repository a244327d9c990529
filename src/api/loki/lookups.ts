/** Labels, label values, series. */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import type { StreamQuery } from '../../model/select-logs.ts';
import type { LokiContext } from './context.ts';
import { success } from './json.ts';
import { parseBounds, parseSelectorText } from './params.ts';

export function lookupRoutes(context: LokiContext): Route[] {
  const methods = ['GET', 'POST'];
  return [
    { methods, path: '/loki/api/v1/labels', handler: (request) => labels(context, request) },
    { methods, path: '/loki/api/v1/label', handler: (request) => labels(context, request) },
    { methods, path: '/loki/api/v1/label/:name/values', handler: (request) => values(context, request) },
    { methods, path: '/loki/api/v1/series', handler: (request) => series(context, request) },
  ];
}

async function streamQuery(context: LokiContext, request: HttpRequest): Promise<StreamQuery> {
  const params = await request.form();
  const bounds = parseBounds(params, context.now());
  const matchers = parseSelectorText(params.get('query'));
  return { tenant: request.tenant, matcherSets: matchers.length === 0 ? [] : [matchers], ...bounds };
}

async function labels(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  return success(await context.source.labelNames(await streamQuery(context, request), request.signal));
}

async function values(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const query = await streamQuery(context, request);
  const name = request.pathParams.name as string;
  return success(await context.source.labelValues(name, query, request.signal));
}

async function series(context: LokiContext, request: HttpRequest): Promise<HttpResponse> {
  const params = await request.form();
  const bounds = parseBounds(params, context.now());
  const texts = [...params.getAll('match[]'), ...params.getAll('match')];
  const sets = texts.map((text) => parseSelectorText(text));
  // One set without matchers is everything, and so are none.
  const matcherSets = sets.some((set) => set.length === 0) ? [] : sets;
  const streams = await context.source.streams(
    { tenant: request.tenant, matcherSets, ...bounds },
    request.signal,
  );
  return success(streams.map((stream) => stream.toRecord()));
}
