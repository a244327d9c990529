/** Native histograms as the text that Prometheus shows: {count:5, sum:10.5, [-0.001,0.001]:1, (1,2]:4}. */

import type { Histogram } from '../../../model/histogram.ts';
import { formatGeneral } from '../../syntax/numbers.ts';
import { type Bucket, negativeBuckets, positiveBuckets } from './bounds.ts';

export function histogramText(h: Histogram): string {
  const parts = [`count:${formatGeneral(h.count)}`, `sum:${formatGeneral(h.sum)}`];
  for (const { bucket } of negativeBuckets(h).reverse())
    if (bucket.count !== 0) parts.push(bucketText(bucket));
  if (h.zeroCount !== 0) {
    const zero = formatGeneral(h.zeroThreshold);
    parts.push(`[${formatGeneral(-h.zeroThreshold)},${zero}]:${formatGeneral(h.zeroCount)}`);
  }
  for (const { bucket } of positiveBuckets(h)) if (bucket.count !== 0) parts.push(bucketText(bucket));
  return `{${parts.join(', ')}}`;
}

function bucketText(b: Bucket): string {
  const open = b.lowerInclusive ? '[' : '(';
  const close = b.upperInclusive ? ']' : ')';
  return `${open}${formatGeneral(b.lower)},${formatGeneral(b.upper)}${close}:${formatGeneral(b.count)}`;
}
