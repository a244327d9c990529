/** Numbers written as Go's strconv writes them. Knows nothing of templates. */

/**
 * strconv.FormatFloat(value, format, precision, 64). A precision of -1 means the fewest digits that give the same
 * number back; %g then uses an exponent below 1e-4 and from 1e6 on.
 */
export function formatFloat(value: number, format: 'e' | 'f' | 'g', precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  const negative = value < 0 || Object.is(value, -0);
  const magnitude = Math.abs(value);
  return (negative ? '-' : '') + formatMagnitude(magnitude, format, precision);
}

function formatMagnitude(value: number, format: 'e' | 'f' | 'g', precision: number): string {
  switch (format) {
    case 'e':
      return goExponent(
        precision < 0 ? value.toExponential() : value.toExponential(Math.min(precision, 100)),
      );
    case 'f':
      return precision < 0 ? plain(value) : fixed(value, Math.min(precision, 100));
    case 'g': {
      if (precision < 0) {
        const shortest = value.toExponential();
        const power = Number(shortest.slice(shortest.indexOf('e') + 1));
        if (power < -4 || power >= 6) return goExponent(shortest);
        return plain(value);
      }
      const significant = Math.max(1, Math.min(precision, 100));
      const text = value.toExponential(significant - 1);
      const exponent = Number(text.slice(text.indexOf('e') + 1));
      if (exponent < -4 || exponent >= significant) return goExponent(stripZeros(text));
      return stripZeros(fixed(value, Math.max(0, significant - 1 - exponent)));
    }
  }
}

/** JavaScript's toFixed gives up from 1e21 on; Go does not. */
function fixed(value: number, decimals: number): string {
  if (value < 1e21) return value.toFixed(decimals);
  return decimals > 0 ? `${BigInt(value)}.${'0'.repeat(decimals)}` : String(BigInt(value));
}

function stripZeros(text: string): string {
  const at = text.indexOf('e');
  const mantissa = at < 0 ? text : text.slice(0, at);
  const rest = at < 0 ? '' : text.slice(at);
  if (!mantissa.includes('.')) return text;
  return mantissa.replace(/\.?0+$/, '') + rest;
}

/** Go writes at least two digits of exponent. */
function goExponent(text: string): string {
  const at = text.indexOf('e');
  const sign = text[at + 1] as string;
  const digits = text.slice(at + 2);
  return `${text.slice(0, at)}e${sign}${digits.length < 2 ? `0${digits}` : digits}`;
}

/** The shortest digits without an exponent. */
function plain(value: number): string {
  const text = String(value);
  if (!text.includes('e')) return text;
  const [mantissa = '', exponentText = '0'] = text.split('e');
  const exponent = Number(exponentText);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = whole + fraction;
  const point = whole.length + exponent;
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return digits + '0'.repeat(point - digits.length);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}
