// Names and values for completion, asked once and kept for a minute; a failing request offers nothing.
const maxAgeMs = 60_000;
const maxEntries = 300;

const entries = new Map<string, { atMs: number; value: Promise<unknown> }>();

/** The answer kept under `key`, else that of `load`. Failures resolve to the fallback and are not kept. */
export function cached<T>(key: string, load: () => Promise<T>, fallback: T): Promise<T> {
  const now = Date.now();
  const known = entries.get(key);
  if (known && now - known.atMs < maxAgeMs) return known.value as Promise<T>;
  const value = load().catch(() => {
    entries.delete(key);
    return fallback;
  });
  entries.set(key, { atMs: now, value });
  if (entries.size > maxEntries) {
    const oldest = entries.keys().next().value;
    if (oldest !== undefined) entries.delete(oldest);
  }
  return value;
}
