/** The `otlp` section of prometheus.yml decides how OTLP metrics are named, now and after a reload. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { startTrivium } from './trivium-process.ts';

test('translation strategy and promoted attributes are carried out, and reloaded', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trivium-otlp-'));
  const file = path.join(folder, 'prometheus.yml');
  writeFileSync(
    file,
    'otlp:\n  translation_strategy: NoUTF8EscapingWithSuffixes\n  promote_resource_attributes: [team.name]\n',
  );
  const trivium = await startTrivium({ args: ['--prometheus-config', file] });
  const url = (name: string, rest: string) => `http://127.0.0.1:${trivium.ports[name]}${rest}`;
  const nowMs = Date.now();
  const push = async (name: string) => {
    const dataPoints = [{ timeUnixNano: `${BigInt(nowMs) * 1_000_000n}`, asInt: '7' }];
    const sum = { aggregationTemporality: 2, isMonotonic: true, dataPoints };
    const attributes = [
      { key: 'service.name', value: { stringValue: 'shop' } },
      { key: 'team.name', value: { stringValue: 'blue' } },
    ];
    const body = {
      resourceMetrics: [
        { resource: { attributes }, scopeMetrics: [{ metrics: [{ name, unit: 's', sum }] }] },
      ],
    };
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url('otlp-http', '/v1/metrics'), {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.text());
  };
  const labels = async (query: string) => {
    const response = await fetch(url('prometheus', `/api/v1/query?${new URLSearchParams({ query })}`));
    const answer = (await response.json()) as { data: { result: { metric: Record<string, string> }[] } };
    return answer.data.result.map(({ metric }) => metric);
  };
  try {
    await push('work.done');
    assert.deepEqual(await labels('{"work.done_seconds_total"}'), [
      { __name__: 'work.done_seconds_total', job: 'shop', 'team.name': 'blue' },
    ]);
    writeFileSync(file, 'otlp:\n  translation_strategy: UnderscoreEscapingWithoutSuffixes\n');
    assert.equal((await fetch(url('prometheus', '/-/reload'), { method: 'POST' })).status, 200);
    await push('work.done');
    assert.deepEqual(await labels('work_done'), [{ __name__: 'work_done', job: 'shop' }]);
  } finally {
    await trivium.stop();
    rmSync(folder, { recursive: true });
  }
});
