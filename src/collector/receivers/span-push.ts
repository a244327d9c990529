/** What receivers of spans other than OTLP have in common: decode, store, count, and say in plain text what failed. */

import { type Dialect, HttpError, type HttpResponse, type Route } from '../../http/handler.ts';
import type { BatchSink } from '../../model/batch.ts';
import { InputError } from '../../model/errors.ts';
import type { SpanBatchBuilder } from '../../wire/span-batch.ts';
import { type Failure, failureOfInput, failureOfSink, retryAfter } from './failure.ts';
import type { ReceiverMetrics } from './receiver-metrics.ts';

interface SpanPush {
  readonly sink: BatchSink;
  readonly metrics: ReceiverMetrics;
  readonly receiver: string;
  readonly transport: string;
}

const STATUS: Readonly<Record<Failure['kind'], number>> = {
  bad: 400,
  large: 413,
  media: 415,
  busy: 503,
  down: 503,
  broken: 500,
};

/** Decodes and stores. Gives the failure, also when only some spans were refused (the others are stored then). */
export async function storeSpans(
  decode: () => Promise<SpanBatchBuilder> | SpanBatchBuilder,
  { sink, metrics, receiver, transport }: SpanPush,
): Promise<Failure | undefined> {
  let decoded: SpanBatchBuilder;
  try {
    decoded = await decode();
  } catch (error) {
    const failure = failureOfInput(error);
    metrics.malformed(receiver, transport, failure.kind);
    return failure;
  }
  const { batch, rejected } = decoded;
  const spans = batch.kinds.length;
  if (rejected.count > 0) metrics.refused('spans', receiver, transport, rejected.count, 'invalid');
  if (spans > 0) {
    try {
      await sink.writeSpans(batch);
    } catch (error) {
      const failure = failureOfSink(error);
      metrics.refused('spans', receiver, transport, spans, failure.kind);
      return failure;
    }
    metrics.accepted('spans', receiver, transport, spans);
  }
  if (rejected.count === 0) return undefined;
  const message = `${rejected.count} of ${rejected.count + spans} spans refused: ${rejected.message}`;
  return { kind: 'bad', message, retryAfterMs: 0 };
}

export function spanFailureAnswer(failure: Failure): HttpResponse {
  const retry = failure.kind === 'busy' || failure.kind === 'down' ? retryAfter(failure) : {};
  return plain(STATUS[failure.kind], failure.message, retry);
}

/** A dialect of such a receiver's routes; errors of the frame come in plain text as well. */
export function spanReceiverDialect(name: string, routes: readonly Route[]): Dialect {
  return {
    name,
    routes,
    onError: (error) => {
      if (error instanceof HttpError) return plain(error.status, error.message, error.headers);
      if (error instanceof InputError) return plain(400, error.message);
      return plain(500, error instanceof Error ? error.message : String(error));
    },
  };
}

function plain(
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: `${message}\n`,
  };
}
