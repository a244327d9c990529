/** Pushgateway's HTTP API: push, delete, the page of all groups, the query API and health. */

import { readPushedPage } from '../../collector/pushgateway/page.ts';
import type { Pushgateway } from '../../collector/pushgateway/pushgateway.ts';
import {
  type Dialect,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  type Route,
} from '../../http/handler.ts';
import { InputError, LimitError, OverloadedError } from '../../model/errors.ts';
import type { ExpositionFormat } from '../../wire/exposition/content-type.ts';
import { readGrouping } from './grouping.ts';
import { groupsJson } from './json.ts';
import { groupsText } from './text.ts';

export interface PushgatewayDeps {
  readonly gateway: Pushgateway;
  /** Present time in milliseconds. */
  readonly now: () => number;
  readonly startedMs: number;
  readonly buildInfo: Readonly<Record<string, string>>;
  readonly flags: Readonly<Record<string, string>>;
  readonly ready: () => Promise<boolean>;
  /** Whether all groups may be wiped by one request. */
  readonly adminApi: boolean;
}

const JSON_HEADERS = { 'content-type': 'application/json' };
const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const FORMATS: Readonly<Record<string, ExpositionFormat>> = {
  'application/vnd.google.protobuf': 'protobuf',
  'application/openmetrics-text': 'openmetrics',
};

export function pushgatewayDialect(deps: PushgatewayDeps): Dialect {
  const { gateway } = deps;
  const push = async (request: HttpRequest, replace: boolean): Promise<HttpResponse> => {
    const labels = readGrouping(request.pathParams['*'] ?? '');
    const media = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
    // Any other type is taken for text, as by Pushgateway: curl says it sends a form.
    const format = FORMATS[media] ?? 'text';
    const page = await readPushedPage(await request.body(), format, labels, deps.now());
    await gateway.push(request.tenant, labels, page, replace);
    return { status: 200 };
  };
  const routes: Route[] = [
    { methods: ['PUT'], path: '/metrics/*', handler: (request) => push(request, true) },
    { methods: ['POST'], path: '/metrics/*', handler: (request) => push(request, false) },
    {
      methods: ['DELETE'],
      path: '/metrics/*',
      handler: async (request) => {
        await gateway.delete(request.tenant, readGrouping(request.pathParams['*'] ?? ''));
        return { status: 202 };
      },
    },
    {
      methods: ['GET'],
      path: '/metrics',
      handler: async (request) => ({
        status: 200,
        headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
        body: groupsText(await gateway.groups(request.tenant)),
      }),
    },
    {
      methods: ['GET'],
      path: '/api/v1/metrics',
      handler: async (request) => success(groupsJson(await gateway.groups(request.tenant))),
    },
    {
      methods: ['GET'],
      path: '/api/v1/status',
      handler: () =>
        success({
          build_information: deps.buildInfo,
          flags: deps.flags,
          start_time: new Date(deps.startedMs).toISOString(),
        }),
    },
    { methods: ['GET'], path: '/-/healthy', handler: () => ({ status: 200, headers: TEXT, body: 'OK' }) },
    {
      methods: ['GET'],
      path: '/-/ready',
      handler: async () =>
        (await deps.ready())
          ? { status: 200, headers: TEXT, body: 'OK' }
          : { status: 503, headers: TEXT, body: 'storage does not answer' },
    },
  ];
  if (deps.adminApi) {
    routes.push({
      methods: ['PUT'],
      path: '/api/v1/admin/wipe',
      handler: async (request) => {
        await gateway.wipe(request.tenant);
        return { status: 202 };
      },
    });
  }
  return { name: 'pushgateway', routes, onError: failure };
}

function success(data: object): HttpResponse {
  return { status: 200, headers: JSON_HEADERS, body: JSON.stringify({ status: 'success', data }) };
}

/** Plain text, as Pushgateway answers errors. */
function failure(error: unknown): HttpResponse {
  const answer = (status: number, message: string, headers: Readonly<Record<string, string>> = {}) => ({
    status,
    headers: { ...TEXT, ...headers },
    body: `${message}\n`,
  });
  if (error instanceof HttpError) return answer(error.status, error.message, error.headers);
  if (error instanceof InputError)
    return answer(400, error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
  if (error instanceof LimitError) return answer(413, `${error.message} (${error.limit})`);
  const message = error instanceof Error ? error.message : String(error);
  // Storage marks its errors; all else is a bug.
  const transient = error instanceof Error && 'kind' in error && error.kind === 'transient';
  if (!(error instanceof OverloadedError) && !transient) return answer(500, message);
  const retryMs = error instanceof OverloadedError ? error.retryAfterMs : 1000;
  return answer(503, message, { 'retry-after': String(Math.max(1, Math.ceil(retryMs / 1000))) });
}
