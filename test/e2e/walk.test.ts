/// <reference lib="dom" />
/**
 * The walk of the README on demo data, in a real browser: services, chart, exemplar, trace, span, log lines, trace.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type RunningTrivium, startTrivium } from '../acceptance/trivium-process.ts';
import { openBrowser, openPage } from './browser.ts';

const DURATIONS =
  'histogram_quantile(0.95, sum by (le, http_route, job) (rate(http_server_request_duration_seconds_bucket[1m])))';

let trivium: RunningTrivium;
let browser: Browser;
let page: Page;
let problems: string[];
let base: string;

before(async () => {
  [trivium, browser] = await Promise.all([startTrivium({ command: 'demo' }), openBrowser()]);
  base = `http://127.0.0.1:${trivium.ports.http}`;
  ({ page, problems } = await openPage(browser));
});
after(async () => {
  await browser?.close();
  await trivium?.stop();
});

test('the demo is ready within 15 seconds', () => {
  assert.ok(trivium.readyMs < 15_000, `${trivium.readyMs} ms`);
});

test('services appear with their rates', async () => {
  await page.goto(`${base}/?from=now-5m&to=now&refresh=5s`);
  for (const service of ['storefront', 'catalog', 'orders', 'payments', 'inventory', 'recommendations']) {
    await page.getByRole('link', { name: service, exact: true }).waitFor();
  }
});

test('a chart of durations has exemplars; a click opens the trace', async () => {
  const query = new URLSearchParams({ lang: 'promql', q: DURATIONS, from: 'now-5m', to: 'now' });
  // Rates need two exports of each histogram, so the chart may still be on its way.
  await page.goto(`${base}/explore?${query}`);
  const dot = page.locator('a.exemplar-dot').first();
  for (let attempt = 0; attempt < 12 && (await dot.count()) === 0; attempt++) {
    await page.waitForTimeout(2500);
    await page.reload();
    await page
      .locator('.u-over')
      .first()
      .waitFor({ timeout: 5000 })
      .catch(() => undefined);
  }
  await dot.waitFor();
  const target = (await dot.getAttribute('href')) ?? '';
  assert.match(target, /^\/trace\/[0-9a-f]{32}/);
  await dot.dispatchEvent('click');
  await page.waitForURL(/\/trace\/[0-9a-f]{32}/);
  await page.getByRole('tree', { name: 'Spans' }).waitFor();
});

test('a span shows its attributes and its log lines; a line leads back to the trace', async () => {
  // A checkout goes through every service and logs on its way.
  const search = new URLSearchParams({
    q: '{ resource.service.name = "orders" && span:kind = server && span:name =~ ".*POST.*" }',
    limit: '1',
  });
  let traceId = '';
  for (let attempt = 0; attempt < 20 && traceId === ''; attempt++) {
    const found = (await (await fetch(`${base}/tempo/api/search?${search}`)).json()) as {
      traces?: { traceID: string }[];
    };
    traceId = found.traces?.[0]?.traceID.padStart(32, '0') ?? '';
    if (traceId === '') await page.waitForTimeout(1000);
  }
  assert.notEqual(traceId, '');
  // Spans and lines of the last hop arrive a moment after the first.
  await page.waitForTimeout(3000);
  await page.goto(`${base}/trace/${traceId}`);
  const tree = page.getByRole('tree', { name: 'Spans' });
  await tree.waitFor();
  const services = await tree.getByRole('treeitem').count();
  assert.ok(services >= 5, `${services} rows`);
  await tree
    .getByRole('treeitem')
    .filter({ has: page.locator('.wf-service', { hasText: /^orders$/ }) })
    .filter({ hasText: 'POST' })
    .first()
    .click();
  const panel = page.getByRole('complementary', { name: 'Span details' });
  await panel.waitFor();
  await panel.getByText('http.route').first().waitFor();
  await panel.getByText(/Logs of this span/).waitFor();
  await panel.locator('.log-line').first().waitFor();
  // On to the log lines in Explore, and from a line back to the trace.
  await panel.getByRole('link', { name: 'Open in Explore' }).first().click();
  await page.waitForURL(/\/explore\?.*logql/);
  const lines = page.getByRole('region', { name: 'Log lines' });
  const back = lines.locator(`a[href^="/trace/${traceId}"]`).first();
  await back.waitFor({ timeout: 10_000 }).catch(async () => {
    await lines.locator('[data-index]').first().click();
    await back.waitFor();
  });
  await back.click();
  await page.waitForURL(new RegExp(`/trace/${traceId}`));
  await page.getByRole('tree', { name: 'Spans' }).waitFor();
});

test('a fault is switched on and off from the page', async () => {
  await page.goto(`${base}/demo`);
  const toggle = page.getByRole('switch').first();
  await toggle.waitFor();
  await toggle.click();
  const faults = async () =>
    (await (await fetch(`${base}/api/demo/faults`)).json()) as { enabled: boolean }[];
  await page.waitForFunction(
    () => document.querySelector('[role=switch][aria-checked=true], input[role=switch]:checked') !== null,
  );
  assert.ok((await faults()).some(({ enabled }) => enabled));
  await toggle.click();
  for (let attempt = 0; attempt < 20 && (await faults()).some(({ enabled }) => enabled); attempt++) {
    await page.waitForTimeout(100);
  }
  assert.ok(!(await faults()).some(({ enabled }) => enabled));
});

test('status tells what listens and what came in', async () => {
  await page.goto(`${base}/status`);
  await page.getByText('otlp-grpc').first().waitFor();
  await page
    .getByText(/ClickHouse|26\./)
    .first()
    .waitFor();
});

test('every page opens in dark and on a narrow screen without errors', async () => {
  const dark = await openPage(browser, { colorScheme: 'dark', width: 800, height: 700 });
  for (const route of [
    '/',
    '/explore?lang=promql&q=up',
    '/explore?lang=logql&q={service_name=~".%2B"}',
    '/explore?lang=traceql&q={}',
    '/search',
    '/status',
    '/demo',
    '/nowhere',
  ]) {
    await dark.page.goto(base + route);
    await dark.page.locator('main').first().waitFor();
    await dark.page.waitForLoadState('networkidle');
    const wider = await dark.page.evaluate(
      () => document.documentElement.scrollWidth > window.innerWidth + 1,
    );
    assert.equal(wider, false, `${route} is wider than the window`);
  }
  assert.deepEqual(dark.problems, []);
  await dark.page.close();
});

test('nothing went wrong in the browser on the way', () => {
  assert.deepEqual(problems, []);
});
