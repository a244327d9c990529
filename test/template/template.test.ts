/** Go's text/template as a table: a template, dot, and what Go writes (or the words of its error). */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/model/errors.ts';
import { Template } from '../../src/template/execute.ts';
import { TemplateError } from '../../src/template/functions.ts';
import { GoTime, parseGoTime, ZERO_TIME_NS } from '../../src/template/go-time.ts';
import { type TemplateValue, ValueMap } from '../../src/template/value.ts';

function toValue(json: unknown): TemplateValue {
  if (Array.isArray(json)) return json.map(toValue);
  if (json !== null && typeof json === 'object' && !('templateKind' in json)) {
    return new ValueMap(new Map(Object.entries(json).map(([k, v]) => [k, toValue(v)])));
  }
  return json as TemplateValue;
}

const DOT = {
  s: 'text',
  n: 3n,
  f: 1.5,
  yes: true,
  no: false,
  list: ['a', 'b', 'c'],
  empty: [],
  map: { z: 1n, a: 2n },
  deep: { er: { est: 'x' } },
  t: new GoTime(1_793_577_600_123_456_789n),
};

const CASES: readonly (readonly [template: string, want: string])[] = [
  ['plain', 'plain'],
  ['{{.s}}', 'text'],
  ['{{ .s }}{{.n}} {{.f}} {{.yes}}', 'text3 1.5 true'],
  ['{{.missing}}', '<no value>'],
  ['{{.deep.er.est}}', 'x'],
  ['{{.list}} {{.map}} {{.empty}}', '[a b c] map[a:2 z:1] []'],
  ['{{"a\\tb\\u00e9\\x41\\101"}}', 'a\tbéAA'],
  ['{{`raw\\n`}}', 'raw\\n'],
  ["{{'a'}} {{'\\n'}} {{'\\''}}", '97 10 39'],
  [
    '{{1_000}} {{0x1F}} {{0b11}} {{0o17}} {{017}} {{-5}} {{1e3}} {{.5}} {{1000000.0}}',
    '1000 31 3 15 15 -5 1000 0.5 1e+06',
  ],
  ['a  {{- .s -}}  b', 'atextb'],
  ['a {{- /* note */ -}} b', 'ab'],
  ['a {{/* note */}} b', 'a  b'],
  ['x{{- 3}} {{3 -}} y', 'x3 3y'],
  ['{{if .yes}}a{{else}}b{{end}}{{if .no}}a{{else}}b{{end}}', 'ab'],
  ['{{if .no}}1{{else if .empty}}2{{else if .s}}3{{else}}4{{end}}', '3'],
  ['{{with .s}}<{{.}}>{{end}}{{with .empty}}x{{else}}none{{end}}', '<text>none'],
  ['{{with $x := .s}}{{$x}}{{.}}{{end}}', 'texttext'],
  ['{{with .empty}}a{{else with .s}}b{{.}}{{end}}', 'btext'],
  ['{{range .list}}{{.}},{{end}}', 'a,b,c,'],
  ['{{range $i, $e := .list}}{{$i}}={{$e}};{{end}}', '0=a;1=b;2=c;'],
  ['{{range $k, $v := .map}}{{$k}}{{$v}} {{end}}', 'a2 z1 '],
  ['{{range $x := .list}}{{$x}}{{end}}', 'abc'],
  ['{{range .empty}}x{{else}}nothing{{end}}', 'nothing'],
  ['{{range $i := 3}}{{$i}}{{end}}', '012'],
  ['{{range .list}}{{if eq . "b"}}{{break}}{{end}}{{.}}{{end}}', 'a'],
  ['{{range .list}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', 'ac'],
  ['{{$x := 1}}{{range .list}}{{$x = .}}{{end}}{{$x}}', 'c'],
  ['{{$x := 1}}{{if .yes}}{{$x := 2}}{{end}}{{$x}}', '1'],
  ['{{$.s}}{{range .list}}{{$.n}}{{end}}', 'text333'],
  ['{{define "T"}}[{{.}}]{{end}}{{template "T" .s}}{{template "T"}}', '[text][<no value>]'],
  ['{{block "B" .n}}<{{.}}>{{end}}', '<3>'],
  ['{{ .s | printf "%s-%d" "x" | len }}', '18'],
  ['{{ (index .list 1) }}{{ (.deep).er.est }}', 'bx'],
  ['{{and 1 0 2}} {{and 1 2}} {{or 0 "" "x"}} {{or 0 0}} {{not .s}}', '0 2 x 0 false'],
  ['{{if and .map .missing .missing.deeper}}x{{else}}short{{end}}', 'short'],
  [
    '{{eq 1 1}} {{eq "a" "b" "a"}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt "b" "a"}} {{ge 1.5 2.5}}',
    'true true true true true true false',
  ],
  ['{{len "žluť"}} {{len .map}} {{slice "žluť" 0 2}} {{slice .list 1}}', '6 2 ž [b c]'],
  ['{{index .map "a"}} {{index .map "q"}} {{index "abc" 1}}', '2 <no value> 98'],
  [
    '{{html "<a href=\'x\'>&\\""}} {{js "it\'s </b>"}} {{urlquery "a b&c/é"}}',
    "&lt;a href=&#39;x&#39;&gt;&amp;&#34; it\\'s \\u003C/b\\u003E a+b%26c%2F%C3%A9",
  ],
  ['{{print "a" 1 2 "b" 3}} {{println 1 "x"}}', 'a1 2b3 1 x\n'],
  [
    '{{printf "%5d|%-5d|%05d|%+d|%x|%X|%o|%b|%c|%q|%U" 42 42 42 42 255 255 8 5 65 65 9731}}',
    "   42|42   |00042|+42|ff|FF|10|101|A|'A'|U+2603",
  ],
  ['{{printf "%8.2f|%e|%g|%G|%v" 3.14159 123456.789 1e21 1e-7 2.0}}', '    3.14|1.234568e+05|1e+21|1E-07|2'],
  [
    '{{printf "%s|%10s|%-10s|%.2s|%q|%x" "é" "é" "é" "abc" "a\\n\\"" "hi"}}',
    'é|         é|é         |ab|"a\\n\\""|6869',
  ],
  ['{{printf "%t %v %v %d%%" true nil .list 5}}', 'true <nil> [a b c] 5%'],
  [
    '{{printf "%d" "x"}} {{printf "%d"}} {{printf "%s" 1}} {{printf "a" 1 "b"}} {{printf "%z" 1}}',
    '%!d(string=x) %!d(MISSING) %!s(int=1) a%!(EXTRA int=1, string=b) %!z(int=1)',
  ],
  ['{{printf "%[2]d %[1]d|%*d" 1 2}}', '2 1|%!d(BADINDEX)'],
  ['{{.t}}', '2026-11-02 00:00:00.123456789 +0000 UTC'],
  [
    '{{.t.Year}} {{.t.Month}} {{.t.Weekday}} {{.t.YearDay}} {{.t.Unix}} {{.t.UnixNano}}',
    '2026 November Monday 306 1793577600 1793577600123456789',
  ],
  ['{{.t.Format "Mon Jan _2 15:04:05.000 MST 2006"}}', 'Mon Nov  2 00:00:00.123 UTC 2026'],
];

