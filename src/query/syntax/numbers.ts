/** Numbers as text: Go's literals in, Go's formats out. */

/**
 * A number as Go reads it: an integer with prefix (0x, 0o, 0b, leading 0 = octal) and underscores first, then a
 * float (decimal or hexadecimal with p exponent, inf, nan). Undefined when it is neither.
 */
export function parseGoNumber(text: string): number | undefined {
  const integer = parseGoInteger(text);
  if (integer !== undefined) return integer;
  return parseGoFloat(text);
}

const INT64_LIMIT = 1n << 63n;

function parseGoInteger(text: string): number | undefined {
  const parts = /^([+-]?)(0[xX]|0[oO]|0[bB]|0(?=[0-9_]))?([0-9a-fA-F_]+)$/.exec(text);
  if (parts === null) return undefined;
  const [, sign, prefix, body] = parts as unknown as [string, string, string | undefined, string];
  // Underscores stand between digits or between the prefix and a digit.
  if (body.endsWith('_') || body.includes('__') || (prefix === undefined && body.startsWith('_')))
    return undefined;
  const digits = body.replaceAll('_', '');
  let radix = '';
  if (prefix !== undefined) radix = prefix.length === 1 ? '0o' : prefix.toLowerCase();
  const valid =
    radix === '0x' ? /^[0-9a-fA-F]+$/ : radix === '0o' ? /^[0-7]+$/ : radix === '0b' ? /^[01]+$/ : /^\d+$/;
  if (!valid.test(digits)) return undefined;
  const value = BigInt(radix + digits);
  if (value > INT64_LIMIT || (value === INT64_LIMIT && sign !== '-')) return undefined;
  return sign === '-' ? Number(-value) : Number(value);
}

/** Go's strconv.ParseFloat; undefined when the text is no float. Overflow gives an infinity. */
export function parseGoFloat(text: string): number | undefined {
  if (/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return Number(text);
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special !== null) {
    if ((special[2] as string).toLowerCase() === 'nan') return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const hex = /^([+-]?)0[xX]_?([0-9a-fA-F_]*)(?:\.([0-9a-fA-F_]*))?[pP]([+-]?\d+)$/.exec(text);
  if (hex !== null) {
    const whole = (hex[2] as string).replaceAll('_', '');
    const fraction = (hex[3] ?? '').replaceAll('_', '');
    if (whole + fraction === '') return undefined;
    const value = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(hex[4]) - 4 * fraction.length);
    return hex[1] === '-' ? -value : value;
  }
  return undefined;
}

/** As Go's FormatFloat(v, 'f', -1, 64): shortest digits, never an exponent. */
export function formatPlain(value: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const text = String(value);
  const e = text.indexOf('e');
  if (e < 0) return text;
  const exponent = Number(text.slice(e + 1));
  const sign = text[0] === '-' ? '-' : '';
  const [whole, fraction = ''] = text.slice(sign.length, e).split('.') as [string, string?];
  const digits = whole + fraction;
  const point = whole.length + exponent;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length);
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** As Go's %g and FormatFloat(v, 'g', -1, 64): exponent below 1e-4 and from 1e21 on. */
export function formatGeneral(value: number): string {
  if (!Number.isFinite(value)) return formatSpecial(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const e = Number(exponent);
  if (e < -4 || e >= 21) return `${mantissa}e${e < 0 ? '-' : '+'}${String(Math.abs(e)).padStart(2, '0')}`;
  return formatPlain(value);
}

/** A sample's value in Prometheus's JSON (without the quotes): exponent below 1e-6 and from 1e21 on. */
export function formatSample(value: number): string {
  const text = String(value);
  const c = text.charCodeAt(text.length - 1);
  // NaN and Infinity end in a letter.
  if (c > 57) return formatSpecial(value);
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  if (text.length < 4) return text;
  const e = text.indexOf('e');
  // JavaScript changes to exponents at the same values, but writes 1e-7 for Go's 1e-07.
  if (e < 0 || text.length - e > 3) return text;
  return `${text.slice(0, e + 2)}0${text.slice(e + 2)}`;
}

function formatSpecial(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
