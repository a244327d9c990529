import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attribute, valueText } from '../../ui/src/traces/model.ts';
import { base64ToHex, decodeTrace, decodeValue, hexId, NotATrace } from '../../ui/src/traces/otlp-decode.ts';

const one = (span: object, resource: object = {}): object => ({
  trace: { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'lib' }, spans: [span] }] }] },
});

const ids: [given: unknown, want: string][] = [
  ['FAwPmv5LmzE=', '140c0f9afe4b9b31'],
  ['vRTjj43KYRgbWzXoVDZ8tA==', 'bd14e38f8dca61181b5b35e854367cb4'],
  ['BD14E38F8DCA61181B5B35E854367CB4', 'bd14e38f8dca61181b5b35e854367cb4'],
  ['014c0f9afe4b9b9e', '014c0f9afe4b9b9e'],
  ['_-8AAAAAAAA=', 'ffef000000000000'],
  ['', ''],
  [undefined, ''],
  [7, ''],
];
for (const [given, want] of ids)
  test(`id ${String(given)}`, () => {
    assert.equal(hexId(given), want);
  });

test('base64 agrees with Node for all lengths', () => {
  for (let n = 0; n < 40; n++) {
    const bytes = Buffer.from(Array.from({ length: n }, (_, i) => (i * 37 + n * 11) & 255));
    assert.equal(base64ToHex(bytes.toString('base64')), bytes.toString('hex'));
    assert.equal(base64ToHex(bytes.toString('base64url')), bytes.toString('hex'));
  }
});

const values: [given: unknown, type: string, text: string][] = [
  [{ stringValue: 'a' }, 'string', 'a'],
  [{ intValue: '9223372036854775807' }, 'int', '9223372036854775807'],
  [{ intValue: '-1' }, 'int', '-1'],
  [{ intValue: 42 }, 'int', '42'],
  [{ doubleValue: 0.25 }, 'double', '0.25'],
  [{ doubleValue: 'NaN' }, 'double', 'NaN'],
  [{ boolValue: false }, 'bool', 'false'],
  [{ bytesValue: '/+8=' }, 'bytes', '0xffef'],
  [{ arrayValue: { values: [{ stringValue: 'x' }, { intValue: '1' }] } }, 'array', '["x", 1]'],
  [{ arrayValue: {} }, 'array', '[]'],
  [{ kvlistValue: { values: [{ key: 'k', value: { boolValue: true } }] } }, 'map', '{"k": true}'],
  [{}, 'empty', ''],
  [undefined, 'empty', ''],
];
for (const [given, type, text] of values)
  test(`value ${JSON.stringify(given)}`, () => {
    const value = decodeValue(given);
    assert.equal(value.type, type);
    assert.equal(valueText(value), text);
  });

test('a deeply nested value ends instead of overflowing', () => {
  let value: object = { stringValue: 'deep' };
  for (let i = 0; i < 10_000; i++) value = { arrayValue: { values: [value] } };
  assert.equal(decodeValue(value).type, 'array');
});

test('a span with everything', () => {
  const { spans } = decodeTrace(
    one(
      {
        traceId: 'vRTjj43KYRgbWzXoVDZ8tA==',
        spanId: 'FAwPmv5LmzE=',
        parentSpanId: 'AUwPmv5Lm54=',
        name: 'POST',
        kind: 'SPAN_KIND_CLIENT',
        startTimeUnixNano: '1795181401369954549',
        endTimeUnixNano: '1795181401395995439',
        status: { code: 'STATUS_CODE_ERROR', message: 'refused' },
        attributes: [{ key: 'http.status_code', value: { intValue: '503' } }],
        events: [{ timeUnixNano: '1795181401370000000', name: 'exception', droppedAttributesCount: 2 }],
        links: [{ traceId: '00ff00ff00ff00ff00ff00ff00ff00ff', spanId: '00ff00ff00ff00ff' }],
        droppedLinksCount: 3,
      },
      { attributes: [{ key: 'service.name', value: { stringValue: 'storefront' } }] },
    ),
  );
  const span = spans[0]!;
  assert.equal(span.traceId, 'bd14e38f8dca61181b5b35e854367cb4');
  assert.equal(span.parentSpanId, '014c0f9afe4b9b9e');
  assert.equal(span.kind, 'client');
  assert.equal(span.status, 'error');
  assert.equal(span.statusMessage, 'refused');
  assert.equal(span.startNs, 1_795_181_401_369_954_549n);
  assert.equal(span.durationNs, 26_040_890);
  assert.equal(span.resource.service, 'storefront');
  assert.equal(span.scope.name, 'lib');
  assert.deepEqual(attribute(span.attributes, 'http.status_code'), { type: 'int', value: 503n });
  assert.equal(span.events[0]!.droppedAttributes, 2);
  assert.equal(span.links[0]!.spanId, '00ff00ff00ff00ff');
  assert.deepEqual(span.dropped, { attributes: 0, events: 0, links: 3 });
});

const oddSpans: [name: string, span: object, want: Record<string, unknown>][] = [
  ['enums as numbers', { kind: 5, status: { code: 1 } }, { kind: 'consumer', status: 'ok' }],
  ['unknown enums', { kind: 99, status: { code: 'X' } }, { kind: 'unspecified', status: 'unset' }],
  ['nothing at all', {}, { name: '', startNs: 0n, durationNs: 0, parentSpanId: '', dropped: null }],
  ['all-zero parent is none', { parentSpanId: 'AAAAAAAAAAA=' }, { parentSpanId: '' }],
  ['end before start', { startTimeUnixNano: '10', endTimeUnixNano: '4' }, { durationNs: 0 }],
  ['no end', { startTimeUnixNano: '10' }, { startNs: 10n, durationNs: 0 }],
  ['64-bit trace id', { traceId: '1b5b35e854367cb4' }, { traceId: '00000000000000001b5b35e854367cb4' }],
];
for (const [name, raw, want] of oddSpans)
  test(`odd span: ${name}`, () => {
    const span = decodeTrace(one(raw)).spans[0] as unknown as Record<string, unknown>;
    for (const [key, value] of Object.entries(want)) assert.deepEqual(span[key], value, key);
    assert.equal((span.resource as { service: string }).service, 'unknown_service');
  });

const shapes: [name: string, json: unknown, spans: number, partial: boolean][] = [
  ['v2', one({}), 1, false],
  ['v1 batches', { batches: [{ scopeSpans: [{ spans: [{}] }] }] }, 1, false],
  ['bare OTLP', { resourceSpans: [{ scopeSpans: [{ spans: [{}, {}] }] }] }, 2, false],
  ['old scope name', { batches: [{ instrumentationLibrarySpans: [{ spans: [{}] }] }] }, 1, false],
  ['unknown trace', { trace: {} }, 0, false],
  ['empty answer', {}, 0, false],
  ['partial', { trace: {}, status: 'PARTIAL', message: 'too big' }, 0, true],
  ['complete', { trace: {}, status: 'COMPLETE' }, 0, false],
  [
    'null members',
    { trace: { resourceSpans: [null, { scopeSpans: [null, { spans: [null, {}] }] }] } },
    1,
    false,
  ],
];
for (const [name, json, count, partial] of shapes)
  test(`shape: ${name}`, () => {
    const decoded = decodeTrace(json);
    assert.equal(decoded.spans.length, count);
    assert.equal(decoded.partial, partial);
  });

for (const json of ['<html>', null, [], { error: 'no such tenant' }])
  test(`not a trace: ${JSON.stringify(json)}`, () => {
    assert.throws(() => decodeTrace(json), NotATrace);
  });
