/** ClickHouse's Native format: see native/. */

export * from './native/columns.ts';
export { NativeDecoder, NativeFormatError } from './native/decode.ts';
export { BlockEncoder, ByteWriter, dictionaryData, fixedBytes, stringBytes } from './native/encode.ts';
