/**
 * gRPC over an HTTP/2 stream: length-prefixed messages, compression and trailers, for methods with one request
 * message (PROTOCOL-HTTP2 of the gRPC project). What the messages mean is the methods' business.
 */

import type http2 from 'node:http2';
import { decompressOne, readAll } from './body.ts';
import {
  GRPC_CANCELLED,
  GRPC_DEADLINE_EXCEEDED,
  GRPC_INTERNAL,
  GRPC_INVALID_ARGUMENT,
  GRPC_OK,
  GRPC_RESOURCE_EXHAUSTED,
  GRPC_UNIMPLEMENTED,
  type GrpcCall,
  GrpcError,
  type GrpcMethod,
  HttpError,
} from './handler.ts';
import { tenantOf } from './tenant.ts';

const TIMEOUT_UNITS_MS: Record<string, number> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

export interface GrpcOptions {
  readonly methods: ReadonlyMap<string, GrpcMethod>;
  readonly maxMessageBytes: number;
  /** Aborts when the server closes. */
  readonly signal: AbortSignal;
  readonly onBug: (error: unknown) => void;
}

/** Answers one call. Returns the gRPC status code for the caller's metrics; never throws. */
export async function answerGrpc(
  stream: http2.ServerHttp2Stream,
  headers: Record<string, string>,
  options: GrpcOptions,
): Promise<number> {
  const aborter = new AbortController();
  const abort = () => aborter.abort();
  stream.once('aborted', abort);
  stream.once('close', abort);
  options.signal.addEventListener('abort', abort, { once: true });
  const timer = deadline(headers['grpc-timeout'], () =>
    aborter.abort(new GrpcError(GRPC_DEADLINE_EXCEEDED, 'deadline exceeded')),
  );
  try {
    const path = headers[':path'] ?? '';
    const method = options.methods.get(path);
    if (method === undefined) throw new GrpcError(GRPC_UNIMPLEMENTED, `unknown method ${path}`);
    const call: GrpcCall = { headers, tenant: tenantOf(headers['x-scope-orgid']), signal: aborter.signal };
    const raw = await readAll(stream, options.maxMessageBytes + 5);
    const message = await unframe(raw, headers['grpc-encoding'], options.maxMessageBytes);
    const answer = method.handler(message, call);
    if (Symbol.asyncIterator in answer) {
      for await (const part of answer) {
        open(stream);
        if (aborter.signal.aborted) throw aborter.signal.reason;
        if (!stream.write(frame(part))) await drained(stream);
      }
    } else {
      const part = await answer;
      open(stream);
      stream.write(frame(part));
    }
    finish(stream, GRPC_OK, '', undefined);
    return GRPC_OK;
  } catch (error) {
    const failure = asGrpcError(error, aborter.signal);
    if (failure.code === GRPC_INTERNAL) options.onBug(error);
    finish(stream, failure.code, failure.message, failure.details);
    return failure.code;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', abort);
  }
}

function asGrpcError(error: unknown, signal: AbortSignal): GrpcError {
  if (error instanceof GrpcError) return error;
  if (signal.aborted) {
    return signal.reason instanceof GrpcError ? signal.reason : new GrpcError(GRPC_CANCELLED, 'cancelled');
  }
  if (error instanceof HttpError) {
    const code =
      error.status === 413
        ? GRPC_RESOURCE_EXHAUSTED
        : error.status === 415
          ? GRPC_UNIMPLEMENTED
          : GRPC_INVALID_ARGUMENT;
    return new GrpcError(code, error.message, { cause: error });
  }
  return new GrpcError(GRPC_INTERNAL, error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

function deadline(header: string | undefined, onTimeout: () => void): NodeJS.Timeout | undefined {
  const match = header === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(header);
  if (match === null) return undefined;
  return setTimeout(
    onTimeout,
    Math.min(Number(match[1]) * (TIMEOUT_UNITS_MS[match[2] as string] as number), 2 ** 31 - 1),
  );
}

async function unframe(
  raw: Uint8Array,
  encoding: string | undefined,
  limitBytes: number,
): Promise<Uint8Array> {
  if (raw.length < 5) throw new GrpcError(GRPC_INVALID_ARGUMENT, 'the request holds no message');
  const size = new DataView(raw.buffer, raw.byteOffset, 5).getUint32(1);
  if (size > limitBytes) {
    throw new GrpcError(
      GRPC_RESOURCE_EXHAUSTED,
      `message of ${size} bytes is larger than the limit of ${limitBytes}`,
    );
  }
  if (raw.length - 5 !== size) {
    throw new GrpcError(
      GRPC_INVALID_ARGUMENT,
      raw.length - 5 < size ? 'the message is truncated' : 'more than one message in a unary request',
    );
  }
  const message = raw.subarray(5);
  const flag = raw[0] as number;
  if (flag === 0) return message;
  if (flag !== 1) throw new GrpcError(GRPC_INVALID_ARGUMENT, `unknown message flag ${flag}`);
  return decompressOne(message, encoding ?? 'identity', limitBytes);
}

function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 5);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

function open(stream: http2.ServerHttp2Stream): void {
  if (stream.headersSent || stream.destroyed) return;
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc',
      'grpc-accept-encoding': 'identity,gzip,deflate,zstd',
    },
    { waitForTrailers: true },
  );
}

function finish(
  stream: http2.ServerHttp2Stream,
  code: number,
  message: string,
  details: Uint8Array | undefined,
): void {
  if (stream.destroyed || stream.closed) return;
  const trailers: Record<string, string> = { 'grpc-status': String(code) };
  if (message !== '') trailers['grpc-message'] = percentEncode(message);
  if (details !== undefined) trailers['grpc-status-details-bin'] = Buffer.from(details).toString('base64');
  if (!stream.headersSent) {
    // Trailers-only answer.
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
    return;
  }
  stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end();
}

/** Bytes outside of printable ASCII, and '%', as %XX. */
function percentEncode(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text.slice(0, 2048), 'utf8')) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

function drained(stream: http2.ServerHttp2Stream): Promise<void> {
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
