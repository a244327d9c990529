/** Command-line flags of `serve` and `demo`: names, defaults and help in one table; refused with the nearest name. */

import { ConfigError, closest } from './diagnostics.ts';

export interface FlagSpec {
  /** What stands after the flag in the help; undefined: a switch. */
  readonly value?: string;
  readonly help: string;
}

/** `--name value`, `--name=value` and switches; a flag given twice keeps its last value. */
export interface ParsedFlags {
  readonly values: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

/** Parses arguments against a table. Throws ConfigError with one line per mistake. */
export function parseFlags(args: readonly string[], specs: Readonly<Record<string, FlagSpec>>): ParsedFlags {
  const values = new Map<string, string>();
  const positionals: string[] = [];
  const mistakes: { message: string; hint?: string }[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      positionals.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('--')) {
      positionals.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const spec = specs[name];
    if (spec === undefined) {
      const near = closest(name, Object.keys(specs));
      mistakes.push({
        message: `unknown flag --${name}`,
        hint: near === undefined ? 'see --help' : `did you mean --${near}?`,
      });
      continue;
    }
    if (spec.value === undefined) {
      if (equals >= 0) mistakes.push({ message: `--${name} takes no value` });
      values.set(name, 'true');
    } else if (equals >= 0) {
      values.set(name, arg.slice(equals + 1));
    } else if (i + 1 < args.length) {
      values.set(name, args[++i] as string);
    } else {
      mistakes.push({ message: `--${name} wants a value: --${name} ${spec.value}` });
    }
  }
  if (mistakes.length > 0) {
    throw new ConfigError(
      mistakes.map(({ message, hint }) => ({
        file: 'command line',
        line: 0,
        column: 0,
        severity: 'error',
        message,
        ...(hint === undefined ? {} : { hint }),
      })),
    );
  }
  return { values, positionals };
}

/** The table as help text, two columns. */
export function flagHelp(specs: Readonly<Record<string, FlagSpec>>): string {
  const rows = Object.entries(specs).map(([name, { value, help }]) => [
    `  --${name}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
  const width = Math.max(...rows.map(([left]) => (left as string).length)) + 2;
  return rows.map(([left, help]) => `${(left as string).padEnd(width)}${help}`).join('\n');
}
