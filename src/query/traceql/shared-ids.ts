/**
 * Spans that share an id: some tracers give the client's and the server's side of a call the same one. When a trace
 * is shown, the server's side gets an id of its own and hangs below the client's.
 */

import type { Span } from '../../model/select-spans.ts';

const KIND_SERVER = 2;
const KIND_CLIENT = 3;

/** The spans of one trace with an id each; spans that need no change stay the same objects. */
export function splitSharedIds(spans: readonly Span[]): readonly Span[] {
  const ids = new Set<string>();
  const clients = new Set<string>();
  for (const span of spans) {
    ids.add(span.spanId);
    if (span.kind === KIND_CLIENT) clients.add(span.spanId);
  }
  if (ids.size === spans.length) return spans;
  const renamed = new Map<string, string>();
  let last = 0n;
  const own = spans.map((span): Span => {
    if (span.kind !== KIND_SERVER || !clients.has(span.spanId)) return span;
    let id: string;
    do id = (++last).toString(16).padStart(16, '0');
    while (ids.has(id));
    renamed.set(span.spanId, id);
    return { ...span, spanId: id, parentId: span.spanId };
  });
  if (renamed.size === 0) return spans;
  // What hung below the shared id hangs below the server's side.
  return own.map((span) => {
    const parentId = renamed.get(span.parentId);
    return parentId === undefined || parentId === span.spanId ? span : { ...span, parentId };
  });
}
