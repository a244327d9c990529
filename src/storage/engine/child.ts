/**
 * The embedded engine's process: loads libchdb and runs clickhouse-local's main loop in a thread of its own until the
 * process is ended. It ends itself at once when its standard input closes, which the operating system does whenever
 * the process that started it is gone, however that ended. It knows nothing of what is stored.
 *
 * argv: path of libchdb, then clickhouse-local's arguments. Killing it at any moment loses nothing that was
 * acknowledged, so there is no other way of stopping it.
 */

import { DataType, load, open } from 'ffi-rs';

const [library, ...argv] = process.argv.slice(2) as [string, ...string[]];

const end = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
process.stdin.on('end', end);
process.stdin.on('error', end);
process.stdin.resume();
// A terminal sends these to the whole group; the parent decides when the engine stops.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('SIGHUP', () => {});

if (process.platform === 'linux') {
  // Belt and braces: the kernel kills us with our parent even when this thread gets no time to see the end of input.
  const PR_SET_PDEATHSIG = 1;
  const SIGKILL = 9;
  open({ library: 'libc', path: '' });
  load({
    library: 'libc',
    funcName: 'prctl',
    retType: DataType.I32,
    paramsType: [DataType.I32, DataType.I32],
    paramsValue: [PR_SET_PDEATHSIG, SIGKILL],
  });
}

open({ library: 'chdb', path: library });

// The same thread-safe entry as the clickhouse-local command; returns only when the session ends.
const result = load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.External,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [argv.length, argv],
  runInNewThread: true,
}) as unknown as Promise<unknown>;

const reason = load({
  library: 'chdb',
  funcName: 'chdb_result_error',
  retType: DataType.String,
  paramsType: [DataType.External],
  paramsValue: [await result],
}) as unknown as string;
process.stderr.write(`engine session ended: ${reason}\n`, () => process.kill(process.pid, 'SIGKILL'));
