/**
 * The long crash test: the main process and the engine are killed in turn, at random moments under load; every
 * acknowledged item must be found afterwards, once. `node bench/crash.ts [KILLS]`, SEED in the environment repeats it.
 */

import { crashTest } from '../test/storage/crashes.ts';
import { randomFrom, seed } from '../test/storage/random.ts';

const kills = Number(process.argv[2] ?? 20);
console.log(`seed ${seed}, ${kills} kills`);
const report = await crashTest({ kills, random: randomFrom(seed), report: (line) => console.log(line) });
console.log(JSON.stringify(report, null, 2));
if (report.missing > 0 || report.doubled > 0) {
  console.error(`LOST ${report.missing}, DOUBLED ${report.doubled}`);
  process.exit(1);
}
console.log('nothing lost, nothing doubled');
