/** file_sd: target groups in JSON or YAML files, read when they change and at intervals besides. */

import path from 'node:path';
import { parse } from 'yaml';
import type { TargetGroup } from '../scrape/target.ts';
import type { FileDiscoveryConfig } from './config.ts';
import { type DiscoveryDeps, readGroups, type StartDiscovery } from './mechanism.ts';

/** Changes within this time are read together. */
const SETTLE_MS = 100;

export const startFileDiscovery: StartDiscovery<FileDiscoveryConfig> = (config, deps, emit) => {
  const { clock, files } = deps;
  const folders = [...new Set(config.files.map((file) => path.dirname(file)))];
  let known = new Map<string, TargetGroup[]>();
  let closed = false;
  let timer: { cancel(): void } | undefined;
  let settle: { cancel(): void } | undefined;
  let running: Promise<void> = Promise.resolve();

  const refresh = async () => {
    const next = new Map<string, TargetGroup[]>();
    for (const file of await matchingFiles(config.files, deps)) {
      try {
        next.set(file, readFile(await files.read(file), file));
      } catch (error) {
        deps.metrics.add('prometheus_sd_file_read_errors_total', 1);
        deps.warn('file of file_sd could not be read', { file, error });
        // What it said before holds on.
        const before = known.get(file);
        if (before !== undefined) next.set(file, before);
      }
    }
    known = next;
    if (!closed) emit([...next.values()].flat());
  };
  const refreshNow = () => {
    running = running.then(() => (closed ? undefined : refresh())).catch(() => undefined);
  };
  const turn = () => {
    refreshNow();
    timer = clock.after(config.refreshMs, turn);
  };
  const watchers = folders.map((folder) =>
    files.watch(folder, () => {
      settle?.cancel();
      settle = clock.after(SETTLE_MS, refreshNow);
    }),
  );
  turn();
  return {
    close() {
      closed = true;
      timer?.cancel();
      settle?.cancel();
      for (const watcher of watchers) watcher.close();
    },
  };
};

async function matchingFiles(patterns: readonly string[], { files }: DiscoveryDeps): Promise<string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    const folder = path.dirname(pattern);
    const last = path.basename(pattern);
    if (!last.includes('*')) {
      const names = await files.list(folder);
      if (names.includes(last)) found.add(pattern);
      continue;
    }
    const parts = last.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
    const regex = new RegExp(`^${parts.join('[^/]*')}$`);
    for (const name of await files.list(folder)) if (regex.test(name)) found.add(path.join(folder, name));
  }
  return [...found].sort();
}

function readFile(text: string, file: string): TargetGroup[] {
  const value: unknown = path.extname(file).toLowerCase() === '.json' ? JSON.parse(text) : parse(text);
  return readGroups(value, file, { __meta_filepath: file });
}
