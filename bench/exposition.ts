/** How fast scraped pages are read: 1,000 targets of 1,000 series, each page as it comes again after 15 seconds. */

import { TargetMemory } from '../src/collector/scrape/target-memory.ts';
import { Labels } from '../src/model/labels.ts';
import { ExpositionReader } from '../src/wire/exposition/page.ts';
import { LabelPool } from '../src/wire/label-pool.ts';

const TARGETS = Number(process.env.TARGETS ?? 1000);
const SERIES = 1000;
const ROUNDS = Number(process.env.ROUNDS ?? 3);

const LIMITS = {
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

/** A page as client libraries write it: counters and histograms with a few labels. */
function page(round: number): Uint8Array {
  let text = '';
  let lines = 0;
  for (let family = 0; lines < SERIES; family++) {
    const name = `shop_request_duration_${family}_seconds`;
    text += `# HELP ${name} Time that requests of kind ${family} took.\n# TYPE ${name} histogram\n`;
    for (let path = 0; path < 5 && lines < SERIES; path++) {
      const labels = `method="GET",path="/api/v1/items/${path}",status="200",region="eu-west-1"`;
      for (const le of [
        '0.005',
        '0.01',
        '0.025',
        '0.05',
        '0.1',
        '0.25',
        '0.5',
        '1.0',
        '2.5',
        '5.0',
        '10.0',
        '+Inf',
      ]) {
        text += `${name}_bucket{${labels},le="${le}"} ${round * 17 + lines}\n`;
        lines++;
      }
      text += `${name}_sum{${labels}} ${(round * 17.123 + lines * 0.317).toFixed(6)}\n`;
      text += `${name}_count{${labels}} ${round * 17 + lines}\n`;
      lines += 2;
    }
  }
  return Buffer.from(text);
}

const pool = new LabelPool();
const targets = Array.from({ length: TARGETS }, (_, i) => {
  const memory = new TargetMemory({
    tenant: 'default',
    target: Labels.from({ job: 'bench', instance: `10.0.${i >> 8}.${i & 255}:9100` }),
    honorLabels: false,
    honorTimestamps: true,
    trackTimestampsStaleness: false,
    relabel: undefined,
    validation: 'utf8',
    limits: LIMITS,
  });
  const options = { classicHistograms: false, convertClassicHistograms: false };
  return { memory, reader: new ExpositionReader(memory, options, pool) };
});
for (let round = 0; round < ROUNDS; round++) {
  const bytes = page(round);
  const startMs = performance.now();
  let samples = 0;
  for (const { memory, reader } of targets) {
    memory.begin(1_780_000_000_000 + round * 15_000);
    reader.open(bytes, 'text').step(Number.POSITIVE_INFINITY);
    memory.succeed();
    samples += memory.take().seriesIndex.length;
    memory.stored();
  }
  const seconds = (performance.now() - startMs) / 1000;
  const megabytes = (bytes.length * TARGETS) / 1e6;
  console.log(
    `${round === 0 ? 'first ' : 'again '} ${samples} samples in ${seconds.toFixed(2)} s: ` +
      `${Math.round(samples / seconds / 1000)}k lines/s, ${(megabytes / seconds).toFixed(0)} MB/s; ` +
      `heap ${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MiB, ` +
      `rss ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
}
