/** The catalog: lists, single products, search. Fault here: N+1 queries when listing. */
import { metrics, ValueType } from '@opentelemetry/api';
import { Database } from '../database.ts';
import { faultEnabled } from '../faults.ts';
import { categories, type Product, productById, products } from '../goods.ts';
import { ServiceError } from '../http.ts';
import { log } from '../log.ts';
import type { ServiceFactory } from '../service.ts';

export const catalog: ServiceFactory = () => {
  const database = new Database('catalog-db');
  const meter = metrics.getMeter('shop.catalog');
  const searches = meter.createCounter('catalog.searches', {
    unit: '{search}',
    description: 'Searches by whether they found anything.',
    valueType: ValueType.INT,
  });
  const views = meter.createCounter('catalog.product.views', {
    unit: '{view}',
    description: 'Product look-ups by category.',
    valueType: ValueType.INT,
  });

  const readPrices = async (listed: readonly Product[]): Promise<void> => {
    if (faultEnabled('n-plus-one')) {
      for (const _ of listed) {
        await database.query({
          operation: 'SELECT',
          collection: 'prices',
          text: 'SELECT price_cents FROM prices WHERE product_id = $1',
          medianMs: 3,
          rows: 1,
        });
      }
      log('debug', 'prices read one by one', { queries: listed.length });
      return;
    }
    await database.query({
      operation: 'SELECT',
      collection: 'prices',
      text: 'SELECT product_id, price_cents FROM prices WHERE product_id = ANY($1)',
      medianMs: 4,
      rows: listed.length,
    });
  };

  const list = async (listed: readonly Product[], where: string): Promise<{ body: unknown }> => {
    await database.query({
      operation: 'SELECT',
      collection: 'products',
      text: `SELECT id, name, category FROM products ${where}`.trim(),
      medianMs: 6,
      rows: listed.length,
    });
    await readPrices(listed);
    return { body: { products: listed } };
  };

  return [
    {
      method: 'GET',
      path: '/products',
      handle: async ({ query }) => {
        const category = query.get('category');
        if (category === null) return list(products, '');
        if (!categories.some((known) => known === category)) throw new ServiceError(404, 'no such category');
        return list(
          products.filter((product) => product.category === category),
          'WHERE category = $1',
        );
      },
    },
    {
      method: 'GET',
      path: '/products/{id}',
      handle: async ({ params }) => {
        const id = params.id ?? '';
        await database.query({
          operation: 'SELECT',
          collection: 'products',
          text: 'SELECT p.*, r.price_cents FROM products p JOIN prices r ON r.product_id = p.id WHERE p.id = $1',
          medianMs: 3,
          rows: productById.has(id) ? 1 : 0,
        });
        const product = productById.get(id);
        if (!product) {
          log('warn', 'product not found', {}, { 'product.id': id });
          throw new ServiceError(404, `no product ${id}`);
        }
        views.add(1, { 'product.category': product.category });
        log('info', `product ${product.name}`, { price_cents: product.priceCents }, { 'product.id': id });
        return { body: product };
      },
    },
    {
      method: 'GET',
      path: '/search',
      handle: async ({ query }) => {
        const words = (query.get('q') ?? '').toLowerCase().slice(0, 60);
        const found = products.filter((product) => product.name.toLowerCase().includes(words)).slice(0, 20);
        await database.query({
          operation: 'SELECT',
          collection: 'products',
          text: 'SELECT id, name, category FROM products WHERE search @@ plainto_tsquery($1) LIMIT 20',
          medianMs: 14,
          rows: found.length,
        });
        searches.add(1, { found: found.length > 0 });
        log('info', `search "${words}"`, { results: found.length });
        return { body: { products: found } };
      },
    },
  ];
};
