/** The container's texts, linted: no engine runs them here. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { LISTENERS } from '../../src/config/serve-options.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const dockerfile = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
const instructions = dockerfile
  .replace(/^\s*#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? assert.fail(`no instruction: ${line}`));
const of = (name: string) =>
  instructions.filter((match) => match[1] === name).map((match) => match[2] as string);
const compose = parse(readFileSync(path.join(ROOT, 'compose.yaml'), 'utf8'));
const ports = Object.values(LISTENERS);

test('Dockerfile: several stages, exact bases', () => {
  const stages = of('FROM');
  assert.ok(stages.length >= 2);
  for (const stage of stages) assert.match(stage, /^[\w./-]+:[\w.-]+( AS \w+)?$/);
  for (const stage of stages) assert.doesNotMatch(stage, /:latest/);
});

test('Dockerfile: the last stage runs as a numeric user who is not root, after all files are copied', () => {
  const names = instructions.map((match) => match[1]);
  assert.ok(names.lastIndexOf('USER') > names.lastIndexOf('COPY'));
  assert.match(of('USER').at(-1) as string, /^[1-9]\d*$/);
});

test('Dockerfile: copies from a stage name one that exists; no ADD, no secrets', () => {
  const stages = of('FROM').map((stage) => / AS (\w+)$/.exec(stage)?.[1]);
  for (const copy of of('COPY')) {
    const from = /^--from=(\w+)/.exec(copy)?.[1];
    if (from !== undefined) assert.ok(stages.includes(from), copy);
  }
  assert.deepEqual(of('ADD'), []);
  assert.doesNotMatch(dockerfile, /password|token|secret/i);
});

test('Dockerfile and compose.yaml name the listeners there are', () => {
  assert.deepEqual(of('EXPOSE').join(' ').split(' ').map(Number), ports);
  const published = compose.services.trivium.ports as string[];
  assert.deepEqual(
    published.map((port) => Number(port.split(':').at(-1))),
    ports,
  );
  for (const port of published) assert.match(port, /^127\.0\.0\.1:/);
});

test('compose.yaml: least privilege, data in a volume, time to drain', () => {
  const { trivium } = compose.services;
  assert.deepEqual(trivium.cap_drop, ['ALL']);
  assert.equal(trivium.read_only, true);
  assert.ok(trivium.volumes.some((volume: string) => volume === 'trivium-data:/data'));
  assert.ok('trivium-data' in compose.volumes);
  assert.ok(Number.parseInt(trivium.stop_grace_period, 10) > 10);
});
