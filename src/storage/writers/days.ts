/** Days of nanosecond times, exact although numbers are not. */

const DAY_NS = 86_400e9;
const DAY_NS_BIG = 86_400_000_000_000n;

/** The day, counted from the epoch, of an int64 time in nanoseconds given as two uint32 halves. */
export function dayOfNs(low: number, high: number): number {
  const days = ((high | 0) * 4294967296 + low) / DAY_NS;
  const day = Math.floor(days);
  const fraction = days - day;
  // A double is exact to about 300 ns here: only times close to midnight need whole numbers.
  if (fraction > 1e-9 && fraction < 1 - 1e-9) return day;
  const ns = BigInt.asIntN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
  const whole = ns / DAY_NS_BIG;
  return Number(ns < 0n && whole * DAY_NS_BIG !== ns ? whole - 1n : whole);
}
