/** Sizes and durations as LogQL reads them, in queries and in label values. */

import { parseDuration, parseGoDuration } from '../syntax/durations.ts';

const SIZES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  ki: 1024,
  kib: 1024,
  m: 1e6,
  mb: 1e6,
  mi: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1e9,
  gb: 1e9,
  gi: 1024 ** 3,
  gib: 1024 ** 3,
  t: 1e12,
  tb: 1e12,
  ti: 1024 ** 4,
  tib: 1024 ** 4,
  p: 1e15,
  pb: 1e15,
  pi: 1024 ** 5,
  pib: 1024 ** 5,
  e: 1e18,
  eb: 1e18,
  ei: 1024 ** 6,
  eib: 1024 ** 6,
};

/** "1.5GiB", "10 MB", "42": bytes (a whole number), or undefined when it is no size. */
export function parseBytes(text: string): number | undefined {
  const parts = /^([\d.,]+)\s*([A-Za-z]*)\s*$/.exec(text);
  if (parts === null) return undefined;
  const digits = (parts[1] as string).replaceAll(',', '');
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(digits)) return undefined;
  const size = SIZES[(parts[2] as string).toLowerCase()];
  if (size === undefined) return undefined;
  const value = Number(digits) * size;
  return value >= 2 ** 64 ? undefined : Math.trunc(value);
}

/** A duration in a query: Prometheus's (1d, 1h30m) or else Go's (1.5h, 300us), in nanoseconds. */
export function parseQueryDuration(text: string): bigint | undefined {
  const negative = text.startsWith('-');
  const body = negative ? text.slice(1) : text;
  const prometheus = parseDuration(body);
  let ns: bigint | undefined;
  if ('ms' in prometheus) ns = body === '0' ? undefined : BigInt(prometheus.ms) * 1_000_000n;
  else ns = parseGoDuration(body);
  if (ns === undefined) return undefined;
  return negative ? -ns : ns;
}
