/**
 * A simulated PostgreSQL with a real connection pool: ten connections, a waiting queue, a time-out.
 * Queries take a time drawn from the request's fate and appear as client spans and metrics with the
 * stable database semantic conventions. Holds no data: the services keep theirs in memory.
 */
import { metrics, type Span, SpanKind, SpanStatusCode, trace, ValueType } from '@opentelemetry/api';
import { currentFate, pause } from './fate.ts';
import { ServiceError } from './http.ts';
import { log, tenths } from './log.ts';

const slowQueryMs = 250;
const maxWaiting = 100;

export interface Query {
  /** SELECT, INSERT, UPDATE, ... (db.operation.name) */
  readonly operation: string;
  /** Table (db.collection.name). */
  readonly collection: string;
  /** Parameterised text (db.query.text). */
  readonly text: string;
  readonly medianMs: number;
  readonly rows?: number;
}

interface Waiter {
  grant(): void;
  readonly timer: NodeJS.Timeout;
}

/** The right to use one connection; `release` must be called once. */
export interface Connection {
  release(): void;
}

export class Database {
  readonly #host: string;
  readonly #poolName: string;
  readonly #poolSize: number;
  readonly #acquireTimeoutMs: number;
  readonly #waiting: Waiter[] = [];
  #used = 0;
  readonly #tracer = trace.getTracer('shop.database', '1.0.0');
  readonly #durations = metrics
    .getMeter('shop.database', '1.0.0')
    .createHistogram('db.client.operation.duration', {
      unit: 's',
      description: 'Duration of database client operations.',
      advice: { explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10] },
    });
  readonly #waitTimes = metrics
    .getMeter('shop.database', '1.0.0')
    .createHistogram('db.client.connection.wait_time', {
      unit: 's',
      description: 'The time it took to obtain an open connection from the pool.',
      advice: { explicitBucketBoundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5] },
    });

  constructor(host: string, options: { poolSize?: number; acquireTimeoutMs?: number } = {}) {
    this.#host = host;
    this.#poolName = `${host}/shop`;
    this.#poolSize = options.poolSize ?? 10;
    this.#acquireTimeoutMs = options.acquireTimeoutMs ?? 2000;
    const meter = metrics.getMeter('shop.database', '1.0.0');
    const pool = { 'db.client.connection.pool.name': this.#poolName };
    const whole = { unit: '{connection}', valueType: ValueType.INT };
    meter
      .createObservableUpDownCounter('db.client.connection.count', {
        ...whole,
        description: 'Connections by state.',
      })
      .addCallback((result) => {
        result.observe(this.#used, { ...pool, 'db.client.connection.state': 'used' });
        result.observe(this.#poolSize - this.#used, { ...pool, 'db.client.connection.state': 'idle' });
      });
    meter
      .createObservableUpDownCounter('db.client.connection.max', {
        ...whole,
        description: 'Size of the pool.',
      })
      .addCallback((result) => result.observe(this.#poolSize, pool));
    meter
      .createObservableUpDownCounter('db.client.connection.pending_requests', {
        unit: '{request}',
        valueType: ValueType.INT,
        description: 'Requests that wait for a connection.',
      })
      .addCallback((result) => result.observe(this.#waiting.length, pool));
  }

  /** Connections in use and size of the pool, as the logs print them. */
  get occupancy(): string {
    return `${this.#used}/${this.#poolSize}`;
  }

  /** Takes a connection, waiting for one if need be; rejects with ServiceError 503 after the time-out. */
  async acquire(): Promise<Connection> {
    const startMs = performance.now();
    if (this.#used >= this.#poolSize) {
      await this.#tracer.startActiveSpan(
        'wait for connection',
        { attributes: { 'db.client.connection.pool.name': this.#poolName } },
        (span) => this.#wait(span),
      );
    } else {
      this.#used++;
    }
    this.#waitTimes.record((performance.now() - startMs) / 1000, {
      'db.client.connection.pool.name': this.#poolName,
    });
    let released = false;
    return {
      release: () => {
        if (released) return;
        released = true;
        this.#release();
      },
    };
  }

  async #wait(span: Span): Promise<void> {
    const startMs = performance.now();
    try {
      log(
        'warn',
        `waiting for a database connection (connections: ${this.occupancy})`,
        { waiting: this.#waiting.length + 1 },
        { 'db.client.connection.pool.name': this.#poolName },
      );
      if (this.#waiting.length >= maxWaiting) throw this.#exhausted(startMs);
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = {
          grant: resolve,
          timer: setTimeout(() => {
            this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
            reject(this.#exhausted(startMs));
          }, this.#acquireTimeoutMs),
        };
        this.#waiting.push(waiter);
      });
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      throw error;
    } finally {
      span.end();
    }
  }

  #exhausted(startMs: number): ServiceError {
    const message = `database connection pool exhausted (connections: ${this.occupancy})`;
    log(
      'error',
      message,
      { waited_ms: tenths(performance.now() - startMs), waiting: this.#waiting.length },
      { 'db.client.connection.pool.name': this.#poolName },
    );
    return new ServiceError(503, message);
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next) {
      clearTimeout(next.timer);
      next.grant();
    } else {
      this.#used--;
    }
  }

  /** Runs one query. `leakMs` keeps the connection that much longer than the query takes (a bug to show). */
  async query(query: Query, leakMs = 0): Promise<void> {
    const summary = `${query.operation} ${query.collection}`;
    const attributes = {
      'db.system.name': 'postgresql',
      'db.namespace': 'shop',
      'db.operation.name': query.operation,
      'db.collection.name': query.collection,
      'server.address': this.#host,
      'server.port': 5432,
    };
    const connection = await this.acquire();
    const durationMs = currentFate().latencyMs(summary, query.medianMs);
    await this.#tracer.startActiveSpan(
      summary,
      {
        kind: SpanKind.CLIENT,
        attributes: { ...attributes, 'db.query.summary': summary, 'db.query.text': query.text },
      },
      async (span) => {
        const startMs = performance.now();
        await pause(durationMs);
        const tookMs = performance.now() - startMs;
        if (query.rows !== undefined) span.setAttribute('db.response.returned_rows', query.rows);
        if (tookMs >= slowQueryMs) {
          log(
            'warn',
            `slow query: ${query.text}`,
            { duration_ms: tenths(tookMs) },
            { 'db.collection.name': query.collection, 'server.address': this.#host },
          );
        }
        this.#durations.record(tookMs / 1000, attributes);
        span.end();
      },
    );
    if (leakMs > 0) setTimeout(() => connection.release(), leakMs).unref();
    else connection.release();
  }
}
