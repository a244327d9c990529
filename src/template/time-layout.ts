/**
 * Go's time layouts ("2006-01-02T15:04:05Z07:00"): formatting and parsing. The grammar of layouts is that of the
 * documentation of Go's package time; errors say where text and layout part.
 */

import { fromWallClock } from './time-zone.ts';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
] as const;
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;

/** What a clock on the wall of the time's zone shows. */
export interface WallClock {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  readonly yearDay: number;
  readonly offsetSeconds: number;
  readonly abbreviation: string;
}

export function monthName(month: number): string {
  return MONTHS[month - 1] as string;
}

export function dayName(weekday: number): string {
  return DAYS[weekday] as string;
}

/** Pieces of a layout, longest first where one starts with another. */
const PIECES = [
  'January',
  'Monday',
  '-07:00:00',
  'Z07:00:00',
  '-070000',
  'Z070000',
  '-07:00',
  'Z07:00',
  '-0700',
  'Z0700',
  '2006',
  '-07',
  'Z07',
  'Jan',
  'Mon',
  'MST',
  '__2',
  '002',
  '_2',
  '01',
  '02',
  '03',
  '04',
  '05',
  '06',
  '15',
  'PM',
  'pm',
  '1',
  '2',
  '3',
  '4',
  '5',
] as const;

type Piece = { readonly kind: 'text' | 'piece' | 'fraction'; readonly text: string };

const layouts = new Map<string, readonly Piece[]>();

function piecesOf(layout: string): readonly Piece[] {
  const known = layouts.get(layout);
  if (known !== undefined) return known;
  const pieces: Piece[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') pieces.push({ kind: 'text', text });
    text = '';
  };
  let at = 0;
  while (at < layout.length) {
    const fraction = /^[.,](0+|9+)(?!\d)/.exec(layout.slice(at, at + 40));
    if (fraction !== null) {
      flush();
      pieces.push({ kind: 'fraction', text: fraction[0] });
      at += fraction[0].length;
      continue;
    }
    const piece = PIECES.find((candidate) => layout.startsWith(candidate, at));
    // "Jan" inside "Janet" is no month, "Mon" in "Monk" no day: Go wants no lower-case letter behind it.
    const word = piece === 'Jan' || piece === 'Mon';
    if (piece === undefined || (word && /[a-z]/.test(layout[at + 3] ?? ''))) {
      text += layout[at];
      at++;
      continue;
    }
    // "_2006" is an underscore and a year.
    if (piece === '_2' && layout.startsWith('_2006', at)) {
      text += '_';
      at++;
      continue;
    }
    flush();
    pieces.push({ kind: 'piece', text: piece });
    at += piece.length;
  }
  flush();
  if (layouts.size < 1000) layouts.set(layout, pieces);
  return pieces;
}

const two = (value: number): string => String(value).padStart(2, '0');

function offsetText(piece: string, offsetSeconds: number): string {
  if (piece.startsWith('Z') && offsetSeconds === 0) return 'Z';
  const sign = offsetSeconds < 0 ? '-' : '+';
  const total = Math.abs(offsetSeconds);
  const hours = two(Math.floor(total / 3600));
  const minutes = two(Math.floor(total / 60) % 60);
  const seconds = two(total % 60);
  switch (piece.slice(1)) {
    case '07':
      return sign + hours;
    case '0700':
      return sign + hours + minutes;
    case '07:00':
      return `${sign}${hours}:${minutes}`;
    case '070000':
      return sign + hours + minutes + seconds;
    default:
      return `${sign}${hours}:${minutes}:${seconds}`;
  }
}

