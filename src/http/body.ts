/**
 * Request bodies: read with a limit, then decompressed with the same limit, so that a small bomb cannot fill
 * memory. Knows nothing of what the bytes mean.
 */

import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { HttpError } from './handler.ts';

const gunzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflate);
const inflateRaw = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);
const unbrotli = promisify<zlib.InputType, zlib.BrotliOptions, Buffer>(zlib.brotliDecompress);
const unzstd = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

/** Reads a stream to its end. Throws HttpError 413 past `limitBytes`. */
export async function readAll(stream: Readable, limitBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limitBytes) throw tooLarge(limitBytes);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
}

/**
 * Undoes Content-Encoding (several may be listed, the last applied first). `snappy` stays as it is: its users
 * (remote write, Loki push) decode it themselves. Throws HttpError 415, 413 or 400.
 */
export async function decompress(
  body: Uint8Array,
  encoding: string | undefined,
  limitBytes: number,
): Promise<Uint8Array> {
  const codings = (encoding ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  for (const coding of codings.reverse()) body = await decompressOne(body, coding, limitBytes);
  return body;
}

/** Undoes one coding. */
export async function decompressOne(
  body: Uint8Array,
  coding: string,
  limitBytes: number,
): Promise<Uint8Array> {
  const options = { maxOutputLength: limitBytes };
  try {
    switch (coding) {
      case 'snappy':
        return body;
      case 'gzip':
      case 'x-gzip':
        return await gunzip(body, options);
      case 'deflate':
        // RFC 9110 means zlib's wrapper; some clients send the bare stream.
        return ((body[0] ?? 0) & 0x0f) === 8 ? await inflate(body, options) : await inflateRaw(body, options);
      case 'zstd':
        return await unzstd(body, options);
      case 'br':
        return await unbrotli(body, options);
    }
  } catch (error) {
    if (error instanceof RangeError || (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge(limitBytes);
    }
    throw new HttpError(400, `cannot decompress the body as ${coding}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  throw new HttpError(
    415,
    `unsupported Content-Encoding "${coding}"; use gzip, deflate, zstd, br, snappy or identity`,
  );
}

function tooLarge(limitBytes: number): HttpError {
  return new HttpError(413, `the body is larger than the limit of ${limitBytes} bytes (http.max-body-bytes)`);
}
