/** Loki's push format, stream labels, service names and levels. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { Labels } from '../../src/model/labels.ts';
import { DEFAULT_LOG_LIMITS } from '../../src/wire/log-batch.ts';
import { levelOfLine, levelOfSeverityText, withServiceName } from '../../src/wire/log-level.ts';
import { DEFAULT_LOKI_PUSH_OPTIONS, decodeLokiJson, decodeLokiProtobuf } from '../../src/wire/loki-push.ts';
import { parseStreamLabels } from '../../src/wire/stream-labels.ts';
import { logRows, type PlainLog } from '../collector/memory-sink.ts';
import { concat, field, int, message } from './bytes.ts';

const T = 1_793_577_600_000_890_178n;

function json(value: unknown, options = DEFAULT_LOKI_PUSH_OPTIONS) {
  return decodeLokiJson(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), 't', options);
}

/** The same push in protobuf. */
function protobuf(streams: { stream: string; values: [string, string, Record<string, string>?][] }[]) {
  return concat(
    ...streams.map(({ stream, values }) =>
      field(
        1,
        concat(
          field(1, stream),
          ...values.map(([time, line, metadata]) =>
            field(
              2,
              concat(
                field(
                  1,
                  message(int(1, BigInt(time) / 1_000_000_000n), int(2, BigInt(time) % 1_000_000_000n)),
                ),
                field(2, line),
                ...Object.entries(metadata ?? {}).map(([name, value]) =>
                  field(3, message(field(1, name), field(2, value))),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

describe('push', () => {
  it('JSON and protobuf give the same rows', () => {
    const metadata = {
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'B7AD6B7169203331',
      user: 'größe "q"',
    };
    const values: [string, string, Record<string, string>?][] = [
      [String(T), 'level=warn msg="wörld"', metadata],
      [String(T + 1n), ''],
      [String(T + 1n), 'plain'],
    ];
    const want: PlainLog[] = [
      {
        stream: { app: 'shop', env: 'a"b', service_name: 'shop' },
        timeNs: T,
        observedNs: 0n,
        body: 'level=warn msg="wörld"',
        severity: 13,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        metadata: { ...metadata, detected_level: 'warn' },
      },
      ...['', 'plain'].map((body) => ({
        stream: { app: 'shop', env: 'a"b', service_name: 'shop' },
        timeNs: T + 1n,
        observedNs: 0n,
        body,
        severity: 0,
        traceId: '',
        spanId: '',
        metadata: { detected_level: 'unknown' },
      })),
    ];
    const fromJson = json({ streams: [{ stream: { env: 'a"b', app: 'shop' }, values }] });
    assert.deepEqual(logRows(fromJson.batch), want);
    const bytes = protobuf([{ stream: '{env="a\\"b", app="shop"}', values }]);
    assert.deepEqual(logRows(decodeLokiProtobuf(bytes, 't').batch), want);
  });

  it('one stream given twice is one stream', () => {
    const stream = { app: 'a' };
    const { batch } = json({
      streams: [
        { stream, values: [[String(T), 'x']] },
        { stream, values: [[String(T), 'y']] },
      ],
    });
    assert.equal(batch.streams.length, 1);
    assert.equal(batch.rows, 2);
  });

  it('nothing in it is fine', () => {
    for (const body of [
      '{}',
      '{"streams":[]}',
      '{"streams":null}',
      '{"streams":[{"stream":{"a":"b"},"values":[]}]}',
      '{"streams":[{"stream":{"a":"b"}}]}',
    ]) {
      const { batch, rejected } = json(body);
      assert.deepEqual([batch.rows, batch.streams.length, rejected.count], [0, 0, 0], body);
    }
    assert.equal(decodeLokiProtobuf(new Uint8Array(0), 't').batch.rows, 0);
  });

  it('times before the epoch', () => {
    assert.equal(
      logRows(json({ streams: [{ stream: { a: 'b' }, values: [['-1', 'x']] }] }).batch)[0]?.timeNs,
      -1n,
    );
  });

  const malformed: [what: string, body: unknown, error: RegExp][] = [
    ['no JSON', 'this is not json', /malformed JSON/],
    ['not an object', [], /must be an object/],
    ['streams of another type', { streams: {} }, /streams must be an array/],
    ['a stream of another type', { streams: [1] }, /streams\[0\] must be an object/],
    [
      'a label that is no string',
      { streams: [{ stream: { a: 1 }, values: [[String(T), 'x']] }] },
      /streams\[0\]\.stream\.a/,
    ],
    [
      'a label name with a dash',
      { streams: [{ stream: { 'a-b': '1' }, values: [[String(T), 'x']] }] },
      /invalid label name/,
    ],
    ['a time that is a number', { streams: [{ stream: {}, values: [[1, 'x']] }] }, /nanoseconds/],
    ['a time that is no number', { streams: [{ stream: {}, values: [['now', 'x']] }] }, /nanoseconds/],
    [
      'a time beyond 64 bits',
      { streams: [{ stream: {}, values: [['9999999999999999999', 'x']] }] },
      /64 bits/,
    ],
    [
      'a line that is a number',
      { streams: [{ stream: {}, values: [[String(T), 5]] }] },
      /\[1\] must be a string/,
    ],
    ['one element', { streams: [{ stream: {}, values: [[String(T)]] }] }, /array of a timestamp/],
    [
      'four elements',
      { streams: [{ stream: {}, values: [[String(T), 'x', {}, 1]] }] },
      /array of a timestamp/,
    ],
    [
      'metadata that is a list',
      { streams: [{ stream: {}, values: [[String(T), 'x', []]] }] },
      /\[2\] must be an object/,
    ],
    [
      'metadata of another type',
      { streams: [{ stream: {}, values: [[String(T), 'x', { n: 5 }]] }] },
      /\[2\]\.n/,
    ],
  ];
  for (const [what, body, error] of malformed) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => json(body),
        (thrown) => thrown instanceof InputError && error.test(thrown.message),
      );
    });
  }

  const limits = {
    ...DEFAULT_LOG_LIMITS,
    maxLabelsPerStream: 2,
    maxLineBytes: 10,
    maxMetadataEntries: 1,
    maxMetadataBytes: 20,
  };
  const refused: [
    what: string,
    stream: Record<string, string>,
    entry: [string, string, Record<string, string>?],
    reason: RegExp,
  ][] = [
    ['labels', { a: '1', b: '2', c: '3' }, [String(T), 'x'], /3 label names/],
    ['lines', { app: 'x' }, [String(T), 'ä'.repeat(6)], /longer than 10 bytes/],
    ['entries of metadata', { app: 'x' }, [String(T), 'x', { a: '1', b: '2' }], /max-metadata-entries/],
    ['bytes of metadata', { app: 'x' }, [String(T), 'x', { a: 'y'.repeat(30) }], /max-metadata-bytes/],
    ['time', { app: 'x' }, [String(T + 1n), 'x'], /too far in the future/],
  ];
  for (const [what, stream, entry, reason] of refused) {
    it(`limits ${what}, entry by entry`, () => {
      const options = { limits, maxTimestampNs: T };
      const streams = [
        { stream, values: [entry] },
        {
          stream: { app: 'x' },
          values: [[String(T), 'ok', { k: 'v' }] as [string, string, Record<string, string>]],
        },
      ];
      const labelText = (record: Record<string, string>) =>
        `{${Object.entries(record).map(([k, v]) => `${k}="${v}"`)}}`;
      const bytes = protobuf(streams.map(({ stream, values }) => ({ stream: labelText(stream), values })));
      for (const { batch, rejected } of [
        json({ streams }, options),
        decodeLokiProtobuf(bytes, 't', options),
      ]) {
        assert.match(rejected.message, reason);
        assert.equal(rejected.count, 1);
        assert.deepEqual(
          logRows(batch).map(({ body }) => body),
          ['ok'],
        );
      }
    });
  }
});

describe('label strings', () => {
  const good: [text: string, want: Record<string, string>][] = [
    ['{}', {}],
    ['{a="b"}', { a: 'b' }],
    [' { a = "b" , c="d", } ', { a: 'b', c: 'd' }],
    ['{a="x\\n\\t\\"\\\\\\u00fc\\U0001F642\\x41\\101"}', { a: 'x\n\t"\\ü🙂AA' }],
    ['{a="\\xc3\\xbc"}', { a: 'ü' }],
    ['{a=`raw \\n "x"`}', { a: 'raw \\n "x"' }],
    ['{a="", b="1"}', { b: '1' }],
    ['{_1="größe, }"}', { _1: 'größe, }' }],
  ];
  for (const [text, want] of good) it(text, () => assert.deepEqual(parseStreamLabels(text).toRecord(), want));

  const bad: [text: string, position: number][] = [
    ['', 0],
    ['a="b"', 0],
    ['{a="b"', 6],
    ['{a}', 2],
    ['{a=b}', 3],
    ['{a="b}', 3],
    ['{a=~"b"}', 2],
    ['{a!="b"}', 2],
    ['{a-b="c"}', 2],
    ['{1a="b"}', 1],
    ['{a="b" c="d"}', 7],
    ['{a="b",a="c"}', 7],
    ['{a="\\q"}', 4],
    ['{a="\\ud800"}', 4],
    ['{a="b"} x', 8],
    ['{a="b\nc"}', 4],
    ['{a="\\', 3],
  ];
  for (const [text, position] of bad) {
    it(`refuses ${JSON.stringify(text)} at ${position}`, () => {
      assert.throws(
        () => parseStreamLabels(text),
        (error) => error instanceof InputError && error.position === position,
      );
    });
  }
});

describe('service names', () => {
  const cases: [labels: Record<string, string>, want: string][] = [
    [{ service_name: 's', app: 'a' }, 's'],
    [{ app: 'a', service: 'b' }, 'b'],
    [{ job: 'j', container: 'c' }, 'c'],
    [{ job: 'j' }, 'j'],
    [{ other: 'x' }, 'unknown_service'],
    [{}, 'unknown_service'],
  ];
  for (const [labels, want] of cases) {
    it(`${JSON.stringify(labels)} is ${want}`, () =>
      assert.equal(withServiceName(Labels.from(labels)).get('service_name'), want));
  }
});

describe('levels', () => {
  const lines: [line: string, want: string][] = [
    ['{"level":"error","msg":"x"}', 'error'],
    [' {"msg":"error","LEVEL" : "WRN"} \n', 'warn'],
    ['{"a":{"level":"error"},"severity":"Info"}', 'info'],
    ['{"lvl":"debug","level":"fatal"}', 'fatal'],
    ['{"level":30,"msg":"ok"}', 'unknown'],
    ['{"level":30,"msg":"an error"}', 'error'],
    ['{"level":{"x":1},"lvl":"trc"}', 'unknown'],
    ['{"msg":"say \\"level\\":\\"error\\" twice","lvl":"dbg"}', 'debug'],
    ['{"level":"CRITICAL"}', 'critical'],
    ['{"level":"odd"}', 'unknown'],
    ['{broken "level":"warn"}', 'warn'],
    ['["level","error"]', 'error'],
    ['level=warn msg=x', 'warn'],
    ['ts=1 level="error" x', 'error'],
    ['msg="a level=error" lvl=inf', 'info'],
    ['Severity=FATAL', 'fatal'],
    ['a==b level=debug', 'unknown'],
    ['a="open level=debug', 'unknown'],
    ['bare level=trc', 'trace'],
    ['x=1 level= y=2', 'unknown'],
    ['an ERROR happened', 'error'],
    ['Error happened', 'unknown'],
    ['info: error', 'info'],
    ['INFORMATION', 'info'],
    ['warn happened', 'unknown'],
    ['warn: happened', 'warn'],
    ['a warning', 'warn'],
    ['critical happened', 'unknown'],
    ['critical: it', 'critical'],
    ['DEBUG: x', 'debug'],
    ['debug x', 'unknown'],
    ['', 'unknown'],
    ['{}', 'unknown'],
    ['{"level"', 'unknown'],
  ];
  for (const [line, want] of lines)
    it(`${JSON.stringify(line)} is ${want}`, () => assert.equal(levelOfLine(line), want));

  const rows: [
    what: string,
    stream: Record<string, string>,
    line: string,
    metadata: Record<string, string>,
    want: string,
  ][] = [
    ['a label wins, as it is', { level: 'Odd', app: 'x' }, 'level=error', { level: 'info' }, 'Odd'],
    ['then metadata', { app: 'x' }, 'level=error', { lvl: 'b', LEVEL: 'a' }, 'a'],
    ['then the severity number', { app: 'x' }, 'level=error', { severity_number: '14' }, 'warn'],
    ['a severity that is no number counts as info', { app: 'x' }, '', { severity_number: 'high' }, 'info'],
    ['severity 0 is unknown', { app: 'x' }, 'error', { severity_number: '0' }, 'unknown'],
    ['what the sender detected is kept', { level: 'info' }, 'error', { detected_level: 'fatal' }, 'fatal'],
  ];
  for (const [what, stream, line, metadata, want] of rows) {
    it(what, () => {
      const { batch } = json({ streams: [{ stream, values: [[String(T), line, metadata]] }] });
      assert.equal(logRows(batch)[0]?.metadata.detected_level, want);
    });
  }

  it('severity numbers go in fours', () => {
    const want = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].flatMap((level) => [
      level,
      level,
      level,
      level,
    ]);
    assert.deepEqual(
      Array.from({ length: 24 }, (_, i) => levelOfSeverityText(String(i + 1))),
      want,
    );
    assert.deepEqual([levelOfSeverityText('25'), levelOfSeverityText('-1')], ['unknown', 'unknown']);
  });
});
