/**
 * The one client of storage: ClickHouse over HTTP with kept-alive connections. Queries are `Sql` values whose
 * parameters the server binds; results and inserts are Native blocks. An abort signal ends the work on the server too.
 * It knows nothing of tables, tenants (see scope.ts) or of who runs the server.
 */

import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { errorFromText, StorageError } from './errors.ts';
import { type Block, NativeDecoder, NativeFormatError } from './native.ts';
import { type RenderedSql, render, type Sql } from './sql.ts';

/** Where a server listens and who we are there. */
export interface Endpoint {
  readonly url: URL;
  readonly user: string;
  readonly password: string;
}

export type SettingValue = string | number | boolean;

export interface QueryOptions {
  /** Ends the query here and on the server. */
  readonly signal?: AbortSignal | undefined;
  /** The server stops the query after this time. */
  readonly timeoutMs?: number;
  /** Memory the server may use for this query. */
  readonly maxMemoryBytes?: number;
  /** Further ClickHouse settings. */
  readonly settings?: Readonly<Record<string, SettingValue>>;
}

export interface InsertOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number;
  /**
   * The server drops an insert whose token it has noted, also when that insert was killed before its commit: so only
   * for writers that look afterwards (documents).
   */
  readonly deduplicationToken?: string;
  readonly settings?: Readonly<Record<string, SettingValue>>;
}

export interface ClientOptions {
  /** Asked for every request: the address changes when an embedded engine is restarted. */
  readonly endpoint: () => Endpoint;
  /** The database that unqualified table names belong to. */
  readonly database: string;
  /** Told when an address did not answer, so that another one can be tried. */
  readonly failed?: (endpoint: Endpoint) => void;
  /** Waits (bounded) until the server can take requests; rejects with a transient StorageError. */
  readonly ready?: (signal?: AbortSignal) => Promise<void>;
  readonly queryTimeoutMs?: number;
  readonly queryMemoryBytes?: number;
  readonly maxConnections?: number;
  /** Settings of every query (not of inserts). */
  readonly querySettings?: Readonly<Record<string, SettingValue>>;
}

/** Beyond this the longer parameters go into a form body instead of the URL. */
const MAX_URL_PARAMETERS = 16_384;
const MAX_URL_PARAMETER = 2048;