/** The time written by a layout. */
export function formatTime(clock: WallClock, layout: string): string {
  let out = '';
  for (const piece of piecesOf(layout)) {
    if (piece.kind === 'text') {
      out += piece.text;
      continue;
    }
    if (piece.kind === 'fraction') {
      const digits = String(clock.nanosecond)
        .padStart(9, '0')
        .slice(0, Math.min(9, piece.text.length - 1));
      if (piece.text[1] === '9') {
        const trimmed = digits.replace(/0+$/, '');
        if (trimmed !== '') out += (piece.text[0] as string) + trimmed;
      } else {
        out += (piece.text[0] as string) + digits;
      }
      continue;
    }
    const hour12 = clock.hour % 12 === 0 ? 12 : clock.hour % 12;
    switch (piece.text) {
      case '2006':
        out +=
          clock.year < 0 ? `-${String(-clock.year).padStart(4, '0')}` : String(clock.year).padStart(4, '0');
        break;
      case '06':
        out += two(((clock.year % 100) + 100) % 100);
        break;
      case 'January':
        out += monthName(clock.month);
        break;
      case 'Jan':
        out += monthName(clock.month).slice(0, 3);
        break;
      case '01':
        out += two(clock.month);
        break;
      case '1':
        out += clock.month;
        break;
      case 'Monday':
        out += dayName(clock.weekday);
        break;
      case 'Mon':
        out += dayName(clock.weekday).slice(0, 3);
        break;
      case '02':
        out += two(clock.day);
        break;
      case '_2':
        out += String(clock.day).padStart(2, ' ');
        break;
      case '2':
        out += clock.day;
        break;
      case '002':
        out += String(clock.yearDay).padStart(3, '0');
        break;
      case '__2':
        out += String(clock.yearDay).padStart(3, ' ');
        break;
      case '15':
        out += two(clock.hour);
        break;
      case '03':
        out += two(hour12);
        break;
      case '3':
        out += hour12;
        break;
      case '04':
        out += two(clock.minute);
        break;
      case '4':
        out += clock.minute;
        break;
      case '05':
        out += two(clock.second);
        break;
      case '5':
        out += clock.second;
        break;
      case 'PM':
        out += clock.hour >= 12 ? 'PM' : 'AM';
        break;
      case 'pm':
        out += clock.hour >= 12 ? 'pm' : 'am';
        break;
      case 'MST':
        out += clock.abbreviation !== '' ? clock.abbreviation : offsetText('-0700', clock.offsetSeconds);
        break;
      default:
        out += offsetText(piece.text, clock.offsetSeconds);
    }
  }
  return out;
}

/** A parsed time: nanoseconds since the epoch, and the zone to show it in (IANA name or seconds east of UTC). */
export interface ParsedTime {
  readonly ns: bigint;
  readonly zone: string | number;
  /** The name of a fixed offset, '' when the text had none. */
  readonly zoneName: string;
}

/** What went wrong while a time was parsed. */
export class TimeParseError extends Error {
  constructor(layout: string, text: string, why: string) {
    super(`parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: ${why}`);
    this.name = 'TimeParseError';
  }
}

/**
 * The time that `text` says by `layout`, read in `zone` where the text names none. Missing parts are those of
 * 1 January of the year 0, 00:00, as in Go. Throws TimeParseError.
 */
