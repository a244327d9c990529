/** Ten thousand broken bodies for each of Zipkin's formats: taken or refused with a reason, never a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { DEFAULT_SPAN_LIMITS } from '../../src/wire/otlp/traces.ts';
import { decodeZipkinJson } from '../../src/wire/zipkin/json.ts';
import { decodeZipkinJsonV1 } from '../../src/wire/zipkin/json-v1.ts';
import { decodeZipkinProtobuf } from '../../src/wire/zipkin/protobuf.ts';
import { spanRows } from '../collector/memory-sink.ts';
import { concat, field, fixed64, int } from '../wire/bytes.ts';
import { Random } from '../wire/random.ts';
import { mutate } from './mutate.ts';

const BODIES = 10_000;

const pairs = (random: Random) => Array.from({ length: random.below(4) }, (_, i) => [`k${i}`, random.text()]);

function jsonV2(random: Random): Uint8Array {
  const span = () => ({
    traceId: random.hex(random.pick([8, 16])),
    id: random.hex(8),
    kind: random.pick(['CLIENT', 'SERVER', undefined]),
    name: random.text(),
    timestamp: 1_700_000_000_000_000 + random.below(1e9),
    duration: random.below(1e6),
    localEndpoint: { serviceName: random.text(), ipv4: '127.0.0.1', port: random.below(65_536) },
    annotations: [{ timestamp: random.below(1e9), value: 'e|{"a":1}|0' }],
    tags: { error: random.text(), ...Object.fromEntries(pairs(random)) },
  });
  return Buffer.from(JSON.stringify(random.list(3, span)));
}

function jsonV1(random: Random): Uint8Array {
  const endpoint = () => ({ serviceName: random.pick(['web', 'db']), ipv4: '1.2.3.4' });
  const span = () => ({
    traceId: random.hex(8),
    id: random.hex(8),
    name: random.text(),
    annotations: random.list(4, () => ({
      timestamp: random.below(1e9),
      value: random.pick(['cs', 'cr', 'sr', 'ss', 'ms', 'mr', 'x']),
      endpoint: endpoint(),
    })),
    binaryAnnotations: random.list(2, () => ({
      key: random.pick(['sa', 'ca', 'lc', 'error', 'k']),
      value: random.pick([true, 'true', 1.5, 7, 'text']),
      endpoint: endpoint(),
    })),
  });
  return Buffer.from(JSON.stringify(random.list(3, span)));
}

function protobuf(random: Random): Uint8Array {
  const endpoint = concat(
    field(1, random.text()),
    field(2, Buffer.alloc(4, 7)),
    field(3, Buffer.alloc(16)),
    int(4, 80),
  );
  return concat(
    ...random.list(3, () =>
      field(
        1,
        concat(
          field(1, Buffer.from(random.hex(random.pick([8, 16])), 'hex')),
          field(3, Buffer.from(random.hex(8), 'hex')),
          int(4, random.below(6)),
          field(5, random.text()),
          fixed64(6, BigInt(random.below(1e12))),
          int(7, random.below(1e9)),
          field(8, endpoint),
          field(10, concat(fixed64(1, 5n), field(2, random.text()))),
          ...pairs(random).map(([key, value]) =>
            field(11, concat(field(1, key as string), field(2, value as string))),
          ),
        ),
      ),
    ),
  );
}

const formats = [
  ['JSON of version 2', jsonV2, decodeZipkinJson],
  ['JSON of version 1', jsonV1, decodeZipkinJsonV1],
  ['protobuf', protobuf, decodeZipkinProtobuf],
] as const;

for (const [what, make, decode] of formats) {
  test(`${BODIES} broken bodies: ${what}`, () => {
    const random = new Random(`zipkin ${what}`);
    let taken = 0;
    let refused = 0;
    for (let i = 0; i < BODIES; i++) {
      const body = mutate(random, make(random));
      try {
        const { batch, rejected } = decode(body, 'a', 1n, DEFAULT_SPAN_LIMITS);
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
