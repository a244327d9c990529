/** The Native format: what the encoder writes the decoder reads, whatever the sizes of chunks; and what is refused. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BytesColumn } from '../../src/model/column.ts';
import { parseType } from '../../src/storage/native/type.ts';
import { type Block, BlockEncoder, NativeDecoder, NativeFormatError } from '../../src/storage/native.ts';
import { randomFrom, seed } from './random.ts';

function decodeIn(chunks: readonly Uint8Array[]): Block[] {
  const decoder = new NativeDecoder();
  const blocks: Block[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let block = decoder.next(); block !== undefined; block = decoder.next()) blocks.push(block);
  }
  assert.ok(decoder.idle, 'the stream ended in the middle of a block');
  return blocks;
}

function bytesColumn(values: readonly string[]): BytesColumn {
  const column = new BytesColumn();
  for (const value of values) column.pushString(value);
  return column;
}

const TEXTS = ['', 'a', 'ü€😀', 'x'.repeat(127), 'y'.repeat(128), 'z'.repeat(70_000), '\0'];

/** A block of every kind of column, with `rows` rows from `random`. */
function everything(
  rows: number,
  random: () => number,
): { bytes: Uint8Array; want: Record<string, unknown>[] } {
  const whole = (limit: number): number => Math.floor(random() * limit);
  const text = (): string => (random() < 0.05 ? (TEXTS[whole(TEXTS.length)] as string) : `t${whole(1000)}`);
  const list = <T>(make: () => T): T[] => Array.from({ length: rows }, make);
  const bytes = list(() => whole(256));
  const floats = list(() => random() * 1e9);
  const bigs = list(() => BigInt(whole(2 ** 31)) * -4_294_967_311n);
  const strings = list(text);
  const keys = ['', ...Array.from({ length: 300 }, (_, i) => `key${i}`)];
  const picked = list(() => whole(keys.length));
  const mapSizes = list(() => (random() < 0.3 ? 0 : whole(4)));
  const ends = new Uint32Array(rows);
  let total = 0;
  mapSizes.forEach((size, i) => {
    total += size;
    ends[i] = total;
  });
  const mapKeys = Array.from({ length: total }, (_, i) => i % 7);
  const mapValues = Array.from({ length: total }, text);
  const ids = list(() => whole(2) === 1);
  const out = new BlockEncoder(10, rows);
  out.constant('tenant', 'ten"ant');
  out.uint8('u8', Uint8Array.from(bytes));
  out.float64('f64', Float64Array.from(floats));
  out.int64('i64', BigInt64Array.from(bigs));
  out.strings('bytes', bytesColumn(strings));
  out.texts('texts', strings);
  out.dictionary('lc', keys, Uint32Array.from(picked));
  const fixed = new BytesColumn();
  for (const present of ids) fixed.pushBytes(present ? Uint8Array.of(1, 2, 3, 4) : new Uint8Array(0));
  out.fixedStrings('id', 4, fixed);
  out.map('map', 'String', ends, ['a', 'b', 'c', 'd', 'e', 'f', 'g'], Uint32Array.from(mapKeys), (writer) => {
    for (const value of mapValues) writer.text(value);
  });
  out.array('array', 'UInt32', ends, (writer) => writer.array(Uint32Array.from(mapKeys)));
  const want = list(() => ({}) as Record<string, unknown>);
  want.forEach((row, i) => {
    const from = i === 0 ? 0 : (ends[i - 1] as number);
    row.tenant = 'ten"ant';
    row.u8 = bytes[i];
    row.f64 = floats[i];
    row.i64 = bigs[i];
    row.bytes = strings[i];
    row.texts = strings[i];
    row.lc = keys[picked[i] as number];
    row.id = ids[i] ? Uint8Array.of(1, 2, 3, 4) : new Uint8Array(4);
    row.map = new Map(
      mapKeys.slice(from, ends[i]).map((key, j) => ['abcdefg'[key] as string, mapValues[from + j] as string]),
    );
    row.array = mapKeys.slice(from, ends[i]);
  });
  return { bytes: out.finish().slice(), want };
}

describe('round trips', () => {
  const random = randomFrom(seed);
  for (const rows of [0, 1, 2, 100, 3000])
    test(`${rows} rows, chunks of any size (SEED=${seed})`, () => {
      const one = everything(rows, random);
      const two = everything(rows === 0 ? 1 : rows, random);
      const stream = Buffer.concat([one.bytes, two.bytes]);
      for (const limit of rows > 1000 ? [60_000, 1e9] : [1, 7, 1000, 1e9]) {
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < stream.length; ) {
          const size = 1 + Math.floor(random() * limit);
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const blocks = decodeIn(chunks);
        // A block without rows says nothing.
        const want = rows === 0 ? [two.want] : [one.want, two.want];
        assert.deepEqual(
          blocks.map((block) => [...block.objects()]),
          want,
          `chunks up to ${limit}`,
        );
      }
    });
});

test('columns stay what they were after later chunks have come', () => {
  const first = everything(50, randomFrom(1));
  const second = everything(50, randomFrom(2));
  const decoder = new NativeDecoder();
  const memory = Buffer.concat([first.bytes, second.bytes.subarray(0, 10)]);
  decoder.push(memory);
  const block = decoder.next();
  memory.fill(0xff);
  assert.deepEqual([...(block as Block).objects()], first.want);
});

const types: [string, string, string[]][] = [
  ['UInt8', 'UInt8', []],
  ['Map(LowCardinality(String), Array(UInt8))', 'Map', ['LowCardinality(String)', 'Array(UInt8)']],
  ["Enum8('a, (b' = 1, 'c\\'d' = 2)", 'Enum8', []],
  ["DateTime64(9, 'UTC')", 'DateTime64', []],
  ['Tuple(a UInt8, `b c` String)', 'Tuple', ['UInt8', 'String']],
  ['SimpleAggregateFunction(max, Array(Int32))', 'Array', ['Int32']],
];
for (const [text, name, of] of types)
  test(`type ${text}`, () => {
    const tree = parseType(text);
    assert.equal(tree.name, name);
    assert.deepEqual(
      tree.of.map((inner) => inner.text),
      of,
    );
  });

const refused: [string, number[]][] = [
  ['a text that is no block', [...Buffer.from('Code: 60. DB::Exception: ...')]],
  ['an unknown type', [1, 1, 1, 97, 4, ...Buffer.from('Nope')]],
  ['a number without end', Array.from({ length: 20 }, () => 0xff)],
];
for (const [what, bytes] of refused)
  test(`refused: ${what}`, () => {
    const decoder = new NativeDecoder();
    decoder.push(Uint8Array.from(bytes));
    assert.throws(() => {
      decoder.next();
      if (!decoder.idle) throw new NativeFormatError('unfinished');
    }, NativeFormatError);
  });

test(`any garbage is refused or waited for, never a crash (SEED=${seed})`, () => {
  const random = randomFrom(seed);
  const good = everything(20, random).bytes;
  for (let i = 0; i < 2000; i++) {
    const bytes = good.slice(0, 1 + Math.floor(random() * good.length));
    for (let j = 0; j < 3; j++)
      bytes[Math.floor(random() * Math.min(bytes.length, 200))] = Math.floor(random() * 256);
    const decoder = new NativeDecoder();
    decoder.push(bytes);
    try {
      while (decoder.next() !== undefined);
    } catch (error) {
      assert.ok(error instanceof NativeFormatError || error instanceof RangeError, String(error));
    }
  }
});
