/**
 * What a request handler sees and gives, whichever protocol version or port the request came in by. Handlers know
 * nothing of sockets, listeners or prefixes.
 */

/** A request, headers in lower case, its path below the dialect's root (so `/api/v1/query`, whatever the prefix). */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** Decoded values of the route's `:name` segments; `*` holds what a trailing wildcard matched. */
  readonly pathParams: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string>>;
  /** From X-Scope-OrgID, or the default tenant. Already validated. */
  readonly tenant: string;
  /** Aborts when the client goes away or the server shuts down. */
  readonly signal: AbortSignal;
  readonly remoteAddress: string;
  /**
   * The whole body, decompressed as Content-Encoding says (gzip, deflate, zstd, identity; snappy stays as it is).
   * Throws HttpError 413 past the listener's limit (before or after decompression), 415 for an unknown encoding and
   * 400 for a broken one. Can be called once or more; the bytes are kept.
   */
  body(): Promise<Uint8Array>;
  /** The query parameters, followed by those of an application/x-www-form-urlencoded body. */
  form(): Promise<URLSearchParams>;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Strings are sent as UTF-8. A stream is cancelled when the client goes away. */
  readonly body?: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse> | HttpResponse;

/** `path` may have `:name` segments and end in `/*`. A handler for GET also serves HEAD. */
export interface Route {
  readonly methods: readonly string[];
  readonly path: string;
  readonly handler: HttpHandler;
}

/** A refused request for which the frame writes the answer in the dialect's error shape. */
export class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    message: string,
    options: ErrorOptions & { headers?: Record<string, string> } = {},
  ) {
    super(message, options);
    this.name = 'HttpError';
    this.status = status;
    this.headers = options.headers ?? {};
  }
}

/** One half of a WebSocket as a handler sees it. */
export interface WebSocketConnection {
  readonly signal: AbortSignal;
  /** Resolves when the message was handed to the socket; waits while the peer reads slowly. */
  send(text: string): Promise<void>;
  close(code?: number, reason?: string): void;
}

export interface WebSocketRoute {
  readonly path: string;
  /** The request has no body. Throw HttpError before the first send to refuse the upgrade. */
  readonly handler: (request: HttpRequest, open: () => Promise<WebSocketConnection>) => Promise<void>;
}

/** A dialect: all routes of one API, mounted under a prefix and on a port of its own. */
export interface Dialect {
  readonly name: string;
  readonly routes: readonly Route[];
  readonly webSockets?: readonly WebSocketRoute[];
  /** Writes an error (HttpError, InputError, LimitError, OverloadedError or a bug) in the dialect's own shape. */
  readonly onError: (error: unknown, request: HttpRequest) => HttpResponse;
}

/** gRPC status codes that Trivium answers with. */
export const GRPC_OK = 0;
export const GRPC_CANCELLED = 1;
export const GRPC_INVALID_ARGUMENT = 3;
export const GRPC_DEADLINE_EXCEEDED = 4;
export const GRPC_RESOURCE_EXHAUSTED = 8;
export const GRPC_UNIMPLEMENTED = 12;
export const GRPC_INTERNAL = 13;
export const GRPC_UNAVAILABLE = 14;

/** A failed call. `details` is the base64-free binary google.rpc.Status for grpc-status-details-bin, if any. */
export class GrpcError extends Error {
  readonly code: number;
  readonly details: Uint8Array | undefined;

  constructor(code: number, message: string, options: ErrorOptions & { details?: Uint8Array } = {}) {
    super(message, options);
    this.name = 'GrpcError';
    this.code = code;
    this.details = options.details;
  }
}

export interface GrpcCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly tenant: string;
  readonly signal: AbortSignal;
}

/** A method with one request message; the answer is one message or a stream of them. */
export interface GrpcMethod {
  /** `/package.Service/Method` */
  readonly path: string;
  readonly handler: (message: Uint8Array, call: GrpcCall) => Promise<Uint8Array> | AsyncIterable<Uint8Array>;
}
