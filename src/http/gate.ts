/**
 * A gate before expensive handlers: at most so many run at one time, the others wait in the order in which they came,
 * and the queue itself is bounded. It knows nothing of what the handlers do.
 */

import type { Dialect, HttpHandler, HttpRequest } from './handler.ts';
import { HttpError } from './handler.ts';

/** Lets at most `limit` bodies of work run; `maxWaiting` may stand in line. */
export class Gate {
  readonly #limit: number;
  readonly #maxWaiting: number;
  readonly #line: (() => void)[] = [];
  #running = 0;

  constructor(limit: number, maxWaiting: number) {
    this.#limit = limit;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#line.length;
  }

  /** Runs the work when it is its turn. Throws HttpError 503 when the line is full; rejects when the signal aborts. */
  async pass<T>(work: () => Promise<T> | T, signal: AbortSignal): Promise<T> {
    if (this.#running >= this.#limit) await this.#wait(signal);
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#line.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** Resolves with the place of one that has finished, which stays counted as running. */
  #wait(signal: AbortSignal): Promise<void> {
    if (this.#line.length >= this.#maxWaiting) {
      throw new HttpError(
        503,
        `${this.#limit} queries run and ${this.#maxWaiting} wait already (query.max-concurrency)`,
        { headers: { 'retry-after': '1' } },
      );
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#line.splice(this.#line.indexOf(enter), 1);
        reject(new HttpError(499, 'the client went away while its query waited'));
      };
      this.#line.push(enter);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

/** The dialect with the routes that `isGated` names behind the gate. Streamed answers leave it when they begin. */
export function gated(dialect: Dialect, gate: Gate, isGated: (path: string) => boolean): Dialect {
  const wrap =
    (handler: HttpHandler): HttpHandler =>
    (request: HttpRequest) =>
      gate.pass(() => handler(request), request.signal);
  return {
    ...dialect,
    routes: dialect.routes.map((route) =>
      isGated(route.path) ? { ...route, handler: wrap(route.handler) } : route,
    ),
  };
}
