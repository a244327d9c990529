/**
 * Serves the Loki API over storage with an embedded engine: what the conformance runner needs, without the rest of the
 * program.
 *
 *   node test/logql/serve-storage.ts --data-dir DIR [--port N] [--no-hints]
 *
 * Prints one line with its address when it is ready; ends with its standard input.
 */

import { parseArgs } from 'node:util';
import { openStorage } from '../../src/storage/index.ts';
import { logsSource } from '../../src/storage/select/logs.ts';
import { serveLogs } from './serve-memory.ts';

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    port: { type: 'string', default: '0' },
    'no-hints': { type: 'boolean', default: false },
  },
});
if (values['data-dir'] === undefined) throw new Error('--data-dir is needed');
const storage = await openStorage({ dataDir: values['data-dir'] });
const source = logsSource((tenant) => storage.scope(tenant));
const server = await serveLogs(source, storage.sink, {
  port: Number(values.port),
  useHints: !values['no-hints'],
});
console.log(`listening ${server.url}`);
process.stdin.resume();
process.stdin.on('end', async () => {
  await server.close();
  await storage.close();
  process.exit(0);
});
