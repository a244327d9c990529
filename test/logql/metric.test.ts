/** Metric queries over a small set of lines: what each gives at each step. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LimitError } from '../../src/model/errors.ts';
import { Labels } from '../../src/model/labels.ts';
import { isMetric } from '../../src/query/logql/ast.ts';
import { LogQLEngine } from '../../src/query/logql/engine.ts';
import { PipelineError } from '../../src/query/logql/errors.ts';
import { parseLogQL } from '../../src/query/logql/parse.ts';
import { EvaluationError } from '../../src/query/vector/evaluation-error.ts';
import { MemoryLogs } from './memory-source.ts';

const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;

/** Lines at whole seconds from the start: `stream @ seconds: line`. */
const LINES = `
a @ 10: n=1 size=10B
a @ 20: n=2 size=1KB
a @ 60: n=4 d=1s
a @ 90: n=3 d=x
a @ 180: n=10 level=error
b @ 60: n=7
b @ 61: text without a number
b @ 120: n=5
c @ 30: {"n":1,"code":"x"}
c @ 31: {"n":2
`;

const logs = new MemoryLogs();
for (const line of LINES.trim().split('\n')) {
  const [, app, second, text] = /^(\w+) @ (\d+): (.*)$/.exec(line) as unknown as [
    string,
    string,
    string,
    string,
  ];
  logs.add(
    't',
    Labels.from({ app, team: app === 'a' ? 'x' : 'y' }),
    START + BigInt(second) * SECOND,
    text,
    Labels.from({ trace: app }),
  );
}

/** Points at 0, 60, 120, 180, 240 seconds; `_` is none. Series as `labels: points`. */
async function evaluate(query: string, engine = new LogQLEngine(logs)): Promise<string[]> {
  const expr = parseLogQL(query);
  assert.ok(isMetric(expr));
  const range = { tenant: 't', startNs: START, endNs: START + 240n * SECOND, stepNs: 60n * SECOND };
  const result = await engine.metric(expr, range, { nowNs: 0n });
  assert.ok(result.kind === 'matrix');
  return result.series
    .map(({ labels, timesMs, values }) => {
      const points = [0, 60, 120, 180, 240].map((second) => {
        const at = timesMs.indexOf((Number(START / SECOND) + second) * 1000);
        return at < 0 ? '_' : String(Number((values[at] as number).toPrecision(6)));
      });
      const names = [...labels.entries()].map(([name, value]) => `${name}=${value}`).join(',');
      return `{${names}} ${points.join(' ')}`;
    })
    .sort();
}

