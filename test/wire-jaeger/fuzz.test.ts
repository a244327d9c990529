/** Ten thousand broken bodies for each of Jaeger's formats: taken or refused with a reason, never a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { decodeJaegerProtobuf } from '../../src/wire/jaeger/protobuf.ts';
import { decodeJaegerThrift } from '../../src/wire/jaeger/thrift.ts';
import { DEFAULT_SPAN_LIMITS } from '../../src/wire/otlp/traces.ts';
import { spanRows } from '../collector/memory-sink.ts';
import { concat, field, int } from '../wire/bytes.ts';
import { Random } from '../wire/random.ts';
import { mutate } from '../wire-zipkin/mutate.ts';
import { i32, i64, list, struct, tag, text } from './thrift-bytes.ts';

const BODIES = 10_000;

function thrift(random: Random): Uint8Array {
  const tags = () =>
    list(
      ...random.list(3, () =>
        tag(
          random.pick(['k', 'error', 'span.kind', 'event']),
          random.pick([random.text(), true, 0.5, 7n, Buffer.from('b')]),
        ),
      ),
    );
  const span = () =>
    struct(
      [1, i64(random.int64())],
      [2, i64(random.int64())],
      [3, i64(random.int64())],
      [5, text(random.text())],
      [6, list(...random.list(2, () => struct([1, i32(random.below(2))], [2, i64(1n)], [4, i64(2n)])))],
      [8, i64(BigInt(random.below(1e12)))],
      [9, i64(5n)],
      [10, tags()],
      [11, list(...random.list(2, () => struct([1, i64(9n)], [2, tags()])))],
    );
  return struct([1, struct([1, text('s')], [2, tags()])], [2, list(...random.list(3, span))]).bytes;
}

function protobuf(random: Random): Uint8Array {
  const keyValue = () =>
    concat(field(1, random.text()), int(2, random.below(5)), field(3, random.text()), int(5, 3));
  const span = () =>
    concat(
      field(1, Buffer.from(random.hex(16), 'hex')),
      field(2, Buffer.from(random.hex(8), 'hex')),
      field(3, random.text()),
      field(
        4,
        concat(field(1, Buffer.from(random.hex(16), 'hex')), field(2, Buffer.from(random.hex(8), 'hex'))),
      ),
      field(6, concat(int(1, random.below(1e9)), int(2, 5))),
      ...random.list(2, () => field(8, keyValue())),
      ...random.list(2, () => field(9, concat(field(1, int(1, 5)), field(2, keyValue())))),
    );
  return field(1, concat(...random.list(3, () => field(1, span())), field(2, field(1, 'shop'))));
}

for (const [what, make, decode] of [
  ['thrift', thrift, decodeJaegerThrift],
  ['protobuf', protobuf, decodeJaegerProtobuf],
] as const) {
  test(`${BODIES} broken bodies: ${what}`, () => {
    const random = new Random(`jaeger ${what}`);
    let taken = 0;
    let refused = 0;
    for (let i = 0; i < BODIES; i++) {
      const body = mutate(random, make(random));
      try {
        const { batch, rejected } = decode(body, 'a', DEFAULT_SPAN_LIMITS);
        spanRows(batch);
        assert.equal(rejected.count > 0, rejected.message !== '');
        taken++;
      } catch (error) {
        assert.ok(error instanceof InputError, `body ${i}: ${error} ${body.toString('base64')}`);
        refused++;
      }
    }
    assert.ok(taken > BODIES / 50 && refused > BODIES / 20, `${taken} taken, ${refused} refused`);
  });
}
