/**
 * Receives OTLP over HTTP (protobuf and JSON) and gRPC: traces, metrics and logs. Statuses follow the OTLP
 * specification 1.x. An export is answered with success only when the sink has taken it.
 */

import {
  type Dialect,
  GRPC_INTERNAL,
  GRPC_INVALID_ARGUMENT,
  GRPC_RESOURCE_EXHAUSTED,
  GRPC_UNAVAILABLE,
  GRPC_UNIMPLEMENTED,
  GrpcError,
  type GrpcMethod,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  type Route,
} from '../../http/handler.ts';
import type { BatchSink } from '../../model/batch.ts';
import { InputError } from '../../model/errors.ts';
import type { LogLimits } from '../../wire/log-batch.ts';
import { otlpJsonToProtobuf } from '../../wire/otlp/json.ts';
import { DEFAULT_INDEXED_ATTRIBUTES, DEFAULT_OTLP_LOG_LIMITS, decodeOtlpLogs } from '../../wire/otlp/logs.ts';
import { DEFAULT_OTLP_METRICS_OPTIONS, type OtlpMetricsOptions } from '../../wire/otlp/metric-memory.ts';
import { OtlpMetricsDecoder } from '../../wire/otlp/metrics.ts';
import { exportResponse, type OtlpEncoding, type Signal, statusResponse } from '../../wire/otlp/responses.ts';
import { LOGS, METRICS, TRACES } from '../../wire/otlp/schema.ts';
import { DEFAULT_SPAN_LIMITS, decodeTraces, type SpanLimits } from '../../wire/otlp/traces.ts';
import { type Failure, failureOfInput, failureOfSink, mediaType, retryAfter } from './failure.ts';
import { NO_RECEIVER_METRICS, type ReceivedSignal, type ReceiverMetrics } from './receiver-metrics.ts';

export interface OtlpReceiverOptions {
  readonly sink: BatchSink;
  /** Present time in milliseconds. */
  readonly now: () => number;
  readonly metrics?: ReceiverMetrics;
  /** Holds the options of the metrics' translation. */
  readonly metricsDecoder?: OtlpMetricsDecoder;
  readonly spanLimits?: SpanLimits;
  readonly logLimits?: LogLimits;
  /** Resource attributes that become labels of log streams. */
  readonly indexedAttributes?: readonly string[];
  /** Metric points and log records further in the future are refused. */
  readonly maxFutureMs?: number;
}

/** Clocks of senders may be this much ahead (Prometheus's and Loki's default). */
export const DEFAULT_MAX_FUTURE_MS = 10 * 60_000;

const RECEIVER = 'otlp';
const SIGNALS: Readonly<Record<Signal, ReceivedSignal>> = {
  traces: 'spans',
  metrics: 'metric_points',
  logs: 'log_records',
};
const SCHEMAS = { traces: TRACES, metrics: METRICS, logs: LOGS } as const;
const GRPC_PATHS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};
const HTTP_STATUS: Readonly<Record<Failure['kind'], number>> = {
  bad: 400,
  large: 413,
  media: 415,
  busy: 429,
  down: 503,
  broken: 500,
};
const GRPC_STATUS: Readonly<Record<Failure['kind'], number>> = {
  bad: GRPC_INVALID_ARGUMENT,
  // Without RetryInfo this means: do not send it again.
  large: GRPC_RESOURCE_EXHAUSTED,
  media: GRPC_UNIMPLEMENTED,
  busy: GRPC_RESOURCE_EXHAUSTED,
  down: GRPC_UNAVAILABLE,
  broken: GRPC_INTERNAL,
};

/** A decoded export on its way to the sink. */
interface Export {
  readonly items: number;
  readonly rejected: { readonly count: number; readonly message: string };
  readonly write: () => Promise<void>;
  /** Takes back what decoding changed when the sink did not take the batch. */
  readonly undo?: () => void;
}