export function parseTime(layout: string, text: string, zone = 'UTC'): ParsedTime {
  let at = 0;
  const fail = (why: string): never => {
    throw new TimeParseError(layout, text, why);
  };
  const digits = (min: number, max: number, what: string): number => {
    let end = at;
    while (end < text.length && end - at < max && text.charCodeAt(end) >= 48 && text.charCodeAt(end) <= 57)
      end++;
    if (end - at < min) fail(`cannot parse ${JSON.stringify(text.slice(at))} as ${JSON.stringify(what)}`);
    const value = Number(text.slice(at, end));
    at = end;
    return value;
  };
  const word = (names: (index: number) => string, count: number, what: string): number => {
    for (let i = 0; i < count; i++) {
      const name = names(i);
      if (text.slice(at, at + name.length).toLowerCase() === name.toLowerCase()) {
        at += name.length;
        return i;
      }
    }
    return fail(`cannot parse ${JSON.stringify(text.slice(at))} as ${JSON.stringify(what)}`);
  };

  let year = 0;
  let month = 1;
  let day = 1;
  let yearDay = 0;
  let hour = 0;
  let minute = 0;
  let second = 0;
  let nanosecond = 0;
  let afternoon: boolean | undefined;
  let offset: number | undefined;
  let zoneName = '';
  const pieces = piecesOf(layout);
  for (let p = 0; p < pieces.length; p++) {
    const piece = pieces[p] as Piece;
    if (piece.kind === 'text') {
      if (!text.startsWith(piece.text, at)) {
        fail(`cannot parse ${JSON.stringify(text.slice(at))} as ${JSON.stringify(piece.text)}`);
      }
      at += piece.text.length;
      continue;
    }
    if (piece.kind === 'fraction') {
      const found = /^[.,](\d+)/.exec(text.slice(at));
      if (found === null) {
        if (piece.text[1] === '9') continue;
        fail(`cannot parse ${JSON.stringify(text.slice(at))} as ${JSON.stringify(piece.text)}`);
      }
      const taken = (found as RegExpExecArray)[1] as string;
      if (piece.text[1] === '0' && taken.length < piece.text.length - 1) fail('fractional second too short');
      const used = piece.text[1] === '0' ? taken.slice(0, piece.text.length - 1) : taken;
      nanosecond = Number(used.slice(0, 9).padEnd(9, '0'));
      at += used.length + 1;
      continue;
    }
    switch (piece.text) {
      case '2006':
        year = digits(4, 4, '2006');
        break;
      case '06':
        year = digits(2, 2, '06');
        year += year >= 69 ? 1900 : 2000;
        break;
      case 'January':
        month = word((i) => monthName(i + 1), 12, 'January') + 1;
        break;
      case 'Jan':
        month = word((i) => monthName(i + 1).slice(0, 3), 12, 'Jan') + 1;
        break;
      case '01':
        month = digits(2, 2, '01');
        break;
      case '1':
        month = digits(1, 2, '1');
        break;
      case 'Monday':
        word(dayName, 7, 'Monday');
        break;
      case 'Mon':
        word((i) => dayName(i).slice(0, 3), 7, 'Mon');
        break;
      case '02':
        day = digits(2, 2, '02');
        break;
      case '_2':
        if (text[at] === ' ') at++;
        day = digits(1, 2, '_2');
        break;
      case '2':
        day = digits(1, 2, '2');
        break;
      case '002':
        yearDay = digits(3, 3, '002');
        break;
      case '__2':
        while (text[at] === ' ') at++;
        yearDay = digits(1, 3, '__2');
        break;
      case '15':
        hour = digits(1, 2, '15');
        break;
      case '03':
        hour = digits(2, 2, '03');
        break;
      case '3':
        hour = digits(1, 2, '3');
        break;
      case '04':
        minute = digits(2, 2, '04');
        break;
      case '4':
        minute = digits(1, 2, '4');
        break;
      case '05':
      case '5': {
        second = digits(piece.text === '05' ? 2 : 1, 2, piece.text);
        // A fraction that the layout does not mention is read all the same.
        if (pieces[p + 1]?.kind !== 'fraction') {
          const found = /^[.,](\d+)/.exec(text.slice(at));
          if (found !== null) {
            nanosecond = Number((found[1] as string).slice(0, 9).padEnd(9, '0'));
            at += found[0].length;
          }
        }
        break;
      }
      case 'PM':
      case 'pm': {
        const said = text.slice(at, at + 2).toLowerCase();
        if (said !== 'am' && said !== 'pm') {
          fail(`cannot parse ${JSON.stringify(text.slice(at))} as ${JSON.stringify(piece.text)}`);
        }
        afternoon = said === 'pm';
        at += 2;
        break;
      }
      case 'MST': {
        const found = /^(?:[A-Z]{3,5}|[+-]\d{2}(?:\d{2})?)/.exec(text.slice(at));
        if (found === null) fail(`cannot parse ${JSON.stringify(text.slice(at))} as "MST"`);
        zoneName = (found as RegExpExecArray)[0];
        at += zoneName.length;
        break;
      }
      default: {
        if (piece.text.startsWith('Z') && text[at] === 'Z') {
          offset = 0;
          at++;
          break;
        }
        const shape = piece.text.slice(1).replace(/\d\d/g, '(\\d\\d)');
        const found = new RegExp(`^([+-])${shape}`).exec(text.slice(at));
        if (found === null)
          fail(`cannot parse ${JSON.stringify(text.slice(at))} as ${JSON.stringify(piece.text)}`);
        const [whole, sign, h, m = '0', s = '0'] = found as unknown as [
          string,
          string,
          string,
          string?,
          string?,
        ];
        offset = Number(h) * 3600 + Number(m) * 60 + Number(s);
        if (sign === '-') offset = -offset;
        at += whole.length;
      }
    }
  }
  if (at < text.length) fail(`: extra text: ${JSON.stringify(text.slice(at))}`);
  if (afternoon === true && hour < 12) hour += 12;
  else if (afternoon === false && hour === 12) hour = 0;
  if (month < 1 || month > 12) fail(': month out of range');
  if (hour > 23) fail(': hour out of range');
  if (minute > 59) fail(': minute out of range');
  if (second > 59) fail(': second out of range');
  const date = new Date(0);
  if (yearDay > 0) {
    date.setUTCFullYear(year, 0, yearDay);
    if (date.getUTCFullYear() !== year) fail(': day-of-year out of range');
  } else {
    date.setUTCFullYear(year, month - 1, day);
    if (day < 1 || date.getUTCDate() !== day) fail(': day out of range');
  }
  date.setUTCHours(hour, minute, second);
  const wallMs = date.getTime();
  const ns = BigInt(nanosecond);
  if (offset !== undefined) {
    const epochNs = BigInt(wallMs - offset * 1000) * 1_000_000n + ns;
    return { ns: epochNs, zone: offset === 0 ? 'UTC' : offset, zoneName: '' };
  }
  if (zoneName !== '' && zoneName !== 'UTC') {
    // As in Go: a name that means nothing here is kept, with an offset of nought.
    return { ns: BigInt(wallMs) * 1_000_000n + ns, zone: 0, zoneName };
  }
  if (zone === '' || zone === 'UTC' || zoneName === 'UTC') {
    return { ns: BigInt(wallMs) * 1_000_000n + ns, zone: 'UTC', zoneName: '' };
  }
  return { ns: BigInt(fromWallClock(zone, wallMs)) * 1_000_000n + ns, zone, zoneName: '' };
}
