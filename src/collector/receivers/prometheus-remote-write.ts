/**
 * Receives Prometheus remote write 1.0 and 2.0 (POST /api/v1/write). What is valid in a request is stored even when
 * other parts are refused with 400, as both specifications want; answers of 2.0 say how much was written.
 */

import type { HttpRequest, HttpResponse, Route } from '../../http/handler.ts';
import type { BatchSink } from '../../model/batch.ts';
import type { SeriesLimits } from '../../wire/metric-batch.ts';
import {
  DEFAULT_REMOTE_WRITE_OPTIONS,
  type DecodedWrite,
  RemoteWriteDecoder,
} from '../../wire/remote-write.ts';
import { snappyDecode } from '../../wire/snappy.ts';
import { type Failure, failureOfInput, failureOfSink, mediaType, retryAfter } from './failure.ts';
import { DEFAULT_MAX_FUTURE_MS } from './otlp.ts';
import { NO_RECEIVER_METRICS, type ReceiverMetrics } from './receiver-metrics.ts';

export interface RemoteWriteReceiverOptions {
  readonly sink: BatchSink;
  /** Present time in milliseconds. */
  readonly now: () => number;
  readonly metrics?: ReceiverMetrics;
  readonly decoder?: RemoteWriteDecoder;
  readonly limits?: SeriesLimits;
  /** Limit of a body after decompression. */
  readonly maxDecodedBytes?: number;
  /** Samples further in the future are refused. */
  readonly maxFutureMs?: number;
  readonly createdTimestampZeroSamples?: boolean;
}

export const DEFAULT_MAX_DECODED_BYTES = 64 << 20;

const RECEIVER = 'prometheusremotewrite';
const VERSION_1 = 'prometheus.WriteRequest';
const VERSION_2 = 'io.prometheus.write.v2.Request';
const STATUS: Readonly<Record<Failure['kind'], number>> = {
  bad: 400,
  large: 413,
  media: 415,
  // Prometheus gives a request up on 429 unless told otherwise, but repeats it on any 5xx.
  busy: 503,
  down: 503,
  broken: 500,
};

/** The route for POST /api/v1/write. */
export function remoteWriteRoutes(options: RemoteWriteReceiverOptions): Route[] {
  const decoder = options.decoder ?? new RemoteWriteDecoder();
  const metrics = options.metrics ?? NO_RECEIVER_METRICS;
  return [
    {
      methods: ['POST'],
      path: '/api/v1/write',
      handler: (request) => receive(request, options, decoder, metrics),
    },
  ];
}

async function receive(
  request: HttpRequest,
  options: RemoteWriteReceiverOptions,
  decoder: RemoteWriteDecoder,
  metrics: ReceiverMetrics,
): Promise<HttpResponse> {
  const version = versionOf(request);
  if (typeof version === 'string') {
    metrics.malformed(RECEIVER, 'http', 'content type');
    return answer(415, version);
  }
  let decoded: DecodedWrite;
  try {
    const body = snappyDecode(await request.body(), options.maxDecodedBytes ?? DEFAULT_MAX_DECODED_BYTES);
    const decodeOptions = {
      limits: options.limits ?? DEFAULT_REMOTE_WRITE_OPTIONS.limits,
      createdTimestampZeroSamples: options.createdTimestampZeroSamples ?? false,
      maxTimestampMs: options.now() + (options.maxFutureMs ?? DEFAULT_MAX_FUTURE_MS),
    };
    decoded =
      version === 1
        ? decoder.version1(body, request.tenant, decodeOptions)
        : decoder.version2(body, request.tenant, decodeOptions);
  } catch (error) {
    const failure = failureOfInput(error);
    metrics.malformed(RECEIVER, 'http', failure.kind);
    return answer(STATUS[failure.kind], failure.message, version === 2 ? written(0, 0, 0) : {});
  }
  const { batch, rejected, samples, histograms, exemplars } = decoded;
  if (rejected.count > 0) metrics.refused('metric_points', RECEIVER, 'http', rejected.count, 'invalid');
  if (samples + histograms + exemplars + batch.metadata.length > 0) {
    try {
      await options.sink.writeMetrics(batch);
    } catch (error) {
      const failure = failureOfSink(error);
      metrics.refused('metric_points', RECEIVER, 'http', samples + histograms, failure.kind);
      return answer(STATUS[failure.kind], failure.message, {
        ...(failure.kind === 'broken' ? {} : retryAfter(failure)),
        ...(version === 2 ? written(0, 0, 0) : {}),
      });
    }
    metrics.accepted('metric_points', RECEIVER, 'http', samples + histograms);
  }
  const headers = version === 2 ? written(samples, histograms, exemplars) : {};
  return rejected.count > 0 ? answer(400, rejected.message, headers) : { status: 204, headers };
}

/** 1 or 2, or why the request's encoding is not taken. */
function versionOf(request: HttpRequest): 1 | 2 | string {
  const encoding = (request.headers['content-encoding'] ?? '').trim().toLowerCase();
  if (encoding !== '' && encoding !== 'snappy') {
    return `${encoding} encoding (compression) is not accepted by this server; only snappy is acceptable`;
  }
  const header = request.headers['content-type'];
  if (header === undefined || header === '') return 1;
  const { type, parameters } = mediaType(header);
  if (type !== 'application/x-protobuf') {
    return `expected application/x-protobuf as the first (media) part, got ${header} content-type`;
  }
  const message = parameters.get('proto') ?? VERSION_1;
  if (message === VERSION_1) return 1;
  if (message === VERSION_2) return 2;
  return `unknown type for remote write protobuf message ${message}, supported: ${VERSION_1}, ${VERSION_2}`;
}

function written(samples: number, histograms: number, exemplars: number): Record<string, string> {
  return {
    'X-Prometheus-Remote-Write-Samples-Written': String(samples),
    'X-Prometheus-Remote-Write-Histograms-Written': String(histograms),
    'X-Prometheus-Remote-Write-Exemplars-Written': String(exemplars),
  };
}

function answer(status: number, message: string, headers: Record<string, string> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: `${message}\n`,
  };
}
