/**
 * Receives Zipkin spans: POST /api/v2/spans (JSON, protobuf) and /api/v1/spans (JSON). Answers 202 once they are
 * stored; spans that are valid are stored even when others of the list are refused with 400.
 */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import type { BatchSink } from '../../model/batch.ts';
import { DEFAULT_SPAN_LIMITS, type SpanLimits } from '../../wire/otlp/traces.ts';
import type { SpanBatchBuilder } from '../../wire/span-batch.ts';
import { decodeZipkinJson } from '../../wire/zipkin/json.ts';
import { decodeZipkinJsonV1 } from '../../wire/zipkin/json-v1.ts';
import { decodeZipkinProtobuf } from '../../wire/zipkin/protobuf.ts';
import { mediaType } from './failure.ts';
import { NO_RECEIVER_METRICS, type ReceiverMetrics } from './receiver-metrics.ts';
import { spanFailureAnswer, storeSpans } from './span-push.ts';

export interface ZipkinReceiverOptions {
  readonly sink: BatchSink;
  /** Present time in milliseconds. */
  readonly now: () => number;
  readonly metrics?: ReceiverMetrics;
  readonly limits?: SpanLimits;
}

type Decode = (body: Uint8Array, tenant: string, nowUs: bigint, limits: SpanLimits) => SpanBatchBuilder;

const RECEIVER = 'zipkin';
const JSON_TYPES: readonly string[] = ['', 'application/json'];
const PROTOBUF_TYPES: readonly string[] = ['application/x-protobuf', 'application/protobuf'];

/** Routes for POST /api/v2/spans and /api/v1/spans. */
export function zipkinReceiverRoutes(options: ZipkinReceiverOptions): Route[] {
  return [
    { methods: ['POST'], path: '/api/v2/spans', handler: (request) => receive(request, version2, options) },
    { methods: ['POST'], path: '/api/v1/spans', handler: (request) => receive(request, version1, options) },
  ];
}

/** The decoder for a media type, or why there is none. */
function version2(type: string): Decode | string {
  if (JSON_TYPES.includes(type)) return decodeZipkinJson;
  if (PROTOBUF_TYPES.includes(type)) return decodeZipkinProtobuf;
  return `unsupported Content-Type ${JSON.stringify(type)}; use application/json or application/x-protobuf`;
}

function version1(type: string): Decode | string {
  if (JSON_TYPES.includes(type)) return decodeZipkinJsonV1;
  if (type.includes('thrift'))
    return 'thrift of version 1 is not spoken; report application/json, or send to /api/v2/spans';
  return `unsupported Content-Type ${JSON.stringify(type)}; use application/json, or send to /api/v2/spans`;
}

async function receive(
  request: HttpRequest,
  choose: (type: string) => Decode | string,
  options: ZipkinReceiverOptions,
): Promise<HttpResponse> {
  const metrics = options.metrics ?? NO_RECEIVER_METRICS;
  const decode = choose(mediaType(request.headers['content-type']).type);
  if (typeof decode === 'string') {
    metrics.malformed(RECEIVER, 'http', 'content type');
    return spanFailureAnswer({ kind: 'media', message: decode, retryAfterMs: 0 });
  }
  const failure = await storeSpans(
    async () =>
      decode(
        await request.body(),
        request.tenant,
        BigInt(Math.round(options.now() * 1000)),
        options.limits ?? DEFAULT_SPAN_LIMITS,
      ),
    { sink: options.sink, metrics, receiver: RECEIVER, transport: 'http' },
  );
  return failure === undefined ? { status: 202 } : spanFailureAnswer(failure);
}
