/** Serves the conformance data from memory: node test/promql/serve-conformance.ts [port] */

import { prometheusDialect } from '../../src/api/prometheus/index.ts';
import { conformanceDir, loadConformanceData } from './conformance-data.ts';
import { serveDialect } from './plain-server.ts';

const dir = conformanceDir();
if (dir === undefined) throw new Error('no conformance kit');
const { url } = await serveDialect(
  prometheusDialect({
    source: await loadConformanceData(dir),
    now: Date.now,
    buildInfo: { version: 'test' },
    engine: { experimentalFunctions: true, durationExpressions: true },
  }),
  Number(process.argv[2] ?? 0),
);
console.log(url);
