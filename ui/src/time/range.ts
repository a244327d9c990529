// The time range of a page: how it is written in the URL (`from`, `to`), read, resolved, shifted
// and named. Pure: the present moment is a parameter. Knows no React and no URL.
//
// A bound is `now`, `now-1h`, `now-1d/d` (rounded down to the day in local time; rounded up to the
// day's end as `to`), or milliseconds since 1970 in decimal. ISO 8601 dates are read as well.

export interface RawRange {
  from: string;
  to: string;
}

/** Both ends in milliseconds since 1970, from < to. */
export interface ResolvedRange {
  fromMs: number;
  toMs: number;
}

export const defaultRange: RawRange = { from: 'now-30m', to: 'now' };

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** `90s`, `1h30m`, `500ms` in milliseconds; null if it is not a duration. A day is 24 h. */
export function parseDurationMs(text: string): number | null {
  if (!/^(\d+(?:\.\d+)?(ms|[smhdwMy]))+$/.test(text)) return null;
  let sum = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwMy])/g)) {
    sum += Number(number) * (unitMs[unit ?? ''] ?? 0);
  }
  return sum;
}

/** Milliseconds as the query languages write a duration (`1m30s`; whole milliseconds). */
export function formatDurationParam(ms: number): string {
  if (ms <= 0) return '0s';
  let rest = Math.round(ms);
  let out = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = unitMs[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) out += `${count}${unit}`;
    rest -= count * size;
  }
  return out;
}

function roundToUnit(ms: number, unit: string, up: boolean): number {
  const date = new Date(ms);
  if (unit === 's') date.setMilliseconds(0);
  else if (unit === 'm') date.setSeconds(0, 0);
  else if (unit === 'h') date.setMinutes(0, 0, 0);
  else {
    date.setHours(0, 0, 0, 0);
    if (unit === 'w') date.setDate(date.getDate() - ((date.getDay() + 6) % 7)); // weeks begin on Monday
    if (unit === 'M') date.setDate(1);
    if (unit === 'y') date.setMonth(0, 1);
  }
  if (!up) return date.getTime();
  if (unit === 'd') date.setDate(date.getDate() + 1);
  else if (unit === 'w') date.setDate(date.getDate() + 7);
  else if (unit === 'M') date.setMonth(date.getMonth() + 1);
  else if (unit === 'y') date.setFullYear(date.getFullYear() + 1);
  else return date.getTime() + (unitMs[unit] ?? 0);
  return date.getTime();
}

/** One bound in milliseconds since 1970; null if it cannot be read. */
export function parseBound(text: string, nowMs: number, end: 'from' | 'to'): number | null {
  const trimmed = text.trim();
  const relative = /^now(?:([+-])(\w+))?(?:\/([smhdwMy]))?$/.exec(trimmed);
  if (relative) {
    const [, sign, amount, rounding] = relative;
    let ms = nowMs;
    if (amount !== undefined) {
      const shift = parseDurationMs(amount);
      if (shift === null) return null;
      ms += sign === '-' ? -shift : shift;
    }
    return rounding ? roundToUnit(ms, rounding, end === 'to') : ms;
  }
  if (/^-?\d{1,10}$/.test(trimmed)) return Number(trimmed) * 1000; // seconds, as the APIs write them
  if (/^\d{11,15}$/.test(trimmed)) return Number(trimmed);
  if (/^\d{16,19}$/.test(trimmed)) return Number(BigInt(trimmed) / 1_000_000n);
  if (/^\d{4}-\d{2}-\d{2}/.test(trimmed)) {
    // A date alone is local midnight, as a person means it.
    const iso = /^\d{4}-\d{2}-\d{2}$/.test(trimmed) ? `${trimmed}T00:00:00` : trimmed.replace(' ', 'T');
    const ms = Date.parse(iso);
    return Number.isNaN(ms) ? null : ms;
  }
  return null;
}

/** Resolves a range; null when a bound cannot be read or the range is empty or reversed. */
export function resolveRange(raw: RawRange, nowMs: number): ResolvedRange | null {
  const fromMs = parseBound(raw.from, nowMs, 'from');
  const toMs = parseBound(raw.to, nowMs, 'to');
  if (fromMs === null || toMs === null || fromMs >= toMs) return null;
  return { fromMs, toMs };
}

