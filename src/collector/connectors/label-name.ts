/** Attribute keys as label names, as Tempo's metrics-generator writes them. */

/** Letters, digits and underscores; `__` goes before a name that is taken already. */
export function labelName(key: string, taken: ReadonlySet<string> = new Set()): string {
  const name = key.replace(/[^a-zA-Z0-9_]/gu, '_');
  return taken.has(name) ? `__${name}` : name;
}
