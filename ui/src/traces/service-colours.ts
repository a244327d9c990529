/**
 * Colours of services: from the name's hash, so that a service keeps its colour from trace to trace, and far
 * enough from the others on the same page. Pure; the colours are plain text for CSS and canvas alike.
 */

/**
 * Every colour stands out at least 3:1 from the surfaces of both themes, the least that WCAG 2 (1.4.11) asks
 * of graphics. Chosen one by one as the farthest (in OKLab, up to a calm chroma) from those before it and from
 * the red of errors.
 */
export const SERVICE_COLOURS: readonly string[] = [
  '#3b82c4',
  '#587902',
  '#a4559e',
  '#98906d',
  '#866258',
  '#057c79',
  '#957cdb',
  '#c2681f',
  '#099b6a',
  '#bf7593',
  '#6962a2',
  '#838eae',
  '#989401',
  '#927302',
  '#0095a0',
];

/** FNV-1a, 32 bits, over UTF-16 units. */
export function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** Places in the palette that were given out before, by name. */
export type ColourMemory = Map<string, number>;

/** Asked in turn: well apart, then only different, then any. More distance would move more services from their own. */
const APART = [0.1, 0.0001, -1];

/**
 * A colour per service; the same set of names gets the same colours, whatever their order: that of the hash,
 * or the next one in the palette that differs well from those already given. With a memory, a service keeps
 * the colour that it had on an earlier page unless another one of this page has it.
 */
export function serviceColours(
  names: Iterable<string>,
  memory: ColourMemory = new Map(),
): ReadonlyMap<string, string> {
  const size = SERVICE_COLOURS.length;
  const taken: number[] = [];
  const out = new Map<string, string>();
  const free = (wanted: number, apart: number): number => {
    for (let step = 0; step < size; step++) {
      const at = (wanted + step) % size;
      if (taken.every((other) => distance(at, other) >= apart)) return at;
    }
    return -1;
  };
  const give = (name: string, wanted: number, levels: readonly number[]): void => {
    let at = -1;
    for (let i = 0; at === -1; i++) at = free(wanted, levels[i]!);
    taken.push(at);
    out.set(name, SERVICE_COLOURS[at]!);
    if (!memory.has(name)) memory.set(name, at);
  };
  const sorted = [...new Set(names)].sort();
  for (const name of sorted) {
    const before = memory.get(name);
    if (before !== undefined) give(name, before, APART.slice(1));
  }
  for (const name of sorted) if (!out.has(name)) give(name, hashName(name) % size, APART);
  return out;
}

/** Distance of two places of the palette in OKLab. */
export function distance(a: number, b: number): number {
  const x = OKLAB[a]!;
  const y = OKLAB[b]!;
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

const OKLAB = SERVICE_COLOURS.map(oklab);

/** Björn Ottosson's OKLab of an sRGB colour `#rrggbb`. */
function oklab(colour: string): readonly [number, number, number] {
  const channel = (at: number): number => {
    const c = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  const [r, g, b] = [channel(1), channel(3), channel(5)];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}
