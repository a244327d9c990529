/** The stale marker: a NaN with a payload of its own that says "this series ended here". */

/** Low and high 32 bits of the stale marker (0x7ff0000000000002). */
export const STALE_LOW = 0x00000002;
export const STALE_HIGH = 0x7ff00000;

/**
 * Tests float64 bits for the stale marker. Take the bits from typed arrays of the original bytes: a NaN that was
 * held in a JavaScript number may have lost its payload.
 */
export function isStaleBits(low: number, high: number): boolean {
  return low === STALE_LOW && high >>> 0 === STALE_HIGH;
}
