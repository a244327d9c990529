/** TraceQL's grammar: what is taken and how it is written, what is refused and where. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { parseFieldName, parseQuery } from '../../src/query/traceql/parse.ts';
import { printField, printQuery } from '../../src/query/traceql/print.ts';
import { Random, SEED } from './random.ts';
import { randomMetrics, randomSearch } from './random-query.ts';

const queries = readFileSync(path.join(import.meta.dirname, 'data/queries.txt'), 'utf8')
  .trim()
  .split('\n');

/** A query and how it is printed. */
const TAKEN: readonly (readonly [string, string])[] = [
  ['{}', '{ true }'],
  ['{ span:name = "x" }', '{ name = `x` }'],
  ['{ trace:rootService = "x" && trace:rootName != "" }', '{ (rootServiceName = `x`) && (rootName != ``) }'],
  ['{ span."with space"."dot" = 1 }', '{ span."with space.dot" = 1 }'],
  ['{ .a.b-c/d = 1.50 }', '{ .a.b-c/d = 1.5 }'],
  ['{ 1 < duration }', '{ 1 < duration }'],
  ['{ duration > 1h30m }', '{ duration > 1h30m0s }'],
  ['{ duration > 1.5s && duration < 250us }', '{ (duration > 1.5s) && (duration < 250µs) }'],
  ['{ duration > 1d }', '{ duration > 24h0m0s }'],
  ['{ .a > 100 * 4.5 + 40 }', '{ .a > 490.0 }'],
  ['{ .a = -5 }', '{ .a = -5 }'],
  ['{ -.a = 5 }', '{ (-.a) = 5 }'],
  // && and || bind alike, from the left.
  ['{ .a || .b && .c }', '{ (.a || .b) && .c }'],
  ['{ .a = 1 + 2 * 3 ^ 2 ^ .b }', '{ .a = (1 + (2 * (3 ^ (2 ^ .b)))) }'],
  ['{ !.a = true }', '{ (!.a) = true }'],
  ['{ .a != nil && nil = .b }', '{ (.a != nil) && (.b = nil) }'],
  ['{ .a } && { .b } >> { .c }', '{ .a } && ({ .b } >> { .c })'],
  ['{ .a } > { .b } !~ { .c }', '({ .a } > { .b }) !~ { .c }'],
  ['({ .a } | count() > 1) && { .b }', '({ .a } | count() > 1) && { .b }'],
  ['{ } | by(.a) | coalesce() | select(.b, name)', '{ true } | by(.a) | coalesce() | select(.b, name)'],
  ['{ } | avg(duration) > 2 * 100ms', '{ true } | avg(duration) > 200ms'],
  ['{ } | rate() by (name, span.b) | topk(3) > 1', '{ true } | rate() by (name, span.b) | topk(3) > 1'],
  ['{ } | quantile_over_time(duration, 1, .5)', '{ true } | quantile_over_time(duration, 1, 0.5)'],
  ['{ } | compare({ .a })', '{ true } | compare({ .a }, 10)'],
  ['({ } | rate()) / ({ } | rate()) > 0.5', '({ true } | rate()) / ({ true } | rate()) > 0.5'],
  ['{ } with (most_recent=true, sample=.1)', '{ true } with (most_recent=true, sample=0.1)'],
  ['{ .a = `raw \\n` } // remark\n# another', '{ .a = `raw \\n` }'],
  ['{ duration > 1s } # any slow trace', '{ duration > 1s }'],
  ['{ .a = "\\x41\\u00e4\\101\\"" }', '{ .a = `AäA"` }'],
  ['{ .a = maxInt }', '{ .a = 9223372036854775807 }'],
];

for (const [query, printed] of TAKEN) {
  test(`takes ${query}`, () => {
    assert.equal(printQuery(parseQuery(query)), printed);
    assert.equal(printQuery(parseQuery(printed)), printed);
  });
}

/** A query, where it is wrong, and a word of the message. */
const REFUSED: readonly (readonly [string, number, RegExp])[] = [
  ['', 0, /expected \{ \.\.\. \}/],
  ['{', 1, /end of the query/],
  ['}', 0, /unexpected "}"/],
  ['{ name = }', 9, /unexpected "}"/],
  ['{ .a = "unterminated }', 7, /not terminated/],
  ['{ .a = `unterminated }', 7, /not terminated/],
  ['{ .a = "\\q" }', 8, /unknown escape/],
  ['{ span. = 1 }', 8, /name of an attribute/],
  ['{ span."a = 1 }', 7, /unexpected end/],
  ['{ status = "error" }', 9, /same type/],
  ['{ status > error }', 9, /illegal operation/],
  ['{ duration > "1s" }', 11, /same type/],
  ['{ name =~ "(" }', 10, /invalid regex/],
  ['{ name =~ .a }', 10, /must be a string/],
  ['{ parent.name = "x" }', 2, /parent scope/],
  ['{ name }', 2, /resolve to a boolean/],
  ['{ 1 + 1 }', 2, /resolve to a boolean/],
  ['{ !"a" }', 2, /illegal operation/],
  ['{ name = nil }', 7, /cannot be nil/],
  ['{ .a > nil }', 5, /only be compared/],
  ['{ span:nonsense = 1 }', 2, /unknown intrinsic/],
  ['{ foo = 1 }', 2, /unknown identifier: foo/],
  ['{ service.name = "x" }', 2, /unknown identifier: service.name/],
  ['{ .a = 99999999999999999999 }', 7, /64 bits/],
  ['{ } | count()', 13, /expected a comparison/],
  ['{ } | count() > max(duration)', 16, /two aggregates/],
  ['{ } | avg(name) > 1', 10, /number type/],
  ['{ } | by(1)', 9, /must reference the span/],
  ['{ } | coalesce(1)', 15, /expected "\)"/],
  ['coalesce()', 0, /unexpected coalesce/],
  ['{ } >>> { }', 6, /unexpected ">"/],
  ['rate()', 0, /unexpected rate/],
  ['{ } | rate() | { }', 15, /after a metrics function/],
  ['{ } | rate() by ()', 17, /unexpected "\)"/],
  ['{ } | rate() by (.a, .b, .c, .d, .e, .f)', 6, /at most 5/],
  ['{ } | quantile_over_time(duration, 2)', 6, /between 0 and 1/],
  ['{ } | min_over_time(name)', 20, /needs a number/],
  ['{ } | rate() | topk(0)', 13, /greater than 0/],
  ['{ } | compare({ }) | topk(1)', 0, /cannot be used/],
  ['{ } | compare({ }, 1001)', 6, /between 1 and 1000/],
  ['({ } | rate()) + 1', 17, /both sides/],
  ['({ } | rate()) && { }', 15, /unexpected "&"/],
  ['{ } with (a)', 11, /expected "="/],
  ['{ } | count() > 1 / 0', 16, /division by zero/],
];

