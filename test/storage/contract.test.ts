/** What storage promises, whoever runs the server: one suite for the embedded engine, an external server, a cluster. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Labels } from '../../src/model/labels.ts';
import { seriesId } from '../../src/model/series-id.ts';
import { isStaleBits, STALE_HIGH, STALE_LOW } from '../../src/model/stale.ts';
import {
  DocumentConflictError,
  type ScopedClient,
  type Storage,
  StorageError,
} from '../../src/storage/index.ts';
import { bind, join, sql, TENANT, table, tenantOf } from '../../src/storage/sql.ts';
import { type Backend, cluster, embedded, external } from './backends.ts';
import { logs, metrics, spans } from './batches.ts';

const NOW = Date.UTC(2026, 0, 5, 12);
const NOW_NS = BigInt(NOW) * 1_000_000n;
const UP = { __name__: 'up', job: 'api', instance: 'a:1' };

for (const [name, make] of Object.entries({ embedded, external, cluster })) {
  describe(`storage: ${name}`, () => {
    let backend: Backend;
    let storage: Storage;
    let scope: ScopedClient;
    before(async () => {
      backend = await make();
      storage = await backend.open();
      scope = storage.scope('one');
    });
    after(async () => {
      await storage?.close();
      await backend?.end();
    });

    const samplesOf = async (metric: string, client = scope): Promise<[number, number][]> => {
      const rows = await client.rows(
        sql`SELECT ts, value FROM ${table.samples} WHERE ${TENANT} AND metric = ${bind.string(metric)}
          ORDER BY id, ts LIMIT 1 BY id, ts`,
      );
      return rows.map((row) => [Number(row.ts), row.value as number]);
    };

    test('opening again changes nothing', async () => {
      const again = await (name === 'embedded' ? undefined : backend.open());
      await again?.close();
      const status = await storage.status();
      assert.equal(status.mode, name);
      assert.match(status.version, /^\d+\.\d+/);
    });

    test('samples and their series can be read back', async () => {
      await storage.sink.writeMetrics(
        metrics('one', [
          [UP, NOW, 1],
          [UP, NOW + 15_000, 0],
          [{ __name__: 'up', job: 'db', instance: 'b:1' }, NOW, 1],
        ]),
      );
      const rows = await scope.rows(
        sql`SELECT s.id AS id, s.value AS value FROM ${table.samples} AS s
          WHERE ${tenantOf('s')} AND s.metric = 'up' AND s.id IN (
            SELECT id FROM ${table.series} WHERE ${TENANT} AND metric = 'up'
              AND labels[${bind.string('job')}] = ${bind.string('api')} AND match(labels['instance'], '^(?s:a:.*)$'))
          ORDER BY ts`,
      );
      assert.deepEqual(rows, [
        { id: seriesId(Labels.from(UP)), value: 1 },
        { id: seriesId(Labels.from(UP)), value: 0 },
      ]);
      const series = await scope.rows(
        sql`SELECT labels, first_day, last_day, week FROM ${table.series} WHERE ${TENANT} AND labels['job'] = 'db'`,
      );
      const day = Math.floor(NOW / 86_400_000);
      assert.deepEqual(series, [
        {
          labels: new Map(Object.entries({ __name__: 'up', instance: 'b:1', job: 'db' })),
          first_day: day,
          last_day: day,
          week: Math.floor(day / 7),
        },
      ]);
    });

    test('values keep every bit, also the stale marker and the infinities', async () => {
      const batch = metrics('one', [
        [{ __name__: 'bits' }, NOW, Number.POSITIVE_INFINITY],
        [{ __name__: 'bits' }, NOW + 1, -0],
        [{ __name__: 'bits' }, NOW + 2, Number.MIN_VALUE],
      ]);
      batch.seriesIndex.push(0);
      batch.timestampsMs.pushFloat(NOW + 3);
      batch.values.pushHalves(STALE_LOW, STALE_HIGH);
      await storage.sink.writeMetrics(batch);
      const [block] = await scope.query(
        sql`SELECT value FROM ${table.samples} WHERE ${TENANT} AND metric = 'bits' ORDER BY ts`,
      );
      const values = block?.floats('value') as Float64Array;
      assert.deepEqual([...values.subarray(0, 3)], [Number.POSITIVE_INFINITY, -0, Number.MIN_VALUE]);
      const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
      assert.ok(isStaleBits(halves[6] as number, halves[7] as number));
    });

    test('a sample that comes twice is there once; any order and any age is taken', async () => {
      const old = { __name__: 'old' };
      const times = [NOW, 0, -1, NOW - 40 * 365 * 86_400_000, 2 ** 52, NOW, NOW - 1];
      await storage.sink.writeMetrics(
        metrics(
          'one',
          times.map((time) => [old, time, 7]),
        ),
      );
      await storage.sink.writeMetrics(metrics('one', [[old, NOW, 7]]));
      const want = [...new Set(times)].sort((a, b) => a - b).map((time) => [time, 7]);
      assert.deepEqual(await samplesOf('old'), want);
    });

    test('histograms, exemplars and metadata', async () => {
      const labels = { __name__: 'latency', job: 'api' };
      await storage.sink.writeMetrics(
        metrics('one', [], {
          histograms: [
            [
              labels,
              {
                timestampMs: NOW,
                stale: false,
                histogram: {
                  schema: -53,
                  count: 6,
                  sum: 1.5,
                  zeroThreshold: 0.001,
                  zeroCount: 1,
                  positiveSpans: [
                    { offset: -2, length: 1 },
                    { offset: 3, length: 2 },
                  ],
                  positiveCounts: [1, 2, 0.5],
                  negativeSpans: [],
                  negativeCounts: [],
                  customValues: [0.1, 0.5],
                  counterReset: 'gauge',
                  isFloat: true,
                },
              },
            ],
            [labels, { timestampMs: NOW + 1, stale: true, histogram: null }],
          ],
          exemplars: [
            [labels, { labels: Labels.from({ trace_id: 'abc', k: 'ü' }), value: 0.25, timestampMs: NOW }],
          ],
          metadata: [{ family: 'latency', type: 'histogram', help: "how 'long'", unit: 'seconds' }],
        }),
      );
      const rows = await scope.rows(
        sql`SELECT * EXCEPT (tenant, id) FROM ${table.histograms} WHERE ${TENANT} ORDER BY ts`,
      );
      assert.deepEqual(rows[0], {
        metric: 'latency',
        ts: BigInt(NOW),
        stale: 0,
        is_float: 1,
        counter_reset: 3,
        schema: -53,
        count: 6,
        sum: 1.5,
        zero_threshold: 0.001,
        zero_count: 1,
        positive_offsets: [-2, 3],
        positive_lengths: [1, 2],
        positive_counts: [1, 2, 0.5],
        negative_offsets: [],
        negative_lengths: [],
        negative_counts: [],
        custom_values: [0.1, 0.5],
      });
      assert.equal(rows[1]?.stale, 1);
      assert.deepEqual(
        await scope.rows(sql`SELECT metric, ts, value, labels FROM ${table.exemplars} WHERE ${TENANT}`),
        [
          {
            metric: 'latency',
            ts: BigInt(NOW),
            value: 0.25,
            labels: new Map(Object.entries({ k: 'ü', trace_id: 'abc' })),
          },
        ],
      );
      assert.deepEqual(
        await scope.rows(sql`SELECT family, type, unit, help FROM ${table.metric_metadata} WHERE ${TENANT}`),
        [{ family: 'latency', type: 'histogram', unit: 'seconds', help: "how 'long'" }],
      );
      // A series that has only histograms is a series too.
      assert.equal(
        (
          await scope.rows(
            sql`SELECT DISTINCT id FROM ${table.series} WHERE ${TENANT} AND metric = 'latency'`,
          )
        ).length,
        1,
      );
    });

    test('log records with metadata and trace ids; exact duplicates count once', async () => {
      const traceId = '0123456789abcdef0123456789abcdef';
      const spanId = '00000000000000ff';
      const batch = logs('one', [
        {
          stream: { service_name: 'shop' },
          timeNs: NOW_NS,
          line: 'päyment "failed"\n',
          severity: 17,
          traceId,
          spanId,
          metadata: { trace_id: traceId, span_id: spanId, user: 'x' },
        },
        {
          stream: { service_name: 'shop' },
          timeNs: NOW_NS,
          line: 'same time, another line',
          metadata: { user: '' },
        },
        { stream: { service_name: 'cart' }, timeNs: -5n, line: '', metadata: { trace_id: 'not hex' } },
      ]);
      await storage.sink.writeLogs(batch);
      await storage.sink.writeLogs(batch);
      const rows = await scope.rows(
        sql`SELECT ts, body, severity, lower(hex(trace_id)) AS trace_id, lower(hex(span_id)) AS span_id, metadata
          FROM ${table.log_records} WHERE ${TENANT} ORDER BY ts, body LIMIT 1 BY stream, ts, hash`,
      );
      const none = '0'.repeat(32);
      assert.deepEqual(rows, [
        {
          ts: -5n,
          body: '',
          severity: 0,
          trace_id: none,
          span_id: '0'.repeat(16),
          metadata: new Map([['trace_id', 'not hex']]),
        },
        {
          ts: NOW_NS,
          body: 'päyment "failed"\n',
          severity: 17,
          trace_id: traceId,
          span_id: spanId,
          metadata: new Map([['user', 'x']]),
        },
        {
          ts: NOW_NS,
          body: 'same time, another line',
          severity: 0,
          trace_id: none,
          span_id: '0'.repeat(16),
          metadata: new Map([['user', '']]),
        },
      ]);
      const [count] = await scope.rows(
        sql`SELECT count() AS n FROM ${table.log_records} FINAL WHERE ${TENANT}`,
      );
      assert.equal(count?.n, 3n);
      const streams = await scope.rows(
        sql`SELECT DISTINCT id, labels FROM ${table.streams} WHERE ${TENANT} ORDER BY labels['service_name']`,
      );
      assert.deepEqual(
        streams.map((row) => row.labels),
        [new Map([['service_name', 'cart']]), new Map([['service_name', 'shop']])],
      );
    });

    test('spans with everything they can have, their resource, scope and trace', async () => {
      const traceId = 'ffffffffffffffffffffffffffffff01';
      const root = {
        traceId,
        spanId: 'aaaaaaaaaaaaaaaa',
        startNs: NOW_NS,
        endNs: NOW_NS + 4_294_967_297_000n,
        name: 'GET /',
        kind: 2,
        statusCode: 2,
        attributes: {
          text: 'a',
          int: -9_223_372_036_854_775_808n,
          double: 0.1,
          bool: true,
          list: { json: '{"arrayValue":{"values":[{"intValue":"1"}]}}' },
        },
        events: [
          { timeNs: NOW_NS + 1n, name: 'exception', attributes: { message: 'bo"om', n: 3n } },
          { timeNs: NOW_NS + 2n, name: 'other', attributes: {} },
        ],
        links: [
          {
            traceId: '00000000000000000000000000000001',
            spanId: '0000000000000002',
            attributes: { l: true },
          },
        ],
        resource: { 'service.name': 'front', replicas: 3n },
      };
      await storage.sink.writeSpans(
        spans('one', [
          root,
          {
            traceId,
            spanId: 'bbbbbbbbbbbbbbbb',
            parentId: root.spanId,
            startNs: NOW_NS - 10n,
            endNs: NOW_NS + 5n,
            name: 'child',
          },
        ]),
      );
      const rows = await scope.rows(
        sql`SELECT s.*, r.attributes_string AS r_string, r.attributes_int AS r_int, c.name AS c_name,
            c.attributes_string AS c_string
          FROM ${table.spans} AS s
          GLOBAL ANY LEFT JOIN (SELECT * FROM ${table.resources} WHERE ${TENANT}) AS r ON r.id = s.resource
          GLOBAL ANY LEFT JOIN (SELECT * FROM ${table.scopes} WHERE ${TENANT}) AS c ON c.id = s.scope
          WHERE ${tenantOf('s')} AND s.trace_id = toFixedString(unhex(${bind.string(traceId)}), 16)
          ORDER BY s.start_ns`,
      );
      assert.equal(rows.length, 2);
      const [child, got] = rows as [Record<string, unknown>, Record<string, unknown>];
      const column = (row: Record<string, unknown>, key: string): unknown => row[key] ?? row[`s.${key}`];
      assert.equal(Buffer.from(column(child, 'parent_id') as Uint8Array).toString('hex'), root.spanId);
      assert.equal(column(child, 'service'), 'shop');
      const want: Record<string, unknown> = {
        start_ns: NOW_NS,
        duration_ns: 4_294_967_297_000n,
        service: 'front',
        name: 'GET /',
        kind: 2,
        status_code: 2,
        trace_state: 'a=1',
        flags: 0x101,
        dropped_attributes: 1,
        dropped_events: 2,
        dropped_links: 3,
        attributes_string: new Map([['text', 'a']]),
        attributes_int: new Map([['int', -9_223_372_036_854_775_808n]]),
        attributes_double: new Map([['double', 0.1]]),
        attributes_bool: new Map([['bool', 1]]),
        attributes_other: new Map([['list', '{"arrayValue":{"values":[{"intValue":"1"}]}}']]),
        event_times_ns: [NOW_NS + 1n, NOW_NS + 2n],
        event_names: ['exception', 'other'],
        event_attributes: [
          '[{"key":"message","value":{"stringValue":"bo\\"om"}},{"key":"n","value":{"intValue":"3"}}]',
          '',
        ],
        link_attributes: ['[{"key":"l","value":{"boolValue":true}}]'],
      };
      for (const [key, value] of Object.entries(want)) assert.deepEqual(column(got, key), value, key);
      assert.equal(
        Buffer.from((column(got, 'link_span_ids') as Uint8Array[])[0] as Uint8Array).toString('hex'),
        '0000000000000002',
      );
      assert.deepEqual(got.r_string, new Map([['service.name', 'front']]));
      assert.deepEqual(got.r_int, new Map([['replicas', 3n]]));
      assert.equal(got.c_name, 'test-scope');
      assert.deepEqual(got.c_string, new Map([['scope.key', 'scope value']]));
      assert.deepEqual(
        await scope.rows(
          sql`SELECT min(start_ns) AS start, max(end_ns) AS end, max(root_service) AS service, max(root_name) AS name
            FROM ${table.traces} WHERE ${TENANT} GROUP BY trace_id`,
        ),
        [{ start: NOW_NS - 10n, end: root.endNs, service: 'front', name: 'GET /' }],
      );
    });

    test('tenants do not see each other', async () => {
      await storage.sink.writeMetrics(metrics("o'ther\\", [[{ __name__: 'secret' }, NOW, 1]]));
      assert.deepEqual(await samplesOf('secret'), []);
      assert.deepEqual(await samplesOf('secret', storage.scope("o'ther\\")), [[NOW, 1]]);
    });

    test('many small pushes at once share inserts and are all there', async () => {
      const pushes = Array.from({ length: 500 }, (_, i) =>
        storage.sink.writeMetrics(metrics('many', [[{ __name__: 'many', n: String(i) }, NOW, i]])),
      );
      await Promise.all(pushes);
      const rows = await storage.scope('many').rows(
        sql`SELECT uniqExact(id) AS ids, sum(value) AS sum, countDistinct(_part) AS parts
            FROM ${table.samples} WHERE ${TENANT}`,
      );
      assert.equal(rows[0]?.ids, 500n);
      assert.equal(rows[0]?.sum, 124_750);
      const series = await storage
        .scope('many')
        .rows(sql`SELECT uniqExact(id) AS n FROM ${table.series} WHERE ${TENANT}`);
      assert.equal(series[0]?.n, 500n);
    });

    test('a large result streams; leaving it early is fine', async () => {
      let blocks = 0;
      for await (const block of scope.stream(sql`SELECT number FROM numbers(100000000)`)) {
        assert.ok(block.rows > 0);
        if (++blocks === 3) break;
      }
      assert.equal(blocks, 3);
    });

    test('an aborted query ends with the reason of the abort', async () => {
      const abort = new AbortController();
      const reason = new Error('the client went away');
      const stream = scope.stream(sql`SELECT number FROM numbers(100000000000)`, { signal: abort.signal });
      await stream.next();
      abort.abort(reason);
      await assert.rejects(async () => {
        for await (const _ of stream);
      }, reason);
    });

    const failures: [string, ReturnType<typeof sql>, object, RegExp, number][] = [
      ['a wrong query', sql`SELECT no_such_column`, {}, /no_such_column/, 47],
      [
        'a failure after the first blocks',
        sql`SELECT throwIf(number = 3000000, 'Oops') FROM numbers(5000000)`,
        {},
        /Oops/,
        395,
      ],
      [
        'the time limit',
        sql`SELECT count() FROM numbers(100000000000000) WHERE sipHash64(number) = 1`,
        { timeoutMs: 50 },
        /Timeout/i,
        159,
      ],
      [
        'the memory limit',
        sql`SELECT groupArray(number) FROM numbers(50000000)`,
        { maxMemoryBytes: 20_000_000 },
        /memory/i,
        241,
      ],
      ['writing through a select', sql`CREATE TABLE x (a UInt8) ENGINE = Memory`, {}, /readonly/i, 164],
    ];
    for (const [what, query, options, message, code] of failures)
      test(`errors say what happened: ${what}`, async () => {
        await assert.rejects(scope.rows(query, options), (error) => {
          assert.ok(error instanceof StorageError);
          assert.match(error.message, message);
          assert.equal(error.code, code);
          return true;
        });
      });

    test('bound values arrive as they are', async () => {
      const texts = ['', "it's", '\\N', '\\', '\n\t\r\0\b\f', "{p0:String}', 1) --", 'ü€😀', '%_?*'];
      for (const text of texts)
        assert.deepEqual(
          await scope.rows(sql`SELECT ${bind.string(text)} AS v`),
          [{ v: text }],
          JSON.stringify(text),
        );
      assert.deepEqual(await scope.rows(sql`SELECT ${bind.strings(texts)} AS v`), [{ v: texts }]);
      const large = Array.from({ length: 20_000 }, (_, i) => BigInt(i) * 922_337_203_685_477n);
      assert.deepEqual(await scope.rows(sql`SELECT ${bind.uint64s(large)} AS v`), [{ v: large }]);
      const long = "x'\\\n".repeat(20_000);
      assert.deepEqual(await scope.rows(sql`SELECT ${bind.string(long)} AS v, ${bind.int64(-1n)} AS n`), [
        { v: long, n: -1n },
      ]);
      assert.deepEqual(
        await scope.rows(
          sql`SELECT ${join(
            [bind.float64(Number.NaN), bind.float64(-Infinity), bind.float64(1e300)].map(
              (v, i) => sql`${v} AS ${[sql`a`, sql`b`, sql`c`][i] as ReturnType<typeof sql>}`,
            ),
            ', ',
          )}`,
        ),
        [{ a: Number.NaN, b: Number.NEGATIVE_INFINITY, c: 1e300 }],
      );
    });

    test('documents: versions, conflicts, deletion, tenants', async () => {
      const { documents } = storage;
      assert.equal(await documents.get('one', 'dashboard', 'd1'), undefined);
      const first = await documents.put('one', 'dashboard', 'd1', '{"a":"ü"}', 0);
      assert.equal(first.version, 1);
      await assert.rejects(documents.put('one', 'dashboard', 'd1', 'x', 0), DocumentConflictError);
      const second = await documents.put('one', 'dashboard', 'd1', 'two', 1);
      assert.equal(second.version, 2);
      await assert.rejects(
        documents.put('one', 'dashboard', 'd1', 'x', 1),
        (error) => error instanceof DocumentConflictError && error.version === 2,
      );
      await documents.put('one', 'dashboard', 'd2', 'other');
      await documents.put('two', 'dashboard', 'd1', 'of two');
      assert.deepEqual(
        (await documents.list('one', 'dashboard')).map(({ id, version, body }) => [id, version, body]),
        [
          ['d1', 2, 'two'],
          ['d2', 1, 'other'],
        ],
      );
      assert.equal(await documents.delete('one', 'dashboard', 'd1', 2), true);
      assert.equal(await documents.delete('one', 'dashboard', 'd1'), false);
      assert.equal(await documents.get('one', 'dashboard', 'd1'), undefined);
      assert.deepEqual(
        (await documents.history('one', 'dashboard', 'd1')).map(({ version, body }) => [version, body]),
        [
          [3, ''],
          [2, 'two'],
          [1, '{"a":"ü"}'],
        ],
      );
      assert.equal((await documents.put('one', 'dashboard', 'd1', 'again', 0)).version, 4);
      assert.equal((await documents.get('two', 'dashboard', 'd1'))?.body, 'of two');
    });

    test('documents: of many writers of the same version exactly one wins', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, i) => storage.documents.put('race', 'silence', 's', String(i), 0)),
      );
      const winners = results.filter((result) => result.status === 'fulfilled');
      assert.equal(winners.length, 1);
      const stored = await storage.documents.get('race', 'silence', 's');
      assert.equal(stored?.version, 1);
      assert.deepEqual(stored, winners[0]?.value);
    });
  });
}