export class StorageClient {
  readonly database: string;
  readonly #options: ClientOptions;
  readonly #agent: http.Agent;
  readonly #secureAgent: https.Agent;
  #closed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.database = options.database;
    const agent = {
      keepAlive: true,
      maxSockets: options.maxConnections ?? 32,
      maxFreeSockets: 8,
      scheduling: 'lifo',
    } as const;
    this.#agent = new http.Agent(agent);
    this.#secureAgent = new https.Agent(agent);
  }

  /** The same connections, another database. */
  withDatabase(database: string): StorageClient {
    return new StorageClient({ ...this.#options, database });
  }

  /**
   * Runs a query and gives its blocks as they arrive. Leaving the loop early ends the query on the server.
   * `tenant` fills the tenant predicates; storage's own statements have none.
   */
  async *stream(
    query: Sql,
    options: QueryOptions = {},
    tenant?: string,
  ): AsyncGenerator<Block, void, undefined> {
    const rendered = render(query, tenant);
    const queryId = randomUUID();
    const response = await this.#request(rendered, queryId, this.#querySettings(options), options.signal);
    const decoder = new NativeDecoder();
    const tail = new Tail(String(response.headers['x-clickhouse-exception-tag'] ?? ''));
    let finished = false;
    try {
      for await (const chunk of response) {
        tail.push(chunk as Uint8Array);
        if (tail.suspicious) continue;
        try {
          decoder.push(chunk as Uint8Array);
          for (let block = decoder.next(); block !== undefined; block = decoder.next()) yield block;
        } catch (error) {
          // Most likely the text of an exception in place of a block: read on to the end of it.
          if (!(error instanceof NativeFormatError)) throw error;
          tail.suspicious = true;
          tail.cause = error;
        }
      }
      finished = true;
      if (tail.suspicious || !decoder.idle) throw tail.error();
    } catch (error) {
      if (error instanceof StorageError) throw error;
      options.signal?.throwIfAborted();
      finished = true;
      tail.cause = error;
      throw tail.error();
    } finally {
      if (!finished || options.signal?.aborted === true) {
        response.destroy();
        this.#kill(queryId);
      }
    }
  }

  /** Runs a query and gives all of its blocks. */
  async query(query: Sql, options: QueryOptions = {}, tenant?: string): Promise<Block[]> {
    const blocks: Block[] = [];
    for await (const block of this.stream(query, options, tenant)) blocks.push(block);
    return blocks;
  }

  /** Runs a query and gives its rows as objects; for small results. */
  async rows(query: Sql, options: QueryOptions = {}, tenant?: string): Promise<Record<string, unknown>[]> {
    const rows: Record<string, unknown>[] = [];
    for (const block of await this.query(query, options, tenant)) rows.push(...block.objects());
    return rows;
  }

  /** Runs a statement without a result (DDL, ALTER, SYSTEM). */
  async command(statement: Sql, options: QueryOptions = {}): Promise<void> {
    await this.commandText(render(statement, undefined), options);
  }

  /** As `command`, for the schema's constant texts. */
  async commandText(statement: RenderedSql, options: QueryOptions = {}): Promise<void> {
    const settings = new Map<string, string>([['wait_end_of_query', '1']]);
    for (const [name, value] of Object.entries(options.settings ?? {}))
      settings.set(name, settingText(value));
    const response = await this.#request(
      statement,
      randomUUID(),
      settings,
      options.signal,
      options.timeoutMs,
    );
    await drain(response);
  }

  /**
   * Inserts Native blocks into a table. Resolves when the server has committed them. `target` is a constant of the
   * schema ("samples (tenant, metric, ...)"), never user input.
   */
  async insert(target: string, blocks: readonly Uint8Array[], options: InsertOptions = {}): Promise<void> {
    const settings = new Map<string, string>(Object.entries(INSERT_SETTINGS));
    for (const [name, value] of Object.entries(options.settings ?? {}))
      settings.set(name, settingText(value));
    if (options.deduplicationToken !== undefined)
      settings.set('insert_deduplication_token', options.deduplicationToken);
    settings.set('query', `INSERT INTO ${target} FORMAT Native`);
    await this.#options.ready?.(options.signal);
    const response = await this.#send(
      settings,
      randomUUID(),
      {},
      blocks,
      options.signal,
      options.timeoutMs ?? 120_000,
    );
    await drain(response);
  }

  /** Ends idle connections. Requests in flight are not waited for. */
  close(): void {
    this.#closed = true;
    this.#agent.destroy();
    this.#secureAgent.destroy();
  }

  #querySettings(options: QueryOptions): Map<string, string> {
    const settings = new Map<string, string>(Object.entries(QUERY_SETTINGS));
    for (const [name, value] of Object.entries(this.#options.querySettings ?? {}))
      settings.set(name, settingText(value));
    const timeoutMs = options.timeoutMs ?? this.#options.queryTimeoutMs;
    if (timeoutMs !== undefined) settings.set('max_execution_time', String(timeoutMs / 1000));
    const memory = options.maxMemoryBytes ?? this.#options.queryMemoryBytes;
    if (memory !== undefined) settings.set('max_memory_usage', String(memory));
    for (const [name, value] of Object.entries(options.settings ?? {}))
      settings.set(name, settingText(value));
    return settings;
  }

  async #request(
    query: RenderedSql,
    queryId: string,
    settings: Map<string, string>,
    signal: AbortSignal | undefined,
    timeoutMs?: number,
  ): Promise<http.IncomingMessage> {
    await this.#options.ready?.(signal);
    let size = 0;
    for (const [name, { text }] of query.params) {
      size += text.length;
      settings.set(`param_${name}`, text);
    }
    if (size <= MAX_URL_PARAMETERS)
      return this.#send(settings, queryId, {}, [Buffer.from(query.text)], signal, timeoutMs);
    // Long values travel as tables of one row in a form body: servers limit the length of parameters.
    const boundary = `trivium-${queryId}`;
    let form = '';
    let statement = query.text;
    for (const [name, { type, text }] of query.params) {
      if (text.length <= MAX_URL_PARAMETER) continue;
      settings.delete(`param_${name}`);
      settings.set(`${name}_format`, 'TSV');
      settings.set(`${name}_structure`, `v ${type}`);
      statement = statement.replaceAll(`{${name}:${type}}`, `(SELECT v FROM ${name})`);
      form += `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${name}"\r\n\r\n${text}\r\n`;
    }
    settings.set('query', statement);
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
    return this.#send(
      settings,
      queryId,
      headers,
      [Buffer.from(`${form}--${boundary}--\r\n`)],
      signal,
      timeoutMs,
    );
  }

  /** One HTTP exchange; resolves with a response of status 200, rejects with a StorageError. */
  #send(
    parameters: ReadonlyMap<string, string>,
    queryId: string,
    headers: http.OutgoingHttpHeaders,
    body: readonly Uint8Array[],
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ): Promise<http.IncomingMessage> {
    if (this.#closed) return Promise.reject(new StorageError('transient', 0, 'storage is closed'));
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const endpoint = this.#options.endpoint();
    const { url, user, password } = endpoint;
    let path = `${url.pathname.replace(/\/$/, '')}/?database=${encodeURIComponent(this.database)}&query_id=${queryId}`;
    for (const [name, value] of parameters) path += `&${name}=${encodeURIComponent(value)}`;
    let length = 0;
    for (const part of body) length += part.length;
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request({
        method: 'POST',
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port === '' ? (secure ? 443 : 80) : url.port,
        path,
        agent: secure ? this.#secureAgent : this.#agent,
        headers: {
          'x-clickhouse-user': user,
          'x-clickhouse-key': password,
          'x-clickhouse-format': 'Native',
          'content-length': length,
          ...headers,
        },
      });
      const abort = (): void => {
        request.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
        this.#kill(queryId);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const done = (): void => signal?.removeEventListener('abort', abort);
      if (timeoutMs !== undefined)
        request.setTimeout(timeoutMs, () =>
          request.destroy(new StorageError('transient', 0, `no answer from storage within ${timeoutMs} ms`)),
        );
      request.on('response', (response) => {
        response.once('close', done);
        if (response.statusCode === 200) {
          resolve(response);
          return;
        }
        collect(response).then(
          (text) => {
            done();
            const error = errorFromText(text);
            const code = Number(response.headers['x-clickhouse-exception-code'] ?? error.code);
            reject(
              error.code === 0 && code === 0
                ? new StorageError(
                    (response.statusCode ?? 0) >= 500 ? 'transient' : 'permanent',
                    0,
                    `status ${response.statusCode}: ${text.slice(0, 500)}`,
                  )
                : error,
            );
          },
          (cause) => reject(networkError(cause)),
        );
      });
      request.on('error', (cause) => {
        done();
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        this.#options.failed?.(endpoint);
        reject(cause instanceof StorageError ? cause : networkError(cause));
      });
      if (body.length === 1) {
        request.end(body[0]);
      } else {
        request.cork();
        for (const part of body) request.write(part);
        request.end();
        request.uncork();
      }
    });
  }

  #kill(queryId: string): void {
    if (this.#closed) return;
    const parameters = new Map([['param_id', queryId]]);
    this.#send(parameters, randomUUID(), {}, [KILL], undefined, 10_000)
      .then(drain)
      .catch(() => {
        // The query ends by itself: the connection is gone and it has a time limit.
      });
  }
}

