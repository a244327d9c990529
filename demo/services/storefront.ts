/**
 * The storefront: what a customer's browser talks to. Gathers pages from the services behind it and
 * leaves out what is only ornament (stock, recommendations) when that fails.
 */
import { metrics, trace, ValueType } from '@opentelemetry/api';
import { paymentMethods } from '../goods.ts';
import { ServiceError, type Visit } from '../http.ts';
import { log } from '../log.ts';
import { type Item, items, type ServiceFactory, text, whole } from '../service.ts';
import { homePage } from './storefront-page.ts';

const ornamentTimeoutMs = 1500;
const keptCarts = 1000;

interface ListedProduct {
  readonly id: string;
  readonly name: string;
  readonly priceCents: number;
}

export const storefront: ServiceFactory = (kit) => {
  const { peers } = kit;
  const meter = metrics.getMeter('shop.storefront');
  const cartSizes = meter.createHistogram('cart.size', {
    unit: '{item}',
    description: 'Items in a cart at checkout.',
    advice: { explicitBucketBoundaries: [1, 2, 3, 5, 8, 13] },
  });
  // A view turns this one into an exponential histogram.
  const checkoutTimes = meter.createHistogram('checkout.duration', {
    unit: 's',
    description: 'Time from the click to the confirmation or the refusal.',
  });
  const openCarts = meter.createUpDownCounter('carts.open', {
    unit: '{cart}',
    description: 'Carts with something in them.',
    valueType: ValueType.INT,
  });
  const carts = new Map<string, Item[]>();

  const visitor = (visit: Visit): string => {
    const userId = text(visit.headers['x-user-id'], 'guest');
    const sessionId = text(visit.headers['x-session-id']);
    trace
      .getActiveSpan()
      ?.setAttributes({ 'user.id': userId, ...(sessionId && { 'session.id': sessionId }) });
    return userId;
  };

  /** Something the page can do without: logs the failure and answers with the substitute. */
  const ornament = async <T>(what: string, call: Promise<T>, substitute: T): Promise<T> => {
    try {
      return await call;
    } catch (error) {
      log('warn', `page without ${what}: ${(error as Error).message}`);
      return substitute;
    }
  };

  const recommended = (template: string, id: string): Promise<{ products: ListedProduct[] }> =>
    ornament(
      'recommendations',
      peers.call('recommendations', { template, params: { id }, timeoutMs: ornamentTimeoutMs }),
      { products: [] },
    );

  const putIntoCart = (userId: string, item: Item): Item[] => {
    const cart = carts.get(userId) ?? [];
    if (cart.length === 0) openCarts.add(1);
    cart.push(item);
    carts.set(userId, cart);
    const oldest = carts.keys().next();
    if (carts.size > keptCarts && !oldest.done) emptyCart(oldest.value);
    return cart;
  };
  const emptyCart = (userId: string): void => {
    if (carts.delete(userId)) openCarts.add(-1);
  };

  return [
    {
      method: 'GET',
      path: '/',
      handle: async (visit) => {
        const userId = visitor(visit);
        const [listed, forUser] = await Promise.all([
          peers.call<{ products: ListedProduct[] }>('catalog', {
            template: '/products',
            query: { category: 'coffee' },
          }),
          recommended('/users/{id}/recommendations', userId),
        ]);
        if (visit.headers.accept?.includes('text/html')) {
          const traceId = trace.getActiveSpan()?.spanContext().traceId ?? '';
          return { body: homePage(listed.products, traceId) };
        }
        return { body: { featured: listed.products.slice(0, 8), recommended: forUser.products } };
      },
    },
    {
      method: 'GET',
      path: '/products',
      handle: async (visit) => {
        visitor(visit);
        const category = visit.query.get('category');
        const query = category === null ? {} : { query: { category } };
        return { body: await peers.call('catalog', { template: '/products', ...query }) };
      },
    },
    {
      method: 'GET',
      path: '/products/{id}',
      handle: async (visit) => {
        visitor(visit);
        const id = visit.params.id ?? '';
        trace.getActiveSpan()?.setAttribute('product.id', id);
        const [product, stock, similar] = await Promise.all([
          peers.call<ListedProduct>('catalog', { template: '/products/{id}', params: { id } }),
          ornament<{ quantity?: number }>(
            'stock',
            peers.call('inventory', {
              template: '/stock/{id}',
              params: { id },
              timeoutMs: ornamentTimeoutMs,
            }),
            {},
          ),
          recommended('/products/{id}/similar', id),
        ]);
        return { body: { product, inStock: stock.quantity ?? null, similar: similar.products } };
      },
    },
    {
      method: 'GET',
      path: '/search',
      handle: async (visit) => {
        visitor(visit);
        const q = (visit.query.get('q') ?? '').slice(0, 60);
        return { body: await peers.call('catalog', { template: '/search', query: { q } }) };
      },
    },
    {
      method: 'POST',
      path: '/cart/items',
      handle: async (visit) => {
        const userId = visitor(visit);
        const productId = text(visit.body.productId);
        if (productId === '') throw new ServiceError(400, 'productId is missing');
        await peers.call('catalog', { template: '/products/{id}', params: { id: productId } });
        const cart = putIntoCart(userId, { productId, quantity: whole(visit.body.quantity, 1, 1, 20) });
        log(
          'info',
          'put into cart',
          { positions: cart.length },
          { 'user.id': userId, 'product.id': productId },
        );
        return { status: 201, body: { positions: cart.length } };
      },
    },
    {
      method: 'POST',
      path: '/checkout',
      handle: async (visit) => {
        const userId = visitor(visit);
        const startMs = performance.now();
        const wanted = carts.get(userId) ?? items(visit.body.items);
        if (wanted.length === 0) throw new ServiceError(400, 'the cart is empty');
        const method = text(visit.body.method, paymentMethods[0].value);
        const count = wanted.reduce((sum, item) => sum + item.quantity, 0);
        cartSizes.record(count);
        trace.getActiveSpan()?.setAttributes({ 'cart.size': count, 'payment.method': method });
        let outcome = 'failed';
        try {
          await Promise.all(
            [...new Set(wanted.map((item) => item.productId))].map((id) =>
              peers.call('catalog', { template: '/products/{id}', params: { id } }),
            ),
          );
          const order = await peers.call<{ orderId: string; status: string; totalCents: number }>('orders', {
            method: 'POST',
            template: '/orders',
            body: { userId, items: wanted, method },
            timeoutMs: 8000,
          });
          outcome = 'placed';
          const also = await recommended('/users/{id}/recommendations', userId);
          const traceId = trace.getActiveSpan()?.spanContext().traceId ?? '';
          log(
            'info',
            'checkout done',
            { total_cents: order.totalCents },
            { 'order.id': order.orderId, 'user.id': userId },
          );
          return { status: 201, body: { ...order, trace_id: traceId, recommended: also.products } };
        } catch (error) {
          if (error instanceof ServiceError && error.status < 500) outcome = 'refused';
          throw error;
        } finally {
          emptyCart(userId);
          checkoutTimes.record((performance.now() - startMs) / 1000, {
            'payment.method': method,
            'checkout.outcome': outcome,
          });
        }
      },
    },
    {
      method: 'GET',
      path: '/orders/{id}',
      handle: async (visit) => {
        visitor(visit);
        const id = visit.params.id ?? '';
        trace.getActiveSpan()?.setAttribute('order.id', id);
        return { body: await peers.call('orders', { template: '/orders/{id}', params: { id } }) };
      },
    },
  ];
};