const CASES: readonly (readonly [query: string, ...want: string[]])[] = [
  // A window is open on the left and closed on the right: the line at 60 counts at 60 and, for [61s], at 120.
  ['sum by (app) (count_over_time({app=~"a|b"}[1m]))', '{app=a} _ 3 1 1 _', '{app=b} _ 1 2 _ _'],
  ['sum by (app) (count_over_time({app="a"}[61s]))', '{app=a} _ 3 2 1 1'],
  ['count_over_time({app="b"}[2m])', '{app=b,team=y,trace=b} _ 1 3 2 _'],
  ['sum(count_over_time({app="b"}[1m] offset 1m))', '{} _ _ 1 2 _'],
  ['sum(count_over_time({app="b"}[1m] offset -1m))', '{} 1 2 _ _ _'],
  ['sum(rate({app="a"}[1m]))', '{} _ 0.05 0.0166667 0.0166667 _'],
  ['sum(bytes_over_time({app="b"} |= "n" [1m]))', '{} _ 3 24 _ _'],
  ['sum(bytes_rate({app="b"} | line_format "12345678" [1m]))', '{} _ 0.133333 0.266667 _ _'],
  ['absent_over_time({app="a", team=~"x|y"}[30s])', '{app=a} 1 _ 1 _ 1'],
  ['absent_over_time({app="a", app="b"}[1m])', '{} 1 1 1 1 1'],
  ['sum(sum_over_time({app="a"} | logfmt | unwrap n [1m]))', '{} _ 7 3 10 _'],
  ['sum by (app) (rate({app="a"} | logfmt | unwrap n [1m]))', '{app=a} _ 0.116667 0.05 0.166667 _'],
  ['avg_over_time({app="a"} | logfmt | unwrap n [1m]) by (app)', '{app=a} _ 2.33333 3 10 _'],
  ['max_over_time({app="a"} | logfmt | unwrap n [2m]) by ()', '{} _ 4 4 10 10'],
  [
    'min_over_time({app="a"} | logfmt | unwrap n [2m]) without (size, d, level, trace, team)',
    '{app=a} _ 1 1 3 10',
  ],
  ['first_over_time({app="a"} | logfmt | unwrap n [2m]) by (app)', '{app=a} _ 1 1 3 10'],
  ['last_over_time({app="a"} | logfmt | unwrap n [2m]) by (app)', '{app=a} _ 4 3 10 10'],
  ['stddev_over_time({app="a"} | logfmt | unwrap n [1m]) by (app)', '{app=a} _ 1.24722 0 0 _'],
  ['stdvar_over_time({app="a"} | logfmt | unwrap n [1m]) by (app)', '{app=a} _ 1.55556 0 0 _'],
  ['quantile_over_time(0.5, {app="a"} | logfmt | unwrap n [1m]) by (app)', '{app=a} _ 2 3 10 _'],
  ['sum(sum_over_time({app="a"} | logfmt | unwrap bytes(size) [1m]))', '{} _ 1010 _ _ _'],
  ['sum(sum_over_time({app="a"} | logfmt | unwrap duration(d) | __error__="" [1m]))', '{} _ 1 _ _ _'],
  ['sum by (level) (count_over_time({app="a"} | logfmt [1m]))', '{level=error} _ _ _ 1 _', '{} _ 3 1 _ _'],
  ['sum by (trace) (count_over_time({app=~"a|c"}[1m]))', '{trace=a} _ 3 1 1 _', '{trace=c} _ 2 _ _ _'],
  // Nothing is asked of the parser, so it has no errors; nor when all that is asked for was found.
  ['sum(count_over_time({app="c"} | json [1m]))', '{} _ 2 _ _ _'],
  ['sum by (n) (count_over_time({app="c"} | json [1m]))', '{n=1} _ 1 _ _ _', '{n=2} _ 1 _ _ _'],
  ['sum by (code) (count_over_time({app="c"} | json | __error__="" [1m]))', '{code=x} _ 1 _ _ _'],
  [
    'sum by (__error__) (count_over_time({app="c"} | json | __error__!="" [1m]))',
    '{__error__=JSONParserErr} _ 1 _ _ _',
  ],
  ['topk(1, sum by (app) (count_over_time({app=~"a|b"}[1m])))', '{app=a} _ 3 _ 1 _', '{app=b} _ _ 2 _ _'],
  ['bottomk(1, sum by (app) (count_over_time({app=~"a|b"}[1m])))', '{app=a} _ _ 1 1 _', '{app=b} _ 1 _ _ _'],
  ['count(sum by (app) (count_over_time({app=~"a|b"}[1m])))', '{} _ 2 2 1 _'],
  ['avg by (team) (count_over_time({app=~".+"}[1m]))', '{team=x} _ 3 1 1 _', '{team=y} _ 1.5 2 _ _'],
  ['sum(count_over_time({app="a"}[1m])) / 2 > 1', '{} _ 1.5 _ _ _'],
  ['2 > bool sum(count_over_time({app="a"}[1m]))', '{} _ 0 1 1 _'],
  ['sum(count_over_time({app="a"}[1m])) / 0', '{} _ NaN NaN NaN _'],
  ['sum(count_over_time({app="a"}[1m])) / (sum(count_over_time({app="a"}[1m])) - 1)', '{} _ 1.5 NaN NaN _'],
  ['sum(count_over_time({app="b"}[1m])) or vector(0)', '{} 0 1 2 0 0'],
  [
    'sum by (app) (count_over_time({app="a"}[1m])) and on () sum(count_over_time({app="b"}[1m]))',
    '{app=a} _ 3 1 _ _',
  ],
  [
    'sum by (app) (count_over_time({app="a"}[1m])) unless on () sum(count_over_time({app="b"}[1m]))',
    '{app=a} _ _ _ 1 _',
  ],
  [
    'sum by (app, team) (count_over_time({app=~"a|b"}[1m])) * on (team) group_left sum by (team) (count_over_time({app=~"a|b"}[1m]))',
    '{app=a,team=x} _ 9 1 1 _',
    '{app=b,team=y} _ 1 4 _ _',
  ],
  [
    'label_replace(sum by (app) (count_over_time({app="a"}[1m])), "x", "<$1>", "app", "(.)")',
    '{app=a,x=<a>} _ 3 1 1 _',
  ],
  ['2 * 21', '{} 42 42 42 42 42'],
  ['sum(count_over_time({app="none"}[1m]))'],
];

