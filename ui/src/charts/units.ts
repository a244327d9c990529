// Units of charts: guessed from a query's text, and numbers written in them. Pure.
// A guess is only ever about how numbers are written; it never changes a value.

export type Unit =
  | 'none'
  | 'per-second'
  | 'seconds'
  | 'milliseconds'
  | 'nanoseconds'
  | 'bytes'
  | 'bytes-per-second'
  | 'ratio'
  | 'percent'
  | 'celsius'
  | 'timestamp';

/** Query text without strings, comments and label matchers: only names and operators are left. */
export function skeletonOf(query: string): string {
  return query
    .replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`/g, '""')
    .replace(/#[^\n]*/g, '')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/gi, ' ');
}

const suffixes: readonly [RegExp, Unit][] = [
  [/_timestamp(_seconds)?$|_time_seconds$|_last_\w*seconds$/, 'timestamp'],
  [/_(seconds|duration)$/, 'seconds'],
  [/_(milliseconds|ms)$/, 'milliseconds'],
  [/_nanoseconds$/, 'nanoseconds'],
  [/_(bytes|by)$/, 'bytes'],
  [/_(ratio|utilization)$/, 'ratio'],
  [/_percent(age)?$/, 'percent'],
  [/_celsius$/, 'celsius'],
];

interface MetricName {
  unit: Unit;
  /** `sum`, `count`, `bucket` or `total` where the name ends so. */
  part: string;
}

/** What a metric's name says, by the conventions of Prometheus and OpenMetrics. */
export function metricUnit(name: string): MetricName {
  const part = /_(sum|count|bucket|total|created|info)$/.exec(name)?.[1] ?? '';
  // Dots and dashes of UTF-8 names count as underscores.
  const base = (part ? name.slice(0, -part.length - 1) : name).replace(/[.\-/]/g, '_');
  const found = suffixes.find(([suffix]) => suffix.test(base));
  return { unit: found?.[1] ?? 'none', part };
}

const keywords = new Set(
  'and or unless bool offset start end inf nan by without on ignoring group_left group_right'.split(' '),
);

/** Unit of one operand: the metric names in it and what is done to them. */
function operandUnit(text: string): Unit {
  if (/\bhistogram_(count|fraction)\b/.test(text)) return /fraction/.test(text) ? 'ratio' : 'per-second';
  if (/^\W*(count|group|changes|resets|absent|absent_over_time|count_values)\b/.test(text)) return 'none';
  const rated = /\b(rate|irate|deriv)\s*\(/.test(text);
  const counted = /\b(increase|delta|idelta|count_over_time|changes|resets)\s*\(/.test(text);
  const quantile = /\bhistogram_(quantile|avg|stddev)\b/.test(text);
  const names = [...text.matchAll(/[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)]
    .map((match) => match[0])
    .filter((name) => !keywords.has(name.toLowerCase()) && !/^\d/.test(name));
  const durations = /\[[^\]]*\]/g;
  const found = names.filter((name) => !text.replace(durations, '').includes(`$${name}`)).map(metricUnit);
  const first = found.find((metric) => metric.unit !== 'none') ?? found[0];
  if (!first) return 'none';
  if (quantile) return first.unit;
  if (first.part === 'count' || first.part === 'bucket') return rated ? 'per-second' : 'none';
  if (/\bcount_over_time\s*\(/.test(text)) return 'none';
  if (rated) {
    if (first.unit === 'bytes') return 'bytes-per-second';
    // Seconds per second: a share of time, such as CPU.
    return first.unit === 'none' ? 'per-second' : 'none';
  }
  if (counted && first.unit === 'timestamp') return 'seconds';
  if (first.unit === 'timestamp' && /\btime\s*\(\s*\)/.test(text)) return 'seconds';
  return first.unit;
}

/** Splits at a division outside of parentheses; null if there is none. */
function splitDivision(text: string): [string, string] | null {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '(' || char === '[') depth++;
    else if (char === ')' || char === ']') depth--;
    else if (char === '/' && depth === 0) return [text.slice(0, i), text.slice(i + 1)];
  }
  return null;
}

function stripParens(text: string): string {
  let out = text.trim();
  while (out.startsWith('(') && out.endsWith(')')) {
    let depth = 0;
    let whole = true;
    for (let i = 0; i < out.length - 1; i++) {
      if (out[i] === '(') depth++;
      else if (out[i] === ')') depth--;
      if (depth === 0) whole = false;
    }
    if (!whole) break;
    out = out.slice(1, -1).trim();
  }
  return out;
}

/** The unit in which a PromQL query's result is best written. */
export function guessPromqlUnit(query: string): Unit {
  let text = stripParens(skeletonOf(query).replace(/\[[^\]]*\]/g, '[]'));
  if (/^(100\s*\*)|\*\s*100$/.test(text)) return 'percent';
  if (/(==|!=|>=|<=|>|<)\s*bool\b/.test(text)) return 'none';
  text = text.replace(/(==|!=|>=|<=|>|<)[^()]*$/, '');
  const division = splitDivision(text);
  if (!division) return operandUnit(text);
  const [above, below] = division;
  if (/^\s*\(?\s*[\d.e+-]+\s*\)?\s*$/.test(below)) return 'none'; // scaled by a constant: no telling
  if (/_sum\b/.test(above) && /_count\b/.test(below)) {
    const name = /([a-zA-Z_:][\w:]*)_sum\b/.exec(above)?.[1];
    return name ? metricUnit(name).unit : 'none';
  }
  const units = [operandUnit(above), operandUnit(below)];
  return units[0] === units[1] ? 'ratio' : 'none';
}

/** Likewise for a metric query in LogQL. */
export function guessLogqlUnit(query: string): Unit {
  const text = query.replace(/"(?:\\.|[^"\\])*"|`[^`]*`/g, '""');
  if (splitDivision(text.replace(/\{[^}]*\}/g, ''))) return /\*\s*100/.test(text) ? 'percent' : 'none';
  if (/\bbytes_rate\s*\(/.test(text)) return 'bytes-per-second';
  if (/\bbytes_over_time\s*\(/.test(text)) return 'bytes';
  const unwrap = /\bunwrap\s+(?:(\w+)\s*\(\s*)?([\w.]+)/.exec(text);
  if (unwrap) {
    if (/\b(count_over_time|absent_over_time)\s*\(/.test(text)) return 'none';
    const [, conversion, name] = unwrap;
    let unit: Unit = metricUnit(name ?? '').unit;
    if (conversion === 'duration' || conversion === 'duration_seconds') unit = 'seconds';
    else if (conversion === 'bytes') unit = 'bytes';
    if (/\b(rate|rate_counter)\s*\(/.test(text)) return unit === 'bytes' ? 'bytes-per-second' : 'none';
    return unit;
  }
  return /\brate\s*\(/.test(text) ? 'per-second' : 'none';
}

/** Likewise for a metrics query in TraceQL. Tempo answers durations in seconds. */
export function guessTraceqlUnit(query: string): Unit {
  const text = query.replace(/"(?:\\.|[^"\\])*"|`[^`]*`/g, '""');
  if (/\|\s*(quantile|min|max|avg|sum)_over_time\s*\(\s*(span:)?duration\b/.test(text)) return 'seconds';
  return /\|\s*rate\s*\(/.test(text) ? 'per-second' : 'none';
}

interface Scale {
  divisor: number;
  suffix: string;
}

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const decimal: readonly Scale[] = [
  { divisor: 1e12, suffix: ' T' },
  { divisor: 1e9, suffix: ' G' },
  { divisor: 1e6, suffix: ' M' },
  { divisor: 1e3, suffix: ' k' },
];

function durationScale(magnitude: number): Scale {
  if (magnitude === 0) return { divisor: 1, suffix: ' s' };
  if (magnitude < 1e-6) return { divisor: 1e-9, suffix: ' ns' };
  if (magnitude < 1e-3) return { divisor: 1e-6, suffix: ' µs' };
  if (magnitude < 1) return { divisor: 1e-3, suffix: ' ms' };
  if (magnitude < 120) return { divisor: 1, suffix: ' s' };
  if (magnitude < 7200) return { divisor: 60, suffix: ' min' };
  if (magnitude < 172_800) return { divisor: 3600, suffix: ' h' };
  return { divisor: 86_400, suffix: ' d' };
}

function scaleOf(magnitude: number, unit: Unit): Scale {
  switch (unit) {
    case 'seconds':
      return durationScale(magnitude);
    case 'milliseconds': {
      const scale = durationScale(magnitude / 1e3);
      return magnitude === 0 ? { divisor: 1, suffix: ' ms' } : { ...scale, divisor: scale.divisor * 1e3 };
    }
    case 'nanoseconds': {
      const scale = durationScale(magnitude / 1e9);
      return magnitude === 0 ? { divisor: 1, suffix: ' ns' } : { ...scale, divisor: scale.divisor * 1e9 };
    }
    case 'bytes':
    case 'bytes-per-second': {
      const power = magnitude < 1 ? 0 : Math.min(binary.length - 1, Math.floor(Math.log2(magnitude) / 10));
      return { divisor: 1024 ** power, suffix: ` ${binary[power]}${unit === 'bytes' ? '' : '/s'}` };
    }
    case 'ratio':
      return { divisor: 0.01, suffix: ' %' };
    case 'percent':
      return { divisor: 1, suffix: ' %' };
    case 'celsius':
      return { divisor: 1, suffix: ' °C' };
    default: {
      const scale = decimal.find((s) => magnitude >= s.divisor) ?? { divisor: 1, suffix: '' };
      if (unit !== 'per-second') return scale;
      return { divisor: scale.divisor, suffix: `${scale.suffix}/s` };
    }
  }
}

/** A number with about `digits` significant digits, never in exponent form unless it must be. */
function significant(value: number, digits: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  if (magnitude < 1e-6 || magnitude >= 1e15) return value.toExponential(Math.max(0, digits - 1));
  const decimals = Math.max(0, Math.min(12, digits - 1 - Math.floor(Math.log10(magnitude))));
  const text = value.toFixed(decimals);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A value for tooltips, legends and tables. */
export function formatValue(value: number | null | undefined, unit: Unit, digits = 3): string {
  if (value === null || value === undefined) return '–';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (unit === 'timestamp')
    return new Date(value * 1000)
      .toISOString()
      .replace('T', ' ')
      .replace(/\.\d+Z/, 'Z');
  const scale = scaleOf(Math.abs(value), unit);
  return significant(value / scale.divisor, digits) + scale.suffix;
}

/** Labels of an axis: one scale for all, and as many decimals as tell the ticks apart. */
export function formatTicks(ticks: readonly number[], unit: Unit): string[] {
  const magnitude = Math.max(0, ...ticks.map(Math.abs));
  if (unit === 'timestamp') return ticks.map((tick) => formatValue(tick, unit));
  const scale = scaleOf(magnitude, unit);
  let gap = Number.POSITIVE_INFINITY;
  for (let i = 1; i < ticks.length; i++) gap = Math.min(gap, Math.abs((ticks[i] ?? 0) - (ticks[i - 1] ?? 0)));
  const scaledGap = gap / scale.divisor;
  let decimals = 0;
  if (Number.isFinite(scaledGap) && scaledGap > 0) {
    // The fewest decimals that write the gap itself exactly enough.
    while (decimals < 9 && Math.abs(scaledGap - Number(scaledGap.toFixed(decimals))) > scaledGap * 0.01)
      decimals++;
  }
  return ticks.map((tick) => {
    if (tick === 0) return '0';
    const scaled = tick / scale.divisor;
    if (magnitude !== 0 && magnitude < 1e-9 && unit === 'none') return tick.toExponential(1);
    return scaled.toFixed(decimals) + scale.suffix;
  });
}

function powers(base: readonly number[], factor: number, from: number, to: number): number[] {
  const out: number[] = [];
  for (let power = from; power <= to; power++) for (const b of base) out.push(b * factor ** power);
  return out;
}

const decimalSteps = powers([1, 2, 2.5, 5], 10, -12, 15);

/** Distances between ticks that look round in a unit, ascending. */
export function tickIncrements(unit: Unit): number[] {
  if (unit === 'bytes' || unit === 'bytes-per-second')
    return powers([1, 2, 4, 8, 16, 32, 64, 128, 256, 512], 1024, 0, 5);
  if (unit === 'seconds') {
    const clock = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
    const days = powers([1, 2, 5], 10, 0, 5).map((d) => d * 86_400);
    return [...decimalSteps.filter((step) => step < 10), ...clock, ...days.slice(1)];
  }
  return decimalSteps;
}
