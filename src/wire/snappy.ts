/**
 * Snappy's raw block format, as remote write and Loki's push use it. The size of the result is checked before
 * anything is decompressed.
 */

import { compressSync, uncompressSync } from 'snappy';
import { InputError, LimitError } from '../model/errors.ts';

/**
 * Decompresses one block. Throws InputError when it is broken, LimitError('max-decoded-bytes') when it says that it
 * is larger than `maxBytes`.
 */
export function snappyDecode(block: Uint8Array, maxBytes: number): Uint8Array {
  let size = 0;
  let at = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = block[at++];
    if (byte === undefined || at > 5) throw new InputError('malformed snappy block: no length');
    size += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  if (size > maxBytes) {
    throw new LimitError(
      'max-decoded-bytes',
      `snappy block of ${size} bytes when decompressed, the limit is ${maxBytes}`,
    );
  }
  // A byte of a block stands for at most 64 bytes of content: more is a lie that would only cost memory.
  if (size > block.length * 64) throw new InputError('malformed snappy block: length cannot be true');
  try {
    return uncompressSync(block, { asBuffer: true }) as Buffer;
  } catch (error) {
    throw new InputError(
      `malformed snappy block: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

/** Compresses into one block. */
export function snappyEncode(content: Uint8Array): Uint8Array {
  return compressSync(content);
}
