/**
 * What the shop sells and who buys: 100 products in five categories and 400 users, made from word
 * lists so that every run has the same ones. Data only.
 */

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly priceCents: number;
}

export const categories = ['coffee', 'tea', 'kettles', 'mugs', 'books'] as const;

const adjectives = [
  'Amber',
  'Quiet',
  'Northern',
  'Velvet',
  'Copper',
  'Misty',
  'Harbour',
  'Cedar',
  'Linen',
  'Ember',
];
const nouns: Record<(typeof categories)[number], readonly [string, string]> = {
  coffee: ['Roast', 'Blend'],
  tea: ['Oolong', 'Infusion'],
  kettles: ['Kettle', 'Pot'],
  mugs: ['Mug', 'Cup'],
  books: ['Almanac', 'Handbook'],
};
const basePriceCents: Record<(typeof categories)[number], number> = {
  coffee: 890,
  tea: 640,
  kettles: 4500,
  mugs: 1200,
  books: 1990,
};

export const products: readonly Product[] = categories.flatMap((category) =>
  nouns[category].flatMap((noun, n) =>
    adjectives.map((adjective, a) => ({
      id: `${category.slice(0, 2)}-${n}${a}`,
      name: `${adjective} ${noun}`,
      category,
      priceCents: basePriceCents[category] + n * 310 + a * 70,
    })),
  ),
);

export const productById: ReadonlyMap<string, Product> = new Map(products.map((p) => [p.id, p]));

export const userCount = 400;

export const paymentMethods = [
  { weight: 60, value: 'card' },
  { weight: 25, value: 'wallet' },
  { weight: 15, value: 'invoice' },
] as const;
