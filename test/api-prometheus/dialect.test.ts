/** The HTTP API as clients see it: parameters, shapes, status codes. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { prometheusDialect } from '../../src/api/prometheus/index.ts';
import { unescapeLabelName } from '../../src/api/prometheus/params.ts';
import { Labels } from '../../src/model/labels.ts';
import { MemorySource } from '../promql/memory-source.ts';
import { serveDialect } from '../promql/plain-server.ts';

const source = new MemorySource();
source.add(Labels.from({ __name__: 'up', job: 'a"b\\c\n' }), [{ timestampMs: 1000, value: 1 }]);
source.add(Labels.from({ __name__: 'up', job: 'z' }), [{ timestampMs: 1500, value: Number.NaN }]);
source.add(Labels.from({ __name__: 'http_request_duration_seconds_bucket', job: 'shop/front', le: '0.5' }), [
  { timestampMs: 1000, value: 3 },
]);
source.add(
  Labels.from({ __name__: 'orders_total', job: 'x' }),
  [{ timestampMs: 1000, value: 5 }],
  [{ labels: Labels.from({ trace_id: 'abc' }), value: 0.25, timestampMs: 1250 }],
);

let base = '';
let close: () => void = () => {};
const asked: string[] = [];

before(async () => {
  const { url, server } = await serveDialect(
    prometheusDialect({
      source,
      now: () => 2000,
      startedMs: 0,
      buildInfo: { version: '9.9.9' },
      isReady: () => true,
      inferExemplars: async ({ series }) => {
        asked.push(...series.map((labels) => labels.get('__name__')));
        return series.map((labels) => ({
          labels,
          exemplars: [
            { labels: Labels.from({ trace_id: 't', inferred: 'true' }), value: 0.4, timestampMs: 1100 },
          ],
        }));
      },
    }),
  );
  base = url;
  close = () => server.close();
});

after(() => close());

async function get(path: string, init?: RequestInit): Promise<{ status: number; text: string }> {
  const response = await fetch(base + path, init);
  return { status: response.status, text: (await response.text()).trimEnd() };
}

test('answers are written as Prometheus writes them', async () => {
  const cases: [string, string][] = [
    [
      '/api/v1/query?query=up',
      '{"status":"success","data":{"resultType":"vector","result":[' +
        '{"metric":{"__name__":"up","job":"a\\"b\\\\c\\n"},"value":[2,"1"]},' +
        '{"metric":{"__name__":"up","job":"z"},"value":[2,"NaN"]}]}}',
    ],
    [
      '/api/v1/query?query=1e-7&time=1.5',
      '{"status":"success","data":{"resultType":"scalar","result":[1.500,"1e-07"]}}',
    ],
    ['/api/v1/query?query=-0', '{"status":"success","data":{"resultType":"scalar","result":[2,"-0"]}}'],
    ['/api/v1/query?query=1e21', '{"status":"success","data":{"resultType":"scalar","result":[2,"1e+21"]}}'],
    ['/api/v1/query?query=Inf', '{"status":"success","data":{"resultType":"scalar","result":[2,"+Inf"]}}'],
    ['/api/v1/query?query=%22a%22', '{"status":"success","data":{"resultType":"string","result":[2,"a"]}}'],
    [
      '/api/v1/query_range?query=orders_total&start=0&end=2&step=1',
      '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"orders_total","job":"x"},"values":[[1,"5"],[2,"5"]]}]}}',
    ],
    [
      '/api/v1/query?query=orders_total%5B5s%5D',
      '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"orders_total","job":"x"},"values":[[1,"5"]]}]}}',
    ],
    [
      '/api/v1/query?query=count%20by%20(job)%20(up)&limit=1',
      '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a\\"b\\\\c\\n"},"value":[2,"1"]}]},"warnings":["results truncated due to limit"]}',
    ],
    [
      '/api/v1/query?query=rate(up%5B5s%5D)',
      '{"status":"success","data":{"resultType":"vector","result":[]}}',
    ],
    ['/api/v1/labels?match[]=orders_total', '{"status":"success","data":["__name__","job"]}'],
    ['/api/v1/label/job/values?match[]=orders_total', '{"status":"success","data":["x"]}'],
    [
      '/api/v1/series?match[]=orders_total',
      '{"status":"success","data":[{"__name__":"orders_total","job":"x"}]}',
    ],
    [
      '/api/v1/query_exemplars?query=orders_total',
      '{"status":"success","data":[{"seriesLabels":{"__name__":"orders_total","job":"x"},"exemplars":[{"labels":{"trace_id":"abc"},"value":"0.25","timestamp":1.250}]}]}',
    ],
    [
      '/api/v1/query_exemplars?query=rate(http_request_duration_seconds_bucket%5B5m%5D)',
      '{"status":"success","data":[{"seriesLabels":{"__name__":"http_request_duration_seconds_bucket","job":"shop/front","le":"0.5"},"exemplars":[{"labels":{"inferred":"true","trace_id":"t"},"value":"0.4","timestamp":1.100}]}]}',
    ],
    ['/api/v1/format_query?query=sum(x)by(y)', '{"status":"success","data":"sum by (y) (x)"}'],
    ['/api/v1/metadata', '{"status":"success","data":{}}'],
    ['/api/v1/rules', '{"status":"success","data":{"groups":[]}}'],
    ['/api/v1/alerts', '{"status":"success","data":{"alerts":[]}}'],
  ];
  for (const [path, want] of cases) {
    const { status, text } = await get(path);
    assert.equal(status, 200, `${path}: ${text}`);
    assert.equal(text, want, path);
  }
  assert.deepEqual(asked, ['http_request_duration_seconds_bucket']);
});

test('errors have a type and a status', async () => {
  const cases: [string, number, string, RegExp][] = [
    ['/api/v1/query', 400, 'bad_data', /invalid parameter "query": 1:1: parse error: no expression found/],
    ['/api/v1/query?query=up&time=x', 400, 'bad_data', /invalid parameter "time": cannot parse "x"/],
    ['/api/v1/query?query=up%20%2B%20on()%20up', 422, 'execution', /many-to-many matching not allowed/],
    ['/api/v1/query?query=info(up)', 400, 'bad_data', /function "info" is not enabled/],
    ['/api/v1/query_range?query=up&start=0&end=1&step=0', 400, 'bad_data', /zero or negative/],
    ['/api/v1/query_range?query=up&start=0&end=12000&step=1', 400, 'bad_data', /11,000 points/],
    ['/api/v1/query_range?query=up&start=2&end=1&step=1', 400, 'bad_data', /must not be before/],
    ['/api/v1/series', 400, 'bad_data', /no match\[\] parameter/],
    ['/api/v1/labels?match[]=%7B%7D', 400, 'bad_data', /non-empty matcher/],
    ['/api/v1/nothing', 404, 'not_found', /not found/],
  ];
  for (const [path, status, type, message] of cases) {
    const answer = await get(path);
    assert.equal(answer.status, status, `${path}: ${answer.text}`);
    const body = JSON.parse(answer.text);
    assert.equal(body.status, 'error', path);
    assert.equal(body.errorType, type, path);
    assert.match(body.error, message, path);
  }
});

test('forms and queries may be posted', async () => {
  const { status, text } = await get('/api/v1/query', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'query=1%2B1&time=7',
  });
  assert.equal(status, 200);
  assert.equal(text, '{"status":"success","data":{"resultType":"scalar","result":[7,"2"]}}');
});

test('a query without selectors has no exemplars', async () => {
  assert.deepEqual(await get('/api/v1/query_exemplars?query=1'), { status: 204, text: '' });
});

test('statistics come when they are asked for', async () => {
  const { data } = JSON.parse((await get('/api/v1/query?query=up&stats=all')).text);
  assert.equal(data.stats.samples.totalQueryableSamples, 2);
  assert.equal(typeof data.stats.timings.evalTotalTime, 'number');
});

test('health', async () => {
  assert.equal((await get('/-/healthy')).status, 200);
  assert.equal((await get('/-/ready')).status, 200);
  assert.equal(JSON.parse((await get('/api/v1/status/buildinfo')).text).data.application, 'Trivium 9.9.9');
});

test('large matrices are sent piece by piece and are whole', async () => {
  const { text } = await get('/api/v1/query_range?query=up%20or%20vector(1)&start=0&end=10999&step=1');
  const { data } = JSON.parse(text);
  assert.equal(
    data.result.find((s: { metric: object }) => Object.keys(s.metric).length === 0).values.length,
    11_000,
  );
});

test('escaped label names', () => {
  for (const [escaped, name] of [
    ['job', 'job'],
    ['U__http_2e_method', 'http.method'],
    ['U__a__b', 'a_b'],
    ['U__raum_2f_room', 'raum/room'],
    ['U__x_zz_', 'U__x_zz_'],
    ['U___1f600_', '\u{1f600}'],
  ] as const) {
    assert.equal(unescapeLabelName(escaped), name);
  }
});
