/** The three ways to have storage: embedded, an external server, and a cluster of two; each in temporary directories. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedEngine, freePort } from '../../src/storage/engine/embedded.ts';
import { openStorage, type Storage, type StorageOptions } from '../../src/storage/index.ts';

const LIMITS = { maxMemoryBytes: 1 << 30, mergeThreads: 2, queryThreads: 2 };

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'trivium-storage-'));
}

export interface Backend {
  readonly options: StorageOptions;
  open(changes?: Partial<StorageOptions>): Promise<Storage>;
  end(): Promise<void>;
}

export async function embedded(): Promise<Backend> {
  const dataDir = temporaryDirectory();
  const options: StorageOptions = { dataDir, maxMemoryBytes: LIMITS.maxMemoryBytes };
  return {
    options,
    open: (changes = {}) => openStorage({ ...options, ...changes }),
    end: async () => rmSync(dataDir, { recursive: true, force: true }),
  };
}

/** An external server: a second engine process that storage reaches only by its URL. */
export async function external(): Promise<Backend> {
  const directory = temporaryDirectory();
  const engine = await EmbeddedEngine.start({
    dataDir: join(directory, 'server'),
    limits: LIMITS,
    log: () => {},
  });
  const { url, user, password } = engine.endpoint();
  url.username = user;
  url.password = password;
  const options: StorageOptions = { clickhouseUrl: url.href, dataDir: join(directory, 'own') };
  return {
    options,
    open: (changes = {}) => openStorage({ ...options, ...changes }),
    async end() {
      await engine.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Two servers that know each other as cluster `pair`. */
export async function cluster(): Promise<Backend> {
  const directory = temporaryDirectory();
  const password = 'for-tests-only';
  const ports = [await freePort(), await freePort()];
  const pair = ports.map((tcpPort) => ({ host: '127.0.0.1', tcpPort, user: 'trivium', password }));
  const engines: EmbeddedEngine[] = [];
  for (const [i, port] of ports.entries())
    engines.push(
      await EmbeddedEngine.start({
        dataDir: join(directory, `node${i}`),
        limits: LIMITS,
        log: () => {},
        password,
        tcp: { port, clusters: { pair } },
      }),
    );
  const options: StorageOptions = {
    clickhouseUrl: engines.map((engine) => engine.endpoint().url.href),
    user: 'trivium',
    password,
    cluster: 'pair',
  };
  return {
    options,
    open: (changes = {}) => openStorage({ ...options, ...changes }),
    async end() {
      await Promise.all(engines.map((engine) => engine.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
