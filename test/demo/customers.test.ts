/** The demo's determinism: customers, fates and the daily rhythm follow from the seed alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fate } from '../../demo/fate.ts';
import { products } from '../../demo/goods.ts';
import { logNormal, Sequence, uniformOf } from '../../demo/random.ts';
import { Customers, dayShape, type Journey, requestsPerJourney } from '../../demo/traffic.ts';

function journeys(seed: string, count: number): Journey[] {
  const customers = new Customers(seed);
  return Array.from({ length: count }, () => customers.next(2.5));
}

test('the same seed brings the same customers, another seed others', () => {
  assert.deepEqual(journeys('7', 200), journeys('7', 200));
  assert.notDeepEqual(
    journeys('7', 5).map((journey) => journey.userId),
    journeys('8', 5).map((journey) => journey.userId),
  );
});

test('journeys have as many requests as the rate reckons with, and all four kinds occur', () => {
  const many = journeys('1984', 20_000);
  const requests = many.reduce((sum, journey) => sum + journey.steps.length, 0) / many.length;
  assert.ok(Math.abs(requests - requestsPerJourney) < 0.05, `mean ${requests}`);
  assert.deepEqual([...new Set(many.map((journey) => journey.name))].sort(), [
    'browse',
    'buy',
    'lost',
    'search',
  ]);
  const gapMs = many.reduce((sum, journey) => sum + journey.gapMs, 0) / many.length;
  assert.ok(Math.abs(gapMs - 400) < 15, `mean gap ${gapMs} ms at 2.5 journeys/s`);
});

test('every product of a journey is on sale', () => {
  const onSale = new Set(products.map((product) => product.id));
  assert.equal(onSale.size, 100);
  for (const journey of journeys('3', 2000)) {
    for (const step of journey.steps) {
      const body = step.body as { productId?: string } | undefined;
      if (body?.productId !== undefined) assert.ok(onSale.has(body.productId), body.productId);
    }
  }
});

test('the day has the mean 1, a quiet night and its peak in the evening', () => {
  const hours = Array.from({ length: 24 * 60 }, (_, minute) => minute / 60);
  const mean = hours.reduce((sum, hour) => sum + dayShape(hour), 0) / hours.length;
  assert.ok(Math.abs(mean - 1) < 0.02, `mean ${mean}`);
  assert.ok(dayShape(3) < 0.5);
  const peak = hours.reduce((best, hour) => (dayShape(hour) > dayShape(best) ? hour : best));
  assert.ok(Math.abs(peak - 20) < 0.5, `peak at ${peak}`);
});

test('a fate does not depend on how purposes interleave', () => {
  const a = new Fate('k');
  const b = new Fate('k');
  const inOrder = [a.latencyMs('x', 10), a.latencyMs('x', 10), a.latencyMs('y', 10)];
  const y = b.latencyMs('y', 10);
  assert.deepEqual([b.latencyMs('x', 10), b.latencyMs('x', 10), y], inOrder);
  assert.notEqual(inOrder[0], inOrder[1]);
  assert.notEqual(new Fate('other').draw('x'), new Fate('k').draw('x'));
});

test('draws are uniform, latencies have the median asked for', () => {
  const draws = Array.from({ length: 20_000 }, (_, n) => uniformOf(`request ${n}|db`));
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = draws.filter((u) => u >= tenth / 10 && u < (tenth + 1) / 10).length / draws.length;
    assert.ok(Math.abs(share - 0.1) < 0.01, `share of [${tenth / 10}, +0.1) is ${share}`);
  }
  const random = new Sequence('latency');
  const latencies = Array.from({ length: 20_000 }, () => logNormal(random.next(), random.next(), 40, 0.45));
  latencies.sort((x, y) => x - y);
  assert.ok(Math.abs(latencies[10_000]! - 40) < 1, `median ${latencies[10_000]}`);
});
