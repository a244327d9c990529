/** Kinds of fields that prometheus.yml has all over: durations, sizes, names, secrets, addresses, patterns. */

import path from 'node:path';
import type { Secret } from '../../http/client/config.ts';
import { parseDuration } from '../../query/syntax/durations.ts';
import { parseBytes } from '../units.ts';
import type { YamlObject, YamlValue } from '../yaml.ts';

/** What reading needs besides the text. */
export interface ConfigFiles {
  /** The text of a file; throws when it cannot be read. */
  read(file: string): string;
  /** Names in a folder; empty when there is none. */
  list(folder: string): string[];
}

/** What all parts of one reading share. */
export interface ReadContext {
  /** Folder to which paths in the file are relative. */
  readonly folder: string;
  readonly files: ConfigFiles;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A Prometheus duration in milliseconds. */
export function duration(value: YamlValue | undefined, otherwise: number): number {
  const text = value?.string();
  if (value === undefined || text === undefined) return otherwise;
  const parsed = parseDuration(text);
  if ('ms' in parsed) return parsed.ms;
  value.error(parsed.error, 'write for instance 30s, 1m, 1h30m or 15d');
  return otherwise;
}

/** `128MB`, `1GiB`; 0 is "no limit". */
export function bytes(value: YamlValue | undefined, otherwise: number): number {
  const text = value?.string();
  if (value === undefined || text === undefined || text === '') return otherwise;
  const parsed = parseBytes(text);
  // Prometheus counts in powers of two, whichever way the unit is written.
  const binary = /^[\d.]+\s*[kmgtpe]b$/i.test(text) ? parseBytes(text.replace(/b$/i, '')) : parsed;
  if (binary !== undefined) return binary;
  value.error(`${JSON.stringify(text)} is no size`, 'write for instance 512KB or 100MB');
  return otherwise;
}

export function whole(value: YamlValue | undefined, otherwise: number): number {
  const number = value?.number();
  if (value === undefined || number === undefined) return otherwise;
  if (Number.isInteger(number) && number >= 0) return number;
  value.error('a whole number, 0 or larger, is wanted here');
  return otherwise;
}

export function flag(value: YamlValue | undefined, otherwise: boolean): boolean {
  return value?.boolean() ?? otherwise;
}

export function text(value: YamlValue | undefined, otherwise = ''): string {
  return value?.string() ?? otherwise;
}

export function texts(value: YamlValue | undefined): string[] {
  return (value?.list() ?? []).flatMap((item) => item.string() ?? []);
}

/** One of few words. */
export function choice<T extends string>(
  value: YamlValue | undefined,
  choices: readonly T[],
  otherwise: T,
  what: string,
): T {
  const given = value?.string();
  if (value === undefined || given === undefined || given === '') return otherwise;
  if ((choices as readonly string[]).includes(given)) return given as T;
  value.error(`unknown ${what} ${JSON.stringify(given)}`, `known: ${choices.join(', ')}`);
  return otherwise;
}

/** A mapping whose keys are the user's own, with string values. */
export function stringMap(value: YamlValue | undefined): Record<string, string> {
  const map: Record<string, string> = {};
  const object = value?.object();
  for (const name of object?.names() ?? []) map[name] = object?.get(name)?.string() ?? '';
  return map;
}

/** Labels: any UTF-8 name, but not empty. */
export function labelMap(value: YamlValue | undefined): Record<string, string> {
  const map = stringMap(value);
  if ('' in map) value?.error('"" is not a valid label name');
  return map;
}

/** An absolute http or https URL. */
export function url(value: YamlValue | undefined): string | undefined {
  const given = value?.string();
  if (value === undefined || given === undefined) return undefined;
  if (!URL.canParse(given) || !/^https?:/i.test(given)) {
    value.error(
      `${JSON.stringify(given)} is no http or https URL`,
      'write for instance http://host:9090/path',
    );
    return undefined;
  }
  return given;
}

/** A path, relative to the folder of the configuration file. */
export function filePath(value: YamlValue | undefined, { folder }: ReadContext): string | undefined {
  const given = value?.string();
  return given === undefined || given === '' ? undefined : path.resolve(folder, given);
}

/** `NAME` or `NAME_file` of a mapping; both is a mistake. `NAME_ref` is refused: there is no secret manager. */
export function secret(object: YamlObject, name: string, context: ReadContext): Secret | undefined {
  const value = object.get(name);
  const file = filePath(object.get(`${name}_file`), context);
  const reference = object.get(`${name}_ref`);
  if (reference !== undefined) {
    reference.error('secrets by reference are not supported', `use ${name}_file`);
  }
  if (value !== undefined && file !== undefined) {
    object.error(`at most one of ${name} and ${name}_file must be configured`);
  }
  if (file !== undefined) return { file };
  return value === undefined ? undefined : { value: value.string() ?? '' };
}

/** A pattern of file names, with wildcards in its last segment only; absolute. */
export function filePattern(value: YamlValue, context: ReadContext, endings?: RegExp): string | undefined {
  const given = filePath(value, context);
  if (given === undefined) return undefined;
  if (/\*.*\//.test(given) || (endings !== undefined && !endings.test(given))) {
    value.error(
      `path name ${JSON.stringify(value.string())} is not valid`,
      endings === undefined
        ? 'wildcards (*) may stand in the last part of the path only'
        : 'it must end in .json, .yml or .yaml; wildcards (*) may stand in its last part only',
    );
    return undefined;
  }
  return given;
}

/** Files that match a pattern of `filePattern`, sorted. */
export function matchingFiles(pattern: string, files: ConfigFiles): string[] {
  const folder = path.dirname(pattern);
  const last = path.basename(pattern);
  if (!/[*?[]/.test(last)) return files.list(folder).includes(last) ? [pattern] : [];
  return files
    .list(folder)
    .filter((name) => path.matchesGlob(name, last))
    .sort()
    .map((name) => path.join(folder, name));
}
