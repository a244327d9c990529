/** Relabelling against recorded answers of Prometheus: steps over metric labels, and lists to accept or refuse. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { compileRelabel } from '../../src/collector/relabel/relabel.ts';
import { ConfigError } from '../../src/config/diagnostics.ts';
import { readRelabelConfigs } from '../../src/config/prometheus/relabel.ts';
import { YamlFile } from '../../src/config/yaml.ts';
import { Labels, METRIC_NAME } from '../../src/model/labels.ts';

interface Case {
  readonly id: string;
  readonly kind: 'target' | 'metric';
  readonly about: string;
  readonly input: Record<string, string>;
  readonly relabel: unknown[];
  readonly output: { labels: Record<string, string> | null } | null;
}

function golden<T>(name: string): T[] {
  const text = readFileSync(path.join(import.meta.dirname, 'golden', name), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

function read(relabel: unknown) {
  const file = new YamlFile(JSON.stringify({ steps: relabel }), 'relabel.yml');
  return { configs: readRelabelConfigs(file.root().get('steps')), diagnostics: file.diagnostics };
}

/** Labels that a scrape removes at the end, or adds from the job: no business of relabelling itself. */
const visible = (labels: Labels | undefined) =>
  labels === undefined
    ? null
    : Object.fromEntries(
        [...labels.entries()].filter(([name]) => !name.startsWith('__') || name === METRIC_NAME),
      );

for (const { id, kind, about, input, relabel, output } of golden<Case>('cases.jsonl')) {
  // What a label of the target does to one of the series is the scrape's business.
  if (kind === 'metric' && ('job' in input || 'instance' in input)) continue;
  test(`${id}: ${about}`, () => {
    const { configs, diagnostics } = read(relabel);
    assert.deepEqual(diagnostics, []);
    const defaults: Record<string, string> =
      kind === 'metric'
        ? { job: 'J', instance: 'I' }
        : { __address__: 'host.example.test:9100', __scheme__: 'http', __metrics_path__: '/metrics' };
    const labels = compileRelabel(configs)(Labels.from({ ...defaults, ...input }));
    if (kind === 'target') {
      const dropped = labels === undefined || labels.get('__address__') === '';
      const got = dropped ? null : visible(labels);
      if (got !== null && got.instance === undefined) got.instance = labels?.get('__address__') as string;
      assert.deepEqual(got, output === null ? null : output.labels);
    } else {
      const got = labels === undefined || !labels.has(METRIC_NAME) ? null : labels.toRecord();
      assert.deepEqual(got, output?.labels ?? null);
    }
  });
}

for (const { id, about, relabel, verdict } of golden<Case & { verdict: string }>('check.jsonl')) {
  test(`${id}: ${about} is ${verdict}ed`, () => {
    const errors = read(relabel).diagnostics.filter(({ severity }) => severity === 'error');
    assert.equal(errors.length === 0 ? 'accept' : 'reject', verdict, JSON.stringify(errors));
  });
}

test('labeldrop of source labels, which upstream refuses, is taken by its plain meaning and with a warning', () => {
  const { configs, diagnostics } = read([{ source_labels: ['offending.label'], action: 'labeldrop' }]);
  assert.deepEqual(
    diagnostics.map(({ severity }) => severity),
    ['warning'],
  );
  const labels = compileRelabel(configs)(Labels.from({ 'offending.label': 'x', 'offending-label': 'y' }));
  assert.deepEqual(labels?.toRecord(), { 'offending-label': 'y' });
});

test('a mistake names its place and the way out', () => {
  const file = new YamlFile('steps:\n  - action: keeep\n    source_label: [a]\n', 'relabel.yml');
  readRelabelConfigs(file.root().get('steps'));
  assert.deepEqual(
    new ConfigError(file.diagnostics).diagnostics.map(({ line, column, message, hint }) => [
      line,
      column,
      message,
      hint,
    ]),
    [
      [2, 13, 'steps[0].action: unknown relabel action "keeep"', 'did you mean "keep"?'],
      [3, 5, 'unknown field steps[0].source_label', 'did you mean "source_labels"?'],
    ],
  );
});
