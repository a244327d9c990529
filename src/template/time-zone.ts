/**
 * Time zones by IANA name, through Intl (its rules come with the runtime). An offset is in seconds east of UTC.
 * Knows no clock: every question names the instant.
 */

export interface ZoneOffset {
  readonly offsetSeconds: number;
  /** As Go prints it for MST: "UTC", "EST", "CET", or digits like "+03" where the zone has no letters. */
  readonly abbreviation: string;
}

const formats = new Map<string, { parts: Intl.DateTimeFormat; name: Intl.DateTimeFormat } | undefined>();
const MAX_ZONES = 1000;

/** Whether the runtime knows the zone; '' and 'UTC' are UTC. */
export function isZone(zone: string): boolean {
  return zone === '' || zone === 'UTC' || formatsOf(zone) !== undefined;
}

function formatsOf(zone: string): { parts: Intl.DateTimeFormat; name: Intl.DateTimeFormat } | undefined {
  if (formats.has(zone)) return formats.get(zone);
  let made: { parts: Intl.DateTimeFormat; name: Intl.DateTimeFormat } | undefined;
  try {
    // Go has no zones by offset ("+02:00"), Intl has.
    if (/^[A-Za-z]/.test(zone)) {
      made = {
        parts: new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' }),
        name: new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' }),
      };
    }
  } catch {
    made = undefined;
  }
  if (formats.size < MAX_ZONES) formats.set(zone, made);
  return made;
}

/** Names that Go's zone database has where Intl's English gives only an offset. */
const EUROPEAN: Readonly<Record<string, readonly [string, string]>> = {
  'Europe/London': ['GMT', 'BST'],
  'Europe/Dublin': ['GMT', 'IST'],
  'Europe/Lisbon': ['WET', 'WEST'],
  'Europe/Moscow': ['MSK', 'MSK'],
  'Europe/Athens': ['EET', 'EEST'],
  'Europe/Helsinki': ['EET', 'EEST'],
  'Europe/Kiev': ['EET', 'EEST'],
  'Europe/Kyiv': ['EET', 'EEST'],
  'Europe/Bucharest': ['EET', 'EEST'],
  'Europe/Sofia': ['EET', 'EEST'],
  'Europe/Riga': ['EET', 'EEST'],
  'Europe/Vilnius': ['EET', 'EEST'],
  'Europe/Tallinn': ['EET', 'EEST'],
  'Asia/Tokyo': ['JST', 'JST'],
  'Asia/Seoul': ['KST', 'KST'],
  'Asia/Kolkata': ['IST', 'IST'],
  'Asia/Calcutta': ['IST', 'IST'],
  'Asia/Shanghai': ['CST', 'CST'],
  'Asia/Hong_Kong': ['HKT', 'HKT'],
  'Australia/Sydney': ['AEST', 'AEDT'],
  'Australia/Melbourne': ['AEST', 'AEDT'],
  'Australia/Brisbane': ['AEST', 'AEST'],
  'Pacific/Auckland': ['NZST', 'NZDT'],
};

/** The offset of a zone at an instant (milliseconds since the epoch). Unknown zones are UTC: ask isZone first. */
export function zoneAt(zone: string, epochMs: number): ZoneOffset {
  if (zone === '' || zone === 'UTC') return { offsetSeconds: 0, abbreviation: 'UTC' };
  const made = formatsOf(zone);
  if (made === undefined) return { offsetSeconds: 0, abbreviation: 'UTC' };
  const at = Math.max(-8.64e15, Math.min(8.64e15, epochMs));
  const long = made.parts.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? 'GMT';
  const found = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?/.exec(long);
  let offsetSeconds = 0;
  if (found !== null) {
    offsetSeconds = Number(found[2]) * 3600 + Number(found[3]) * 60 + Number(found[4] ?? 0);
    if (found[1] === '-') offsetSeconds = -offsetSeconds;
  }
  return { offsetSeconds, abbreviation: abbreviationOf(zone, made.name, at, offsetSeconds) };
}

function abbreviationOf(zone: string, name: Intl.DateTimeFormat, at: number, offsetSeconds: number): string {
  const short = name.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? '';
  if (/^[A-Z]{3,5}$/.test(short)) return short;
  const known = EUROPEAN[zone];
  if (known !== undefined) {
    const summer = offsetSeconds > standardOffset(zone, at);
    return known[summer ? 1 : 0] as string;
  }
  if (zone.startsWith('Europe/') && (offsetSeconds === 3600 || offsetSeconds === 7200)) {
    return offsetSeconds > standardOffset(zone, at) ? 'CEST' : 'CET';
  }
  const sign = offsetSeconds < 0 ? '-' : '+';
  const minutes = Math.floor(Math.abs(offsetSeconds) / 60);
  const hours = String(Math.floor(minutes / 60)).padStart(2, '0');
  return `${sign}${hours}${minutes % 60 === 0 ? '' : String(minutes % 60).padStart(2, '0')}`;
}

/** The smaller of the offsets half a year apart. */
function standardOffset(zone: string, at: number): number {
  const halfYearMs = 182 * 86_400_000;
  const made = formatsOf(zone);
  if (made === undefined) return 0;
  const offset = (ms: number): number => {
    const text = made.parts.formatToParts(ms).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const found = /GMT([+-])(\d{2}):(\d{2})/.exec(text);
    if (found === null) return 0;
    return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 3600 + Number(found[3]) * 60);
  };
  return Math.min(offset(at), offset(at + halfYearMs));
}

/** The instant (milliseconds) at which a wall clock in the zone shows the given UTC-like milliseconds. */
export function fromWallClock(zone: string, wallMs: number): number {
  let guess = wallMs - zoneAt(zone, wallMs).offsetSeconds * 1000;
  // A second look settles times next to a change of the offset; in a gap Go takes the offset before it.
  const offset = zoneAt(zone, guess).offsetSeconds * 1000;
  if (wallMs - offset !== guess) {
    const second = wallMs - offset;
    if (zoneAt(zone, second).offsetSeconds * 1000 === offset) guess = second;
    else guess = Math.max(guess, second);
  }
  return guess;
}