const TAIL_BYTES = 65_536;

/** The end of a result: an exception after the first bytes is written there, between markers with the answer's tag. */
class Tail {
  suspicious = false;
  cause: unknown;
  readonly #tag: string;
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(tag: string) {
    this.#tag = tag;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#chunks.length > 1 && this.#size - (this.#chunks[0] as Uint8Array).length >= TAIL_BYTES)
      this.#size -= (this.#chunks.shift() as Uint8Array).length;
  }

  error(): StorageError {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    const marker = `__exception__\r\n${this.#tag}\r\n`;
    const at = this.#tag === '' ? text.lastIndexOf('Code: ') : text.lastIndexOf(marker);
    if (at < 0) return networkError(this.cause ?? 'the result ended too early');
    return errorFromText(text.slice(at).replace(/\r?\n\d+ \w+\r\n__exception__\s*$/, ''));
  }
}

const KILL = Buffer.from('KILL QUERY WHERE query_id = {id:String} ASYNC');

/** readonly=2: no writes, settings allowed; the server ends such a query when the connection goes away. */
const QUERY_SETTINGS: Readonly<Record<string, string>> = {
  readonly: '2',
  cancel_http_readonly_queries_on_client_close: '1',
  low_cardinality_allow_in_native_format: '1',
  allow_experimental_ts_to_grid_aggregate_function: '1',
  distributed_product_mode: 'local',
};

/**
 * Duplicates are left to merges and reads, and skip indexes to merges: doing either at insert doubles its time
 * (schema/README.md has the figures).
 */
const INSERT_SETTINGS: Readonly<Record<string, string>> = {
  optimize_on_insert: '0',
  materialize_skip_indexes_on_insert: '0',
  max_partitions_per_insert_block: '1000',
  async_insert: '0',
  distributed_foreground_insert: '1',
  input_format_parallel_parsing: '0',
  low_cardinality_allow_in_native_format: '1',
};

function settingText(value: SettingValue): string {
  return typeof value === 'boolean' ? (value ? '1' : '0') : String(value);
}

function networkError(cause: unknown): StorageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StorageError('transient', 0, `connection to storage failed: ${reason}`, { cause });
}

async function collect(response: http.IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (size < 65_536) chunks.push(chunk as Uint8Array);
    size += (chunk as Uint8Array).length;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads to the end of an answer without a result; an exception text in it is an error. */
async function drain(response: http.IncomingMessage): Promise<void> {
  let text: string;
  try {
    text = await collect(response);
  } catch (cause) {
    throw networkError(cause);
  }
  if (text.includes('DB::Exception')) throw errorFromText(text);
}
