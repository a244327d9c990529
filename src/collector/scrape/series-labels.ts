/** Labels of scraped series: the target's labels, those that collide with them, relabelling, validity and limits. */

import { InputError } from '../../model/errors.ts';
import { compareCodePoints, Labels, METRIC_NAME } from '../../model/labels.ts';
import { quote } from '../../query/syntax/strings.ts';
import type { ScrapeLimits, ValidationScheme } from './config.ts';

export interface SeriesRules {
  readonly target: Labels;
  readonly honorLabels: boolean;
  /** Undefined: nothing is relabelled. */
  readonly relabel: ((labels: Labels) => Labels | undefined) | undefined;
  readonly validation: ValidationScheme;
  readonly limits: ScrapeLimits;
}

/** A limit on labels was exceeded. */
export class LabelLimitError extends InputError {}

/**
 * The labels under which a scraped series is stored, or undefined when relabelling drops it. Throws InputError, in
 * Prometheus's words, when it makes the whole scrape invalid.
 */
export function seriesLabels(
  names: readonly string[],
  values: readonly string[],
  rules: SeriesRules,
): Labels | undefined {
  const twice = repeatedName(names);
  const allNames = names.slice();
  const allValues = values.slice();
  const { target } = rules;
  const conflicts: [name: string, value: string][] = [];
  for (let i = 0; i < target.size; i++) {
    const name = target.names[i] as string;
    const at = allNames.lastIndexOf(name);
    if (at < 0) {
      allNames.push(name);
      allValues.push(target.values[i] as string);
      continue;
    }
    // An empty value counts as given: it takes the target's label away.
    if (rules.honorLabels) continue;
    const existing = allValues[at] as string;
    if (existing !== '') conflicts.push([name, existing]);
    allValues[at] = target.values[i] as string;
  }
  conflicts.sort((a, b) => a[0].length - b[0].length);
  for (const [name, value] of conflicts) {
    let free = `exported_${name}`;
    for (;;) {
      const at = allNames.indexOf(free);
      if (at < 0) break;
      if (allValues[at] === '') {
        allNames.splice(at, 1);
        allValues.splice(at, 1);
        break;
      }
      free = `exported_${free}`;
    }
    allNames.push(free);
    allValues.push(value);
  }
  const own = twice === undefined ? sorted(allNames, allValues) : fromRepeated(allNames, allValues);
  const labels = rules.relabel === undefined ? own : rules.relabel(own);
  if (labels === undefined || labels.size === 0) return undefined;
  if (labels.get(METRIC_NAME) === '') throw new InputError('missing metric name (__name__ label)');
  if (rules.validation === 'legacy' && !hasLegacyNames(labels)) {
    throw new InputError(`invalid metric name or label names: ${describeLabels(labels)}`);
  }
  checkLimits(labels, rules.limits);
  if (twice !== undefined) throw new InputError(`label name ${quote(twice)} is not unique: invalid sample`);
  return labels;
}

/** Labels of names that are all different; few, so that sorting by insertion is quickest. */
function sorted(names: readonly string[], values: readonly string[]): Labels {
  const sortedNames: string[] = [];
  const sortedValues: string[] = [];
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const value = values[i] as string;
    if (value === '') continue;
    let at = sortedNames.length;
    while (at > 0 && compareCodePoints(sortedNames[at - 1] as string, name) > 0) at--;
    if (at === sortedNames.length) {
      sortedNames.push(name);
      sortedValues.push(value);
    } else {
      sortedNames.splice(at, 0, name);
      sortedValues.splice(at, 0, value);
    }
  }
  return Labels.fromSorted(sortedNames, sortedValues);
}

function fromRepeated(names: readonly string[], values: readonly string[]): Labels {
  return Labels.fromPairs(names.map((name, i) => [name, values[i] as string]));
}

function repeatedName(names: readonly string[]): string | undefined {
  if (names.length > 16)
    return new Set(names).size === names.length
      ? undefined
      : names.find((name, i) => names.indexOf(name) !== i);
  for (let i = 1; i < names.length; i++) {
    for (let j = 0; j < i; j++) if (names[i] === names[j]) return names[i];
  }
  return undefined;
}

const METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function hasLegacyNames(labels: Labels): boolean {
  return METRIC.test(labels.get(METRIC_NAME)) && labels.names.every((name) => LABEL.test(name));
}

function describeLabels(labels: Labels): string {
  const pairs = [...labels.entries()].map(
    ([name, value]) => `${LABEL.test(name) ? name : quote(name)}=${quote(value)}`,
  );
  return `{${pairs.join(', ')}}`;
}

function checkLimits(labels: Labels, limits: ScrapeLimits): void {
  const { labels: maxLabels, labelNameBytes, labelValueBytes } = limits;
  if (maxLabels === 0 && labelNameBytes === 0 && labelValueBytes === 0) return;
  const metric = labels.get(METRIC_NAME).slice(0, 50);
  if (maxLabels > 0 && labels.size > maxLabels) {
    throw new LabelLimitError(
      `label_limit exceeded (metric: ${metric}, number of labels: ${labels.size}, limit: ${maxLabels})`,
    );
  }
  for (const [name, value] of labels.entries()) {
    const nameBytes = Buffer.byteLength(name);
    if (labelNameBytes > 0 && nameBytes > labelNameBytes) {
      throw new LabelLimitError(
        `label_name_length_limit exceeded (metric: ${metric}, label name: ${name.slice(0, 50)}, length: ${nameBytes}, limit: ${labelNameBytes})`,
      );
    }
    const valueBytes = Buffer.byteLength(value);
    if (labelValueBytes > 0 && valueBytes > labelValueBytes) {
      throw new LabelLimitError(
        `label_value_length_limit exceeded (metric: ${metric}, label name: ${name.slice(0, 50)}, value: ${quote(value.slice(0, 50))}, length: ${valueBytes}, limit: ${labelValueBytes})`,
      );
    }
  }
}
