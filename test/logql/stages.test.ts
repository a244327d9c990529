/** Stages as a table: a line with its labels in, the line and its labels out (or nothing, when it is dropped). */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Labels } from '../../src/model/labels.ts';
import { LineLabels, StreamLabels } from '../../src/query/logql/line-labels.ts';
import { parseLogQuery } from '../../src/query/logql/parse.ts';
import { ParserHints } from '../../src/query/logql/parser-hints.ts';
import { compilePipeline } from '../../src/query/logql/pipeline.ts';

const STREAM = Labels.from({ app: 'shop', level: 'info' });
const TIME_NS = 1_793_577_600_123_456_789n;
const NOW_NS = 1_793_584_800_000_000_000n;

interface Outcome {
  readonly line?: string;
  /** Labels besides those of the stream, or other than them; `null` for those of the stream that are gone. */
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly error?: string;
}

const DROPPED = null;
type Case = readonly [stages: string, line: string, want: Outcome | null, metadata?: Record<string, string>];

function run(stages: string, line: string, metadata: Record<string, string> = {}): Outcome | null {
  const { stages: exprs } = parseLogQuery(`{app="shop"} ${stages}`);
  const pipeline = compilePipeline(exprs, NOW_NS);
  const labels = new LineLabels(ParserHints.all());
  labels.reset(new StreamLabels(STREAM), Labels.from(metadata), TIME_NS);
  const out = pipeline.run(line, labels);
  if (out === undefined) return DROPPED;
  const changed: Record<string, string | null> = {};
  const result = labels.labels();
  for (const [name, value] of result.entries()) {
    if (!name.startsWith('__error') && (STREAM.get(name) !== value || !STREAM.has(name)))
      changed[name] = value;
  }
  for (const name of STREAM.names) if (!result.has(name)) changed[name] = null;
  return {
    ...(out === line ? {} : { line: out }),
    ...(Object.keys(changed).length === 0 ? {} : { labels: changed }),
    ...(labels.error === '' ? {} : { error: labels.error }),
  };
}

function table(name: string, cases: readonly Case[]): void {
  describe(name, () => {
    for (const [stages, line, want, metadata] of cases) {
      it(`${stages}   on   ${line.slice(0, 60)}`, () => {
        const got = run(stages, line, metadata);
        if (want === null || got === null) assert.equal(got, want);
        else assert.deepEqual({ ...got, labels: { ...got.labels } }, { ...want, labels: { ...want.labels } });
      });
    }
  });
}

const PASSED: Outcome = {};

table('line filters', [
  ['|= "b"', 'abc', PASSED],
  ['|= "B"', 'abc', DROPPED],
  ['|= ""', 'abc', PASSED],
  ['!= ""', 'abc', DROPPED],
  ['|= "x" or "b"', 'abc', PASSED],
  ['!= "x" or "b"', 'abc', DROPPED],
  ['|~ "a.c"', 'abc', PASSED],
  ['|~ "a.c"', 'a\nc', DROPPED],
  ['|~ "(?s)a.c"', 'a\nc', PASSED],
  ['|~ "^b"', 'abc', DROPPED],
  ['|~ "(?i)ABC"', 'abc', PASSED],
  ['!~ "x|b"', 'abc', DROPPED],
  ['|= ip("10.0.0.0/8")', 'from 10.1.2.3 port 5', PASSED],
  ['|= ip("10.0.0.0/8")', 'from 11.1.2.3 port 5', DROPPED],
  ['|= ip("10.0.0.1-10.0.0.9")', '10.0.0.9:443', PASSED],
  ['|= ip("2001:db8::/33")', 'peer 2001:db8:7fff::1 gone', PASSED],
  ['|= ip("2001:db8::/33")', 'peer 2001:db8:8000::1 gone', DROPPED],
  ['!= ip("192.168.0.1")', 'v1.2.3 of 192.168.0.1', DROPPED],
  ['|= ip("0.0.0.0/0")', 'version 1.2.3.4.5', DROPPED],
]);

