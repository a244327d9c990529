/**
 * The load generator: customers of the shop, arriving by a daily rhythm that is pressed into minutes,
 * each walking through one of a few journeys. The sequence of customers, journeys, products and arrival
 * times follows from the seed alone. Uninstrumented, as browsers mostly are.
 */
import { Agent, request } from 'node:http';
import { categories, paymentMethods, products, userCount } from './goods.ts';
import { Sequence } from './random.ts';

/** Mean number of requests of a journey, from the weights and lengths below; turns requests/s into journeys/s. */
export const requestsPerJourney = 3.58;
const requestTimeoutMs = 15_000;
const maxJourneys = 150;
const maxLagMs = 2000;

export interface TrafficOptions {
  readonly seed: string;
  /** Base URL of the storefront; asked at each request, since a restarted service may have moved. */
  storefrontUrl(): string;
  /** Mean over the day; 0 means no traffic. */
  readonly requestsPerSecond: number;
  /** How long the shop's day takes. */
  readonly dayMs: number;
}

export interface Step {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** Time to think before the step. */
  readonly thinkMs: number;
}

/** One customer's way through the shop. `{order}` in a path stands for the order that the checkout made. */
export interface Journey {
  readonly number: number;
  /** Time after the previous customer's arrival, at the rate of that moment. */
  readonly gapMs: number;
  readonly name: 'browse' | 'search' | 'buy' | 'lost';
  readonly userId: string;
  readonly userAgent: string;
  readonly steps: readonly Step[];
}

const bump = (hour: number, centre: number, width: number): number => {
  const distance = Math.min(Math.abs(hour - centre), 24 - Math.abs(hour - centre));
  return Math.exp(-(distance * distance) / (2 * width * width));
};

/** Load at an hour of the day relative to the day's mean: quiet nights, a peak at noon, a higher one at eight. */
export function dayShape(hour: number): number {
  return (0.35 + 0.75 * bump(hour, 12.5, 2) + 1.25 * bump(hour, 20, 2.6) + 0.3 * bump(hour, 9, 2)) / 0.905;
}

/** The day starts at this hour when the demo starts, about at the mean load. */
export const startHour = 9;

const words = [
  'amber',
  'kettle',
  'cedar',
  'oolong',
  'handbook',
  'quiet',
  'espresso',
  'copper mug',
  'ember',
  'teapot',
];
const agents = ['Firefox/143.0', 'Chrome/141.0', 'Safari/26.0', 'ShopApp/5.2 (Android)', 'ShopApp/5.2 (iOS)'];

/** The endless sequence of journeys; the arrival rate is given per step by the caller's clock. */
export class Customers {
  readonly #random: Sequence;
  #count = 0;

  constructor(seed: string) {
    this.#random = new Sequence(`${seed}|customers`);
  }

  /** The next customer, at this arrival rate. */
  next(journeysPerSecond: number): Journey {
    const random = this.#random;
    const number = ++this.#count;
    const gapMs = random.exponential(journeysPerSecond) * 1000;
    const userId = `user-${random.integer(1, userCount)}`;
    const userAgent = agents[random.integer(0, agents.length - 1)]!;
    const name = random.pick<Journey['name']>([
      { weight: 38, value: 'browse' },
      { weight: 22, value: 'search' },
      { weight: 32, value: 'buy' },
      { weight: 8, value: 'lost' },
    ]);
    const steps: Step[] = [];
    const get = (path: string): void => {
      steps.push({ method: 'GET', path, thinkMs: steps.length === 0 ? 0 : random.integer(300, 1800) });
    };
    const product = (): string => products[Math.floor(random.next() ** 1.7 * products.length)]!.id;
    if (name === 'browse') {
      get('/');
      if (random.next() < 0.5) get('/products');
      else get(`/products?category=${categories[random.integer(0, categories.length - 1)]}`);
      for (let n = random.integer(1, 2); n > 0; n--) get(`/products/${product()}`);
    } else if (name === 'search') {
      get(`/search?q=${encodeURIComponent(words[random.integer(0, words.length - 1)]!)}`);
      get(`/products/${product()}`);
    } else if (name === 'buy') {
      get('/');
      for (let n = random.integer(1, 3); n > 0; n--) {
        const productId = product();
        steps.push({
          method: 'POST',
          path: '/cart/items',
          body: { productId, quantity: random.integer(1, 3) },
          thinkMs: random.integer(300, 1500),
        });
      }
      steps.push({
        method: 'POST',
        path: '/checkout',
        body: { method: random.pick(paymentMethods) },
        thinkMs: random.integer(500, 1500),
      });
      steps.push({ method: 'GET', path: '/orders/{order}', thinkMs: random.integer(500, 2500) });
      if (random.next() < 0.4) get('/orders/{order}');
    } else {
      get(random.next() < 0.5 ? '/products/zz-99' : '/wp-login.php');
    }
    return { number, gapMs, name, userId, userAgent, steps };
  }
}

