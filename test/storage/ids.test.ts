/** Ids of label sets, days, and the memory of what is stored. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Labels } from '../../src/model/labels.ts';
import { hashed, hashText, seriesId } from '../../src/model/series-id.ts';
import { dayOfNs } from '../../src/storage/writers/days.ts';
import { KnownIds } from '../../src/storage/writers/known-ids.ts';
import { randomFrom, seed } from './random.ts';

// What is stored depends on these numbers: a change of the function would make all stored series strangers.
const golden: [Record<string, string>, string][] = [
  [{}, 'c973067da093f8ea'],
  [{ __name__: 'up' }, '6503791204fd9726'],
  [{ __name__: 'up', job: 'api' }, '698b101d265400d8'],
  [{ __name__: 'up', job: 'api', instance: '10.0.0.1:8080' }, '9c71999334ab3a57'],
  [{ ü: '😀' }, '2c3958c901cd8bce'],
];
for (const [labels, want] of golden)
  test(`the id of ${JSON.stringify(labels)} never changes`, () => {
    assert.equal(seriesId(Labels.from(labels)).toString(16).padStart(16, '0'), want);
  });

test('names and values cannot be shifted against each other', () => {
  const sets = [
    { a: 'bc' },
    { ab: 'c' },
    { a: 'b', c: 'd' },
    { a: 'bcd' },
    { a: 'b\u0001c\u0000d' },
    { abc: '' },
  ];
  const ids = sets.map((set) => seriesId(Labels.from(set)));
  // A label value may hold the separators, but then no other set has the same form.
  assert.equal(new Set(ids.filter((_, i) => i !== 2)).size, ids.length - 1);
});

test('a million similar label sets have different ids, and every bit is used', () => {
  const seen = new Set<string>();
  const ones = new Uint32Array(64);
  const total = 1_000_000;
  for (let i = 0; i < total; i++) {
    hashText(`instance\u000010.0.${i >> 8}.${i & 255}:9100\u0001`);
    seen.add(`${hashed.low},${hashed.high}`);
    for (let bit = 0; bit < 32; bit++) {
      ones[bit] = (ones[bit] as number) + ((hashed.low >>> bit) & 1);
      ones[32 + bit] = (ones[32 + bit] as number) + ((hashed.high >>> bit) & 1);
    }
  }
  assert.equal(seen.size, total);
  for (const [bit, count] of ones.entries())
    assert.ok(Math.abs(count / total - 0.5) < 0.005, `bit ${bit} is set in ${count} of ${total}`);
});

test('32 bits of the id collide as often as chance would have it', () => {
  const low = new Set<number>();
  const high = new Set<number>();
  const total = 200_000;
  for (let i = 0; i < total; i++) {
    hashText(`pod\u0000shop-${i % 1000}-${Math.floor(i / 1000).toString(36)}\u0001`);
    low.add(hashed.low);
    high.add(hashed.high);
  }
  // Expected: n^2 / 2^33 = 4.7 collisions.
  assert.ok(total - low.size < 20, `${total - low.size} collisions`);
  assert.ok(total - high.size < 20, `${total - high.size} collisions`);
});

describe('days of nanoseconds', () => {
  const DAY = 86_400_000_000_000n;
  const cases: [bigint, number][] = [
    [0n, 0],
    [-1n, -1],
    [DAY - 1n, 0],
    [DAY, 1],
    [20458n * DAY - 1n, 20457],
    [20458n * DAY, 20458],
    [-3n * DAY, -3],
    [-3n * DAY - 1n, -4],
    [2n ** 63n - 1n, 106_751],
  ];
  for (const [ns, want] of cases)
    test(`${ns}`, () => {
      const bits = BigInt.asUintN(64, ns);
      assert.equal(dayOfNs(Number(bits & 0xffffffffn), Number(bits >> 32n)), want);
    });
});

test(`known ids: what was added is known, nothing else, within bounds (SEED=${seed})`, () => {
  const random = randomFrom(seed);
  const known = new KnownIds(5000);
  const added = new Set<string>();
  const tenants = ['a', 'b'];
  let forgotten = 0;
  for (let i = 0; i < 50_000; i++) {
    const low = Math.floor(random() * 3);
    const high = Math.floor(random() * 4000);
    const day = Math.floor(random() * 3) - 1;
    const name = tenants[Math.floor(random() * 2)] as string;
    const key = `${low}/${high}/${day}/${name}`;
    const tenant = known.tenant(name);
    if (known.has(low, high, day, tenant)) {
      assert.ok(added.has(key), `${key} was never added`);
    } else {
      if (added.has(key)) forgotten++;
      added.add(key);
      known.add(low, high, day, tenant);
      assert.ok(known.has(low, high, day, tenant));
    }
    assert.ok(known.size <= 10_000);
  }
  assert.ok(forgotten > 0, 'the bound was never reached');
});
