/**
 * Which labels a point of an OTLP metric gets in Prometheus: its attributes, job and instance, promoted resource
 * attributes, the scope when asked for. Follows Prometheus 3's OTLP endpoint.
 */

import { compareCodePoints, Labels, METRIC_NAME } from '../../model/labels.ts';
import {
  DEFAULT_LABEL_NAME_OPTIONS,
  escapes,
  type LabelNameOptions,
  labelName,
  type TranslationStrategy,
} from './names.ts';

export interface MetricLabelOptions extends LabelNameOptions {
  readonly translationStrategy: TranslationStrategy;
  /** Resource attributes that become labels of every series. */
  readonly promoteResourceAttributes: readonly string[];
  /** All become labels, except `ignoreResourceAttributes`. */
  readonly promoteAllResourceAttributes: boolean;
  readonly ignoreResourceAttributes: readonly string[];
  /** Keep service.name, service.namespace and service.instance.id on target_info too. */
  readonly keepIdentifyingResourceAttributes: boolean;
  /** Labels otel_scope_name, otel_scope_version, otel_scope_schema_url and the scope's attributes. */
  readonly promoteScopeMetadata: boolean;
}

export const DEFAULT_METRIC_LABEL_OPTIONS: MetricLabelOptions = {
  ...DEFAULT_LABEL_NAME_OPTIONS,
  translationStrategy: 'UnderscoreEscapingWithSuffixes',
  promoteResourceAttributes: [],
  promoteAllResourceAttributes: false,
  ignoreResourceAttributes: [],
  keepIdentifyingResourceAttributes: false,
  promoteScopeMetadata: false,
};

export type Pair = readonly [name: string, value: string];

const IDENTIFYING = new Set(['service.namespace', 'service.name', 'service.instance.id']);

/** What a resource gives to the labels of its series. */
export interface ResourceLabels {
  readonly job: string;
  readonly instance: string;
  readonly promoted: readonly Pair[];
  /** Labels of target_info, or undefined when the resource has nothing to say. */
  readonly targetInfo: Labels | undefined;
  /** Why none of its points can be taken. */
  readonly refused: string | undefined;
}

/** An error in names makes text; anything else is a result. */
type OrRefused<T> = T | string;

export function resourceLabels(attributes: readonly Pair[], options: MetricLabelOptions): ResourceLabels {
  const byKey = new Map(attributes);
  const name = byKey.get('service.name');
  const namespace = byKey.get('service.namespace');
  const job = name === undefined ? '' : namespace === undefined ? name : `${namespace}/${name}`;
  const instance = byKey.get('service.instance.id') ?? '';
  const promoted: Pair[] = [];
  const wanted = new Set(options.promoteResourceAttributes);
  const ignored = new Set(options.ignoreResourceAttributes);
  let refused: string | undefined;
  for (const [key, value] of attributes) {
    if (options.promoteAllResourceAttributes ? ignored.has(key) : !wanted.has(key)) continue;
    const label = translated(key, options);
    if (label === undefined) refused = `resource attribute ${JSON.stringify(key)} cannot be a label`;
    else promoted.push([label, value]);
  }
  const partial = { job, instance, promoted, refused };
  return { ...partial, targetInfo: targetInfo(attributes, partial, options) };
}

function targetInfo(
  attributes: readonly Pair[],
  resource: Omit<ResourceLabels, 'targetInfo'>,
  options: MetricLabelOptions,
): Labels | undefined {
  if (resource.job === '' && resource.instance === '') return undefined;
  const descriptive = attributes.filter(([key]) => !IDENTIFYING.has(key));
  if (descriptive.length === 0) return undefined;
  const shown = options.keepIdentifyingResourceAttributes ? attributes : descriptive;
  const labels = pointLabels(shown, { ...resource, promoted: [] }, [], options);
  if (typeof labels === 'string') return undefined;
  labels.set(METRIC_NAME, 'target_info');
  return Labels.fromPairs(labels);
}

/** Labels that a scope gives to its series. */
export function scopeLabels(
  scope: { name: string; version: string; schemaUrl: string; attributes: readonly Pair[] },
  options: MetricLabelOptions,
): OrRefused<readonly Pair[]> {
  if (!options.promoteScopeMetadata || scope.name === '') return [];
  const pairs: Pair[] = [];
  for (const [key, value] of scope.attributes) {
    const label = translated(`otel_scope_${key}`, options);
    if (label === undefined) return `scope attribute ${JSON.stringify(key)} cannot be a label`;
    pairs.push([label, value]);
  }
  pairs.push(['otel_scope_name', scope.name]);
  pairs.push(['otel_scope_version', scope.version]);
  pairs.push(['otel_scope_schema_url', scope.schemaUrl]);
  return pairs;
}

/**
 * Labels of a point without its metric name. Attributes whose names become equal are joined by `;` in the order of
 * their keys. Job, instance and scope labels win over attributes, attributes over promoted resource attributes.
 */
export function pointLabels(
  attributes: readonly Pair[],
  resource: Pick<ResourceLabels, 'job' | 'instance' | 'promoted'>,
  scope: readonly Pair[],
  options: MetricLabelOptions,
): OrRefused<Map<string, string>> {
  const labels = new Map<string, string>();
  const sorted = [...attributes].sort((a, b) => compareCodePoints(a[0], b[0]));
  for (const [key, value] of sorted) {
    if (key === METRIC_NAME) continue;
    if (!escapes(options.translationStrategy)) {
      labels.set(key, value);
      continue;
    }
    const label = translated(key, options);
    if (label === undefined) return `attribute ${JSON.stringify(key)} cannot be a label`;
    const existing = labels.get(label);
    labels.set(label, existing === undefined || existing === '' ? value : `${existing};${value}`);
  }
  for (const [label, value] of resource.promoted) {
    if ((labels.get(label) ?? '') === '') labels.set(label, value);
  }
  if (resource.job !== '') labels.set('job', resource.job);
  if (resource.instance !== '') labels.set('instance', resource.instance);
  for (const [label, value] of scope) labels.set(label, value);
  return labels;
}

function translated(key: string, options: MetricLabelOptions): string | undefined {
  if (!escapes(options.translationStrategy)) return /^_*$/.test(key) ? undefined : key;
  return labelName(key, options);
}

/** A number as Go's strconv.FormatFloat(x, 'f', -1, 64) writes it: all digits, never an exponent. */
export function decimalText(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  const text = Object.is(value, -0) ? '-0' : String(value);
  const match = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (match === null) return text;
  const [, sign = '', lead = '', fraction = '', exponent = '0'] = match;
  const digits = lead + fraction;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, '0').slice(0, point)}${digits.length > point ? `.${digits.slice(point)}` : ''}`;
}
