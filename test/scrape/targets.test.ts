/** From discovered labels to targets, against Prometheus's recorded answers; and the targets page's API. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { targetRoutes } from '../../src/api/prometheus/targets.ts';
import { compileRelabel } from '../../src/collector/relabel/relabel.ts';
import { acceptHeader } from '../../src/collector/scrape/fetch.ts';
import { resolveTarget } from '../../src/collector/scrape/target.ts';
import type { HttpRequest } from '../../src/http/handler.ts';
import { jobs, Simulation, START_MS } from './simulation.ts';

interface Case {
  readonly id: string;
  readonly kind: 'target' | 'metric';
  readonly about: string;
  readonly input: Record<string, string>;
  readonly relabel: unknown[];
  readonly scrape?: Record<string, unknown>;
  readonly output: { labels: Record<string, string>; scrapeUrl: string } | null;
}

const golden = readFileSync(path.join(import.meta.dirname, '../relabel/golden/cases.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

for (const { id, kind, about, input, relabel, scrape, output } of golden) {
  if (kind !== 'target') continue;
  test(`${id}: ${about}`, () => {
    const [config] = jobs(
      JSON.stringify({ scrape_configs: [{ job_name: id, ...scrape, relabel_configs: relabel }] }),
    );
    assert.ok(config !== undefined);
    const own = { __address__: 'host.example.test:9100', ...input };
    const resolved = resolveTarget(config, compileRelabel(config.relabel), {}, own);
    const got =
      resolved.kind === 'target'
        ? { labels: resolved.target.publicLabels.toRecord(), scrapeUrl: resolved.target.url }
        : null;
    assert.deepEqual(got, output);
  });
}

test('targets that cannot be: why', () => {
  const invalid = (labels: Record<string, string>) => {
    const [config] = jobs('scrape_configs: [{job_name: j}]');
    assert.ok(config !== undefined);
    const resolved = resolveTarget(config, (all) => all, {}, labels);
    return resolved.kind === 'invalid' ? resolved.error : resolved.kind;
  };
  assert.equal(invalid({}), 'no address');
  assert.equal(invalid({ __address__: 'a/b' }), '"a/b" is not a valid hostname');
  assert.equal(
    invalid({ __address__: 'a', __scrape_interval__: '5s' }),
    'scrape timeout cannot be greater than scrape interval ("10s" > "5s")',
  );
  assert.equal(invalid({ __address__: 'a', __scrape_interval__: '0s' }), 'scrape interval cannot be 0');
  assert.equal(
    invalid({ __address__: 'a', __scrape_timeout__: 'x' }),
    'error parsing scrape timeout: not a valid duration string: "x"',
  );
});

test('what is asked of a target: formats by preference', () => {
  const [config] = jobs(
    'scrape_configs: [{job_name: j, scrape_protocols: [OpenMetricsText1.0.0, PrometheusText0.0.4]}]',
  );
  assert.ok(config !== undefined);
  assert.equal(
    acceptHeader(config),
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
  );
});

async function ask(simulation: Simulation, url: string): Promise<unknown> {
  const routes = targetRoutes({
    pools: () => simulation.scraping?.pools() ?? [],
    externalHost: 'me.example.test',
  });
  const { pathname, searchParams } = new URL(url, 'http://x');
  const route = routes.find((candidate) => candidate.path === pathname);
  const response = await route?.handler({ query: searchParams } as HttpRequest);
  return (JSON.parse(response?.body as string) as { data: unknown }).data;
}

test('the API shows targets, dropped ones, pools and metadata', async () => {
  const s = new Simulation();
  s.pages.set('localhost:1', { body: '# HELP x An x.\n# TYPE x counter\nx 1\n', delayMs: 100 });
  s.start(`
scrape_configs:
  - job_name: b
    scrape_interval: 10s
    scrape_timeout: 5s
    static_configs: [{targets: ['localhost:1', 'drop:1'], labels: {team: t}}]
    relabel_configs: [{source_labels: [__address__], regex: 'drop.*', action: drop}]
  - {job_name: a, static_configs: [{targets: ['h:1']}]}
`);
  const before = (await ask(s, '/api/v1/targets')) as { activeTargets: Record<string, unknown>[] };
  assert.deepEqual(
    before.activeTargets.map(({ health, lastScrape }) => [health, lastScrape]),
    [
      ['unknown', '0001-01-01T00:00:00Z'],
      ['unknown', '0001-01-01T00:00:00Z'],
    ],
  );
  await s.clock.pass(10_000);
  const { activeTargets, droppedTargets, droppedTargetCounts } = (await ask(
    s,
    '/api/v1/targets?scrapePool=b',
  )) as {
    activeTargets: Record<string, unknown>[];
    droppedTargets: unknown[];
    droppedTargetCounts: unknown;
  };
  const { lastScrape, ...target } = activeTargets[0] as { lastScrape: string };
  assert.ok(Date.parse(lastScrape) >= START_MS);
  assert.deepEqual(target, {
    discoveredLabels: {
      __address__: 'localhost:1',
      __metrics_path__: '/metrics',
      __scheme__: 'http',
      __scrape_interval__: '10s',
      __scrape_timeout__: '5s',
      job: 'b',
      team: 't',
    },
    labels: { instance: 'localhost:1', job: 'b', team: 't' },
    scrapePool: 'b',
    scrapeUrl: 'http://localhost:1/metrics',
    globalUrl: 'http://me.example.test:1/metrics',
    lastError: '',
    lastScrapeDuration: 0.1,
    health: 'up',
    scrapeInterval: '10s',
    scrapeTimeout: '5s',
  });
  assert.equal(droppedTargets.length, 1);
  assert.deepEqual(droppedTargetCounts, { b: 1 });
  const active = (await ask(s, '/api/v1/targets?state=active')) as {
    activeTargets: unknown[];
    droppedTargets: unknown[];
  };
  assert.deepEqual([active.activeTargets.length, active.droppedTargets.length], [2, 0]);
  assert.deepEqual(await ask(s, '/api/v1/scrape_pools'), { scrapePools: ['a', 'b'] });
  const labels = { instance: 'localhost:1', job: 'b', team: 't' };
  assert.deepEqual(await ask(s, `/api/v1/targets/metadata?match_target=${encodeURIComponent('{job="b"}')}`), [
    { target: labels, metric: 'x', type: 'counter', help: 'An x.', unit: '' },
  ]);
  assert.deepEqual(await ask(s, '/api/v1/targets/metadata?metric=x'), [
    { target: labels, type: 'counter', help: 'An x.', unit: '' },
  ]);
  assert.deepEqual(await ask(s, '/api/v1/targets/metadata?limit=0'), []);
});