describe('templates write what Go writes', () => {
  for (const [template, want] of CASES) {
    it(template, () => assert.equal(new Template(template).execute(toValue(DOT)), want));
  }
});

const PARSE_ERRORS: readonly (readonly [template: string, words: RegExp, position: number])[] = [
  ['{{.x', /unclosed action/, 2],
  ['a {{ nosuch .x }}', /function "nosuch" not defined/, 5],
  ['{{if .x}}a', /unexpected EOF/, 10],
  ['{{end}}', /unexpected \{\{end\}\}/, 2],
  ['{{else}}', /unexpected \{\{else\}\}/, 2],
  ['{{$x}}', /undefined variable "\$x"/, 2],
  ['{{"a}}', /unterminated quoted string/, 2],
  ['{{/* x }}', /unclosed comment/, 0],
  ['{{break}}', /outside \{\{range\}\}/, 2],
  ['{{(1}}', /unclosed left paren/, 4],
  ['{{1)}}', /unexpected right paren/, 3],
  ['{{.s | 1}}', /non executable command in pipeline stage 2/, 7],
  ['{{}}', /missing value for command/, 2],
  ['{{.s |}}', /missing value for command/, 6],
  ['{{nil}}', /nil is not a command/, 2],
  ['{{1x}}', /bad number syntax/, 2],
  ['{{template .x}}', /unexpected/, 11],
];

describe('wrong templates are refused with a position', () => {
  for (const [template, words, position] of PARSE_ERRORS) {
    it(template, () => {
      assert.throws(
        () => new Template(template),
        (error: unknown) => {
          assert.ok(error instanceof InputError);
          assert.match(error.message, words);
          assert.equal(error.position, position);
          return true;
        },
      );
    });
  }
});

