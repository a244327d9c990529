/**
 * What the metrics generator costs a span: processor time of counting, beside that of decoding, and of one collection.
 * `node bench/metrics-generator.ts`; nothing is stored.
 */
import { MetricsGenerator } from '../src/collector/connectors/metrics-generator.ts';
import {
  DEFAULT_GENERATOR,
  DEFAULT_SPAN_METRICS,
  type GeneratorOptions,
} from '../src/collector/connectors/options.ts';
import type { BatchSink } from '../src/model/batch.ts';
import { decodeTraces } from '../src/wire/otlp/traces.ts';
import { patchTimes, seeded, spanPayload } from './payloads.ts';

const ROUNDS = 40;
const TRACES = 500;

const VARIANTS: Record<string, Partial<GeneratorOptions>> = {
  'both processors': {},
  'span metrics alone': { serviceGraph: undefined },
  'service graph alone': { spanMetrics: undefined },
  'native histograms too': { histograms: 'both' },
  'three dimensions': {
    spanMetrics: { ...DEFAULT_SPAN_METRICS, dimensions: ['http.route', 'http.method', 'db.system'] },
  },
};

const discard: BatchSink = {
  writeMetrics: async () => {},
  writeLogs: async () => {},
  writeSpans: async () => {},
};
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const random = seeded(1);
const nowNs = BigInt(Date.now()) * 1_000_000n;
const payloads = Array.from({ length: ROUNDS }, () => {
  const payload = spanPayload(TRACES, random);
  patchTimes(payload, (index) => nowNs - BigInt((index % 1000) * 1_000_000));
  return payload;
});

// The first time through warms the engine up.
for (const [time, [name, options]] of [...Object.entries(VARIANTS), ...Object.entries(VARIANTS)].entries()) {
  let nowMs = Date.now();
  const generator = new MetricsGenerator(
    discard,
    { ...DEFAULT_GENERATOR, ...options },
    {
      now: () => nowMs,
      onError: (_, error) => {
        throw error;
      },
    },
  );
  let spans = 0;
  let decodeMs = 0;
  let countMs = 0;
  for (const [round, payload] of payloads.entries()) {
    const before = cpuMs();
    const { batch } = decodeTraces(payload.body, 'bench');
    const decoded = cpuMs();
    await generator.writeSpans(batch);
    // The first rounds make the series.
    if (round < 2) continue;
    decodeMs += decoded - before;
    countMs += cpuMs() - decoded;
    spans += batch.kinds.length;
    nowMs++;
  }
  const before = cpuMs();
  await generator.collect();
  const collectMs = cpuMs() - before;
  if (time < Object.keys(VARIANTS).length) continue;
  const [statistics] = generator.statistics();
  const micros = (ms: number) => `${((ms * 1000) / spans).toFixed(2)} µs`;
  console.log(
    `${name.padEnd(24)} ${micros(countMs)} a span (decoding ${micros(decodeMs)}), ` +
      `${statistics?.activeSeries} series collected in ${collectMs.toFixed(1)} ms, ` +
      `${statistics?.outsideSlack} outside, ${statistics?.edges?.edges ?? 0} edges`,
  );
}