/** Whether the range moves with time. */
export function isRelative(raw: RawRange): boolean {
  return raw.from.startsWith('now') || raw.to.startsWith('now');
}

export function absoluteRange(range: ResolvedRange): RawRange {
  return { from: String(Math.round(range.fromMs)), to: String(Math.round(range.toMs)) };
}

/** Moves the range by a share of its width: -0.5 is half a width into the past. */
export function shiftRange(range: ResolvedRange, share: number): ResolvedRange {
  const shift = Math.round((range.toMs - range.fromMs) * share);
  return { fromMs: range.fromMs + shift, toMs: range.toMs + shift };
}

/** Widens the range about its middle; never beyond the present. */
export function zoomOut(range: ResolvedRange, nowMs: number): ResolvedRange {
  const width = range.toMs - range.fromMs;
  const toMs = Math.min(range.toMs + width / 2, Math.max(nowMs, range.toMs));
  return { fromMs: toMs - width * 2, toMs };
}

const quickAmounts = ['5m', '15m', '30m', '1h', '3h', '6h', '12h', '24h', '2d', '7d', '30d'] as const;

const amountNames: Readonly<Record<string, string>> = {
  s: 'second',
  m: 'minute',
  h: 'hour',
  d: 'day',
  w: 'week',
  M: 'month',
  y: 'year',
};

/** `5m` -> `5 minutes`; text that is no single amount stays as it is. */
function nameAmount(amount: string): string {
  const match = /^(\d+)([smhdwMy])$/.exec(amount);
  const word = match ? amountNames[match[2] ?? ''] : undefined;
  if (!match || !word) return amount;
  return `${match[1]} ${word}${match[1] === '1' ? '' : 's'}`;
}

/** The choices of the time picker. */
export const quickRanges: readonly { name: string; range: RawRange }[] = [
  ...quickAmounts.map((amount) => ({
    name: `Last ${nameAmount(amount)}`,
    range: { from: `now-${amount}`, to: 'now' },
  })),
  { name: 'Today', range: { from: 'now/d', to: 'now/d' } },
  { name: 'Yesterday', range: { from: 'now-1d/d', to: 'now-1d/d' } },
];

const two = (n: number) => String(n).padStart(2, '0');

/** `2026-11-21 10:51:02` in local time; seconds and milliseconds only as far as asked. */
export function formatDateTime(ms: number, precision: 'minutes' | 'seconds' | 'ms' = 'seconds'): string {
  const date = new Date(ms);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${formatClock(ms, precision)}`;
}

/** The time of day alone. */
export function formatClock(ms: number, precision: 'minutes' | 'seconds' | 'ms' = 'seconds'): string {
  const date = new Date(ms);
  let text = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (precision !== 'minutes') text += `:${two(date.getSeconds())}`;
  if (precision === 'ms') text += `.${String(date.getMilliseconds()).padStart(3, '0')}`;
  return text;
}

/** The range as the picker's button shows it. */
export function describeRange(raw: RawRange): string {
  const quick = quickRanges.find((q) => q.range.from === raw.from && q.range.to === raw.to);
  if (quick) return quick.name;
  const last = /^now-(\w+)$/.exec(raw.from);
  if (last?.[1] && raw.to === 'now') return `Last ${nameAmount(last[1])}`;
  return `${describeBound(raw.from)} – ${describeBound(raw.to)}`;
}

/** A bound as a person edits it: relative text as is, absolute times as local date and time. */
export function describeBound(text: string): string {
  if (text.startsWith('now')) return text;
  const ms = parseBound(text, 0, 'from');
  return ms === null ? text : formatDateTime(ms);
}

/** What the picker's input means as URL text; null if it cannot be read. */
export function boundFromInput(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed.startsWith('now')) return parseBound(trimmed, 0, 'from') === null ? null : trimmed;
  const ms = parseBound(trimmed, 0, 'from');
  return ms === null ? null : String(ms);
}

/** Distance in the past in few letters: `now`, `12s ago`, `3m ago`. */
export function formatAgo(ms: number, nowMs: number): string {
  const seconds = Math.round((nowMs - ms) / 1000);
  if (seconds < 2) return 'now';
  if (seconds < 120) return `${seconds}s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}h ago`;
  return `${Math.round(seconds / 86_400)}d ago`;
}
