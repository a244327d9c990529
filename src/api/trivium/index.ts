/** Trivium's own API on the `http` listener: health, own metrics, status, the demo's faults, and the UI's files. */

import { type Dialect, HttpError, type HttpRequest, type HttpResponse } from '../../http/handler.ts';
import { InputError, LimitError, OverloadedError } from '../../model/errors.ts';
import { staticFiles } from './static-files.ts';

/** `GET /api/status`. Times are milliseconds since 1970; what is not known is absent. */
export interface Status {
  readonly build: { readonly version: string; readonly node: string; readonly startedMs: number };
  readonly listeners: readonly { readonly name: string; readonly address: string; readonly speaks: string }[];
  readonly signals: Readonly<
    Record<
      string,
      {
        readonly accepted: number;
        readonly refused: number;
        readonly ratePerSecond: number;
        readonly lastMs?: number;
      }
    >
  >;
  readonly engine: {
    readonly version: string;
    readonly mode: 'embedded' | 'external';
    readonly uptimeMs?: number;
    readonly memoryBytes?: number;
    readonly diskBytes?: number;
    readonly parts?: number;
    readonly restarts?: number;
    readonly problem?: string;
  };
  readonly limits: readonly {
    readonly name: string;
    readonly value: string | number;
    readonly description: string;
  }[];
  readonly process: { readonly memoryBytes: number };
}

export interface TriviumApiDeps {
  /** Folder of the built UI. */
  readonly uiDir: string;
  /** Undefined when queries and pushes work; otherwise why not. */
  readonly notReady: () => Promise<string | undefined>;
  readonly status: () => Promise<Status>;
  /** Own metrics in Prometheus's text format, with their content type. */
  readonly metrics: () => Promise<{ contentType: string; text: string }>;
  /** The demo's control address, while the demo runs. */
  readonly demoUrl: () => string | undefined;
}

/** Routes below `/`. Mounted last: everything that no API takes is the UI's. */
export function triviumDialect(deps: TriviumApiDeps): Dialect {
  const files = staticFiles(deps.uiDir);
  const unknownApi = (request: HttpRequest): HttpResponse => {
    throw new HttpError(404, `unknown path ${request.path}`);
  };
  return {
    name: 'trivium',
    routes: [
      { methods: ['GET'], path: '/healthz', handler: () => text(200, 'ok\n') },
      {
        methods: ['GET'],
        path: '/ready',
        handler: async () => {
          const reason = await deps.notReady();
          return reason === undefined ? text(200, 'ready\n') : text(503, `${reason}\n`);
        },
      },
      {
        methods: ['GET'],
        path: '/metrics',
        handler: async () => {
          const { contentType, text: body } = await deps.metrics();
          return { status: 200, headers: { 'content-type': contentType }, body };
        },
      },
      { methods: ['GET'], path: '/api/status', handler: async () => json(200, await deps.status()) },
      {
        methods: ['GET'],
        path: '/api/demo/faults',
        handler: (request) => forwardToDemo(deps.demoUrl(), '/faults', request),
      },
      {
        methods: ['POST'],
        path: '/api/demo/faults/:id',
        handler: (request) =>
          forwardToDemo(
            deps.demoUrl(),
            `/faults/${encodeURIComponent(request.pathParams.id ?? '')}`,
            request,
          ),
      },
      { methods: ['GET', 'POST', 'PUT', 'DELETE'], path: '/api/*', handler: unknownApi },
      { methods: ['GET'], path: '/*', handler: files },
    ],
    onError: (error) => {
      const message = error instanceof Error ? error.message : 'internal error';
      if (error instanceof HttpError) return json(error.status, { error: message }, error.headers);
      if (error instanceof InputError || error instanceof LimitError) return json(400, { error: message });
      if (error instanceof OverloadedError) return json(503, { error: message });
      return json(500, { error: message });
    },
  };
}

async function forwardToDemo(
  demoUrl: string | undefined,
  path: string,
  request: HttpRequest,
): Promise<HttpResponse> {
  if (demoUrl === undefined)
    throw new HttpError(404, 'the demo is not running; start it with "trivium demo"');
  if (request.method === 'POST' && !(request.headers['content-type'] ?? '').startsWith('application/json')) {
    // A foreign page cannot send this type without asking first, so it cannot switch faults.
    throw new HttpError(415, 'send application/json');
  }
  const answer = await fetch(demoUrl + path, {
    method: request.method,
    signal: request.signal,
    ...(request.method === 'POST'
      ? { headers: { 'content-type': 'application/json' }, body: new Uint8Array(await request.body()) }
      : {}),
  });
  return {
    status: answer.status,
    headers: { 'content-type': answer.headers.get('content-type') ?? 'application/json' },
    body: await answer.text(),
  };
}

function text(status: number, body: string): HttpResponse {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}
