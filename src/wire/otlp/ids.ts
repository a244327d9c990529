/** Trace and span ids in the bytes of a message: validity and hexadecimal text. */

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Whether bytes[start..end) are all zero (also when there are none). */
export function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Whether bytes[start..end) are `size` bytes and not all zero. */
export function isId(bytes: Uint8Array, start: number, end: number, size: number): boolean {
  return end - start === size && !isZero(bytes, start, end);
}

/** Lower-case hexadecimal text. */
export function hex(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += HEX[bytes[i] as number];
  return text;
}
