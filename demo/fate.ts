/**
 * What chance has in store for one request: latencies and rare failures, derived from the seed, the
 * service and the visit that the load generator announces in W3C baggage (`shop.visit`). Baggage
 * travels with the trace over HTTP and through the queue, so the same seed gives the same latencies
 * however requests interleave. Knows nothing of HTTP or of the services.
 */
import { type Context, context, createContextKey, propagation } from '@opentelemetry/api';
import { logNormal, uniformOf } from './random.ts';

const fateKey = createContextKey('shop.fate');
const visitEntry = 'shop.visit';

export class Fate {
  readonly #key: string;
  readonly #draws = new Map<string, number>();

  constructor(key: string) {
    this.#key = key;
  }

  /** Uniform number in [0, 1); the n-th draw for the same purpose is always the same number. */
  draw(purpose: string): number {
    const n = this.#draws.get(purpose) ?? 0;
    this.#draws.set(purpose, n + 1);
    return uniformOf(`${this.#key}|${purpose}|${n}`);
  }

  /** True with the given probability. */
  chance(purpose: string, probability: number): boolean {
    return this.draw(purpose) < probability;
  }

  /** A latency in milliseconds, log-normal around the median, capped at 12 times of it. */
  latencyMs(purpose: string, medianMs: number, sigma = 0.45): number {
    const value = logNormal(this.draw(purpose), this.draw(`${purpose}+`), medianMs, sigma);
    return Math.min(value, medianMs * 12);
  }
}

let anonymous = 0;

/** The context with a fate for this piece of work; `seed` is the demo's, `place` the service and route. */
export function withFate(parent: Context, seed: string, place: string): Context {
  const visit = propagation.getBaggage(parent)?.getEntry(visitEntry)?.value ?? `walk-in-${++anonymous}`;
  return parent.setValue(fateKey, new Fate(`${seed}|${place}|${visit}`));
}

/** The fate of the active request; work outside of any request gets one of its own. */
export function currentFate(): Fate {
  const fate = context.active().getValue(fateKey);
  return fate instanceof Fate ? fate : new Fate(`idle-${++anonymous}`);
}

/** The visit that caused the active work (`<journey>.<step>`), when the caller announced one. */
export function currentVisit(): string | undefined {
  return propagation.getBaggage(context.active())?.getEntry(visitEntry)?.value;
}

/** Waits; resolves after that many milliseconds (timers of Node are whole milliseconds, so it rounds). */
export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.round(durationMs)));
}
