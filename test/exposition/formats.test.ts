/** Numbers, bounds, known lines, histograms and random pages of the exposition formats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import type { ExpositionFormat } from '../../src/wire/exposition/content-type.ts';
import { formatBound, readFloat } from '../../src/wire/exposition/go-text.ts';
import { LineCache } from '../../src/wire/exposition/line-cache.ts';
import { ProtobufWriter } from '../../src/wire/protobuf.ts';
import { metricLines } from '../collector/memory-sink.ts';
import { Random } from '../wire/random.ts';
import { PageScraper } from './memory-page.ts';

const float = (text: string) => readFloat(Buffer.from(text), 0, text.length);

test('floats are read to the last bit', () => {
  const random = new Random('floats');
  const view = new DataView(new ArrayBuffer(8));
  for (let i = 0; i < 20_000; i++) {
    view.setBigInt64(0, random.int64());
    const value =
      i % 2 === 0
        ? view.getFloat64(0)
        : Number((random.next() * 10 ** random.below(12)).toPrecision(1 + random.below(17)));
    if (!Number.isFinite(value)) continue;
    for (const text of [String(value), value.toExponential(), value.toPrecision(17)]) {
      assert.ok(Object.is(float(text), Number(text)), `${text} gives ${float(text)}`);
    }
  }
});

test('floats in words, and what is none', () => {
  for (const [text, want] of [
    ['+Inf', Infinity],
    ['-inf', -Infinity],
    ['Infinity', Infinity],
    ['NaN', Number.NaN],
    ['-0', -0],
    ['.5', 0.5],
    ['5.', 5],
    ['1e-400', 0],
  ] as const) {
    assert.ok(Object.is(float(text), want), text);
  }
  for (const text of [
    '',
    '.',
    '-',
    '1e',
    '1e+',
    '0x10',
    '1_0',
    '+nan',
    '1e400',
    ' 1',
    '1 ',
    'e5',
    '1..2',
    '--1',
  ]) {
    assert.throws(() => float(text), InputError, text);
  }
});

test('bounds are written as OpenMetrics wants them', () => {
  for (const [value, want] of [
    [0, '0.0'],
    [1, '1.0'],
    [-1, '-1.0'],
    [0.005, '0.005'],
    [2.5, '2.5'],
    [1000, '1000.0'],
    [100000, '100000.0'],
    [1e6, '1e+06'],
    [1234567, '1.234567e+06'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1e100, '1e+100'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [Number.NaN, 'NaN'],
  ] as const) {
    assert.equal(formatBound(value), want);
  }
});

test('the line cache finds what was added, in any order, and forgets what is gone', () => {
  const random = new Random('line cache');
  const cache = new LineCache<string>();
  const key = (name: string) => {
    const bytes = new Uint8Array(Buffer.from(name));
    return { bytes, view: new DataView(bytes.buffer) };
  };
  for (let pass = 0; pass < 40; pass++) {
    cache.begin();
    const first = pass * 100;
    for (let i = 0; i < 400; i++) {
      const name = `series_${first + random.below(600)}`;
      const { bytes, view } = key(name);
      const scope = random.below(2);
      const predicted = cache.predict(bytes, view, 0, scope);
      if (predicted >= 0 && cache.sizeOf(predicted) === bytes.length) {
        assert.equal(cache.take(predicted), `${scope}${name}`);
        continue;
      }
      const found = cache.find(bytes, view, 0, bytes.length, scope);
      if (found >= 0) assert.equal(cache.take(found), `${scope}${name}`);
      else cache.add(bytes, 0, bytes.length, scope, `${scope}${name}`);
    }
    cache.end(true);
    assert.ok(cache.size <= 400 * 2 + 1000, `${cache.size} entries in pass ${pass}`);
  }
});

/** A page of random lines; most are right. */
function randomPage(random: Random, openMetrics: boolean): string {
  const value = () => random.pick(['1', '0', '-2.5', '1e3', 'NaN', '+Inf', '17.125', '0.1', '123456789']);
  const labels = () => {
    const pairs = random.list(
      3,
      () =>
        `${random.pick(['a', 'b', 'le', 'quantile', '"x.y"', 'job'])}="${random.pick(['1', 'x', '', 'é', 'a\\"b', '\\\\', '0.50', '+Inf'])}"`,
    );
    return pairs.length === 0 ? random.pick(['', '{}']) : `{${pairs.join(',')}}`;
  };
  const lines = random.list(12, () => {
    const name = random.pick(['m', 'h_bucket', 'h_sum', 's', 'c_total', 'a:b']);
    if (random.chance(0.2))
      return `# TYPE ${random.pick(['m', 'h', 's', 'c'])} ${random.pick(['gauge', 'histogram', 'summary', 'counter'])}`;
    if (random.chance(0.1)) return `# HELP ${name} some \\n text`;
    const time = random.chance(0.2) ? ` ${openMetrics ? '1.5' : '1500'}` : '';
    const exemplar = openMetrics && random.chance(0.2) ? ` # {trace_id="x"} 1` : '';
    return `${name}${labels()} ${value()}${time}${exemplar}`;
  });
  if (openMetrics) lines.push('# EOF');
  return `${lines.join('\n')}\n`;
}

