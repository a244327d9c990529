/**
 * Growable columns: what wire decoders append to and storage writers read, so that no object is made per item.
 * Strings are kept as bytes; nothing is decoded until somebody asks.
 */

const INITIAL_ROWS = 64;
const INITIAL_BYTES = 1024;
/** Longest string that is written character by character when it is ASCII: the encoder's call costs more. */
const SHORT_STRING = 40;

const NO_BUFFER = new ArrayBuffer(0);
const NO_F64 = new Float64Array(NO_BUFFER);
const NO_I64 = new BigInt64Array(NO_BUFFER);
const NO_U32 = new Uint32Array(NO_BUFFER);
const NO_U8 = new Uint8Array(NO_BUFFER);

/** A growable column of 64-bit slots that can be read as float64, int64 or two uint32 halves (little endian). */
export class Slots64 {
  length = 0;
  // Many columns of a batch stay empty: nothing is allocated before the first push.
  #buffer = NO_BUFFER;
  #f64 = NO_F64;
  #i64 = NO_I64;
  #u32 = NO_U32;

  #grow(): void {
    if (this.length * 8 < this.#buffer.byteLength) return;
    const next = new ArrayBuffer(Math.max(INITIAL_ROWS * 8, this.#buffer.byteLength * 2));
    new Uint8Array(next).set(new Uint8Array(this.#buffer));
    this.#buffer = next;
    this.#f64 = new Float64Array(next);
    this.#i64 = new BigInt64Array(next);
    this.#u32 = new Uint32Array(next);
  }

  pushFloat(value: number): void {
    this.#grow();
    this.#f64[this.length++] = value;
  }

  pushBigInt(value: bigint): void {
    this.#grow();
    this.#i64[this.length++] = value;
  }

  /** Appends the two halves of a 64-bit integer. */
  pushHalves(low: number, high: number): void {
    this.#grow();
    const at = this.length++ * 2;
    this.#u32[at] = low;
    this.#u32[at + 1] = high;
  }

  float(row: number): number {
    return this.#f64[row] as number;
  }

  bigInt(row: number): bigint {
    return this.#i64[row] as bigint;
  }

  low(row: number): number {
    return this.#u32[row * 2] as number;
  }

  high(row: number): number {
    return this.#u32[row * 2 + 1] as number;
  }

  /** The filled part as float64 values; valid until the next push. */
  floats(): Float64Array {
    return this.#f64.subarray(0, this.length);
  }

  /** The filled part as int64 values; valid until the next push. */
  bigInts(): BigInt64Array {
    return this.#i64.subarray(0, this.length);
  }

  /** The filled part as raw little-endian bytes; valid until the next push. */
  bytes(): Uint8Array {
    return new Uint8Array(this.#buffer, 0, this.length * 8);
  }
}

/** A growable column of uint32 values. */
export class Slots32 {
  length = 0;
  #data = NO_U32;

  push(value: number): void {
    if (this.length === this.#data.length) {
      const next = new Uint32Array(Math.max(INITIAL_ROWS, this.#data.length * 2));
      next.set(this.#data);
      this.#data = next;
    }
    this.#data[this.length++] = value;
  }

  get(row: number): number {
    return this.#data[row] as number;
  }

  /** Overwrites an existing row. */
  set(row: number, value: number): void {
    this.#data[row] = value;
  }

  values(): Uint32Array {
    return this.#data.subarray(0, this.length);
  }
}

/** A growable column of uint8 values. */
export class Slots8 {
  length = 0;
  #data = NO_U8;

  push(value: number): void {
    if (this.length === this.#data.length) {
      const next = new Uint8Array(Math.max(INITIAL_ROWS, this.#data.length * 2));
      next.set(this.#data);
      this.#data = next;
    }
    this.#data[this.length++] = value;
  }

  get(row: number): number {
    return this.#data[row] as number;
  }

  values(): Uint8Array {
    return this.#data.subarray(0, this.length);
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** A growable column of byte strings: row i is `data[ends[i-1] .. ends[i])`. Also used for fixed-width ids. */
export class BytesColumn {
  length = 0;
  #data = NO_U8;
  #used = 0;
  #ends = new Slots32();

  #reserve(bytes: number): void {
    const need = this.#used + bytes;
    if (need <= this.#data.length) return;
    let size = Math.max(INITIAL_BYTES, this.#data.length * 2);
    while (size < need) size *= 2;
    const next = new Uint8Array(size);
    next.set(this.#data.subarray(0, this.#used));
    this.#data = next;
  }

  /** Appends a copy of source[start..end). */
  pushBytes(source: Uint8Array, start = 0, end = source.length): void {
    const size = end - start;
    this.#reserve(size);
    if (size < 64) {
      const data = this.#data;
      let at = this.#used;
      for (let i = start; i < end; i++) data[at++] = source[i] as number;
    } else {
      this.#data.set(source.subarray(start, end), this.#used);
    }
    this.#used += size;
    this.#ends.push(this.#used);
    this.length++;
  }

  /** Appends a string as UTF-8. */
  pushString(value: string): void {
    this.#reserve(value.length * 3);
    if (value.length <= SHORT_STRING && this.#pushAscii(value)) return;
    const { written } = encoder.encodeInto(value, this.#data.subarray(this.#used));
    this.#used += written;
    this.#ends.push(this.#used);
    this.length++;
  }

  /** Appends a string when all of it is ASCII; room for it is there. */
  #pushAscii(value: string): boolean {
    const data = this.#data;
    let at = this.#used;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) return false;
      data[at++] = code;
    }
    this.#used = at;
    this.#ends.push(at);
    this.length++;
    return true;
  }

  start(row: number): number {
    return row === 0 ? 0 : this.#ends.get(row - 1);
  }

  end(row: number): number {
    return this.#ends.get(row);
  }

  /** All bytes of all rows, in order; valid until the next push. */
  data(): Uint8Array {
    return this.#data.subarray(0, this.#used);
  }

  bytes(row: number): Uint8Array {
    return this.#data.subarray(this.start(row), this.end(row));
  }

  string(row: number): string {
    return decoder.decode(this.bytes(row));
  }
}
