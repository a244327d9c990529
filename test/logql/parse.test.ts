/** LogQL's grammar as a table: what a query means (printed canonically), or where and why it is refused. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { isMetric } from '../../src/query/logql/ast.ts';
import { parseLogQL } from '../../src/query/logql/parse.ts';
import { compilePipeline } from '../../src/query/logql/pipeline.ts';
import { formatLogQL, printLogQL } from '../../src/query/logql/print.ts';
import { Random, SEED } from './random-query.ts';

/** Queries and their canonical text; '' where it is the same. */
const QUERIES: readonly (readonly [query: string, canonical: string])[] = [
  ['{app="a"}', ''],
  ['{ app = "a" , b!="c",d=~"e.+",f!~`g\\d` }', '{app="a", b!="c", d=~"e.+", f!~"g\\\\d"}'],
  ['({app="a"})', '{app="a"}'],
  ['{app="a"} # comment\n |= "x" # another', '{app="a"} |= "x"'],
  [
    '{app="a"}|="x"!="y"|~"z"!~"w"|>"<_> a"!>"b <_>"',
    '{app="a"} |= "x" != "y" |~ "z" !~ "w" |> "<_> a" !> "b <_>"',
  ],
  ['{app="a"} |= "x" or "y" or "z" != "w"', ''],
  ['{app="a"} |= ip("10.0.0.0/8") or "x"', ''],
  ['{app="a"} | json', ''],
  ['{app="a"} | json a, b="c.d[0]", e="[\\"f g\\"]"', ''],
  ['{app="a"} | logfmt --strict --keep-empty a, b="c"', ''],
  [
    '{app="a"} | pattern `<a> - <_>` | regexp "(?P<b>x)" | unpack | decolorize',
    '{app="a"} | pattern "<a> - <_>" | regexp "(?P<b>x)" | unpack | decolorize',
  ],
  ['{app="a"} | drop a, b="c", d=~"e" | keep f, g!="h"', ''],
  ['{app="a"} | line_format "{{.x}}" | label_format b=c, d="{{.e}}"', ''],
  ['{app="a"} | a="b"', ''],
  ['{app="a"} | a == 5', '{app="a"} | a=5'],
  [
    '{app="a"} | a > -1.5e3 | b >= 1h30m | c < 10KB | d <= 5m | e != 3',
    '{app="a"} | a>-1500 | b>=1h30m0s | c<10KB | d<=5m0s | e!=3',
  ],
  ['{app="a"} | a=ip("::1") | b!=ip("10.0.0.1-10.0.0.9")', ''],
  ['{app="a"} | a="1" or b="2" and c="3"', '{app="a"} | a="1" or (b="2" and c="3")'],
  ['{app="a"} | (a="1" or b="2") and c="3"', ''],
  ['{app="a"} | a="1", b="2" c="3"', '{app="a"} | a="1" and (b="2" and c="3")'],
  // A comma takes everything that follows.
  ['{app="a"} | a="1", b="2" or c="3"', '{app="a"} | a="1" and (b="2" or c="3")'],
  ['{app="a"} | a="1" or b="2", c="3"', '{app="a"} | a="1" or (b="2" and c="3")'],
  // Words of the language as names of labels, where no doubt is possible.
  [
    '{app="a"} | json="x" | drop="y" | unwrap="z" | duration > 1s',
    '{app="a"} | json="x" | drop="y" | unwrap="z" | duration>1s',
  ],
  ['{sum="a", by="b", json="c"}', ''],
  ['count_over_time({app="a"}[5m])', 'count_over_time({app="a"} [5m])'],
  ['rate(({app="a"} |= "x")[1h30m] offset -2m)', 'rate({app="a"} |= "x" [1h30m] offset -2m)'],
  ['rate({app="a"}[5m] |= "x" | json)', 'rate({app="a"} |= "x" | json [5m])'],
  ['rate({app="a"}[1d] offset 1w)', 'rate({app="a"} [1d] offset 1w)'],
  ['rate({app="a"}[1.5h])', 'rate({app="a"} [1h30m])'],
  ['sum_over_time({app="a"} | logfmt | unwrap b [5m])', ''],
  [
    'avg_over_time({app="a"} | unwrap duration(b) | __error__="" | c > 1 [5m]) by (d)',
    'avg_over_time({app="a"} | unwrap duration(b) | __error__="" | c>1 [5m]) by (d)',
  ],
  ['max_over_time({app="a"} | unwrap bytes(b) [5m]) without (c, d)', ''],
  ['quantile_over_time(0.99, {app="a"} | unwrap duration_seconds(b) [5m]) by ()', ''],
  ['sum by (a, b) (rate({app="a"}[5m]))', 'sum by (a, b) (rate({app="a"} [5m]))'],
  ['sum(rate({app="a"}[5m])) without (c)', 'sum without (c) (rate({app="a"} [5m]))'],
  ['topk(3, rate({app="a"}[5m])) by (x)', 'topk by (x) (3, rate({app="a"} [5m]))'],
  ['sort_desc(rate({app="a"}[5m]))', 'sort_desc(rate({app="a"} [5m]))'],
  ['approx_topk(3, rate({app="a"}[5m]))', 'approx_topk(3, rate({app="a"} [5m]))'],
  ['1 + 2 * 3 ^ 4 ^ 5 - 6', ''],
  ['(1 + 2) * 3', ''],
  ['-1 * vector(-2)', ''],
  ['vector(1) > bool on (a, b) group_left (c) vector(2)', ''],
  ['vector(1) / ignoring (a) group_right vector(2)', 'vector(1) / ignoring (a) group_right () vector(2)'],
  ['vector(1) and vector(2) or vector(3) unless vector(4)', ''],
  ['label_replace(vector(1), "a", "$1", "b", "(.*)")', ''],
];

