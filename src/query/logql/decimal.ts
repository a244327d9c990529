/** Decimal arithmetic for the template functions addf, subf, mulf, divf: 0.1 + 0.2 is 0.3 there. */

interface Decimal {
  readonly digits: bigint;
  /** The value is digits / 10^scale. */
  readonly scale: number;
}

/** Digits behind the point that a division keeps. */
const DIVISION_DIGITS = 16;

/** Undefined for NaN and the infinities. */
function fromNumber(value: number): Decimal | undefined {
  if (!Number.isFinite(value)) return undefined;
  const [mantissa = '0', exponent = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

function toNumber({ digits, scale }: Decimal): number {
  return Number(`${digits}e-${scale}`);
}

function align(a: Decimal, b: Decimal): [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale);
  return [a.digits * 10n ** BigInt(scale - a.scale), b.digits * 10n ** BigInt(scale - b.scale), scale];
}

function divide(a: Decimal, b: Decimal): Decimal {
  if (b.digits === 0n) throw new Error('decimal division by 0');
  const [x, y] = align(a, b);
  const scaled = x * 10n ** BigInt(DIVISION_DIGITS);
  let quotient = scaled / y;
  const rest = scaled % y;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  if (twice >= (y < 0n ? -y : y)) quotient += x < 0n === y < 0n ? 1n : -1n;
  return { digits: quotient, scale: DIVISION_DIGITS };
}

/** The values combined from left to right. Throws for a division by zero and for what is no number. */
export function decimalFold(operation: 'add' | 'sub' | 'mul' | 'div', values: readonly number[]): number {
  const decimals = values.map((value) => {
    const decimal = fromNumber(value);
    if (decimal === undefined) throw new Error(`cannot create a Decimal from ${value}`);
    return decimal;
  });
  const result = decimals.reduce((a, b) => {
    switch (operation) {
      case 'mul':
        return { digits: a.digits * b.digits, scale: a.scale + b.scale };
      case 'div':
        return divide(a, b);
      default: {
        const [x, y, scale] = align(a, b);
        return { digits: operation === 'add' ? x + y : x - y, scale };
      }
    }
  });
  return toNumber(result);
}
