/** Where the conformance kits are: CONFORMANCE_DIR, or beside the project. */
import { existsSync } from 'node:fs';
import path from 'node:path';

/** Undefined when they are not at hand; what needs them skips then. */
export function conformanceKits(): string | undefined {
  const folder = process.env.CONFORMANCE_DIR ?? path.resolve(import.meta.dirname, '../../shared/conformance');
  return existsSync(path.join(folder, 'check-promql.mjs')) ? folder : undefined;
}
