/** Label sets as a Map(LowCardinality(String), String) column. */

import type { Labels } from '../../model/labels.ts';
import type { BlockEncoder } from '../native.ts';

export function labelMap(out: BlockEncoder, name: string, rows: readonly Labels[]): void {
  const ends = new Uint32Array(rows.length);
  const keys: string[] = [];
  const seen = new Map<string, number>();
  let total = 0;
  for (let row = 0; row < rows.length; row++) {
    total += rows[row]?.size as number;
    ends[row] = total;
  }
  const indices = new Uint32Array(total);
  let at = 0;
  for (const labels of rows) {
    for (const key of labels.names) {
      let index = seen.get(key);
      if (index === undefined) {
        index = keys.length;
        keys.push(key);
        seen.set(key, index);
      }
      indices[at++] = index;
    }
  }
  out.map(name, 'String', ends, keys, indices, (writer) => {
    for (const labels of rows) for (const value of labels.values) writer.text(value);
  });
}