describe('metric queries', () => {
  for (const [query, ...want] of CASES) {
    it(query, async () => assert.deepEqual(await evaluate(query), [...want].sort()));
  }
});

describe('metric queries that fail', () => {
  it('on errors that nobody asked for', () =>
    assert.rejects(evaluate('count_over_time({app="c"} | json [1m])'), PipelineError));
  it('on values that are no numbers', () =>
    assert.rejects(evaluate('sum_over_time({app="a"} | logfmt | unwrap duration(d) [1m])'), PipelineError));
  it('but not on lines outside of every window', async () =>
    assert.deepEqual(await evaluate('count_over_time({app="c"} | json [10s])'), []));
  it('on matches that are not unique', () =>
    assert.rejects(
      evaluate(
        'sum by (app) (count_over_time({app=~"b|c"}[1m])) / on () sum by (app) (count_over_time({app=~"b|c"}[1m]))',
      ),
      EvaluationError,
    ));
  it('on too many series', () =>
    assert.rejects(
      evaluate('count_over_time({app=~".+"}[1m])', new LogQLEngine(logs, { maxSeries: 2 })),
      LimitError,
    ));
});

describe('instant queries', () => {
  const at = async (query: string): Promise<unknown> => {
    const expr = parseLogQL(query);
    assert.ok(isMetric(expr));
    const time = START + 60n * SECOND;
    const result = await new LogQLEngine(logs).metric(
      expr,
      { tenant: 't', startNs: time, endNs: time, stepNs: 0n },
      { nowNs: 0n },
    );
    return result.kind === 'scalar'
      ? result.value
      : result.series.map(({ labels, values }) => `${labels.get('app')}${values[0]}`);
  };
  it('give a scalar', async () => assert.equal(await at('1 + 2 ^ 3'), 9));
  it('divide by zero', async () => assert.equal(await at('1 / 0'), Number.NaN));
  it('sort', async () =>
    assert.deepEqual(await at('sort(sum by (app) (count_over_time({app=~".+"}[1m])))'), ['b1', 'c2', 'a3']));
  it('sort downwards', async () =>
    assert.deepEqual(await at('sort_desc(sum by (app) (count_over_time({app=~".+"}[1m])))'), [
      'a3',
      'c2',
      'b1',
    ]));
  it('topk is ordered', async () =>
    assert.deepEqual(await at('topk(2, sum by (app) (count_over_time({app=~".+"}[1m])))'), ['a3', 'c2']));
});

describe('log queries read no more than they need', () => {
  it('stop at the limit', async () => {
    const source = new MemoryLogs({ blockSize: 1 });
    for (let i = 0n; i < 100n; i++) source.add('t', Labels.from({ app: 'a' }), START + i, `line ${i} a=${i}`);
    const expr = parseLogQL('{app="a"} | logfmt | a > 10');
    assert.ok(!isMetric(expr));
    const { streams } = await new LogQLEngine(source).streams(
      expr,
      { tenant: 't', startNs: START, endNs: START + 1000n, direction: 'forward', limit: 5, intervalNs: 0n },
      { nowNs: 0n },
    );
    assert.equal(streams.length, 5);
    assert.ok(source.blocks < 20, `${source.blocks} blocks`);
  });
});
