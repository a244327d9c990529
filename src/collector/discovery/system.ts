/** Files, names and connections of the machine, as discovery asks for them. */

import { lookup, Resolver } from 'node:dns/promises';
import { watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { type ClientOptions, HttpClient } from '../../http/client/client.ts';
import type { DiscoveryDeps } from './mechanism.ts';

/** What `DiscoveryDeps` needs of the machine. */
export function systemDiscovery(
  options: ClientOptions,
): Pick<DiscoveryDeps, 'http' | 'dns' | 'files' | 'env'> {
  const resolver = new Resolver();
  const addresses = async (name: string, family: 4 | 6) =>
    (await lookup(name, { family, all: true })).map(({ address }) => address);
  return {
    env: process.env,
    http: (config, socketPath) =>
      new HttpClient(config, socketPath === undefined ? options : { ...options, socketPath }),
    dns: {
      srv: (name) => resolver.resolveSrv(name),
      a: (name) => addresses(name, 4),
      aaaa: (name) => addresses(name, 6),
      mx: async (name) => (await resolver.resolveMx(name)).map(({ exchange }) => exchange),
      ns: (name) => resolver.resolveNs(name),
    },
    files: {
      read: (file) => readFile(file, 'utf8'),
      async list(folder) {
        try {
          return await readdir(folder);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
          throw error;
        }
      },
      watch(folder, onChange) {
        try {
          const watcher = watch(folder, { persistent: false }, onChange);
          watcher.on('error', () => watcher.close());
          return { close: () => watcher.close() };
        } catch {
          // No such folder yet: the refresh interval finds it.
          return { close() {} };
        }
      },
    },
  };
}
