/** Ids as B3 writes them: hexadecimal of at most 16 (64 bits) or 32 digits, zeros in front may be missing. */

/** The bytes, zeros put in front up to `size`; undefined when the text is no id of at most so many bytes. */
export function idBytes(text: string, size: 8 | 16): Uint8Array | undefined {
  if (text === '' || text.length > size * 2 || !/^[0-9a-fA-F]+$/.test(text)) return undefined;
  return new Uint8Array(Buffer.from(text.padStart(size * 2, '0'), 'hex'));
}

/** Bytes of an id with zeros put in front up to `size`; longer ones stay as they are. */
export function widened(id: Uint8Array, size: 8 | 16): Uint8Array {
  if (id.length === 0 || id.length >= size) return id.slice();
  const wide = new Uint8Array(size);
  wide.set(id, size - id.length);
  return wide;
}
