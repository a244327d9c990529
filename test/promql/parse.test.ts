/** The parser: what is refused and where, how expressions are printed, and that no input makes it throw anything else. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { parseExpr, parseMetricSelector, prettyExpr, printExpr } from '../../src/query/promql/index.ts';
import { random, seed } from './random.ts';
import { randomExpr } from './random-expr.ts';

const ALL = { experimentalFunctions: true, durationExpressions: true };

test('refusals say where and why', () => {
  const cases: [string, string][] = [
    ['', '1:1: parse error: no expression found in input'],
    ['# only a comment', '1:1: parse error: no expression found in input'],
    ['sum(', '1:5: parse error: unclosed left parenthesis'],
    ['up)', "1:3: parse error: unexpected right parenthesis ')'"],
    ['up{', '1:4: parse error: unexpected end of input inside braces'],
    ['up{job="a" x}', '1:12: parse error: unexpected identifier "x" in label matching, expected "," or "}"'],
    ['up{job=~"("}', '1:4: parse error: error parsing regexp: missing closing ): `(`'],
    ['up[5m', '1:6: parse error: unclosed left bracket'],
    ['up[0]', '1:4: parse error: duration must be greater than 0'],
    ['up offset', '1:10: parse error: unexpected end of input in offset, expected number or duration'],
    ['foo(up)', '1:1: parse error: unknown function with name "foo"'],
    [
      'rate(up)',
      '1:6: parse error: expected type range vector in call to function "rate", got instant vector',
    ],
    ['rate(up[5m], 1)', '1:1: parse error: expected 1 argument(s) in call to "rate", got 2'],
    ['sum(up,)', '1:7: parse error: trailing commas not allowed in function call args'],
    ['1 and 2', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
    ['1 > 2', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
    ['a + bool b', '1:3: parse error: bool modifier can only be used on comparison operators'],
    [
      'a\n  + on(x) group_left(x) b',
      '2:3: parse error: label "x" must not occur in ON and GROUP clause at once',
    ],
    ['a and on(x) group_left b', '1:1: parse error: no grouping allowed for "and" operation'],
    ['{job=""}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
    ['up{__name__="x"}', '1:1: parse error: metric name must not be set twice: "up" or "x"'],
    [
      '(a + b) offset 5m',
      '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
    ],
    ['up @ start() @ 5', '1:1: parse error: @ <timestamp> may not be set multiple times'],
    ['"a" + 1', '1:1: parse error: binary expression must contain only scalar and instant vector types'],
    ['"\\z"', "1:1: parse error: unknown escape sequence U+007A 'z'"],
    ['ü', "1:1: parse error: unexpected character: 'ü'"],
    ['"ü" ü', "1:6: parse error: unexpected character: 'ü'"],
    ['5x', '1:1: parse error: bad number or duration syntax: "5x"'],
    ['0b11', '1:1: parse error: bad number or duration syntax: "0b11"'],
    ['1__0', '1:1: parse error: error parsing number: "1__0" is no number'],
    ['up[5m:1m', '1:9: parse error: unclosed left bracket'],
  ];
  for (const [text, message] of cases) {
    assert.throws(
      () => parseExpr(text, ALL),
      (error) => error instanceof InputError && assert.equal(error.message, message, text) === undefined,
      text,
    );
  }
});

test('experimental features are refused unless they are enabled', () => {
  for (const text of [
    'limitk(1, up)',
    'info(up)',
    'mad_over_time(up[5m])',
    'sort_by_label(up, "a")',
    'rate(up[5m * 2])',
    'up offset (1m)',
  ]) {
    assert.throws(() => parseExpr(text), InputError, text);
    assert.doesNotThrow(() => parseExpr(text, ALL), text);
  }
});

test('expressions on one line', () => {
  const cases: [string, string][] = [
    ['sum(rate(x[5m]))by(job)', 'sum by (job) (rate(x[5m]))'],
    ['SUM WITHOUT (a,"b.c") (x)', 'sum without (a, "b.c") (x)'],
    ['a*b+c', 'a * b + c'],
    ['-1^2', '-1 ^ 2'],
    ['2^3^2', '2 ^ 3 ^ 2'],
    ['a offset -90s @ end()', 'a @ end() offset -1m30s'],
    ['a[1h30m:] offset 0x10', 'a[1h30m:] offset 16s'],
    ['{"a.b",c="d"}', '{__name__="a.b",c="d"}'],
    ['a > bool on() group_right(z) b', 'a > bool on () group_right (z) b'],
    ["'it''s'", undefined as unknown as string],
    ['1e3', '1000'],
    ['5m', '5m'],
    ['foo:bar{a!~"x"}', 'foo:bar{a!~"x"}'],
    ['rate(x[5m * (2 + 1)])', 'rate(x[5m * (2 + 1)])'],
  ];
  for (const [text, want] of cases) {
    if (want === undefined) assert.throws(() => parseExpr(text, ALL), InputError);
    else assert.equal(printExpr(parseExpr(text, ALL)), want, text);
  }
});

test('long expressions are laid out over lines', () => {
  const text = `sum by (job) (rate(${'m'.repeat(60)}_total{job="x"}[5m])) / on (job) group_left () count by (job) (up{job="something"})`;
  assert.equal(
    prettyExpr(parseExpr(text)),
    `  sum by (job) (rate(${'m'.repeat(60)}_total{job="x"}[5m]))\n/ on (job) group_left ()\n  count by (job) (up{job="something"})`,
  );
});

test('selectors alone', () => {
  assert.deepEqual(parseMetricSelector('up{a="b"}'), [
    { name: 'a', op: '=', value: 'b' },
    { name: '__name__', op: '=', value: 'up' },
  ]);
  for (const text of ['sum(up)', 'up[5m]', 'up + 1', '', '}'])
    assert.throws(() => parseMetricSelector(text), InputError, text);
});

test('print and parse are inverse', () => {
  const next = random(seed);
  for (let i = 0; i < 3000; i++) {
    const text = randomExpr(next);
    const where = `seed ${seed}: ${text}`;
    let expr: ReturnType<typeof parseExpr>;
    try {
      expr = parseExpr(text, ALL);
    } catch (error) {
      assert.ok(error instanceof InputError, where);
      continue;
    }
    const line = printExpr(expr);
    // Prometheus prints infinity as +Inf, whose sign is an operator of its own when it is read again.
    const unsigned = (printed: string): string => printed.replace(/\++Inf/g, '+Inf');
    assert.equal(unsigned(printExpr(parseExpr(line, ALL))), unsigned(line), where);
    assert.equal(unsigned(printExpr(parseExpr(prettyExpr(expr), ALL))), unsigned(line), where);
  }
});

test('no input makes the parser throw anything but an InputError', () => {
  const next = random(seed + 1);
  const alphabet = [
    'sum',
    'rate',
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '`',
    '\\',
    ',',
    '=',
    '~',
    '!',
    '@',
    'offset',
    'by',
    ':',
    '5m',
    '1',
    '.',
    '-',
    '+',
    '*',
    '^',
    ' ',
    '\n',
    '#',
    'a',
    '__name__',
    'ü',
    '\u0000',
    '\ud800',
    'and',
    'start()',
    'bool',
    'on',
    'e',
    'x',
    '0x',
  ];
  for (let i = 0; i < 20_000; i++) {
    let text = '';
    if (next.chance(0.5)) for (let k = next.int(20); k > 0; k--) text += next.pick(alphabet);
    else {
      // A correct expression with a few characters broken.
      text = randomExpr(next);
      for (let k = 1 + next.int(3); k > 0; k--) {
        const at = next.int(text.length + 1);
        text = text.slice(0, at) + next.pick(alphabet) + text.slice(at + next.int(3));
      }
    }
    try {
      parseExpr(text, ALL);
    } catch (error) {
      assert.ok(
        error instanceof InputError,
        `seed ${seed}: ${JSON.stringify(text)}: ${(error as Error).stack}`,
      );
    }
  }
});

test('nesting and length have limits', () => {
  for (const text of [
    '('.repeat(100_000),
    `${'('.repeat(5000)}1${')'.repeat(5000)}`,
    '-'.repeat(100_000),
    'abs('.repeat(10_000),
    `1${'+1'.repeat(100_000)}`,
    `up[${'('.repeat(5000)}`,
    'a'.repeat(1_000_001),
  ]) {
    assert.throws(() => parseExpr(text, ALL), InputError, text.slice(0, 20));
  }
  assert.doesNotThrow(() => parseExpr(`1${'+1'.repeat(1000)}`));
  assert.doesNotThrow(() => parseExpr(`${'('.repeat(100)}1${')'.repeat(100)}`));
});
