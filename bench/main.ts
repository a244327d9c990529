/**
 * `npm run bench [-- start metrics logs traces]`: the product as it is shipped, over its real ports, on this machine.
 * Prints one line per figure. Absolute numbers depend on the machine; compare ratios of one run.
 */
import { type RunningTrivium, startTrivium } from '../test/acceptance/trivium-process.ts';
import { peak, push, treeResidentBytes } from './measure.ts';
import { logPayload, metricPayload, type Payload, patchTimes, seeded, spanPayload } from './payloads.ts';

const MIB = 2 ** 20;
/** As many agents push at one time; each waits for its acknowledgement before it sends again. */
const SENDERS = 32;
const random = seeded(1);

function line(name: string, value: number, unit: string): void {
  console.log(`${name.padEnd(44)}${value.toFixed(value < 10 ? 2 : 0).padStart(12)} ${unit}`);
}

const settle = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Bytes of the parts that are in use; what merges have replaced stays on disk for a few minutes more. */
async function storedBytes(trivium: RunningTrivium): Promise<number> {
  const status = await (await fetch(`http://127.0.0.1:${trivium.ports.http}/api/status`)).json();
  return (status as { engine: { diskBytes: number } }).engine.diskBytes;
}

/** Pushes with several senders, each with a payload of its own; gives seconds. */
async function load(
  url: string,
  payloads: readonly Payload[],
  pushes: number,
  prepare: (payload: Payload, push: number) => void,
): Promise<number> {
  const began = performance.now();
  let next = 0;
  await Promise.all(
    payloads.map(async (payload) => {
      while (next < pushes) {
        const number = next++;
        prepare(payload, number);
        await push(url, payload.body);
      }
    }),
  );
  return (performance.now() - began) / 1000;
}

async function benchStart(): Promise<void> {
  const times: number[] = [];
  let idle = 0;
  for (let run = 0; run < 3; run++) {
    const trivium = await startTrivium();
    times.push(trivium.readyMs);
    if (run === 2) {
      await settle(5000);
      idle = treeResidentBytes(trivium.child.pid as number);
    }
    await trivium.stop();
  }
  times.sort((a, b) => a - b);
  line('start to ready, median of 3', times[1] as number, 'ms');
  line('memory idle, both processes', idle / MIB, 'MiB');
}

async function benchSignal(
  name: string,
  path: string,
  payloads: readonly Payload[],
  pushes: number,
  prepare: (payload: Payload, push: number) => void,
  report: (items: number, seconds: number, diskBytes: number, sentBytes: number) => void,
): Promise<void> {
  const trivium = await startTrivium({ args: ['--retention', 'none'] });
  try {
    const memory = peak(() => treeResidentBytes(trivium.child.pid as number));
    const items = pushes * (payloads[0] as Payload).items;
    const seconds = await load(
      `http://127.0.0.1:${trivium.ports['otlp-http']}${path}`,
      payloads,
      pushes,
      prepare,
    );
    const highest = memory.stop();
    // Merges bring the parts together; what lies on disk afterwards is what it costs.
    await settle(15_000);
    report(items, seconds, await storedBytes(trivium), pushes * (payloads[0] as Payload).body.length);
    line(`${name}: memory at most, both processes`, highest / MIB, 'MiB');
  } finally {
    await trivium.stop();
  }
}

const T0 = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;

async function benchMetrics(): Promise<void> {
  // 20,000 series, 240 points in time, counters with noise.
  const payloads = Array.from({ length: SENDERS }, (_, i) => metricPayload(10, 250, `bench-${i}`));
  const counters = payloads.map((payload) => new Float64Array(payload.values.length));
  await benchSignal(
    'metrics',
    '/v1/metrics',
    payloads,
    1920,
    (payload, number) => {
      const time = T0 + BigInt(Math.floor(number / SENDERS)) * 15_000_000_000n;
      patchTimes(payload, () => time);
      const values = counters[payloads.indexOf(payload)] as Float64Array;
      for (let i = 0; i < values.length; i++) {
        values[i] = (values[i] as number) + Math.floor(random() * 1000);
        payload.body.writeDoubleLE(values[i] as number, payload.values[i] as number);
      }
    },
    (items, seconds, disk) => {
      line('metrics: OTLP ingest', items / seconds, 'samples/s');
      line('metrics: disk', disk / items, 'bytes/sample');
    },
  );
}

async function benchLogs(): Promise<void> {
  const payloads = Array.from({ length: SENDERS }, (_, i) => logPayload(2000, `shop-${i}`, random));
  await benchSignal(
    'logs',
    '/v1/logs',
    payloads,
    500,
    (payload, number) => {
      const time = T0 + BigInt(number) * 1_000_000_000n;
      patchTimes(payload, (index) => time + BigInt(index) * 400_000n);
      for (const at of payload.ids) {
        payload.body.write(
          Math.floor(random() * 2 ** 32)
            .toString(16)
            .padStart(8, '0'),
          at,
          'latin1',
        );
      }
    },
    (items, seconds, disk, sent) => {
      line('logs: OTLP ingest', sent / seconds / 1e6, 'MB/s');
      line('logs: OTLP ingest', items / seconds, 'lines/s');
      line('logs: line as sent', sent / items, 'bytes/line');
      line('logs: disk', disk / items, 'bytes/line');
    },
  );
}

async function benchTraces(): Promise<void> {
  const payloads = Array.from({ length: SENDERS }, () => spanPayload(200, random));
  await benchSignal(
    'traces',
    '/v1/traces',
    payloads,
    300,
    (payload, number) => {
      const time = T0 + BigInt(number) * 1_000_000_000n;
      patchTimes(
        payload,
        (index) =>
          time + BigInt(index >> 1) * 100_000n + (index % 2 === 1 ? BigInt(Math.floor(random() * 5e7)) : 0n),
      );
      // The same eight bytes for all spans of a trace: the trace's number stands in the other eight.
      const low = Math.floor(random() * 2 ** 32);
      for (const at of payload.ids) {
        payload.body.writeUInt32LE(number, at);
        payload.body.writeUInt32LE(low, at + 4);
      }
    },
    (items, seconds, disk) => {
      line('traces: OTLP ingest', items / seconds, 'spans/s');
      line('traces: disk', disk / items, 'bytes/span');
    },
  );
}

const sections: Record<string, () => Promise<void>> = {
  start: benchStart,
  metrics: benchMetrics,
  logs: benchLogs,
  traces: benchTraces,
};
const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(sections)) {
  const section = sections[name];
  if (section === undefined)
    throw new Error(`no section "${name}"; there are ${Object.keys(sections).join(', ')}`);
  await section();
}
