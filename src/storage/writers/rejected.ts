/**
 * Where blocks go that storage refuses for good: a file per push with its Native block and a text with the reason, so
 * that nothing disappears silently and an operator can look. Bounded; the oldest go first.
 */

import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface RejectedBlocks {
  /** Stores the blocks; returns where, or undefined when that failed as well. */
  keep(target: string, blocks: readonly Uint8Array[], reason: string): Promise<string | undefined>;
}

export interface RejectedOptions {
  readonly directory: string;
  readonly maxBytes: number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
}

export function rejectedBlocks({ directory, maxBytes, log }: RejectedOptions): RejectedBlocks {
  return {
    async keep(target, blocks, reason) {
      const table = /^\w+/.exec(target)?.[0] ?? 'unknown';
      const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-');
      const name = join(directory, `${stamp}-${table}-${randomUUID().slice(0, 8)}`);
      try {
        await mkdir(directory, { recursive: true, mode: 0o700 });
        await writeFile(`${name}.native`, Buffer.concat(blocks), { mode: 0o600 });
        await writeFile(`${name}.txt`, `INSERT INTO ${target} FORMAT Native\n\n${reason}\n`, { mode: 0o600 });
        await shrink(directory, maxBytes);
        return `${name}.native`;
      } catch (error) {
        log('error', `a rejected block of ${table} could not be set aside: ${(error as Error).message}`);
        return undefined;
      }
    },
  };
}

/** Names begin with the time, so the first are the oldest. */
async function shrink(directory: string, maxBytes: number): Promise<void> {
  const names = (await readdir(directory)).sort();
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).size));
  let total = sizes.reduce((sum, size) => sum + size, 0);
  for (let i = 0; i < names.length && total > maxBytes; i++) {
    total -= sizes[i] as number;
    await rm(join(directory, names[i] as string), { force: true });
  }
}
