/** What the process tells about itself under the names that dashboards know (`process_*`, `nodejs_*`). */

import { readdir, readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricFamily, Registry } from './registry.ts';

/** Registers the collectors; `close` stops the event loop's monitor. */
export function registerProcessMetrics(registry: Registry, startMs: number): { close(): void } {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  registry.collector(async () => {
    const cpu = process.cpuUsage();
    const memory = process.memoryUsage();
    const lag = delay.percentile(99) / 1e9;
    delay.reset();
    const families = [
      single(
        'process_cpu_seconds_total',
        'counter',
        'User and system CPU time spent.',
        (cpu.user + cpu.system) / 1e6,
      ),
      single('process_resident_memory_bytes', 'gauge', 'Resident memory of the main process.', memory.rss),
      single('process_start_time_seconds', 'gauge', 'Start time since the epoch.', startMs / 1000),
      single('nodejs_heap_size_used_bytes', 'gauge', 'Used part of the JavaScript heap.', memory.heapUsed),
      single('nodejs_external_memory_bytes', 'gauge', 'Memory outside of the heap.', memory.external),
      single(
        'nodejs_eventloop_lag_p99_seconds',
        'gauge',
        'How late timers ran, since the last collection.',
        Number.isFinite(lag) ? lag : 0,
      ),
    ];
    const fds = await openFiles();
    if (fds !== undefined) families.push(single('process_open_fds', 'gauge', 'Open file descriptors.', fds));
    return families;
  });
  return { close: () => delay.disable() };
}

/** Resident memory of any process in bytes; undefined where the system does not tell (no /proc). */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const pages = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1];
    return pages === undefined ? undefined : Number(pages) * 4096;
  } catch {
    return undefined;
  }
}

async function openFiles(): Promise<number | undefined> {
  try {
    return (await readdir('/proc/self/fd')).length;
  } catch {
    return undefined;
  }
}

function single(name: string, type: 'counter' | 'gauge', help: string, value: number): MetricFamily {
  return { name, type, help, points: [{ labels: {}, value }] };
}
