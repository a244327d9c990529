// The shell: navigation, routes, error boundary. Each page is a chunk of its own.
import { lazy, type ReactNode, Suspense, useCallback, useEffect, useState } from 'react';
import { TimeProvider } from '../time/time-context.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { keepTime } from './links.ts';
import { Nav } from './nav.tsx';
import { NotFound } from './not-found.tsx';
import { navigate, usePathname } from './router.tsx';

const HomePage = lazy(() => import('../home/home-page.tsx'));
const ExplorePage = lazy(() => import('../explore/explore-page.tsx'));
const SearchPage = lazy(() => import('../traces/search-page.tsx'));
const TracePage = lazy(() => import('../traces/trace-page.tsx'));
const StatusPage = lazy(() => import('../status/status-page.tsx'));
const Palette = lazy(() => import('./palette.tsx'));
const DemoPage = lazy(() => import('../demo/demo-page.tsx'));

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function route(path: string): ReactNode {
  const trace = /^\/trace\/([^/]+)\/?$/.exec(path);
  if (trace?.[1]) return <TracePage key={trace[1]} traceId={decode(trace[1])} />;
  switch (path.length > 1 ? path.replace(/\/$/, '') : path) {
    case '/':
      return <HomePage />;
    case '/explore':
      return <ExplorePage />;
    case '/search':
      return <SearchPage />;
    case '/status':
      return <StatusPage />;
    case '/demo':
      return <DemoPage />;
    default:
      return <NotFound path={path} />;
  }
}

const goTo: Record<string, string> = {
  h: '/',
  e: '/explore',
  t: '/search',
  s: '/status',
};

/** `g` followed by a letter goes to a page, unless the user is typing. */
function usePageShortcuts(): void {
  useEffect(() => {
    let pressedAtMs = 0;
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      if (target?.closest('input, textarea, select, [contenteditable="true"]')) return;
      if (event.key === 'g') {
        pressedAtMs = event.timeStamp;
        return;
      }
      const path = goTo[event.key];
      if (path && event.timeStamp - pressedAtMs < 1000) {
        event.preventDefault();
        navigate(keepTime(path, window.location.search));
      }
      pressedAtMs = 0;
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
}

/** Ctrl+K or Cmd+K, also while typing. */
function usePaletteKey(open: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (
        event.key.toLowerCase() !== 'k' ||
        !(event.ctrlKey || event.metaKey) ||
        event.altKey ||
        event.shiftKey
      )
        return;
      event.preventDefault();
      open();
    };
    // Ahead of the editor, which has a use of its own for Ctrl+K on some systems.
    window.addEventListener('keydown', onKey, { capture: true });
    return () => window.removeEventListener('keydown', onKey, { capture: true });
  }, [open]);
}

export function App() {
  const path = usePathname();
  const [palette, setPalette] = useState(false);
  const openPalette = useCallback(() => setPalette(true), []);
  const closePalette = useCallback(() => setPalette(false), []);
  usePageShortcuts();
  usePaletteKey(openPalette);
  return (
    <TimeProvider>
      <div className="shell">
        <a className="skip-link" href="#main">
          Skip to content
        </a>
        <Nav path={path} onSearch={openPalette} />
        <div className="shell-content">
          <ErrorBoundary resetKey={path}>
            <Suspense fallback={<div className="page-loading" aria-busy="true" />}>{route(path)}</Suspense>
          </ErrorBoundary>
        </div>
        {palette && (
          <Suspense fallback={null}>
            <Palette onClose={closePalette} />
          </Suspense>
        )}
      </div>
    </TimeProvider>
  );
}
