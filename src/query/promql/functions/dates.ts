/** Functions on the calendar (UTC): the value is a Unix time in seconds; without an argument the evaluation time. */

import { Labels } from '../../../model/labels.ts';
import { FLOAT, newSeries, timeAt } from '../../vector/series.ts';
import { mapFloats, type VectorFunction, vectorArg } from './function.ts';

const DAY = 86_400;

/** Days of 400 years, after which the calendar repeats. */
const ERA_DAYS = 146_097;

interface Civil {
  readonly year: number;
  /** 1..12 */
  readonly month: number;
  readonly day: number;
  /** Days since 1970-01-01. */
  readonly days: number;
}

/** Calendar date of any day number, also far outside what Date can hold (proleptic Gregorian). */
function civil(days: number): Civil {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
    days,
  };
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Seconds as an int64: cut towards zero; what does not fit becomes the least one (as on amd64). */
function wholeSeconds(value: number): number {
  if (!(value < 2 ** 63 && value >= -(2 ** 63))) return -(2 ** 63);
  return Math.trunc(value);
}

function date(name: string, part: (date: Civil) => number): VectorFunction {
  return calendar(name, (seconds) => part(civil(Math.floor(seconds / DAY))));
}

function calendar(name: string, part: (seconds: number) => number): VectorFunction {
  return {
    kind: 'vector',
    name,
    evaluate: (call) => {
      if (call.args.length > 0) return mapFloats(call, vectorArg(call, 0), (v) => part(wholeSeconds(v)));
      const out = newSeries(Labels.EMPTY, call.grid.points);
      for (let i = 0; i < call.grid.points; i++) {
        out.kinds[i] = FLOAT;
        out.values[i] = part(Math.trunc(timeAt(call.grid, i) / 1000));
      }
      return [out];
    },
  };
}

function secondOfDay(seconds: number): number {
  return seconds - Math.floor(seconds / DAY) * DAY;
}

export const dateFunctions: readonly VectorFunction[] = [
  date('year', (d) => d.year),
  date('month', (d) => d.month),
  date('day_of_month', (d) => d.day),
  date('days_in_month', (d) => daysInMonth(d.year, d.month)),
  date('day_of_week', (d) => (((d.days + 4) % 7) + 7) % 7),
  date('day_of_year', (d) => {
    let day = d.day;
    for (let month = 1; month < d.month; month++) day += daysInMonth(d.year, month);
    return day;
  }),
  calendar('hour', (seconds) => Math.floor(secondOfDay(seconds) / 3600)),
  calendar('minute', (seconds) => Math.floor((secondOfDay(seconds) % 3600) / 60)),
];
