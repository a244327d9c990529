// A page that was loaded before an update asks for chunks that are gone. It loads itself anew, once a
// minute at most, so that a chunk that is truly missing shows as an error instead of a loop.

const storageKey = 'trivium.reloaded';
const pauseMs = 60_000;

/** Listens for chunks that cannot be loaded. */
export function reloadWhenStale(): void {
  window.addEventListener('vite:preloadError', (event) => {
    try {
      const last = Number(sessionStorage.getItem(storageKey) ?? 0);
      if (Date.now() - last < pauseMs) return;
      sessionStorage.setItem(storageKey, String(Date.now()));
    } catch {
      return; // without storage a loop could not be told
    }
    event.preventDefault();
    window.location.reload();
  });
}
