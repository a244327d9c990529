/** `ip()`: addresses, ranges and networks of both versions, in label values and found inside of lines. */

import { InputError } from '../../../model/errors.ts';

/** An address as a number; version 4 and version 6 never meet. */
interface Address {
  readonly v6: boolean;
  readonly value: bigint;
}

/** Whether any address inside of the text is meant. */
export type IpTest = (text: string) => boolean;

/** Parses "10.0.0.1", "10.0.0.0/8", "10.0.0.1-10.0.0.9" and the same of version 6. Throws InputError. */
export function compileIp(text: string, position: number): IpTest {
  const bad = (): never => {
    throw new InputError(`ip: error parsing pattern ${JSON.stringify(text)}`, {
      position,
      hint: 'an address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9',
    });
  };
  let first: Address;
  let last: Address;
  const dash = text.indexOf('-');
  const slash = text.indexOf('/');
  if (dash >= 0) {
    first = parseAddress(text.slice(0, dash)) ?? bad();
    last = parseAddress(text.slice(dash + 1)) ?? bad();
    if (first.v6 !== last.v6 || first.value > last.value) bad();
  } else if (slash >= 0) {
    const address = parseAddress(text.slice(0, slash)) ?? bad();
    const digits = text.slice(slash + 1);
    const width = address.v6 ? 128 : 32;
    if (!/^(?:0|[1-9]\d{0,2})$/.test(digits) || Number(digits) > width) bad();
    const rest = (1n << BigInt(width - Number(digits))) - 1n;
    first = { v6: address.v6, value: address.value & ~rest };
    last = { v6: address.v6, value: address.value | rest };
  } else {
    first = parseAddress(text) ?? bad();
    last = first;
  }
  const contains = (address: Address | undefined): boolean =>
    address !== undefined &&
    address.v6 === first.v6 &&
    address.value >= first.value &&
    address.value <= last.value;
  return (text) => findAddress(text, (found) => contains(parseAddress(found)));
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isHex = (code: number): boolean =>
  isDigit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
const COLON = 58;
const DOT = 46;

/** Looks at everything in the line that begins as an address does, until one is meant. */
function findAddress(line: string, isMeant: (text: string) => boolean): boolean {
  const n = line.length;
  const at = (i: number): number => line.charCodeAt(i);
  for (let i = 0; i < n; i++) {
    const a = at(i);
    let end = i;
    if (i + 3 < n && isDigit(a) && (at(i + 1) === DOT || at(i + 2) === DOT || at(i + 3) === DOT)) {
      while (end < n && (isDigit(at(end)) || at(end) === DOT)) end++;
    } else if (i + 4 < n && startsV6(at, i)) {
      while (end < n && (isHex(at(end)) || at(end) === COLON || at(end) === DOT)) end++;
    } else continue;
    if (isMeant(line.slice(i, end))) return true;
    i = end;
  }
  return false;
}

function startsV6(at: (i: number) => number, i: number): boolean {
  if (at(i) === COLON) return at(i + 1) === COLON && isHex(at(i + 2));
  for (let k = 0; k < 4; k++) {
    if (!isHex(at(i + k))) return false;
    if (at(i + k + 1) === COLON) return true;
  }
  return false;
}

function parseAddress(text: string): Address | undefined {
  const zone = text.indexOf('%');
  const bare = zone > 0 && text.includes(':') ? text.slice(0, zone) : text;
  return bare.includes(':') ? parseV6(bare) : parseV4(bare);
}

function parseV4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    // No leading zeros: some read them as octal.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return { v6: false, value };
}

function parseV6(text: string): Address | undefined {
  const gap = text.indexOf('::');
  if (gap >= 0 && text.indexOf('::', gap + 1) >= 0) return undefined;
  const groups = (part: string): number[] | undefined => {
    if (part === '') return [];
    const out: number[] = [];
    const pieces = part.split(':');
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i] as string;
      if (i === pieces.length - 1 && piece.includes('.')) {
        const v4 = parseV4(piece);
        if (v4 === undefined) return undefined;
        out.push(Number(v4.value >> 16n), Number(v4.value & 0xffffn));
      } else if (/^[0-9a-fA-F]{1,4}$/.test(piece)) out.push(Number.parseInt(piece, 16));
      else return undefined;
    }
    return out;
  };
  let all: number[];
  if (gap >= 0) {
    const head = groups(text.slice(0, gap));
    const tail = groups(text.slice(gap + 2));
    if (head === undefined || tail === undefined || head.length + tail.length > 7) return undefined;
    all = [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
  } else {
    const whole = groups(text);
    if (whole?.length !== 8) return undefined;
    all = whole;
  }
  let value = 0n;
  for (const group of all) value = (value << 16n) | BigInt(group);
  // ::ffff:1.2.3.4 stays an address of version 6, as in Go's netip.
  return { v6: true, value };
}
