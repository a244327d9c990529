/** Protobuf bytes by hand, for tests: `message(field(1, 'text'), ...)`. Independent of src/wire. */

export type Part = Uint8Array;

export function varint(value: bigint | number): Part {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export function zigzag(value: bigint | number): Part {
  const big = BigInt(value);
  return varint((big << 1n) ^ (big >> 63n));
}

export function concat(...parts: readonly Part[]): Uint8Array {
  return Buffer.concat(parts);
}

/** A length-delimited field: string, bytes or message. */
export function field(number: number, content: string | Uint8Array): Part {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return concat(varint(number * 8 + 2), varint(bytes.length), bytes);
}

export function int(number: number, value: bigint | number): Part {
  return concat(varint(number * 8), varint(value));
}

export function sint(number: number, value: bigint | number): Part {
  return concat(varint(number * 8), zigzag(value));
}

export function fixed64(number: number, value: bigint): Part {
  return concat(varint(number * 8 + 1), raw64(value));
}

export function fixed32(number: number, value: number): Part {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return concat(varint(number * 8 + 5), bytes);
}

export function double(number: number, value: number): Part {
  return concat(varint(number * 8 + 1), rawDouble(value));
}

export function raw64(value: bigint): Part {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes;
}

export function rawDouble(value: number): Part {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** The content of a message. */
export const message = concat;

/** A float64 with the bits of the stale marker, as the content of a fixed64 field. */
export const STALE = 0x7ff0000000000002n;
