/** `relabel_configs` from YAML, with the checks that Prometheus makes when it loads them. */

import {
  RELABEL_ACTIONS,
  RELABEL_DEFAULTS,
  type RelabelAction,
  type RelabelConfig,
} from '../../collector/relabel/relabel.ts';
import { compileRegex } from '../../query/syntax/regex.ts';
import { closest } from '../diagnostics.ts';
import type { YamlObject, YamlValue } from '../yaml.ts';

/** Reads a list of steps; mistakes are reported on the file. */
export function readRelabelConfigs(value: YamlValue | undefined): RelabelConfig[] {
  return (value?.list() ?? []).flatMap((item) => {
    if (item.isNull) {
      item.error('an empty relabel step', 'remove the dash or name at least target_label');
      return [];
    }
    return [readStep(item.object())];
  });
}

function readStep(step: YamlObject): RelabelConfig {
  const given = {
    sourceLabels: step.get('source_labels'),
    separator: step.get('separator'),
    regex: step.get('regex'),
    modulus: step.get('modulus'),
    targetLabel: step.get('target_label'),
    replacement: step.get('replacement'),
    action: step.get('action'),
  };
  const config = {
    sourceLabels: (given.sourceLabels?.list() ?? []).map((label) => {
      const name = label.string() ?? '';
      if (name === '') label.error('a label name must not be empty');
      return name;
    }),
    separator: given.separator?.string() ?? RELABEL_DEFAULTS.separator,
    regex: given.regex?.string() ?? RELABEL_DEFAULTS.regex,
    modulus: readModulus(given.modulus),
    targetLabel: given.targetLabel?.string() ?? '',
    replacement: given.replacement?.string() ?? RELABEL_DEFAULTS.replacement,
  };
  const action = readAction(given.action);
  step.done();
  try {
    compileRegex(config.regex, { anchored: true });
  } catch (error) {
    given.regex?.error((error as Error).message, 'RE2 syntax: no look-around, no back references');
  }
  return action === undefined ? { ...config, action: 'replace' } : check({ ...config, action }, step, given);
}

/** Undefined when the name is wrong, which is reported; nothing else about the step is worth saying then. */
function readAction(value: YamlValue | undefined): RelabelAction | undefined {
  const name = (value?.string() ?? RELABEL_DEFAULTS.action).toLowerCase();
  if ((RELABEL_ACTIONS as readonly string[]).includes(name)) return name as RelabelAction;
  const near = closest(name, RELABEL_ACTIONS);
  value?.error(
    `unknown relabel action "${name}"`,
    near === undefined ? RELABEL_ACTIONS.join(', ') : `did you mean "${near}"?`,
  );
  return undefined;
}

function readModulus(value: YamlValue | undefined): number {
  const modulus = value?.number() ?? 0;
  if (Number.isInteger(modulus) && modulus >= 0) return modulus;
  value?.error('the modulus must be a whole number above zero');
  return 0;
}

type Given = Readonly<Record<keyof RelabelConfig, YamlValue | undefined>>;

function check(config: RelabelConfig, step: YamlObject, given: Given): RelabelConfig {
  const { action } = config;
  const named = (field: keyof RelabelConfig, name: string) => {
    if (given[field] !== undefined) step.error(`${action} takes no ${name}`, `remove ${name}`);
  };
  const wantsTarget = ['replace', 'hashmod', 'lowercase', 'uppercase', 'keepequal', 'dropequal'].includes(
    action,
  );
  if (wantsTarget && config.targetLabel === '') step.error(`${action} needs a target_label`);
  switch (action) {
    case 'hashmod':
      if (config.modulus === 0) step.error('hashmod needs a modulus above zero');
      break;
    case 'lowercase':
    case 'uppercase':
      if (config.replacement !== RELABEL_DEFAULTS.replacement) named('replacement', 'replacement');
      break;
    case 'labelmap':
      if (config.replacement === '') step.error('labelmap needs a replacement that gives label names');
      break;
    case 'keepequal':
    case 'dropequal':
      if (config.regex !== RELABEL_DEFAULTS.regex) named('regex', 'regex');
      if (config.modulus !== 0) named('modulus', 'modulus');
      if (config.separator !== RELABEL_DEFAULTS.separator) named('separator', 'separator');
      if (config.replacement !== RELABEL_DEFAULTS.replacement) named('replacement', 'replacement');
      break;
    case 'labeldrop':
    case 'labelkeep':
      if (config.sourceLabels.length > 0 && given.regex === undefined) {
        // Widespread, and plain in its meaning, though upstream refuses it: the labels meant are those named.
        given.sourceLabels?.warn(
          `${action} takes a regex over label names; taken as regex: ${config.sourceLabels.join('|')}`,
          'write regex instead of source_labels',
        );
        return { ...config, sourceLabels: [], regex: config.sourceLabels.map(escapeRegex).join('|') };
      }
      named('sourceLabels', 'source_labels');
      if (config.targetLabel !== '') named('targetLabel', 'target_label');
      if (config.modulus !== 0) named('modulus', 'modulus');
      if (config.separator !== RELABEL_DEFAULTS.separator) named('separator', 'separator');
      if (config.replacement !== RELABEL_DEFAULTS.replacement) named('replacement', 'replacement');
      break;
  }
  return config;
}

function escapeRegex(text: string): string {
  return text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}
