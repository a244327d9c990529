/** series, labels, label values, metadata. */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import { InputError } from '../../model/errors.ts';
import type { MetricsSource, SeriesQuery } from '../../model/select-metrics.ts';
import { success } from './answer.ts';
import { labelsJson } from './json.ts';
import {
  limitParam,
  matcherSetsParam,
  timeRangeParams,
  unescapeLabelName,
  wholeNumberParam,
} from './params.ts';

const TRUNCATED = { warnings: ['results truncated due to limit'] };

export function lookupRoutes(source: MetricsSource): Route[] {
  const both = ['GET', 'POST'];
  return [
    { methods: both, path: '/api/v1/series', handler: (request) => series(source, request) },
    { methods: both, path: '/api/v1/labels', handler: (request) => labelNames(source, request) },
    {
      methods: ['GET'],
      path: '/api/v1/label/:name/values',
      handler: (request) => labelValues(source, request),
    },
    { methods: ['GET'], path: '/api/v1/metadata', handler: (request) => metadata(source, request) },
  ];
}

/** One more than the limit is asked for, to see whether something was left out. */
function seriesQuery(request: HttpRequest, form: URLSearchParams, limit: number): SeriesQuery {
  return {
    tenant: request.tenant,
    matcherSets: matcherSetsParam(form),
    ...timeRangeParams(form),
    ...(limit > 0 ? { limit: limit + 1 } : {}),
  };
}

async function series(source: MetricsSource, request: HttpRequest): Promise<HttpResponse> {
  const form = await request.form();
  if (!form.has('match[]')) throw new InputError('no match[] parameter provided');
  const limit = limitParam(form);
  const list = await source.series(seriesQuery(request, form, limit), request.signal);
  const isTruncated = limit > 0 && list.length > limit;
  const shown = isTruncated ? list.slice(0, limit) : list;
  return success(`[${shown.map(labelsJson).join(',')}]`, isTruncated ? TRUNCATED : {});
}

async function labelNames(source: MetricsSource, request: HttpRequest): Promise<HttpResponse> {
  const form = await request.form();
  const limit = limitParam(form);
  return names(await source.labelNames(seriesQuery(request, form, limit), request.signal), limit);
}

async function labelValues(source: MetricsSource, request: HttpRequest): Promise<HttpResponse> {
  const form = await request.form();
  const name = unescapeLabelName(request.pathParams.name ?? '');
  if (name === '') throw new InputError('invalid label name: ""');
  const limit = limitParam(form);
  return names(await source.labelValues(name, seriesQuery(request, form, limit), request.signal), limit);
}

function names(list: readonly string[], limit: number): HttpResponse {
  const isTruncated = limit > 0 && list.length > limit;
  return success(JSON.stringify(isTruncated ? list.slice(0, limit) : list), isTruncated ? TRUNCATED : {});
}

async function metadata(source: MetricsSource, request: HttpRequest): Promise<HttpResponse> {
  const form = await request.form();
  const limit = wholeNumberParam(form, 'limit');
  const limitPerMetric = wholeNumberParam(form, 'limit_per_metric');
  const metric = form.get('metric') ?? '';
  const list = await source.metadata(request.tenant, metric === '' ? undefined : metric);
  const families = new Map<string, { type: string; help: string; unit: string }[]>();
  for (const { family, type, help, unit } of list) {
    let entries = families.get(family);
    if (entries === undefined) {
      if (limit >= 0 && families.size >= limit) continue;
      families.set(family, (entries = []));
    }
    if (limitPerMetric > 0 && entries.length >= limitPerMetric) continue;
    entries.push({ type, help, unit });
  }
  return success(JSON.stringify(Object.fromEntries(families)));
}
