// The URL is the state: location as a React store over the History API, links, and query
// parameters as state. Knows no routes.
import {
  type AnchorHTMLAttributes,
  type MouseEvent,
  useCallback,
  useMemo,
  useSyncExternalStore,
} from 'react';

const listeners = new Set<() => void>();
let started = false;

function notify(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (!started) {
    started = true;
    window.addEventListener('popstate', notify);
  }
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Goes to a URL of this application. `replace` leaves no entry in the history. */
export function navigate(href: string, options: { replace?: boolean } = {}): void {
  const target = new URL(href, window.location.href);
  const next = target.pathname + target.search + target.hash;
  const now = window.location.pathname + window.location.search + window.location.hash;
  if (next === now) return;
  const samePage = target.pathname === window.location.pathname;
  if (options.replace) window.history.replaceState(null, '', next);
  else window.history.pushState(null, '', next);
  if (!samePage) window.scrollTo(0, 0);
  notify();
}

export function usePathname(): string {
  return useSyncExternalStore(subscribe, () => window.location.pathname);
}

export function useSearch(): string {
  return useSyncExternalStore(subscribe, () => window.location.search);
}

export function useSearchParams(): URLSearchParams {
  const search = useSearch();
  return useMemo(() => new URLSearchParams(search), [search]);
}

/** Changes query parameters of the present page; `null` and '' remove one. */
export function updateSearch(
  changes: Readonly<Record<string, string | null | undefined>>,
  options: { replace?: boolean } = {},
): void {
  const params = new URLSearchParams(window.location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '') params.delete(name);
    else params.set(name, value);
  }
  const search = params.toString();
  navigate(window.location.pathname + (search ? `?${search}` : '') + window.location.hash, options);
}

/** One query parameter as state: `[value, set]`; absent reads as the fallback. */
export function useParam(name: string, fallback: string): [string, (value: string) => void] {
  const value = useSearchParams().get(name) ?? fallback;
  const set = useCallback(
    (next: string) => updateSearch({ [name]: next === fallback ? null : next }),
    [name, fallback],
  );
  return [value, set];
}

export interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  href: string;
  replace?: boolean;
}

/** An anchor that changes the page without loading it anew. Modified clicks stay the browser's. */
export function Link({ href, replace = false, onClick, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || rest.target) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href, { replace });
  };
  return (
    <a href={href} onClick={follow} {...rest}>
      {children}
    </a>
  );
}
