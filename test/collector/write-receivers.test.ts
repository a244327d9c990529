/** Answers of the receivers for remote write and Loki's push. */

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { lokiReceiverRoutes } from '../../src/collector/receivers/loki.ts';
import { OtlpReceiver } from '../../src/collector/receivers/otlp.ts';
import { remoteWriteRoutes } from '../../src/collector/receivers/prometheus-remote-write.ts';
import { HttpError, type Route } from '../../src/http/handler.ts';
import { OverloadedError } from '../../src/model/errors.ts';
import { snappyEncode } from '../../src/wire/snappy.ts';
import { concat, double, field, int, message, varint } from '../wire/bytes.ts';
import { logRows, MemorySink, metricLines } from './memory-sink.ts';
import { CountingMetrics } from './receiver-listener.ts';
import { post } from './requests.ts';

const NOW = 1_700_000_000_000;
let sink: MemorySink;
let metrics: CountingMetrics;

beforeEach(() => {
  sink = new MemorySink();
  metrics = new CountingMetrics();
});

describe('remote write', () => {
  const WRITE = '/api/v1/write';
  const V1 = {
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
  };
  const V2 = {
    'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    'content-encoding': 'snappy',
  };
  const label = (name: string, value: string) => field(1, message(field(1, name), field(2, value)));
  const series = (name: string, ms = NOW) =>
    field(1, concat(label('__name__', name), field(2, message(double(1, 1), int(2, ms)))));
  const version2 = concat(
    ...['', '__name__', 'm'].map((text) => field(4, text)),
    field(5, concat(field(1, concat(varint(1), varint(2))), field(2, message(double(1, 1), int(2, NOW))))),
  );
  let routes: Route[];
  beforeEach(() => {
    routes = remoteWriteRoutes({ sink, metrics, now: () => NOW, maxDecodedBytes: 10_000 });
  });
  const written = (samples: number) => ({
    'X-Prometheus-Remote-Write-Samples-Written': String(samples),
    'X-Prometheus-Remote-Write-Histograms-Written': '0',
    'X-Prometheus-Remote-Write-Exemplars-Written': '0',
  });

  it('204 for version 1, with and without its headers', async () => {
    const types = [V1, {}, { 'content-type': 'application/x-protobuf;proto=prometheus.WriteRequest' }];
    for (const headers of types) {
      const answer = await post(routes, WRITE, snappyEncode(series('m')), headers, 'shop');
      assert.deepEqual([answer.status, answer.text, answer.headers], [204, '', {}]);
    }
    assert.deepEqual(sink.metrics.flatMap(metricLines), Array(3).fill(`m{} 1 @${NOW}`));
    assert.equal(sink.metrics[0]?.tenant, 'shop');
    assert.deepEqual(metrics.counts, { 'accepted metric_points prometheusremotewrite http': 3 });
  });

  it('204 for version 2, with what was written', async () => {
    const answer = await post(routes, WRITE, snappyEncode(version2), V2);
    assert.deepEqual([answer.status, answer.headers], [204, written(1)]);
  });

  it('400 when something is refused; the rest is stored', async () => {
    const one = await post(routes, WRITE, snappyEncode(concat(series(''), series('m'))), V1);
    assert.deepEqual([one.status, one.text], [400, 'series without a metric name\n']);
    const bad = field(5, concat(field(1, varint(1)), field(2, message(int(2, NOW)))));
    const two = await post(routes, WRITE, snappyEncode(concat(version2, bad)), V2);
    assert.equal(two.status, 400);
    assert.equal(two.headers['X-Prometheus-Remote-Write-Samples-Written'], '1');
    assert.equal(sink.metrics.flatMap(metricLines).length, 2);
  });

  it('an empty request is fine and stores nothing', async () => {
    assert.equal((await post(routes, WRITE, snappyEncode(new Uint8Array(0)), V1)).status, 204);
    assert.equal(sink.metrics.length, 0);
  });

  const refused: [
    what: string,
    body: Uint8Array | HttpError,
    headers: Record<string, string>,
    status: number,
  ][] = [
    ['another media type', series('m'), { 'content-type': 'application/json' }, 415],
    ['another message', series('m'), { 'content-type': 'application/x-protobuf;proto=yolo' }, 415],
    ['another compression', series('m'), { ...V1, 'content-encoding': 'zstd' }, 415],
    ['no snappy', series('m'), V1, 400],
    ['broken protobuf', snappyEncode(Buffer.from('0aff', 'hex')), V1, 400],
    ['a length that cannot be true', concat(varint(9999), Buffer.of(0, 0)), V1, 400],
    ['too much when decompressed', snappyEncode(Buffer.alloc(20_000)), V1, 413],
    ['too large a body', new HttpError(413, 'too large'), V1, 413],
    ['the future', snappyEncode(series('m', NOW + 601_000)), V1, 400],
  ];
  for (const [what, body, headers, status] of refused) {
    it(`${status} for ${what}`, async () => {
      const answer = await post(routes, WRITE, body, headers);
      assert.equal(answer.status, status);
      assert.ok(answer.text.length > 5);
      assert.equal(sink.metrics.length, 0);
    });
  }

  it('503 with Retry-After while storage is full or down, 500 when it refuses', async () => {
    const failures: [Error, number][] = [
      [new OverloadedError('full', 1500), 503],
      [new Error('down'), 503],
      [Object.assign(new Error('no'), { kind: 'permanent' }), 500],
    ];
    for (const [error, status] of failures) {
      sink.failure = error;
      const answer = await post(routes, WRITE, snappyEncode(version2), V2);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['retry-after'] !== undefined, status === 503);
      assert.equal(answer.headers['X-Prometheus-Remote-Write-Samples-Written'], '0');
    }
  });
});

