/** Random PromQL expressions: most of them are correct. */

import type { Random } from './random.ts';

const METRICS = [
  'up',
  'http_requests_total',
  'node:cpu:rate5m',
  'temperature',
  'sum',
  'latency_seconds_bucket',
];
const LABELS = ['job', 'instance', 'le', 'a_b', '"http.method"'];
const DURATIONS = ['5m', '1h30m', '90', '15s', '250ms', '1d'];

function selector(next: Random): string {
  const name = next.chance(0.85) ? next.pick(METRICS) : '';
  const matchers: string[] = [];
  for (let i = next.int(3) + (name === '' ? 1 : 0); i > 0; i--) {
    const op = next.pick(['=', '!=', '=~', '!~']);
    const value = next.pick(['"api"', "'x'", '`a.b`', '"a|b"', '".+"', '"ü\\n"']);
    matchers.push(`${next.pick(LABELS)}${op}${value}`);
  }
  if (name === '') matchers.push('job="x"');
  return matchers.length === 0 && next.chance(0.8)
    ? name
    : `${name}{${matchers.join(next.pick([',', ', ']))}}`;
}

function modifiers(next: Random): string {
  let out = '';
  if (next.chance(0.15)) out += ` offset ${next.pick(['', '-', '+'])}${next.pick(DURATIONS)}`;
  if (next.chance(0.1)) out += ` @ ${next.pick(['1793577600', '-1.5', 'start()', 'end()'])}`;
  return out;
}

function grouping(next: Random): string {
  return `(${Array.from({ length: next.int(3) }, () => next.pick(LABELS)).join(', ')})`;
}

function range(next: Random, depth: number): string {
  if (depth > 0 && next.chance(0.2)) {
    return `${vector(next, depth - 1, true)}[${next.pick(DURATIONS)}:${next.chance(0.5) ? next.pick(DURATIONS) : ''}]${modifiers(next)}`;
  }
  const window = next.chance(0.1)
    ? `${next.pick(DURATIONS)} ${next.pick(['+', '*', '-'])} (2 ^ 2)`
    : next.pick(DURATIONS);
  return `${selector(next)}[${window}]${modifiers(next)}`;
}

export function scalar(next: Random, depth: number): string {
  switch (next.int(depth > 0 ? 6 : 3)) {
    case 0:
      return next.pick(['1', '0.5', '-3', '1e3', '0x1F', 'Inf', 'NaN', '5m', '010']);
    case 1:
      return 'time()';
    case 2:
      return 'pi()';
    case 3:
      return `scalar(${vector(next, depth - 1)})`;
    case 4:
      return `(${scalar(next, depth - 1)})`;
    default:
      return `${scalar(next, depth - 1)} ${next.pick(['+', '-', '*', '/', '%', '^', '== bool', '> bool', 'atan2'])} ${scalar(next, depth - 1)}`;
  }
}

function vector(next: Random, depth: number, primary = false): string {
  if (depth <= 0) return `${selector(next)}${modifiers(next)}`;
  switch (next.int(primary ? 6 : 9)) {
    case 0:
      return `${selector(next)}${modifiers(next)}`;
    case 1:
      return `${next.pick(['rate', 'increase', 'sum_over_time', 'last_over_time', 'irate', 'absent_over_time'])}(${range(next, depth)})`;
    case 2:
      return `quantile_over_time(${scalar(next, depth - 1)}, ${range(next, depth)})`;
    case 3:
      return `${next.pick(['abs', 'ceil', 'timestamp', 'absent', 'sort', 'histogram_sum', 'day_of_week'])}(${vector(next, depth - 1)})`;
    case 4: {
      const operator = next.pick(['sum', 'avg', 'max', 'count', 'stddev', 'group']);
      const by = `${next.pick(['by', 'without'])} ${grouping(next)}`;
      const body = `(${vector(next, depth - 1)})`;
      return next.pick([`${operator}${body}`, `${operator} ${by} ${body}`, `${operator}${body} ${by}`]);
    }
    case 5:
      return `(${vector(next, depth - 1)})`;
    case 6:
      return `${next.pick(['-', '+', ''])}${vector(next, depth - 1)}`;
    case 7:
      return `${next.pick(['topk', 'bottomk', 'quantile', 'limitk'])}(${scalar(next, depth - 1)}, ${vector(next, depth - 1)})`;
    default: {
      const left = next.chance(0.2) ? scalar(next, depth - 1) : vector(next, depth - 1);
      const right = next.chance(0.2) ? scalar(next, depth - 1) : vector(next, depth - 1);
      const operator = next.pick([
        '+',
        '-',
        '*',
        '/',
        '%',
        '^',
        '==',
        '!=',
        '>',
        '<= bool',
        'and',
        'or',
        'unless',
        'atan2',
      ]);
      const matching = next.chance(0.3) ? ` ${next.pick(['on', 'ignoring'])} ${grouping(next)}` : '';
      const group =
        matching !== '' && next.chance(0.3)
          ? ` ${next.pick(['group_left', 'group_right'])}${next.chance(0.5) ? ` ${grouping(next)}` : ''}`
          : '';
      return `${left} ${operator}${matching}${group} ${right}`;
    }
  }
}

/** An expression of a few levels. */
export function randomExpr(next: Random): string {
  return next.chance(0.1) ? scalar(next, 3) : vector(next, 1 + next.int(3));
}
