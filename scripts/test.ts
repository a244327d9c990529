/**
 * Runs the tests with Node's test runner: all of them, or those of the folders that are named.
 *
 *   npm test                        everything
 *   node scripts/test.ts promql     only test/promql
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { ensureChromium } from './chromium.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const areas = process.argv.slice(2);

const files = readdirSync(path.join(ROOT, 'test'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
  .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
  .filter((file) => areas.length === 0 || areas.includes(file.split(path.sep)[1] as string))
  // Long ones first, so that the runner's processes finish together.
  .sort((a, b) => Number(b.includes('e2e')) - Number(a.includes('e2e')) || (a < b ? -1 : 1));
if (files.length === 0) {
  console.error(`no tests in ${areas.map((area) => `test/${area}`).join(', ')}`);
  process.exit(1);
}
if (files.some((file) => file.includes('e2e'))) ensureChromium();
const runner = spawn(
  process.execPath,
  [
    '--test',
    `--test-reporter=${path.join(import.meta.dirname, 'reporter.ts')}`,
    '--test-reporter-destination=stdout',
    '--test-timeout=300000',
    ...files,
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
runner.once('exit', (code) => process.exit(code ?? 1));
