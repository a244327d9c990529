/** What a stage of a pipeline is. */

import type { LineLabels } from '../line-labels.ts';

/** Works on one line. Gives the line for the next stage, or undefined when the line is dropped. */
export type Stage = (line: string, labels: LineLabels) => string | undefined;

/**
 * Given to parsers: whether the line can still pass, now that this label was set. False drops the line at once, before
 * the rest of it is looked at.
 */
export type LabelGate = (name: string, labels: LineLabels) => boolean;

/** The gate that lets everything pass. */
export const OPEN_GATE: LabelGate = () => true;

/** A JSON or logfmt key as a label name: spaces around it go, what no label may have is '_'. */
export function sanitizeKey(key: string, isWhole: boolean): string {
  let name = SIMPLE_KEY.test(key) ? key : key.trim().replace(/[^a-zA-Z0-9_]/gu, '_');
  if (isWhole && name !== '' && name.charCodeAt(0) <= 57 && name.charCodeAt(0) >= 48) name = `_${name}`;
  return name;
}

const SIMPLE_KEY = /^[a-zA-Z0-9_]*$/;
