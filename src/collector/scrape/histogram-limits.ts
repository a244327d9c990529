/** Native histograms within a job's limits: fewer buckets by a coarser schema. */

import { InputError } from '../../model/errors.ts';
import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../../model/histogram.ts';
import { reduceResolution } from '../../wire/histogram-resolution.ts';
import type { ScrapeLimits } from './config.ts';

const COARSEST_SCHEMA = -4;
const FINEST_SCHEMA = 8;

/** Even the coarsest schema has too many buckets. */
export class HistogramLimitError extends InputError {}

/** The histogram in the resolution that the limits allow. Throws HistogramLimitError. */
export function fitHistogram(histogram: Histogram, limits: ScrapeLimits): Histogram {
  let fitted = histogram;
  const isCustom = histogram.schema === CUSTOM_BUCKETS_SCHEMA;
  // Finer ones than storage knows, which newer clients send, are lowered.
  const finest = Math.min(FINEST_SCHEMA, finestSchema(limits.histogramMinBucketFactor));
  if (!isCustom && fitted.schema > finest && fitted.schema <= 52) fitted = reduceResolution(fitted, finest);
  const maxBuckets = limits.histogramBuckets;
  if (maxBuckets === 0) return fitted;
  while (fitted.positiveCounts.length + fitted.negativeCounts.length > maxBuckets) {
    if (isCustom || fitted.schema <= COARSEST_SCHEMA) {
      throw new HistogramLimitError('histogram bucket limit exceeded');
    }
    fitted = reduceResolution(fitted, fitted.schema - 1);
  }
  return fitted;
}

/** The finest schema whose buckets grow by at least `factor`: the largest s with 2^(2^-s) >= factor. */
function finestSchema(factor: number): number {
  if (factor <= 1) return FINEST_SCHEMA;
  const schema = Math.floor(-Math.log2(Math.log2(factor)));
  return Math.min(FINEST_SCHEMA, Math.max(COARSEST_SCHEMA, schema));
}
