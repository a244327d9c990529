/**
 * The 64-bit hash of a label set (xxHash64 with seed 0 over length-prefixed strings), by which `limit_ratio` samples
 * series: the same series are chosen as in Prometheus.
 */

import type { Labels } from '../../model/labels.ts';
import { utf8Bytes } from '../syntax/strings.ts';

const MASK = (1n << 64n) - 1n;
const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

function rotate(x: bigint, by: bigint): bigint {
  return ((x << by) | (x >> (64n - by))) & MASK;
}

function round(accumulator: bigint, input: bigint): bigint {
  return (rotate((accumulator + input * P2) & MASK, 31n) * P1) & MASK;
}

/** xxHash64 with seed 0. */
export function xxHash64(data: Uint8Array): bigint {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;
  let hash: bigint;
  if (data.length >= 32) {
    let v1 = (P1 + P2) & MASK;
    let v2 = P2;
    let v3 = 0n;
    let v4 = -P1 & MASK;
    for (; at + 32 <= data.length; at += 32) {
      v1 = round(v1, view.getBigUint64(at, true));
      v2 = round(v2, view.getBigUint64(at + 8, true));
      v3 = round(v3, view.getBigUint64(at + 16, true));
      v4 = round(v4, view.getBigUint64(at + 24, true));
    }
    hash = (rotate(v1, 1n) + rotate(v2, 7n) + rotate(v3, 12n) + rotate(v4, 18n)) & MASK;
    for (const v of [v1, v2, v3, v4]) hash = ((hash ^ round(0n, v)) * P1 + P4) & MASK;
  } else hash = P5;
  hash = (hash + BigInt(data.length)) & MASK;
  for (; at + 8 <= data.length; at += 8) {
    hash ^= round(0n, view.getBigUint64(at, true));
    hash = (rotate(hash, 27n) * P1 + P4) & MASK;
  }
  if (at + 4 <= data.length) {
    hash ^= (BigInt(view.getUint32(at, true)) * P1) & MASK;
    hash = (rotate(hash, 23n) * P2 + P3) & MASK;
    at += 4;
  }
  for (; at < data.length; at++) {
    hash ^= (BigInt(data[at] as number) * P5) & MASK;
    hash = (rotate(hash, 11n) * P1) & MASK;
  }
  hash ^= hash >> 33n;
  hash = (hash * P2) & MASK;
  hash ^= hash >> 29n;
  hash = (hash * P3) & MASK;
  return hash ^ (hash >> 32n);
}

/** The hash of the labels as a fraction of 2^64. */
export function labelHashFraction(labels: Labels): number {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const [name, value] of labels.entries()) {
    for (const text of [name, value]) {
      const bytes = utf8Bytes(text);
      const head =
        bytes.length < 255
          ? Uint8Array.of(bytes.length)
          : Uint8Array.of(255, bytes.length & 255, (bytes.length >> 8) & 255, (bytes.length >> 16) & 255);
      parts.push(head, bytes);
      size += head.length + bytes.length;
    }
  }
  const data = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return Number(xxHash64(data)) / Number(MASK);
}
