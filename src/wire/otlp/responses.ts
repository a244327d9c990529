/** OTLP's answers in protobuf and JSON: partial success, and google.rpc.Status with RetryInfo for errors. */

import { ProtobufWriter } from '../protobuf.ts';

export type Signal = 'traces' | 'metrics' | 'logs';
export type OtlpEncoding = 'protobuf' | 'json';

const REJECTED_FIELD = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
} as const;

/**
 * The answer to an export: empty when all was taken; otherwise the number of refused items and why. A message with
 * `rejected` 0 is a warning.
 */
export function exportResponse(
  signal: Signal,
  encoding: OtlpEncoding,
  rejected = 0,
  message = '',
): Uint8Array | string {
  const partial = rejected > 0 || message !== '';
  if (encoding === 'json') {
    if (!partial) return '{}';
    // int64 is a string in protobuf's JSON.
    return JSON.stringify({
      partialSuccess: {
        ...(rejected > 0 ? { [REJECTED_FIELD[signal]]: String(rejected) } : {}),
        ...(message !== '' ? { errorMessage: message } : {}),
      },
    });
  }
  const writer = new ProtobufWriter();
  if (partial) {
    writer.message(1, () => {
      if (rejected > 0) writer.int64(1, BigInt(rejected));
      if (message !== '') writer.string(2, message);
    });
  }
  return writer.finish();
}

/** google.rpc.Status; `retryAfterMs` adds google.rpc.RetryInfo to its details. */
export function statusResponse(
  encoding: OtlpEncoding,
  code: number,
  message: string,
  retryAfterMs?: number,
): Uint8Array | string {
  if (encoding === 'json') {
    const details =
      retryAfterMs === undefined
        ? {}
        : { details: [{ '@type': RETRY_INFO, retryDelay: `${(retryAfterMs / 1000).toFixed(3)}s` }] };
    return JSON.stringify({ code, message, ...details });
  }
  const writer = new ProtobufWriter();
  writer.uint32(1, code);
  writer.string(2, message);
  if (retryAfterMs !== undefined) {
    writer.message(3, () => {
      writer.string(1, RETRY_INFO);
      writer.message(2, () => {
        // RetryInfo.retry_delay, a google.protobuf.Duration
        writer.message(1, () => {
          const seconds = Math.floor(retryAfterMs / 1000);
          const nanos = Math.round((retryAfterMs - seconds * 1000) * 1e6);
          if (seconds > 0) writer.int64(1, BigInt(seconds));
          if (nanos > 0) writer.uint32(2, nanos);
        });
      });
    });
  }
  return writer.finish();
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';
