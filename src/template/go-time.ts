/**
 * Go's time.Time as a template value: an instant with a zone for display. No clock: whoever makes one says when.
 */

import { dayName, formatTime, monthName, parseTime, type WallClock } from './time-layout.ts';
import { zoneAt } from './time-zone.ts';
import type { TemplateObject, TemplateValue } from './value.ts';

/** Nanoseconds since the epoch of Go's zero time, 1 January of the year 1. */
export const ZERO_TIME_NS = -62_135_596_800_000_000_000n;

export class GoTime implements TemplateObject {
  readonly templateKind = 'object';
  readonly typeName = 'time.Time';
  /** Nanoseconds since the epoch. */
  readonly ns: bigint;
  /** An IANA zone, or a fixed offset. */
  readonly zone: string | number;
  readonly #fixedName: string;

  constructor(ns: bigint, zone: string | number = 'UTC', fixedName = '') {
    this.ns = ns;
    this.zone = zone;
    this.#fixedName = fixedName;
  }

  get equalityKey(): string {
    return `time:${this.ns}`;
  }

  wallClock(): WallClock {
    const second = floorDiv(this.ns, 1_000_000_000n);
    const nanosecond = Number(this.ns - second * 1_000_000_000n);
    const epochMs = Number(second) * 1000;
    let offsetSeconds: number;
    let abbreviation: string;
    if (typeof this.zone === 'number') {
      offsetSeconds = this.zone;
      abbreviation = this.#fixedName;
    } else {
      ({ offsetSeconds, abbreviation } = zoneAt(this.zone, epochMs));
    }
    const date = new Date(epochMs + offsetSeconds * 1000);
    const year = date.getUTCFullYear();
    const yearStart = new Date(0);
    yearStart.setUTCFullYear(year, 0, 1);
    return {
      year,
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      nanosecond,
      weekday: date.getUTCDay(),
      yearDay: Math.floor((date.getTime() - yearStart.getTime()) / 86_400_000) + 1,
      offsetSeconds,
      abbreviation,
    };
  }

  format(layout: string): string {
    return formatTime(this.wallClock(), layout);
  }

  print(): string {
    return this.format('2006-01-02 15:04:05.999999999 -0700 MST');
  }

  member(name: string, args: readonly TemplateValue[]): TemplateValue | undefined {
    const method = METHODS[name];
    return method === undefined ? undefined : method(this, args);
  }
}

type Method = (time: GoTime, args: readonly TemplateValue[]) => TemplateValue;

function otherTime(args: readonly TemplateValue[]): GoTime {
  const other = args[0];
  if (!(other instanceof GoTime) || args.length !== 1) throw new Error('wrong arguments: want one time.Time');
  return other;
}

function text(args: readonly TemplateValue[]): string {
  const value = args[0];
  if (typeof value !== 'string' || args.length !== 1) throw new Error('wrong arguments: want one string');
  return value;
}

const METHODS: Readonly<Record<string, Method>> = {
  __proto__: null as never,
  Year: (t) => BigInt(t.wallClock().year),
  Month: (t) => monthName(t.wallClock().month),
  Day: (t) => BigInt(t.wallClock().day),
  Hour: (t) => BigInt(t.wallClock().hour),
  Minute: (t) => BigInt(t.wallClock().minute),
  Second: (t) => BigInt(t.wallClock().second),
  Nanosecond: (t) => BigInt(t.wallClock().nanosecond),
  Weekday: (t) => dayName(t.wallClock().weekday),
  YearDay: (t) => BigInt(t.wallClock().yearDay),
  Unix: (t) => floorDiv(t.ns, 1_000_000_000n),
  UnixMilli: (t) => floorDiv(t.ns, 1_000_000n),
  UnixMicro: (t) => floorDiv(t.ns, 1000n),
  UnixNano: (t) => BigInt.asIntN(64, t.ns),
  UTC: (t) => new GoTime(t.ns),
  Local: (t) => new GoTime(t.ns),
  IsZero: (t) => t.ns === ZERO_TIME_NS,
  Format: (t, args) => t.format(text(args)),
  String: (t) => t.print(),
  Before: (t, args) => t.ns < otherTime(args).ns,
  After: (t, args) => t.ns > otherTime(args).ns,
  Equal: (t, args) => t.ns === otherTime(args).ns,
  Add: (t, args) => {
    const by = args[0];
    if (typeof by !== 'bigint') throw new Error('wrong arguments: want nanoseconds');
    return new GoTime(t.ns + by, t.zone);
  },
};

/** Division of integers that rounds down. */
export function floorDiv(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

/** The time that a text says by a layout, in `zone` where the text names none. Throws TimeParseError. */
export function parseGoTime(layout: string, text: string, zone = 'UTC'): GoTime {
  const parsed = parseTime(layout, text, zone);
  return new GoTime(parsed.ns, parsed.zone, parsed.zoneName);
}
