/** All pushed groups as a page in the text format, for those who scrape it themselves. */

import {
  familiesOf,
  type PushedFamily,
  type PushedSeries,
  type PushGroup,
} from '../../collector/pushgateway/group.ts';
import { METRIC_NAME } from '../../model/labels.ts';

const WORDS: Partial<Record<PushedFamily['type'], string>> = {
  counter: 'counter',
  gauge: 'gauge',
  info: 'gauge',
  stateset: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
};
const LEGACY_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The word for a family's type in the text format. */
export function typeWord(type: PushedFamily['type']): string {
  return WORDS[type] ?? 'untyped';
}

export function groupsText(groups: readonly PushGroup[]): string {
  const families = new Map<string, PushedFamily[]>();
  for (const group of groups) {
    for (const family of familiesOf(group)) {
      const same = families.get(family.name);
      if (same === undefined) families.set(family.name, [family]);
      else same.push(family);
    }
  }
  let text = '';
  for (const name of [...families.keys()].sort()) {
    const same = families.get(name) as PushedFamily[];
    const help = same.find((family) => family.help !== '')?.help ?? '';
    const shown = LEGACY_NAME.test(name) ? name : `"${escapeValue(name)}"`;
    if (help !== '') text += `# HELP ${shown} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n`;
    text += `# TYPE ${shown} ${typeWord((same[0] as PushedFamily).type)}\n`;
    for (const { series } of same) {
      const classic = new Set(series.map((one) => one.labels.get(METRIC_NAME)));
      for (const one of series) {
        if (one.histogram === undefined) text += line(one.labels.get(METRIC_NAME), one, '', one.value);
        else if (!classic.has(`${name}_count`)) text += nativeLines(name, one);
      }
    }
  }
  return text;
}

/** The text format has no native histograms: what it can say of one are its count and sum. */
function nativeLines(name: string, series: PushedSeries): string {
  const { count = 0, sum = 0 } = series.histogram ?? {};
  return (
    line(`${name}_bucket`, series, '+Inf', count) +
    line(`${name}_sum`, series, '', sum) +
    line(`${name}_count`, series, '', count)
  );
}

function line(name: string, { labels }: PushedSeries, le: string, value: number): string {
  const pairs = [...labels.entries()].filter(([label]) => label !== METRIC_NAME);
  // An empty instance keeps Prometheus from putting in the address of the Pushgateway.
  if (!labels.has('instance')) pairs.push(['instance', '']);
  if (le !== '') pairs.push(['le', le]);
  const inner = pairs
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, text]) => {
      const shown = LEGACY_NAME.test(label) ? label : `"${escapeValue(label)}"`;
      return `${shown}="${escapeValue(text)}"`;
    });
  const head = LEGACY_NAME.test(name)
    ? `${name}{${inner.join(',')}}`
    : `{${[`"${escapeValue(name)}"`, ...inner].join(',')}}`;
  return `${head} ${valueText(value)}\n`;
}

function escapeValue(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

/** A value as the text format and the JSON API write it. */
export function valueText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Object.is(value, -0)) return '-0';
  return String(value);
}
