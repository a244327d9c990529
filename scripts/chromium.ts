/**
 * Finds Chromium for the browser tests, and installs it from the system's packages where it is missing and we may
 * (as root on Debian or Ubuntu). Prints the path, or says what to do.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

/** The path of a Chromium, or undefined. `CHROMIUM` in the environment names one. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM;
  const folders = [
    ...(process.env.PATH ?? '').split(path.delimiter),
    '/Applications/Google Chrome.app/Contents/MacOS',
  ];
  const candidates =
    named === undefined ? folders.flatMap((folder) => NAMES.map((name) => path.join(folder, name))) : [named];
  return candidates.find((candidate) => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Finds or installs. Throws with what to do by hand. */
export function ensureChromium(): string {
  const found = findChromium();
  if (found !== undefined) return found;
  const mayInstall = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0;
  if (mayInstall) {
    console.error('Chromium is missing; installing it from the system packages ...');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['update', '-q'], { stdio: 'ignore', env });
    execFileSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium'], {
      stdio: 'ignore',
      env,
    });
    const installed = findChromium();
    if (installed !== undefined) return installed;
  }
  throw new Error(
    'The browser tests need Chromium. Install it (Debian: apt-get install chromium; macOS: Google Chrome) or name its program in the variable CHROMIUM.',
  );
}
