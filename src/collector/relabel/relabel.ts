/**
 * Relabelling as Prometheus does it (documentation of `relabel_config`): an ordered list of steps, each of which may
 * change the labels or drop them as a whole. Used for targets, scraped series, remote write and log targets alike.
 */

import { createHash } from 'node:crypto';
import { Labels } from '../../model/labels.ts';
import { compileRegex, expandTemplate, type Regex } from '../../query/syntax/regex.ts';

export const RELABEL_ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;

export type RelabelAction = (typeof RELABEL_ACTIONS)[number];

/** One step as written in a configuration, defaults filled in. */
export interface RelabelConfig {
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  /** 0: not given. */
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly action: RelabelAction;
}

export const RELABEL_DEFAULTS: RelabelConfig = {
  sourceLabels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  targetLabel: '',
  replacement: '$1',
  action: 'replace',
};

interface Step extends RelabelConfig {
  readonly compiled: Regex;
}

/** A compiled list of steps. Gives the new labels, or undefined when they are dropped. */
export function compileRelabel(configs: readonly RelabelConfig[]): (labels: Labels) => Labels | undefined {
  const steps: Step[] = configs.map((config) => ({
    ...config,
    compiled: compileRegex(config.regex, { anchored: true }),
  }));
  if (steps.length === 0) return (labels) => labels;
  return (labels) => {
    const editing = new Map(labels.entries());
    for (const step of steps) {
      if (!apply(step, editing)) return undefined;
    }
    return Labels.fromPairs(editing);
  };
}

/** False when the labels are dropped. */
function apply(step: Step, labels: Map<string, string>): boolean {
  const joined = step.sourceLabels.map((name) => labels.get(name) ?? '').join(step.separator);
  switch (step.action) {
    case 'keep':
      return step.compiled.test(joined);
    case 'drop':
      return !step.compiled.test(joined);
    case 'keepequal':
      return (labels.get(step.targetLabel) ?? '') === joined;
    case 'dropequal':
      return (labels.get(step.targetLabel) ?? '') !== joined;
    case 'replace': {
      const match = step.compiled.match(joined);
      if (match === undefined) return true;
      const expand = (template: string) => expandTemplate(template, match.groups, step.compiled.groupNames);
      const target = expand(step.targetLabel);
      if (target !== '') set(labels, target, expand(step.replacement));
      return true;
    }
    case 'lowercase':
      set(labels, step.targetLabel, mapCase(joined, 'toLowerCase'));
      return true;
    case 'uppercase':
      set(labels, step.targetLabel, mapCase(joined, 'toUpperCase'));
      return true;
    case 'hashmod':
      set(labels, step.targetLabel, String(md5Low64(joined) % BigInt(step.modulus)));
      return true;
    case 'labelmap':
      for (const [name, value] of [...labels]) {
        const match = step.compiled.match(name);
        if (match === undefined) continue;
        set(labels, expandTemplate(step.replacement, match.groups, step.compiled.groupNames), value);
      }
      return true;
    case 'labeldrop':
      for (const name of [...labels.keys()]) if (step.compiled.test(name)) labels.delete(name);
      return true;
    case 'labelkeep':
      for (const name of [...labels.keys()]) if (!step.compiled.test(name)) labels.delete(name);
      return true;
  }
}

/** An empty value is no label. */
function set(labels: Map<string, string>, name: string, value: string): void {
  if (value === '') labels.delete(name);
  else labels.set(name, value);
}

/** Code point by code point, as Go does: no change of length, so "ß" stays in upper case. */
function mapCase(text: string, change: 'toLowerCase' | 'toUpperCase'): string {
  let mapped = '';
  for (const character of text) {
    const changed = character[change]();
    mapped += [...changed].length === 1 ? changed : character;
  }
  return mapped;
}

/** The last eight bytes of the MD5, big endian. Stable over restarts and processes: shards rely on it. */
function md5Low64(text: string): bigint {
  return createHash('md5').update(text).digest().readBigUInt64BE(8);
}
