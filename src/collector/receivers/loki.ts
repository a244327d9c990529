/**
 * Receives Loki's push API (POST /loki/api/v1/push in JSON and snappy-compressed protobuf) and OTLP logs on Loki's
 * path. Entries that are valid are stored even when others of the push are refused with 400.
 */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import type { BatchSink } from '../../model/batch.ts';
import { InputError } from '../../model/errors.ts';
import { DEFAULT_LOG_LIMITS, type LogLimits } from '../../wire/log-batch.ts';
import { type DecodedLogs, decodeLokiJson, decodeLokiProtobuf } from '../../wire/loki-push.ts';
import { snappyDecode } from '../../wire/snappy.ts';
import { type Failure, failureOfInput, failureOfSink, mediaType, retryAfter } from './failure.ts';
import { DEFAULT_MAX_FUTURE_MS, type OtlpReceiver } from './otlp.ts';
import { DEFAULT_MAX_DECODED_BYTES } from './prometheus-remote-write.ts';
import { NO_RECEIVER_METRICS, type ReceiverMetrics } from './receiver-metrics.ts';

export interface LokiReceiverOptions {
  readonly sink: BatchSink;
  /** Present time in milliseconds. */
  readonly now: () => number;
  /** Takes what comes by OTLP on Loki's path. */
  readonly otlp?: OtlpReceiver;
  readonly metrics?: ReceiverMetrics;
  readonly limits?: LogLimits;
  /** Limit of a protobuf body after decompression. */
  readonly maxDecodedBytes?: number;
  /** Entries further in the future are refused (Loki: creation_grace_period). */
  readonly maxFutureMs?: number;
}

const RECEIVER = 'loki';
const SPOKEN: ReadonlySet<string> = new Set(['', 'application/json', 'application/x-protobuf']);
const STATUS: Readonly<Record<Failure['kind'], number>> = {
  bad: 400,
  large: 413,
  // Loki has no 415.
  media: 400,
  busy: 429,
  down: 503,
  broken: 500,
};

/** Routes for POST /loki/api/v1/push and, with an OTLP receiver, POST /otlp/v1/logs. */
export function lokiReceiverRoutes(options: LokiReceiverOptions): Route[] {
  const metrics = options.metrics ?? NO_RECEIVER_METRICS;
  const routes: Route[] = [
    {
      methods: ['POST'],
      path: '/loki/api/v1/push',
      handler: (request) => receive(request, options, metrics),
    },
  ];
  if (options.otlp !== undefined) routes.push(options.otlp.route('logs', '/otlp/v1/logs'));
  return routes;
}

async function receive(
  request: HttpRequest,
  options: LokiReceiverOptions,
  metrics: ReceiverMetrics,
): Promise<HttpResponse> {
  let decoded: DecodedLogs;
  try {
    const { type } = mediaType(request.headers['content-type']);
    if (type === '')
      throw new InputError('no Content-Type', { hint: 'application/json or application/x-protobuf' });
    const decodeOptions = {
      limits: options.limits ?? DEFAULT_LOG_LIMITS,
      maxTimestampNs:
        BigInt(Math.round(options.now() + (options.maxFutureMs ?? DEFAULT_MAX_FUTURE_MS))) * 1_000_000n,
    };
    const body = await request.body();
    decoded =
      type === 'application/json'
        ? decodeLokiJson(body, request.tenant, decodeOptions)
        : decodeLokiProtobuf(
            snappyDecode(body, options.maxDecodedBytes ?? DEFAULT_MAX_DECODED_BYTES),
            request.tenant,
            decodeOptions,
          );
  } catch (error) {
    let failure = failureOfInput(error);
    metrics.malformed(RECEIVER, 'http', failure.kind);
    const { type } = mediaType(request.headers['content-type']);
    if (failure.kind === 'bad' && !SPOKEN.has(type)) {
      // As in Loki every other type is taken for protobuf; the sender should hear what was wrong in truth.
      failure = {
        ...failure,
        message: `${failure.message}; Content-Type ${JSON.stringify(type)} was taken for protobuf`,
      };
    }
    return answer(failure);
  }
  const { batch, rejected } = decoded;
  if (rejected.count > 0) metrics.refused('log_records', RECEIVER, 'http', rejected.count, 'invalid');
  if (batch.rows > 0) {
    try {
      await options.sink.writeLogs(batch);
    } catch (error) {
      const failure = failureOfSink(error);
      metrics.refused('log_records', RECEIVER, 'http', batch.rows, failure.kind);
      return answer(failure);
    }
    metrics.accepted('log_records', RECEIVER, 'http', batch.rows);
  }
  if (rejected.count > 0) return answer({ kind: 'bad', message: rejected.message, retryAfterMs: 0 });
  return { status: 204 };
}

function answer(failure: Failure): HttpResponse {
  const retry = failure.kind === 'busy' || failure.kind === 'down' ? retryAfter(failure) : {};
  return {
    status: STATUS[failure.kind],
    headers: { 'content-type': 'text/plain; charset=utf-8', ...retry },
    body: `${failure.message}\n`,
  };
}
