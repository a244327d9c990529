/** Remote write 1.0 and 2.0, from bytes made by hand. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { STALE_HIGH, STALE_LOW } from '../../src/model/stale.ts';
import {
  DEFAULT_REMOTE_WRITE_OPTIONS,
  type DecodedWrite,
  familyOf,
  RemoteWriteDecoder,
} from '../../src/wire/remote-write.ts';
import { metricLines } from '../collector/memory-sink.ts';
import {
  concat,
  double,
  field,
  fixed64,
  int,
  message,
  rawDouble,
  STALE,
  sint,
  varint,
  zigzag,
} from './bytes.ts';

const label = (name: string, value: string) => field(1, message(field(1, name), field(2, value)));
const labels = (record: Record<string, string>) =>
  concat(...Object.entries(record).map(([name, value]) => label(name, value)));
const sample = (value: number, ms: number) => field(2, message(double(1, value), int(2, ms)));
const series = (...parts: Uint8Array[]) => field(1, concat(...parts));
const packed = (number: number, ...items: Uint8Array[]) => field(number, concat(...items));
const span = (number: number, offset: number, length: number) =>
  field(number, message(sint(1, offset), int(2, length)));

const MANY = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`l${i}`, 'v']));

function lines(decoded: DecodedWrite): string[] {
  return metricLines(decoded.batch);
}

describe('version 1', () => {
  it('samples, with labels in order or not', () => {
    const decoder = new RemoteWriteDecoder();
    const body = concat(
      series(labels({ __name__: 'up', job: 'a' }), sample(1, 1000), sample(0, 2000)),
      series(labels({ job: 'b', __name__: 'up', empty: '' }), sample(0.5, -5)),
      series(labels({ __name__: 'up', job: 'a' }), sample(3, 3000)),
    );
    for (let i = 0; i < 2; i++) {
      const decoded = decoder.version1(body, 't');
      assert.deepEqual(lines(decoded), [
        'up{job="a"} 1 @1000',
        'up{job="a"} 0 @2000',
        'up{job="b"} 0.5 @-5',
        'up{job="a"} 3 @3000',
      ]);
      assert.equal(decoded.batch.series.length, 2);
      assert.equal(decoded.samples, 4);
      assert.equal(decoded.rejected.count, 0);
    }
    assert.equal(decoder.series.hits, 4);
  });

  it('labels behind or between the samples', () => {
    const body = series(label('job', 'a'), sample(1, 1000), label('__name__', 'up'));
    assert.deepEqual(lines(new RemoteWriteDecoder().version1(body, 't')), ['up{job="a"} 1 @1000']);
  });

  it('absent value and time are zero', () => {
    const body = series(labels({ __name__: 'up' }), field(2, ''));
    assert.deepEqual(lines(new RemoteWriteDecoder().version1(body, 't')), ['up{} 0 @0']);
  });

  it('keeps the bits of the stale marker', () => {
    const body = series(labels({ __name__: 'up' }), field(2, message(fixed64(1, STALE), int(2, 7))));
    const { batch } = new RemoteWriteDecoder().version1(body, 't');
    assert.equal(batch.values.low(0), STALE_LOW);
    assert.equal(batch.values.high(0), STALE_HIGH);
  });

  it('UTF-8 names are taken', () => {
    const body = series(labels({ __name__: 'größe.m', 'http.method': 'GET' }), sample(1, 1));
    assert.deepEqual(lines(new RemoteWriteDecoder().version1(body, 't')), [
      'größe.m{http.method="GET"} 1 @1',
    ]);
  });

  it('exemplars and metadata', () => {
    const body = concat(
      series(
        labels({ __name__: 'lat_bucket', le: '1' }),
        sample(1, 1000),
        field(3, message(label('trace_id', 'abc'), double(2, 0.7), int(3, 999))),
      ),
      field(3, message(int(1, 3), field(2, 'lat'), field(4, 'latency'), field(5, 'seconds'))),
      field(3, message(int(1, 99), field(2, 'odd'))),
    );
    const decoded = new RemoteWriteDecoder().version1(body, 't');
    assert.deepEqual(lines(decoded).at(-1), 'exemplar lat_bucket{le="1"} {"trace_id":"abc"} 0.7 @999');
    assert.equal(decoded.exemplars, 1);
    assert.deepEqual(decoded.batch.metadata, [
      { family: 'lat', type: 'histogram', help: 'latency', unit: 'seconds' },
      { family: 'odd', type: 'unknown', help: '', unit: '' },
    ]);
  });

  it('native histograms: integers by deltas, floats by counts, custom buckets, stale', () => {
    const integer = message(
      int(1, 12),
      double(3, 18.4),
      sint(4, 1),
      double(5, 0.001),
      int(6, 2),
      span(8, 0, 1),
      packed(9, zigzag(3)),
      span(11, 0, 2),
      span(11, 1, 1),
      packed(12, zigzag(1), zigzag(2), zigzag(0)),
      int(14, 2),
      int(15, 1000),
    );
    const float = message(
      double(2, 3.5),
      double(3, 1),
      double(7, 0.5),
      span(11, -2, 1),
      packed(13, rawDouble(3)),
      int(14, 3),
      int(15, 1000),
    );
    const custom = message(
      int(1, 3),
      sint(4, -53),
      span(11, 1, 2),
      packed(12, zigzag(1), zigzag(1)),
      int(15, 1000),
      packed(16, rawDouble(1), rawDouble(2)),
    );
    const stale = message(fixed64(3, STALE), int(15, 2000));
    const body = concat(
      ...[integer, float, custom, stale].map((one, i) =>
        series(labels({ __name__: `h${i}` }), field(4, one)),
      ),
    );
    const { batch, histograms, rejected } = new RemoteWriteDecoder().version1(body, 't');
    assert.equal(rejected.message, '');
    assert.equal(histograms, 4);
    assert.deepEqual(
      batch.histograms.map(({ timestampMs, stale, histogram }) => ({ timestampMs, stale, ...histogram })),
      [
        {
          timestampMs: 1000,
          stale: false,
          schema: 1,
          count: 12,
          sum: 18.4,
          zeroThreshold: 0.001,
          zeroCount: 2,
          positiveSpans: [
            { offset: 0, length: 2 },
            { offset: 1, length: 1 },
          ],
          positiveCounts: [1, 3, 3],
          negativeSpans: [{ offset: 0, length: 1 }],
          negativeCounts: [3],
          customValues: [],
          counterReset: 'not_reset',
          isFloat: false,
        },
        {
          timestampMs: 1000,
          stale: false,
          schema: 0,
          count: 3.5,
          sum: 1,
          zeroThreshold: 0,
          zeroCount: 0.5,
          positiveSpans: [{ offset: -2, length: 1 }],
          positiveCounts: [3],
          negativeSpans: [],
          negativeCounts: [],
          customValues: [],
          counterReset: 'gauge',
          isFloat: true,
        },
        {
          timestampMs: 1000,
          stale: false,
          schema: -53,
          count: 3,
          sum: 0,
          zeroThreshold: 0,
          zeroCount: 0,
          positiveSpans: [{ offset: 1, length: 2 }],
          positiveCounts: [1, 2],
          negativeSpans: [],
          negativeCounts: [],
          customValues: [1, 2],
          counterReset: 'unknown',
          isFloat: false,
        },
        { timestampMs: 2000, stale: true },
      ],
    );
  });

  const histogram = (...parts: Uint8Array[]) =>
    series(labels({ __name__: 'h' }), field(4, message(...parts, int(15, 1))));
  const refused: [what: string, body: Uint8Array, reason: RegExp, count?: number][] = [
    ['no metric name', series(labels({ job: 'a' }), sample(1, 1), sample(2, 2)), /without a metric name/, 2],
    ['an empty label name', series(labels({ __name__: 'm', '': 'x' }), sample(1, 1)), /empty label name/],
    [
      'a repeated label',
      series(label('__name__', 'm'), label('a', '1'), label('a', '2'), sample(1, 1)),
      /given twice/,
    ],
    [
      'a repeated label elsewhere',
      series(label('a', '1'), label('__name__', 'm'), label('a', '2'), sample(1, 1)),
      /given twice/,
    ],
    ['too many labels', series(labels({ __name__: 'm', ...MANY }), sample(1, 1)), /more than 128 labels/],
    [
      'a long label value',
      series(labels({ __name__: 'm', a: 'x'.repeat(9000) }), sample(1, 1)),
      /label value of more than 8192 bytes/,
    ],
    [
      'a time beyond the year 9999',
      series(labels({ __name__: 'm' }), sample(1, 9e15)),
      /timestamp out of range/,
    ],
    ['schema 9 and above 52', histogram(sint(4, 53)), /schema/],
    [
      'buckets that do not add up',
      histogram(int(1, 5), span(11, 0, 1), packed(12, zigzag(1))),
      /do not add up/,
    ],
    ['spans without buckets', histogram(span(11, 0, 3)), /do not match/],
    ['huge spans', histogram(int(1, 1), span(11, 0, 0xffffffff), packed(12, zigzag(1))), /do not match/],
    [
      'negative gaps',
      histogram(int(1, 2), span(11, 0, 1), span(11, -1, 1), packed(12, zigzag(1), zigzag(0))),
      /negative offset/,
    ],
    ['negative counts', histogram(span(11, 0, 2), packed(12, zigzag(1), zigzag(-2))), /negative count/],
    [
      'custom bounds that do not ascend',
      histogram(sint(4, -53), packed(16, rawDouble(2), rawDouble(1))),
      /ascending/,
    ],
    [
      'custom bounds too few',
      histogram(
        int(1, 3),
        sint(4, -53),
        span(11, 0, 3),
        packed(12, zigzag(1), zigzag(0), zigzag(0)),
        packed(16, rawDouble(1)),
      ),
      /more buckets/,
    ],
  ];
  for (const [what, body, reason, count = 1] of refused) {
    it(`refuses ${what}, and takes the rest`, () => {
      const decoder = new RemoteWriteDecoder();
      for (let i = 0; i < 2; i++) {
        const decoded = decoder.version1(concat(body, series(labels({ __name__: 'ok' }), sample(1, 1))), 't');
        assert.match(decoded.rejected.message, reason);
        assert.equal(decoded.rejected.count, count);
        assert.deepEqual(lines(decoded), ['ok{} 1 @1']);
      }
    });
  }

  it('histograms finer than schema 8 are merged down to it', () => {
    const { batch } = new RemoteWriteDecoder().version1(
      histogram(int(1, 3), sint(4, 10), span(11, 5, 3), packed(12, zigzag(1), zigzag(0), zigzag(0))),
      't',
    );
    // Buckets 5, 6, 7 of schema 10 all lie in bucket 2 of schema 8.
    assert.equal(batch.histograms[0]?.histogram?.schema, 8);
    assert.deepEqual(batch.histograms[0]?.histogram?.positiveSpans, [{ offset: 2, length: 1 }]);
    assert.deepEqual(batch.histograms[0]?.histogram?.positiveCounts, [3]);
  });

  it('throws on text that is not UTF-8', () => {
    const body = series(field(1, message(field(1, '__name__'), field(2, Uint8Array.of(0xff)))), sample(1, 1));
    assert.throws(() => new RemoteWriteDecoder().version1(body, 't'), /not UTF-8/);
  });
});

describe('version 2', () => {
  const symbols = ['', '__name__', 'lat_bucket', 'le', '1', 'trace_id', 'abc', 'latency', 'seconds', 'größe'];
  const table = concat(...symbols.map((text) => field(4, text)));
  const refs = (...numbers: number[]) => packed(1, ...numbers.map(varint));
  const one = (...parts: Uint8Array[]) => field(5, concat(...parts));
  const value = (v: number, ms: number, start = 0) =>
    field(2, message(double(1, v), int(2, ms), int(3, start)));

  it('series, exemplars, metadata; symbols in any place', () => {
    const decoder = new RemoteWriteDecoder();
    const written = one(
      refs(1, 2, 3, 4),
      value(5, 1000),
      field(4, message(refs(5, 6), double(2, 0.5), int(3, 999))),
      field(5, message(int(1, 3), int(3, 7), int(4, 8))),
    );
    for (const body of [concat(table, written), concat(written, table)]) {
      const decoded = decoder.version2(body, 't');
      assert.deepEqual(lines(decoded), [
        'lat_bucket{le="1"} 5 @1000',
        'exemplar lat_bucket{le="1"} {"trace_id":"abc"} 0.5 @999',
      ]);
      assert.deepEqual(decoded.batch.metadata, [
        { family: 'lat', type: 'histogram', help: 'latency', unit: 'seconds' },
      ]);
      assert.deepEqual([decoded.samples, decoded.histograms, decoded.exemplars], [1, 0, 1]);
    }
    assert.equal(decoder.series.hits, 1);
  });

  it('references that are not packed', () => {
    const decoded = new RemoteWriteDecoder().version2(
      concat(table, one(int(1, 1), int(1, 9), value(1, 1))),
      't',
    );
    assert.deepEqual(lines(decoded), ['größe{} 1 @1']);
  });

  it('does not mistake series of version 1 for its own', () => {
    const decoder = new RemoteWriteDecoder();
    decoder.version1(series(labels({ __name__: 'lat_bucket', le: '1' }), sample(1, 1)), 't');
    assert.deepEqual(lines(decoder.version2(concat(table, one(refs(1, 2, 3, 4), value(2, 2))), 't')), [
      'lat_bucket{le="1"} 2 @2',
    ]);
  });

  it('start times as zero samples, once per start and tenant', () => {
    const decoder = new RemoteWriteDecoder();
    const options = { ...DEFAULT_REMOTE_WRITE_OPTIONS, createdTimestampZeroSamples: true };
    const histogram = field(
      3,
      message(int(1, 1), span(11, 0, 1), packed(12, zigzag(1)), int(15, 1000), int(17, 500)),
    );
    const body = concat(table, one(refs(1, 2), value(5, 1000, 500)), one(refs(1, 9), histogram));
    const first = decoder.version2(body, 't', options);
    assert.deepEqual(lines(first).slice(0, 2), ['lat_bucket{} 0 @500', 'lat_bucket{} 5 @1000']);
    assert.deepEqual(
      first.batch.histograms.map(({ timestampMs, histogram: h }) => [timestampMs, h?.count]),
      [
        [500, 0],
        [1000, 1],
      ],
    );
    assert.deepEqual([first.samples, first.histograms], [1, 1]);
    assert.equal(lines(decoder.version2(body, 't', options)).length, 2);
    assert.equal(lines(decoder.version2(body, 'other', options)).length, 4);
    assert.equal(lines(decoder.version2(body, 'other')).length, 2);
  });

  const refused: [what: string, series: Uint8Array, reason: RegExp][] = [
    ['a reference beyond the symbols', one(refs(1, 99), value(1, 1)), /symbol that is not there/],
    ['an odd number of references', one(refs(1, 2, 3), value(1, 1)), /must be pairs/],
    ['no samples', one(refs(1, 2)), /without samples/],
    ['no name', one(refs(3, 4), value(1, 1)), /without a metric name/],
    [
      'an exemplar with a bad reference',
      one(refs(1, 2), value(1, 1), field(4, message(refs(5, 77)))),
      /exemplar label/,
    ],
  ];
  for (const [what, bytes, reason] of refused) {
    it(`refuses ${what}`, () => {
      const { rejected } = new RemoteWriteDecoder().version2(concat(table, bytes), 't');
      assert.match(rejected.message, reason);
      assert.equal(rejected.count, 1);
    });
  }

  it('the first symbol must be empty; metadata must refer to symbols', () => {
    assert.throws(() => new RemoteWriteDecoder().version2(field(4, 'x'), 't'), /first symbol/);
    const metadata = one(refs(1, 2), value(1, 1), field(5, message(int(1, 1), int(3, 50))));
    assert.throws(
      () => new RemoteWriteDecoder().version2(concat(table, metadata), 't'),
      /symbol that is not there/,
    );
  });
});

describe('families', () => {
  const cases: [name: string, type: Parameters<typeof familyOf>[1], want: string][] = [
    ['x_bucket', 'histogram', 'x'],
    ['x_count', 'summary', 'x'],
    ['x_bucket', 'summary', 'x_bucket'],
    ['x_gsum', 'gaugehistogram', 'x'],
    ['x_total', 'counter', 'x_total'],
    ['_sum', 'histogram', '_sum'],
  ];
  for (const [name, type, want] of cases)
    it(`${name} of a ${type} is ${want}`, () => assert.equal(familyOf(name, type), want));
});
