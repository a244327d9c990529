/** Harm for fuzzers: bytes changed, cut, put in, doubled or left out. */

import type { Random } from '../wire/random.ts';

export function mutate(random: Random, body: Uint8Array): Buffer {
  const bytes = Buffer.from(body);
  const at = random.below(bytes.length + 1);
  switch (random.below(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      for (let i = random.below(4); i >= 0; i--)
        if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256);
      return bytes;
    case 2:
      for (let i = random.below(3); i >= 0; i--) {
        const target = random.below(bytes.length);
        bytes[target] = (bytes[target] ?? 0) ^ (1 << random.below(8));
      }
      return bytes;
    case 3:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(random.hex(random.below(12)), 'hex'),
        bytes.subarray(at),
      ]);
    case 4:
      return Buffer.concat([bytes, bytes.subarray(at)]);
    default:
      if (bytes.length > 12) bytes.fill(0xff, random.below(bytes.length - 10), at);
      return bytes;
  }
}
