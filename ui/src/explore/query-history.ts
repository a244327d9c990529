// Queries that ran on this browser, newest first, per language. Storage may be blocked: then they
// last as long as the page.
import type { QueryLanguage } from '../app/links.ts';

const storageKey = 'trivium.history';
const maxPerLanguage = 40;

export interface PastQuery {
  lang: QueryLanguage;
  query: string;
  atMs: number;
}

/** The list with a query put first; equal ones and the oldest beyond the limit go. Pure. */
export function withQuery(list: readonly PastQuery[], entry: PastQuery): PastQuery[] {
  const text = entry.query.trim();
  if (text === '') return [...list];
  const others = list.filter((past) => past.lang !== entry.lang || past.query !== text);
  let count = 1;
  const kept = others.filter((past) => past.lang !== entry.lang || ++count <= maxPerLanguage);
  return [{ ...entry, query: text }, ...kept];
}

let memory: PastQuery[] = [];

function isPastQuery(value: unknown): value is PastQuery {
  const past = value as Partial<PastQuery> | null;
  return typeof past?.query === 'string' && typeof past.lang === 'string' && typeof past.atMs === 'number';
}

export function readHistory(): PastQuery[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]');
    if (Array.isArray(stored)) memory = stored.filter(isPastQuery);
  } catch {
    // blocked or damaged: keep what the page knows
  }
  return memory;
}

export function remember(lang: QueryLanguage, query: string): void {
  memory = withQuery(readHistory(), { lang, query, atMs: Date.now() });
  try {
    localStorage.setItem(storageKey, JSON.stringify(memory));
  } catch {
    // not remembered beyond the page
  }
}