describe('Loki push', () => {
  const PUSH = '/loki/api/v1/push';
  const JSON_TYPE = { 'content-type': 'application/json' };
  const PROTOBUF = { 'content-type': 'application/x-protobuf' };
  const entry = (time: number, line = 'x') => [String(BigInt(time) * 1_000_000n), line];
  const body = (...values: string[][]) => JSON.stringify({ streams: [{ stream: { app: 'a' }, values }] });
  let routes: Route[];
  beforeEach(() => {
    const now = () => NOW;
    routes = lokiReceiverRoutes({ sink, metrics, now, otlp: new OtlpReceiver({ sink, metrics, now }) });
  });

  it('204 for JSON and protobuf', async () => {
    assert.equal((await post(routes, PUSH, body(entry(NOW)), JSON_TYPE, 'shop')).status, 204);
    const protobuf = field(
      1,
      concat(field(1, '{app="a"}'), field(2, concat(field(1, int(1, 1_700_000_000)), field(2, 'x')))),
    );
    assert.equal(
      (await post(routes, PUSH, snappyEncode(protobuf), { ...PROTOBUF, 'content-encoding': 'snappy' }))
        .status,
      204,
    );
    const [first, second] = sink.logs.flatMap(logRows);
    assert.deepEqual(first, second);
    assert.equal(sink.logs[0]?.tenant, 'shop');
  });

  it('400 as text when entries are refused; the others are stored', async () => {
    const answer = await post(routes, PUSH, body(entry(NOW), entry(NOW + 601_000)), JSON_TYPE);
    assert.deepEqual([answer.status, answer.text], [400, 'entry has a timestamp too far in the future\n']);
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(sink.logs.flatMap(logRows).length, 1);
    assert.deepEqual(metrics.counts, {
      'refused log_records loki http invalid': 1,
      'accepted log_records loki http': 1,
    });
  });

  const refused: [
    what: string,
    body: string | Uint8Array | HttpError,
    headers: Record<string, string>,
    status: number,
  ][] = [
    ['no content type', body(entry(NOW)), {}, 400],
    ['no JSON', 'x', JSON_TYPE, 400],
    ['JSON that says to be protobuf', body(entry(NOW)), PROTOBUF, 400],
    ['another type', body(entry(NOW)), { 'content-type': 'text/csv' }, 400],
    ['another compression', new HttpError(415, 'unsupported'), JSON_TYPE, 400],
    ['too large a body', new HttpError(413, 'too large'), JSON_TYPE, 413],
  ];
  for (const [what, content, headers, status] of refused) {
    it(`${status} for ${what}`, async () => {
      const answer = await post(routes, PUSH, content, headers);
      assert.equal(answer.status, status);
      assert.ok(answer.text.length > 3);
    });
  }

  it('429 while storage is full, 503 while it is down', async () => {
    sink.failure = new OverloadedError('full', 1500);
    const full = await post(routes, PUSH, body(entry(NOW)), JSON_TYPE);
    assert.deepEqual([full.status, full.headers['retry-after']], [429, '2']);
    sink.failure = new Error('down');
    assert.equal((await post(routes, PUSH, body(entry(NOW)), JSON_TYPE)).status, 503);
  });

  it('OTLP on its path', async () => {
    const answer = await post(
      routes,
      '/otlp/v1/logs',
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}',
      JSON_TYPE,
    );
    assert.deepEqual([answer.status, answer.text], [200, '{}']);
    assert.equal(sink.logs.flatMap(logRows)[0]?.stream.service_name, 'unknown_service');
  });
});
