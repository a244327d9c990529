/** Answers and errors in the envelope of Prometheus's API. */

import { HttpError, type HttpResponse } from '../../http/handler.ts';
import { InputError, LimitError, OverloadedError } from '../../model/errors.ts';
import { QueryCanceledError, QueryTimeoutError } from '../../query/promql/index.ts';
import { EvaluationError } from '../../query/vector/evaluation-error.ts';

const HEADERS = { 'content-type': 'application/json' };

/** Annotations shown per answer and sort, as Prometheus limits them. */
const MAX_ANNOTATIONS = 10;

/** `data` must be JSON text. */
export function success(data: string, notes: Notes = {}): HttpResponse {
  return { status: 200, headers: HEADERS, body: `{"status":"success","data":${data}${notesJson(notes)}}\n` };
}

/** An answer whose data are written while they are sent. `data` leaves its object open for `tail`. */
export function streamed(data: Iterable<string>, tail: string, notes: Notes): HttpResponse {
  const pieces: string[] = [];
  const iterator = data[Symbol.iterator]();
  // Small answers go out in one piece.
  for (;;) {
    const next = iterator.next();
    if (next.done) {
      return {
        status: 200,
        headers: HEADERS,
        body: `{"status":"success","data":${pieces.join('')}${tail}${notesJson(notes)}}\n`,
      };
    }
    pieces.push(next.value);
    if (pieces.length >= 8) break;
  }
  async function* body(): AsyncGenerator<string> {
    yield `{"status":"success","data":${pieces.join('')}`;
    for (;;) {
      const next = iterator.next();
      if (next.done) break;
      yield next.value;
    }
    yield `${tail}${notesJson(notes)}}\n`;
  }
  return { status: 200, headers: HEADERS, body: body() };
}

export interface Notes {
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

function notesJson(notes: Notes): string {
  let out = '';
  for (const [name, sort] of [
    ['warnings', 'warning'],
    ['infos', 'info'],
  ] as const) {
    const list = notes[name];
    if (list === undefined || list.length === 0) continue;
    const shown = list.slice(0, MAX_ANNOTATIONS);
    if (list.length > MAX_ANNOTATIONS) {
      shown.push(`${list.length - MAX_ANNOTATIONS} more ${sort} annotations omitted`);
    }
    out += `,${JSON.stringify(name)}:${JSON.stringify(shown)}`;
  }
  return out;
}

/** Every failure in the dialect's shape: status, errorType and text. */
export function failure(error: unknown): HttpResponse {
  if (error instanceof InputError) {
    return errorAnswer(
      400,
      'bad_data',
      error.hint === undefined ? error.message : `${error.message} (${error.hint})`,
    );
  }
  if (error instanceof EvaluationError || error instanceof LimitError)
    return errorAnswer(422, 'execution', error.message);
  if (error instanceof QueryTimeoutError) return errorAnswer(503, 'timeout', error.message);
  if (error instanceof QueryCanceledError) return errorAnswer(499, 'canceled', error.message);
  if (error instanceof OverloadedError) {
    return errorAnswer(503, 'unavailable', error.message, {
      'retry-after': String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))),
    });
  }
  if (error instanceof HttpError) {
    const type =
      error.status === 404
        ? 'not_found'
        : error.status === 406
          ? 'not_acceptable'
          : error.status === 503
            ? 'unavailable'
            : error.status >= 500
              ? 'internal'
              : 'bad_data';
    return errorAnswer(error.status, type, error.message, error.headers);
  }
  return errorAnswer(500, 'internal', error instanceof Error ? error.message : String(error));
}

function errorAnswer(
  status: number,
  errorType: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: { ...HEADERS, ...headers },
    body: `${JSON.stringify({ status: 'error', errorType, error: message })}\n`,
  };
}
