/** Requests for handlers without a socket. */

import type { HttpRequest, HttpResponse, Route } from '../../src/http/handler.ts';
import { HttpError } from '../../src/http/handler.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly text: string;
}

/** Posts a body to the route with this path, as a listener would. */
export async function post(
  routes: readonly Route[],
  path: string,
  body: Uint8Array | string | HttpError,
  headers: Record<string, string> = {},
  tenant = 'anonymous',
): Promise<Answer> {
  const route = routes.find((one) => one.path === path);
  if (route === undefined) throw new Error(`no route ${path}`);
  const request: HttpRequest = {
    method: 'POST',
    path,
    pathParams: {},
    query: new URLSearchParams(),
    headers,
    tenant,
    signal: new AbortController().signal,
    remoteAddress: '127.0.0.1',
    body: async () => {
      if (body instanceof HttpError) throw body;
      return typeof body === 'string' ? Buffer.from(body) : body;
    },
    form: async () => new URLSearchParams(),
  };
  const response: HttpResponse = await route.handler(request);
  const bytes = Buffer.from((response.body ?? '') as string | Uint8Array);
  return { status: response.status, headers: response.headers ?? {}, bytes, text: bytes.toString() };
}
