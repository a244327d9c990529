/** Jaeger's own JavaScript client reports thrift over HTTP to a real listener. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { jaegerReceiverRoutes } from '../../src/collector/receivers/jaeger.ts';
import { spanReceiverDialect } from '../../src/collector/receivers/span-push.ts';
import { Listener } from '../../src/http/listener.ts';
import { MemorySink, spanRows } from '../collector/memory-sink.ts';

// The package has no types of its own under this module system.
const require = createRequire(import.meta.url);
const { initTracer } = require('jaeger-client');
const { FORMAT_TEXT_MAP, followsFrom } = require('opentracing');

test('the jaeger-client package: parent, logs, tags, 128-bit ids', async () => {
  const sink = new MemorySink();
  const listener = await Listener.open({
    name: 'jaeger-http',
    host: '127.0.0.1',
    port: 0,
    maxBodyBytes: 1 << 20,
    grpcMethods: [],
    mounts: [{ prefix: '', dialect: spanReceiverDialect('jaeger', jaegerReceiverRoutes({ sink })) }],
    onFinished: () => {},
    onBug: (error) => assert.fail(String(error)),
  });
  try {
    const tracer = initTracer(
      {
        serviceName: 'checkout',
        sampler: { type: 'const', param: 1 },
        reporter: { collectorEndpoint: `http://127.0.0.1:${listener.port}/api/traces` },
      },
      { tags: { zone: 'a' }, traceId128bit: true },
    );
    const root = tracer.startSpan('POST /pay', { tags: { 'span.kind': 'server' } });
    const carrier: Record<string, string> = {};
    tracer.inject(root.context(), FORMAT_TEXT_MAP, carrier);
    const child = tracer.startSpan('SELECT', {
      childOf: tracer.extract(FORMAT_TEXT_MAP, carrier),
      tags: { 'span.kind': 'client', rows: 3, ratio: 0.5, error: true },
    });
    child.log({ event: 'retry', attempt: 2 }, 1_700_000_000_000);
    child.finish();
    const late = tracer.startSpan('mail', { references: [followsFrom(root.context())] });
    late.finish();
    root.finish();
    await new Promise<void>((resolve) => tracer.close(resolve));

    const spans = new Map(sink.spans.flatMap(spanRows).map((span) => [span.name, span]));
    const [pay, select, mail] = ['POST /pay', 'SELECT', 'mail'].map((name) => spans.get(name));
    assert.equal(pay?.traceId, root.context().traceIdStr.padStart(32, '0'));
    assert.ok(!pay?.traceId.startsWith('0'.repeat(16)), 'upper half kept');
    assert.equal(pay?.resource['service.name'], 'checkout');
    assert.equal(pay?.resource.zone, 'a');
    assert.equal(typeof pay?.resource['host.name'], 'string');
    assert.equal(pay?.kind, 2);
    assert.equal(select?.parentId, pay?.spanId);
    assert.deepEqual([select?.kind, select?.status], [3, 2]);
    assert.equal(select?.attributes.ratio, 0.5);
    assert.equal(Number(select?.attributes.rows), 3);
    assert.equal(select?.events[0]?.name, 'retry');
    assert.equal(select?.events[0]?.timeNs, 1_700_000_000_000_000_000n);
    assert.equal(mail?.links[0]?.spanId, pay?.spanId);
    assert.equal(mail?.links[0]?.attributes['opentracing.ref_type'], 'follows_from');
  } finally {
    await listener.close(100);
  }
});
