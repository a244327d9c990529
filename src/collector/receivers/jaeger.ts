/**
 * Receives Jaeger spans: POST /api/traces (thrift over HTTP) and jaeger.api_v2.CollectorService/PostSpans (gRPC).
 * Success is answered once they are stored; spans that are valid are stored even when others are refused.
 */

import {
  GRPC_INTERNAL,
  GRPC_INVALID_ARGUMENT,
  GRPC_RESOURCE_EXHAUSTED,
  GRPC_UNAVAILABLE,
  GRPC_UNIMPLEMENTED,
  GrpcError,
  type GrpcMethod,
  type HttpRequest,
  type HttpResponse,
  type Route,
} from '../../http/handler.ts';
import type { BatchSink } from '../../model/batch.ts';
import { decodeJaegerProtobuf } from '../../wire/jaeger/protobuf.ts';
import { decodeJaegerThrift } from '../../wire/jaeger/thrift.ts';
import { DEFAULT_SPAN_LIMITS, type SpanLimits } from '../../wire/otlp/traces.ts';
import { type Failure, mediaType } from './failure.ts';
import { NO_RECEIVER_METRICS, type ReceiverMetrics } from './receiver-metrics.ts';
import { spanFailureAnswer, storeSpans } from './span-push.ts';

export interface JaegerReceiverOptions {
  readonly sink: BatchSink;
  readonly metrics?: ReceiverMetrics;
  readonly limits?: SpanLimits;
}

const RECEIVER = 'jaeger';
const TYPES: ReadonlySet<string> = new Set(['application/vnd.apache.thrift.binary', 'application/x-thrift']);
const GRPC_STATUS: Readonly<Record<Failure['kind'], number>> = {
  bad: GRPC_INVALID_ARGUMENT,
  large: GRPC_RESOURCE_EXHAUSTED,
  media: GRPC_UNIMPLEMENTED,
  busy: GRPC_RESOURCE_EXHAUSTED,
  down: GRPC_UNAVAILABLE,
  broken: GRPC_INTERNAL,
};

/** The route for POST /api/traces. */
export function jaegerReceiverRoutes(options: JaegerReceiverOptions): Route[] {
  return [{ methods: ['POST'], path: '/api/traces', handler: (request) => receive(request, options) }];
}

/** PostSpans. */
export function jaegerGrpcMethods(options: JaegerReceiverOptions): GrpcMethod[] {
  return [
    {
      path: '/jaeger.api_v2.CollectorService/PostSpans',
      handler: async (message, call) => {
        const failure = await storeSpans(
          () => decodeJaegerProtobuf(message, call.tenant, options.limits ?? DEFAULT_SPAN_LIMITS),
          {
            sink: options.sink,
            metrics: options.metrics ?? NO_RECEIVER_METRICS,
            receiver: RECEIVER,
            transport: 'grpc',
          },
        );
        if (failure !== undefined) throw new GrpcError(GRPC_STATUS[failure.kind], failure.message);
        // PostSpansResponse has no fields.
        return new Uint8Array(0);
      },
    },
  ];
}

async function receive(request: HttpRequest, options: JaegerReceiverOptions): Promise<HttpResponse> {
  const metrics = options.metrics ?? NO_RECEIVER_METRICS;
  const { type } = mediaType(request.headers['content-type']);
  if (!TYPES.has(type)) {
    metrics.malformed(RECEIVER, 'http', 'content type');
    const message = `unsupported Content-Type ${JSON.stringify(type)}; use ${[...TYPES].join(' or ')}`;
    return spanFailureAnswer({ kind: 'media', message, retryAfterMs: 0 });
  }
  const failure = await storeSpans(
    async () =>
      decodeJaegerThrift(await request.body(), request.tenant, options.limits ?? DEFAULT_SPAN_LIMITS),
    { sink: options.sink, metrics, receiver: RECEIVER, transport: 'http' },
  );
  return failure === undefined ? { status: 202 } : spanFailureAnswer(failure);
}