table('pattern filters', [
  ['|> "<_>b<_>"', 'abc', PASSED],
  // A capture stands for at least one character.
  ['|> "<_>abc"', 'abc', DROPPED],
  ['|> "abc<_>"', 'abc', DROPPED],
  ['|> "abc"', 'abc', PASSED],
  ['|> "ab"', 'abc', DROPPED],
  ['|> "a<_>"', 'abc', PASSED],
  ['|> ""', '', PASSED],
  ['|> "a"', '', DROPPED],
  ['!> "a<_>"', 'abc', DROPPED],
]);

table('json', [
  [
    '| json',
    '{"a":1,"b":"x","c":true,"d":null,"e":[1],"f":{"g":{"h":-1.50}}}',
    { labels: { a: '1', b: 'x', c: 'true', f_g_h: '-1.50' } },
  ],
  ['| json', '{"app":"inner","level":"x"}', { labels: { app_extracted: 'inner', level_extracted: 'x' } }],
  [
    '| json',
    '{"2fa":1,"a-b":2,"c.d":3,"é":4," s ":5}',
    { labels: { _2fa: '1', a_b: '2', c_d: '3', _: '4', s: '5' } },
  ],
  ['| json', '{"a":1,"a":2}', { labels: { a: '2' } }],
  ['| json', '{"a":"\\u00e9\\n\\"q\\"","b":"\\x"}', { labels: { a: 'é\n"q"', b: '' } }],
  ['| json', '{"a":1,}', { labels: { a: '1' } }],
  ['| json', '{"a":1} trailing', { labels: { a: '1' } }],
  ['| json', '{"a":1', { labels: { a: '1' }, error: 'JSONParserErr' }],
  ['| json', '{"a":{"b":1', { error: 'JSONParserErr' }],
  ['| json', '{"a":1 "b":2}', { labels: { a: '1' }, error: 'JSONParserErr' }],
  ['| json', '[1]', { error: 'JSONParserErr' }],
  ['| json', 'text', { error: 'JSONParserErr' }],
  ['| json', '', { error: 'JSONParserErr' }],
  ['| json', '{}', PASSED],
  ['| json', '{"a":""}', { labels: { a: '' } }],
  // Metadata keeps its name; what a parser finds under it is left.
  ['| json', '{"id":"line"}', { labels: { id: 'meta' } }, { id: 'meta' }],
  // The first parser has the label.
  ['| json | logfmt', '{"a":1} a=2 b=3', { labels: { a: '1', b: '3' } }],
  [
    '| json x="a", y="b.c[1].d", z="nope"',
    '{"a":[1,"\\"q"],"b":{"c":[0,{"d":"e"}]}}',
    { labels: { x: '[1,""q"]', y: 'e', z: '' } },
  ],
  ['| json x="b"', '{"b":{"c": 1}}', { labels: { x: '{"c": 1}' } }],
  ['| json x="[\\"a.b\\"]"', '{"a.b":1}', { labels: { x: '1' } }],
  ['| json app="x"', '{"x":1}', { labels: { app_extracted: '1' } }],
  ['| json x="a"', '{"a":1', { labels: { x: '1' } }],
  ['| json x="a"', 'text', { error: 'JSONParserErr' }],
  ['| json x="a"', '"text"', { labels: { x: '' } }],
  ['| json x="a"', '{"a":null}', { labels: { x: '' } }],
]);

table('a filter behind a parser decides as soon as its label is known', [
  ['| json | a > 5', '{"a":1', DROPPED],
  ['| json | a > 0', '{"a":1', { labels: { a: '1' }, error: 'JSONParserErr' }],
  ['| json | a > 5', '{"b":1', DROPPED],
  ['| json | a="1" or b="1"', '{"a":2', DROPPED],
  ['| json | label_format a="9" | a="9"', '{"a":1}', { labels: { a: '9' } }],
]);

