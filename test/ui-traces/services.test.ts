import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { distance, SERVICE_COLOURS, serviceColours } from '../../ui/src/traces/service-colours.ts';
import { summarizeServices } from '../../ui/src/traces/services.ts';
import { criticalPath, selfTimes } from '../../ui/src/traces/timing.ts';
import { buildTree } from '../../ui/src/traces/tree.ts';
import { MS, spans } from './fixture.ts';

function linear(colour: string): [number, number, number] {
  const channel = (at: number): number => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function luminance(colour: string): number {
  const [r, g, b] = linear(colour);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

test('every colour stands out 3:1 on the surfaces of both themes', () => {
  const tokens = readFileSync(new URL('../../ui/src/design/tokens.css', import.meta.url), 'utf8');
  const surfaces = [...tokens.matchAll(/--surface: (#[0-9a-f]{6})/g)].map((m) => m[1]!);
  assert.equal(surfaces.length, 2);
  for (const surface of surfaces)
    for (const colour of SERVICE_COLOURS)
      assert.ok(contrast(colour, surface) >= 3, `${colour} on ${surface}: ${contrast(colour, surface)}`);
});

test('any two colours can be told apart', () => {
  for (let a = 0; a < SERVICE_COLOURS.length; a++)
    for (let b = 0; b < a; b++)
      assert.ok(distance(a, b) >= 0.07, `${SERVICE_COLOURS[a]} and ${SERVICE_COLOURS[b]}: ${distance(a, b)}`);
});

test('a few services on one page differ well', () => {
  for (let round = 0; round < 300; round++) {
    const names = Array.from({ length: 5 }, (_, i) => `service-${round}-${i}`);
    const places = [...serviceColours(names).values()].map((c) => SERVICE_COLOURS.indexOf(c));
    for (const [i, a] of places.entries())
      for (const b of places.slice(i + 1)) assert.ok(distance(a, b) >= 0.1, names.join());
  }
});

test('colours: the same for the same names, whatever the order', () => {
  const names = ['storefront', 'catalog', 'orders', 'payments', 'inventory', 'größen-berater'];
  assert.deepEqual([...serviceColours(names)].sort(), [...serviceColours([...names].reverse())].sort());
});

test('colours: different for up to as many services as there are colours', () => {
  const names = Array.from({ length: SERVICE_COLOURS.length }, (_, i) => `service-${i}`);
  assert.equal(new Set(serviceColours(names).values()).size, SERVICE_COLOURS.length);
  assert.equal(serviceColours([...names, 'one-more', 'two-more']).size, SERVICE_COLOURS.length + 2);
});

test('colours: remembered from page to page, and still different on one page', () => {
  const memory = new Map();
  const names = Array.from({ length: 14 }, (_, i) => `service-${i}`);
  const all = serviceColours(names, memory);
  for (const name of names) assert.equal(serviceColours([name], memory).get(name), all.get(name));
  // Two that were met apart with the same colour do not share it where they meet.
  const clash = new Map([
    ['a', 3],
    ['b', 3],
  ]);
  assert.equal(new Set(serviceColours(['b', 'a'], clash).values()).size, 2);
});

test('summary by service', () => {
  const tree = buildTree(
    spans(
      { id: 'a', at: [0, 10], service: 'shop', kind: 'server' },
      { id: 'b', parent: 'a', at: [1, 9], service: 'shop', kind: 'client' },
      { id: 'c', parent: 'b', at: [2, 8], service: 'stock', kind: 'server', status: 'error' },
      { id: 'd', parent: 'a', at: [3, 5], service: 'audit' },
    ),
  );
  const summary = summarizeServices(tree, selfTimes(tree), criticalPath(tree));
  assert.deepEqual(
    summary.map((s) => [s.service, s.spans, s.errors, s.selfNs / MS, s.criticalNs / MS, s.longestNs / MS]),
    [
      ['stock', 1, 1, 6, 6, 6],
      ['shop', 2, 0, 4, 4, 10],
      ['audit', 1, 0, 2, 0, 2],
    ],
  );
});
