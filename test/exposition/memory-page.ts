/** Reads exposition pages into plain values, the way a scrape does but without HTTP and time. */

import type { ScrapeLimits } from '../../src/collector/scrape/config.ts';
import { TargetMemory } from '../../src/collector/scrape/target-memory.ts';
import type { MetricBatch } from '../../src/model/batch.ts';
import { Labels } from '../../src/model/labels.ts';
import type { ExpositionFormat } from '../../src/wire/exposition/content-type.ts';
import { type ExpositionOptions, ExpositionReader } from '../../src/wire/exposition/page.ts';
import { LabelPool } from '../../src/wire/label-pool.ts';

export const NO_LIMITS: ScrapeLimits = {
  bodyBytes: 0,
  samples: 0,
  targets: 0,
  labels: 0,
  labelNameBytes: 0,
  labelValueBytes: 0,
  histogramBuckets: 0,
  histogramMinBucketFactor: 0,
  keptDroppedTargets: 0,
};

export interface PageOptions extends Partial<ExpositionOptions> {
  readonly target?: Record<string, string>;
  readonly honorLabels?: boolean;
  readonly honorTimestamps?: boolean;
  readonly validation?: 'utf8' | 'legacy';
  readonly limits?: Partial<ScrapeLimits>;
}

export class PageScraper {
  readonly memory: TargetMemory;
  readonly #reader: ExpositionReader<ReturnType<TargetMemory['series']>>;

  constructor(options: PageOptions = {}) {
    this.memory = new TargetMemory({
      tenant: 'default',
      target: Labels.from(options.target ?? {}),
      honorLabels: options.honorLabels ?? false,
      honorTimestamps: options.honorTimestamps ?? true,
      trackTimestampsStaleness: false,
      relabel: undefined,
      validation: options.validation ?? 'utf8',
      limits: { ...NO_LIMITS, ...options.limits },
    });
    this.#reader = new ExpositionReader(
      this.memory,
      {
        classicHistograms: options.classicHistograms ?? false,
        convertClassicHistograms: options.convertClassicHistograms ?? false,
      },
      new LabelPool(),
    );
  }

  /** One scrape; throws what makes it fail. `lines`: entries per step. */
  scrape(page: string | Uint8Array, format: ExpositionFormat, nowMs = 1_000_000, lines = 1e9): MetricBatch {
    const bytes = typeof page === 'string' ? new TextEncoder().encode(page) : page;
    this.memory.begin(nowMs);
    try {
      if (bytes.length > 0) {
        const reader = this.#reader.open(bytes, format);
        while (!reader.step(lines));
      }
      this.memory.check();
      this.memory.succeed();
    } catch (error) {
      this.memory.fail();
      throw error;
    }
    const batch = this.memory.take();
    this.memory.stored();
    return batch;
  }
}
