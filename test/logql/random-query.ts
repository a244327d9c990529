/** Random lines and random LogQL, from a seed that is printed and can be given by SEED. */

import { Labels } from '../../src/model/labels.ts';

export const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A small generator of numbers (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

export const START_NS = 1_795_000_000_000_000_000n;
export const SECOND_NS = 1_000_000_000n;
/** All lines lie within this many seconds of the start. */
export const SPAN_SECONDS = 3600;

const LEVELS = ['debug', 'info', 'warn', 'error'];
const WORDS = ['timeout', 'order', 'cache', 'user', 'Payment', 'ü→x', 'a.b', '100%', 'GET /cart'];

export interface RandomLine {
  readonly labels: Labels;
  readonly timeNs: bigint;
  readonly line: string;
  readonly metadata: Labels;
}

/** A line of one of a dozen streams, of any of the usual shapes. */
export function randomLine(random: Random): RandomLine {
  const app = random.pick(['json', 'logfmt', 'text']);
  const labels: Record<string, string> = { app, env: random.pick(['dev', 'prod']) };
  if (random.chance(0.3)) labels.level = random.pick(LEVELS);
  // Many equal times, some of them on the grid.
  const second = random.below(SPAN_SECONDS);
  const fraction = random.chance(0.5) ? 0n : BigInt(random.below(1e9));
  const level = random.pick(LEVELS);
  const status = random.pick(['200', '200', '404', '500', 'n/a']);
  const took = `${random.below(900)}ms`;
  const word = random.pick(WORDS);
  let line: string;
  if (app === 'json') {
    line = JSON.stringify({
      level,
      status: Number(status) || status,
      took,
      msg: word,
      app: 'inner',
      deep: { size: `${random.below(90)}KB` },
    });
    if (random.chance(0.05)) line = line.slice(0, random.below(line.length));
  } else if (app === 'logfmt') {
    line = `level=${level} status=${status} took=${took} msg="${word} done" n=${random.below(50)} size=${random.below(90)}KB ip=10.0.${random.below(4)}.${random.below(200)}`;
    if (random.chance(0.05)) line = line.replace('="', '=');
  } else
    line = `${level.toUpperCase()} ${word} took ${took} from 192.168.${random.below(3)}.7\n${random.chance(0.1) ? '' : 'at line 2'}`;
  // A byte order mark is part of the line.
  if (random.chance(0.02)) line = `\ufeff${line}`;
  const metadata: [string, string][] = [];
  if (random.chance(0.6))
    metadata.push(['trace_id', random.pick(['ab12', 'cd34', '0123456789abcdef0123456789abcdef'])]);
  if (random.chance(0.4)) metadata.push(['k8s.pod', `p-${random.below(3)}`]);
  if (random.chance(0.2)) metadata.push(['env', 'shadow']);
  if (random.chance(0.8)) metadata.push(['detected_level', level]);
  return {
    labels: Labels.from(labels),
    timeNs: START_NS + BigInt(second) * SECOND_NS + fraction,
    line,
    metadata: Labels.fromPairs(metadata),
  };
}

const LABELS = [
  'app',
  'env',
  'level',
  'status',
  'trace_id',
  'k8s_pod',
  'detected_level',
  'env_extracted',
  'app_extracted',
  'nosuch',
  'msg',
];
const VALUES = ['json', 'dev', 'prod', 'error', 'warn', '500', 'ab12', 'p-1', 'shadow', 'inner', ''];
const TEXTS = ['timeout', 'ERROR', 'order', '500', 'ü→x', '', 'a.b', 'done"', 'level'];
const PATTERNS = [
  'time.?out',
  '(?i)error',
  'a.b',
  '^level',
  'took [0-9]+ms',
  'GET /\\w+$',
  'x\\nat',
  'line.2',
  '.',
];

function matcher(random: Random): string {
  const value = random.pick(VALUES);
  switch (random.below(4)) {
    case 0:
      return `="${value}"`;
    case 1:
      return `!="${value}"`;
    case 2:
      return `=~"${random.pick([`${value}.*`, 'p.*|d.*', '.+', '[a-e].*'])}"`;
    default:
      return `!~"${random.pick([`${value}.*`, 'p.*|d.*', '[a-e].*'])}"`;
  }
}

function selector(random: Random): string {
  const first = random.pick([
    'app=~".+"',
    'app="json"',
    'app="logfmt"',
    'app=~"json|text"',
    'env="dev"',
    'env=~"d.*|p.*"',
  ]);
  return random.chance(0.3) ? `{${first}, ${random.pick(LABELS)}${matcher(random)}}` : `{${first}}`;
}

function lineFilter(random: Random): string {
  const operator = random.pick(['|=', '!=', '|~', '!~', '|>', '!>']);
  const one = (): string => {
    if (operator.endsWith('~')) return `\`${random.pick(PATTERNS)}\``;
    if (operator.endsWith('>'))
      return random.pick(['"<_>took<_>"', '"level=<_>"', '"<_> order <_>"', '"{<_>"']);
    return random.chance(0.1) ? 'ip("10.0.0.0/23")' : `\`${random.pick(TEXTS)}\``;
  };
  let text = `${operator} ${one()}`;
  while (random.chance(0.2)) text += ` or ${one()}`;
  return text;
}

function labelFilter(random: Random): string {
  const one = (): string => {
    switch (random.below(6)) {
      case 0:
        return `status ${random.pick(['>', '>=', '<', '=', '!='])} ${random.pick(['200', '404', '500'])}`;
      case 1:
        return `took ${random.pick(['>', '<='])} ${random.pick(['100ms', '0.5s'])}`;
      case 2:
        return random.pick([
          'size > 20KB',
          'deep_size < 50KB',
          'ip = ip("10.0.1.0/24")',
          '__error__=""',
          '__error__!=""',
        ]);
      default:
        return `${random.pick(LABELS)}${matcher(random)}`;
    }
  };
  if (random.chance(0.2)) return `| ${one()} ${random.pick(['and', 'or', ','])} ${one()}`;
  return `| ${one()}`;
}

/** Any stages, in any order; `safe` leaves out what makes errors in metric queries. */
function stages(random: Random): string[] {
  const list: string[] = [];
  for (let n = random.below(5); n > 0; n--) {
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
        list.push(lineFilter(random));
        break;
      case 3:
      case 4:
      case 5:
        list.push(labelFilter(random));
        break;
      case 6:
        list.push(
          random.pick([
            '| json',
            '| logfmt',
            '| logfmt --strict',
            '| json level, s="deep.size"',
            '| logfmt n, took',
            '| pattern "<lvl> <word> took <t> <_>"',
            '| regexp "took=(?P<took>\\\\d+)"',
            '| unpack',
          ]),
        );
        break;
      case 7:
        list.push(
          random.pick([
            '| line_format "{{.level}} {{__line__}}"',
            '| decolorize',
            '| label_format lvl=level',
            '| label_format who="{{.app}}-{{.env}}"',
          ]),
        );
        break;
      case 8:
        list.push(
          random.pick([
            '| drop level',
            '| drop env="dev"',
            '| drop detected_level, trace_id, k8s_pod',
            '| keep app, level, status',
          ]),
        );
        break;
      default:
        list.push(random.pick(['| json | __error__=""', '| logfmt | level="error"']));
    }
  }
  return list;
}

