/** Zipkin's own JavaScript tracer reports over HTTP to a real listener, in both versions of the JSON. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { spanReceiverDialect } from '../../src/collector/receivers/span-push.ts';
import { zipkinReceiverRoutes } from '../../src/collector/receivers/zipkin.ts';
import { Listener } from '../../src/http/listener.ts';
import { MemorySink, spanRows } from '../collector/memory-sink.ts';

// The packages have no types.
const require = createRequire(import.meta.url);
const zipkin = require('zipkin');
const { HttpLogger } = require('zipkin-transport-http');

for (const [version, encoder] of [
  ['v2', zipkin.jsonEncoder.JSON_V2],
  ['v1', zipkin.jsonEncoder.JSON_V1],
]) {
  test(`the zipkin package, ${version}: a client span and the server's below it`, async () => {
    const sink = new MemorySink();
    const routes = zipkinReceiverRoutes({ sink, now: Date.now });
    const listener = await Listener.open({
      name: 'zipkin',
      host: '127.0.0.1',
      port: 0,
      maxBodyBytes: 1 << 20,
      grpcMethods: [],
      mounts: [{ prefix: '', dialect: spanReceiverDialect('zipkin', routes) }],
      onFinished: () => {},
      onBug: (error) => assert.fail(String(error)),
    });
    const logger = new HttpLogger({
      endpoint: `http://127.0.0.1:${listener.port}/api/${version}/spans`,
      jsonEncoder: encoder,
      httpInterval: 10,
    });
    try {
      // Recorders go by ids, so each process has its own.
      const tracer = (localServiceName: string) =>
        new zipkin.Tracer({
          ctxImpl: new zipkin.ExplicitContext(),
          recorder: new zipkin.BatchRecorder({ logger }),
          localServiceName,
          traceId128Bit: true,
          supportsJoin: true,
        });
      const web = tracer('web');
      const db = tracer('db');
      const id = web.createRootId();
      web.letId(id, () => {
        web.recordServiceName('web');
        web.recordRpc('GET');
        web.recordAnnotation(new zipkin.Annotation.ClientSend());
        web.recordBinary('http.path', '/orders');
        web.recordBinary('error', 'timed out');
      });
      db.letId(id, () => {
        db.recordServiceName('db');
        db.recordRpc('GET');
        db.recordAnnotation(new zipkin.Annotation.ServerRecv());
        db.recordMessage('parsed');
        db.recordAnnotation(new zipkin.Annotation.ServerSend());
      });
      web.letId(id, () => web.recordAnnotation(new zipkin.Annotation.ClientRecv()));
      for (let i = 0; i < 500 && sink.spans.flatMap(spanRows).length < 2; i++) await delay(10);
      const spans = sink.spans.flatMap(spanRows).sort((a, b) => b.kind - a.kind);
      assert.deepEqual(
        spans.map((span) => [span.kind, span.resource['service.name'], span.name.toLowerCase(), span.spanId]),
        [
          [3, 'web', 'get', id.spanId],
          [2, 'db', 'get', id.spanId],
        ],
      );
      const [client, server] = spans;
      assert.equal(client?.traceId, id.traceId.padStart(32, '0'));
      assert.equal(client?.status, 2);
      assert.equal(client?.message, 'timed out');
      assert.equal(client?.attributes['http.path'], '/orders');
      assert.deepEqual(
        server?.events.map(({ name }) => name),
        ['parsed'],
      );
      assert.ok((client?.startNs ?? 0n) > 1_600_000_000_000_000_000n);
    } finally {
      await listener.close(100);
    }
  });
}
