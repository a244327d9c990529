/** Finds the engine's shared library in the npm package of this platform. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': '@chdb/lib-linux-x64-gnu',
  'linux-arm64': '@chdb/lib-linux-arm64-gnu',
  'darwin-x64': '@chdb/lib-darwin-x64',
  'darwin-arm64': '@chdb/lib-darwin-arm64',
};

/** Path of libchdb; throws with a hint where the platform has none. */
export function engineLibrary(): string {
  const platform = `${process.platform}-${process.arch}`;
  const name = PACKAGES[platform];
  if (name === undefined)
    throw new Error(
      `the embedded storage engine does not exist for ${platform}; use a ClickHouse server with --clickhouse-url`,
    );
  const require = createRequire(import.meta.url);
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), 'libchdb.so');
  } catch (cause) {
    throw new Error(`the npm package ${name} is not installed; run npm ci (optional dependencies included)`, {
      cause,
    });
  }
}
