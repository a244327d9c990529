/**
 * Pattern expressions: literals and captures `<name>`, `<_>`. As a parser they take text out of a line, as a filter
 * (`|>`, `!>`) they test whole lines.
 */

import { InputError } from '../../../model/errors.ts';

/** A literal, or a capture (name '_' takes nothing). */
type Part = { readonly literal: string } | { readonly capture: string };

function parsePattern(text: string): Part[] {
  const parts: Part[] = [];
  const capture = /<([a-zA-Z_][a-zA-Z0-9_]*)>/g;
  let at = 0;
  for (const found of text.matchAll(capture)) {
    if (found.index > at) parts.push({ literal: text.slice(at, found.index) });
    parts.push({ capture: found[1] as string });
    at = found.index + found[0].length;
  }
  if (at < text.length) parts.push({ literal: text.slice(at) });
  return parts;
}

function checkAdjacent(parts: readonly Part[], text: string, position: number): void {
  for (let i = 1; i < parts.length; i++) {
    if ('capture' in (parts[i] as Part) && 'capture' in (parts[i - 1] as Part)) {
      throw new InputError(`found consecutive capture: invalid expression ${JSON.stringify(text)}`, {
        position,
        hint: 'put some text between two captures',
      });
    }
  }
}

export interface PatternParser {
  /** Names of captures that are kept, in order. */
  readonly names: readonly string[];
  /** Values of the first names; fewer when the line ends early, none when it does not match. */
  match(line: string): string[];
}

/** The parser of `| pattern`. Throws InputError. */
export function compilePattern(text: string, position: number): PatternParser {
  const parts = parsePattern(text);
  const fail = (why: string): never => {
    throw new InputError(`${why}: invalid expression ${JSON.stringify(text)}`, { position });
  };
  if (!parts.some((part) => 'capture' in part)) fail('at least one capture is required');
  checkAdjacent(parts, text, position);
  const names: string[] = [];
  for (const part of parts) {
    if (!('capture' in part) || part.capture === '_') continue;
    if (names.includes(part.capture)) fail(`duplicate capture name (${part.capture})`);
    names.push(part.capture);
  }
  if (names.length === 0) fail('at least one named capture is required');
  const match = (line: string): string[] => {
    const out: string[] = [];
    if (line === '') return out;
    let at = 0;
    let i = 0;
    const first = parts[0] as Part;
    if ('literal' in first) {
      if (!line.startsWith(first.literal)) return out;
      at = first.literal.length;
      i = 1;
    }
    for (; i < parts.length; i += 2) {
      const { capture } = parts[i] as { capture: string };
      const next = parts[i + 1] as { literal: string } | undefined;
      const found = next === undefined ? -1 : line.indexOf(next.literal, at);
      // Without the text that should follow, the capture takes the rest of the line.
      if (capture !== '_') out.push(found < 0 ? line.slice(at) : line.slice(at, found));
      if (found < 0) break;
      at = found + (next as { literal: string }).literal.length;
    }
    return out;
  };
  return { names, match };
}

/** The test of `|>`. Captures must have no name. Throws InputError. */
export function compilePatternFilter(text: string, position: number): (line: string) => boolean {
  const parts = parsePattern(text);
  for (const part of parts) {
    if ('capture' in part && part.capture !== '_') {
      throw new InputError(`named captures are not allowed: invalid expression ${JSON.stringify(text)}`, {
        position,
        hint: 'use <_>',
      });
    }
  }
  checkAdjacent(parts, text, position);
  const last = parts[parts.length - 1];
  const endsInCapture = last !== undefined && 'capture' in last;
  return (line) => {
    if (line === '' || parts.length === 0) return line === '' && parts.length === 0;
    let at = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as Part;
      if ('capture' in part) continue;
      const found = line.indexOf(part.literal, at);
      if (found < 0) return false;
      // A capture stands for at least one character, and a literal in front for the start of the line.
      if (i === 0 ? found !== 0 : found === at) return false;
      at = found + part.literal.length;
    }
    return endsInCapture === at < line.length;
  };
}
