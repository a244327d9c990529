/** Pairing of spans to edges: order, kinds, virtual nodes, databases, limits and time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SERVICE_GRAPH, type ServiceGraphOptions } from '../../src/collector/connectors/options.ts';
import { Generated, type TestSpan } from './generated.ts';

const graph = (options: Partial<ServiceGraphOptions> = {}) =>
  new Generated({ spanMetrics: undefined, serviceGraph: { ...DEFAULT_SERVICE_GRAPH, ...options } });

const client: TestSpan = { service: 'shop', kind: 'client', id: 7 };
const server: TestSpan = { service: 'stock', kind: 'server', parent: 7 };
const edge = (labels: string, count = 1) => `traces_service_graph_request_total{${labels}} ${count}`;

const cases: {
  readonly name: string;
  readonly options?: Partial<ServiceGraphOptions>;
  readonly spans: readonly TestSpan[];
  readonly want: readonly string[];
}[] = [
  { name: 'client, then server', spans: [client, server], want: [edge('client="shop", server="stock"')] },
  { name: 'server, then client', spans: [server, client], want: [edge('client="shop", server="stock"')] },
  {
    name: 'the same span id in another trace is another call',
    spans: [client, { ...server, trace: 2 }],
    want: [],
  },
  { name: 'internal spans are no side', spans: [client, { ...server, kind: 'internal' }], want: [] },
  { name: 'a service without a name is no side', spans: [client, { kind: 'server', parent: 7 }], want: [] },
  {
    name: 'producer and consumer are a messaging system',
    spans: [
      { ...client, kind: 'producer' },
      { ...server, kind: 'consumer' },
    ],
    want: [edge('client="shop", connection_type="messaging_system", server="stock"')],
  },
  {
    name: 'a root server is called by the user',
    spans: [{ service: 'shop', kind: 'server' }],
    want: [edge('client="user", connection_type="virtual_node", server="shop"')],
  },
  {
    name: 'a root server is called by the peer that it names',
    spans: [{ service: 'shop', kind: 'server', attributes: { 'peer.service': 'partner' } }],
    want: [edge('client="partner", connection_type="virtual_node", server="shop"')],
  },
  {
    name: 'a client without an answer calls the peer that it names',
    spans: [{ ...client, attributes: { 'peer.service': 'bank' } }],
    want: [edge('client="shop", connection_type="virtual_node", server="bank"')],
  },
  {
    name: 'the first of the configured peer attributes counts',
    options: { peerAttributes: ['a', 'b'] },
    spans: [{ ...client, attributes: { b: 'second', a: 'first' } }],
    want: [edge('client="shop", connection_type="virtual_node", server="first"')],
  },
  { name: 'neither root nor peer: unpaired', spans: [client, { ...server, parent: 8 }], want: [] },
  {
    name: 'one client, two servers: the second is unpaired',
    spans: [client, server, { ...server, service: 'other', id: 9 }],
    want: [edge('client="shop", server="stock"')],
  },
  {
    name: 'a database needs no server span',
    spans: [{ ...client, attributes: { 'db.system': 'redis' } }],
    want: [edge('client="shop", connection_type="database", server="redis"')],
  },
  {
    name: 'names of databases: peer.service, server.address, network.peer, db.namespace, db.name, db.system',
    spans: [
      { 'peer.service': 'p', 'server.address': 's', 'network.peer.address': 'n', 'db.name': 'd' },
      { 'server.address': 's', 'network.peer.address': 'n', 'db.name': 'd' },
      { 'network.peer.address': 'n', 'network.peer.port': { int: 5432 }, 'db.name': 'd' },
      { 'network.peer.address': 'n', 'db.name': 'd' },
      { 'db.system': 'y', 'db.name': 'd', 'db.namespace': 'm' },
      { 'db.system': 'y', 'db.name': 'd' },
    ].map((attributes, i) => ({ ...client, id: 20 + i, attributes })),
    want: ['d', 'm', 'n', 'n:5432', 'p', 's'].map((name) =>
      edge(`client="shop", connection_type="database", server="${name}"`),
    ),
  },
  {
    name: 'dimensions of either side',
    options: { dimensions: ['region', 'x.y'] },
    spans: [
      { ...client, resource: { region: 'eu' } },
      { ...server, attributes: { 'x.y': { int: 4 } } },
    ],
    want: [edge('client="shop", region="eu", server="stock", x_y="4"')],
  },
  {
    name: 'dimensions of both sides',
    options: { dimensions: ['region'], clientServerPrefix: true },
    spans: [
      { ...client, resource: { region: 'eu' } },
      { ...server, resource: { region: 'us' } },
    ],
    want: [edge('client="shop", client_region="eu", server="stock", server_region="us"')],
  },
  {
    name: 'the label virtual_node tells which side was inferred',
    options: { virtualNodeLabel: true },
    spans: [
      { service: 'shop', kind: 'server' },
      { ...client, attributes: { 'peer.service': 'bank' } },
    ],
    want: [
      edge('client="shop", connection_type="virtual_node", server="bank", virtual_node="server"'),
      edge('client="user", connection_type="virtual_node", server="shop", virtual_node="client"'),
    ],
  },
  {
    name: 'a sampling ratio counts the edge several times',
    options: { multiplierKey: 'ratio' },
    spans: [
      { ...client, attributes: { ratio: 0.25 } },
      { ...server, attributes: { ratio: 0.25 } },
    ],
    want: [edge('client="shop", server="stock"', 4)],
  },
  {
    name: 'filtered spans are no side',
    options: {
      filters: [
        {
          exclude: {
            matchType: 'regex',
            attributes: [{ scope: 'resource', key: 'service.name', value: '^st' }],
          },
        },
      ],
    },
    spans: [client, server],
    want: [],
  },
];

for (const { name, options = {}, spans, want } of cases) {
  test(name, async () => {
    const generated = graph(options);
    await generated.push(spans);
    assert.deepEqual(await generated.values('traces_service_graph_request_total'), want);
    assert.deepEqual(generated.errors, []);
    assert.equal(generated.generator.statistics()[0]?.waitingEdges, 0);
  });
}

test('sides may come in batches of their own, within the time to wait', async () => {
  for (const [apartMs, want] of [
    [9_999, 1],
    [10_000, 0],
  ] as const) {
    const generated = graph();
    await generated.push([client]);
    generated.nowMs += apartMs;
    await generated.push([server]);
    assert.equal(
      (await generated.values('traces_service_graph_request_total')).length,
      want,
      `${apartMs} ms`,
    );
    assert.equal(generated.generator.statistics()[0]?.edges?.expired, want === 1 ? 0 : 2);
  }
});

test('failed is what either side calls an error; latencies are the sides own', async () => {
  const generated = graph({ buckets: [1] });
  await generated.push([
    { ...client, durationMs: 800 },
    { ...server, durationMs: 500, status: 'error' },
  ]);
  const values = await generated.values('traces_service_graph_request_');
  assert.deepEqual(
    values.filter((line) => /failed|_sum/.test(line)),
    [
      'traces_service_graph_request_client_seconds_sum{client="shop", server="stock"} 0.8',
      'traces_service_graph_request_failed_total{client="shop", server="stock"} 1',
      'traces_service_graph_request_server_seconds_sum{client="shop", server="stock"} 0.5',
    ],
  );
});

test('the time between producer and consumer, when it is wanted and not negative', async () => {
  const generated = graph({ messagingLatency: true, buckets: [1] });
  await generated.push([
    { ...client, kind: 'producer', startMs: -1000, durationMs: 100 },
    { ...server, kind: 'consumer', startMs: -400 },
    { ...client, trace: 2, kind: 'producer', startMs: -1000, durationMs: 100 },
    { ...server, trace: 2, kind: 'consumer', startMs: -950 },
  ]);
  const name = 'traces_service_graph_request_messaging_system_seconds';
  const labels = '{client="shop", connection_type="messaging_system", server="stock"}';
  const values = await generated.values(name);
  assert.deepEqual(
    values.filter((line) => /_sum|_count/.test(line)),
    [`${name}_count${labels} 1`, `${name}_sum${labels} 0.5`],
  );
});

test('edges that wait are bounded: the newest find no room, the oldest keep theirs', async () => {
  const generated = graph({ maxWaiting: 2 });
  const calls = [1, 2, 3].map((id): TestSpan => ({ ...client, id }));
  await generated.push(calls);
  assert.deepEqual(generated.generator.statistics()[0]?.edges, {
    edges: 2,
    expired: 0,
    dropped: 1,
    filtered: 0,
  });
  await generated.push([1, 2, 3].map((parent): TestSpan => ({ ...server, parent })));
  assert.deepEqual(await generated.values('traces_service_graph_request_total'), [
    edge('client="shop", server="stock"', 2),
  ]);
});

test('many edges in random order pair exactly once', async () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  let state = seed;
  const below = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % limit;
  };
  const spans: TestSpan[] = [];
  for (let id = 1; id <= 2000; id++) spans.push({ ...client, trace: 1 + (id % 50), id });
  for (let id = 1; id <= 2000; id++)
    spans.push({ ...server, trace: 1 + (id % 50), id: 5000 + id, parent: id });
  for (let i = spans.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [spans[i], spans[j]] = [spans[j] as TestSpan, spans[i] as TestSpan];
  }
  const generated = graph();
  for (let from = 0; from < spans.length; from += 500) await generated.push(spans.slice(from, from + 500));
  assert.deepEqual(
    await generated.values('traces_service_graph_request_total'),
    [edge('client="shop", server="stock"', 2000)],
    `seed ${seed}`,
  );
});
