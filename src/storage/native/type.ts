/** Type names of ClickHouse ("Map(LowCardinality(String), String)") as trees. */

export interface TypeTree {
  /** The whole text. */
  readonly text: string;
  /** The outermost name: "Map". */
  readonly name: string;
  /** Arguments that are types; the names of tuple elements are dropped. */
  readonly of: readonly TypeTree[];
  /** The raw text between the outermost parentheses. */
  readonly arguments: string;
}

const cache = new Map<string, TypeTree>();

/** Parses a type name. Results are cached (a schema has few types); the cache is bounded. */
export function parseType(text: string): TypeTree {
  let tree = cache.get(text);
  if (tree === undefined) {
    tree = parse(text.trim());
    if (cache.size > 500) cache.clear();
    cache.set(text, tree);
  }
  return tree;
}

const WRAPPERS = new Set(['Array', 'Map', 'Tuple', 'Nullable', 'LowCardinality', 'Nested']);

function parse(text: string): TypeTree {
  const open = text.indexOf('(');
  if (open < 0) return { text, name: text, of: [], arguments: '' };
  const name = text.slice(0, open);
  const inner = text.slice(open + 1, -1);
  if (name === 'SimpleAggregateFunction') {
    const [, type] = split(inner);
    return parse((type ?? '').trim());
  }
  if (!WRAPPERS.has(name)) return { text, name, of: [], arguments: inner };
  const of = split(inner).map((part) => parse(name === 'Tuple' ? dropName(part.trim()) : part.trim()));
  return { text, name, of, arguments: inner };
}

function split(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === "'") quoted = false;
    } else if (c === "'") quoted = true;
    else if (c === '(') depth++;
    else if (c === ')') depth--;
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function dropName(element: string): string {
  const match = /^(`(?:[^`\\]|\\.)*`|[A-Za-z_][A-Za-z0-9_]*) (.+)$/s.exec(element);
  return match === null ? element : (match[2] as string);
}
