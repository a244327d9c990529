import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spanLogAttempts, toLogLines, traceLogAttempts } from '../../ui/src/traces/log-lines.ts';

const T = 'bd14e38f8dca61181b5b35e854367cb4';
const S = '014c0f9afe4b9b9e';

test('ways to the lines of a span, best first, each saying what it is', () => {
  const span = { traceId: T, spanId: S, service: 'a"b', startNs: 60_000_000_000n, endNs: 60_250_000_000n };
  const got = spanLogAttempts(span, { startNs: 50_000_000_000n, endNs: 70_000_000_000n });
  assert.deepEqual(
    got.map((a) => [a.query, a.fromMs, a.toMs]),
    [
      [`{service_name="a\\"b"} | trace_id="${T}" | span_id="${S}"`, 50_000, 70_251],
      [`{service_name="a\\"b"} | trace_id="${T}"`, 40_000, 80_001],
      [`{service_name=~".+"} | trace_id="${T}"`, 40_000, 80_001],
      [`{service_name=~".+"} |= "${T}"`, 40_000, 80_001],
      ['{service_name="a\\"b"}', 59_000, 61_251],
    ],
  );
  assert.equal(got[0]!.told, '');
  assert.ok(got.slice(1).every((a) => a.told !== ''));
  assert.equal(new Set(got.map((a) => a.told)).size, 5);
});

test('ways to the lines of a trace', () => {
  assert.deepEqual(
    traceLogAttempts({ traceId: T, startNs: 20_000_000_000n, endNs: 20_000_000_000n }).map(
      (a) => a.told === '',
    ),
    [true, false],
  );
});

test('streams become one list in time order, with level, service and ids from wherever they are', () => {
  const lines = toLogLines([
    {
      stream: { service_name: 'shop', level: 'warn' },
      values: [
        ['1795181401368821988', 'third'],
        ['1795181401368821986', `first trace_id=${T} span_id=${S}`],
      ],
    },
    {
      stream: { service_name: 'stock' },
      values: [
        [
          '1795181401368821987',
          'second',
          { structuredMetadata: { trace_id: T.toUpperCase(), span_id: S, severity_text: 'ERROR' } },
        ],
      ],
    },
  ]);
  assert.deepEqual(
    lines.map((l) => [l.text.split(' ')[0], l.level, l.service, l.traceId, l.spanId]),
    [
      ['first', 'warn', 'shop', T, S],
      ['second', 'error', 'stock', T, S],
      ['third', 'warn', 'shop', '', ''],
    ],
  );
});