const strip = (key: string, value: unknown): unknown =>
  key === 'at' ? undefined : typeof value === 'bigint' ? String(value) : value;
const tree = (query: string): string => JSON.stringify(parseLogQL(query), strip);

describe('queries are read and printed', () => {
  for (const [query, canonical] of QUERIES) {
    it(query, () => {
      const expr = parseLogQL(query);
      const printed = printLogQL(expr);
      assert.equal(printed, canonical === '' ? query : canonical);
      assert.equal(tree(printed), tree(query), 'the printed query means the same');
      assert.equal(tree(formatLogQL(expr)), tree(query), 'so does the laid out one');
    });
  }

  it('long queries are laid out over lines', () => {
    const query =
      'sum by (cluster) (rate({cluster="dev", namespace="production"} |= "a long needle in the line" | json | status >= 500 [5m])) > 1';
    assert.equal(
      formatLogQL(parseLogQL(query)),
      `  sum by (cluster) (
    rate(
      {cluster="dev", namespace="production"}
        |= "a long needle in the line"
        | json
        | status>=500 [5m]
    )
  )
>
  1`,
    );
  });
});

const ERRORS: readonly (readonly [query: string, words: RegExp, position: number])[] = [
  ['', /unexpected \$end/, 0],
  ['{app="a"', /unexpected \$end/, 8],
  ['{app=}', /unexpected }, expecting STRING/, 5],
  ['{app="a",}', /unexpected }, expecting IDENTIFIER/, 9],
  ['{app=="a"}', /unexpected ==/, 4],
  ["{app='a'}", /unexpected character "'"/, 5],
  ['{}', /at least one regexp or equality matcher/, 0],
  ['{app!="a"}', /at least one regexp or equality matcher/, 0],
  ['rate({app=~".*"}[5m])', /at least one regexp or equality matcher/, 5],
  ['{app=~"["}', /error parsing regexp/, 6],
  ['{app="a"} |= ', /unexpected \$end, expecting STRING/, 13],
  ['{app="a"} |~ "("', /error parsing regexp/, 13],
  ['{app="a"} |~ ip("10.0.0.1")', /ip: invalid operation/, 13],
  ['{app="a"} |', /unexpected \$end/, 11],
  ['{app="a"} | frobnicate', /unexpected \$end/, 22],
  ['{app="a"} | a =~ 5', /expecting STRING/, 17],
  ['{app="a"} | a > "5"', /unexpected STRING/, 16],
  ['{app="a"} | logfmt --loose', /unknown parser flag --loose/, 19],
  ['{app="a"} | label_format a=b, a=c', /multiple label name 'a'/, 30],
  ['{app="a"} | label_format __error__="x"', /cannot be formatted/, 25],
  ['{app="a"} | unwrap b', /unexpected unwrap/, 10],
  ['{app="a"} + {app="b"}', /log query where a metric query is needed/, 0],
  ['sum({app="a"})', /log query where a metric query is needed/, 4],
  ['rate({app="a"})', /missing range/, 14],
  ['rate({app="a"}[])', /empty duration/, 15],
  ['rate({app="a"}[5x])', /not a valid duration string/, 15],
  ['rate({app="a"}[5m)', /missing closing/, 14],
  ['rate({app="a"}[5m] offset)', /expecting DURATION/, 25],
  ['count_over_time({app="a"} | unwrap b [5m])', /invalid aggregation count_over_time with unwrap/, 0],
  ['sum_over_time({app="a"}[5m])', /invalid aggregation sum_over_time without unwrap/, 0],
  ['sum_over_time({app="a"} | unwrap seconds(b) [5m])', /unexpected IDENTIFIER seconds/, 33],
  ['quantile_over_time({app="a"} | unwrap b [5m])', /parameter required/, 0],
  ['rate(1, {app="a"}[5m])', /parameter 1 not supported/, 0],
  ['sum_over_time({app="a"} | unwrap b [5m]) by (c)', /grouping not allowed for sum_over_time/, 0],
  ['topk(rate({app="a"}[5m]))', /parameter required for operation topk/, 0],
  ['topk(0, rate({app="a"}[5m]))', /must be greater than 0/, 5],
  ['topk(1.5, rate({app="a"}[5m]))', /invalid parameter/, 5],
  ['sum(3, rate({app="a"}[5m]))', /unsupported parameter/, 4],
  ['sort by (a) (rate({app="a"}[5m]))', /grouping not allowed for sort/, 0],
  ['vector(1) and 1', /unexpected literal for right leg/, 14],
  ['vector(1) + bool vector(2)', /bool modifier can only be used on comparison/, 12],
  ['vector(1) and on (a) group_left vector(2)', /no grouping allowed for "and"/, 21],
  ['label_replace(vector(1), "a", "b", "c", "(")', /invalid regex in label_replace/, 40],
  ['median(vector(1))', /unexpected IDENTIFIER median/, 0],
  ['sum(vector(1)', /unexpected \$end/, 13],
  ['vector(1) vector(2)', /unexpected IDENTIFIER vector/, 10],
];

