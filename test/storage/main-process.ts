/**
 * A process with storage that is meant to be killed: opens storage in argv[2], prints `ready ENGINE_PID`, then writes
 * samples, lines and spans with rising numbers and prints `ack KIND FIRST COUNT` only after storage has committed
 * them. Numbers start at argv[3].
 */

import { openStorage } from '../../src/storage/index.ts';
import { logs, metrics, spans } from './batches.ts';

const [, , dataDir, first = '0'] = process.argv;
if (dataDir === undefined) throw new Error('usage: main-process DATA_DIR [FIRST_NUMBER]');
const storage = await openStorage({ dataDir, maxMemoryBytes: 1 << 30 });
process.stdout.write(`ready ${(await storage.status()).enginePid}\n`);

const NOW = Date.UTC(2026, 0, 5);
let next = Number(first);

/** Pushes of random sizes, one after the other. */
async function write(kind: 'samples' | 'lines' | 'spans'): Promise<void> {
  for (;;) {
    const count = 1 + Math.floor(Math.random() * 200);
    const start = next;
    next += count;
    const numbers = Array.from({ length: count }, (_, i) => start + i);
    try {
      if (kind === 'samples')
        await storage.sink.writeMetrics(
          metrics(
            't',
            numbers.map((n) => [{ __name__: 'n', series: String(n % 50) }, NOW + n, n]),
          ),
        );
      else if (kind === 'lines')
        await storage.sink.writeLogs(
          logs(
            't',
            numbers.map((n) => ({ stream: { s: String(n % 5) }, timeNs: BigInt(n), line: `line ${n}` })),
          ),
        );
      else
        await storage.sink.writeSpans(
          spans(
            't',
            numbers.map((n) => ({
              traceId: n.toString(16).padStart(32, '0'),
              spanId: (n + 1).toString(16).padStart(16, '0'),
              startNs: BigInt(NOW) * 1_000_000n + BigInt(n),
              endNs: BigInt(NOW) * 1_000_000n + BigInt(n) + 5n,
              name: 'work',
            })),
          ),
        );
    } catch {
      continue;
    }
    process.stdout.write(`ack ${kind} ${start} ${count}\n`);
  }
}

for (let i = 0; i < 2; i++) for (const kind of ['samples', 'lines', 'spans'] as const) void write(kind);
