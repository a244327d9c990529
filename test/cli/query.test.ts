/** `trivium query`: what is asked of the server, what a person sees, what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QUERY_FLAGS, type QueryDeps, runQuery } from '../../src/cli/query.ts';
import { parseFlags } from '../../src/config/flags.ts';

const NOW = Date.UTC(2026, 10, 21, 12);

async function run(args: string[], answer: { status?: number; body: unknown }, isTerminal = true) {
  let asked = '';
  let printed = '';
  const deps: QueryDeps = {
    fetch: (async (url: URL) => {
      asked = decodeURIComponent(`${url.pathname}${url.search}`);
      const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
      return new Response(body, { status: answer.status ?? 200 });
    }) as unknown as typeof fetch,
    nowMs: () => NOW,
    isTerminal,
    print: (text) => {
      printed += text;
    },
  };
  await runQuery(parseFlags(args, QUERY_FLAGS), deps);
  return { asked, printed };
}

const vector = {
  status: 'success',
  data: {
    resultType: 'vector',
    result: [
      { metric: { __name__: 'up', job: 'shop' }, value: [1, '1'] },
      { metric: {}, value: [1, '12.5'] },
    ],
  },
};
const streams = {
  data: {
    resultType: 'streams',
    result: [
      {
        stream: { app: 'shop' },
        values: [
          ['2000000000', 'later'],
          ['1000000000', 'first'],
        ],
      },
    ],
  },
};
const traces = {
  traces: [
    {
      traceID: 'abc',
      rootServiceName: 'shop',
      rootTraceName: 'GET /',
      startTimeUnixNano: '1000000000',
      durationMs: 12,
    },
  ],
};

const cases: [string, string[], unknown, RegExp, string][] = [
  [
    'promql',
    ['promql', 'up'],
    vector,
    /^\/prometheus\/api\/v1\/query\?query=up$/,
    'value  series\n1      up{job="shop"}\n12.5   {}\n',
  ],
  [
    'logql, oldest first',
    ['logql', '{app="shop"}', '--since', '1m', '--limit=5'],
    streams,
    /^\/loki\/loki\/api\/v1\/query_range\?query={app="shop"}&limit=5&start=1795262340000000000&end=1795262400000000000$/,
    '1970-01-01T00:00:01.000Z {app="shop"} first\n1970-01-01T00:00:02.000Z {app="shop"} later\n',
  ],
  [
    'traceql',
    ['traceql', '{}'],
    traces,
    /^\/tempo\/api\/search\?q={}&limit=100&start=1795258800&end=1795262400$/,
    'trace  start                     duration  root\nabc    1970-01-01T00:00:01.000Z  12 ms     shop: GET /\n',
  ],
  ['nothing', ['traceql', '{}'], { traces: [] }, /./, 'nothing found\n'],
];
for (const [name, args, body, asked, printed] of cases) {
  test(`query: ${name}`, async () => {
    const got = await run(args, { body });
    assert.match(got.asked, asked);
    assert.equal(got.printed, printed);
  });
}

test('query: machines get the answer as it is', async () => {
  assert.equal((await run(['promql', 'up'], { body: '{"x":1}' }, false)).printed, '{"x":1}\n');
  assert.equal((await run(['promql', 'up', '--json'], { body: '{"x":1}' })).printed, '{"x":1}\n');
});

const refusals: [string, string[], { status?: number; body: unknown }, RegExp][] = [
  ['no language', ['up'], { body: '' }, /write: trivium query/],
  ['an expression in several words', ['promql', 'sum', '(up)'], { body: '' }, /as one word/],
  ['a bad period', ['logql', '{}', '--since', 'long'], { body: '' }, /--since/],
  [
    'what the server refuses as JSON',
    ['promql', 'up('],
    { status: 400, body: { error: '1:4: parse error' } },
    /^400: 1:4: parse error$/,
  ],
  [
    'what the server refuses as text',
    ['logql', '{'],
    { status: 400, body: 'parse error at line 1\n' },
    /^400: parse error at line 1$/,
  ],
];
for (const [name, args, answer, message] of refusals) {
  test(`query refuses ${name}`, async () => {
    await assert.rejects(run(args, answer), (error: Error) => {
      assert.match(error.message, message);
      return true;
    });
  });
}
