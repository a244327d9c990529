/**
 * Serves the Loki API over lines in memory: what the conformance runner needs, without storage.
 *
 *   node test/logql/serve-memory.ts [--dataset FILE.jsonl] [--port N] [--no-hints]
 *
 * Takes pushes, too. Prints one line with its address when it is ready; ends with its standard input.
 */

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type LiveLogs, lokiDialect } from '../../src/api/loki/index.ts';
import { lokiReceiverRoutes } from '../../src/collector/receivers/loki.ts';
import { Listener } from '../../src/http/listener.ts';
import { DEFAULT_TENANT } from '../../src/http/tenant.ts';
import type { BatchSink } from '../../src/model/batch.ts';
import type { LogsSource } from '../../src/model/select-logs.ts';
import { decodeLokiJson } from '../../src/wire/loki-push.ts';
import { MemoryLogs } from './memory-source.ts';

/** Loads push bodies, one JSON text a line. */
export async function loadDataset(logs: MemoryLogs, file: string, tenant: string): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() !== '') await logs.writeLogs(decodeLokiJson(Buffer.from(line), tenant).batch);
  }
}

export interface ServeOptions {
  readonly port?: number;
  readonly useHints?: boolean;
  readonly live?: LiveLogs;
}

/** Opens a listener with the Loki API over `source`, and with its push into `sink`. */
export async function serveLogs(
  source: LogsSource,
  sink: Pick<BatchSink, 'writeLogs'>,
  options: ServeOptions = {},
): Promise<{ url: string; close: () => Promise<void> }> {
  const refuse = async (): Promise<void> => {
    throw new Error('only logs are taken here');
  };
  const whole: BatchSink = {
    writeMetrics: refuse,
    writeSpans: refuse,
    writeLogs: (batch) => sink.writeLogs(batch),
  };
  const dialect = lokiDialect({
    source,
    now: () => Date.now(),
    buildInfo: { version: '0.0.0', revision: '', branch: '', buildDate: '' },
    useHints: options.useHints ?? true,
    ...(options.live === undefined ? {} : { live: options.live }),
  });
  const routes = [...dialect.routes, ...lokiReceiverRoutes({ sink: whole, now: () => Date.now() })];
  const listener = await Listener.open({
    name: 'loki',
    host: '127.0.0.1',
    port: options.port ?? 0,
    mounts: [{ prefix: '', dialect: { ...dialect, routes } }],
    grpcMethods: [],
    maxBodyBytes: 64 << 20,
    onFinished: () => {},
    onBug: (error) => {
      console.error(error);
    },
  });
  return { url: `http://127.0.0.1:${listener.port}`, close: () => listener.close(1000) };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      dataset: { type: 'string' },
      port: { type: 'string', default: '0' },
      'no-hints': { type: 'boolean', default: false },
    },
  });
  const logs = new MemoryLogs();
  if (values.dataset !== undefined) await loadDataset(logs, values.dataset, DEFAULT_TENANT);
  const server = await serveLogs(logs, logs, { port: Number(values.port), useHints: !values['no-hints'] });
  console.log(`listening ${server.url}`);
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}
