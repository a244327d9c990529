/** Durations as text: Prometheus's (1h30m, 2w, whole numbers of units) and Go's (1.5h, 300us, signs). */

const UNIT_MS: readonly [string, number][] = [
  ['y', 365 * 86_400_000],
  ['w', 7 * 86_400_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

const PROMETHEUS = /^(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** The largest duration (int64 nanoseconds) in milliseconds. */
export const MAX_DURATION_MS = 9_223_372_036_854;

/**
 * A Prometheus duration in milliseconds: units y, w, d, h, m, s, ms, each at most once and in this order; "0" needs no
 * unit. Gives the text of the error where it is none.
 */
export function parseDuration(text: string): { ms: number } | { error: string } {
  if (text === '0') return { ms: 0 };
  if (text === '') return { error: 'empty duration string' };
  const parts = PROMETHEUS.exec(text);
  if (parts === null) return { error: `not a valid duration string: ${JSON.stringify(text)}` };
  let ms = 0;
  for (let i = 0; i < UNIT_MS.length; i++) {
    const count = parts[i + 1];
    if (count !== undefined) ms += Number(count) * (UNIT_MS[i] as [string, number])[1];
  }
  if (ms > MAX_DURATION_MS) return { error: 'duration out of range' };
  return { ms };
}

/** Milliseconds as Prometheus prints a duration: 5m, 1h30m, 1w (weeks and years only when nothing remains). */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.abs(ms);
  let out = ms < 0 ? '-' : '';
  for (const [unit, size] of UNIT_MS) {
    if ((unit === 'y' || unit === 'w') && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) {
      out += `${count}${unit}`;
      rest -= count * size;
    }
  }
  return out;
}

const GO_UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** A Go duration (time.ParseDuration: 1h15m30.918s, -1.5h, 300us) in nanoseconds; undefined when it is none. */
export function parseGoDuration(text: string): bigint | undefined {
  const sign = text[0] === '-' ? -1n : 1n;
  let rest = text[0] === '-' || text[0] === '+' ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') return undefined;
  let total = 0n;
  while (rest !== '') {
    const part = /^(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/.exec(rest);
    if (part === null) return undefined;
    const [all, whole, fraction = '', unit] = part as unknown as [string, string, string | undefined, string];
    if (whole === '' && fraction === '') return undefined;
    const size = GO_UNITS[unit] as bigint;
    total += BigInt(whole === '' ? '0' : whole) * size;
    if (fraction !== '') {
      const digits = fraction.slice(0, 18);
      total += (BigInt(digits) * size) / 10n ** BigInt(digits.length);
    }
    rest = rest.slice(all.length);
  }
  if (total >= 1n << 63n) return undefined;
  return sign * total;
}

/** Nanoseconds as Go's Duration.String prints them: 1h0m0s, 1.5s, 2ms. */
export function formatGoDuration(ns: bigint): string {
  if (ns === 0n) return '0s';
  const sign = ns < 0n ? '-' : '';
  const abs = ns < 0n ? -ns : ns;
  if (abs < 1_000_000_000n) {
    const [unit, size] =
      abs < 1000n
        ? (['ns', 1n] as const)
        : abs < 1_000_000n
          ? (['µs', 1000n] as const)
          : (['ms', 1_000_000n] as const);
    return `${sign}${withFraction(abs, size)}${unit}`;
  }
  const minutes = abs / 60_000_000_000n;
  const seconds = `${withFraction(abs % 60_000_000_000n, 1_000_000_000n)}s`;
  const hours = minutes / 60n;
  if (hours > 0n) return `${sign}${hours}h${minutes % 60n}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : sign + seconds;
}

function withFraction(value: bigint, size: bigint): string {
  const fraction = (value % size)
    .toString()
    .padStart(size.toString().length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' || size === 1n ? (value / size).toString() : `${value / size}.${fraction}`;
}
