/** The real program: a batch job pushes as Python's client does, is found at once and after a restart. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RunningTrivium, startTrivium } from './trivium-process.ts';

let trivium: RunningTrivium;
before(async () => {
  trivium = await startTrivium();
});
after(() => trivium.stop(false));

const url = (listener: string, path: string) => `http://127.0.0.1:${trivium.ports[listener]}${path}`;
const PAGE =
  '# HELP train_loss Loss of the last epoch.\n# TYPE train_loss gauge\ntrain_loss{model="m"} 0.25\n';

async function push(method: string, at: string, body?: string): Promise<number> {
  const response = await fetch(at, {
    method,
    headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    ...(body === undefined ? {} : { body }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function vector(query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
  const response = await fetch(url('prometheus', `/api/v1/query?${new URLSearchParams({ query })}`));
  const answer = (await response.json()) as { data: { result: [] } };
  return answer.data.result;
}

test('push_to_gateway: stored when it is answered, with the labels of the group and no instance', async () => {
  assert.equal(await push('PUT', url('pushgateway', '/metrics/job/training'), PAGE), 200);
  assert.equal(await push('POST', url('http', '/pushgateway/metrics/job/etl/zone/a'), 'rows 3\n'), 200);
  const [loss] = await vector('train_loss');
  assert.deepEqual(loss?.metric, { __name__: 'train_loss', job: 'training', model: 'm' });
  assert.equal(loss?.value[1], '0.25');
  assert.deepEqual(
    (await vector('time() - push_time_seconds < 60')).map(({ metric }) => metric.job).toSorted(),
    ['etl', 'training'],
  );
});

test('groups are there after a restart', async () => {
  await trivium.stop(true);
  trivium = await startTrivium({ dataDir: trivium.dataDir, args: ['--pushgateway-enable-admin-api'] });
  const page = await (await fetch(url('pushgateway', '/metrics'))).text();
  assert.match(page, /^# TYPE train_loss gauge\ntrain_loss\{instance="",job="training",model="m"\} 0\.25$/m);
  assert.match(page, /^rows\{instance="",job="etl",zone="a"\} 3$/m);
});

test('what is deleted is stale at once', async () => {
  assert.equal(await push('DELETE', url('pushgateway', '/metrics/job/etl/zone/a')), 202);
  assert.deepEqual(await vector('rows'), []);
  assert.equal(await push('PUT', url('pushgateway', '/api/v1/admin/wipe')), 202);
  assert.deepEqual(await vector('train_loss'), []);
});
