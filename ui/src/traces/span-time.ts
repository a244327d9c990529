/**
 * Durations and moments of spans as text, and tick marks for a time axis. Pure; nanoseconds in, text out.
 * Clock times are made by the caller's formatter: this file knows no time zone.
 */

const MICRO = 1e3;
const MILLI = 1e6;
const SECOND = 1e9;
const MINUTE = 60e9;
const HOUR = 3600e9;

/** Three significant digits and the natural unit: 0, 850ns, 1.25µs, 87.2ms, 1.5s, 2m 5s, 3h 4m. */
export function durationText(ns: number): string {
  const size = Math.abs(ns);
  const sign = ns < 0 ? '−' : '';
  if (size === 0) return '0s';
  if (size < MICRO) return `${sign}${Math.round(size)}ns`;
  if (size < 999.5 * MICRO) return `${sign}${threeDigits(size / MICRO)}µs`;
  if (size < 999.5 * MILLI) return `${sign}${threeDigits(size / MILLI)}ms`;
  if (size < 59.95 * SECOND) return `${sign}${threeDigits(size / SECOND)}s`;
  const seconds = Math.round(size / SECOND);
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const minutes = Math.round(size / MINUTE);
  return `${sign}${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}

function threeDigits(x: number): string {
  const text = x.toFixed(x < 9.995 ? 2 : x < 99.95 ? 1 : 0);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** All digits, for the details panel: "12.345678ms". */
export function exactDurationText(ns: number): string {
  const trim = (x: number, digits: number): string => {
    const s = x.toFixed(digits);
    return s.includes('.') ? s.replace(/\.?0+$/, '') : s;
  };
  if (ns < MICRO) return `${ns}ns`;
  if (ns < MILLI) return `${trim(ns / MICRO, 3)}µs`;
  if (ns < SECOND) return `${trim(ns / MILLI, 6)}ms`;
  return `${trim(ns / SECOND, 9)}s`;
}

/** Round steps that give at most `most` ticks between the two ends: offsets in nanoseconds. */
export function axisTicks(fromNs: number, toNs: number, most: number): number[] {
  const length = toNs - fromNs;
  if (!(length > 0) || most < 1) return [fromNs];
  const step = niceStep(length / most);
  const out: number[] = [];
  for (let i = Math.ceil(fromNs / step); i * step <= toNs; i++) out.push(i * step);
  return out;
}

function niceStep(atLeastNs: number): number {
  if (atLeastNs >= 20 * SECOND)
    for (const step of [30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400])
      if (step * SECOND >= atLeastNs) return step * SECOND;
  if (atLeastNs >= HOUR) return Math.ceil(atLeastNs / (24 * HOUR)) * 24 * HOUR;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, atLeastNs)));
  for (const m of [1, 2, 5, 10]) if (m * power >= atLeastNs) return m * power;
  return 10 * power;
}

/** The fraction of a second to nine digits, for exact clock times: "368821986". */
export function subSecondText(ns: bigint): string {
  return (ns % 1_000_000_000n).toString().padStart(9, '0');
}
