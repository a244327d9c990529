/** The reader and writer of Protocol Buffers, against bytes made by hand. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeUtf8, ProtobufReader, ProtobufWriter } from '../../src/wire/protobuf.ts';
import { concat, double, field, fixed32, fixed64, int, sint, varint, zigzag } from './bytes.ts';
import { Random } from './random.ts';

function reader(...parts: Uint8Array[]): ProtobufReader {
  return new ProtobufReader(concat(...parts));
}

describe('varints', () => {
  const cases: [bytes: number[], unsigned: bigint][] = [
    [[0x00], 0n],
    [[0x01], 1n],
    [[0x7f], 127n],
    [[0x80, 0x01], 128n],
    [[0xac, 0x02], 300n],
    [[0xff, 0xff, 0xff, 0xff, 0x0f], 0xffffffffn],
    [[0x80, 0x80, 0x80, 0x80, 0x10], 0x100000000n],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 0x7fffffffffffffffn],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 0xffffffffffffffffn],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], 0x8000000000000000n],
    // More bytes than needed are allowed.
    [[0x81, 0x80, 0x00], 1n],
  ];
  for (const [bytes, want] of cases) {
    it(`reads ${Buffer.from(bytes).toString('hex')} as ${want}`, () => {
      const r = new ProtobufReader(Uint8Array.from(bytes));
      r.varint64();
      assert.equal((BigInt(r.high) << 32n) | BigInt(r.low), want);
      assert.equal(r.pos, bytes.length);
      r.pos = 0;
      assert.equal(r.varint32(), Number(want & 0xffffffffn));
      assert.equal(r.pos, bytes.length);
    });
  }

  it('refuses a varint of 11 bytes and one without an end', () => {
    for (const bytes of [Array(11).fill(0x80), [0x80], []]) {
      assert.throws(
        () => new ProtobufReader(Uint8Array.from(bytes)).varint64(),
        /malformed protobuf at byte 0/,
      );
      assert.throws(
        () => new ProtobufReader(Uint8Array.from(bytes)).varint32(),
        /malformed protobuf at byte 0/,
      );
    }
  });

  it('reads signed and zigzag numbers', () => {
    for (const value of [
      0,
      1,
      -1,
      2,
      -2,
      127,
      -128,
      2 ** 31 - 1,
      -(2 ** 31),
      2 ** 40,
      -(2 ** 40),
      -(2 ** 52),
    ]) {
      assert.equal(reader(varint(value)).int64(), value);
      assert.equal(reader(zigzag(value)).sint64(), value);
      if (Math.abs(value) < 2 ** 31) assert.equal(reader(zigzag(value)).sint32(), value);
    }
  });
});

describe('skipping', () => {
  const unknown: [what: string, bytes: Uint8Array][] = [
    ['a varint', int(99, 300)],
    ['fixed64', fixed64(99, 1n)],
    ['fixed32', fixed32(99, 1)],
    ['bytes', field(99, 'abc')],
    ['a group', concat(varint(99 * 8 + 3), int(1, 5), field(2, 'x'), varint(99 * 8 + 4))],
    ['nested groups', concat(varint(9 * 8 + 3), varint(8 * 8 + 3), varint(8 * 8 + 4), varint(9 * 8 + 4))],
  ];
  for (const [what, bytes] of unknown) {
    it(`passes over ${what}`, () => {
      const r = reader(bytes, int(1, 7));
      r.tag();
      r.skip();
      assert.equal(r.tag(), 8);
      assert.equal(r.varint32(), 7);
    });
  }

  const broken: [what: string, bytes: Uint8Array, error: RegExp][] = [
    ['bytes longer than the body', concat(varint(10), varint(5), Buffer.from('abc')), /runs past the end/],
    ['a length beyond 2^31', concat(varint(10), varint(0xffffffff)), /runs past the end/],
    ['a group that ends with another number', concat(varint(11), varint(20)), /another number/],
    ['a group without an end', concat(varint(11), int(1, 1)), /runs past the end/],
    ['an end of a group', varint(12), /wire type 4/],
    ['wire type 6', varint(14), /wire type 6/],
    ['wire type 7', varint(15), /wire type 7/],
    ['truncated fixed64', concat(varint(9), Buffer.alloc(7)), /runs past the end/],
    ['truncated fixed32', concat(varint(13), Buffer.alloc(3)), /runs past the end/],
    ['100 nested groups', Buffer.alloc(100, 11), /nested too deeply/],
  ];
  for (const [what, bytes, error] of broken) {
    it(`refuses ${what}`, () => {
      const r = reader(bytes);
      assert.throws(() => {
        r.tag();
        r.skip();
      }, error);
    });
  }

  it('refuses field number 0', () => {
    assert.throws(() => reader(varint(0)).tag(), /field number 0/);
  });
});

describe('messages', () => {
  it('may not run past their parent', () => {
    const r = reader(field(1, field(1, 'abcdef').subarray(0, 4)));
    r.tag();
    const end = r.enter(r.bytes.length);
    r.tag();
    assert.throws(() => r.enter(end), /runs past the end/);
  });

  it('must end where their length says', () => {
    const r = reader(field(1, varint(8)), int(1, 1));
    r.tag();
    const end = r.enter(r.bytes.length);
    r.tag();
    r.varint32();
    assert.throws(() => r.leave(end), /runs past its end/);
  });
});

describe('UTF-8', () => {
  const cases: [bytes: number[] | string, want: string | undefined][] = [
    ['', ''],
    ['plain', 'plain'],
    ['größer', 'größer'],
    ['a rather long text with an ü in it', 'a rather long text with an ü in it'],
    ['🙂', '🙂'],
    ['\ufeffkept', '\ufeffkept'],
    [[0xff], undefined],
    [[0x61, 0xc3], undefined],
    [[0xed, 0xa0, 0x80], undefined],
    [[0xc0, 0x80], undefined],
  ];
  for (const [input, want] of cases) {
    it(`${JSON.stringify(input)} is ${JSON.stringify(want)}`, () => {
      const bytes = typeof input === 'string' ? Buffer.from(input) : Uint8Array.from(input);
      assert.equal(decodeUtf8(bytes, 0, bytes.length), want);
    });
  }
});

describe('the writer', () => {
  it('writes what the specification says', () => {
    const writer = new ProtobufWriter(1);
    writer.uint32(1, 150);
    writer.string(2, 'testing');
    writer.message(3, () => writer.uint32(1, 150));
    writer.sint32(4, -3);
    writer.sint64(5, -4_000_000_000n);
    writer.fixed32(6, 0xdeadbeef);
    writer.fixed64(7, 0x0102030405060708n);
    writer.double(8, 1.5);
    writer.int64(9, -1n);
    writer.bytes(10, Uint8Array.of(1, 2));
    assert.deepEqual(
      Buffer.from(writer.finish()).toString('hex'),
      Buffer.from(
        concat(
          int(1, 150),
          field(2, 'testing'),
          field(3, int(1, 150)),
          sint(4, -3),
          sint(5, -4_000_000_000n),
          fixed32(6, 0xdeadbeef),
          fixed64(7, 0x0102030405060708n),
          double(8, 1.5),
          int(9, -1n),
          field(10, Uint8Array.of(1, 2)),
        ),
      ).toString('hex'),
    );
  });

  it('puts lengths of any size before messages and strings', () => {
    for (const size of [0, 1, 41, 42, 43, 126, 127, 128, 129, 16_383, 16_384, 70_000]) {
      const text = 'ü'.repeat(size >> 1) + (size % 2 === 1 ? 'x' : '');
      const writer = new ProtobufWriter();
      writer.message(1, () => {
        writer.string(2, text);
        writer.message(3, () => writer.string(4, text));
      });
      assert.deepEqual(
        Buffer.from(writer.finish()),
        Buffer.from(field(1, concat(field(2, text), field(3, field(4, text))))),
        `size ${size}`,
      );
    }
  });

  it('writes 64-bit integers that are read back', () => {
    const random = new Random('int64 in protobuf');
    for (let i = 0; i < 2000; i++) {
      const value = random.int64();
      const writer = new ProtobufWriter();
      writer.int64(1, value);
      writer.fixed64(2, value);
      const r = new ProtobufReader(writer.finish());
      r.tag();
      r.varint64();
      assert.equal(BigInt.asIntN(64, (BigInt(r.high) << 32n) | BigInt(r.low)), value);
      r.tag();
      r.fixed64();
      assert.equal(BigInt.asIntN(64, (BigInt(r.high) << 32n) | BigInt(r.low)), value);
    }
  });
});