test('known lines mean what new lines mean: pages over one memory give what each gives alone', () => {
  const random = new Random('known lines');
  for (const format of ['text', 'openmetrics'] as const) {
    for (let i = 0; i < 150; i++) {
      const warm = new PageScraper({ target: { job: 'j' } });
      const pages = random.list(6, () => randomPage(random, format === 'openmetrics'));
      for (const page of [...pages, ...pages]) {
        const cold = new PageScraper({ target: { job: 'j' } });
        const read = (scraper: PageScraper, lines?: number) => {
          try {
            const batch = scraper.scrape(page, format, 1_000_000, lines);
            // Explicit times and exemplars are stored once; stale markers depend on the past.
            return metricLines(batch).filter(
              (line) => / @1000000$/.test(line) && !/stale|exemplar/.test(line),
            );
          } catch (error) {
            return String(error);
          }
        };
        assert.deepEqual(read(warm, 1 + random.below(4)), read(cold), page);
      }
    }
  }
});

test('no bytes do harm: pages with random damage are read or refused', () => {
  const random = new Random('damage');
  const protobuf = protobufPage();
  for (let i = 0; i < 3_000; i++) {
    const format: ExpositionFormat = random.pick(['text', 'openmetrics', 'protobuf']);
    const page =
      format === 'protobuf'
        ? Uint8Array.from(protobuf)
        : new Uint8Array(Buffer.from(randomPage(random, format === 'openmetrics')));
    for (let n = random.below(4); n >= 0; n--) {
      if (page.length > 0)
        page[random.below(page.length)] = random.chance(0.5)
          ? random.below(256)
          : random.pick([34, 92, 123, 125, 10, 0, 32, 35]);
    }
    const cut = random.chance(0.3) ? page.subarray(0, random.below(page.length + 1)) : page;
    const scraper = new PageScraper({ convertClassicHistograms: random.chance(0.3) });
    for (let twice = 0; twice < 2; twice++) {
      try {
        scraper.scrape(cut, format);
      } catch (error) {
        assert.ok(
          error instanceof InputError,
          `${(error as Error).stack}\n${Buffer.from(cut).toString('hex')}`,
        );
      }
    }
  }
});

function protobufPage(): Uint8Array {
  const family = (name: string, type: number, metric: (w: ProtobufWriter) => void) => {
    const w = new ProtobufWriter();
    w.string(1, name);
    w.string(2, 'Help.');
    w.uint32(3, type);
    w.message(4, () => {
      w.message(1, () => {
        w.string(1, 'method');
        w.string(2, 'get');
      });
      metric(w);
    });
    return w.finish();
  };
  const families = [
    family('requests_total', 0, (w) =>
      w.message(3, () => {
        w.double(1, 7);
        w.message(2, () => {
          w.message(1, () => {
            w.string(1, 'trace_id');
            w.string(2, 'abc');
          });
          w.double(2, 1.5);
        });
      }),
    ),
    family('seconds', 4, (w) =>
      w.message(7, () => {
        w.uint32(1, 3);
        w.double(2, 3.5);
        w.sint32(5, 1);
        w.double(6, 0.001);
        w.message(12, () => {
          w.sint32(1, -1);
          w.uint32(2, 2);
        });
        w.message(13, () => {
          w.varint64(2n);
          w.varint64(2n);
        });
        for (const [bound, count] of [
          [1, 2],
          [Infinity, 3],
        ] as const) {
          w.message(3, () => {
            w.uint32(1, count);
            w.double(2, bound);
          });
        }
      }),
    ),
    family('latency', 2, (w) =>
      w.message(4, () => {
        w.uint32(1, 3);
        w.double(2, 6);
        w.message(3, () => {
          w.double(1, 0.5);
          w.double(2, 2);
        });
      }),
    ),
  ];
  return Buffer.concat(families.flatMap((bytes) => [Buffer.from([bytes.length]), bytes]));
}

test('protobuf pages: counter, native histogram with its classic series on request, summary', () => {
  const summary = [
    'latency_count{method="get"} 3',
    'latency_sum{method="get"} 6',
    'latency{method="get", quantile="0.5"} 2',
  ];
  const counter = 'requests_total{method="get"} 7';
  const classic = [
    'seconds_count{method="get"} 3',
    'seconds_sum{method="get"} 3.5',
    'seconds_bucket{le="1.0", method="get"} 2',
    'seconds_bucket{le="+Inf", method="get"} 3',
  ];
  for (const classicHistograms of [false, true]) {
    const scraper = new PageScraper({ classicHistograms });
    for (let scrape = 0; scrape < 2; scrape++) {
      const batch = scraper.scrape(protobufPage(), 'protobuf');
      const samples = metricLines({ ...batch, histograms: [], exemplars: [] }).map((line) =>
        line.replace(/ @.*/, ''),
      );
      assert.deepEqual(samples, [counter, ...(classicHistograms ? classic : []), ...summary]);
      assert.deepEqual(
        batch.histograms.map(({ histogram }) => [
          histogram?.count,
          histogram?.positiveSpans,
          histogram?.positiveCounts,
        ]),
        [[3, [{ offset: -1, length: 2 }], [1, 2]]],
      );
      // The exemplar has no time: it is stored once.
      assert.equal(batch.exemplars.length, scrape === 0 ? 1 : 0);
    }
  }
});
