/** Errors that cross rooms. User mistakes carry a position; operations say whether trying again can help. */

/** Something refused the work because it is full or not ready. Nothing was stored; the sender should retry. */
export class OverloadedError extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OverloadedError';
    this.retryAfterMs = retryAfterMs;
  }
}

/** The user's input is wrong. `position` is an offset in the text (UTF-16 units) where that is known. */
export class InputError extends Error {
  readonly position: number | undefined;
  readonly hint: string | undefined;

  constructor(message: string, details: { position?: number; hint?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'InputError';
    this.position = details.position;
    this.hint = details.hint;
  }
}

/** A named limit was reached by a query or a push. `limit` is the name under which it is configured. */
export class LimitError extends Error {
  readonly limit: string;

  constructor(limit: string, message: string) {
    super(message);
    this.name = 'LimitError';
    this.limit = limit;
  }
}
