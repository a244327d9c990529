// What the palette offers for a text: pages, services, and the trace of an id. Pure.
import { exploreHref, quoteLiteral, searchHref, type TimeParams, traceHref } from './links.ts';

export interface PaletteEntry {
  label: string;
  detail: string;
  href: string;
}

const pages: readonly (readonly [string, string])[] = [
  ['Services', '/'],
  ['Explore metrics', '/explore?lang=promql'],
  ['Explore logs', '/explore?lang=logql'],
  ['Explore traces', '/explore?lang=traceql'],
  ['Search traces', '/search'],
  ['Status', '/status'],
];

/** A trace id as people copy it: 16 or 32 hexadecimal digits, dashes of a UUID, or a traceparent header. */
export function traceIdIn(text: string): string | null {
  const trimmed = text.trim().toLowerCase();
  const parent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(trimmed);
  if (parent?.[1]) return parent[1];
  const plain = trimmed.replaceAll('-', '');
  return /^([0-9a-f]{16}|[0-9a-f]{32})$/.test(plain) ? plain : null;
}

function serviceEntries(service: string, time: TimeParams): PaletteEntry[] {
  const name = quoteLiteral(service);
  return [
    {
      label: service,
      detail: 'traces',
      href: searchHref({ q: `{ resource.service.name = ${name} }`, ...time }),
    },
    {
      label: service,
      detail: 'logs',
      href: exploreHref({ lang: 'logql', q: `{service_name=${name}}`, ...time }),
    },
    {
      label: service,
      detail: 'errors',
      href: searchHref({ q: `{ resource.service.name = ${name} && status = error }`, ...time }),
    },
  ];
}

/** Letters in order, not necessarily together; lower is better; null if they are not all there. */
export function matchScore(text: string, wanted: string): number | null {
  const haystack = text.toLowerCase();
  const needle = wanted.toLowerCase().replace(/\s+/g, '');
  const direct = haystack.indexOf(wanted.trim().toLowerCase());
  if (direct >= 0) return direct;
  let at = -1;
  let gaps = 0;
  for (const letter of needle) {
    const next = haystack.indexOf(letter, at + 1);
    if (next < 0) return null;
    gaps += next - at - 1;
    at = next;
  }
  return 100 + gaps;
}

const maxEntries = 12;

export function paletteEntries(text: string, services: readonly string[], time: TimeParams): PaletteEntry[] {
  const all = [
    ...pages.map(([label, href]) => ({ label, detail: 'page', href })),
    ...services.flatMap((service) => serviceEntries(service, time)),
  ];
  const wanted = text.trim();
  const found =
    wanted === ''
      ? all
      : all
          .map((entry) => ({ entry, score: matchScore(`${entry.label} ${entry.detail}`, wanted) }))
          .filter((scored): scored is { entry: PaletteEntry; score: number } => scored.score !== null)
          .sort((a, b) => a.score - b.score)
          .map((scored) => scored.entry);
  const id = traceIdIn(text);
  const trace = id === null ? [] : [{ label: id, detail: 'open the trace', href: traceHref(id) }];
  return [...trace, ...found].slice(0, maxEntries);
}
