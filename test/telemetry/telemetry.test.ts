/** Own metrics: what `/metrics` says, what is stored, what the status page counts; the log's lines. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchSink } from '../../src/model/batch.ts';
import { Slots32 } from '../../src/model/column.ts';
import { toBatch, toText } from '../../src/telemetry/exposition.ts';
import { Intake } from '../../src/telemetry/intake.ts';
import { createLogger } from '../../src/telemetry/logger.ts';
import { receiverCounters } from '../../src/telemetry/receiver-counters.ts';
import { Registry } from '../../src/telemetry/registry.ts';

test('the text format: help, type, labels escaped, buckets cumulative', async () => {
  const registry = new Registry();
  registry.counter('b_total', 'Counts\nthings.', ['path']).add(2, 'a"b\\c\nd');
  registry.gauge('a', 'A gauge.').set(Number.POSITIVE_INFINITY);
  const histogram = registry.histogram('c_seconds', 'Durations.', ['code'], [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 2]) histogram.observe(value, '200');
  registry.counter('unused_total', 'Nothing yet.', ['x']);
  assert.equal(
    toText(await registry.collect()),
    `# HELP a A gauge.
# TYPE a gauge
a +Inf
# HELP b_total Counts\\nthings.
# TYPE b_total counter
b_total{path="a\\"b\\\\c\\nd"} 2
# HELP c_seconds Durations.
# TYPE c_seconds histogram
c_seconds_bucket{code="200",le="0.1"} 2
c_seconds_bucket{code="200",le="1"} 3
c_seconds_bucket{code="200",le="+Inf"} 4
c_seconds_sum{code="200"} 2.65
c_seconds_count{code="200"} 4
`,
  );
});

test('a name belongs to one type', () => {
  const registry = new Registry();
  registry.counter('x_total', '');
  assert.equal(registry.counter('x_total', ''), registry.counter('x_total', ''));
  assert.throws(() => registry.gauge('x_total', ''), /another type/);
});

test('as a batch: one series per point, the target labels, and up', async () => {
  const registry = new Registry();
  registry.counter('x_total', 'X.').add(3);
  const batch = toBatch(await registry.collect(), 'default', { job: 'trivium', instance: 'me' }, 1234);
  assert.deepEqual(
    batch.series.map((labels) => labels.toRecord()),
    [
      { __name__: 'x_total', instance: 'me', job: 'trivium' },
      { __name__: 'up', instance: 'me', job: 'trivium' },
    ],
  );
  assert.deepEqual([...batch.values.floats()], [3, 1]);
  assert.deepEqual([...batch.timestampsMs.floats()], [1234, 1234]);
  assert.deepEqual(batch.metadata, [{ family: 'x_total', type: 'counter', help: 'X.', unit: '' }]);
});

test('intake: accepted when committed, refused when not, rate over the last minute', async () => {
  let now = 1_000_000;
  let fail = false;
  const write = async () => {
    if (fail) throw new Error('full');
  };
  const sink: BatchSink = { writeMetrics: write, writeLogs: write, writeSpans: write };
  const intake = new Intake(sink, new Registry(), () => now);
  const streamIndex = new Slots32();
  for (let i = 0; i < 30; i++) streamIndex.push(0);
  const batch = { streamIndex } as unknown as Parameters<BatchSink['writeLogs']>[0];
  now += 10_000;
  await intake.writeLogs(batch);
  assert.deepEqual(intake.counts('logs'), { accepted: 30, refused: 0, ratePerSecond: 3, lastMs: 1_010_000 });
  fail = true;
  await assert.rejects(intake.writeLogs(batch), /full/);
  intake.refuse('logs', 5);
  now += 59_000;
  assert.deepEqual(intake.counts('logs'), {
    accepted: 30,
    refused: 35,
    ratePerSecond: 0.5,
    lastMs: 1_010_000,
  });
  now += 60_000;
  assert.equal(intake.counts('logs').ratePerSecond, 0);
});

test("receivers' counters stand under both spellings", async () => {
  const registry = new Registry();
  const heard: [string, number][] = [];
  const counters = receiverCounters(registry, (signal, items) => heard.push([signal, items]));
  counters.accepted('spans', 'otlp', 'grpc', 7);
  counters.refused('log_records', 'loki', 'http', 2, 'too old');
  const text = toText(await registry.collect());
  assert.match(text, /^otelcol_receiver_accepted_spans\{receiver="otlp",transport="grpc"\} 7$/m);
  assert.match(text, /^otelcol_receiver_accepted_spans_total\{receiver="otlp",transport="grpc"\} 7$/m);
  assert.match(text, /^otelcol_receiver_refused_log_records_total\{receiver="loki",transport="http"\} 2$/m);
  assert.match(
    text,
    /^trivium_receiver_refused_items_total\{receiver="loki",signal="log_records",reason="too old"\} 2$/m,
  );
  assert.deepEqual(heard, [['log_records', 2]]);
});

const lines: [string, Record<string, unknown>, string][] = [
  ['plain', {}, 'level=info msg=plain'],
  ['two words', { n: 1, none: undefined }, 'level=info msg="two words" n=1'],
  ['quotes', { text: 'a "b"\n' }, 'level=info msg=quotes text="a \\"b\\"\\n"'],
  [
    'error',
    { error: new Error('it broke', { cause: new Error('why') }) },
    'level=info msg=error error="it broke: why"',
  ],
  ['object', { list: [1, 2] }, 'level=info msg=object list=[1,2]'],
];
for (const [message, fields, want] of lines) {
  test(`log line: ${want}`, () => {
    let written = '';
    const log = createLogger({ level: 'info', write: (line) => (written += line), now: () => 0 });
    log.debug('not shown');
    log.info(message, fields);
    assert.equal(written, `ts=1970-01-01T00:00:00.000Z ${want}\n`);
  });
}
