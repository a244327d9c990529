/** Failures of outgoing requests in the words that users of Prometheus know from its targets page. */

/** A request that got no answer. `timedOut`: the caller's deadline passed. */
export class HttpRequestError extends Error {
  readonly timedOut: boolean;

  constructor(message: string, timedOut: boolean, cause?: unknown) {
    super(message, { cause });
    this.name = 'HttpRequestError';
    this.timedOut = timedOut;
  }
}

/** The answer was larger than the caller wanted; `maxBytes` holds before and after decompression. */
export class BodyTooLargeError extends Error {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super('body size limit exceeded');
    this.name = 'BodyTooLargeError';
    this.maxBytes = maxBytes;
  }
}

interface SystemError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
}

/** What went wrong below HTTP, without method and URL. */
export function describeCause(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeCause(error.errors[0]);
  const { code, address, port, hostname, message } = error as SystemError;
  const dial = `dial tcp ${address?.includes(':') ? `[${address}]` : address}:${port}: `;
  switch (code) {
    case 'ECONNREFUSED':
      return `${dial}connect: connection refused`;
    case 'EHOSTUNREACH':
      return `${dial}connect: no route to host`;
    case 'ENETUNREACH':
      return `${dial}connect: network is unreachable`;
    case 'ETIMEDOUT':
      return address === undefined ? 'i/o timeout' : `${dial}i/o timeout`;
    case 'ENOTFOUND':
    case 'ENODATA':
      return `dial tcp: lookup ${hostname}: no such host`;
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${hostname}: Temporary failure in name resolution`;
    case 'ECONNRESET':
      return message === 'socket hang up' ? 'EOF' : 'read: connection reset by peer';
    case 'EPIPE':
      return 'write: broken pipe';
    case 'EPROTO':
      return `tls: ${message}`;
    case undefined:
      return message;
    default:
      if (/^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS_)/.test(code)) {
        return `tls: failed to verify certificate: ${message}`;
      }
      return message;
  }
}
