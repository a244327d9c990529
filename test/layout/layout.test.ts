/** The shape of the house: who may import whom, who must be pure, where SQL stands, what names say nothing. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SRC = path.join(ROOT, 'src');

/** Floors of the house; imports go to the same room or to a lower floor, never sideways. */
const FLOORS: readonly (readonly string[])[] = [
  ['model'],
  ['wire', 'template', 'http'],
  // LogQL formats lines and labels by templates.
  ['query'],
  ['storage', 'collector', 'rules', 'alerting', 'dashboards', 'tenancy', 'telemetry'],
  ['api', 'config'],
  ['cli'],
  ['main.ts'],
];
const PURE = ['model', 'wire', 'template', 'query'];
/** Modules of Node that touch nothing outside of the process. */
const PURE_NODE_MODULES = new Set(['node:buffer', 'node:util']);
const IMPURE_WORDS =
  /\b(Date\.now\(|new Date\(\)|Math\.random\(|performance\.now\(|console\.|process\.(env|std|cwd|hrtime)|setTimeout\(|setInterval\(|fetch\()/;
/** Entry points, which are there to do work. */
const ENTRY_POINTS = new Set(['src/main.ts', 'src/storage/engine/child.ts']);
const SQL_WORDS =
  /['"`]\s*(SELECT\s.+\sFROM\s|INSERT INTO\s|CREATE (TABLE|DATABASE|USER)\s|ALTER TABLE\s|DROP TABLE\s)/s;
const EMPTY_NAMES = /^(utils?|helpers?|common|misc|managers?)(\.|$)/;
const PAGE_LINES = 600;

interface SourceFile {
  readonly name: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function filesBelow(folder: string, extensions: RegExp): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && extensions.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !/node_modules|[\\/]dist[\\/]/.test(file));
}

/** Comments and the contents of strings blanked, so that words in prose are not taken for code. */
function codeOnly(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}

const sources: SourceFile[] = filesBelow(SRC, /\.ts$/).map((file) => {
  const text = readFileSync(file, 'utf8');
  const imports = [
    ...text.matchAll(/(?:^import|^export)[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm),
  ].map((match) => (match[1] ?? match[2] ?? match[3]) as string);
  const name = path.relative(ROOT, file);
  return { name, room: path.relative(SRC, file).split(path.sep)[0] as string, text, imports };
});

const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room));

test('every room of src has its floor', () => {
  const homeless = [...new Set(sources.map(({ room }) => room))].filter((room) => floorOf(room) < 0);
  assert.deepEqual(homeless, []);
});

test('imports go downwards only', () => {
  const wrong: string[] = [];
  for (const { name, room, imports } of sources) {
    for (const target of imports) {
      if (!target.startsWith('.')) continue;
      const other = path
        .relative(SRC, path.resolve(ROOT, path.dirname(name), target))
        .split(path.sep)[0] as string;
      if (other !== room && floorOf(other) >= floorOf(room)) wrong.push(`${name} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('model, wire, template and query are pure', () => {
  const wrong: string[] = [];
  for (const { name, room, text, imports } of sources) {
    if (!PURE.includes(room)) continue;
    for (const target of imports) {
      if (target.startsWith('node:') && !PURE_NODE_MODULES.has(target))
        wrong.push(`${name} imports ${target}`);
    }
    const word = IMPURE_WORDS.exec(codeOnly(text));
    if (word !== null) wrong.push(`${name} uses ${word[0]}`);
  }
  assert.deepEqual(wrong, []);
});

test('SQL stands in storage only', () => {
  const wrong = sources
    .filter(({ room, text }) => room !== 'storage' && SQL_WORDS.test(codeOnly(text)))
    .map(({ name }) => name);
  assert.deepEqual(wrong, []);
});

test('no module does work when it is imported', () => {
  const wrong: string[] = [];
  for (const { name, text } of sources) {
    if (ENTRY_POINTS.has(name)) continue;
    for (const [index, line] of codeOnly(text).split('\n').entries()) {
      // At the left margin there are only declarations; a call there is work.
      if (/^(await |void )?[\w.]+\(.*\);?$/.test(line) || /^(for|while|if|switch)\b/.test(line)) {
        wrong.push(`${name}:${index + 1}: ${line}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test('names say what things are; files are kebab-case', () => {
  const all = [
    ...filesBelow(SRC, /./),
    ...filesBelow(path.join(ROOT, 'test'), /\.ts$/),
    ...filesBelow(path.join(ROOT, 'ui'), /\.tsx?$/),
  ];
  const wrong = all
    .map((file) => path.relative(ROOT, file))
    .filter((file) => {
      const parts = file.split(path.sep);
      return (
        parts.some((part) => EMPTY_NAMES.test(part)) ||
        !/^[a-z0-9.-]+$|^README\.md$/.test(parts.at(-1) as string)
      );
    });
  assert.deepEqual(wrong, []);
});

test('every file says what it is for', () => {
  const wrong = sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text)).map(({ name }) => name);
  assert.deepEqual(wrong, []);
});

test(`no file is longer than ${PAGE_LINES} lines`, () => {
  const wrong = sources.filter(({ text }) => text.split('\n').length > PAGE_LINES).map(({ name }) => name);
  assert.deepEqual(wrong, []);
});

test('every dependency has its line in docs/dependencies.md', () => {
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const page = readFileSync(path.join(ROOT, 'docs/dependencies.md'), 'utf8');
  const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  assert.deepEqual(
    names.filter((name) => !page.includes(`\`${name}\``)),
    [],
  );
});

test('the project speaks of itself alone', () => {
  const files = [
    ...filesBelow(SRC, /./),
    ...filesBelow(path.join(ROOT, 'test'), /\.(ts|md)$/),
    ...filesBelow(path.join(ROOT, 'docs'), /./),
    path.join(ROOT, 'package.json'),
    path.join(ROOT, 'package-lock.json'),
  ];
  const wrong = files.filter((file) =>
    /"resolved": "http|\/root\/|\/tmp\/team/.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(
    wrong
      .map((file) => path.relative(ROOT, file))
      .filter((file) => file !== path.join('test', 'layout', 'layout.test.ts')),
    [],
  );
});
