/**
 * The id of a label set: 64 bits of a hash over its canonical (sorted) form. Series and streams use the same function,
 * so that no process has to ask another one for an id. The id is part of what is stored: changing one bit of this
 * function makes every stored series a stranger. It knows nothing of tenants or storage.
 *
 * Two MurmurHash3-like 32-bit lanes (public-domain mixing steps by Austin Appleby) over the UTF-16 units of
 * name, 0, value, 1 for every label, crossed at every step and finalised together.
 */

import type { Labels } from './labels.ts';

const C1 = 0x239b961b;
const C2 = 0xab0e9789 | 0;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93 | 0;

/** Where `hashLabels` and `hashText` leave their result: two unsigned 32-bit halves. Read before the next call. */
export const hashed = { low: 0, high: 0 };

let lane1 = 0;
let lane2 = 0;
let pending = 0;
let units = 0;

function mix(word: number): void {
  let k = Math.imul(word, C1);
  k = (k << 15) | (k >>> 17);
  lane1 ^= Math.imul(k, C2);
  lane1 = (lane1 << 19) | (lane1 >>> 13);
  lane1 = (Math.imul(lane1 + lane2, 5) + 0x561ccd1b) | 0;
  k = Math.imul(word, C3);
  k = (k << 17) | (k >>> 15);
  lane2 ^= Math.imul(k, C4);
  lane2 = (lane2 << 17) | (lane2 >>> 15);
  lane2 = (Math.imul(lane2 + lane1, 5) + 0x0bcaa747) | 0;
}

function add(text: string): void {
  const length = text.length;
  let at = 0;
  if ((units & 1) === 1 && length > 0) mix(pending | (text.charCodeAt(at++) << 16));
  for (; at + 1 < length; at += 2) mix(text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16));
  if (at < length) pending = text.charCodeAt(at);
  units += length;
}

function addUnit(unit: number): void {
  if ((units & 1) === 1) mix(pending | (unit << 16));
  else pending = unit;
  units++;
}

function scramble(value: number): number {
  value ^= value >>> 16;
  value = Math.imul(value, 0x85ebca6b);
  value ^= value >>> 13;
  value = Math.imul(value, 0xc2b2ae35);
  return value ^ (value >>> 16);
}

function begin(): void {
  lane1 = 0x2545f491;
  lane2 = 0x1b873593;
  pending = 0;
  units = 0;
}

function finish(): void {
  if ((units & 1) === 1) mix(pending);
  lane1 ^= units;
  lane2 ^= units;
  lane1 = (lane1 + lane2) | 0;
  lane2 = (lane2 + lane1) | 0;
  lane1 = scramble(lane1);
  lane2 = scramble(lane2);
  lane1 = (lane1 + lane2) | 0;
  lane2 = (lane2 + lane1) | 0;
  hashed.low = lane1 >>> 0;
  hashed.high = lane2 >>> 0;
}

/** Hashes a label set (metric name included) into `hashed`. No allocation. */
export function hashLabels(labels: Labels): void {
  begin();
  const { names, values } = labels;
  for (let i = 0; i < names.length; i++) {
    add(names[i] as string);
    addUnit(0);
    add(values[i] as string);
    addUnit(1);
  }
  finish();
}

/** Hashes any text into `hashed`; used for resources and scopes. */
export function hashText(text: string): void {
  begin();
  add(text);
  finish();
}

/** The id of a label set as a bigint in 0 .. 2^64-1. */
export function seriesId(labels: Labels): bigint {
  hashLabels(labels);
  return (BigInt(hashed.high) << 32n) | BigInt(hashed.low);
}
