/** The real program with a prometheus.yml: targets are scraped and stored, the file is read again, mistakes are shown. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type RunningTrivium, startTrivium } from './trivium-process.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../bin/trivium');
const folder = mkdtempSync(path.join(os.tmpdir(), 'trivium-scraping-'));
const file = path.join(folder, 'prometheus.yml');
let trivium: RunningTrivium;
let page = '# TYPE requests counter\nrequests_total{path="/"} 7 # {trace_id="abc"} 1.5\n# EOF\n';
const target = http.createServer((request, response) => {
  if (request.url !== '/metrics') response.statusCode = 500;
  response.setHeader('content-type', 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  response.end(page);
});

const configure = (more = '') =>
  writeFileSync(
    file,
    `global: {scrape_interval: 1s}
scrape_configs:
  - job_name: app
    static_configs: [{targets: ['127.0.0.1:${(target.address() as AddressInfo).port}']}]
${more}`,
  );

before(async () => {
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  configure();
  trivium = await startTrivium({ args: ['--prometheus-config', file] });
});
after(async () => {
  target.closeAllConnections();
  target.close();
  await trivium.stop(false);
  rmSync(folder, { recursive: true });
});

const url = (name: string) => `http://127.0.0.1:${trivium.ports.prometheus}${name}`;

async function data<T>(name: string): Promise<T> {
  const response = await fetch(url(name));
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return (JSON.parse(text) as { data: T }).data;
}

/** Asks until the answer is as wanted. */
async function eventually<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (let i = 0; ; i++) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    assert.ok(i < 100, JSON.stringify(answer));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const query = async (promql: string) =>
  (
    await data<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
      `/api/v1/query?query=${encodeURIComponent(promql)}`,
    )
  ).result;

interface Targets {
  readonly activeTargets: { scrapePool: string; health: string; lastError: string }[];
}

test('a target is scraped into storage, exemplars and metadata included', async () => {
  const [series] = await eventually(
    () => query('requests_total'),
    (result) => result.length === 1,
  );
  assert.equal(series?.value[1], '7');
  assert.equal(series?.metric.job, 'app');
  assert.equal((await query('up{job="app"}'))[0]?.value[1], '1');
  const exemplars = await data<{ exemplars: { labels: unknown }[] }[]>(
    `/api/v1/query_exemplars?query=requests_total&start=${Date.now() / 1000 - 600}&end=${Date.now() / 1000 + 60}`,
  );
  assert.deepEqual(
    exemplars[0]?.exemplars.map(({ labels }) => labels),
    [{ trace_id: 'abc' }],
  );
  const { activeTargets } = await data<Targets>('/api/v1/targets');
  assert.deepEqual(
    activeTargets.map(({ health, lastError }) => [health, lastError]),
    [['up', '']],
  );
  assert.match((await data<{ yaml: string }>('/api/v1/status/config')).yaml, /job_name: app/);
});

test('a page that cannot be read: the target is down and says why, its series end at once', async () => {
  page = 'requests_total seven\n# EOF\n';
  const { activeTargets } = await eventually(
    () => data<Targets>('/api/v1/targets'),
    (answer) => answer.activeTargets[0]?.health === 'down',
  );
  assert.match(activeTargets[0]?.lastError ?? '', /parsing "seven": invalid syntax/);
  await eventually(
    () => query('requests_total'),
    (result) => result.length === 0,
  );
  await eventually(
    () => query('up{job="app"} == 0'),
    (result) => result.length === 1,
  );
  page = 'requests_total{path="/"} 8\n# EOF\n';
  await eventually(
    () => query('requests_total == 8'),
    (result) => result.length === 1,
  );
});

test('the file is read again on POST /-/reload and SIGHUP; one with mistakes changes nothing', async () => {
  configure('  - job_name: app\n    scrape_intervall: 5s\n');
  const refused = await fetch(url('/-/reload'), { method: 'POST' });
  assert.equal(refused.status, 500);
  const message = await refused.text();
  assert.match(message, /prometheus\.yml:6:5: unknown field scrape_configs\[1\]\.scrape_intervall/);
  assert.deepEqual((await data<{ scrapePools: string[] }>('/api/v1/scrape_pools')).scrapePools, ['app']);
  const metrics = async () => (await fetch(url('/metrics'))).text();
  assert.match(await metrics(), /^prometheus_config_last_reload_successful 0$/m);

  configure(
    "  - job_name: failing\n    metrics_path: /no\n    static_configs: [{targets: ['127.0.0.1:" +
      `${(target.address() as AddressInfo).port}']}]\n`,
  );
  trivium.child.kill('SIGHUP');
  const { activeTargets } = await eventually(
    () => data<Targets>('/api/v1/targets'),
    (answer) =>
      answer.activeTargets.some(({ scrapePool, health }) => scrapePool === 'failing' && health === 'down'),
  );
  assert.equal(
    activeTargets.find(({ scrapePool }) => scrapePool === 'failing')?.lastError,
    'server returned HTTP status 500 Internal Server Error',
  );
  assert.match(await metrics(), /^prometheus_config_last_reload_successful 1$/m);
  assert.match(await metrics(), /^prometheus_target_scrape_pool_targets\{scrape_job="failing"\} 1$/m);
});

test('check config: exit status and place of each mistake', () => {
  const wrong = path.join(folder, 'wrong.yml');
  writeFileSync(wrong, 'scrape_configs:\n  - job_name: a\n    sample_limit: many\n');
  const run = (...files: string[]) => spawnSync(PROGRAM, ['check', 'config', ...files], { encoding: 'utf8' });
  const good = run(file);
  assert.equal(good.status, 0, good.stdout + good.stderr);
  const bad = run(file, wrong);
  assert.equal(bad.status, 1);
  assert.match(bad.stdout, /wrong\.yml:3:19: scrape_configs\[0\]\.sample_limit: a number is wanted here/);
});
