/** How a failed push is answered: what kind of failure it was, whether to retry and after how long. */

import { HttpError } from '../../http/handler.ts';
import { InputError, LimitError, OverloadedError } from '../../model/errors.ts';

/**
 * `bad`: the sender's fault, sending it again is useless. `large`: over a size limit. `media`: encoding that is not
 * spoken. `busy`: full, send again later. `down`: storage does not work at the moment, send again. `broken`:
 * storage refuses this data for good, or a bug.
 */
export type FailureKind = 'bad' | 'large' | 'media' | 'busy' | 'down' | 'broken';

export interface Failure {
  readonly kind: FailureKind;
  readonly message: string;
  /** For `busy` and `down`. */
  readonly retryAfterMs: number;
}

const DEFAULT_RETRY_MS = 1000;

/** What reading and decoding the request threw. Bugs are thrown on. */
export function failureOfInput(error: unknown): Failure {
  if (error instanceof InputError) {
    const hint = error.hint === undefined ? '' : ` (${error.hint})`;
    return { kind: 'bad', message: error.message + hint, retryAfterMs: 0 };
  }
  if (error instanceof LimitError)
    return { kind: 'large', message: `${error.message} (${error.limit})`, retryAfterMs: 0 };
  if (error instanceof HttpError) {
    const kind: FailureKind =
      error.status === 413 ? 'large' : error.status === 415 ? 'media' : error.status >= 500 ? 'down' : 'bad';
    return { kind, message: error.message, retryAfterMs: DEFAULT_RETRY_MS };
  }
  throw error;
}

/** What the sink rejected with. */
export function failureOfSink(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof OverloadedError) return { kind: 'busy', message, retryAfterMs: error.retryAfterMs };
  // Storage marks errors that come back with the same data.
  const permanent =
    typeof error === 'object' && error !== null && 'kind' in error && error.kind === 'permanent';
  return { kind: permanent ? 'broken' : 'down', message, retryAfterMs: DEFAULT_RETRY_MS };
}

/** Retry-After in whole seconds, at least one. */
export function retryAfter(failure: Failure): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(failure.retryAfterMs / 1000))) };
}

/** The media type of a Content-Type header, and its parameters, all in lower case but for the parameters' values. */
export function mediaType(header: string | undefined): {
  type: string;
  parameters: ReadonlyMap<string, string>;
} {
  const [type = '', ...rest] = (header ?? '').split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const equals = parameter.indexOf('=');
    if (equals < 0) continue;
    const value = parameter.slice(equals + 1).trim();
    parameters.set(parameter.slice(0, equals).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1'));
  }
  return { type: type.trim().toLowerCase(), parameters };
}
