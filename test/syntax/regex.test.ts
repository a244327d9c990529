import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RE2JS } from 're2js';
import { InputError } from '../../src/model/errors.ts';
import { compileRegex, expandTemplate } from '../../src/query/syntax/regex.ts';
import { planRegex } from '../../src/query/syntax/regex-plan.ts';

const seed = Number(process.env.SEED ?? 20261102);

/** Small deterministic generator (mulberry32). */
function random(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test('anchored and unanchored', () => {
  const cases: [string, string, boolean, boolean][] = [
    // pattern, text, anchored match, match anywhere
    ['a|b', 'a', true, true],
    ['a|b', 'ab', false, true],
    ['', '', true, true],
    ['', 'x', false, true],
    ['.*', 'a\nb', true, true],
    ['a.b', 'a\nb', true, false],
    ['(?i)FOO.*', 'foobar', true, true],
    ['\\d+', 'x12', false, true],
    ['\\s', '\u00a0', false, false],
    ['[^a]', '\n', true, true],
    ['foo\\.bar', 'foo.bar', true, true],
    ['(a|ab)(c|bcd)', 'abcd', true, true],
    ['5..', '503', true, true],
    ['\\pL+', 'äß', true, true],
    ['[[:alpha:]]+', 'abc', true, true],
    ['a{2,3}', 'aaaa', false, true],
    ['^foo$', 'foo', true, true],
    ['😀.', '😀😁', true, true],
  ];
  for (const [pattern, text, whole, anywhere] of cases) {
    assert.equal(compileRegex(pattern, { anchored: true }).test(text), whole, `^${pattern}$ on ${text}`);
    assert.equal(compileRegex(pattern).test(text), anywhere, `${pattern} on ${text}`);
  }
});

test('what RE2 refuses is refused', () => {
  for (const pattern of [
    '(',
    ')',
    'a)(b',
    'a**',
    '(?<=a)b',
    '(?=a)',
    '[b-a]',
    'a{1001}',
    '\\',
    '*',
    '\\1',
    '[',
    'a++',
  ]) {
    assert.throws(() => compileRegex(pattern, { anchored: true }), InputError, pattern);
    assert.throws(() => compileRegex(pattern), InputError, pattern);
  }
});

test('literal alternatives and prefixes are known', () => {
  assert.deepEqual(compileRegex('a|b(c|d)', { anchored: true }).literals, ['a', 'bc', 'bd']);
  assert.equal(compileRegex('a|b').literals, undefined);
  assert.equal(compileRegex('foo.*', { anchored: true }).prefix, 'foo');
  assert.equal(compileRegex('foo?', { anchored: true }).prefix, 'fo');
  assert.equal(compileRegex('foo|bar.*', { anchored: true }).prefix, '');
});

test('patterns that could explode run on RE2', () => {
  for (const pattern of ['(a*)*b', '(a|a)*b', '(a+)+$', '(?:a?){30}a{30}', '(.*a){20}']) {
    assert.equal(planRegex(pattern, true), undefined, pattern);
    const started = process.hrtime.bigint();
    compileRegex(pattern, { anchored: true }).test('a'.repeat(200));
    assert.ok(process.hrtime.bigint() - started < 500_000_000n, pattern);
  }
  // Polynomial ones switch over for long texts and say the same.
  const polynomial = compileRegex('.*a.*b.*c.*d', { anchored: true });
  assert.equal(polynomial.test(`${'abc'.repeat(2000)}d`), true);
  assert.equal(polynomial.test('abc'.repeat(2000)), false);
});

test('replacement expands like Go', () => {
  assert.equal(compileRegex('(a)(?P<second>b)').replaceAll('abxab', '[$2$1${second}$$]'), '[bab$]x[bab$]');
  assert.equal(compileRegex('a*').replaceAll('baac', 'X'), 'XbXcX');
  assert.equal(compileRegex('').replaceAll('ab', '-'), '-a-b-');
  assert.equal(expandTemplate('$1x ${1}x $9', ['ab', 'a'], ['', '']), ' ax ');
});

test('JavaScript and RE2 agree wherever JavaScript is chosen', () => {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const atoms = [
    'a',
    'b',
    'c',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '\\.',
    '1',
    '(a|b)',
    '(?:ab|c)',
    '^',
    '$',
    '-',
    '\\s',
    '[a-c1]',
    ' ',
  ];
  const quantifiers = ['', '', '', '*', '+', '?', '{1,2}', '*?', '+?', '{2}'];
  const pattern = (depth: number): string => {
    let out = '';
    for (let i = 0; i < 1 + next() * 4; i++) {
      const atom = depth > 0 && next() < 0.2 ? `(${pattern(depth - 1)})` : pick(atoms);
      out += atom + pick(quantifiers);
    }
    return next() < 0.2 ? `${out}|${pattern(0)}` : out;
  };
  let planned = 0;
  for (let round = 0; round < 3000; round++) {
    const source = (next() < 0.1 ? '(?i)' : '') + pattern(2);
    if (planRegex(source, true) === undefined) continue;
    planned++;
    const whole = RE2JS.compile(`^(?s:${source})$`);
    const part = RE2JS.compile(source);
    for (let i = 0; i < 8; i++) {
      let text = '';
      for (let k = next() * 6; k > 0; k--) text += pick(['a', 'b', 'c', '1', '.', '-', ' ', '\n', 'A', 'é']);
      const where = `seed ${seed}: ${source} on ${JSON.stringify(text)}`;
      assert.equal(compileRegex(source, { anchored: true }).test(text), whole.test(text), where);
      const found = compileRegex(source).match(text);
      const matcher = part.matcher(text);
      const has = matcher.find();
      assert.equal(found !== undefined, has, where);
      if (found) {
        const groups = [];
        for (let g = 0; g <= part.groupCount(); g++) groups.push(matcher.group(g) ?? undefined);
        assert.deepEqual(found.groups, groups, where);
      }
    }
  }
  assert.ok(planned > 500, `only ${planned} patterns were planned`);
});
