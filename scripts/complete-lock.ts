/**
 * Completes package-lock.json with the packages of other platforms that npm left out. npm drops optional packages
 * that the registry at hand does not carry (or that an existing node_modules lacks), and `npm ci` then refuses the
 * file everywhere. The entries say version, system and processor, as npm itself would write them; on the platforms
 * that they name, npm fetches them by name. Run it after every change of dependencies.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const SYSTEMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'];

export interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface LockFile {
  readonly packages: Record<string, LockEntry>;
}

/** Optional packages that are named by an entry but have none of their own: path in the file -> what it should be. */
export function missingEntries(lock: LockFile): Map<string, LockEntry> {
  const missing = new Map<string, LockEntry>();
  for (const [owner, entry] of Object.entries(lock.packages)) {
    for (const [name, wanted] of Object.entries(entry.optionalDependencies ?? {})) {
      const place = `node_modules/${name}`;
      if (place in lock.packages || `${owner}/${place}` in lock.packages) continue;
      const words = name.split(/[-/@.]/);
      const cpu = words.filter((word) => PROCESSORS.includes(word));
      const os = words.filter((word) => SYSTEMS.includes(word));
      missing.set(place, {
        version: wanted.replace(/^[\^~]/, ''),
        ...(cpu.length > 0 ? { cpu } : {}),
        ...(entry.dev === true ? { dev: true } : {}),
        ...(words.includes('musl') ? { libc: ['musl'] } : words.includes('gnu') ? { libc: ['glibc'] } : {}),
        optional: true,
        ...(os.length > 0 ? { os } : {}),
      } as LockEntry);
    }
  }
  return missing;
}

function complete(file: string): number {
  const lock = JSON.parse(readFileSync(file, 'utf8')) as LockFile;
  const missing = missingEntries(lock);
  const packages = Object.fromEntries(
    [...Object.entries(lock.packages), ...missing].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  writeFileSync(file, `${JSON.stringify({ ...lock, packages }, null, 2)}\n`);
  return missing.size;
}

if (import.meta.main) {
  const count = complete(path.resolve(import.meta.dirname, '../package-lock.json'));
  console.log(count === 0 ? 'package-lock.json was complete' : `${count} packages of other platforms added`);
}
