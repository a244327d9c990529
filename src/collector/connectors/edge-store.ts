/**
 * Sides of calls that wait for their other side, by trace id and span id. Bounded in number and in time; the oldest
 * expire first. It knows neither what an edge means nor what it is counted as.
 */

export type ConnectionType = '' | 'messaging_system' | 'database' | 'virtual_node';

/** A call under observation. The sides fill in what they know; '' is not known yet. */
export class Edge {
  client = '';
  server = '';
  connection: ConnectionType = '';
  clientSeconds = 0;
  serverSeconds = 0;
  /** Nanoseconds as two halves; 0 when that side was not seen. */
  clientEndHigh = 0;
  clientEndLow = 0;
  serverStartHigh = 0;
  serverStartLow = 0;
  failed = false;
  /** The server's span has no parent. */
  root = false;
  weight = 1;
  peer = '';
  /** Values of the configured dimensions by their slots; '' when not seen. */
  dimensions: string[];

  // The key as signed words: the trace id's four and the span id's two. Small integers need no allocation.
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  w4 = 0;
  w5 = 0;
  hash = 0;
  expiresMs = 0;
  /** The next edge with the same hash. */
  chain: Edge | undefined;
  older: Edge | undefined;
  newer: Edge | undefined;

  constructor(dimensions: string[]) {
    this.dimensions = dimensions;
  }
}

const NO_DIMENSIONS: string[] = [];

export class EdgeStore {
  readonly #waitMs: number;
  readonly #maxWaiting: number;
  readonly #dimensions: number;
  readonly #onExpire: (edge: Edge) => void;
  /** Small integers as keys: JavaScript's maps are fastest with them. */
  readonly #byHash = new Map<number, Edge>();
  readonly #free: Edge[] = [];
  #oldest: Edge | undefined;
  #newest: Edge | undefined;
  size = 0;

  constructor(waitMs: number, maxWaiting: number, dimensions: number, onExpire: (edge: Edge) => void) {
    this.#waitMs = waitMs;
    this.#maxWaiting = maxWaiting;
    this.#dimensions = dimensions;
    this.#onExpire = onExpire;
  }

  /**
   * The waiting edge of a call, or a new one (`isNew`) that waits from now on; undefined when there is no room.
   * Give it back with `remove` once it is complete. Words are signed.
   */
  get(
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    w4: number,
    w5: number,
    nowMs: number,
  ): Edge | undefined {
    let hash = Math.imul(w0 ^ Math.imul(w3, 0x85ebca6b), 0x9e3779b1) ^ Math.imul(w5, 0xc2b2ae35) ^ w2;
    hash = Math.imul(hash ^ (hash >>> 15) ^ w4, 0x27d4eb2f) ^ w1;
    hash = (hash ^ (hash >>> 13)) & 0x3fff_ffff;
    const head = this.#byHash.get(hash);
    for (let edge = head; edge !== undefined; edge = edge.chain) {
      if (
        edge.w5 === w5 &&
        edge.w4 === w4 &&
        edge.w3 === w3 &&
        edge.w2 === w2 &&
        edge.w1 === w1 &&
        edge.w0 === w0
      )
        return edge;
    }
    if (this.size >= this.#maxWaiting) {
      this.expire(nowMs);
      if (this.size >= this.#maxWaiting) return undefined;
    }
    const edge = this.#free.pop() ?? new Edge(this.#dimensions === 0 ? NO_DIMENSIONS : []);
    edge.w0 = w0;
    edge.w1 = w1;
    edge.w2 = w2;
    edge.w3 = w3;
    edge.w4 = w4;
    edge.w5 = w5;
    edge.hash = hash;
    edge.expiresMs = nowMs + this.#waitMs;
    // Expiry may have taken the head away: it is asked for again.
    edge.chain = this.#byHash.get(hash);
    this.#byHash.set(hash, edge);
    edge.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = edge;
    else this.#newest.newer = edge;
    this.#newest = edge;
    this.size++;
    return edge;
  }

  /** Whether an edge has just been made: neither side is known. */
  isNew(edge: Edge): boolean {
    return edge.client === '' && edge.server === '';
  }

  remove(edge: Edge): void {
    const head = this.#byHash.get(edge.hash);
    if (head === edge) {
      if (edge.chain === undefined) this.#byHash.delete(edge.hash);
      else this.#byHash.set(edge.hash, edge.chain);
    } else {
      for (let before = head; before !== undefined; before = before.chain) {
        if (before.chain !== edge) continue;
        before.chain = edge.chain;
        break;
      }
    }
    if (edge.older === undefined) this.#oldest = edge.newer;
    else edge.older.newer = edge.newer;
    if (edge.newer === undefined) this.#newest = edge.older;
    else edge.newer.older = edge.older;
    this.size--;
    this.#recycle(edge);
  }

  #recycle(edge: Edge): void {
    edge.client = '';
    edge.server = '';
    edge.connection = '';
    edge.clientSeconds = 0;
    edge.serverSeconds = 0;
    edge.clientEndHigh = 0;
    edge.clientEndLow = 0;
    edge.serverStartHigh = 0;
    edge.serverStartLow = 0;
    edge.failed = false;
    edge.root = false;
    edge.weight = 1;
    edge.peer = '';
    if (this.#dimensions > 0) edge.dimensions = [];
    edge.chain = undefined;
    edge.older = undefined;
    edge.newer = undefined;
    if (this.#free.length < 4096) this.#free.push(edge);
  }

  /** Hands out and removes the edges whose time is over. */
  expire(nowMs: number): void {
    let edge = this.#oldest;
    while (edge !== undefined && edge.expiresMs <= nowMs) {
      this.#onExpire(edge);
      this.remove(edge);
      edge = this.#oldest;
    }
  }
}
