import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import {
  formatDuration,
  formatGoDuration,
  parseDuration,
  parseGoDuration,
} from '../../src/query/syntax/durations.ts';
import { formatGeneral, formatPlain, formatSample, parseGoNumber } from '../../src/query/syntax/numbers.ts';
import { lineAndColumn, utf8Length } from '../../src/query/syntax/positions.ts';
import { quote, scanString } from '../../src/query/syntax/strings.ts';

test('numbers in', () => {
  const cases: [string, number | undefined][] = [
    ['0', 0],
    ['010', 8],
    ['08', 8],
    ['0x1F', 31],
    ['0b11', 3],
    ['0o17', 15],
    ['1_000', 1000],
    ['1__0', undefined],
    ['1_000.5', undefined],
    ['.5', 0.5],
    ['5.', 5],
    ['1e3', 1000],
    ['9223372036854775808', 2 ** 63],
    ['1e999', Infinity],
    ['inf', Infinity],
    ['-Inf', -Infinity],
    ['NaN', Number.NaN],
    ['0x1p-2', 0.25],
    ['', undefined],
    ['1x', undefined],
    ['--1', undefined],
  ];
  for (const [text, value] of cases)
    assert.ok(Object.is(parseGoNumber(text), value), `${text}: ${parseGoNumber(text)}`);
});

test('numbers out', () => {
  const cases: [number, string, string, string][] = [
    // value, plain, general, sample
    [0, '0', '0', '0'],
    [-0, '-0', '-0', '-0'],
    [1.5, '1.5', '1.5', '1.5'],
    [1e-7, '0.0000001', '1e-07', '1e-07'],
    [1.25e-10, '0.000000000125', '1.25e-10', '1.25e-10'],
    [0.0001, '0.0001', '0.0001', '0.0001'],
    [0.00001, '0.00001', '1e-05', '0.00001'],
    [1e20, '100000000000000000000', '100000000000000000000', '100000000000000000000'],
    [1e21, '1000000000000000000000', '1e+21', '1e+21'],
    [1.5e300, `15${'0'.repeat(299)}`, '1.5e+300', '1.5e+300'],
    [-1e-300, `-0.${'0'.repeat(299)}1`, '-1e-300', '-1e-300'],
    [Infinity, '+Inf', '+Inf', '+Inf'],
    [-Infinity, '-Inf', '-Inf', '-Inf'],
    [Number.NaN, 'NaN', 'NaN', 'NaN'],
  ];
  for (const [value, plain, general, sample] of cases) {
    assert.equal(formatPlain(value), plain);
    assert.equal(formatGeneral(value), general);
    assert.equal(formatSample(value), sample);
  }
});

test('durations', () => {
  for (const [text, ms] of [
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1y2w3d4h5m6s7ms', 365 * 86_400_000 + 17 * 86_400_000 + 4 * 3_600_000 + 306_007],
    ['0', 0],
  ] as const) {
    assert.deepEqual(parseDuration(text), { ms });
  }
  for (const text of ['', '5', '1m1h', '1.5h', '5 m', '1000000y', '-5m'])
    assert.ok('error' in parseDuration(text), text);
  for (const [ms, text] of [
    [0, '0s'],
    [5_400_000, '1h30m'],
    [604_800_000, '1w'],
    [691_200_000, '8d'],
    [-90_000, '-1m30s'],
    [1, '1ms'],
  ] as const) {
    assert.equal(formatDuration(ms), text);
  }
  for (const [text, ns] of [
    ['1.5h', 5_400_000_000_000n],
    ['-300us', -300_000n],
    ['1h15m30.918273645s', 4_530_918_273_645n],
    ['0', 0n],
    ['2µs', 2000n],
  ] as const) {
    assert.equal(parseGoDuration(text), ns);
  }
  for (const text of ['', '5', '.s', '1d', 'h', '1h-5m'])
    assert.equal(parseGoDuration(text), undefined, text);
  for (const [ns, text] of [
    [0n, '0s'],
    [5_400_000_000_000n, '1h30m0s'],
    [1_500_000n, '1.5ms'],
    [-2000n, '-2µs'],
    [1_000_000_001n, '1.000000001s'],
  ] as const) {
    assert.equal(formatGoDuration(ns), text);
  }
});

test('strings', () => {
  for (const [text, value] of [
    ['"a\\tb\\"c"', 'a\tb"c'],
    ["'it\\'s'", "it's"],
    ['`raw \\n`', 'raw \\n'],
    ['"\\u00e9\\x41\\101\\U0001f600"', 'éAA😀'],
    ['"\\xc3\\xa9"', 'é'],
  ] as const) {
    assert.deepEqual(scanString(text, 0), { value, end: text.length });
  }
  assert.deepEqual(scanString('"a\\xc5z"', 0), { value: 'a\ufffdz', end: 8, invalid: '"a\\xc5z"' });
  for (const text of ['"abc', '"\n"', '`abc', '"\\q"', '"\\u12"', '"\\ud800"', '"\\400"', '"\\']) {
    assert.throws(() => scanString(text, 0), InputError, text);
  }
  assert.equal(quote('a"\\\n\u0001ü😀\u200b'), '"a\\"\\\\\\n\\x01ü😀\\u200b"');
});

test('positions', () => {
  assert.deepEqual(lineAndColumn('ab\ncdü e', 7), { line: 2, column: 6 });
  assert.deepEqual(lineAndColumn('', 5), { line: 1, column: 1 });
  assert.equal(utf8Length('aü€😀'), 10);
});
