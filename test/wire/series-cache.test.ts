/** The caches of series and keys: right whatever they forget. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Dictionary } from '../../src/model/attributes.ts';
import { Labels } from '../../src/model/labels.ts';
import { Interner } from '../../src/wire/interner.ts';
import { MetricBatchBuilder, SeriesRegister } from '../../src/wire/metric-batch.ts';
import { SeriesCache } from '../../src/wire/series-cache.ts';
import { Random } from './random.ts';

function lookUp(cache: SeriesCache<string>, key: string): string {
  const bytes = Buffer.from(key);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = cache.get(bytes, view, 0, bytes.length);
  if (found !== undefined) return found;
  cache.add(bytes, 0, bytes.length, key);
  return key;
}

describe('series cache', () => {
  it('gives each key its own value, in any order, also beyond its limits', () => {
    const random = new Random('series cache');
    for (const limits of [
      { maxEntries: 10_000, maxBytes: 1 << 20 },
      { maxEntries: 50, maxBytes: 1 << 20 },
      { maxEntries: 10_000, maxBytes: 500 },
    ]) {
      const cache = new SeriesCache<string>(limits);
      const keys = Array.from(
        { length: 700 },
        (_, i) => `${'k'.repeat(random.below(9))}${i}${random.text()}`,
      );
      for (let i = 0; i < 20_000; i++) {
        if (random.chance(0.001)) cache.tidy();
        const key = random.chance(0.5) ? random.pick(keys) : (keys[i % keys.length] as string);
        assert.equal(lookUp(cache, key), key);
        assert.ok(cache.size <= limits.maxEntries);
      }
      assert.ok(cache.hits > 0);
    }
  });

  it('knows a repeated sequence', () => {
    const cache = new SeriesCache<string>();
    for (let round = 0; round < 3; round++) for (let i = 0; i < 5000; i++) lookUp(cache, `series ${i}`);
    // A few keys find no free slot near their place and are not remembered.
    assert.ok(cache.hits >= 9950, `${cache.hits} hits`);
  });

  it('starts anew when it is full and misses for long', () => {
    const cache = new SeriesCache<string>({ maxEntries: 10, maxBytes: 1000 });
    let cleared = 0;
    cache.onClear = () => cleared++;
    for (let i = 0; i < 10; i++) lookUp(cache, `old ${i}`);
    for (let i = 0; i < 41; i++) {
      cache.tidy();
      lookUp(cache, `new ${i}`);
    }
    assert.equal(cleared, 0);
    cache.tidy();
    assert.deepEqual([cleared, cache.size], [1, 0]);
  });

  it('does not remember huge keys', () => {
    const cache = new SeriesCache<string>();
    lookUp(cache, 'x'.repeat(20_000));
    assert.equal(cache.size, 0);
  });
});

describe('interner', () => {
  it('numbers as the dictionary does, through the mapping', () => {
    const random = new Random('interner');
    const dictionary = new Dictionary();
    const interner = new Interner(dictionary, (key) => key.toUpperCase());
    const keys = Array.from({ length: 900 }, (_, i) => `${random.text()}${i % 450}`);
    for (let i = 0; i < 20_000; i++) {
      const key = random.chance(0.5) ? random.pick(keys) : (keys[i % keys.length] as string);
      const bytes = Buffer.from(key);
      assert.equal(dictionary.strings[interner.indexOf(bytes, 0, bytes.length)], key.toUpperCase());
    }
  });

  it('stays right and fast when hashes collide', () => {
    // All keys of one byte that differ by what the hash loses are rare: many keys force long runs anyway.
    const dictionary = new Dictionary();
    const interner = new Interner(dictionary);
    const keys = Array.from({ length: 50_000 }, (_, i) => Buffer.from(i.toString(36)));
    for (const key of keys) interner.indexOf(key, 0, key.length);
    for (const key of keys)
      assert.equal(dictionary.strings[interner.indexOf(key, 0, key.length)], key.toString());
  });
});

describe('register and batch', () => {
  const one = Labels.from({ __name__: 'a', x: '1' });
  const same = Labels.from({ x: '1', __name__: 'a' });
  const other = Labels.from({ __name__: 'b' });

  it('equal labels are one series of a batch, known or not', () => {
    for (const room of [10, 1, 0]) {
      const register = new SeriesRegister(room);
      for (let batches = 0; batches < 2; batches++) {
        const batch = new MetricBatchBuilder('t');
        const numbers = [one, other, same, other, one].map((labels) => batch.indexOf(register.get(labels)));
        assert.deepEqual(numbers, [0, 1, 0, 1, 0], `room for ${room}`);
        assert.equal(batch.series.length, 2);
      }
    }
  });
});
