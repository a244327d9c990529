/**
 * Kills at random moments under load, and counts afterwards: every acknowledged item must be there once. Used by the
 * short test and by the long run in bench/.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openStorage } from '../../src/storage/index.ts';
import { sql, TENANT, table } from '../../src/storage/sql.ts';
import { temporaryDirectory } from './backends.ts';
import { alive, childrenOf } from './processes.ts';

export type Victim = 'main' | 'engine';

export interface CrashReport {
  readonly kills: number;
  readonly acknowledged: Readonly<Record<string, number>>;
  readonly stored: Readonly<Record<string, number>>;
  readonly missing: number;
  readonly doubled: number;
  /** From the start of the process to ready, after each kill of the main process. */
  readonly startsMs: readonly number[];
  /** How long the engine outlived its killed parent, at most. */
  readonly orphanMs: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly startMs: number;
}

/** `random` gives numbers in [0, 1); `report` gets a line per kill. */
export async function crashTest(options: {
  readonly kills: number;
  readonly random: () => number;
  readonly report?: (line: string) => void;
}): Promise<CrashReport> {
  const dataDir = temporaryDirectory();
  const acknowledged: Record<string, Set<number>> = {
    samples: new Set(),
    lines: new Set(),
    spans: new Set(),
  };
  const startsMs: number[] = [];
  let orphanMs = 0;
  let highest = 0;
  let acks = 0;
  let onAck: () => void = () => {};
  let failed: (error: Error) => void = () => {};

  const start = async (): Promise<Running> => {
    const startedMs = performance.now();
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL('./main-process.ts', import.meta.url)), dataDir, String(highest)],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let ready: () => void;
    const isReady = new Promise<void>((resolve, reject) => {
      ready = resolve;
      child.once('exit', (code) => reject(new Error(`the process ended with ${code} before it was ready`)));
    });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      const [what, kind, first, count] = line.split(' ');
      if (what === 'ready') ready();
      // A line that was cut off by the kill is no acknowledgement.
      if (what !== 'ack' || count === undefined) return;
      for (let i = 0; i < Number(count); i++) acknowledged[kind as string]?.add(Number(first) + i);
      highest = Math.max(highest, Number(first) + Number(count) + 10_000);
      acks++;
      onAck();
    });
    await isReady;
    child.once('exit', (code, signal) => {
      if (signal !== 'SIGKILL') failed(new Error(`the process ended by itself (${signal ?? code})`));
    });
    return { child, startMs: performance.now() - startedMs };
  };

  /** Waits for some acknowledgements, then a random moment more. */
  const underLoad = async (): Promise<void> => {
    const want = acks + 3 + Math.floor(options.random() * 20);
    await new Promise<void>((resolve, reject) => {
      failed = reject;
      onAck = () => {
        if (acks >= want) resolve();
      };
    });
    await new Promise((resolve) => setTimeout(resolve, options.random() * 100));
  };

  try {
    let running = await start();
    startsMs.push(running.startMs);
    for (let kill = 1; kill <= options.kills; kill++) {
      await underLoad();
      const victim: Victim = kill % 2 === 1 ? 'main' : 'engine';
      const engines = childrenOf(running.child.pid as number);
      if (victim === 'main') {
        await killMain(running.child);
        const killedMs = performance.now();
        while (engines.some(alive)) await new Promise((resolve) => setTimeout(resolve, 5));
        orphanMs = Math.max(orphanMs, performance.now() - killedMs);
        running = await start();
        startsMs.push(running.startMs);
      } else {
        for (const pid of engines) process.kill(pid, 'SIGKILL');
      }
      options.report?.(`kill ${kill}: ${victim}, ${acks} pushes acknowledged so far`);
    }
    await underLoad();
    await killMain(running.child);

    const storage = await openStorage({ dataDir });
    try {
      const scope = storage.scope('t');
      // Read as selects read: what a retried insert has stored twice is one.
      const queries = {
        samples: sql`SELECT toUInt64(value) AS n, count() AS c FROM (SELECT id, ts, value FROM ${table.samples} WHERE ${TENANT} LIMIT 1 BY id, ts) GROUP BY n`,
        lines: sql`SELECT toUInt64(substring(body, 6)) AS n, count() AS c FROM (SELECT body FROM ${table.log_records} WHERE ${TENANT} LIMIT 1 BY stream, ts, hash) GROUP BY n`,
        spans: sql`SELECT toUInt64(reinterpretAsUInt64(reverse(span_id)) - 1) AS n, count() AS c FROM (SELECT span_id FROM ${table.spans} WHERE ${TENANT} LIMIT 1 BY trace_id, span_id, kind) GROUP BY n`,
      };
      const stored: Record<string, number> = {};
      let missing = 0;
      let doubled = 0;
      for (const kind of ['samples', 'lines', 'spans'] as const) {
        const found = new Set<number>();
        for (const block of await scope.query(queries[kind])) {
          const numbers = block.bigints('n').numbers();
          const counts = block.bigints('c').numbers();
          for (let i = 0; i < block.rows; i++) {
            found.add(numbers[i] as number);
            if (counts[i] !== 1) doubled++;
          }
        }
        stored[kind] = found.size;
        for (const n of acknowledged[kind] as Set<number>) if (!found.has(n)) missing++;
      }
      // A sample without its series could not be found by anybody: it counts as missing when it was acknowledged.
      for (const block of await scope.query(
        sql`SELECT toUInt64(value) AS n FROM ${table.samples}
          WHERE ${TENANT} AND id NOT IN (SELECT id FROM ${table.series} WHERE ${TENANT})`,
      ))
        for (const n of block.bigints('n').numbers()) if (acknowledged.samples?.has(n)) missing++;
      return {
        kills: options.kills,
        acknowledged: Object.fromEntries(Object.entries(acknowledged).map(([kind, set]) => [kind, set.size])),
        stored,
        missing,
        doubled,
        startsMs,
        orphanMs,
      };
    } finally {
      await storage.close();
    }
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function killMain(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}
