/** Random numbers from a seed, and random traces that have something for every kind of query. */

import type { Attributes, AttributeValue, Span } from '../../src/model/select-spans.ts';

/** The seed of a test run: SEED from the environment, or a new one, which the test prints. */
export const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.below(16).toString(16);
    return text;
  }
}

const text = (value: string): AttributeValue => ({ type: 'string', value });
const int = (value: number): AttributeValue => ({ type: 'int', value: BigInt(value) });
const double = (value: number): AttributeValue => ({ type: 'double', value });
const bool = (value: boolean): AttributeValue => ({ type: 'bool', value });
const list = (...value: AttributeValue[]): AttributeValue => ({ type: 'array', value });

export const SERVICES = [
  'storefront',
  'catalog',
  'orders',
  'payments-gateway',
  'tax',
  'loyalty',
  'größen-berater',
];
export const NAMES = [
  'GET /',
  'POST /checkout',
  'SELECT rates',
  'POST /charge',
  'train',
  'evaluate',
  '',
  '処理 🛒',
];

function value(random: Random): AttributeValue {
  return random.pick([
    () => text(random.pick(['5', 'true', '', 'eco', 'eu-central', 'null', 'line one\nline two'])),
    () => int(random.pick([0, 5, 6, -7, 200, 500, 12])),
    () => double(random.pick([0, 5, 5.5, -7.25, 450.5, 0.5])),
    () => bool(random.chance(0.5)),
    () => list(int(5), int(6)),
    () => list(text('eco'), text('sale')),
    () => list(double(5), double(6.5)),
    () => list(int(5)),
    (): AttributeValue => ({ type: 'other', json: '{"arrayValue":{}}' }),
    (): AttributeValue => ({ type: 'other', json: '{"kvlistValue":{"values":[]}}' }),
  ])();
}

function attributes(random: Random, names: readonly string[], probability: number): Attributes {
  const found = new Map<string, AttributeValue>();
  for (const name of names) if (random.chance(probability)) found.set(name, value(random));
  return found;
}

export const SPAN_KEYS = [
  'mixed.value',
  'http.status_code',
  'region',
  'cart.items',
  'app order id',
  'name',
  'http.route',
];
export const RESOURCE_KEYS = ['tenant', 'region', 'shared.key', 'k8s.pod.name'];
export const EVENT_KEYS = ['n', 'flag', 'exception.type'];
export const LINK_KEYS = ['link.type', 'link.index'];
export const SCOPE_KEYS = ['library.stability', 'pool.size'];

/** A trace: a tree, sometimes with orphans, several roots, none, or spans that share an id. */
export function randomTrace(random: Random, fromNs: bigint, withinNs: bigint): Span[] {
  const traceId = random.chance(0.1) ? random.hex(16).padStart(32, '0') : random.hex(32);
  const size = 1 + random.below(random.chance(0.1) ? 60 : 8);
  const resources = Array.from({ length: 1 + random.below(3) }, () => ({
    attributes: new Map([
      ['service.name', text(random.pick(SERVICES))],
      ...attributes(random, RESOURCE_KEYS, 0.5),
    ]),
  }));
  const scopes = Array.from({ length: 1 + random.below(2) }, () => ({
    name: random.pick(['shop-db', 'Shop.AspNetCore', '']),
    version: random.pick(['0.7.0', '']),
    attributes: attributes(random, SCOPE_KEYS, 0.4),
  }));
  const start = fromNs + BigInt(Math.floor(random.next() * Number(withinNs)));
  const spans: Span[] = [];
  for (let i = 0; i < size; i++) {
    const parent = spans.length === 0 || random.chance(0.05) ? undefined : random.pick(spans);
    const startNs = start + BigInt(random.below(3_000_000_000));
    const durationNs = random.pick([0n, 1n, 1_000_000n, 1_000_000_000n, BigInt(random.below(2 ** 31))]);
    // Spans that share an id are of different kinds.
    const shared = parent !== undefined && random.chance(0.03) ? parent : undefined;
    const taken = spans.filter(({ spanId }) => spanId === shared?.spanId).map(({ kind }) => kind);
    const kind = random.pick([0, 1, 2, 3, 4, 5].filter((each) => !taken.includes(each)));
    spans.push({
      traceId,
      spanId: shared?.spanId ?? random.hex(16),
      parentId: random.chance(0.05) ? random.hex(16) : (parent?.spanId ?? ''),
      name: random.pick(NAMES),
      kind,
      startNs,
      endNs: startNs + durationNs,
      statusCode: random.pick([0, 0, 1, 2]),
      statusMessage: random.pick(['', '', 'deadlock detected']),
      traceState: '',
      flags: 0,
      attributes: attributes(random, SPAN_KEYS, 0.5),
      events: Array.from({ length: random.chance(0.3) ? random.below(3) : 0 }, () => ({
        timeNs: startNs + BigInt(random.below(2_000_000_000)),
        name: random.pick(['exception', 'retry', 'cache.miss']),
        attributes: attributes(random, EVENT_KEYS, 0.6),
      })),
      links: Array.from({ length: random.chance(0.15) ? 1 + random.below(2) : 0 }, () => ({
        traceId: random.hex(32),
        spanId: random.hex(16),
        traceState: '',
        attributes: attributes(random, LINK_KEYS, 0.6),
      })),
      resource: random.pick(resources),
      scope: random.pick(scopes),
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    });
  }
  return spans;
}
