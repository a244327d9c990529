/**
 * Recommendations: ranks products for a user or beside a product, and learns from orders in batches.
 * Fault here: a cache without a limit that ends in the memory limit.
 */
import { metrics, trace, ValueType } from '@opentelemetry/api';
import { Database } from '../database.ts';
import { currentFate, pause } from '../fate.ts';
import { faultEnabled, onFaultsChanged } from '../faults.ts';
import { productById, products } from '../goods.ts';
import { log } from '../log.ts';
import { hash32 } from '../random.ts';
import { items, type ServiceFactory } from '../service.ts';

const growthIntervalMs = 500;
const entryNumbers = 96 * 1024; // of eight bytes: 0.75 MiB each half second
const entryMiB = (entryNumbers * 8) / 2 ** 20;
/** The cache may take this much before the process is killed, as a container's memory limit would do it. */
const memoryLimitMiB = 150;

export const recommendations: ServiceFactory = (kit) => {
  const database = new Database('recommendations-db');
  const queue = kit.openQueue();
  const tracer = trace.getTracer('shop.recommendations', '1.4.2');
  const meter = metrics.getMeter('shop.recommendations');
  const cache: number[][] = [];
  const bought = new Map<string, number>();
  const served = meter.createCounter('recommendations.served', {
    unit: '{recommendation}',
    description: 'Recommended products by placement.',
    valueType: ValueType.INT,
  });
  const modelSize = meter.createGauge('recommendations.model.products', {
    unit: '{product}',
    description: 'Products that the model has learned something about.',
    valueType: ValueType.INT,
  });
  meter
    .createObservableGauge('recommendations.cache.entries', {
      unit: '{entry}',
      description: 'Entries of the similarity cache.',
      valueType: ValueType.INT,
    })
    .addCallback((result) => result.observe(200 + cache.length));

  let timer: NodeJS.Timeout | undefined;
  const grow = (): void => {
    cache.push(Array.from({ length: entryNumbers }, (_, n) => n + 0.5));
    const usedMiB = Math.round(cache.length * entryMiB);
    if (cache.length % 20 === 0) {
      log('warn', 'similarity cache keeps growing', { entries: cache.length, cache_mib: usedMiB });
    }
    if (usedMiB >= memoryLimitMiB) {
      clearInterval(timer);
      log('fatal', 'memory limit reached, killed', { cache_mib: usedMiB, limit_mib: memoryLimitMiB });
      kit.die(137);
    }
  };
  onFaultsChanged(() => {
    clearInterval(timer);
    if (faultEnabled('memory-growth')) timer = setInterval(grow, growthIntervalMs);
    else cache.length = 0;
  });

  queue.consumeBatches({
    topic: 'orders.placed',
    group: 'learning',
    maxBatch: 10,
    maxDelayMs: 4000,
    handle: async (messages) => {
      for (const message of messages) {
        for (const { productId, quantity } of items((message.body as { items?: unknown }).items)) {
          if (productById.has(productId)) bought.set(productId, (bought.get(productId) ?? 0) + quantity);
        }
      }
      await database.query({
        operation: 'INSERT',
        collection: 'purchases',
        text: 'INSERT INTO purchases (product_id, quantity) SELECT * FROM unnest($1, $2)',
        medianMs: 8,
        rows: messages.length,
      });
      modelSize.record(bought.size);
      log('info', 'learned from orders', { orders: messages.length, products: bought.size });
    },
  });

  const rank = async (anchor: string, placement: string, count: number): Promise<{ body: unknown }> => {
    await database.query({
      operation: 'SELECT',
      collection: 'similarities',
      text: 'SELECT other_id, score FROM similarities WHERE product_id = $1 ORDER BY score DESC LIMIT 50',
      medianMs: 5,
      rows: 50,
    });
    const chosen = await tracer.startActiveSpan('rank candidates', async (span) => {
      // The longer the cache, the longer it takes to look through it.
      await pause(currentFate().latencyMs('rank', 4 + cache.length * 1.5));
      const start = hash32(anchor) % products.length;
      const list = Array.from({ length: count }, (_, n) => products[(start + n * 17) % products.length]!);
      span.setAttributes({
        'recommendations.candidates': 50,
        'recommendations.cache.entries': 200 + cache.length,
      });
      span.end();
      return list;
    });
    served.add(count, { placement });
    log('info', 'recommended', { count }, { placement });
    return { body: { products: chosen } };
  };

  return [
    {
      method: 'GET',
      path: '/users/{id}/recommendations',
      handle: ({ params }) => rank(params.id ?? 'guest', 'home', 6),
    },
    {
      method: 'GET',
      path: '/products/{id}/similar',
      handle: ({ params }) => rank(params.id ?? '', 'product', 4),
    },
  ];
};
