/**
 * The inventory: stock, reservations, and packing of placed orders that arrive through the queue.
 * Faults here: a slow database and a connection pool that runs dry.
 */
import { metrics, ValueType } from '@opentelemetry/api';
import { Database } from '../database.ts';
import { currentFate, pause } from '../fate.ts';
import { faultEnabled } from '../faults.ts';
import { productById, products } from '../goods.ts';
import { ServiceError } from '../http.ts';
import { log } from '../log.ts';
import { items, type ServiceFactory, text } from '../service.ts';

const restockBelow = 40;
const restockBy = 160;
const leakMs = 20_000;

export const inventory: ServiceFactory = (kit) => {
  const database = new Database('inventory-db', { poolSize: 10, acquireTimeoutMs: 2000 });
  const queue = kit.openQueue();
  const meter = metrics.getMeter('shop.inventory');
  const stockCounter = meter.createUpDownCounter('inventory.stock', {
    unit: '{item}',
    description: 'Items on stock by category.',
    valueType: ValueType.INT,
  });
  const stock = new Map<string, number>();
  const move = (productId: string, by: number): void => {
    stock.set(productId, (stock.get(productId) ?? 0) + by);
    stockCounter.add(by, { 'product.category': productById.get(productId)?.category ?? 'unknown' });
  };
  products.forEach((product, n) => {
    move(product.id, 60 + ((n * 37) % 140));
  });

  /** Reads the stock table: 3 ms with its index, 0.6 s without; one connection in the pool may be lost. */
  const readStock = (condition: string, rows: number): Promise<void> =>
    database.query(
      {
        operation: 'SELECT',
        collection: 'stock',
        text: `SELECT product_id, quantity FROM stock WHERE ${condition}`,
        medianMs: faultEnabled('slow-database') ? 600 : 3,
        rows,
      },
      faultEnabled('pool-exhaustion') ? leakMs : 0,
    );

  const update = (): Promise<void> =>
    database.query({
      operation: 'UPDATE',
      collection: 'stock',
      text: 'UPDATE stock SET quantity = quantity - $2 WHERE product_id = $1',
      medianMs: 5,
    });

  queue.consume({
    topic: 'orders.placed',
    group: 'packing',
    window: 4,
    handle: async (message) => {
      const { orderId, items: given } = message.body as { orderId?: unknown; items?: unknown };
      const ordered = items(given);
      const id = text(orderId, 'unknown');
      const pickMs = currentFate().latencyMs('pick and pack', 60 + 25 * ordered.length);
      await pause(pickMs);
      for (const { productId, quantity } of ordered) {
        await update();
        if (!stock.has(productId)) continue;
        move(productId, -quantity);
        const left = stock.get(productId)!;
        if (left < restockBelow) {
          move(productId, restockBy);
          log('warn', 'stock low, ordered more', { left, ordered: restockBy }, { 'product.id': productId });
        }
      }
      log('info', 'order packed', { positions: ordered.length }, { 'order.id': id });
      await queue.publish('orders.packed', { orderId: id }, { 'order.id': id });
    },
  });

  return [
    {
      method: 'GET',
      path: '/stock/{id}',
      handle: async ({ params }) => {
        const id = params.id ?? '';
        await readStock('product_id = $1', stock.has(id) ? 1 : 0);
        const quantity = stock.get(id);
        if (quantity === undefined) throw new ServiceError(404, `no product ${id}`);
        log('info', 'stock read', { quantity }, { 'product.id': id });
        return { body: { productId: id, quantity } };
      },
    },
    {
      method: 'POST',
      path: '/reservations',
      handle: async ({ body }) => {
        const orderId = text(body.orderId, 'unknown');
        const wanted = items(body.items);
        await readStock('product_id = ANY($1) FOR UPDATE', wanted.length);
        for (const { productId, quantity } of wanted) {
          if ((stock.get(productId) ?? 0) < quantity) {
            log(
              'warn',
              'not enough on stock',
              { quantity },
              { 'order.id': orderId, 'product.id': productId },
            );
            throw new ServiceError(409, `not enough of ${productId}`);
          }
        }
        await database.query({
          operation: 'INSERT',
          collection: 'reservations',
          text: 'INSERT INTO reservations (order_id, product_id, quantity) VALUES ($1, $2, $3)',
          medianMs: 4,
          rows: wanted.length,
        });
        log('info', 'stock reserved', { positions: wanted.length }, { 'order.id': orderId });
        return { status: 201, body: { orderId, reserved: wanted.length } };
      },
    },
  ];
};
