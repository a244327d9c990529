/** The lock file works on every platform and fits package.json: no optional package is left out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { type LockFile, missingEntries } from '../../scripts/complete-lock.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const text = readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8');
const lock = JSON.parse(text) as LockFile & { packages: Record<string, { version?: string }> };

test('every optional package of every platform has its entry (else: node scripts/complete-lock.ts)', () => {
  assert.deepEqual([...missingEntries(lock).keys()], []);
});

test('it fits package.json: exact versions, the same ones', () => {
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(String(version), /^\d/, `${name} is not pinned`);
    assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name);
  }
});

test('what is missing is described by its name', () => {
  const missing = missingEntries({
    packages: {
      'node_modules/x': {
        dev: true,
        optionalDependencies: { '@x/lib-linux-arm64-gnu': '^1.2.3', '@x/here': '1.0.0' },
      },
      'node_modules/@x/here': { version: '1.0.0' },
    },
  });
  assert.deepEqual(
    [...missing],
    [
      [
        'node_modules/@x/lib-linux-arm64-gnu',
        { version: '1.2.3', cpu: ['arm64'], dev: true, libc: ['glibc'], optional: true, os: ['linux'] },
      ],
    ],
  );
});