export class OtlpReceiver {
  readonly #options: OtlpReceiverOptions;
  readonly #metrics: ReceiverMetrics;
  #decoder: OtlpMetricsDecoder;
  readonly #maxFutureMs: number;

  constructor(options: OtlpReceiverOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? NO_RECEIVER_METRICS;
    this.#decoder = options.metricsDecoder ?? new OtlpMetricsDecoder();
    this.#maxFutureMs = options.maxFutureMs ?? DEFAULT_MAX_FUTURE_MS;
  }

  /** How metrics are translated from now on; running totals of deltas go on. */
  translateMetrics(options: Partial<OtlpMetricsOptions>): void {
    this.#decoder = new OtlpMetricsDecoder(
      { ...DEFAULT_OTLP_METRICS_OPTIONS, ...options },
      this.#decoder.deltas,
    );
  }

  /** Routes for POST /v1/traces, /v1/metrics and /v1/logs. */
  get routes(): Route[] {
    return (['traces', 'metrics', 'logs'] as const).map((signal) => this.route(signal, `/v1/${signal}`));
  }

  /** One route under another path. */
  route(signal: Signal, path: string): Route {
    return { methods: ['POST'], path, handler: (request) => this.#http(signal, request) };
  }

  /** The three Export methods. */
  get grpcMethods(): GrpcMethod[] {
    return (['traces', 'metrics', 'logs'] as const).map((signal) => ({
      path: GRPC_PATHS[signal],
      handler: (message, call) => this.#grpc(signal, message, call.tenant),
    }));
  }

  /** The routes as a dialect; errors of the frame are written as google.rpc.Status. */
  get dialect(): Dialect {
    return { name: 'otlp', routes: this.routes, onError: otlpError };
  }

  async #http(signal: Signal, request: HttpRequest): Promise<HttpResponse> {
    const encoding = encodingOf(request);
    if (encoding === undefined) {
      this.#metrics.malformed(RECEIVER, 'http', 'content type');
      const given = request.headers['content-type'] ?? '';
      const message = `unsupported Content-Type ${JSON.stringify(given)}; use application/x-protobuf or application/json`;
      return statusAnswer('json', 415, GRPC_INVALID_ARGUMENT, message);
    }
    let decoded: Export;
    try {
      const body = await request.body();
      decoded = this.#decode(
        signal,
        encoding === 'json' ? otlpJsonToProtobuf(body, SCHEMAS[signal]) : body,
        request.tenant,
      );
    } catch (error) {
      const failure = failureOfInput(error);
      this.#metrics.malformed(RECEIVER, 'http', failure.kind);
      return failureAnswer(encoding, failure);
    }
    const failure = await this.#store(signal, decoded, 'http');
    if (failure !== undefined) return failureAnswer(encoding, failure);
    const { count, message } = decoded.rejected;
    return {
      status: 200,
      headers: { 'content-type': CONTENT_TYPES[encoding] },
      body: exportResponse(signal, encoding, count, message),
    };
  }

  async #grpc(signal: Signal, message: Uint8Array, tenant: string): Promise<Uint8Array> {
    let decoded: Export;
    try {
      decoded = this.#decode(signal, message, tenant);
    } catch (error) {
      const failure = failureOfInput(error);
      this.#metrics.malformed(RECEIVER, 'grpc', failure.kind);
      throw grpcError(failure);
    }
    const failure = await this.#store(signal, decoded, 'grpc');
    if (failure !== undefined) throw grpcError(failure);
    return exportResponse(signal, 'protobuf', decoded.rejected.count, decoded.rejected.message) as Uint8Array;
  }

  #decode(signal: Signal, body: Uint8Array, tenant: string): Export {
    const { sink } = this.#options;
    if (signal === 'traces') {
      const { batch, rejected } = decodeTraces(body, tenant, this.#options.spanLimits ?? DEFAULT_SPAN_LIMITS);
      return { items: batch.kinds.length, rejected, write: () => sink.writeSpans(batch) };
    }
    const nowMs = this.#options.now();
    if (signal === 'metrics') {
      const { batch, rejected, points, journal } = this.#decoder.decode(
        body,
        tenant,
        nowMs + this.#maxFutureMs,
      );
      return {
        items: points,
        rejected,
        write: () => sink.writeMetrics(batch),
        undo: () => this.#decoder.deltas.undo(journal),
      };
    }
    const { batch, rejected } = decodeOtlpLogs(body, tenant, {
      limits: this.#options.logLimits ?? DEFAULT_OTLP_LOG_LIMITS,
      indexedAttributes: this.#options.indexedAttributes ?? DEFAULT_INDEXED_ATTRIBUTES,
      nowNs: BigInt(Math.round(nowMs * 1000)) * 1000n,
      maxTimestampNs: BigInt(Math.round(nowMs + this.#maxFutureMs)) * 1_000_000n,
    });
    return { items: batch.rows, rejected, write: () => sink.writeLogs(batch) };
  }

  /** Hands a batch to the sink and counts. Gives the failure when it was not taken. */
  async #store(signal: Signal, decoded: Export, transport: string): Promise<Failure | undefined> {
    const { items, rejected } = decoded;
    if (rejected.count > 0) {
      this.#metrics.refused(SIGNALS[signal], RECEIVER, transport, rejected.count, 'invalid');
    }
    if (items === 0) return undefined;
    try {
      await decoded.write();
    } catch (error) {
      decoded.undo?.();
      const failure = failureOfSink(error);
      this.#metrics.refused(SIGNALS[signal], RECEIVER, transport, items, failure.kind);
      return failure;
    }
    this.#metrics.accepted(SIGNALS[signal], RECEIVER, transport, items);
    return undefined;
  }
}

