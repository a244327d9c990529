/**
 * The whole shop against a receiver of OTLP/JSON: what a stranger is promised must be in what the SDK
 * sends. Real processes and real time, so everything here waits for a fact, never for a while.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Demo, startDemo } from '../../demo/main.ts';
import { serviceNames } from '../../demo/protocol.ts';
import { OtlpSink, type SeenSpan } from './otlp-sink.ts';

const server = 2;
const client = 3;
const producer = 4;
const consumer = 5;
const errorStatus = 2;

async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadlineMs = performance.now() + 20_000;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadlineMs) throw new Error(`not seen within 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

interface Asked {
  status: number;
  traceId: string;
  body: Record<string, unknown>;
}

describe('demo shop', { timeout: 90_000 }, () => {
  let sink: OtlpSink;
  let demo: Demo;
  let startedMs = 0;
  const notices: string[] = [];

  const ask = async (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Asked> => {
    const response = await fetch(demo.storefrontUrl + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const traceId = response.headers.get('x-trace-id') ?? '';
    return { status: response.status, traceId, body: (await response.json()) as Record<string, unknown> };
  };
  const buy = (headers: Record<string, string> = {}): Promise<Asked> =>
    ask('/checkout', { items: [{ productId: 'co-00', quantity: 1 }], method: 'card' }, headers);
  /** A visit of that name: with this test's seed, the cards of those below are not declined. */
  const visit = (name: string): Record<string, string> => ({ baggage: `shop.visit=${name}` });
  const spansOf = (traceId: string): SeenSpan[] => sink.spans.filter((span) => span.traceId === traceId);
  const setFault = async (id: string, enabled: boolean): Promise<number> => {
    const response = await fetch(`${demo.controlUrl}/faults/${id}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ enabled }),
    });
    return response.status;
  };

  before(async () => {
    sink = await OtlpSink.open();
    startedMs = performance.now();
    demo = await startDemo({
      otlpEndpoint: sink.url,
      otlpProtocol: 'http/json',
      seed: 7,
      requestsPerSecond: 15,
      log: (message) => notices.push(message),
    });
  });
  after(async () => {
    await demo?.stop();
    sink?.close();
  });

  test('metrics, logs and traces of all six services arrive within 15 s of the start', async () => {
    for (const seen of [() => sink.spans, () => sink.logs, () => sink.points]) {
      await until('a signal of every service', () => {
        const services = new Set(seen().map((item) => item.service));
        return serviceNames.every((name) => services.has(name));
      });
    }
    assert.ok(performance.now() - startedMs < 15_000, `${performance.now() - startedMs} ms`);
    for (const name of serviceNames) assert.equal(sink.resources.get(name)?.['service.namespace'], 'shop');
  });

  test('every type of metric that an SDK has', async () => {
    const delta = 1;
    const cumulative = 2;
    const want: [string, string, string, number | undefined, boolean | undefined][] = [
      ['orders', 'orders', 'sum', cumulative, true],
      ['payments', 'payments', 'sum', delta, true],
      ['payments', 'http.server.request.duration', 'histogram', delta, undefined],
      ['storefront', 'http.server.request.duration', 'histogram', cumulative, undefined],
      ['storefront', 'http.client.request.duration', 'histogram', cumulative, undefined],
      ['storefront', 'cart.size', 'histogram', cumulative, undefined],
      ['storefront', 'checkout.duration', 'exponentialHistogram', cumulative, undefined],
      ['inventory', 'inventory.stock', 'sum', cumulative, false],
      ['inventory', 'db.client.operation.duration', 'histogram', cumulative, undefined],
      ['inventory', 'db.client.connection.count', 'sum', cumulative, false],
      ['orders', 'queue.depth', 'gauge', undefined, undefined],
      ['recommendations', 'recommendations.model.products', 'gauge', undefined, undefined],
      ['catalog', 'v8js.memory.heap.used', 'gauge', undefined, undefined],
      ['catalog', 'nodejs.eventloop.utilization', 'gauge', undefined, undefined],
    ];
    for (const [service, metric, ...shape] of want) {
      const point = await until(`${metric} of ${service}`, () =>
        sink.points.find((candidate) => candidate.service === service && candidate.metric === metric),
      );
      assert.deepEqual([point.type, point.temporality, point.monotonic], shape, `${service} ${metric}`);
    }
  });

  test('server metrics aggregate by route, and the exporters do not watch themselves', () => {
    const routes = new Set(
      sink.points
        .filter((point) => point.metric === 'http.server.request.duration')
        .map((point) => point.attributes['http.route']),
    );
    assert.ok(routes.has('/products/{id}') && routes.has('/checkout'));
    assert.ok(routes.size <= 15, [...routes].join(' '));
    const sinkPort = Number(new URL(sink.url).port);
    assert.equal(sink.points.filter((point) => point.attributes['server.port'] === sinkPort).length, 0);
    assert.equal(sink.spans.filter((span) => span.attributes['server.port'] === sinkPort).length, 0);
  });

  test('no exemplars: this SDK has none (when this fails, tell demo/README.md that it learned them)', () => {
    assert.equal(sink.points.filter((point) => point.exemplars > 0).length, 0);
  });

  test('a checkout is one trace through all six services and twice through the queue', async () => {
    const { status, traceId, body } = await buy(visit('one'));
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body.trace_id, traceId);
    // The services deliver their parts in any order.
    const spans = await until('the whole trace', () => {
      const found = spansOf(traceId);
      const ids = new Set(found.map((span) => span.spanId));
      const there = new Set(found.map((span) => span.service));
      const connected = found.every((span) => span.parentSpanId === '' || ids.has(span.parentSpanId));
      const packed = found.some((span) => span.service === 'orders' && span.kind === consumer);
      return connected && packed && serviceNames.every((name) => there.has(name)) && found;
    });
    assert.equal(spans.filter((span) => span.parentSpanId === '').length, 1);
    const packing = spans.find((span) => span.kind === consumer && span.service === 'inventory')!;
    const sending = spans.find((span) => span.spanId === packing.parentSpanId)!;
    assert.deepEqual(
      [sending.kind, sending.service, sending.name],
      [producer, 'orders', 'send orders.placed'],
    );
    assert.equal(packing.links[0]?.spanId, sending.spanId);

    const query = spans.find((span) => span.name === 'INSERT orders')!;
    assert.equal(query.kind, client);
    assert.equal(query.attributes['db.system.name'], 'postgresql');
    assert.equal(query.attributes['db.collection.name'], 'orders');
    assert.match(String(query.attributes['db.query.text']), /^INSERT INTO orders .*\$1/);
  });

  test('batches are traces of their own, linked to the messages they hold', async () => {
    const batch = await until('a batch', () =>
      sink.spans.find((span) => span.kind === consumer && span.service === 'recommendations'),
    );
    assert.equal(batch.parentSpanId, '');
    assert.ok(batch.links.length >= 1);
    assert.notEqual(batch.links[0]!.traceId, batch.traceId);
  });

  test('logs carry the ids of the span they were written in', async () => {
    const { traceId, body } = await buy(visit('two'));
    const placed = await until('the log of the order', () =>
      sink.logs.find((log) => log.traceId === traceId && log.body.includes('order placed')),
    );
    assert.equal(placed.attributes['order.id'], body.orderId);
    assert.equal(placed.severity, 'INFO');
    assert.equal((JSON.parse(placed.body) as { level: string }).level, 'info');
    const span = await until('its span', () =>
      spansOf(traceId).find((found) => found.spanId === placed.spanId),
    );
    assert.deepEqual([span.service, span.kind, span.name], ['orders', server, 'POST /orders']);
    await until('logs of five services in that trace', () => {
      const there = sink.logs.filter((log) => log.traceId === traceId).map((log) => log.service);
      return new Set(there).size >= 5;
    });
  });

  test('the same visit meets the same fate', async () => {
    const first = (await buy(visit('three'))).body.orderId;
    assert.match(String(first), /^ord-/);
    assert.equal((await buy(visit('three'))).body.orderId, first);
    assert.notEqual((await buy(visit('four'))).body.orderId, first);
  });

  test('the control endpoint refuses what it does not understand', async () => {
    const url = `${demo.controlUrl}/faults/slow-database`;
    const json = { 'content-type': 'application/json' };
    assert.equal((await fetch(url, { method: 'POST', body: '{"enabled":true}' })).status, 415);
    assert.equal((await fetch(url, { method: 'POST', headers: json, body: '{"enabled":1}' })).status, 400);
    assert.equal((await fetch(url, { method: 'POST', headers: json, body: 'x'.repeat(5000) })).status, 400);
    assert.equal(await setFault('no-such-fault', true), 404);
    const faults = (await (await fetch(`${demo.controlUrl}/faults`)).json()) as {
      id: string;
      enabled: boolean;
    }[];
    assert.deepEqual(
      faults.map((fault) => [fault.id, fault.enabled]),
      ['slow-database', 'payment-errors', 'pool-exhaustion', 'n-plus-one', 'memory-growth'].map((id) => [
        id,
        false,
      ]),
    );
  });

  // These four do not get into each other's way.
  describe('faults', { concurrency: true }, () => {
    test('fault: slow database', async () => {
      assert.equal(await setFault('slow-database', true), 200);
      const { traceId } = await ask('/products/co-00');
      const query = await until('the slow span', () =>
        spansOf(traceId).find((span) => span.service === 'inventory' && span.name === 'SELECT stock'),
      );
      assert.ok(query.endNs - query.startNs > 100_000_000n, `${query.endNs - query.startNs} ns`);
      await until('a log that names the query', () =>
        sink.logs.find((log) => log.severity === 'WARN' && /slow query: SELECT .* FROM stock/.test(log.body)),
      );
      await setFault('slow-database', false);
    });

    test('fault: error burst in payments', async () => {
      await setFault('payment-errors', true);
      const failed = await until('a failed checkout', async () => {
        const answer = await buy();
        return answer.status === 502 && answer;
      });
      const servers = await until('the failed trace', () => {
        const found = spansOf(failed.traceId).filter((span) => span.kind === server);
        const there = new Set(found.map((span) => span.service));
        return ['storefront', 'orders', 'payments', 'inventory'].every((name) => there.has(name)) && found;
      });
      const broken = servers.filter((span) => span.status === errorStatus).map((span) => span.service);
      assert.deepEqual(broken.sort(), ['orders', 'payments', 'storefront']);
      const log = await until('its log', () =>
        sink.logs.find((found) => found.traceId === failed.traceId && found.body.includes('payment failed')),
      );
      assert.equal(
        log.attributes['exception.message'],
        'acquirer api.acquirer.example answered 503 Service Unavailable',
      );
      await until('the counter', () =>
        sink.points.find(
          (p) => p.metric === 'payments' && p.attributes['payment.outcome'] === 'error' && p.value > 0,
        ),
      );
      await setFault('payment-errors', false);
    });

    test('fault: N+1 queries', async () => {
      const count = async (): Promise<SeenSpan[]> => {
        const { traceId } = await ask('/products');
        await until('the list', () => spansOf(traceId).some((span) => span.parentSpanId === ''));
        return until('the queries', () => {
          const prices = spansOf(traceId).filter((span) => span.name === 'SELECT prices');
          const whole = spansOf(traceId).some((span) => span.service === 'catalog' && span.kind === server);
          return whole && prices;
        });
      };
      assert.equal((await count()).length, 1);
      await setFault('n-plus-one', true);
      const many = (await count()).sort((a, b) => Number(a.startNs - b.startNs));
      assert.equal(many.length, 100);
      // One after the other; the SDK keeps start times in whole milliseconds.
      for (const [n, span] of many.entries()) {
        if (n > 0) assert.ok(span.startNs >= many[n - 1]!.endNs - 2_000_000n, `query ${n} overlaps`);
      }
      await setFault('n-plus-one', false);
    });

    test('fault: memory growth', async () => {
      const entries = (): number[] =>
        sink.points
          .filter((point) => point.metric === 'recommendations.cache.entries')
          .map((point) => point.value);
      const resident = (): number =>
        sink.points.findLast((p) => p.service === 'recommendations' && p.metric === 'process.memory.usage')!
          .value;
      const before = resident();
      await setFault('memory-growth', true);
      await until('a cache that grows', () => (entries().at(-1) ?? 0) >= 210);
      assert.ok(resident() > before + 3_000_000, `${before} -> ${resident()} bytes`);
      await setFault('memory-growth', false);
    });
  });

  test('fault: exhausted connection pool', async () => {
    await setFault('pool-exhaustion', true);
    const failed = await until('a checkout without a connection', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => buy()));
      return answers.find((answer) => answer.status >= 500);
    });
    const log = await until('the log', () =>
      sink.logs.find(
        ({ service, body }) =>
          service === 'inventory' && body.includes('database connection pool exhausted (connections: 10/10)'),
      ),
    );
    assert.equal(log.severity, 'ERROR');
    assert.match(log.traceId, /^[0-9a-f]{32}$/);
    await until('spans that show the wait', () => {
      const waits = spansOf(failed.traceId).filter((span) => span.name === 'wait for connection');
      return waits.reduce((sum, span) => sum + span.endNs - span.startNs, 0n) > 1_500_000_000n;
    });
    await setFault('pool-exhaustion', false);
  });

  test('a service that is killed comes back', async () => {
    interface State {
      services: { service: string; pid: number | null; up: boolean; restarts: number }[];
    }
    const catalog = async (): Promise<State['services'][number]> => {
      const state = (await (await fetch(demo.controlUrl)).json()) as State;
      return state.services.find((service) => service.service === 'catalog')!;
    };
    process.kill((await catalog()).pid!, 'SIGKILL');
    await until('its restart', async () => {
      const now = await catalog();
      return now.up && now.restarts === 1;
    });
    await until('an answer', async () => (await ask('/products/co-00')).status === 200);
    assert.ok(notices.some((notice) => notice.startsWith('catalog ended (SIGKILL)')));
  });
});

test('nobody listens, the parent is killed: little is said and nothing stays behind', {
  timeout: 40_000,
}, async () => {
  const main = fileURLToPath(new URL('../../demo/main.ts', import.meta.url));
  const shop = spawn(
    process.execPath,
    [main, '--otlp', 'http://127.0.0.1:9', '--rate', '30', '--seed', '7'],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let out = '';
  let complaints = '';
  shop.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  shop.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk;
  });
  try {
    const [, controlUrl] = await until('the start', () => /^control +(\S+)$/m.exec(out) ?? undefined);
    const state = async (): Promise<{
      services: { pid: number }[];
      traffic: { ok: number; serverError: number };
    }> => (await (await fetch(controlUrl!)).json()) as never;
    // Long enough for every exporter to have failed a few times.
    const { services, traffic } = await until('traffic', async () => {
      const now = await state();
      return now.traffic.ok > 30 && now;
    });
    assert.equal(traffic.serverError, 0);
    const lines = (): string[] => complaints.split('\n').filter((line) => line !== '');
    await until('a notice', () => lines().length > 0);
    assert.match(lines()[0]!, /^demo: [a-z]+: telemetry: .*ECONNREFUSED 127\.0\.0\.1:9$/);
    assert.equal(lines().length, 1, complaints);
    shop.kill('SIGKILL');
    await until('the end of all six', () =>
      services.every(({ pid }) => {
        try {
          process.kill(pid, 0);
          return false;
        } catch {
          return true;
        }
      }),
    );
  } finally {
    shop.kill('SIGKILL');
  }
});
