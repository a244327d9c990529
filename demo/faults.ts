/**
 * The catalogue of faults that can be switched on in the demo shop, and the switchboard inside a
 * service. What a fault does is written where it strikes (database, payments, catalog, ...).
 */

export type FaultId = 'slow-database' | 'payment-errors' | 'pool-exhaustion' | 'n-plus-one' | 'memory-growth';

/** One fault as the control endpoint shows it. */
export interface Fault {
  readonly id: FaultId;
  readonly title: string;
  readonly description: string;
  readonly enabled: boolean;
}

export const faultCatalogue: readonly Omit<Fault, 'enabled'>[] = [
  {
    id: 'slow-database',
    title: 'Slow database',
    description:
      'The inventory database lost an index: reads of the stock table take about 0.6 s instead of 3 ms. ' +
      'Product pages and checkouts slow down; the logs name the slow query.',
  },
  {
    id: 'payment-errors',
    title: 'Error burst in payments',
    description:
      'The card acquirer answers 503 to about 40 % of the charges. Checkouts fail with 502 all the way up ' +
      'to the storefront.',
  },
  {
    id: 'pool-exhaustion',
    title: 'Exhausted connection pool',
    description:
      'Inventory forgets to give database connections back. Its pool of 10 is soon used up ' +
      '("connections: 10/10" in the logs), requests wait two seconds for a connection and fail.',
  },
  {
    id: 'n-plus-one',
    title: 'N+1 queries in catalog',
    description:
      'The product list reads each price with a query of its own: one hundred sequential database spans ' +
      'where two would do.',
  },
  {
    id: 'memory-growth',
    title: 'Memory growth in recommendations',
    description:
      'A cache without a limit grows by about 1.5 MB a second and makes answers slower, until the service ' +
      'runs into its memory limit, is killed with status 137 and started again.',
  },
];

let enabledFaults: ReadonlySet<string> = new Set();
const listeners: (() => void)[] = [];

/** Whether the fault is switched on, as this service was last told. */
export function faultEnabled(id: FaultId): boolean {
  return enabledFaults.has(id);
}

/** Replaces the set of active faults (the supervisor's order) and tells whoever listens. */
export function applyFaults(ids: readonly string[]): void {
  enabledFaults = new Set(ids);
  for (const listener of listeners) listener();
}

/** Calls back after each change of the active faults. */
export function onFaultsChanged(listener: () => void): void {
  listeners.push(listener);
}
