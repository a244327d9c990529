/** Time as scraping and discovery see it, so that tests can simulate days of it. */

/** Something that can be cancelled. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall clock, milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds that only ever go on, at their own pace, from any beginning. */
  monotonic(): number;
  /** Calls back once after so many milliseconds. */
  after(ms: number, callback: () => void): Timer;
  /** Resolves when other work had a turn. */
  yield(): Promise<void>;
}

/** The real one. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms, callback) {
      // Longer times than this would be taken for 1 ms.
      const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
      return { cancel: () => clearTimeout(timer) };
    },
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  };
}
