/** Structured metadata of one row of a batch, as a select would give it. */

import type { LogBatch } from '../../model/batch.ts';
import { Labels } from '../../model/labels.ts';

/** Sorted by name; values are strings by Loki's model. */
export function batchMetadata(batch: LogBatch, row: number): Labels {
  const { metadata, keys } = batch;
  const pairs: [string, string][] = [];
  for (let at = metadata.rowStart(row); at < metadata.rowEnd(row); at++) {
    pairs.push([keys.strings[metadata.keys.get(at)] as string, metadata.text(at)]);
  }
  return Labels.fromPairs(pairs);
}
