/** The reasons of refused items in one line. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Rejected } from '../../src/wire/rejected.ts';

it('the most frequent reason first, with one example', () => {
  const rejected = new Rejected();
  assert.equal(rejected.message, '');
  rejected.add('too long', 1, 'a "b"');
  rejected.add('no name', 2);
  rejected.add('no name');
  rejected.add('too long', 1, 'ignored');
  assert.equal(rejected.count, 5);
  assert.equal(rejected.message, 'no name (3 times); too long: "a \\"b\\"" (2 times)');
});

it('reasons and examples are bounded', () => {
  const rejected = new Rejected();
  for (let i = 0; i < 10_000; i++) rejected.add(`name ${i} is bad`, 1, 'x'.repeat(1000));
  assert.equal(rejected.count, 10_000);
  assert.ok(rejected.message.length < 2000, String(rejected.message.length));
  assert.match(rejected.message, /^other reasons \(9992 times\); name 0 is bad: "x+\.\.\."; /);
});
