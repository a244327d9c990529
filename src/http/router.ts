/** Routes of a dialect to handlers. Static paths win over `:name` segments, those over a trailing wildcard. */

import type { HttpHandler, Route } from './handler.ts';

interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly string[];
  readonly wildcard: boolean;
}

export type RouteMatch =
  | {
      readonly kind: 'found';
      readonly route: Route;
      readonly handler: HttpHandler;
      readonly params: Record<string, string>;
    }
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' };

/** Compiled routes; `match` is called for each request. */
export class Router {
  readonly #static = new Map<string, Route[]>();
  readonly #dynamic: CompiledRoute[] = [];

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const wildcard = route.path.endsWith('/*');
      const segments = (wildcard ? route.path.slice(0, -2) : route.path).split('/').slice(1);
      if (!wildcard && !segments.some((segment) => segment.startsWith(':'))) {
        const list = this.#static.get(route.path);
        if (list === undefined) this.#static.set(route.path, [route]);
        else list.push(route);
      } else {
        this.#dynamic.push({ route, segments, wildcard });
      }
    }
    this.#dynamic.sort(
      (a, b) => Number(a.wildcard) - Number(b.wildcard) || b.segments.length - a.segments.length,
    );
  }

  /** `path` is still percent-encoded; parameters come decoded. A malformed escape matches nothing. */
  match(method: string, path: string): RouteMatch {
    const allow = new Set<string>();
    const wanted = method === 'HEAD' ? 'GET' : method;
    for (const route of this.#static.get(path) ?? []) {
      if (route.methods.includes(wanted)) return { kind: 'found', route, handler: route.handler, params: {} };
      for (const name of route.methods) allow.add(name);
    }
    const parts = path.split('/').slice(1);
    for (const { route, segments, wildcard } of this.#dynamic) {
      const params = matchSegments(segments, wildcard, parts);
      if (params === undefined) continue;
      if (route.methods.includes(wanted)) return { kind: 'found', route, handler: route.handler, params };
      for (const name of route.methods) allow.add(name);
    }
    return allow.size > 0 ? { kind: 'method', allow: [...allow] } : { kind: 'none' };
  }
}

function matchSegments(
  segments: readonly string[],
  wildcard: boolean,
  parts: readonly string[],
): Record<string, string> | undefined {
  if (wildcard ? parts.length < segments.length : parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  try {
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i] as string;
      const part = parts[i] as string;
      if (segment.startsWith(':')) {
        if (part === '') return undefined;
        params[segment.slice(1)] = decodeURIComponent(part);
      } else if (segment !== part) {
        return undefined;
      }
    }
    // The wildcard stays encoded: a slash inside a segment must remain distinguishable (Pushgateway's paths).
    if (wildcard) params['*'] = parts.slice(segments.length).join('/');
  } catch {
    return undefined;
  }
  return params;
}
