/**
 * From OpenTelemetry's names and units to Prometheus's: metric names, label names and unit suffixes, as the
 * OpenTelemetry specification ("Prometheus and OpenMetrics compatibility") and Prometheus 3's OTLP endpoint do it.
 */

export const TRANSLATION_STRATEGIES = [
  'UnderscoreEscapingWithSuffixes',
  'UnderscoreEscapingWithoutSuffixes',
  'NoUTF8EscapingWithSuffixes',
  'NoTranslation',
] as const;

/** How names are translated (Prometheus: `otlp.translation_strategy`). */
export type TranslationStrategy = (typeof TRANSLATION_STRATEGIES)[number];

export function escapes(strategy: TranslationStrategy): boolean {
  return strategy === 'UnderscoreEscapingWithSuffixes' || strategy === 'UnderscoreEscapingWithoutSuffixes';
}

export function addsSuffixes(strategy: TranslationStrategy): boolean {
  return strategy === 'UnderscoreEscapingWithSuffixes' || strategy === 'NoUTF8EscapingWithSuffixes';
}

/** What the name of a metric depends on, besides name and unit. */
export type NameKind = 'gauge' | 'counter' | 'other';

/** UCUM units that have a name in Prometheus. */
const UNITS = new Map([
  ['d', 'days'],
  ['h', 'hours'],
  ['min', 'minutes'],
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['us', 'microseconds'],
  ['ns', 'nanoseconds'],
  ['By', 'bytes'],
  ['KiBy', 'kibibytes'],
  ['MiBy', 'mebibytes'],
  ['GiBy', 'gibibytes'],
  ['TiBy', 'tibibytes'],
  ['KBy', 'kilobytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['TBy', 'terabytes'],
  ['m', 'meters'],
  ['V', 'volts'],
  ['A', 'amperes'],
  ['J', 'joules'],
  ['W', 'watts'],
  ['g', 'grams'],
  ['Cel', 'celsius'],
  ['Hz', 'hertz'],
  ['1', ''],
  ['%', 'percent'],
]);

/** Units behind a slash. */
const PER_UNITS = new Map([
  ['s', 'second'],
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['w', 'week'],
  ['mo', 'month'],
  ['y', 'year'],
]);

/** The words for a unit before and behind its first slash; annotations in braces are no units. */
function unitWords(unit: string): { main: string; per: string } {
  const slash = unit.indexOf('/');
  const before = (slash < 0 ? unit : unit.slice(0, slash)).trim();
  const behind = slash < 0 ? '' : unit.slice(slash + 1).trim();
  const main = /[{}]/.test(before) ? '' : (UNITS.get(before) ?? before);
  const per = behind === '' || /[{}]/.test(behind) ? '' : (PER_UNITS.get(behind) ?? behind);
  return { main, per: per === '' ? '' : `per_${per}` };
}

function escapeUnit(unit: string): string {
  return unit
    .replace(/[^a-zA-Z0-9:]/gu, '_')
    .replace(/__+/g, '_')
    .replace(/^_/, '');
}

/** The unit as Prometheus's metadata has it: `By/s` is `bytes_per_second`. */
export function unitName(unit: string): string {
  const words = unitWords(unit);
  const main = escapeUnit(words.main);
  const per = escapeUnit(words.per);
  const name = main !== '' && per !== '' ? `${main}_${per}` : main !== '' ? main : per;
  return name.replace(/^_/, '').replace(/_$/, '');
}

/** The name of a metric in Prometheus, or undefined when nothing usable is left of it. */
export function metricName(
  name: string,
  unit: string,
  kind: NameKind,
  strategy: TranslationStrategy,
): string | undefined {
  const result = escapes(strategy)
    ? addsSuffixes(strategy)
      ? escapedWithSuffixes(name, unit, kind)
      : escapedName(name)
    : addsSuffixes(strategy)
      ? utf8WithSuffixes(name, unit, kind)
      : name;
  if (result === '') return undefined;
  if (escapes(strategy) && result !== name && /^_+$/.test(result)) return undefined;
  return result;
}

function escapedName(name: string): string {
  const escaped = name
    .split(/[^a-zA-Z0-9:_]+/u)
    .filter((word) => word !== '')
    .join('_');
  return /^[0-9]/.test(escaped) ? `_${escaped}` : escaped;
}

function escapedWithSuffixes(name: string, unit: string, kind: NameKind): string {
  let words = name.split(/[^a-zA-Z0-9:]+/u).filter((word) => word !== '');
  const units = unitWords(unit);
  let main = escapeUnit(units.main);
  let per = escapeUnit(units.per);
  if (words.includes(main)) main = '';
  per = per === 'per_' ? '' : per.replace(/_$/, '');
  if (words.includes(per)) per = '';
  if (per !== '') main = main.replace(/_$/, '');
  if (main !== '') words.push(main);
  if (per !== '') words.push(per);
  if (kind === 'counter') words = [...words.filter((word) => word !== 'total'), 'total'];
  if (kind === 'gauge' && unit === '1') words = [...words.filter((word) => word !== 'ratio'), 'ratio'];
  const result = words.join('_');
  return /^[0-9]/.test(result) ? `_${result}` : result;
}

/** Suffixes are taken off and put behind each other: the unit, what it is per, `_total`, `_ratio`. */
function utf8WithSuffixes(name: string, unit: string, kind: NameKind): string {
  let result = name;
  let tail = '';
  if (unit === '1' && kind === 'gauge') {
    result = withoutSuffix(result, 'ratio');
    tail = '_ratio';
  }
  if (kind === 'counter') {
    result = withoutSuffix(result, 'total');
    tail = `_total${tail}`;
  }
  const { main, per } = unitWords(unit);
  if (per !== '') {
    result = withoutSuffix(result, per);
    tail = `_${per}${tail}`;
  }
  if (main !== '' && !result.endsWith(main)) result += `_${main}`;
  return result + tail;
}

/** Takes off a suffix and the one character before it. */
function withoutSuffix(name: string, suffix: string): string {
  return name.endsWith(suffix) && name.length > suffix.length + 1
    ? name.slice(0, name.length - suffix.length - 1)
    : name;
}

export interface LabelNameOptions {
  /** Put `key` before names that start with one underscore (Prometheus: `label_name_underscore_sanitization`). */
  readonly underscoreSanitization: boolean;
  /** Keep underscores that follow each other (Prometheus: `label_name_preserve_multiple_underscores`). */
  readonly preserveMultipleUnderscores: boolean;
}

export const DEFAULT_LABEL_NAME_OPTIONS: LabelNameOptions = {
  underscoreSanitization: true,
  preserveMultipleUnderscores: true,
};

/** An attribute's key as a label name of letters, digits and underscores; undefined when nothing is left of it. */
export function labelName(key: string, options = DEFAULT_LABEL_NAME_OPTIONS): string | undefined {
  let name: string;
  if (options.preserveMultipleUnderscores) {
    name = key.replace(/[^a-zA-Z0-9]/gu, '_');
  } else if (key.length >= 4 && key.startsWith('__') && key.endsWith('__')) {
    name = `__${key.slice(2, -2).replace(/[^a-zA-Z0-9]+/gu, '_')}__`;
  } else {
    name = key.replace(/[^a-zA-Z0-9]+/gu, '_');
  }
  if (/^[0-9]/.test(name)) name = `key_${name}`;
  else if (options.underscoreSanitization && name.startsWith('_') && !name.startsWith('__'))
    name = `key${name}`;
  return /^_*$/.test(name) ? undefined : name;
}
