/** Serves the conformance data: node test/promql/serve-conformance.ts [port] [memory|storage] [hints|no-hints] */

import { conformanceKits } from '../../scripts/conformance-kits.ts';
import { prometheusDialect } from '../../src/api/prometheus/index.ts';
import { loadConformanceData } from './conformance-data.ts';
import { serveDialect } from './plain-server.ts';
import { loadInto, openFixture } from './storage-source.ts';

const dir = conformanceKits();
if (dir === undefined) throw new Error('no conformance kit');
const [port = '0', kind = 'memory', hints = 'hints'] = process.argv.slice(2);
const memory = await loadConformanceData(dir);
const fixture = kind === 'storage' ? await openFixture() : undefined;
if (fixture !== undefined) await loadInto(fixture.storage, memory);
const { url, server } = await serveDialect(
  prometheusDialect({
    source: fixture?.source ?? memory,
    now: Date.now,
    buildInfo: { version: 'test' },
    engine: { experimentalFunctions: true, durationExpressions: true, hints: hints === 'hints' },
  }),
  Number(port),
);
console.log(url);
process.once('SIGTERM', async () => {
  server.close();
  server.closeAllConnections();
  await fixture?.close();
});