table('logfmt', [
  ['| logfmt', 'a=1 b="x y" c= d', { labels: { a: '1', b: 'x y' } }],
  ['| logfmt --keep-empty', 'a=1 c= d', { labels: { a: '1', c: '', d: '' } }],
  ['| logfmt', 'a=1 a=2', { labels: { a: '2' } }],
  ['| logfmt', 'a=b=c d=1', { labels: { d: '1' } }],
  ['| logfmt --strict', 'x=1 a=b=c d=1', { labels: { x: '1' }, error: 'LogfmtParserErr' }],
  ['| logfmt', 'a="say \\"hi\\"" b="t\\tb"', { labels: { a: 'say "hi"', b: 't\tb' } }],
  ['| logfmt', 'a="open b=1', PASSED],
  ['| logfmt --strict', 'a="open b=1', { error: 'LogfmtParserErr' }],
  ['| logfmt', '=v k"x=1 b=2', { labels: { b: '2' } }],
  [
    '| logfmt',
    'grpc.code=OK 9x=1 app=inner',
    { labels: { grpc_code: 'OK', _9x: '1', app_extracted: 'inner' } },
  ],
  ['| logfmt a, n="b", z', 'b=2 a=1', { labels: { a: '1', n: '2', z: '' } }],
  ['| logfmt x="a", y="a"', 'a=1', { labels: { x: '1', y: '1' } }],
]);

table('pattern, regexp, unpack, decolorize', [
  [
    '| pattern `<ip> - <_> [<at>] "<m> <p>" <s>`',
    '1.2.3.4 - - [now] "GET /x" 200 5',
    { labels: { ip: '1.2.3.4', at: 'now', m: 'GET', p: '/x', s: '200 5' } },
  ],
  ['| pattern `run <n> <rest>`', 'walk 5 x', PASSED],
  ['| pattern `<a>==<b>`', 'a=b', { labels: { a: 'a=b' } }],
  ['| pattern `<app> <_>`', 'x y', { labels: { app_extracted: 'x' } }],
  ['| regexp "(?P<a>\\\\d+)(?P<b>x)?"', 'v12', { labels: { a: '12', b: '' } }],
  ['| regexp "(?P<a>z)"', 'v12', PASSED],
  ['| regexp "(?<a>\\\\d)"', 'v12', { labels: { a: '1' } }],
  [
    '| unpack',
    '{"_entry":"the line","node":"n1","n":5,"app":"y"}',
    { line: 'the line', labels: { node: 'n1', app_extracted: 'y' } },
  ],
  ['| unpack', '{"node":"n1"}', PASSED],
  ['| unpack', 'text', { error: 'JSONParserErr' }],
  ['| decolorize', '\u001b[31mred\u001b[0m \u001b[1;32mgreen', { line: 'red green' }],
]);

const LOGFMT = 'n=5 d=1h2m3s s=1.5KB ip=10.1.2.3 t=text neg=-1.5 hex=0x1F';
table('label filters', [
  ['| level="info"', 'x', PASSED],
  ['| nosuch=""', 'x', PASSED],
  ['| nosuch!=""', 'x', DROPPED],
  ['| level=~"in"', 'x', DROPPED],
  ['| level=~"in.*"', 'x', PASSED],
  ['| level!~"w.*|e.*"', 'x', PASSED],
  ['| logfmt | n >= 5 | drop n, d, s, ip, t, neg, hex', LOGFMT, PASSED],
  ['| logfmt | n > 5', LOGFMT, DROPPED],
  ['| logfmt | nosuch > 5', LOGFMT, DROPPED],
  ['| logfmt | neg < -1 | drop n, d, s, ip, t, neg, hex', LOGFMT, PASSED],
  ['| logfmt | d > 1h2m2s | d < 1h2m4s | keep level, app', LOGFMT, PASSED],
  ['| logfmt | s = 1500 | keep level, app', LOGFMT, { error: 'LabelFilterErr' }],
  ['| logfmt | s = 1.5KB | keep level, app', LOGFMT, PASSED],
  ['| logfmt | t > 5 | keep level, app', LOGFMT, { error: 'LabelFilterErr' }],
  ['| logfmt | hex > 5 | keep level, app', LOGFMT, { error: 'LabelFilterErr' }],
  ['| logfmt | t > 5 | n > 100 | keep level, app', 't=text n=5', { error: 'LabelFilterErr' }],
  ['| logfmt | t > 5 | __error__=""', LOGFMT, DROPPED],
  ['| logfmt | t > 5 | drop __error__ | keep level, app', LOGFMT, { labels: {} }],
  ['| logfmt | ip = ip("10.0.0.0/8") | keep level, app', LOGFMT, PASSED],
  ['| logfmt | ip != ip("10.0.0.0/8")', LOGFMT, DROPPED],
  ['| logfmt | n > 9 or d > 1h | keep level, app', LOGFMT, PASSED],
  ['| logfmt | n > 9 or n < 9 and t="x"', LOGFMT, DROPPED],
]);

