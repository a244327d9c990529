/** TBinaryProtocol bytes by hand: `struct([1, text('a')], [2, list(...)])`. Independent of src/wire. */

export interface ThriftValue {
  readonly type: number;
  readonly bytes: Uint8Array;
}

function sized(size: number, write: (bytes: Buffer) => void): Uint8Array {
  const bytes = Buffer.alloc(size);
  write(bytes);
  return bytes;
}

export const bool = (value: boolean): ThriftValue => ({ type: 2, bytes: Uint8Array.of(value ? 1 : 0) });
export const double = (value: number): ThriftValue => ({
  type: 4,
  bytes: sized(8, (bytes) => bytes.writeDoubleBE(value)),
});
export const i32 = (value: number): ThriftValue => ({
  type: 8,
  bytes: sized(4, (bytes) => bytes.writeInt32BE(value)),
});
export const i64 = (value: bigint): ThriftValue => ({
  type: 10,
  bytes: sized(8, (bytes) => bytes.writeBigInt64BE(BigInt.asIntN(64, value))),
});

export function text(value: string | Uint8Array): ThriftValue {
  const bytes = Buffer.from(value as string);
  return { type: 11, bytes: Buffer.concat([i32(bytes.length).bytes, bytes]) };
}

export function struct(...fields: (readonly [id: number, value: ThriftValue])[]): ThriftValue {
  const parts = fields.map(([id, { type, bytes }]) =>
    Buffer.concat([Uint8Array.of(type), sized(2, (head) => head.writeInt16BE(id)), bytes]),
  );
  return { type: 12, bytes: Buffer.concat([...parts, Uint8Array.of(0)]) };
}

export function list(...items: readonly ThriftValue[]): ThriftValue {
  const type = items[0]?.type ?? 12;
  return {
    type: 15,
    bytes: Buffer.concat([Uint8Array.of(type), i32(items.length).bytes, ...items.map((item) => item.bytes)]),
  };
}

/** A jaeger.thrift Tag. */
export function tag(key: string, value: string | boolean | number | bigint | Uint8Array): ThriftValue {
  const head = (type: number) => [[1, text(key)] as const, [2, i32(type)] as const];
  if (typeof value === 'string') return struct(...head(0), [3, text(value)]);
  if (typeof value === 'number') return struct(...head(1), [4, double(value)]);
  if (typeof value === 'boolean') return struct(...head(2), [5, bool(value)]);
  if (typeof value === 'bigint') return struct(...head(3), [6, i64(value)]);
  return struct(...head(4), [7, text(value)]);
}
