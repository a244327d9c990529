import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axisTicks, durationText, exactDurationText, subSecondText } from '../../ui/src/traces/span-time.ts';

const texts: [ns: number, short: string, exact: string][] = [
  [0, '0s', '0ns'],
  [1, '1ns', '1ns'],
  [999, '999ns', '999ns'],
  [1000, '1µs', '1µs'],
  [1500, '1.5µs', '1.5µs'],
  [999_499, '999µs', '999.499µs'],
  [999_999, '1ms', '999.999µs'],
  [1_000_000, '1ms', '1ms'],
  [10_000_000, '10ms', '10ms'],
  [100_000_000, '100ms', '100ms'],
  [26_040_890, '26ms', '26.04089ms'],
  [1_234_567, '1.23ms', '1.234567ms'],
  [999_999_999, '1s', '999.999999ms'],
  [1_000_000_001, '1s', '1.000000001s'],
  [59_940_000_000, '59.9s', '59.94s'],
  [60_000_000_000, '1m 0s', '60s'],
  [125_400_000_000, '2m 5s', '125.4s'],
  [3_600_000_000_000, '1h 0m', '3600s'],
  [11_040_000_000_000, '3h 4m', '11040s'],
];
for (const [ns, short, exact] of texts)
  test(`duration ${ns} ns`, () => {
    assert.equal(durationText(ns), short);
    assert.equal(exactDurationText(ns), exact);
  });

test('negative durations keep the sign', () => {
  assert.equal(durationText(-3_200_000), '−3.2ms');
});

const axes: [from: number, to: number, most: number, want: number[]][] = [
  [0, 10e6, 5, [0, 2e6, 4e6, 6e6, 8e6, 10e6]],
  [3e6, 9e6, 4, [4e6, 6e6, 8e6]],
  [0, 120e9, 4, [0, 30e9, 60e9, 90e9, 120e9]],
  [0, 3, 3, [0, 1, 2, 3]],
  [5, 5, 4, [5]],
];
for (const [from, to, most, want] of axes)
  test(`ticks ${from}..${to}`, () => {
    assert.deepEqual(axisTicks(from, to, most), want);
  });

test('below the second', () => {
  assert.equal(subSecondText(1_795_181_401_000_000_042n), '000000042');
});
