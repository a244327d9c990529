/** OTLP/JSON: what is taken, what is refused and where; responses; limits of traces and logs. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { otlpJsonToProtobuf } from '../../src/wire/otlp/json.ts';
import {
  DEFAULT_INDEXED_ATTRIBUTES,
  DEFAULT_OTLP_LOG_LIMITS,
  decodeOtlpLogs,
} from '../../src/wire/otlp/logs.ts';
import { exportResponse, statusResponse } from '../../src/wire/otlp/responses.ts';
import { LOGS, TRACES } from '../../src/wire/otlp/schema.ts';
import { DEFAULT_SPAN_LIMITS, decodeTraces, type SpanLimits } from '../../src/wire/otlp/traces.ts';
import { logRows, spanRows } from '../collector/memory-sink.ts';
import { concat, field, int, message } from './bytes.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
type Json = Record<string, unknown>;

const spansBody = (...spans: unknown[]) => ({ resourceSpans: [{ scopeSpans: [{ spans }] }] });

function decode(text: string, limits?: Partial<SpanLimits>) {
  const { batch, rejected } = decodeTraces(otlpJsonToProtobuf(Buffer.from(text), TRACES), 't', {
    ...DEFAULT_SPAN_LIMITS,
    ...limits,
  });
  return { spans: spanRows(batch), rejected: rejected.message };
}

function span(more: Json, limits?: Partial<SpanLimits>) {
  const { spans, rejected } = decode(
    JSON.stringify(spansBody({ traceId: TRACE, spanId: SPAN, ...more })),
    limits,
  );
  assert.equal(rejected, '');
  return spans[0] as NonNullable<(typeof spans)[0]>;
}

describe('OTLP/JSON', () => {
  it('ids in any case', () => {
    assert.equal(span({ traceId: TRACE.toUpperCase() }).traceId, TRACE);
  });

  it('64-bit integers as string, number and number beyond 2^53', () => {
    const times: [text: string, want: bigint][] = [
      ['"1700000000123456789"', 1_700_000_000_123_456_789n],
      ['1700000000123456789', 1_700_000_000_123_456_789n],
      ['1700000000', 1_700_000_000n],
      ['"1.7e18"', 1_700_000_000_000_000_000n],
      ['0', 0n],
    ];
    for (const [text, want] of times) {
      const body = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${TRACE}","spanId":"${SPAN}","startTimeUnixNano":${text}}]}]}]}`;
      assert.equal(decode(body).spans[0]?.startNs, want, text);
    }
  });

  it('enums as number or name', () => {
    assert.equal(span({ kind: 3 }).kind, 3);
    assert.equal(span({ kind: 'SPAN_KIND_CLIENT' }).kind, 3);
    assert.equal(span({ kind: '3' }).kind, 3);
    assert.equal(span({ kind: 77 }).kind, 0);
    assert.equal(span({ status: { code: 'STATUS_CODE_ERROR' } }).status, 2);
  });

  it('unknown names and null are passed over; snake_case is unknown', () => {
    const got = span({
      kind: null,
      attributes: null,
      start_time_unix_nano: '5',
      future: { a: [1] },
      __proto__: { name: 'x' },
    });
    assert.deepEqual([got.kind, got.startNs, got.name, got.attributes], [0, 0n, '', {}]);
  });

  it('attributes of every type', () => {
    const values: [value: Json, want: unknown][] = [
      [{ stringValue: '' }, ''],
      [{ boolValue: false }, false],
      [{ intValue: '-1' }, -1n],
      [{ doubleValue: '0.5' }, 0.5],
      [{ doubleValue: '-Infinity' }, -Infinity],
      [{ bytesValue: 'AQI=' }, { json: { bytesValue: 'AQI=' } }],
      [{ arrayValue: {} }, { json: { arrayValue: { values: [] } } }],
      [
        { kvlistValue: { values: [{ key: 'k', value: { doubleValue: 'NaN' } }] } },
        { json: { kvlistValue: { values: [{ key: 'k', value: { doubleValue: 'NaN' } }] } } },
      ],
      [{}, { json: {} }],
    ];
    for (const [value, want] of values)
      assert.deepEqual(span({ attributes: [{ key: 'k', value }] }).attributes, { k: want });
    assert.deepEqual(span({ attributes: [{ key: 'k' }] }).attributes, { k: { json: {} } });
  });

  const refused: [what: string, text: string, error: RegExp][] = [
    ['no JSON', '{', /malformed JSON/],
    ['no UTF-8', '\udfff', /./],
    ['a list', '[]', /at the top: must be an object/],
    ['a string for a list', '{"resourceSpans":"x"}', /at resourceSpans: must be an array/],
    ['a number for a message', '{"resourceSpans":[1]}', /at resourceSpans\[0\]: must be an object/],
    ['a number for text', JSON.stringify(spansBody({ name: 5 })), /spans\[0\]\.name: must be a string/],
    [
      'no hexadecimal id',
      JSON.stringify(spansBody({ traceId: 'CvdlGRbNQ92ESOshHIAxnA==' })),
      /traceId: must be a string of hexadecimal digits/,
    ],
    ['half a byte', JSON.stringify(spansBody({ spanId: 'abc' })), /hexadecimal/],
    [
      'a negative time',
      JSON.stringify(spansBody({ startTimeUnixNano: '-1' })),
      /does not fit 64 bits without sign/,
    ],
    [
      'a fraction for an integer',
      JSON.stringify(spansBody({ startTimeUnixNano: 1.5 })),
      /must be an integer/,
    ],
    ['text for an integer', JSON.stringify(spansBody({ droppedLinksCount: 'many' })), /must be an integer/],
    ['more than 32 bits', JSON.stringify(spansBody({ flags: 2 ** 33 })), /does not fit 32 bits/],
    ['another enum name', JSON.stringify(spansBody({ kind: 'CLIENT' })), /kind: must be an integer/],
    [
      'text for a boolean',
      JSON.stringify(spansBody({ attributes: [{ key: 'k', value: { boolValue: 'true' } }] })),
      /must be true or false/,
    ],
    [
      'text for a double',
      JSON.stringify(spansBody({ attributes: [{ key: 'k', value: { doubleValue: 'x' } }] })),
      /must be a number/,
    ],
    [
      'no base64',
      JSON.stringify(spansBody({ attributes: [{ key: 'k', value: { bytesValue: '?' } }] })),
      /must be base64/,
    ],
  ];
  for (const [what, text, error] of refused) {
    it(`refuses ${what}`, () => {
      const body = what === 'no UTF-8' ? Uint8Array.of(0x22, 0xff, 0x22) : Buffer.from(text);
      assert.throws(
        () => otlpJsonToProtobuf(body, TRACES),
        (thrown) => thrown instanceof InputError && error.test(thrown.message),
      );
    });
  }

  it('refuses values nested too deeply, in JSON and in protobuf', () => {
    const nested = (depth: number): unknown =>
      depth === 0 ? { intValue: 1 } : { arrayValue: { values: [nested(depth - 1)] } };
    const body = (depth: number) =>
      JSON.stringify(
        spansBody({ traceId: TRACE, spanId: SPAN, attributes: [{ key: 'k', value: nested(depth) }] }),
      );
    assert.equal(decode(body(20)).spans.length, 1);
    assert.throws(() => decode(body(500)), /nested too deeply/);
    assert.throws(
      () => decode(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`.replace('"a"', '"resourceSpans"')),
      InputError,
    );
    let value: Uint8Array = int(3, 1);
    for (let i = 0; i < 500; i++) value = field(5, field(1, value));
    const attribute = field(9, message(field(1, 'k'), field(2, value)));
    const bytes = field(
      1,
      field(
        2,
        field(2, concat(field(1, Buffer.from(TRACE, 'hex')), field(2, Buffer.from(SPAN, 'hex')), attribute)),
      ),
    );
    assert.throws(() => decodeTraces(bytes, 't'), /nested too deeply/);
  });
});

describe('spans that are refused or cut', () => {
  const refused: [what: string, more: Json, reason: RegExp][] = [
    ['a trace id of 8 bytes', { traceId: SPAN }, /trace_id must be 16 bytes/],
    ['a trace id of zeros', { traceId: '0'.repeat(32) }, /trace_id must be 16 bytes/],
    ['no span id', { spanId: '' }, /span_id must be 8 bytes/],
    ['a parent id of 4 bytes', { parentSpanId: 'abcdef01' }, /parent_span_id must be 8 bytes or empty/],
    ['a time beyond 2262', { endTimeUnixNano: '9223372036854775808' }, /beyond the year 2262/],
  ];
  for (const [what, more, reason] of refused) {
    it(what, () => {
      const { spans, rejected } = decode(
        JSON.stringify(
          spansBody({ traceId: TRACE, spanId: SPAN, ...more }, { traceId: TRACE, spanId: SPAN }),
        ),
      );
      assert.match(rejected, reason);
      assert.equal(spans.length, 1);
    });
  }

  it('a parent of zeros is none; links without ids are dropped and counted', () => {
    const got = span({
      parentSpanId: '0'.repeat(16),
      links: [{ traceId: TRACE, spanId: SPAN }, { traceId: TRACE }, {}],
      droppedLinksCount: 1,
    });
    assert.equal(got.parentId, '');
    assert.equal(got.links.length, 1);
    assert.deepEqual(got.dropped, [0, 0, 3]);
  });

  it('limits drop, cut and count', () => {
    const attributes = (...keys: string[]) => keys.map((key) => ({ key, value: { stringValue: 'ää' } }));
    const limits = {
      maxAttributes: 2,
      maxAttributeKeyBytes: 3,
      maxAttributeValueBytes: 3,
      maxSpanNameBytes: 4,
      maxEventsPerSpan: 1,
      maxLinksPerSpan: 1,
    };
    const link = { traceId: TRACE, spanId: SPAN };
    const got = span(
      {
        name: 'GET /cart',
        attributes: attributes('a', 'a', '', 'long', 'b', 'c'),
        events: [{ name: 'e1', attributes: attributes('a') }, { name: 'e2' }],
        links: [link, link],
        status: { message: 'failed' },
      },
      limits,
    );
    assert.deepEqual(got.attributes, { a: 'ä', b: 'ä' });
    assert.deepEqual(got.dropped, [4, 1, 1]);
    assert.equal(got.name, 'GET ');
    assert.equal(got.message, 'fai');
    assert.deepEqual(
      got.events.map(({ name }) => name),
      ['e1'],
    );
  });
});

describe('logs', () => {
  const NOW = 1_700_000_000_000_000_000n;
  const record = (record: Json, resource: Json = {}, scope: Json = {}, limits = DEFAULT_OTLP_LOG_LIMITS) => {
    const body = { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords: [record] }] }] };
    const { batch, rejected } = decodeOtlpLogs(
      otlpJsonToProtobuf(Buffer.from(JSON.stringify(body)), LOGS),
      't',
      {
        limits,
        indexedAttributes: DEFAULT_INDEXED_ATTRIBUTES,
        maxTimestampNs: NOW + 10n,
        nowNs: NOW,
      },
    );
    return { row: logRows(batch)[0], rejected: rejected.message };
  };
  const list = (attributes: Record<string, Json>) =>
    Object.entries(attributes).map(([key, value]) => ({ key, value }));
  const text = (stringValue: string) => ({ stringValue });

  it('resource attributes that are indexed make the stream, the rest is metadata', () => {
    const { row } = record(
      { body: text('x') },
      {
        attributes: list({
          'service.name': text('cart'),
          'k8s.pod.name': text('p1'),
          'deployment.environment.name': text('prod'),
          'cloud.region': { intValue: 7 },
          'host.name': text('h'),
          'container.name': { kvlistValue: { values: list({ a: text('1') }) } },
        }),
      },
    );
    assert.deepEqual(row?.stream, {
      service_name: 'cart',
      k8s_pod_name: 'p1',
      deployment_environment_name: 'prod',
      cloud_region: '7',
      container_name_a: '1',
    });
    assert.deepEqual(row?.metadata, { host_name: 'h', detected_level: 'unknown' });
  });

  it('the service is found among the labels, else unknown', () => {
    assert.equal(
      record({}, { attributes: list({ 'container.name': text('c') }) }).row?.stream.service_name,
      'c',
    );
    assert.equal(record({}).row?.stream.service_name, 'unknown_service');
  });

  it('times: the record, else when it was observed, else now', () => {
    assert.equal(record({ timeUnixNano: '5', observedTimeUnixNano: '6' }).row?.timeNs, 5n);
    assert.equal(
      record({ timeUnixNano: '5', observedTimeUnixNano: '6' }).row?.metadata.observed_timestamp,
      '6',
    );
    assert.equal(
      record({ observedTimeUnixNano: '1700000000000000006' }).row?.timeNs,
      1_700_000_000_000_000_006n,
    );
    assert.equal(record({}).row?.timeNs, NOW);
  });

  it('times keep every digit as text', () => {
    for (const time of [
      '1',
      '999999',
      '1000000',
      '4294967296',
      '1700000000123456789',
      '9223372036854775807',
    ]) {
      assert.equal(
        record({ timeUnixNano: '5', observedTimeUnixNano: time }).row?.metadata.observed_timestamp,
        time,
      );
    }
  });

  it('bodies of every type', () => {
    const bodies: [body: Json | undefined, want: string][] = [
      [text('größe'), 'größe'],
      [{ intValue: '9007199254740993' }, '9007199254740993'],
      [{ doubleValue: 1.5 }, '1.5'],
      [{ boolValue: true }, 'true'],
      [{ bytesValue: 'AQI=' }, 'AQI='],
      [{ arrayValue: { values: [text('a'), { intValue: 1 }] } }, '["a",1]'],
      [
        {
          kvlistValue: {
            values: list({
              msg: text('hi'),
              a: { kvlistValue: { values: list({ b: { boolValue: true } }) } },
            }),
          },
        },
        '{"a":{"b":true},"msg":"hi"}',
      ],
      [{}, ''],
      [undefined, ''],
    ];
    for (const [body, want] of bodies) assert.equal(record({ body }).row?.body, want);
  });

  it('levels: attribute, severity, line', () => {
    const level = (more: Json) => record(more).row?.metadata.detected_level;
    assert.equal(level({ severityNumber: 17, body: text('info') }), 'error');
    assert.equal(level({ severityNumber: 17, attributes: list({ level: text('Odd') }) }), 'Odd');
    assert.equal(level({ severityNumber: 99 }), 'unknown');
    assert.equal(level({ body: text('{"level":"warn"}') }), 'warn');
    assert.equal(record({ body: text('level=error') }).row?.severity, 17);
    assert.equal(record({ severityNumber: 99 }).row?.severity, 0);
  });

  it('equal names: the scope wins over the resource, that over the record, fields over attributes', () => {
    const attributes = (value: string) => list({ 'a.b': text(value) });
    assert.equal(
      record(
        { attributes: attributes('record') },
        { attributes: attributes('resource') },
        { attributes: attributes('scope') },
      ).row?.metadata.a_b,
      'scope',
    );
    assert.equal(
      record({ attributes: attributes('record') }, { attributes: attributes('resource') }).row?.metadata.a_b,
      'resource',
    );
    assert.equal(record({ flags: 5, attributes: list({ flags: text('x') }) }).row?.metadata.flags, '5');
  });

  it('refuses what is beyond the limits', () => {
    const limits = {
      ...DEFAULT_OTLP_LOG_LIMITS,
      maxLineBytes: 5,
      maxMetadataEntries: 2,
      maxMetadataBytes: 40,
      maxLabelValueBytes: 16,
    };
    const refused: [more: Json, resource: Json, reason: RegExp][] = [
      [{ body: text('123456') }, {}, /line longer than 5 bytes/],
      [{ body: { arrayValue: { values: [text('a'), text('b')] } } }, {}, /line longer than 5 bytes/],
      [{ attributes: list({ a: text('1'), b: text('2'), c: text('3') }) }, {}, /more than 2 attributes/],
      [{ attributes: list({ a: text('x'.repeat(50)) }) }, {}, /attributes of more than 40 bytes/],
      [
        {},
        { attributes: list({ 'service.name': text('much too long a name') }) },
        /value of label service_name longer than 16 bytes/,
      ],
      [{ traceId: 'abcd' }, {}, /trace_id must be 16 bytes or empty/],
      [{ spanId: 'abcd' }, {}, /span_id must be 8 bytes or empty/],
      [{ timeUnixNano: '18446744073709551615' }, {}, /beyond the year 2262/],
      [{ timeUnixNano: String(NOW + 11n) }, {}, /too far in the future/],
    ];
    for (const [more, resource, reason] of refused) {
      const { row, rejected } = record(more, resource, {}, limits);
      assert.equal(row, undefined);
      assert.match(rejected, reason);
    }
  });

  it('ids of zeros are none', () => {
    const { row } = record({ traceId: '0'.repeat(32), spanId: '0'.repeat(16) });
    assert.deepEqual([row?.traceId, row?.spanId, row?.metadata], ['', '', { detected_level: 'unknown' }]);
  });
});

describe('responses', () => {
  it('export responses', () => {
    assert.equal(exportResponse('traces', 'json'), '{}');
    assert.equal(
      exportResponse('logs', 'json', 0, 'a warning'),
      '{"partialSuccess":{"errorMessage":"a warning"}}',
    );
    assert.equal(
      exportResponse('metrics', 'json', 3, 'x'),
      '{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"x"}}',
    );
    assert.deepEqual(
      Buffer.from(exportResponse('metrics', 'protobuf', 3, 'x') as Uint8Array),
      Buffer.from(field(1, concat(int(1, 3), field(2, 'x')))),
    );
  });

  it('statuses', () => {
    assert.equal(statusResponse('json', 3, 'why'), '{"code":3,"message":"why"}');
    assert.deepEqual(
      Buffer.from(statusResponse('protobuf', 3, 'why') as Uint8Array),
      Buffer.from(concat(int(1, 3), field(2, 'why'))),
    );
  });
});
