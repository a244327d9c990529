/**
 * Starts Trivium on an empty data directory, loads each conformance kit and runs it. The kits lie beside the
 * project (or where CONFORMANCE_DIR says); where they are absent this says so and skips.
 *
 *   npm run conformance [-- promql|logql|traceql ...] [-- any option of the kit's runner]
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { startTrivium } from '../test/acceptance/trivium-process.ts';
import { conformanceKits } from './conformance-kits.ts';

const DIR = conformanceKits();

/** The listeners that each runner needs. */
const KITS: Record<string, (ports: Record<string, number>) => string[]> = {
  promql: ({ prometheus }) => ['--url', `http://127.0.0.1:${prometheus}`],
  logql: ({ loki }) => ['--url', `http://127.0.0.1:${loki}`],
  traceql: (ports) => [
    '--url',
    `http://127.0.0.1:${ports.tempo}`,
    '--otlp-url',
    `http://127.0.0.1:${ports['otlp-http']}`,
  ],
};

if (DIR === undefined) {
  console.log(
    'conformance: skipped, there are no kits beside the project; CONFORMANCE_DIR names their folder',
  );
  process.exit(0);
}
const words = process.argv.slice(2);
const named = words.filter((word) => word in KITS);
const options = words.filter((word) => !(word in KITS));
let failed = false;
for (const kit of named.length > 0 ? named : Object.keys(KITS)) {
  // The features with which the answers were recorded; a tenant of its own, so that Trivium's own metrics stay apart.
  const trivium = await startTrivium({
    args: ['--retention', 'none', '--enable-feature', 'promql-experimental-functions,promql-duration-expr'],
  });
  try {
    const args = (KITS[kit] as (typeof KITS)[string])(trivium.ports);
    console.log(`\n== ${kit}`);
    const runner = spawn(
      process.execPath,
      [path.join(DIR, `check-${kit}.mjs`), ...args, '--load', '--header', 'X-Scope-OrgID: kit', ...options],
      {
        stdio: 'inherit',
      },
    );
    const code = await new Promise<number | null>((resolve) => runner.once('exit', resolve));
    if (code !== 0) failed = true;
  } finally {
    await trivium.stop();
  }
}
process.exit(failed ? 1 : 0);
