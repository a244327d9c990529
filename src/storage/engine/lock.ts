/**
 * The lock of a data directory: a file that names the process that has it. A lock whose process is gone (killed, or
 * the machine was restarted) is taken over. ClickHouse's own lock of its folder stands behind it.
 */

import { closeSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** The data directory belongs to a living process. */
export class DirectoryLockedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DirectoryLockedError';
  }
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Start time of the process in clock ticks (Linux), or '' where the system does not tell. */
  readonly started: string;
}

const FILE = 'trivium.lock';

/** Takes the lock or throws DirectoryLockedError. Returns the function that gives it back. */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, FILE);
  const self: Owner = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  const text = JSON.stringify(self);
  const mine = `${path}.${process.pid}.${Math.trunc(performance.timeOrigin)}`;
  const file = openSync(mine, 'w', 0o600);
  writeSync(file, text);
  closeSync(file);
  try {
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        linkSync(mine, path);
        return () => {
          if (read(path) === text) rmSync(path, { force: true });
        };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const seen = read(path);
      if (seen === undefined) continue;
      const owner = parse(seen);
      if (owner !== undefined && alive(owner))
        throw new DirectoryLockedError(
          `data directory ${directory} is in use by process ${owner.pid}` +
            `${owner.host === self.host ? '' : ` on ${owner.host}`}; ` +
            'stop that process or choose another directory with --data-dir',
        );
      // Stale. Moving it away first lets only one of several newcomers remove it.
      const grave = `${mine}.stale`;
      try {
        renameSync(path, grave);
        if (read(grave) !== seen) linkSync(grave, path);
        rmSync(grave, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    throw new DirectoryLockedError(`data directory ${directory} changes hands; try again`);
  } finally {
    rmSync(mine, { force: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Partial<Owner>;
    if (typeof owner.pid !== 'number' || typeof owner.host !== 'string') return undefined;
    return { pid: owner.pid, host: owner.host, started: owner.started ?? '' };
  } catch {
    return undefined;
  }
}

function alive(owner: Owner): boolean {
  // Nobody can look at another machine's processes; there the owner has the benefit of the doubt.
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  // The number may have been given to another process since.
  const started = startOf(owner.pid);
  return owner.started === '' || started === '' || started === owner.started;
}

/** Field 22 of /proc/PID/stat; the command in field 2 may contain anything but ends at the last parenthesis. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return '';
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
