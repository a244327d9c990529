/** Random numbers from a seed (SEED in the environment, else the time): a failure can be repeated. */

export const seed = Number(process.env.SEED ?? Date.now() % 1_000_000_007);

/** mulberry32: numbers in [0, 1). */
export function randomFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
