/** The program: reads the command line, opens what the command needs, and ends with the right exit status. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { CHECK_KINDS, checkFiles } from './cli/check.ts';
import { QUERY_FLAGS, type QueryDeps, QueryError, runQuery } from './cli/query.ts';
import { type RunningServer, serve } from './cli/serve.ts';
import { ConfigError, closest, formatDiagnostic } from './config/diagnostics.ts';
import { flagHelp, parseFlags } from './config/flags.ts';
import { readServeOptions, SERVE_FLAGS } from './config/serve-options.ts';
import { createLogger, type Logger } from './telemetry/logger.ts';
import { Registry } from './telemetry/registry.ts';

/** What npm's layout and a release's have in common: the folder that holds package.json. */
const ROOT = findRoot(import.meta.dirname);
/** A clean stop that takes longer than this is cut. */
const STOP_DEADLINE_MS = 9_500;

const COMMANDS: Readonly<Record<string, { help: string; run: (args: readonly string[]) => Promise<void> }>> =
  {
    serve: { help: 'runs the server', run: (args) => runServer(args, false) },
    demo: {
      help: 'runs the server with a demo shop, its traffic and its faults',
      run: (args) => runServer(args, true),
    },
    check: {
      help: `says whether configuration files can be used: check ${CHECK_KINDS.join('|')} FILE...`,
      run: runCheckCommand,
    },
    query: { help: 'asks a running server, in PromQL, LogQL or TraceQL', run: runQueryCommand },
  };
/** Commands of the contract that this version does not have; refused by name rather than as unknown. */
const FUTURE_COMMANDS = ['test', 'routes', 'import'];

/** The command line asks for something that cannot be done; the message is for people. */
class UsageError extends Error {}

function findRoot(from: string): string {
  for (let folder = from; ; folder = path.dirname(folder)) {
    try {
      readFileSync(path.join(folder, 'package.json'));
      return folder;
    } catch {
      if (folder === path.dirname(folder)) throw new Error(`no package.json above ${from}`);
    }
  }
}

function version(): string {
  return (JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

async function runServer(args: readonly string[], withDemo: boolean): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`trivium ${withDemo ? 'demo' : 'serve'} [FLAGS]\n\n${flagHelp(SERVE_FLAGS)}\n`);
    return;
  }
  const options = readServeOptions(parseFlags(args, SERVE_FLAGS), process.env);
  const registry = new Registry();
  const lines = registry.counter('trivium_log_messages_total', 'Own log messages by level.', ['level']);
  const log = createLogger({
    level: options.logLevel,
    write: (line) => process.stderr.write(line),
    now: Date.now,
    onLine: (level) => lines.add(1, level),
  });
  for (const warning of options.warnings) log.warn(formatDiagnostic(warning));

  const stop = new StopSignal(log);
  let shop: Shop | undefined;
  const server = await serve(options, {
    version: version(),
    root: ROOT,
    log,
    registry,
    now: Date.now,
    demoUrl: () => shop?.controlUrl,
  });
  for (const { name, host, port } of server.listeners)
    process.stdout.write(`listening ${name} ${host}:${port}\n`);
  process.on('SIGHUP', () => {
    // What is wrong was logged; the old configuration goes on.
    server.reload().catch(() => undefined);
  });
  try {
    if (withDemo) shop = await openShop(server, stop.signal, log);
    process.stdout.write(
      `ready in ${Math.round(performance.now())} ms${addressOf(server, withDemo ? DEMO_PAGE : '')}\n`,
    );
    await stop.asked;
  } finally {
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    await shop?.stop();
    await server.close();
  }
  log.info('stopped');
}

async function runCheckCommand([kind, ...files]: readonly string[]): Promise<void> {
  if (kind === undefined || !CHECK_KINDS.includes(kind) || files.length === 0) {
    throw new UsageError(`usage: trivium check ${CHECK_KINDS.join('|')} FILE...`);
  }
  process.exitCode = checkFiles(kind, files, (line) => process.stdout.write(`${line}\n`));
}

