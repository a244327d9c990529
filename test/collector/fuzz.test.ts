/**
 * Ten thousand broken bodies for every receiver: valid ones with bytes changed, cut, doubled or put elsewhere. The
 * answer is a success or a refusal with a reason; nothing crashes, nothing hangs, memory does not grow.
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { lokiReceiverRoutes } from '../../src/collector/receivers/loki.ts';
import { OtlpReceiver } from '../../src/collector/receivers/otlp.ts';
import { remoteWriteRoutes } from '../../src/collector/receivers/prometheus-remote-write.ts';
import { GrpcError, type Route } from '../../src/http/handler.ts';
import type { BatchSink } from '../../src/model/batch.ts';
import { snappyEncode } from '../../src/wire/snappy.ts';
import { concat, double, field, int, message, sint, varint, zigzag } from '../wire/bytes.ts';
import { logsRequest, metricsRequest, tracesRequest } from '../wire/otlp-request.ts';
import { Random } from '../wire/random.ts';
import { post } from './requests.ts';

const BODIES = 10_000;
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const discard: BatchSink = {
  writeMetrics: async () => {},
  writeLogs: async () => {},
  writeSpans: async () => {},
};
const now = () => 1_800_000_000_000;

function mutate(random: Random, body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body);
  switch (random.below(7)) {
    case 0:
      return bytes.subarray(0, random.below(bytes.length + 1));
    case 1:
      for (let i = random.below(4); i >= 0; i--)
        if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    case 2:
      for (let i = random.below(4); i >= 0; i--) {
        const at = random.below(Math.max(1, bytes.length));
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      }
      return bytes;
    case 3: {
      const at = random.below(bytes.length + 1);
      const noise = Buffer.from(random.hex(random.below(12)), 'hex');
      return Buffer.concat([bytes.subarray(0, at), noise, bytes.subarray(at)]);
    }
    case 4: {
      const from = random.below(bytes.length + 1);
      const to = from + random.below(bytes.length - from + 1);
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    }
    case 5: {
      const from = random.below(bytes.length + 1);
      return Buffer.concat([
        bytes.subarray(0, from),
        bytes.subarray(Math.min(bytes.length, from + 1 + random.below(20))),
      ]);
    }
    default:
      // Lengths and numbers of many bytes.
      for (let i = 0; i < 3; i++)
        if (bytes.length > 12) bytes.fill(0xff, random.below(bytes.length - 10), 10);
      return bytes;
  }
}

/** Sends BODIES mutated bodies and checks each answer. */
async function fuzz(
  what: string,
  valid: (random: Random) => Uint8Array,
  send: (body: Uint8Array, random: Random) => Promise<{ status: number; reason: string }>,
): Promise<void> {
  const random = new Random(what);
  const statuses: Record<number, number> = {};
  const seeds = Array.from({ length: 60 }, () => valid(random)).filter((body) => body.length < 5000);
  globalThis.gc?.();
  let heapBefore = 0;
  for (let i = 0; i < BODIES; i++) {
    if (i === BODIES / 10) heapBefore = process.memoryUsage().heapUsed;
    const body = mutate(random, random.pick(seeds));
    const startMs = performance.now();
    const { status, reason } = await send(body, random);
    assert.ok(performance.now() - startMs < 2000, `body ${i} took too long`);
    statuses[status] = (statuses[status] ?? 0) + 1;
    assert.ok(
      [200, 204, 400, 413].includes(status),
      `body ${i}: ${status} ${reason} ${Buffer.from(body).toString('base64')}`,
    );
    if (status >= 400) assert.ok(reason.length > 3, `body ${i}: ${status} without a reason`);
  }
  const grownMb = (process.memoryUsage().heapUsed - heapBefore) / 1e6;
  console.log(`${what}: ${JSON.stringify(statuses)}, heap ${grownMb.toFixed(0)} MB more`);
  assert.ok(grownMb < 300, `heap grew by ${grownMb} MB`);
  assert.ok((statuses[400] ?? 0) > BODIES / 20, 'mutations must do harm');
  assert.ok((statuses[200] ?? 0) + (statuses[204] ?? 0) > BODIES / 50, 'some bodies must survive');
}

async function over(
  routes: readonly Route[],
  path: string,
  body: Uint8Array,
  headers: Record<string, string>,
) {
  const { status, text } = await post(routes, path, body, headers);
  return { status, reason: text };
}

const SIGNALS = [
  ['traces', tracesRequest, 'TraceService'],
  ['metrics', metricsRequest, 'MetricsService'],
  ['logs', logsRequest, 'LogsService'],
] as const;

