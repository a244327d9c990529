// A request as React state: aborts what is out of date, keeps the last answer while the next loads.
import { useEffect, useRef, useState } from 'react';
import { type ApiError, isAbort, toApiError } from './http.ts';

export interface RequestState<T> {
  /** The last good answer; stays during a reload with the same `key`. */
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
}

/**
 * Runs `load` whenever `key` or `tick` changes; `key` null means nothing to ask. A new `key` keeps
 * the old answer on the page until the new one is there when `keep` is set, else drops it.
 */
export function useRequest<T>(
  key: string | null,
  load: (signal: AbortSignal) => Promise<T>,
  options: { tick?: number; keep?: boolean } = {},
): RequestState<T> {
  const { tick = 0, keep = false } = options;
  const [state, setState] = useState<RequestState<T> & { key: string | null }>({
    key,
    data: undefined,
    error: undefined,
    loading: key !== null,
  });
  const latest = useRef(load);
  latest.current = load;

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tick` asks for the same again
  useEffect(() => {
    if (key === null) {
      setState({ key, data: undefined, error: undefined, loading: false });
      return;
    }
    const abort = new AbortController();
    setState((before) => {
      const same = before.key === key || keep;
      return {
        key,
        data: same ? before.data : undefined,
        error: same ? before.error : undefined,
        loading: true,
      };
    });
    latest.current(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ key, data, error: undefined, loading: false });
      },
      (error: unknown) => {
        if (abort.signal.aborted || isAbort(error)) return;
        setState((before) => ({
          key,
          data: keep ? before.data : undefined,
          error: toApiError(error),
          loading: false,
        }));
      },
    );
    return () => abort.abort();
  }, [key, tick, keep]);

  // Between a change of `key` and the effect, the old state belongs to the old question.
  if (state.key !== key) {
    return { data: keep ? state.data : undefined, error: undefined, loading: key !== null };
  }
  return state;
}
