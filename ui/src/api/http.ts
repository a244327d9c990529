// Fetching JSON from Trivium's public APIs: same origin, abortable, every failure an ApiError that
// carries the dialect's own message. Knows no endpoint.

export type ApiErrorKind = 'query' | 'limit' | 'unavailable' | 'not-found' | 'network' | 'server' | 'shape';

/** What a failed request says. `message` is the server's own text where it sent one. */
export class ApiError extends Error {
  readonly status: number;
  readonly kind: ApiErrorKind;
  /** What the user might do about it. */
  readonly hint: string | undefined;

  constructor(message: string, status: number, kind: ApiErrorKind, hint?: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.kind = kind;
    this.hint = hint;
  }
}

export interface RequestOptions {
  signal?: AbortSignal | undefined;
}

export type Params = Readonly<Record<string, string | number | readonly string[] | undefined>>;

export function toSearchParams(params: Params): URLSearchParams {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue;
    if (typeof value === 'object') for (const one of value) search.append(name, one);
    else search.set(name, String(value));
  }
  return search;
}

function kindOf(status: number): ApiErrorKind {
  if (status === 404) return 'not-found';
  if (status === 429 || status === 413) return 'limit';
  if (status === 502 || status === 503 || status === 504) return 'unavailable';
  if (status >= 400 && status < 500) return 'query';
  return 'server';
}

function hintOf(status: number): string | undefined {
  if (status === 429) return 'Trivium is at a limit of queries at the same time. Try again in a moment.';
  if (status === 503) return 'Trivium is starting or its storage does not answer.';
  return undefined;
}

/** The message in an error's body: Prometheus' and Loki's JSON, Tempo's and Loki's plain text. Pure. */
export function errorMessage(body: string, status: number): string {
  const text = body.trim();
  if (text.startsWith('{')) {
    try {
      const parsed = JSON.parse(text) as Record<string, unknown>;
      for (const name of ['error', 'message', 'msg']) {
        const value = parsed[name];
        if (typeof value === 'string' && value !== '') return value;
      }
    } catch {
      // not JSON after all
    }
  }
  if (text === '' || /^<(!doctype|html)/i.test(text)) return `The server answered with status ${status}.`;
  return text.length > 4000 ? `${text.slice(0, 4000)} …` : text;
}

/** Whether an error only says that the request was cancelled. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** Any thrown value as an ApiError. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  return new ApiError(error instanceof Error ? error.message : String(error), 0, 'shape');
}

async function send(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (isAbort(error) || init.signal?.aborted) throw new DOMException('aborted', 'AbortError');
    throw new ApiError('No connection to Trivium.', 0, 'network', 'Is the server still running?');
  }
  const body = await response.text();
  if (!response.ok) {
    throw new ApiError(
      errorMessage(body, response.status),
      response.status,
      kindOf(response.status),
      hintOf(response.status),
    );
  }
  if (body === '') return null;
  try {
    return JSON.parse(body);
  } catch {
    const what = response.headers.get('content-type') ?? 'no content type';
    throw new ApiError(`The answer of ${url.split('?')[0]} is not JSON (${what}).`, response.status, 'shape');
  }
}

/** Above this length, parameters go into a form body where the API takes one (servers limit URLs). */
const maxUrlLength = 4000;

/** GET; with `form`, long parameters go as a POST form, which Prometheus and Loki take alike. */
export async function getJson(
  path: string,
  params: Params = {},
  options: RequestOptions & { headers?: Record<string, string>; form?: boolean } = {},
): Promise<unknown> {
  const search = toSearchParams(params).toString();
  const init: RequestInit = { headers: { accept: 'application/json', ...options.headers } };
  if (options.signal) init.signal = options.signal;
  if (options.form && search.length > maxUrlLength) {
    return send(path, { ...init, method: 'POST', body: new URLSearchParams(search) });
  }
  return send(search ? `${path}?${search}` : path, init);
}

export async function postJson(path: string, body: unknown, options: RequestOptions = {}): Promise<unknown> {
  const init: RequestInit = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify(body),
  };
  if (options.signal) init.signal = options.signal;
  return send(path, init);
}
