/** Log lines as rows: levels, fields, traces, paging; and the edits of "filter for" and "filter out". */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appendRows,
  type Field,
  fieldsOf,
  levelInLine,
  levelOf,
  lineFormat,
  nextPageEnd,
  parseLine,
  prettyLine,
  rowTraceId,
  splitTraceIds,
  toRows,
  traceIdOf,
} from '../../ui/src/logs/log-model.ts';
import { filterBy, filterLine, findSelector, isLogQuery, volumeQuery } from '../../ui/src/logs/query-edit.ts';

const id = '4bf92f3577b34da6a3ce929d0e0e4736';

test('words of levels', () => {
  const cases: [string | undefined, string | undefined][] = [
    ['WARNING', 'warn'],
    ['err', 'error'],
    ['INFO2', 'info'],
    ['Fatal', 'critical'],
    [' debug ', 'debug'],
    ['hello', undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [word, want] of cases) assert.equal(levelOf(word), want, String(word));
});

test('levels that stand in the line', () => {
  const cases: [string, string | undefined][] = [
    ['{"level":"error","msg":"x"}', 'error'],
    ['ts=1 level=warn msg="an error was seen"', 'warn'],
    ['2026-11-21 10:00:00 [INFO] started', 'info'],
    ['ERROR: could not', 'error'],
    ['no information here', undefined],
    ['the word error in lower case is text', undefined],
  ];
  for (const [line, want] of cases) assert.equal(levelInLine(line), want, line);
});

test('rows are newest first, and take the level from metadata, labels or line', () => {
  const rows = toRows([
    {
      stream: { level: 'info', app: 'a' },
      values: [
        ['1000000000', 'one'],
        ['3000000000', 'three'],
      ],
    },
    {
      stream: { app: 'b' },
      values: [['2000000000', 'two', { structuredMetadata: { detected_level: 'error' } }]],
    },
    { stream: { app: 'c', detected_level: 'unknown' }, values: [['10000000000', 'level=debug']] },
  ]);
  assert.deepEqual(
    rows.map((row) => [row.ms, row.line, row.level]),
    [
      [10_000, 'level=debug', 'debug'],
      [3000, 'three', 'info'],
      [2000, 'two', 'error'],
      [1000, 'one', 'info'],
    ],
  );
  assert.equal(new Set(rows.map((row) => row.key)).size, 4);
});

test('paging overlaps by one time and loses no line of it', () => {
  const stream = { app: 'a' };
  const first = toRows([
    {
      stream,
      values: [
        ['3', 'c'],
        ['2', 'b1'],
      ],
    },
  ]);
  assert.equal(nextPageEnd(first), '3', 'one past the oldest, as the end is exclusive');
  const page = toRows([
    {
      stream,
      values: [
        ['2', 'b1'],
        ['2', 'b2'],
        ['1', 'a'],
      ],
    },
  ]);
  const all = appendRows(first, page);
  assert.deepEqual(
    all.map((row) => row.line),
    ['c', 'b1', 'b2', 'a'],
  );
  assert.equal(new Set(all.map((row) => row.key)).size, 4);
  assert.equal(nextPageEnd([]), undefined);
});

test('formats and fields of lines', () => {
  assert.equal(lineFormat('{"a":1}'), 'json');
  assert.equal(lineFormat('{not json}'), null);
  assert.equal(lineFormat('level=info msg="a b"'), 'logfmt');
  assert.equal(lineFormat('x=1 is all there is'), null);
  assert.deepEqual(parseLine('{"a":{"b":1,"c-d":"x"},"e":[1,2],"f":null}'), {
    a_b: '1',
    a_c_d: 'x',
    e: '[1,2]',
    f: 'null',
  });
  assert.deepEqual(parseLine('level=info msg="say \\"hi\\"" empty= took=3ms'), {
    level: 'info',
    msg: 'say "hi"',
    empty: '',
    took: '3ms',
  });
  assert.equal(parseLine('plain text'), null);
  assert.equal(prettyLine('{"a":1}'), '{\n  "a": 1\n}');
  assert.equal(prettyLine('plain'), 'plain');
});

test('fields by origin: what is a label is not listed again', () => {
  const [row] = toRows([
    { stream: { app: 'a' }, values: [['1', '{"app":"x","took":3}', { structuredMetadata: { pod: 'p' } }]] },
  ]);
  assert.ok(row);
  assert.deepEqual(fieldsOf(row), [
    { name: 'app', value: 'a', origin: 'label' },
    { name: 'pod', value: 'p', origin: 'metadata' },
    { name: 'took', value: '3', origin: 'line' },
  ]);
});

test('trace ids in lines and fields', () => {
  assert.deepEqual(splitTraceIds(`see ${id} now`), [
    { text: 'see ' },
    { text: id, traceId: id },
    { text: ' now' },
  ]);
  assert.deepEqual(splitTraceIds(`x${id}`), [{ text: `x${id}` }], 'part of a word');
  assert.deepEqual(splitTraceIds('0'.repeat(32)), [{ text: '0'.repeat(32) }], 'no trace');
  assert.deepEqual(splitTraceIds(''), [{ text: '' }]);
  assert.equal(traceIdOf('trace_id', id.toUpperCase()), id);
  assert.equal(traceIdOf('traceID', 'a3ce929d0e0e4736'), 'a3ce929d0e0e4736');
  assert.equal(traceIdOf('span_id', 'a3ce929d0e0e4736'), null);
  assert.equal(traceIdOf('trace_id', 'none'), null);
  const [row] = toRows([
    { stream: {}, values: [['1', `other ${'b'.repeat(32)}`, { structuredMetadata: { trace_id: id } }]] },
  ]);
  assert.ok(row);
  assert.equal(rowTraceId(row), id, 'the field goes before the line');
});

const field = (name: string, value: string, origin: Field['origin']): Field => ({ name, value, origin });

test('filter for and out', () => {
  const cases: [string, Field, 'for' | 'out', 'json' | 'logfmt' | null, string][] = [
    ['{app="a"}', field('env', 'x', 'label'), 'for', null, '{app="a", env="x"}'],
    ['{}', field('env', 'x', 'label'), 'for', null, '{env="x"}'],
    ['{app=~"a|b"}', field('app', 'a', 'label'), 'for', null, '{app="a"}'],
    ['{app=~"a|b"}', field('app', 'a', 'label'), 'out', null, '{app=~"a|b", app!="a"}'],
    ['{env="x", app="a"}', field('app', 'a', 'label'), 'out', null, '{env="x", app!="a"}'],
    ['{app="a"}', field('app', 'a', 'label'), 'for', null, '{app="a"}'],
    ['{app="a",}', field('p', 'q"r\\', 'label'), 'for', null, '{app="a", p="q\\"r\\\\"}'],
    ['{app="a"} |= "}"', field('env', 'x', 'label'), 'for', null, '{app="a", env="x"} |= "}"'],
    ['{app="a"}', field('pod', 'p', 'metadata'), 'for', null, '{app="a"} | pod="p"'],
    ['{app="a"} | pod="p"', field('pod', 'p', 'metadata'), 'out', null, '{app="a"} | pod!="p"'],
    [
      '{app="a"} | json | line_format `{{.x}}`',
      field('y', '1', 'parsed'),
      'out',
      null,
      '{app="a"} | json | line_format `{{.x}}` | y!="1"',
    ],
    ['{app="a"}', field('took', '3', 'line'), 'for', 'json', '{app="a"} | json | took="3"'],
    ['{app="a"} | json', field('took', '3', 'line'), 'for', 'json', '{app="a"} | json | took="3"'],
    ['{app="a"}', field('took', '3', 'line'), 'out', 'logfmt', '{app="a"} | logfmt | took!="3"'],
    [
      'sum(rate({app="a"} | json [5m]))',
      field('y', '1', 'parsed'),
      'for',
      null,
      'sum(rate({app="a"} | json | y="1" [5m]))',
    ],
    [
      'sum(rate({app="a"}[5m]))',
      field('env', 'x', 'label'),
      'for',
      null,
      'sum(rate({app="a", env="x"}[5m]))',
    ],
    ['{app="a"}', field('not a name', '1', 'metadata'), 'for', null, '{app="a"}'],
    ['# {x="y"}\n{app="a"}', field('env', 'x', 'label'), 'for', null, '# {x="y"}\n{app="a", env="x"}'],
  ];
  for (const [query, f, mode, format, want] of cases)
    assert.equal(filterBy(query, f, mode, format), want, query);
});

test('a filter that is there already is not added again', () => {
  const once = filterBy('{a="b"}', field('pod', 'p', 'metadata'), 'for');
  assert.equal(filterBy(once, field('pod', 'p', 'metadata'), 'for'), once);
});

test('text of a line as a filter', () => {
  assert.equal(filterLine('{a="b"} | json', 'say "x"', 'for'), '{a="b"} |= "say \\"x\\"" | json');
  assert.equal(filterLine('{a="b"}', 'x', 'out'), '{a="b"} != "x"');
  assert.equal(filterLine('{a="b"}', '', 'for'), '{a="b"}');
});

test('the first selector, past strings and comments', () => {
  assert.deepEqual(findSelector('rate({a="}"}[5m])'), { from: 5, to: 12 });
  assert.equal(findSelector('# {a="b"}'), null);
  assert.equal(findSelector('"{"'), null);
});

test('log queries and metric queries', () => {
  const cases: [string, boolean][] = [
    ['{a="b"}', true],
    [' # why\n({a="b"} |= "x")', true],
    ['rate({a="b"}[5m])', false],
    ['sum by (x) (count_over_time({a="b"}[5m]))', false],
    ['1 + 1', false],
  ];
  for (const [query, want] of cases) assert.equal(isLogQuery(query), want, query);
  assert.equal(
    volumeQuery('({a="b"} |= "x")', '1m'),
    'sum by (detected_level, level) (count_over_time({a="b"} |= "x"\n[1m]))',
  );
});
