/** Runs every test script: our own beside this file, and the Prometheus project's where the kit is present. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { conformanceKits } from '../../scripts/conformance-kits.ts';
import { runScript } from './script.ts';

const own = import.meta.dirname;
const kit = conformanceKits();
const kitScripts = kit === undefined ? undefined : path.join(kit, 'promql', 'promqltest');

/** The settings that the scripts of the Prometheus project are written for. */
const OPTIONS = { delayNameRemoval: true, experimentalFunctions: true, durationExpressions: true };

for (const [dir, title] of [
  [own, 'own'],
  [kitScripts, 'kit'],
] as const) {
  if (dir === undefined) {
    test('scripts of the kit', { skip: 'the conformance kit is not here' });
    continue;
  }
  for (const name of readdirSync(dir).filter((file) => file.endsWith('.test'))) {
    test(`${title}: ${name}`, async () => {
      const text = readFileSync(path.join(dir, name), 'utf8');
      const { evals, failures } = await runScript(text, OPTIONS);
      assert.ok(evals > 0, 'no evaluations');
      assert.deepEqual(failures, []);
    });
  }
}
