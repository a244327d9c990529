/**
 * Orders: reserves stock, has the payment made, stores the order and hands it to the queue; learns
 * from the queue when it is packed.
 */
import { metrics, trace, ValueType } from '@opentelemetry/api';
import { Database } from '../database.ts';
import { currentVisit } from '../fate.ts';
import { productById } from '../goods.ts';
import { ServiceError } from '../http.ts';
import { log } from '../log.ts';
import { hash32 } from '../random.ts';
import { type Item, items, type ServiceFactory, text } from '../service.ts';

const keptOrders = 2000;
const inventoryTimeoutMs = 2100;
const paymentTimeoutMs = 4000;

interface Order {
  readonly id: string;
  readonly userId: string;
  readonly items: readonly Item[];
  readonly totalCents: number;
  status: 'placed' | 'packed';
}

export const orders: ServiceFactory = (kit) => {
  const database = new Database('orders-db');
  const queue = kit.openQueue();
  const meter = metrics.getMeter('shop.orders');
  const counter = meter.createCounter('orders', {
    unit: '{order}',
    description: 'Orders by outcome.',
    valueType: ValueType.INT,
  });
  meter
    .createObservableGauge('queue.depth', {
      unit: '{message}',
      description: 'Messages that wait in the queue or are being processed, by topic and consumer group.',
      valueType: ValueType.INT,
    })
    .addCallback((result) => {
      for (const [name, depth] of Object.entries(queue.depths)) {
        const [topic, group] = name.split('/');
        result.observe(depth, {
          'messaging.destination.name': topic ?? '',
          'messaging.consumer.group.name': group ?? '',
        });
      }
    });
  const book = new Map<string, Order>();
  let walkIns = 0;

  const keep = (order: Order): void => {
    book.set(order.id, order);
    const oldest = book.keys().next();
    if (book.size > keptOrders && !oldest.done) book.delete(oldest.value);
  };

  queue.consume({
    topic: 'orders.packed',
    group: 'status',
    window: 8,
    handle: async (message) => {
      const id = text((message.body as { orderId?: unknown }).orderId);
      await database.query({
        operation: 'UPDATE',
        collection: 'orders',
        text: 'UPDATE orders SET status = $2 WHERE id = $1',
        medianMs: 4,
      });
      const order = book.get(id);
      if (order) order.status = 'packed';
      log('info', 'order is on its way', {}, { 'order.id': id });
    },
  });

  const place = async (order: Order, method: string): Promise<void> => {
    await database.query({
      operation: 'INSERT',
      collection: 'orders',
      text: 'INSERT INTO orders (id, user_id, total_cents, status) VALUES ($1, $2, $3, $4)',
      medianMs: 6,
    });
    await kit.peers.call('inventory', {
      method: 'POST',
      template: '/reservations',
      body: { orderId: order.id, items: order.items },
      timeoutMs: inventoryTimeoutMs,
    });
    await kit.peers.call('payments', {
      method: 'POST',
      template: '/payments',
      body: { orderId: order.id, method, amountCents: order.totalCents },
      timeoutMs: paymentTimeoutMs,
    });
    await database.query({
      operation: 'UPDATE',
      collection: 'orders',
      text: 'UPDATE orders SET status = $2 WHERE id = $1',
      medianMs: 4,
    });
    await queue.publish(
      'orders.placed',
      { orderId: order.id, userId: order.userId, items: order.items },
      { 'order.id': order.id },
    );
    keep(order);
  };

  return [
    {
      method: 'POST',
      path: '/orders',
      handle: async ({ body }) => {
        const userId = text(body.userId, 'guest');
        const wanted = items(body.items);
        if (wanted.length === 0) throw new ServiceError(400, 'an order needs items');
        const visit = currentVisit() ?? `walk-in ${Date.now()} ${++walkIns}`;
        const order: Order = {
          id: `ord-${hash32(`${kit.config.seed}|${visit}`).toString(36)}`,
          userId,
          items: wanted,
          totalCents: wanted.reduce(
            (sum, item) => sum + item.quantity * (productById.get(item.productId)?.priceCents ?? 0),
            0,
          ),
          status: 'placed',
        };
        const ids = { 'order.id': order.id, 'user.id': userId };
        trace.getActiveSpan()?.setAttributes({ ...ids, 'order.total_cents': order.totalCents });
        try {
          await place(order, text(body.method, 'card'));
        } catch (error) {
          const status = error instanceof ServiceError ? error.status : 500;
          counter.add(1, { 'order.outcome': status < 500 ? 'refused' : 'failed' });
          log(
            status < 500 ? 'warn' : 'error',
            `order ${status < 500 ? 'refused' : 'failed'}: ${(error as Error).message}`,
            { total_cents: order.totalCents },
            ids,
          );
          if (status >= 500 && status !== 504) throw new ServiceError(502, (error as Error).message);
          throw error;
        }
        counter.add(1, { 'order.outcome': 'placed' });
        log('info', 'order placed', { total_cents: order.totalCents, positions: wanted.length }, ids);
        return {
          status: 201,
          body: { orderId: order.id, status: order.status, totalCents: order.totalCents },
        };
      },
    },
    {
      method: 'GET',
      path: '/orders/{id}',
      handle: async ({ params }) => {
        const id = params.id ?? '';
        await database.query({
          operation: 'SELECT',
          collection: 'orders',
          text: 'SELECT id, status, total_cents FROM orders WHERE id = $1',
          medianMs: 4,
          rows: book.has(id) ? 1 : 0,
        });
        const order = book.get(id);
        if (!order) throw new ServiceError(404, `no order ${id}`);
        log('info', `order is ${order.status}`, {}, { 'order.id': id });
        return { body: { orderId: id, status: order.status, totalCents: order.totalCents } };
      },
    },
  ];
};
