// The time range of the page from the URL (`from`, `to`, `refresh`), resolved against a "now" that
// moves only when something is to be fetched anew, so that all parts of a page show the same range.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from 'react';
import { updateSearch, useSearchParams } from '../app/router.tsx';
import { defaultRange, parseDurationMs, type RawRange, type ResolvedRange, resolveRange } from './range.ts';

export interface TimeState {
  raw: RawRange;
  /** In ms since 1970. Stable until the range changes or something reloads. */
  range: ResolvedRange;
  /** Set if the URL's range cannot be read; the default range is shown instead. */
  invalid: boolean;
  /** Grows with every reload; a dependency for effects that fetch. */
  tick: number;
  /** Period of automatic reloads as in the URL ('' = off). */
  refresh: string;
  setRange: (raw: RawRange, options?: { replace?: boolean }) => void;
  setRefresh: (period: string) => void;
  reload: () => void;
}

const Context = createContext<TimeState | null>(null);

const minRefreshMs = 1000;

export function TimeProvider({ children }: { children: ReactNode }) {
  const params = useSearchParams();
  const from = params.get('from') ?? defaultRange.from;
  const to = params.get('to') ?? defaultRange.to;
  const refresh = params.get('refresh') ?? '';
  const [now, setNow] = useState(() => ({ ms: Date.now(), tick: 0 }));

  const reload = useCallback(() => setNow((before) => ({ ms: Date.now(), tick: before.tick + 1 })), []);

  const refreshMs = parseDurationMs(refresh);
  useEffect(() => {
    if (!refreshMs) return;
    const timer = setInterval(
      () => {
        if (!document.hidden) reload();
      },
      Math.max(minRefreshMs, refreshMs),
    );
    return () => clearInterval(timer);
  }, [refreshMs, reload]);

  // A relative range that is chosen later counts from that moment, not from the page's load.
  const [seen, setSeen] = useState({ from, to });
  if (seen.from !== from || seen.to !== to) {
    setSeen({ from, to });
    setNow((before) => ({ ms: Date.now(), tick: before.tick }));
  }

  const state = useMemo<TimeState>(() => {
    const raw = { from, to };
    const resolved = resolveRange(raw, now.ms);
    const fallback = resolveRange(defaultRange, now.ms);
    const range = resolved ?? fallback ?? { fromMs: now.ms - 1_800_000, toMs: now.ms };
    return {
      raw: resolved ? raw : defaultRange,
      range,
      invalid: resolved === null,
      tick: now.tick,
      refresh,
      setRange: (next, options) => updateSearch({ from: next.from, to: next.to }, options),
      setRefresh: (period) => updateSearch({ refresh: period }, { replace: true }),
      reload,
    };
  }, [from, to, refresh, now, reload]);

  return <Context value={state}>{children}</Context>;
}

export function useTime(): TimeState {
  const state = useContext(Context);
  if (!state) throw new Error('useTime outside of TimeProvider');
  return state;
}