export interface Traffic {
  /** Requests sent and answers by status class since the start. */
  readonly counts: Readonly<Record<'sent' | 'ok' | 'clientError' | 'serverError' | 'unanswered', number>>;
  /** Hour of the shop's day, 0 to 24. */
  hour(): number;
  stop(): void;
}

/** Starts the customers; they run until stopped. */
export function startTraffic(options: TrafficOptions): Traffic {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const counts = { sent: 0, ok: 0, clientError: 0, serverError: 0, unanswered: 0 };
  const customers = new Customers(options.seed);
  const startMs = performance.now();
  let virtualMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let walking = 0;
  const hourAt = (ms: number): number => (startHour + (ms / options.dayMs) * 24) % 24;

  const ask = (journey: Journey, n: number, step: Step, path: string): Promise<Record<string, unknown>> =>
    new Promise((resolve) => {
      const payload = step.body === undefined ? undefined : JSON.stringify(step.body);
      counts.sent++;
      const outgoing = request(
        new URL(path, options.storefrontUrl()),
        {
          method: step.method,
          agent,
          timeout: requestTimeoutMs,
          headers: {
            'user-agent': journey.userAgent,
            'x-user-id': journey.userId,
            'x-session-id': `s-${journey.number}`,
            baggage: `shop.visit=${journey.number}.${n}`,
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', () => resolve({}));
          response.on('end', () => {
            const status = response.statusCode ?? 0;
            if (status >= 500) counts.serverError++;
            else if (status >= 400) counts.clientError++;
            else counts.ok++;
            if (step.path !== '/checkout') return resolve({});
            try {
              resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>);
            } catch {
              resolve({});
            }
          });
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
      outgoing.on('error', () => {
        counts.unanswered++;
        resolve({});
      });
      outgoing.end(payload);
    });

  const walk = async (journey: Journey): Promise<void> => {
    let orderId: string | undefined;
    for (const [n, step] of journey.steps.entries()) {
      if (step.thinkMs > 0) await new Promise((resolve) => setTimeout(resolve, step.thinkMs));
      if (stopped) return;
      if (step.path.includes('{order}') && orderId === undefined) return;
      const answer = await ask(journey, n + 1, step, step.path.replace('{order}', orderId ?? ''));
      if (typeof answer.orderId === 'string') orderId = answer.orderId;
    }
  };

  const schedule = (): void => {
    if (stopped || options.requestsPerSecond <= 0) return;
    const rate = (options.requestsPerSecond / requestsPerJourney) * dayShape(hourAt(virtualMs));
    const journey = customers.next(rate);
    virtualMs += journey.gapMs;
    const lagMs = performance.now() - startMs - virtualMs;
    // After a pause of the machine: go on from now instead of making up for it in a burst.
    if (lagMs > maxLagMs) virtualMs += lagMs;
    timer = setTimeout(
      () => {
        if (walking < maxJourneys) {
          walking++;
          void walk(journey).finally(() => walking--);
        }
        schedule();
      },
      Math.max(0, startMs + virtualMs - performance.now()),
    );
  };
  schedule();

  return {
    counts,
    hour: () => hourAt(virtualMs),
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      agent.destroy();
    },
  };
}
