/**
 * The embedded engine: starts the child process that is a ClickHouse server on a loopback port, waits until it
 * answers, restarts it with back-off when it dies, and ends it. Whoever uses it sees an endpoint and `ready()`.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from '../client.ts';
import { StorageError } from '../errors.ts';
import { type EngineLimits, type RemoteNode, serverConfig, sessionQuery, usersConfig } from './config.ts';
import { engineLibrary } from './library.ts';
import { lockDirectory } from './lock.ts';
import { RotatingFile } from './log-file.ts';

export interface EmbeddedOptions {
  /** The engine's data lie in DIR/engine, its log in DIR/log. */
  readonly dataDir: string;
  readonly limits: EngineLimits;
  /** One line per event; the engine's own output goes to the log file. */
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Called whenever a new engine takes the place of one that died. */
  readonly restarted?: () => void;
  /** Opens the native protocol as well (needed only as a node of a cluster). */
  readonly tcp?: {
    readonly port: number;
    readonly clusters: Readonly<Record<string, readonly RemoteNode[]>>;
  };
  /** For tests: a fixed password instead of a random one. */
  readonly password?: string;
}

const USER = 'trivium';
const START_TIMEOUT_MS = 30_000;
const READY_TIMEOUT_MS = 15_000;
const FIRST_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 10_000;
/** An engine that lived this long starts with the first back-off again. */
const STABLE_MS = 60_000;

export class EmbeddedEngine {
  readonly #options: EmbeddedOptions;
  readonly #directory: string;
  readonly #logFile: RotatingFile;
  readonly #unlock: () => void;
  readonly #password: string;
  #child: ChildProcess | undefined;
  #endpoint: Endpoint | undefined;
  #closed = false;
  #restarts = 0;
  #backoffMs = FIRST_BACKOFF_MS;
  #starting: Promise<void> | undefined;
  #failure: Error | undefined;
  #cancelBackoff: () => void = () => {};

