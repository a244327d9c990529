/** Nothing acknowledged is lost when a process is killed at any moment. The long version is `bench/crash.ts`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashTest } from './crashes.ts';
import { randomFrom, seed } from './random.ts';

test(`three kills under load lose nothing and double nothing (SEED=${seed})`, {
  timeout: 120_000,
}, async () => {
  const report = await crashTest({ kills: 3, random: randomFrom(seed) });
  for (const [kind, count] of Object.entries(report.acknowledged))
    assert.ok(count > 0, `no ${kind} acknowledged`);
  assert.equal(report.missing, 0, JSON.stringify(report));
  assert.equal(report.doubled, 0, JSON.stringify(report));
  // Milliseconds on a quiet machine; the bound leaves room for one that does much else.
  assert.ok(report.orphanMs < 5000, `the engine outlived its parent by ${report.orphanMs} ms`);
});