const RUN_ERRORS: readonly (readonly [template: string, words: RegExp])[] = [
  ['{{.s.x}}', /can't evaluate field x in type string/],
  ['{{.missing.x}}', /nil data/],
  ['{{index .list 5}}', /index out of range/],
  ['{{eq 1 "a"}}', /incompatible types for comparison/],
  ['{{eq 1 1.0}}', /incompatible types/],
  ['{{lt true false}}', /invalid type for comparison/],
  ['{{len 3}}', /len of type int/],
  ['{{len 1 2}}', /wrong number of args for len: want 1 got 2/],
  ['{{printf 3}}', /expected string; got int/],
  ['{{template "none"}}', /template "none" not defined/],
  ['{{define "x"}}{{template "x"}}{{end}}{{template "x"}}', /maximum template depth/],
  ['{{range $i := 100000000}}{{$i}}{{end}}', /too much work|output of more than/],
  ['{{.t.Nope}}', /can't evaluate field Nope in type time.Time/],
];

describe('executions that fail say why', () => {
  for (const [template, words] of RUN_ERRORS) {
    it(template, () => {
      assert.throws(
        () => new Template(template).execute(toValue(DOT)),
        (error: unknown) => error instanceof TemplateError && words.test(error.message),
      );
    });
  }
});

describe('missing keys', () => {
  const strings = new ValueMap(new Map([['a', 'x']]), '');
  it('zero gives the zero value of a map of strings', () =>
    assert.equal(new Template('[{{.b}}]', { missingKey: 'zero' }).execute(strings), '[]'));
  it('zero of a map of anything is still nothing', () =>
    assert.equal(new Template('[{{.b}}]', { missingKey: 'zero' }).execute(toValue({})), '[<no value>]'));
  it('error fails', () =>
    assert.throws(() => new Template('{{.b}}', { missingKey: 'error' }).execute(strings), TemplateError));
});

describe('Go times', () => {
  const PARSED: readonly (readonly [layout: string, text: string, zone: string, want: string])[] = [
    ['2006-01-02', '2021-11-02', 'UTC', '2021-11-02 00:00:00 +0000 UTC'],
    ['2006-01-02T15:04:05Z07:00', '2026-11-02T01:59:06.5Z', 'UTC', '2026-11-02 01:59:06.5 +0000 UTC'],
    ['2006-01-02T15:04:05Z07:00', '2026-11-02T01:59:06+02:30', 'UTC', '2026-11-02 01:59:06 +0230 +0230'],
    ['2006-01-02T15:04:05', '2026-07-01T10:00:00', 'America/New_York', '2026-07-01 10:00:00 -0400 EDT'],
    ['2006-01-02 15:04', '2026-01-01 00:00', 'Europe/Berlin', '2026-01-01 00:00:00 +0100 CET'],
    ['02/Jan/2006:15:04:05 -0700', '10/Oct/2000:13:55:36 -0700', 'UTC', '2000-10-10 13:55:36 -0700 -0700'],
    ['3:04PM', '1:05PM', 'UTC', '0000-01-01 13:05:00 +0000 UTC'],
    ['Mon Jan _2 15:04:05 2006', 'Tue Nov  3 04:05:06 2026', 'UTC', '2026-11-03 04:05:06 +0000 UTC'],
    ['2006 002', '2024 366', 'UTC', '2024-12-31 00:00:00 +0000 UTC'],
  ];
  for (const [layout, text, zone, want] of PARSED) {
    it(`${text} by ${layout} in ${zone}`, () => assert.equal(parseGoTime(layout, text, zone).print(), want));
  }
  for (const [layout, text] of [
    ['2006-01-02', '2021-13-02'],
    ['2006-01-02', '2021-02-30'],
    ['2006-01-02', '2021-02-03x'],
    ['15:04', '25:00'],
    ['2006', 'x'],
  ] as const) {
    it(`${text} is not ${layout}`, () => assert.throws(() => parseGoTime(layout, text), /parsing time/));
  }
  it('knows the zero time', () =>
    assert.equal(new GoTime(ZERO_TIME_NS).print(), '0001-01-01 00:00:00 +0000 UTC'));
});

describe('any text is a template or an InputError', () => {
  const seed = Number(process.env.SEED ?? (Math.random() * 2 ** 31) | 0);
  it(`seed ${seed}`, () => {
    let state = seed >>> 0 || 1;
    const random = (n: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    const words = [
      '{{',
      '}}',
      '{{-',
      '-}}',
      ' ',
      '.s',
      '$x',
      ':=',
      '=',
      '|',
      '(',
      ')',
      '"a"',
      '`b`',
      "'c'",
      'if',
      'range',
      'else',
      'end',
      'with',
      'define',
      'template',
      'block',
      'break',
      '1',
      '-2',
      '.5',
      'printf',
      'len',
      ',',
      '/*',
      '*/',
      'é',
      '\\',
      '"',
      '.',
      'nil',
      'true',
    ];
    for (let i = 0; i < 20_000; i++) {
      let source = '';
      for (let n = random(14); n >= 0; n--) source += words[random(words.length)];
      try {
        new Template(source, { maxSteps: 1000, maxOutput: 1000 }).execute(toValue(DOT));
      } catch (error) {
        assert.ok(
          error instanceof InputError || error instanceof TemplateError,
          `${source}: ${(error as Error).stack}`,
        );
      }
    }
  });
  it('deep nesting is refused', () => {
    assert.throws(() => new Template('{{if 1}}'.repeat(10_000)), InputError);
    assert.throws(() => new Template(`{{${'('.repeat(100_000)}`), InputError);
  });
});
