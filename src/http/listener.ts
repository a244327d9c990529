/**
 * A listening port. Every port speaks HTTP/1.1, HTTP/2 without TLS and gRPC, told apart by a connection's first
 * bytes, because clients mix their ports up. Requests go to the dialect whose prefix is the longest match.
 */

import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { type WebSocket, WebSocketServer } from 'ws';
import { decompress, readAll } from './body.ts';
import { answerGrpc } from './grpc.ts';
import {
  type Dialect,
  type GrpcMethod,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  type WebSocketConnection,
} from './handler.ts';
import { Router } from './router.ts';
import { tenantOf } from './tenant.ts';

const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n');
/** Below this size compression costs more than it saves. */
const COMPRESS_FROM_BYTES = 2048;
const COMPRESSIBLE = /json|text|javascript|xml|svg/;
const WEB_SOCKET_BUFFER_BYTES = 4 << 20;

const gzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gzip);

/** A dialect below a prefix ('' or '/loki'). */
export interface Mount {
  readonly prefix: string;
  readonly dialect: Dialect;
}

/** What the caller may count and log about a finished request. */
export interface FinishedRequest {
  readonly listener: string;
  readonly dialect: string;
  /** The route's pattern, so that counters have few labels. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
  readonly tenant: string;
}

export interface ListenerOptions {
  readonly name: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly mounts: readonly Mount[];
  readonly grpcMethods: readonly GrpcMethod[];
  /** Limit of a request body, before and after decompression. */
  readonly maxBodyBytes: number;
  readonly onFinished: (request: FinishedRequest) => void;
  /** Bugs: errors that no dialect knows. */
  readonly onBug: (error: unknown) => void;
}

interface MountedDialect {
  readonly prefix: string;
  readonly dialect: Dialect;
  readonly router: Router;
}

/** An open port. `close` stops accepting, lets requests finish until the deadline, then cuts. */
export class Listener {
  readonly name: string;
  readonly #options: ListenerOptions;
  readonly #mounts: MountedDialect[];
  readonly #grpc: ReadonlyMap<string, GrpcMethod>;
  readonly #tcp: net.Server;
  readonly #http1: http.Server;
  readonly #http2: http2.Http2Server;
  readonly #webSockets: WebSocketServer;
  readonly #sockets = new Set<net.Socket>();
  readonly #sessions = new Set<http2.ServerHttp2Session>();
  readonly #closing = new AbortController();
  #active = 0;