table('formats', [
  ['| line_format "{{.app}}-{{.nosuch}}-{{__line__}}"', 'x', { line: 'shop--x' }],
  [
    '| line_format `{{ __timestamp__ | unixEpochNanos }} {{ now | unixEpoch }}`',
    'x',
    { line: '1793577600123456789 1793584800' },
  ],
  [
    '| line_format `{{ range $k, $v := . }}{{ $k }}={{ $v }};{{ end }}`',
    'x',
    { line: 'app=shop;level=info;' },
  ],
  ['| line_format `{{ div 1 0 }}`', 'x', { error: 'TemplateFormatErr' }],
  ['| line_format "" | logfmt', 'a=1', { line: '' }],
  ['| label_format x=level', 'y', { labels: { x: 'info', level: null } }],
  ['| label_format x="{{.level | ToUpper}}!"', 'y', { labels: { x: 'INFO!' } }],
  ['| label_format x=nosuch', 'y', PASSED],
  ['| label_format a=app, b="{{.app}}"', 'y', { labels: { a: 'shop', b: 'shop', app: null } }],
  ['| label_format app=level', 'y', { labels: { app: 'info', level: null } }],
  [
    '| label_format t=app | label_format app=level | label_format level=t',
    'y',
    { labels: { app: 'info', level: 'shop' } },
  ],
]);

table('drop and keep', [
  ['| drop level', 'x', { labels: { level: null } }],
  ['| drop level="warn"', 'x', PASSED],
  ['| drop level=~"i.*", nosuch', 'x', { labels: { level: null } }],
  ['| keep app', 'x', { labels: { level: null } }],
  ['| keep app, level="warn"', 'x', { labels: { level: null } }],
  ['| json | keep app', 'x', { labels: { level: null }, error: 'JSONParserErr' }],
]);

