/** Thrift's TBinaryProtocol over one Uint8Array, bounds-checked. Knows nothing of any struct. */

import { InputError } from '../../model/errors.ts';
import { decodeUtf8 } from '../protobuf.ts';

export const THRIFT_STOP = 0;
export const THRIFT_BOOL = 2;
const THRIFT_BYTE = 3;
export const THRIFT_DOUBLE = 4;
const THRIFT_I16 = 6;
export const THRIFT_I32 = 8;
export const THRIFT_I64 = 10;
/** Strings and binary. */
export const THRIFT_STRING = 11;
export const THRIFT_STRUCT = 12;
const THRIFT_MAP = 13;
const THRIFT_SET = 14;
export const THRIFT_LIST = 15;

/** Nesting that a skipped field may have. */
const MAX_DEPTH = 32;

export class ThriftReader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  pos = 0;
  /** Type and id of the field that `field` read last. */
  type = THRIFT_STOP;
  id = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  fail(what: string): never {
    throw new InputError(`malformed thrift at byte ${this.pos}: ${what}`);
  }

  #take(size: number): number {
    const at = this.pos;
    if (size < 0 || size > this.bytes.length - at) this.fail('value runs past the end');
    this.pos = at + size;
    return at;
  }

  /** Reads the head of the next field into `type` and `id`; false at the end of the struct. */
  field(): boolean {
    this.type = this.bytes[this.#take(1)] as number;
    if (this.type === THRIFT_STOP) return false;
    this.id = this.#view.getInt16(this.#take(2));
    return true;
  }

  bool(): boolean {
    return this.bytes[this.#take(1)] !== 0;
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  binary(): Uint8Array {
    const size = this.i32();
    const at = this.#take(size);
    return this.bytes.subarray(at, at + size);
  }

  /** A string; bytes that are not UTF-8 are replaced, since thrift's strings are bytes. */
  string(): string {
    const size = this.i32();
    const at = this.#take(size);
    return (
      decodeUtf8(this.bytes, at, at + size) ??
      Buffer.from(this.bytes.subarray(at, at + size)).toString('utf8')
    );
  }

  /** Reads the head of a list of structs and calls `read` for each. */
  structs(read: () => void): void {
    const type = this.bytes[this.#take(1)] as number;
    const size = this.i32();
    if (size < 0) this.fail('list of negative length');
    if (type !== THRIFT_STRUCT && size > 0) this.fail(`list of type ${type} where structs are wanted`);
    for (let i = 0; i < size; i++) read();
  }

  /** Skips the value of the field that was read last. */
  skip(): void {
    this.#skip(this.type, 0);
  }

  #skip(type: number, depth: number): void {
    if (depth > MAX_DEPTH) this.fail('nested too deeply');
    switch (type) {
      case THRIFT_BOOL:
      case THRIFT_BYTE:
        this.#take(1);
        return;
      case THRIFT_I16:
        this.#take(2);
        return;
      case THRIFT_I32:
        this.#take(4);
        return;
      case THRIFT_DOUBLE:
      case THRIFT_I64:
        this.#take(8);
        return;
      case THRIFT_STRING:
        this.#take(this.i32());
        return;
      case THRIFT_STRUCT:
        for (;;) {
          const field = this.bytes[this.#take(1)] as number;
          if (field === THRIFT_STOP) return;
          this.#take(2);
          this.#skip(field, depth + 1);
        }
      case THRIFT_LIST:
      case THRIFT_SET: {
        const item = this.bytes[this.#take(1)] as number;
        const size = this.i32();
        for (let i = 0; i < size; i++) this.#skip(item, depth + 1);
        return;
      }
      case THRIFT_MAP: {
        const key = this.bytes[this.#take(1)] as number;
        const value = this.bytes[this.#take(1)] as number;
        const size = this.i32();
        for (let i = 0; i < size; i++) {
          this.#skip(key, depth + 1);
          this.#skip(value, depth + 1);
        }
        return;
      }
      default:
        this.fail(`unknown type ${type}`);
    }
  }
}