describe(`${BODIES} broken bodies`, () => {
  for (const [signal, make, service] of SIGNALS) {
    const receiver = new OtlpReceiver({ sink: discard, now });
    it(`OTLP ${signal} in protobuf`, () =>
      fuzz(
        `otlp ${signal} protobuf`,
        (random) => make(random).protobuf,
        (body) => over(receiver.routes, `/v1/${signal}`, body, PROTOBUF),
      ));

    it(`OTLP ${signal} in JSON`, () =>
      fuzz(
        `otlp ${signal} json`,
        (random) => Buffer.from(JSON.stringify(make(random).json)),
        (body) => over(receiver.routes, `/v1/${signal}`, body, JSON_TYPE),
      ));

    it(`OTLP ${signal} over gRPC`, () => {
      const method = receiver.grpcMethods.find(({ path }) => path.includes(service));
      assert.ok(method !== undefined);
      const call = { headers: {}, tenant: 't', signal: new AbortController().signal };
      return fuzz(
        `otlp ${signal} grpc`,
        (random) => make(random).protobuf,
        async (body) => {
          try {
            await method.handler(body, call);
            return { status: 200, reason: '' };
          } catch (error) {
            if (!(error instanceof GrpcError) || error.code !== 3) throw error;
            return { status: 400, reason: error.message };
          }
        },
      );
    });
  }

  const label = (name: string, value: string) => field(1, message(field(1, name), field(2, value)));

  it('remote write 1.0', () => {
    const routes = remoteWriteRoutes({ sink: discard, now });
    const histogram = message(
      int(1, 3),
      double(3, 4),
      sint(4, 1),
      field(11, message(sint(1, 0), int(2, 2))),
      field(12, concat(zigzag(1), zigzag(1))),
      int(15, 1000),
    );
    return fuzz(
      'remote write 1.0',
      (random) =>
        concat(
          ...random.list(6, () =>
            field(
              1,
              concat(
                label('__name__', random.pick(['up', 'größe', 'x'.repeat(random.below(50))])),
                label('job', random.text()),
                ...random.list(4, () =>
                  field(2, message(double(1, random.double()), int(2, random.below(2 ** 31)))),
                ),
                ...random.list(1, () =>
                  field(3, message(label('trace_id', random.hex(16)), double(2, 1), int(3, 5))),
                ),
                ...random.list(1, () => field(4, histogram)),
              ),
            ),
          ),
          field(3, message(int(1, 1), field(2, 'up'), field(4, 'help'))),
        ),
      (body, random) =>
        over(
          routes,
          '/api/v1/write',
          random.chance(0.9) ? snappyEncode(body) : mutate(random, snappyEncode(body)),
          PROTOBUF,
        ),
    );
  });

  it('remote write 2.0', () => {
    const routes = remoteWriteRoutes({ sink: discard, now });
    const headers = { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' };
    const refs = (...numbers: number[]) => field(1, concat(...numbers.map(varint)));
    return fuzz(
      'remote write 2.0',
      (random) =>
        concat(
          ...['', '__name__', 'up', 'job', random.text(), 'help'].map((text) => field(4, text)),
          ...random.list(6, () =>
            field(
              5,
              concat(
                refs(1, 2, 3, random.below(7)),
                field(2, message(double(1, random.double()), int(2, random.below(2 ** 31)), int(3, 7))),
                field(4, message(refs(3, 4), double(2, 1))),
                field(5, message(int(1, 1), int(3, 5))),
              ),
            ),
          ),
        ),
      (body, random) =>
        over(
          routes,
          '/api/v1/write',
          random.chance(0.9) ? snappyEncode(body) : mutate(random, snappyEncode(body)),
          headers,
        ),
    );
  });

  it('Loki push in JSON', () => {
    const routes = lokiReceiverRoutes({ sink: discard, now });
    return fuzz(
      'loki json',
      (random) =>
        Buffer.from(
          JSON.stringify({
            streams: random.list(4, () => ({
              stream: { app: random.text(), level: random.text() },
              values: random.list(5, () => [
                String(random.below(2 ** 31)),
                random.text(),
                { trace_id: random.hex(16), k: random.text() },
              ]),
            })),
          }),
        ),
      (body) => over(routes, '/loki/api/v1/push', body, JSON_TYPE),
    );
  });

  it('Loki push in protobuf', () => {
    const routes = lokiReceiverRoutes({ sink: discard, now });
    return fuzz(
      'loki protobuf',
      (random) =>
        concat(
          ...random.list(4, () =>
            field(
              1,
              concat(
                field(
                  1,
                  `{app="a${random.below(5)}", env=${JSON.stringify(random.pick(['x', 'größe', '"']))}}`,
                ),
                ...random.list(5, () =>
                  field(
                    2,
                    concat(
                      field(1, message(int(1, random.below(2 ** 31)), int(2, 5))),
                      field(2, random.text()),
                      field(3, message(field(1, 'k'), field(2, random.text()))),
                    ),
                  ),
                ),
              ),
            ),
          ),
        ),
      (body, random) =>
        over(
          routes,
          '/loki/api/v1/push',
          random.chance(0.9) ? snappyEncode(body) : mutate(random, snappyEncode(body)),
          PROTOBUF,
        ),
    );
  });
});
