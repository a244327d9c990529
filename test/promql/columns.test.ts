/** Functions that do a whole series at once give the same as window by window, to the bit. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '../../src/model/labels.ts';
import { Annotations } from '../../src/query/promql/annotations.ts';
import { rateFunctions } from '../../src/query/promql/functions/rates.ts';
import { upperBound } from '../../src/query/promql/samples.ts';
import { Window } from '../../src/query/promql/window.ts';
import { random, seed } from './random.ts';

test('columns and windows agree', () => {
  const next = random(seed);
  const functions = rateFunctions.filter((func) => func.column !== undefined);
  assert.ok(functions.length >= 3);
  for (let round = 0; round < 3000; round++) {
    const times: number[] = [];
    const values: number[] = [];
    let t = 1_000_000;
    for (let i = next.int(40); i > 0; i--) {
      t += 1 + next.int(30_000);
      times.push(t);
      values.push(
        next.chance(0.1)
          ? next.pick([Number.NaN, 0, -5, Infinity, 1e300])
          : (values.at(-1) ?? 0) + next() * 10,
      );
    }
    const samples = {
      labels: Labels.EMPTY,
      times: Float64Array.from(times),
      values: Float64Array.from(values),
      histogramTimes: new Float64Array(0),
      histograms: [],
    };
    const windows = {
      firstEndMs: 1_000_000 + next.int(600_000),
      stepMs: next.pick([0, 1, 1000, 15_000, 60_000]),
      points: 1 + next.int(20),
      rangeMs: 1 + next.int(300_000),
    };
    for (const func of functions) {
      const where = `seed ${seed}, round ${round}: ${func.name}`;
      const kinds = new Uint8Array(windows.points);
      const got = new Float64Array(windows.points);
      const any = func.column?.(samples, windows, kinds, got);
      const w = new Window(new Annotations(''), [0]);
      w.samples = samples;
      w.rangeMs = windows.rangeMs;
      for (let i = 0; i < windows.points; i++) {
        w.endMs = windows.firstEndMs + i * windows.stepMs;
        w.startMs = w.endMs - windows.rangeMs;
        w.from = upperBound(samples.times, w.startMs);
        w.to = upperBound(samples.times, w.endMs);
        w.hasFloat = false;
        if (w.to > w.from) func.apply(w);
        assert.equal(kinds[i] === 1, w.hasFloat, where);
        if (w.hasFloat) assert.ok(Object.is(got[i], w.value), `${where}: want ${w.value}, got ${got[i]}`);
      }
      assert.equal(any, kinds.includes(1), where);
    }
  }
});