for (const [query, position, message] of REFUSED) {
  test(`refuses ${query}`, () => {
    assert.throws(
      () => parseQuery(query),
      (error) => {
        assert(error instanceof InputError, String(error));
        assert.match(error.message, message);
        assert.equal(error.position, position, error.message);
        return true;
      },
    );
  });
}

test('bare dotted names are unscoped attributes with a warning, when asked for', () => {
  const query = parseQuery('{ service.name = "payments-gateway" && status = error }', {
    bareNames: 'accept',
  });
  assert.equal(printQuery(query), '{ (.service.name = `payments-gateway`) && (status = error) }');
  assert.equal(query.warnings.length, 1);
  assert.equal(query.warnings[0]?.position, 2);
  // Words of the language are names, too, when a dot follows.
  assert.equal(
    printQuery(parseQuery('{ name.first = 1 && error.code = 2 }', { bareNames: 'accept' })),
    '{ (.name.first = 1) && (.error.code = 2) }',
  );
});

test('fields by themselves', () => {
  for (const name of [
    'span.http.route',
    '.service.name',
    'name',
    'event:name',
    'span."app order id"',
    'span.ключ',
  ]) {
    assert.equal(printField(parseFieldName(name)), name);
  }
  for (const name of ['nonsense', 'span.', '', 'span.a b', 'name x']) {
    assert.throws(() => parseFieldName(name), InputError, name);
  }
});

test('what is printed parses to the same', () => {
  for (const query of queries) {
    const printed = printQuery(parseQuery(query));
    assert.equal(printQuery(parseQuery(printed)), printed, query);
  }
});

test(`random queries print and parse to the same (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  let taken = 0;
  for (let i = 0; i < 3000; i++) {
    const query = random.chance(0.7) ? randomSearch(random) : randomMetrics(random);
    let printed: string;
    try {
      printed = printQuery(parseQuery(query));
    } catch (error) {
      assert(error instanceof InputError, `${query}: ${error}`);
      continue;
    }
    taken++;
    assert.equal(printQuery(parseQuery(printed)), printed, query);
  }
  assert(taken > 1000, `only ${taken} of 3000 queries were taken`);
});

test(`broken text is refused with an InputError, never anything else (SEED=${SEED})`, () => {
  const random = new Random(SEED);
  const pieces = [
    '{',
    '}',
    '(',
    ')',
    '|',
    '&&',
    '"',
    '`',
    '\\',
    'nil',
    '.',
    'span.',
    'by(',
    '=~',
    '!',
    '9',
    's',
    '//',
    '/*',
    '#',
    '🛒',
    '\u0000',
    '\ud800',
  ];
  for (let i = 0; i < 20_000; i++) {
    let text = random.pick(queries);
    for (let change = 0; change <= random.below(3); change++) {
      const at = random.below(text.length + 1);
      const cut = random.below(4);
      text = text.slice(0, at) + (random.chance(0.6) ? random.pick(pieces) : '') + text.slice(at + cut);
    }
    try {
      parseQuery(text);
    } catch (error) {
      assert(error instanceof InputError, `${JSON.stringify(text)}: ${error}`);
      assert(error.position === undefined || (error.position >= 0 && error.position <= text.length), text);
    }
  }
});

test('depth, size and length have limits', () => {
  const deep = (n: number, open: string, inner: string, close: string): string =>
    open.repeat(n) + inner + close.repeat(n);
  for (const query of [
    `{ ${deep(100_000, '(', '.a', ')')} }`,
    `{ ${deep(99_000, '!', '.a', '')} }`,
    `{ ${deep(99_000, '-', '.a', '')} = 1 }`,
    deep(90_000, '(', '{ }', ')'),
    `{ } | count() > ${deep(90_000, '(', '1', ')')}`,
    `{ ${Array.from({ length: 6000 }, (_, i) => `.a = ${i}`).join(' || ')} }`,
    `{ .a = "${'x'.repeat(200_000)}" }`,
  ]) {
    assert.throws(() => parseQuery(query), InputError);
  }
  assert.equal(
    parseQuery(`{ ${Array.from({ length: 1000 }, (_, i) => `.a = ${i}`).join(' || ')} }`).kind,
    'search',
  );
});
