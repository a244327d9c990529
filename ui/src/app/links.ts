// Where things are: builds the URLs of Trivium's own pages. Pure.

export type QueryLanguage = 'promql' | 'logql' | 'traceql';

/** `from`/`to` as in the URL: `now-1h`, `now`, or milliseconds since 1970 in decimal. */
export interface TimeParams {
  from?: string | undefined;
  to?: string | undefined;
}

function withParams(path: string, params: Record<string, string | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') search.set(name, value);
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** The Explore page with a query in one of the three languages. */
export function exploreHref(
  target: { lang: QueryLanguage; q?: string | undefined; view?: 'table' | undefined } & TimeParams,
): string {
  const { lang, q, from, to, view } = target;
  return withParams('/explore', { lang, q, from, to, view });
}

/** The waterfall of a trace; `spanId` (hex) preselects a span. */
export function traceHref(
  traceId: string,
  options: { spanId?: string | undefined } & TimeParams = {},
): string {
  const path = `/trace/${encodeURIComponent(traceId)}`;
  return withParams(path, { span: options.spanId, from: options.from, to: options.to });
}

/** The trace search page, with a TraceQL query. */
export function searchHref(target: { q?: string | undefined } & TimeParams = {}): string {
  return withParams('/search', { q: target.q, from: target.from, to: target.to });
}

/** `path` with the time parameters of the present search string, so that pages share the range. */
export function keepTime(path: string, search: string): string {
  const params = new URLSearchParams(search);
  return withParams(path, {
    from: params.get('from') ?? undefined,
    to: params.get('to') ?? undefined,
    refresh: params.get('refresh') ?? undefined,
  });
}

/** A string literal for PromQL, LogQL and TraceQL (they share Go's double-quoted form). */
export function quoteLiteral(text: string): string {
  let out = '"';
  for (const char of text) {
    if (char === '"' || char === '\\') out += `\\${char}`;
    else if (char === '\n') out += '\\n';
    else if (char === '\r') out += '\\r';
    else if (char === '\t') out += '\\t';
    else out += char;
  }
  return `${out}"`;
}
