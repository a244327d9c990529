/** Trivium as a user starts it: the real program on free ports and a data directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../..');
const LISTENERS = [
  'http',
  'prometheus',
  'loki',
  'tempo',
  'otlp-grpc',
  'otlp-http',
  'pushgateway',
  'zipkin',
  'jaeger-grpc',
  'jaeger-http',
];

export interface RunningTrivium {
  readonly child: ChildProcess;
  readonly ports: Record<string, number>;
  readonly dataDir: string;
  /** Milliseconds from the start to the line that says it is ready. */
  readonly readyMs: number;
  /** Everything it has printed so far. */
  output(): string;
  /** SIGTERM and wait; the data directory goes unless it was given or `keep` is set. Resolves with the exit code. */
  stop(keep?: boolean): Promise<number | null>;
}

/** Starts `trivium serve` (or `command`) and waits until it says that it is ready. */
export async function startTrivium(
  options: {
    command?: string;
    args?: string[];
    dataDir?: string;
    timeoutMs?: number;
    env?: Record<string, string>;
  } = {},
): Promise<RunningTrivium> {
  const dataDir = options.dataDir ?? mkdtempSync(path.join(os.tmpdir(), 'trivium-test-'));
  const began = performance.now();
  const args = [
    options.command ?? 'serve',
    '--data-dir',
    dataDir,
    ...LISTENERS.flatMap((name) => [`--${name}-port`, '0']),
    ...(options.args ?? []),
  ];
  const child = spawn(path.join(ROOT, 'bin/trivium'), args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: os.tmpdir(),
    env: { ...process.env, ...options.env },
  });
  let output = '';
  const ports: Record<string, number> = {};
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not ready after ${options.timeoutMs ?? 30_000} ms:\n${output}`)),
      options.timeoutMs ?? 30_000,
    );
    const onData = (chunk: Buffer) => {
      output += chunk;
      for (const match of output.matchAll(/^listening (\S+) \S+:(\d+)$/gm))
        ports[match[1] as string] = Number(match[2]);
      if (/^ready /m.test(output)) {
        clearTimeout(timer);
        resolve();
      }
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    void exited.then((code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code} before it was ready:\n${output}`));
    });
  }).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    child,
    ports,
    dataDir,
    readyMs: performance.now() - began,
    output: () => output,
    stop: async (keep = options.dataDir !== undefined) => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const code = await exited;
      if (!keep) rmSync(dataDir, { recursive: true, force: true });
      return code;
    },
  };
}