/** What only shows when the stages are compiled. */
const STAGE_ERRORS: readonly (readonly [query: string, words: RegExp, position: number])[] = [
  ['{app="a"} | regexp "abc"', /at least one named capture/, 19],
  ['{app="a"} | regexp "(?P<a"', /error parsing regexp/, 19],
  ['{app="a"} | regexp "(?P<a>x)(?P<a>y)"', /duplicate|error parsing regexp/, 19],
  ['{app="a"} | pattern "abc"', /at least one capture/, 20],
  ['{app="a"} | pattern "<_>"', /at least one named capture/, 20],
  ['{app="a"} | pattern "<a><b>"', /consecutive capture/, 20],
  ['{app="a"} | pattern "<a> <a>"', /duplicate capture name/, 20],
  ['{app="a"} |> "<_><_>"', /consecutive capture/, 13],
  ['{app="a"} |> "<a> b"', /named captures are not allowed/, 13],
  ['{app="a"} | json a="b["', /cannot parse expression/, 19],
  ['{app="a"} | json a="b-c"', /cannot parse expression/, 19],
  ['{app="a"} | logfmt a="b.c"', /cannot parse expression/, 21],
  ['{app="a"} | line_format "{{.x"', /invalid template: unclosed action/, 24],
  ['{app="a"} | line_format "{{ nosuch .x }}"', /function "nosuch" not defined/, 24],
  ['{app="a"} |= ip("300.1.1.1")', /ip: error parsing pattern/, 16],
  ['{app="a"} | a = ip("10.0.0.0/99")', /ip: error parsing pattern/, 19],
  ['{app="a"} | a = ip("10.0.0.9-10.0.0.1")', /ip: error parsing pattern/, 19],
];

function refuses(run: () => unknown, words: RegExp, position: number): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, words);
    assert.equal(error.position, position);
    return true;
  });
}

describe('wrong queries are refused with a position', () => {
  for (const [query, words, position] of ERRORS) {
    it(query, () => refuses(() => parseLogQL(query), words, position));
  }
  for (const [query, words, position] of STAGE_ERRORS) {
    it(query, () => {
      const expr = parseLogQL(query);
      assert.ok(!isMetric(expr));
      refuses(() => compilePipeline(expr.stages, 0n), words, position);
    });
  }
});

describe('any text is a query or an InputError', () => {
  const WORDS =
    '{ } ( ) [5m] [ ] , | |= != |~ !~ |> !> = == =~ > >= < + - * / % ^ # "a" `b` "(" 5 1.5 5m 10KB app by without on ignoring group_left bool and or unless sum topk rate count_over_time quantile_over_time json logfmt --strict pattern regexp unpack decolorize drop keep line_format label_format unwrap duration ip offset vector label_replace __error__ é \\ \' \n'.split(
      ' ',
    );
  it(`seed ${SEED}`, () => {
    const random = new Random(SEED);
    for (let i = 0; i < 30_000; i++) {
      let text = random.chance(0.7) ? '{app="a"} ' : '';
      if (random.chance(0.3)) text = `rate(${text}`;
      for (let n = random.below(14); n >= 0; n--)
        text += `${random.pick(WORDS)}${random.chance(0.8) ? ' ' : ''}`;
      try {
        const expr = parseLogQL(text);
        assert.equal(tree(printLogQL(expr)), tree(text), `printed otherwise: ${text}`);
      } catch (error) {
        assert.ok(error instanceof InputError, `${text}: ${(error as Error).stack}`);
      }
    }
  });
  it('deep nesting is refused', () => {
    for (const text of [
      '('.repeat(100_000),
      `${'sum('.repeat(20_000)}vector(1)`,
      `{a="b"} | ${'('.repeat(50_000)}`,
      `1${'^1'.repeat(20_000)}`,
    ]) {
      assert.throws(() => parseLogQL(text), InputError);
    }
  });
});