export function randomLogQuery(random: Random): string {
  return [selector(random), ...stages(random)].join(' ');
}

function grouping(random: Random): string {
  const labels = [random.pick(LABELS), random.pick(LABELS)].slice(0, random.below(3)).join(', ');
  return `${random.pick(['by', 'by', 'without'])} (${labels})`;
}

function rangeQuery(random: Random): string {
  const range = `[${random.pick(['1m', '5m', '7m', '90s', '1h', '30s'])}]${random.chance(0.2) ? ` offset ${random.pick(['5m', '-3m', '1s'])}` : ''}`;
  const log = randomLogQuery(random);
  if (random.chance(0.6)) {
    const operation = random.pick([
      'count_over_time',
      'rate',
      'bytes_over_time',
      'bytes_rate',
      'count_over_time',
      'absent_over_time',
    ]);
    return `${operation}(${log} | drop __error__, __error_details__ ${range})`.replace(
      random.chance(0.5) ? ' | drop __error__, __error_details__' : '\u0000',
      '',
    );
  }
  const unwrap = random.pick(['unwrap n', 'unwrap status', 'unwrap duration(took)', 'unwrap bytes(size)']);
  const parser = random.pick(['| logfmt', '| json', '| logfmt | json']);
  const operation = random.pick([
    'sum_over_time',
    'avg_over_time',
    'max_over_time',
    'min_over_time',
    'stddev_over_time',
    'rate',
    'quantile_over_time',
  ]);
  const parameter = operation === 'quantile_over_time' ? '0.9, ' : '';
  const by = operation === 'sum_over_time' || operation === 'rate' ? '' : ` ${grouping(random)}`;
  return `${operation}(${parameter}${log} ${parser} | ${unwrap} | __error__="" ${range})${by}`;
}

export function randomMetricQuery(random: Random): string {
  const inner = rangeQuery(random);
  switch (random.below(6)) {
    case 0:
      return inner;
    case 1:
    case 2:
    case 3:
      return `sum ${grouping(random)} (${inner})`;
    case 4:
      return `${random.pick(['sum', 'max', 'count', 'avg'])}(${inner})`;
    default:
      return `sum ${grouping(random)} (${inner}) ${random.pick(['+', '/', '>', 'or', 'and'])} sum ${grouping(random)} (${rangeQuery(random)})`;
  }
}