  private constructor(options: ListenerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#mounts = options.mounts
      .map(({ prefix, dialect }) => ({ prefix, dialect, router: new Router(dialect.routes) }))
      .sort((a, b) => b.prefix.length - a.prefix.length);
    this.#grpc = new Map(options.grpcMethods.map((method) => [method.path, method]));
    this.#http1 = http.createServer(
      { keepAliveTimeout: 65_000, headersTimeout: 30_000, requestTimeout: 300_000 },
      (request, response) => void this.#onHttp1(request, response),
    );
    this.#http1.on(
      'upgrade',
      (request, socket, head) => void this.#onUpgrade(request, socket as net.Socket, head),
    );
    this.#http1.on('checkContinue', (request, response) => {
      response.writeContinue();
      void this.#onHttp1(request, response);
    });
    this.#http2 = http2.createServer({ settings: { maxConcurrentStreams: 256, initialWindowSize: 1 << 20 } });
    this.#http2.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    this.#http2.on(
      'stream',
      (stream, headers) => void this.#onStream(stream as http2.ServerHttp2Stream, headers),
    );
    this.#webSockets = new WebSocketServer({ noServer: true, maxPayload: 1 << 16 });
    this.#tcp = net.createServer({ noDelay: true }, (socket) => this.#onConnection(socket));
  }

  /** Binds the port. Rejects with the reason (in use, not permitted) and a hint. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    listener.#tcp.listen({ host: options.host, port: options.port });
    try {
      await once(listener.#tcp, 'listening');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const why = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be opened (${code})`;
      throw new Error(
        `port ${options.port} on ${options.host} for "${options.name}" ${why}; choose another with --${options.name}-port N, any free one with 0, or switch it off with --${options.name}-port off`,
        { cause: error },
      );
    }
    return listener;
  }

  get port(): number {
    return (this.#tcp.address() as net.AddressInfo).port;
  }

  get host(): string {
    return this.#options.host;
  }

  /** Stops accepting; waits for requests under way, at most `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    this.#http1.closeIdleConnections();
    const until = performance.now() + deadlineMs;
    while (this.#active > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 10));
    this.#closing.abort(new HttpError(503, 'the server is shutting down'));
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
    this.#webSockets.close();
    await closed;
  }

  #onConnection(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let head: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const isPrefix = HTTP2_PREFACE.subarray(0, head.length).equals(head.subarray(0, HTTP2_PREFACE.length));
      if (isPrefix && head.length < HTTP2_PREFACE.length) return;
      socket.off('data', onData);
      socket.pause();
      socket.unshift(head);
      if (isPrefix) {
        this.#http2.emit('connection', socket);
      } else {
        this.#http1.emit('connection', socket);
        socket.resume();
      }
    };
    socket.on('data', onData);
  }

  async #onHttp1(message: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const aborter = new AbortController();
    response.once('close', () => aborter.abort());
    const headers = flattenHeaders(message.headers);
    await this.#answer(message, message.method ?? 'GET', message.url ?? '/', headers, aborter, {
      socket: message.socket,
      start: (status, responseHeaders) => response.writeHead(status, responseHeaders),
      write: (chunk) => response.write(chunk),
      end: (chunk) => response.end(chunk),
      drained: () => drained(response),
      gone: () => response.destroyed || response.writableEnded,
      destroy: () => response.destroy(),
      /** An unread rest of the body must not be taken for the next request. */
      cutAfter: () => {
        // Asked only when the answer is out: the parser completes a message without a body after its handler began.
        response.once('finish', () => {
          if (!message.complete) message.socket.destroySoon();
        });
      },
    });
  }

  async #onStream(stream: http2.ServerHttp2Stream, incoming: http2.IncomingHttpHeaders): Promise<void> {
    stream.on('error', () => stream.destroy());
    const headers = flattenHeaders(incoming);
    if ((headers['content-type'] ?? '').startsWith('application/grpc')) {
      const began = performance.now();
      this.#active++;
      const code = await answerGrpc(stream, headers, {
        methods: this.#grpc,
        maxMessageBytes: this.#options.maxBodyBytes,
        signal: this.#closing.signal,
        onBug: this.#options.onBug,
      });
      this.#active--;
      const path = headers[':path'] ?? '';
      this.#options.onFinished({
        listener: this.name,
        dialect: 'grpc',
        route: this.#grpc.has(path) ? path : 'unknown',
        method: 'gRPC',
        status: code,
        durationMs: performance.now() - began,
        tenant: headers['x-scope-orgid'] ?? '',
      });
      return;
    }
    const aborter = new AbortController();
    stream.once('close', () => aborter.abort());
    await this.#answer(stream, headers[':method'] ?? 'GET', headers[':path'] ?? '/', headers, aborter, {
      socket: stream.session?.socket,
      start: (status, responseHeaders) => stream.respond({ ':status': status, ...responseHeaders }),
      write: (chunk) => stream.write(chunk),
      end: (chunk) => stream.end(chunk),
      drained: () => drained(stream),
      gone: () => stream.destroyed || stream.closed,
      destroy: () => stream.destroy(),
      cutAfter: () => {},
    });
  }

  async #answer(
    body: http.IncomingMessage | http2.ServerHttp2Stream,
    method: string,
    url: string,
    headers: Record<string, string>,
    aborter: AbortController,
    out: Output,
  ): Promise<void> {
    const began = performance.now();
    const onClosing = () => aborter.abort(this.#closing.signal.reason);
    this.#closing.signal.addEventListener('abort', onClosing, { once: true });
    this.#active++;
    let status = 500;
    let route = 'unknown';
    let mount: MountedDialect | undefined;
    let tenant = '';
    try {
      const { path, query } = splitUrl(url);
      mount = this.#mountOf(path);
      const below = mount === undefined ? path : path.slice(mount.prefix.length) || '/';
      const request = this.#request(body, method, below, query, headers, aborter.signal, out.socket);
      let response: HttpResponse;
      try {
        if (mount === undefined) throw new HttpError(404, `nothing is served at ${path} on this port`);
        const found = mount.router.match(method, below);
        if (found.kind === 'none') throw new HttpError(404, `unknown path ${path}`);
        if (found.kind === 'method') {
          throw new HttpError(405, `${method} is not allowed here; use ${found.allow.join(' or ')}`, {
            headers: { allow: found.allow.join(', ') },
          });
        }
        route = found.route.path;
        tenant = tenantOf(headers['x-scope-orgid']);
        response = await found.handler({ ...request, tenant, pathParams: found.params });
      } catch (error) {
        response = mount === undefined ? plainError(error) : mount.dialect.onError(error, request);
        if (response.status >= 500 && isBug(error) && !aborter.signal.aborted) this.#options.onBug(error);
      }
      status = response.status;
      out.cutAfter();
      await this.#send(response, method, headers, aborter.signal, out);
    } catch (error) {
      if (!aborter.signal.aborted) this.#options.onBug(error);
      out.destroy();
    } finally {
      this.#active--;
      this.#closing.signal.removeEventListener('abort', onClosing);
      this.#options.onFinished({
        listener: this.name,
        dialect: mount?.dialect.name ?? 'none',
        route,
        // HTTP/2 takes any word as a method; what is counted by it must stay bounded.
        method: http.METHODS.includes(method) ? method : 'other',
        status,
        durationMs: performance.now() - began,
        tenant,
      });
    }
  }

  #mountOf(path: string): MountedDialect | undefined {
    return this.#mounts.find(
      ({ prefix }) => prefix === '' || path === prefix || path.startsWith(`${prefix}/`),
    );
  }

  #request(
    body: http.IncomingMessage | http2.ServerHttp2Stream,
    method: string,
    path: string,
    query: URLSearchParams,
    headers: Record<string, string>,
    signal: AbortSignal,
    socket: net.Socket | undefined,
  ): HttpRequest {
    const limit = this.#options.maxBodyBytes;
    let bytes: Promise<Uint8Array> | undefined;
    const readBody = () => {
      bytes ??= (async () => {
        const declared = Number(headers['content-length'] ?? '0');
        if (declared > limit) {
          throw new HttpError(
            413,
            `the body of ${declared} bytes is larger than the limit of ${limit} (http.max-body-bytes)`,
          );
        }
        return decompress(await readAll(body, limit), headers['content-encoding'], limit);
      })();
      return bytes;
    };
    return {
      method,
      path,
      pathParams: {},
      query,
      headers,
      tenant: '',
      signal,
      remoteAddress: socket?.remoteAddress ?? '',
      body: readBody,
      form: async () => {
        const all = new URLSearchParams(query);
        if ((headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')) {
          const posted = new URLSearchParams(new TextDecoder().decode(await readBody()));
          for (const [name, value] of posted) all.append(name, value);
        }
        return all;
      },
    };
  }

  async #send(
    response: HttpResponse,
    method: string,
    requestHeaders: Record<string, string>,
    signal: AbortSignal,
    out: Output,
  ): Promise<void> {
    if (out.gone()) return;
    const headers: Record<string, string> = { 'x-content-type-options': 'nosniff', ...response.headers };
    const { body } = response;
    if (body === undefined || typeof body === 'string' || body instanceof Uint8Array) {
      let bytes = body === undefined ? Buffer.alloc(0) : typeof body === 'string' ? Buffer.from(body) : body;
      if (
        bytes.length >= COMPRESS_FROM_BYTES &&
        headers['content-encoding'] === undefined &&
        /\bgzip\b/.test(requestHeaders['accept-encoding'] ?? '') &&
        COMPRESSIBLE.test(headers['content-type'] ?? '')
      ) {
        bytes = await gzip(bytes, { level: 1 });
        headers['content-encoding'] = 'gzip';
        headers.vary = 'accept-encoding';
      }
      if (response.status !== 204 && response.status !== 304)
        headers['content-length'] = String(bytes.length);
      if (out.gone()) return;
      out.start(response.status, headers);
      if (method === 'HEAD' || bytes.length === 0) out.end();
      else out.end(bytes);
      return;
    }
    out.start(response.status, headers);
    if (method !== 'HEAD') {
      for await (const chunk of body) {
        if (signal.aborted || out.gone()) return;
        if (!out.write(chunk)) await out.drained();
      }
    }
    out.end();
  }

  async #onUpgrade(message: http.IncomingMessage, socket: net.Socket, head: Buffer): Promise<void> {
    const headers = flattenHeaders(message.headers);
    const { path, query } = splitUrl(message.url ?? '/');
    const mount = this.#mountOf(path);
    const below = mount === undefined ? path : path.slice(mount.prefix.length) || '/';
    const route = mount?.dialect.webSockets?.find((candidate) => candidate.path === below);
    const aborter = new AbortController();
    const abort = () => aborter.abort();
    socket.once('close', abort);
    this.#closing.signal.addEventListener('abort', abort, { once: true });
    const request = this.#request(message, 'GET', below, query, headers, aborter.signal, socket);
    let upgraded: WebSocket | undefined;
    const open = async (): Promise<WebSocketConnection> => {
      upgraded = await new Promise<WebSocket>((resolve) =>
        this.#webSockets.handleUpgrade(message, socket, head, (webSocket) => resolve(webSocket)),
      );
      const webSocket = upgraded;
      webSocket.on('error', () => webSocket.terminate());
      return {
        signal: aborter.signal,
        send: async (text) => {
          if (webSocket.readyState !== webSocket.OPEN) return;
          await new Promise<void>((resolve) => webSocket.send(text, () => resolve()));
          while (webSocket.bufferedAmount > WEB_SOCKET_BUFFER_BYTES && !aborter.signal.aborted) {
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        },
        close: (code, reason) => webSocket.close(code, reason),
      };
    };
    try {
      if (route === undefined) throw new HttpError(404, `no WebSocket is served at ${path}`);
      await route.handler({ ...request, tenant: tenantOf(headers['x-scope-orgid']) }, open);
      upgraded?.close(1000);
    } catch (error) {
      if (upgraded !== undefined) {
        if (!aborter.signal.aborted) {
          if (isBug(error)) this.#options.onBug(error);
          upgraded.close(1011, error instanceof Error ? error.message.slice(0, 100) : 'error');
        }
        return;
      }
      const response = mount === undefined ? plainError(error) : mount.dialect.onError(error, request);
      const body = typeof response.body === 'string' ? response.body : '';
      socket.end(
        `HTTP/1.1 ${response.status} ${http.STATUS_CODES[response.status] ?? ''}\r\ncontent-type: ${response.headers?.['content-type'] ?? 'text/plain'}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
    } finally {
      this.#closing.signal.removeEventListener('abort', abort);
    }
  }
}

/** The two protocol versions' ways of answering. */
interface Output {
  readonly socket: net.Socket | undefined;
  start(status: number, headers: Record<string, string>): void;
  write(chunk: string | Uint8Array): boolean;
  end(chunk?: Uint8Array): void;
  drained(): Promise<void>;
  gone(): boolean;
  destroy(): void;
  cutAfter(): void;
}

function splitUrl(url: string): { path: string; query: URLSearchParams } {
  const at = url.indexOf('?');
  return at < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}

function flattenHeaders(
  headers: http.IncomingHttpHeaders | http2.IncomingHttpHeaders,
): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

function isBug(error: unknown): boolean {
  const name = error instanceof Error ? error.name : '';
  return !['HttpError', 'InputError', 'LimitError', 'OverloadedError', 'AbortError'].includes(name);
}

function plainError(error: unknown): HttpResponse {
  const status = error instanceof HttpError ? error.status : 500;
  const message = error instanceof Error ? error.message : 'internal error';
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${message}\n` };
}

function drained(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
  });
}