  private constructor(options: EmbeddedOptions) {
    this.#options = options;
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
    this.#unlock = lockDirectory(options.dataDir);
    this.#directory = join(options.dataDir, 'engine');
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    mkdirSync(join(options.dataDir, 'log'), { recursive: true, mode: 0o700 });
    this.#logFile = new RotatingFile(join(options.dataDir, 'log', 'engine.log'), {
      maxBytes: 8 << 20,
      keep: 3,
    });
    this.#password = options.password ?? randomBytes(24).toString('hex');
  }

  /** Locks the directory, starts the engine and waits until it answers. */
  static async start(options: EmbeddedOptions): Promise<EmbeddedEngine> {
    const engine = new EmbeddedEngine(options);
    try {
      engine.#starting = engine.#launch();
      await engine.#starting;
      engine.#starting = undefined;
    } catch (error) {
      await engine.close();
      throw error;
    }
    return engine;
  }

  get user(): string {
    return USER;
  }

  get password(): string {
    return this.#password;
  }

  /** How often the engine had to be started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The engine's process, while there is one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  readonly endpoint = (): Endpoint => {
    if (this.#endpoint === undefined)
      throw new StorageError('transient', 0, 'the storage engine is not running');
    return this.#endpoint;
  };

  /** Waits while the engine is being started again; rejects with a transient error after a while. */
  readonly ready = async (signal?: AbortSignal): Promise<void> => {
    if (this.#closed) throw new StorageError('transient', 0, 'storage is closed');
    if (this.#starting === undefined) return;
    const deadline = AbortSignal.timeout(READY_TIMEOUT_MS);
    const either = signal === undefined ? deadline : AbortSignal.any([deadline, signal]);
    await new Promise<void>((resolve, reject) => {
      const stop = (): void => {
        if (signal?.aborted === true) reject(signal.reason);
        else {
          const why = this.#failure === undefined ? '' : `: ${this.#failure.message}`;
          reject(new StorageError('transient', 0, `the storage engine is being restarted${why}`));
        }
      };
      if (either.aborted) stop();
      either.addEventListener('abort', stop, { once: true });
      this.#starting?.then(
        () => {
          either.removeEventListener('abort', stop);
          resolve();
        },
        () => stop(),
      );
    });
  };

  /** Ends the engine and gives the directory back. Safe at any moment: nothing acknowledged is in memory only. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelBackoff();
    const child = this.#child;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGKILL');
      await gone;
    }
    this.#logFile.close();
    this.#unlock();
  }

  async #launch(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#launchOnce();
        return;
      } catch (error) {
        // Another program may have taken the port between our choice and the engine's bind.
        if (this.#closed || attempt === 3 || !/in use|EADDRINUSE|NETWORK_ERROR/i.test(String(error)))
          throw error;
      }
    }
  }

  async #launchOnce(): Promise<void> {
    const { limits, tcp } = this.#options;
    const port = await freePort();
    const usersFile = join(this.#directory, 'users.xml');
    const configFile = join(this.#directory, 'config.xml');
    writeFileSync(usersFile, usersConfig(USER, this.#password, limits), { mode: 0o600 });
    writeFileSync(configFile, serverConfig({ limits, usersFile, clusters: tcp?.clusters ?? {} }), {
      mode: 0o600,
    });
    const entry = new URL(import.meta.url.endsWith('.ts') ? './child.ts' : './child.js', import.meta.url);
    const child = spawn(
      process.execPath,
      [
        '--max-old-space-size=64',
        fileURLToPath(entry),
        engineLibrary(),
        'clickhouse-local',
        `--config-file=${configFile}`,
        '--log-level=warning',
        `--path=${join(this.#directory, 'data')}`,
        `--http_port=${port}`,
        ...(tcp === undefined ? [] : [`--tcp_port=${tcp.port}`]),
        '--listen_host=127.0.0.1',
        '--query',
        sessionQuery(tcp !== undefined),
      ],
      { stdio: ['pipe', 'pipe', 'pipe'], env: childEnvironment(), cwd: this.#directory },
    );
    this.#child = child;
    child.stdin?.on('error', () => {});
    let tail = '';
    const output = (chunk: Buffer): void => {
      tail = (tail + chunk.toString('utf8')).slice(-4000);
      if (!this.#closed) this.#logFile.write(chunk);
    };
    child.stdout?.on('data', output);
    child.stderr?.on('data', output);
    const startedMs = performance.now();
    let answered = false;
    const ended = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        const reason = `the storage engine ended (${signal ?? `status ${code}`})${tail === '' ? '' : `: ${lastLines(tail)}`}`;
        reject(new StorageError('transient', 0, reason));
        if (answered) this.#died(reason, performance.now() - startedMs);
      });
    });
    ended.catch(() => {});
    const endpoint: Endpoint = {
      url: new URL(`http://127.0.0.1:${port}`),
      user: USER,
      password: this.#password,
    };
    try {
      await Promise.race([answers(endpoint, START_TIMEOUT_MS), ended]);
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    }
    if (this.#closed) {
      child.kill('SIGKILL');
      throw new StorageError('transient', 0, 'storage is closed');
    }
    answered = true;
    this.#endpoint = endpoint;
    this.#failure = undefined;
  }

  #died(reason: string, livedMs: number): void {
    if (this.#closed) return;
    this.#endpoint = undefined;
    this.#options.log('error', `${reason}; starting it again`);
    if (livedMs > STABLE_MS) this.#backoffMs = FIRST_BACKOFF_MS;
    this.#starting = this.#restart();
    // Whoever waits in ready() hears of it; without anybody waiting it must not end the process.
    this.#starting.catch(() => {});
  }

  async #restart(): Promise<void> {
    for (;;) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.#backoffMs);
        this.#cancelBackoff = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.#closed) throw new StorageError('transient', 0, 'storage is closed');
      this.#backoffMs = Math.min(this.#backoffMs * 2, MAX_BACKOFF_MS);
      this.#restarts++;
      try {
        await this.#launch();
        this.#starting = undefined;
        this.#options.restarted?.();
        this.#options.log('warn', 'the storage engine runs again');
        return;
      } catch (error) {
        this.#failure = error as Error;
        if (this.#closed) throw error;
        this.#options.log('error', `the storage engine could not be started: ${(error as Error).message}`);
      }
    }
  }
}

/** The engine needs no secrets of ours, and must not write core dumps of data or read client settings from HOME. */
function childEnvironment(): NodeJS.ProcessEnv {
  const { PATH, TZ, LD_LIBRARY_PATH, TMPDIR } = process.env;
  const environment: NodeJS.ProcessEnv = { UV_THREADPOOL_SIZE: '2', HOME: '/nonexistent' };
  for (const [name, value] of Object.entries({ PATH, TZ, LD_LIBRARY_PATH, TMPDIR }))
    if (value !== undefined) environment[name] = value;
  return environment;
}

/** The reason in the engine's last output: what the session ended with, else the last lines; no stack traces. */
function lastLines(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^\d+\. .*@ 0x/.test(line));
  const ended = lines.findLast((line) => line.startsWith('engine session ended:'));
  return (ended ?? lines.slice(-3).join(' | ')).replace(/, Stack trace.*/, '').slice(-1000);
}

/** Polls until the server answers as our user. */
async function answers(endpoint: Endpoint, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    if (await ping(endpoint)) return;
    if (performance.now() > deadline)
      throw new StorageError('transient', 0, `the storage engine did not answer within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function ping({ url, user, password }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(
      `${url.origin}/?query=SELECT%201`,
      { agent: false, headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': password } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode === 200));
        response.on('error', () => resolve(false));
      },
    );
    request.setTimeout(2000, () => request.destroy());
    request.on('error', () => resolve(false));
  });
}

/** A port that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(),
      );
    });
  });
}