table('structured metadata', [
  ['', 'x', { labels: { k8s_pod: 'p', app_extracted: 'm' } }, { 'k8s.pod': 'p', app: 'm' }],
  ['| k8s_pod="p" | drop k8s_pod', 'x', PASSED, { 'k8s.pod': 'p' }],
  ['| app_extracted="m" | keep app, level', 'x', PASSED, { app: 'm' }],
]);

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: Go's regular expressions name groups so
/** Functions of templates: an expression and what it writes. */
const FUNCTIONS: readonly (readonly [template: string, want: string])[] = [
  ['{{ ToUpper "äß" }} {{ ToLower "ÄB" }} {{ title "a b-c o\'n" }}', "Äß äb A B-C O'N"],
  ['{{ Replace "aaa" "a" "b" 2 }} {{ Replace "ab" "" "-" -1 }} {{ replace "a" "b" "aca" }}', 'bba -a-b- bcb'],
  [
    '{{ Trim "xxaxx" "x" }} {{ TrimLeft "xxa" "x" }} {{ TrimRight "axx" "x" }} [{{ TrimSpace " a " }}] {{ trimAll "$" "$5$" }}',
    'a a a [a] 5',
  ],
  [
    '{{ trunc 2 "žlu" }} {{ trunc -1 "abc" }} {{ substr 1 3 "abcd" }} {{ substr 1 -1 "abc" }} {{ substr -1 2 "abc" }}',
    'ž c bc bc ab',
  ],
  [
    '{{ alignLeft 4 "ab" }}|{{ alignRight 4 "ab" }}|{{ alignLeft 1 "ab" }}|{{ alignRight 1 "ab" }}',
    'ab  |  ab|a|b',
  ],
  ['{{ indent 2 "a\\nb" }}|{{ nindent 1 "a" }}|{{ repeat 3 "ab" }}', '  a\n  b|\n a|ababab'],
  [
    '{{ b64enc "žluť" }} {{ b64dec "xb5sdcWl" }} {{ b64dec "!!" }}',
    'xb5sdcWl žluť illegal base64 data at input byte 0',
  ],
  ['{{ urlencode "a b&é" }} {{ urldecode "a+b%26%C3%A9" }}', 'a+b%26%C3%A9 a b&é'],
  [
    '{{ regexReplaceAll "(a)(x*)" "baxx" "<${2}$1>" }} {{ regexReplaceAllLiteral "x" "axx" "$1" }} {{ count "a*" "baac" }}',
    'b<xxa> a$1$1 3',
  ],
  ['{{ contains "b" "abc" }} {{ hasPrefix "a" "abc" }} {{ hasSuffix "b" "abc" }}', 'true true false'],
  ['{{ default "d" "" }} {{ default "d" "x" }} {{ .nosuch | default "none" }}', 'd x none'],
  [
    '{{ int "42" }} {{ int "4.2" }} {{ int "4.0" }} {{ int 3.9 }} {{ int "0x10" }} {{ int "x" }}',
    '42 0 4 3 16 0',
  ],
  [
    '{{ add 1 "2" 3 }} {{ sub 5 2 }} {{ mul 2 3 4 }} {{ div 7 2 }} {{ mod 7 4 }} {{ max 1 5 3 }} {{ min 4 2 }}',
    '6 3 24 3 3 5 2',
  ],
  [
    '{{ addf 0.1 0.2 }} {{ subf 0.3 0.1 }} {{ mulf 1.1 1.1 }} {{ divf 1 3 }} {{ maxf 1.5 2 }} {{ minf 1.5 2 }}',
    '0.3 0.2 1.21 0.3333333333333333 2 1.5',
  ],
  [
    '{{ ceil 1.2 }} {{ floor -1.2 }} {{ round 2.345 2 }} {{ round 2.5 0 }} {{ round 1.2 0 0.1 }} {{ float64 "1e3" }}',
    '2 -2 2.35 3 2 1000',
  ],
  ['{{ bytes "1.5KiB" }} {{ duration "1m30s" }} {{ duration_seconds "250ms" }}', '1536 90 0.25'],
  ['{{ (fromJson "{\\"a\\":[1,\\"x\\"]}").a }} {{ fromJson "nope" }}', '[1 x] <no value>'],
  [
    '{{ unixToTime "1793577600" | date "2006-01-02 15:04" }} {{ unixToTime "20759" | unixEpoch }}',
    '2026-11-02 00:00 1793577600',
  ],
  [
    '{{ toDate "2006-01-02" "2026-11-02" | unixEpochMillis }} {{ toDateInZone "15:04" "Europe/Berlin" "12:00" | date "15:04 -0700" }}',
    '1793577600000 11:06 +0000',
  ],
];

// biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above

describe('template functions', () => {
  for (const [template, want] of FUNCTIONS) {
    it(template, () => assert.equal(run(`| line_format \`${template}\``, 'x')?.line, want));
  }
  for (const template of [
    '{{ repeat 10000000 "ab" }}',
    '{{ alignLeft 10000000 "a" }}',
    '{{ indent 10000000 "a" }}',
    '{{ substr 2 9 "é" }}{{ substr 5 2 "abcdefgh" }}',
    '{{ duration "x" }}',
    '{{ bytes "1 apple" }}',
    '{{ unixToTime "12" }}',
    '{{ regexReplaceAll "(" "a" "b" }}',
    '{{ mod 1 0 }}',
    '{{ trunc "a" "b" }}',
  ]) {
    it(`${template} is an error of the line`, () => {
      assert.equal(run(`| line_format \`${template}\``, 'x')?.error, 'TemplateFormatErr');
    });
  }
});
