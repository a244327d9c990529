/**
 * What every service of the shop is given and gives back; the seam between the process (child.ts) and
 * the services themselves.
 */
import type { Peers, Route } from './http.ts';
import type { ServiceConfig } from './protocol.ts';
import type { Queue } from './queue.ts';

export interface ServiceKit {
  readonly config: ServiceConfig;
  readonly peers: Peers;
  /** Opens the connection to the broker; only services that need one call it. */
  openQueue(): Queue;
  /** Flushes telemetry and ends the process with this status (a simulated kill by the system). */
  die(status: number): void;
}

/** Builds a service: registers its instruments and consumers, returns what it answers to. */
export type ServiceFactory = (kit: ServiceKit) => readonly Route[];

/** A string out of a JSON body; the fallback where it is missing or something else. */
export function text(value: unknown, fallback = ''): string {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : fallback;
}

/** A whole number within bounds out of a JSON body. */
export function whole(value: unknown, fallback: number, min: number, max: number): number {
  return typeof value === 'number' && Number.isInteger(value)
    ? Math.min(max, Math.max(min, value))
    : fallback;
}

/** One position of a cart or an order. */
export interface Item {
  readonly productId: string;
  readonly quantity: number;
}

/** The items of a JSON body; what is malformed is left out. */
export function items(value: unknown): Item[] {
  if (!Array.isArray(value)) return [];
  const found: Item[] = [];
  for (const entry of value.slice(0, 50) as { productId?: unknown; quantity?: unknown }[]) {
    const productId = text(entry?.productId);
    if (productId !== '') found.push({ productId, quantity: whole(entry.quantity, 1, 1, 99) });
  }
  return found;
}
