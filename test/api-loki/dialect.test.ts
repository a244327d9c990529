/** The Loki API over lines in memory: parameters, errors, shapes of answers, tail. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { parseTime } from '../../src/api/loki/params.ts';
import { PatternMiner } from '../../src/api/loki/pattern-miner.ts';
import { DEFAULT_TENANT } from '../../src/http/tenant.ts';
import { Labels } from '../../src/model/labels.ts';
import { MemoryLogs } from '../logql/memory-source.ts';
import { serveLogs } from '../logql/serve-memory.ts';

const START = 1_793_577_600_000_000_000n;
const logs = new MemoryLogs();
const A = Labels.from({ app: 'a', service_name: 'a' });
for (let i = 0n; i < 10n; i++) {
  logs.add(
    DEFAULT_TENANT,
    A,
    START + i * 60_000_000_000n,
    `{"n":${i},"msg":"hello \\"you\\""}`,
    Labels.from({ trace_id: `t${i % 2n}`, detected_level: 'info' }),
  );
}
logs.add('other', Labels.from({ app: 'secret' }), START, 'not for everybody');

let server: Awaited<ReturnType<typeof serveLogs>>;
before(async () => {
  server = await serveLogs(logs, logs, { live: logs });
});
after(() => server.close());

const RANGE = { start: String(START), end: String(START + 3_600_000_000_000n) };

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at field by field, and a wrong shape fails there
type Json = any;

async function ask(
  path: string,
  params: Record<string, string> = {},
  init: RequestInit = {},
): Promise<{ status: number; type: string; body: string; json: () => Json }> {
  const response = await fetch(`${server.url}${path}?${new URLSearchParams(params)}`, init);
  const body = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    body,
    json: () => JSON.parse(body),
  };
}

describe('times', () => {
  const CASES: readonly (readonly [text: string, ns: bigint | undefined])[] = [
    ['1793577600', START],
    ['1793577600000000000', START],
    ['1793577600.5', START + 500_000_000n],
    ['1793577600.1234', START + 123_000_000n],
    ['2026-11-02T00:00:00Z', START],
    ['2026-11-02T02:00:00.000000001+02:00', START + 1n],
    ['-5', -5_000_000_000n],
    ['', 7n],
    ['yesterday', undefined],
    ['2026-13-02T00:00:00Z', undefined],
    ['2026-02-30T00:00:00Z', undefined],
    ['1e400.', undefined],
    ['.', undefined],
    ['99999999999999999999', undefined],
  ];
  for (const [text, ns] of CASES) {
    it(text, () => {
      if (ns === undefined)
        assert.throws(() => parseTime(text, 7n, 'start'), /could not parse 'start' parameter/);
      else assert.equal(parseTime(text, 7n, 'start'), ns);
    });
  }
});

describe('query_range', () => {
  it('streams, newest first', async () => {
    const { status, type, json } = await ask('/loki/api/v1/query_range', {
      ...RANGE,
      query: '{app="a"}',
      limit: '2',
    });
    assert.equal(status, 200);
    assert.match(type, /^application\/json/);
    const { data } = json();
    assert.equal(data.resultType, 'streams');
    assert.equal(data.encodingFlags, undefined);
    assert.deepEqual(
      data.result.map((s: { stream: object }) => s.stream),
      [
        { app: 'a', detected_level: 'info', service_name: 'a', trace_id: 't0' },
        { app: 'a', detected_level: 'info', service_name: 'a', trace_id: 't1' },
      ],
    );
    assert.deepEqual(data.result[0].values, [
      [String(START + 480_000_000_000n), '{"n":8,"msg":"hello \\"you\\""}'],
    ]);
    assert.equal(data.stats.summary.totalEntriesReturned, 2);
  });

  it('labels by where they come from', async () => {
    const { json } = await ask(
      '/loki/api/v1/query_range',
      { ...RANGE, query: '{app="a"} | json', limit: '1' },
      { headers: { 'x-loki-response-encoding-flags': 'categorize-labels' } },
    );
    const { data } = json();
    assert.deepEqual(data.encodingFlags, ['categorize-labels']);
    assert.deepEqual(data.result, [
      {
        stream: { app: 'a', service_name: 'a' },
        values: [
          [
            String(START + 540_000_000_000n),
            '{"n":9,"msg":"hello \\"you\\""}',
            {
              structuredMetadata: { detected_level: 'info', trace_id: 't1' },
              parsed: { msg: 'hello "you"', n: '9' },
            },
          ],
        ],
      },
    ]);
  });

  it('a long answer is streamed whole', async () => {
    const many = new MemoryLogs();
    for (let i = 0n; i < 3000n; i++) many.add(DEFAULT_TENANT, A, START + i, `line ${i}`);
    const other = await serveLogs(many, many);
    const response = await fetch(
      `${other.url}/loki/api/v1/query_range?${new URLSearchParams({ ...RANGE, query: '{app="a"}', limit: '5000' })}`,
    );
    const { data } = (await response.json()) as Json;
    assert.equal(data.result[0].values.length, 3000);
    await other.close();
  });

  it('matrix, moved outwards to the step', async () => {
    const { json } = await ask('/loki/api/v1/query_range', {
      start: '1793577630',
      end: '1793577870',
      step: '2m',
      query: 'sum(count_over_time({app="a"}[2m]))',
    });
    assert.deepEqual(json().data.result, [
      {
        metric: {},
        values: [
          [1793577600, '1'],
          [1793577720, '2'],
          [1793577840, '2'],
          [1793577960, '2'],
        ],
      },
    ]);
  });

  it('tenants do not see each other', async () => {
    const mine = await ask('/loki/api/v1/query_range', { ...RANGE, query: '{app="secret"}' });
    assert.deepEqual(mine.json().data.result, []);
    const theirs = await ask(
      '/loki/api/v1/query_range',
      { ...RANGE, query: '{app="secret"}' },
      { headers: { 'x-scope-orgid': 'other' } },
    );
    assert.equal(theirs.json().data.result.length, 1);
    assert.deepEqual((await ask('/loki/api/v1/label/app/values', RANGE)).json().data, ['a']);
  });
});

describe('errors are plain text with a status', () => {
  const CASES: readonly (readonly [
    path: string,
    params: Record<string, string>,
    status: number,
    words: RegExp,
  ])[] = [
    [
      'query_range',
      { query: '{app="a"' },
      400,
      /^parse error at line 1, col 9: syntax error: unexpected \$end/,
    ],
    [
      'query_range',
      { query: '{app="a"}\n| line_format "{{"' },
      400,
      /^parse error at line 2, col 15: invalid template/,
    ],
    ['query_range', { query: '' }, 400, /^parse error at line 1, col 1: syntax error: unexpected \$end/],
    [
      'query_range',
      { query: '{app="a"}', limit: '5001' },
      400,
      /max entries limit per query exceeded.*\(5001 > 5000\)/,
    ],
    ['query_range', { query: '{app="a"}', limit: '0' }, 400, /limit must be a positive value/],
    ['query_range', { query: '{app="a"}', direction: 'up' }, 400, /invalid direction 'up'/],
    ['query_range', { query: '{app="a"}', step: '0' }, 400, /zero or negative query resolution step/],
    [
      'query_range',
      { query: '{app="a"}', step: '100ms' },
      400,
      /exceeded maximum resolution of 11,000 points/,
    ],
    ['query_range', { query: '{app="a"}', interval: '-1' }, 400, /interval must be >= 0/],
    ['query_range', { query: '{app="a"}', start: 'x' }, 400, /could not parse 'start' parameter/],
    ['query_range', { query: '{app="a"}', end: '1' }, 400, /end timestamp must not be before/],
    [
      'query_range',
      { query: '{app="a"}', start: '1', end: '1793577600' },
      400,
      /the query time range exceeds the limit/,
    ],
    [
      'query_range',
      { query: 'count_over_time({app="a"} | logfmt --strict [5m])' },
      400,
      /^pipeline error: 'LogfmtParserErr' for series/,
    ],
    ['query', { query: '{app="a"}' }, 400, /log queries are not supported as an instant query type/],
    ['labels', { query: '{app=' }, 400, /^parse error/],
    ['index/volume', { query: '{app="a"}', aggregateBy: 'colour' }, 400, /invalid aggregation option/],
    ['detected_fields', { query: 'rate({app="a"}[5m])' }, 400, /only log selector is supported/],
    ['nosuch', {}, 404, /./],
  ];
  for (const [path, params, status, words] of CASES) {
    it(`${path} ${JSON.stringify(params)}`, async () => {
      const answer = await ask(`/loki/api/v1/${path}`, { ...RANGE, ...params });
      assert.equal(answer.status, status);
      assert.match(answer.type, /^text\/plain/);
      assert.match(answer.body, words);
    });
  }
});

describe('other answers', () => {
  it('format_query', async () => {
    const { json } = await ask('/loki/api/v1/format_query', { query: 'rate({app="a"}[5m])' });
    assert.deepEqual(json(), { status: 'success', data: 'rate({app="a"} [5m])' });
    const bad = await ask('/loki/api/v1/format_query', { query: 'rate({' });
    assert.equal(bad.status, 400);
    assert.equal(bad.json().status, 'invalid-query');
  });
  it('series, stats and volume', async () => {
    assert.deepEqual((await ask('/loki/api/v1/series', { ...RANGE, 'match[]': '{app="a"}' })).json().data, [
      A.toRecord(),
    ]);
    assert.deepEqual((await ask('/loki/api/v1/index/stats', { ...RANGE, query: '{app="a"}' })).json(), {
      streams: 1,
      chunks: 1,
      bytes: 290,
      entries: 10,
    });
    const volume = (await ask('/loki/api/v1/index/volume', { ...RANGE, query: '{app="a"}' })).json().data;
    assert.deepEqual(volume.result, [{ metric: { app: 'a' }, value: [1793581200, '290'] }]);
  });
  it('detected fields, values and labels', async () => {
    const { fields } = (await ask('/loki/api/v1/detected_fields', { ...RANGE, query: '{app="a"}' })).json();
    assert.deepEqual(
      fields
        .map((f: { label: string; type: string; cardinality: number; parsers: unknown }) => [
          f.label,
          f.type,
          f.cardinality,
          f.parsers,
        ])
        .sort(),
      [
        ['detected_level', 'string', 1, null],
        ['msg', 'string', 1, ['json']],
        ['n', 'int', 10, ['json']],
        ['trace_id', 'string', 2, null],
      ],
    );
    const { values } = (
      await ask('/loki/api/v1/detected_field/trace_id/values', { ...RANGE, query: '{app="a"}' })
    ).json();
    assert.deepEqual(values.sort(), ['t0', 't1']);
    const labels = (await ask('/loki/api/v1/detected_labels', RANGE)).json();
    assert.deepEqual(labels, {
      detectedLabels: [
        { label: 'app', cardinality: 1 },
        { label: 'service_name', cardinality: 1 },
      ],
    });
  });
  it('status, readiness, rules', async () => {
    assert.equal((await ask('/ready')).body, 'ready\n');
    assert.equal((await ask('/loki/api/v1/status/buildinfo')).json().version, '0.0.0');
    assert.equal((await ask('/config')).status, 200);
    assert.deepEqual((await ask('/prometheus/api/v1/rules')).json().data, { groups: [] });
    assert.match((await ask('/loki/api/v1/rules')).type, /yaml/);
  });
});

describe('patterns', () => {
  it('lines of one shape are one pattern', () => {
    const miner = new PatternMiner(10);
    for (let i = 0; i < 90; i++) {
      miner.add(`user ${1000 + i} logged in from 10.0.0.${i} port ${i}`, i);
      miner.add(`level=info msg="cache refreshed" took=${i}ms shard=${i % 3}`, i);
      miner.add(`GET /cart/${i * 7} 200 in ${i}ms`, i);
    }
    assert.deepEqual(
      miner.patterns().map(({ pattern, total }) => [pattern, total]),
      [
        ['user <_> logged in from <_> port <_>', 90],
        ['level=info msg="cache refreshed" took=<_> shard=<_>', 90],
        ['GET <_> <_> in <_>', 90],
      ],
    );
    assert.deepEqual(miner.patterns()[0]?.samples.slice(0, 2), [
      [0, 10],
      [10, 10],
    ]);
  });
  it('clusters are bounded', () => {
    const miner = new PatternMiner(1);
    for (let i = 0; i < 5000; i++)
      miner.add(`${String.fromCharCode(97 + (i % 26)).repeat(1 + (i % 50))} ${'w '.repeat(i % 40)}`, 0);
    assert.ok(miner.patterns().length <= 300);
  });
});

describe('tail', () => {
  const open = (
    params: Record<string, string>,
  ): { socket: WebSocket; lines: string[]; until: (n: number) => Promise<void> } => {
    const socket = new WebSocket(
      `${server.url.replace('http', 'ws')}/loki/api/v1/tail?${new URLSearchParams(params)}`,
    );
    const lines: string[] = [];
    let wake = (): void => {};
    socket.on('message', (data) => {
      for (const { values } of JSON.parse(String(data)).streams)
        for (const [, line] of values) lines.push(line);
      wake();
    });
    const until = async (n: number): Promise<void> => {
      while (lines.length < n) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    return { socket, lines, until };
  };
  const push = async (line: string): Promise<void> => {
    const body = JSON.stringify({
      streams: [{ stream: { app: 'tail' }, values: [[String(BigInt(Date.now()) * 1_000_000n), line]] }],
    });
    const response = await fetch(`${server.url}/loki/api/v1/push`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.status, 204);
  };

  it('sends what is there and what comes, through the pipeline', async () => {
    await push('keep n=1');
    const { socket, lines, until } = open({
      query: '{app="tail"} |= "keep" | logfmt | line_format "<{{.n}}>"',
    });
    await until(1);
    await push('leave n=2');
    await push('keep n=3');
    await until(2);
    assert.deepEqual(lines, ['<1>', '<3>']);
    socket.close();
  });

  it('refuses what it cannot do before the upgrade', async () => {
    for (const params of [
      { query: 'rate({app="a"}[1m])' },
      { query: '{app="a"' },
      { query: '{app="a"}', delay_for: '9' },
      { query: '{app="a"} | line_format "{{"' },
    ]) {
      const { socket } = open(params as Record<string, string>);
      const status = await new Promise((resolve) => {
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
        socket.on('error', () => {});
      });
      assert.equal(status, 400, JSON.stringify(params));
    }
  });
});
