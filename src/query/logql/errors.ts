/** Why a query that is well formed has no answer. */

import type { Labels } from '../../model/labels.ts';
import { quote } from '../syntax/strings.ts';

/** `{a="b", c="d"}`, as Loki writes label sets. */
export function labelText(labels: Labels): string {
  const parts: string[] = [];
  for (const [name, value] of labels.entries()) parts.push(`${name}=${quote(value)}`);
  return `{${parts.join(', ')}}`;
}

/** A line of a metric query could not be read, and the query did not say what to do then. The user's to mend. */
export class PipelineError extends Error {
  constructor(labels: Labels) {
    const kind = labels.get('__error__');
    super(
      `pipeline error: '${kind}' for series: '${labelText(labels)}'.\n` +
        `Use a label filter to intentionally skip this error. (e.g | __error__!="${kind}").\n` +
        'To skip all potential errors you can match empty errors.(e.g __error__="")\n' +
        'The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__="" )\n',
    );
    this.name = 'PipelineError';
  }
}
