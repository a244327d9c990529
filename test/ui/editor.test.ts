/** What the query editor offers at the cursor, and where an error message points. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorPosition } from '../../ui/src/editor/error-position.ts';
import { logqlContext } from '../../ui/src/editor/logql-context.ts';
import { traceqlContext } from '../../ui/src/editor/traceql-context.ts';
import { withQuery } from '../../ui/src/explore/query-history.ts';
import { familyOf, suggestMetricQuery } from '../../ui/src/explore/suggest.ts';
import { isTraceMetricsQuery } from '../../ui/src/explore/trace-query.ts';

test('LogQL: what can stand at the cursor', () => {
  const cases: [string, string, string?][] = [
    ['', 'expression', ''],
    ['su', 'expression', 'su'],
    ['{', 'label-name', ''],
    ['{ap', 'label-name', 'ap'],
    ['{app="a", en', 'label-name', 'en'],
    ['{app ', 'operator', ''],
    ['{app=', 'label-value', ''],
    ['{app="', 'label-value', ''],
    ['{app=~"a.', 'label-value', 'a.'],
    ['{app="a"} ', 'none'],
    ['{app="a"} | ', 'stage', ''],
    ['{app="a"} |= "x" | js', 'stage', 'js'],
    ['{app="a"} |= "x', 'none'],
    ['{app="a"} | json | unwrap ', 'field', ''],
    ['{app="a"} | json | unwrap duration(to', 'field', 'to'],
    ['sum by (', 'grouping', ''],
    ['sum by (app, le', 'grouping', 'le'],
    ['rate({app="a"}[', 'duration', ''],
    ['rate({app="a"}[5', 'duration', '5'],
    ['sum(ra', 'expression', 'ra'],
    ['rate({app="a"}[5m]) ', 'none'],
    ['# comment ', 'none'],
  ];
  for (const [before, kind, word] of cases) {
    const context = logqlContext(before);
    assert.equal(context.kind, kind, before);
    if (word !== undefined && context.kind !== 'none') assert.equal(before.slice(context.from), word, before);
  }
});

test('LogQL: values are asked for under the other matchers', () => {
  const context = logqlContext('{env="x", app!~"y", app="');
  assert.deepEqual(context, {
    kind: 'label-value',
    from: 25,
    label: 'app',
    quoted: true,
    selector: '{env="x"}',
  });
  const stage = logqlContext('{env="x"} | json | ');
  assert.equal(stage.kind === 'stage' && stage.logQuery, '{env="x"} | json');
});

test('TraceQL: what can stand at the cursor', () => {
  const cases: [string, string, string?][] = [
    ['', 'start', ''],
    ['{', 'attribute', ''],
    ['{ sta', 'attribute', 'sta'],
    ['{ resource.', 'attribute', 'resource.'],
    ['{ resource.service.name = ', 'value', ''],
    ['{ resource.service.name = "', 'value', ''],
    ['{ resource.service.name =~ "ch', 'value', 'ch'],
    ['{ status = er', 'value', 'er'],
    ['{ status = error && ', 'attribute', ''],
    ['{ (kind = server || du', 'attribute', 'du'],
    ['{ status ', 'operator', ''],
    ['{ } | ', 'pipeline', ''],
    ['{ } | ra', 'pipeline', 'ra'],
    ['{ } | rate() by (', 'attribute', ''],
    ['{ } | rate() by (resource.serv', 'attribute', 'resource.serv'],
    ['{ } | quantile_over_time(', 'attribute', ''],
    ['{ } | select(span.http.ro', 'attribute', 'span.http.ro'],
    ['{ name = "a" } // x', 'none'],
  ];
  for (const [before, kind, word] of cases) {
    const context = traceqlContext(before);
    assert.equal(context.kind, kind, before);
    if (word !== undefined && context.kind !== 'none') assert.equal(before.slice(context.from), word, before);
  }
  const value = traceqlContext('{ span.http.route = "');
  assert.equal(value.kind === 'value' && value.attribute, 'span.http.route');
});

test('the place that an error names', () => {
  const cases: [string, string, string | null][] = [
    ['sum(bad(x))', 'invalid parameter "query": 1:5: parse error: unknown function', 'bad'],
    ['sum(\n  x +)', '2:6: parse error: unexpected <)>', ')'],
    ['{app="a" |', 'parse error at line 1, col 10: syntax error: unexpected |', '|'],
    ['{ x = ', 'parse error at line 1, col 7: syntax error: unexpected $end', '='],
    ['{ foo bar }', 'invalid TraceQL query: parse error at line 1, col 7: unexpected IDENTIFIER', 'bar'],
    ['x', 'parse error at line 9, col 90: odd', 'x'],
    ['up', 'query processing would load too many samples', null],
    ['', '1:1: parse error: no expression found in input', ''],
  ];
  for (const [query, message, want] of cases) {
    const span = errorPosition(message, query);
    assert.equal(span === null ? null : query.slice(span.from, span.to), want, message);
  }
});

test('metrics queries of TraceQL', () => {
  const cases: [string, boolean][] = [
    ['{ } | rate()', true],
    ['{ status = error } | quantile_over_time(duration, .9) by (name)', true],
    ['{ name = "| rate()" }', false],
    ['{ } | count() > 2', false],
    ['{ } // | rate()', false],
    ['{ rate = 1 }', false],
  ];
  for (const [query, want] of cases) assert.equal(isTraceMetricsQuery(query), want, query);
});

test('first queries for a metric', () => {
  const cases: [string, string, string][] = [
    ['up', 'gauge', 'up'],
    ['x_total', 'counter', 'sum(rate(x_total[$__rate_interval]))'],
    ['x_total', 'unknown', 'sum(rate(x_total[$__rate_interval]))'],
    ['h_bucket', 'histogram', 'histogram_quantile(0.95, sum by (le) (rate(h_bucket[$__rate_interval])))'],
    ['h_count', 'histogram', 'sum(rate(h_count[$__rate_interval]))'],
    ['h', 'histogram', 'histogram_quantile(0.95, sum(rate(h[$__rate_interval])))'],
    ['a.b', 'gauge', '{"a.b"}'],
  ];
  for (const [name, kind, want] of cases) assert.equal(suggestMetricQuery(name, kind), want);
  assert.equal(familyOf('h_bucket', { h: 1 }), 1);
});

test('past queries: newest first, each once, a limit per language', () => {
  let list = withQuery([], { lang: 'promql', query: 'up ', atMs: 1 });
  list = withQuery(list, { lang: 'logql', query: '{a="b"}', atMs: 2 });
  list = withQuery(list, { lang: 'promql', query: 'up', atMs: 3 });
  assert.deepEqual(
    list.map((p) => [p.lang, p.query, p.atMs]),
    [
      ['promql', 'up', 3],
      ['logql', '{a="b"}', 2],
    ],
  );
  for (let i = 0; i < 100; i++) list = withQuery(list, { lang: 'promql', query: `q${i}`, atMs: i });
  assert.equal(list.filter((p) => p.lang === 'promql').length, 40);
  assert.equal(list.filter((p) => p.lang === 'logql').length, 1);
  assert.equal(withQuery([], { lang: 'promql', query: '  ', atMs: 1 }).length, 0);
});
