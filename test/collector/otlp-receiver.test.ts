/** The OTLP receiver's answers: statuses, encodings, partial success, retries. */

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { OtlpReceiver } from '../../src/collector/receivers/otlp.ts';
import { GrpcError, HttpError } from '../../src/http/handler.ts';
import { OverloadedError } from '../../src/model/errors.ts';
import { concat, field, fixed64, int, message } from '../wire/bytes.ts';
import { logRows, MemorySink, spanRows } from './memory-sink.ts';
import { CountingMetrics } from './receiver-listener.ts';
import { post } from './requests.ts';

const NOW = 1_700_000_000_000;
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };
const span = (traceId: string) => ({
  traceId,
  spanId: 'b7ad6b7169203331',
  name: 'x',
  startTimeUnixNano: '1',
  endTimeUnixNano: '2',
});
const GOOD = '0af7651916cd43dd8448eb211c80319c';
const traces = (...traceIds: string[]) =>
  JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: traceIds.map(span) }] }] });

let sink: MemorySink;
let metrics: CountingMetrics;
let receiver: OtlpReceiver;

beforeEach(() => {
  sink = new MemorySink();
  metrics = new CountingMetrics();
  receiver = new OtlpReceiver({ sink, metrics, now: () => NOW });
});

describe('HTTP', () => {
  it('full success: an empty response in the encoding of the request', async () => {
    const json = await post(receiver.routes, '/v1/traces', traces(GOOD), JSON_TYPE, 'shop');
    assert.deepEqual([json.status, json.text, json.headers['content-type']], [200, '{}', 'application/json']);
    assert.equal(sink.spans[0]?.tenant, 'shop');
    const empty = await post(receiver.routes, '/v1/metrics', new Uint8Array(0), PROTOBUF);
    assert.deepEqual(
      [empty.status, empty.bytes.length, empty.headers['content-type']],
      [200, 0, 'application/x-protobuf'],
    );
    assert.deepEqual(metrics.counts, { 'accepted spans otlp http': 1 });
  });

  it('partial success: number and reason, in JSON and protobuf', async () => {
    const json = await post(receiver.routes, '/v1/traces', traces(GOOD, '00', ''), JSON_TYPE);
    assert.equal(json.status, 200);
    const reason = 'trace_id must be 16 bytes and not all zero (2 times)';
    assert.deepEqual(JSON.parse(json.text), { partialSuccess: { rejectedSpans: '2', errorMessage: reason } });
    assert.equal(sink.spans.flatMap(spanRows).length, 1);
    assert.deepEqual(metrics.counts, { 'refused spans otlp http invalid': 2, 'accepted spans otlp http': 1 });

    const body = field(1, field(2, field(2, message(field(1, 'short')))));
    const protobuf = await post(receiver.routes, '/v1/traces', body, PROTOBUF);
    const want = field(1, concat(int(1, 1), field(2, 'trace_id must be 16 bytes and not all zero')));
    assert.equal(protobuf.bytes.toString('hex'), Buffer.from(want).toString('hex'));
  });

  it('names the rejected items of each signal', async () => {
    const point =
      '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asInt":1}]}}]}]}]}';
    assert.match(
      (await post(receiver.routes, '/v1/metrics', point, JSON_TYPE)).text,
      /"rejectedDataPoints":"1"/,
    );
    const record = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"0101"}]}]}]}';
    assert.match(
      (await post(receiver.routes, '/v1/logs', record, JSON_TYPE)).text,
      /"rejectedLogRecords":"1"/,
    );
    assert.equal(sink.metrics.length + sink.logs.length, 0);
  });

  it('bad data: 400 with google.rpc.Status in the encoding of the request', async () => {
    const json = await post(receiver.routes, '/v1/traces', '{"resourceSpans":[{"scopeSpans":3}]}', JSON_TYPE);
    assert.equal(json.status, 400);
    assert.deepEqual(JSON.parse(json.text), {
      code: 3,
      message: 'invalid OTLP JSON at resourceSpans[0].scopeSpans: must be an array',
    });
    const protobuf = await post(receiver.routes, '/v1/traces', Buffer.from('0aff', 'hex'), PROTOBUF);
    assert.equal(protobuf.status, 400);
    const want = concat(int(1, 3), field(2, 'malformed protobuf at byte 1: field runs past the end'));
    assert.equal(protobuf.bytes.toString('hex'), Buffer.from(want).toString('hex'));
    assert.equal(metrics.counts['malformed otlp http bad'], 2);
  });

  it('415 for another content type, 413 and 400 from the body', async () => {
    for (const type of [{}, { 'content-type': 'text/plain' }]) {
      assert.equal((await post(receiver.routes, '/v1/logs', '{}', type)).status, 415);
    }
    for (const status of [413, 415, 400]) {
      const answer = await post(receiver.routes, '/v1/logs', new HttpError(status, 'why'), PROTOBUF);
      assert.equal(answer.status, status);
      assert.ok(answer.text.includes('why'));
    }
  });

  const failures: [what: string, error: Error, status: number, retryAfter: string | undefined][] = [
    ['full', new OverloadedError('queue is full', 2500), 429, '3'],
    ['storage down', new Error('connection refused'), 503, '1'],
    ['refused for good', Object.assign(new Error('no'), { kind: 'permanent' }), 500, undefined],
  ];
  for (const [what, error, status, retryAfter] of failures) {
    it(`${what}: ${status}`, async () => {
      sink.failure = error;
      const answer = await post(receiver.routes, '/v1/traces', traces(GOOD), JSON_TYPE);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['retry-after'], retryAfter);
      assert.equal(JSON.parse(answer.text).message, error.message);
      assert.equal(metrics.counts['accepted spans otlp http'], undefined);
      if (status === 429) {
        assert.deepEqual(JSON.parse(answer.text).details, [
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '2.500s' },
        ]);
      }
    });
  }

  it('deltas that were not stored count when they are sent again', async () => {
    const body = (seconds: number) =>
      JSON.stringify({
        resourceMetrics: [
          {
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: 'c',
                    sum: {
                      aggregationTemporality: 1,
                      isMonotonic: true,
                      dataPoints: [{ asInt: 5, timeUnixNano: `${seconds}000000000` }],
                    },
                  },
                ],
              },
            ],
          },
        ],
      });
    await post(receiver.routes, '/v1/metrics', body(1), JSON_TYPE);
    sink.failure = new OverloadedError('full', 1000);
    assert.equal((await post(receiver.routes, '/v1/metrics', body(2), JSON_TYPE)).status, 429);
    sink.failure = undefined;
    assert.equal((await post(receiver.routes, '/v1/metrics', body(2), JSON_TYPE)).text, '{}');
    assert.equal(sink.metrics[1]?.values.float(0), 10);
  });

  it('records without a time get the present one', async () => {
    await post(
      receiver.routes,
      '/v1/logs',
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}',
      JSON_TYPE,
    );
    assert.equal(sink.logs.flatMap(logRows)[0]?.timeNs, BigInt(NOW) * 1_000_000n);
  });

  it('the future is refused', async () => {
    const time = `${NOW + 11 * 60_000}000000`;
    const body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"${time}"}]}]}]}`;
    assert.match((await post(receiver.routes, '/v1/logs', body, JSON_TYPE)).text, /too far in the future/);
  });

  it('errors of the frame are written as Status', () => {
    const request = { headers: PROTOBUF } as never;
    const answer = receiver.dialect.onError(new HttpError(404, 'no such path'), request);
    assert.equal(answer.status, 404);
    assert.equal(
      Buffer.from(answer.body as Uint8Array).toString('hex'),
      Buffer.from(concat(int(1, 12), field(2, 'no such path'))).toString('hex'),
    );
  });
});

describe('gRPC', () => {
  const call = { headers: {}, tenant: 'shop', signal: new AbortController().signal };
  const method = (name: string) => {
    const found = receiver.grpcMethods.find(({ path }) => path.includes(name));
    assert.ok(found !== undefined);
    return (body: Uint8Array) => found.handler(body, call) as Promise<Uint8Array>;
  };
  const good = field(
    1,
    field(
      2,
      field(
        2,
        message(
          field(1, Buffer.from(GOOD, 'hex')),
          field(2, Buffer.from('b7ad6b7169203331', 'hex')),
          fixed64(7, 5n),
        ),
      ),
    ),
  );

  it('full and partial success', async () => {
    assert.equal((await method('TraceService')(good)).length, 0);
    assert.equal(sink.spans[0]?.tenant, 'shop');
    const body = field(1, field(2, field(2, message(field(1, 'short')))));
    assert.match(Buffer.from(await method('TraceService')(body)).toString(), /trace_id must be 16 bytes/);
    assert.equal((await method('MetricsService')(new Uint8Array(0))).length, 0);
    assert.equal((await method('LogsService')(new Uint8Array(0))).length, 0);
    assert.deepEqual(metrics.counts, { 'accepted spans otlp grpc': 1, 'refused spans otlp grpc invalid': 1 });
  });

  const failures: [
    what: string,
    body: Uint8Array,
    failure: Error | undefined,
    code: number,
    retry: boolean,
  ][] = [
    ['malformed', Buffer.from('0aff', 'hex'), undefined, 3, false],
    ['full', good, new OverloadedError('full', 1500), 8, true],
    ['down', good, new Error('down'), 14, true],
    ['refused for good', good, Object.assign(new Error('no'), { kind: 'permanent' }), 13, false],
  ];
  for (const [what, body, failure, code, retry] of failures) {
    it(`${what}: code ${code}${retry ? ' with RetryInfo' : ''}`, async () => {
      sink.failure = failure;
      await assert.rejects(method('TraceService')(body), (error) => {
        assert.ok(error instanceof GrpcError);
        assert.equal(error.code, code);
        const details = Buffer.from(error.details ?? []);
        assert.equal(details.includes('google.rpc.RetryInfo'), retry);
        if (what === 'full') {
          const delay = field(1, concat(int(1, 1), int(2, 500_000_000)));
          const info = field(
            3,
            concat(field(1, 'type.googleapis.com/google.rpc.RetryInfo'), field(2, delay)),
          );
          assert.equal(
            details.toString('hex'),
            Buffer.from(concat(int(1, 8), field(2, 'full'), info)).toString('hex'),
          );
        }
        return true;
      });
    });
  }
});