const CONTENT_TYPES = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;

function encodingOf(request: HttpRequest): OtlpEncoding | undefined {
  switch (mediaType(request.headers['content-type']).type) {
    case 'application/x-protobuf':
    case 'application/protobuf':
      return 'protobuf';
    case 'application/json':
      return 'json';
    default:
      return undefined;
  }
}

function statusAnswer(
  encoding: OtlpEncoding,
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
  retryAfterMs?: number,
): HttpResponse {
  return {
    status,
    headers: { 'content-type': CONTENT_TYPES[encoding], ...headers },
    body: statusResponse(encoding, code, message, retryAfterMs),
  };
}

function failureAnswer(encoding: OtlpEncoding, failure: Failure): HttpResponse {
  const retry = failure.kind === 'busy' || failure.kind === 'down';
  return statusAnswer(
    encoding,
    HTTP_STATUS[failure.kind],
    GRPC_STATUS[failure.kind],
    failure.message,
    retry ? retryAfter(failure) : {},
    retry ? failure.retryAfterMs : undefined,
  );
}

function grpcError(failure: Failure): GrpcError {
  const code = GRPC_STATUS[failure.kind];
  const retry = failure.kind === 'busy' || failure.kind === 'down';
  const details = statusResponse('protobuf', code, failure.message, retry ? failure.retryAfterMs : undefined);
  return new GrpcError(code, failure.message, { details: details as Uint8Array });
}

/** Errors that the frame found: unknown path or method, a tenant that is no name, bugs. */
export function otlpError(error: unknown, request: HttpRequest): HttpResponse {
  const encoding = encodingOf(request) ?? 'json';
  if (error instanceof HttpError) {
    const code = error.status === 404 || error.status === 405 ? GRPC_UNIMPLEMENTED : GRPC_INVALID_ARGUMENT;
    return statusAnswer(encoding, error.status, code, error.message, { ...error.headers });
  }
  if (error instanceof InputError) return statusAnswer(encoding, 400, GRPC_INVALID_ARGUMENT, error.message);
  return statusAnswer(encoding, 500, GRPC_INTERNAL, error instanceof Error ? error.message : String(error));
}