/** What the demo's entry offers; it is no part of a release, so it is loaded only when asked for. */
interface Shop {
  readonly controlUrl: string;
  readonly storefrontUrl: string;
  stop(): Promise<void>;
}

async function openShop(server: RunningServer, signal: AbortSignal, log: Logger): Promise<Shop> {
  const otlp = server.listeners.find(({ name }) => name === 'otlp-http');
  if (otlp === undefined)
    throw new UsageError('the demo needs the otlp-http listener; leave out --otlp-http-port off');
  const file = path.join(ROOT, 'demo/main.ts');
  if (!existsSync(file))
    throw new UsageError('this release has no demo; run "npm ci && npm run demo" in a checkout');
  const { startDemo } = (await import(pathToFileURL(file).href)) as {
    startDemo: (options: object) => Promise<Shop>;
  };
  const shop = await startDemo({
    otlpEndpoint: `http://127.0.0.1:${otlp.port}`,
    signal,
    log: (message: string) => log.info(message, { from: 'demo' }),
  });
  process.stdout.write(`demo shop ${shop.storefrontUrl}\n`);
  return shop;
}

/** The first page as a fresh demo is best seen: a short range that renews itself. */
const DEMO_PAGE = '/?from=now-5m&to=now&refresh=10s';

function addressOf(server: RunningServer, page: string): string {
  const http = server.listeners.find(({ name }) => name === 'http');
  if (http === undefined) return '';
  const host = http.host === '0.0.0.0' || http.host === '::' ? '127.0.0.1' : http.host;
  return `: http://${host}:${http.port}${page}`;
}

/** SIGTERM and SIGINT ask to stop; the second one stops at once. */
class StopSignal {
  readonly asked: Promise<void>;
  readonly #aborter = new AbortController();

  constructor(log: Logger) {
    this.asked = new Promise((resolve) => {
      for (const name of ['SIGTERM', 'SIGINT'] as const) {
        process.on(name, () => {
          if (this.#aborter.signal.aborted) process.exit(130);
          log.info('stopping', { signal: name });
          this.#aborter.abort();
          resolve();
        });
      }
    });
  }

  get signal(): AbortSignal {
    return this.#aborter.signal;
  }
}

async function runQueryCommand(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(
      `trivium query promql|logql|traceql 'EXPRESSION' [FLAGS]\n\n${flagHelp(QUERY_FLAGS)}\n`,
    );
    return;
  }
  const deps: QueryDeps = {
    fetch,
    nowMs: Date.now,
    isTerminal: process.stdout.isTTY === true,
    print: (text) => process.stdout.write(text),
  };
  await runQuery(parseFlags(args, QUERY_FLAGS), deps);
}

function usage(): string {
  const rows = Object.entries(COMMANDS).map(([name, { help }]) => `  trivium ${name.padEnd(8)} ${help}`);
  return `Trivium ${version()}: metrics, logs and traces in one program\n\n${rows.join('\n')}\n\n"trivium COMMAND --help" lists its flags.\n`;
}

async function main(args: readonly string[]): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage());
    return;
  }
  if (name === '--version' || name === 'version') {
    process.stdout.write(`trivium ${version()}\n`);
    return;
  }
  const command = COMMANDS[name];
  if (command !== undefined) return command.run(rest);
  if (FUTURE_COMMANDS.includes(name)) throw new UsageError(`"trivium ${name}" is not in this version yet`);
  const near = closest(name, Object.keys(COMMANDS));
  throw new UsageError(
    `unknown command "${name}"${near === undefined ? '' : `; did you mean "${near}"?`}\n\n${usage()}`,
  );
}

try {
  await main(process.argv.slice(2));
  process.exitCode ??= 0;
} catch (error) {
  const known = error instanceof ConfigError || error instanceof UsageError || error instanceof QueryError;
  const text =
    known || !(error instanceof Error)
      ? String((error as Error).message ?? error)
      : (error.stack ?? error.message);
  process.stderr.write(`trivium: ${text}\n`);
  process.exit(known ? 2 : 1);
}
