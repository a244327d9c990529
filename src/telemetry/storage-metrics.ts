/** Storage's own counters in the registry. The names and help texts are storage's; only the plumbing is here. */

import type { Counter, HistogramMetric, Registry } from './registry.ts';

type Labels = Readonly<Record<string, string>>;

/** Structurally what storage asks for. */
export interface StorageMetricsSink {
  add(name: string, value: number, labels: Labels): void;
  observe(name: string, value: number, labels: Labels): void;
  gauge(name: string, read: () => number): void;
}

const PUSHES = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Metrics appear when storage first uses them; `help` gives their texts by name. */
export function storageMetrics(
  registry: Registry,
  help: Readonly<Record<string, string>>,
): StorageMetricsSink {
  const known = new Map<string, Counter | HistogramMetric>();
  const find = <T extends Counter | HistogramMetric>(name: string, make: () => T): T => {
    const existing = known.get(name) as T | undefined;
    if (existing !== undefined) return existing;
    const made = make();
    known.set(name, made);
    return made;
  };
  return {
    add: (name, value, labels) =>
      find(name, () => registry.counter(name, help[name] ?? name, Object.keys(labels))).add(
        value,
        ...Object.values(labels),
      ),
    observe: (name, value, labels) =>
      find(name, () =>
        registry.histogram(
          name,
          help[name] ?? name,
          Object.keys(labels),
          name.endsWith('_seconds') ? undefined : PUSHES,
        ),
      ).observe(value, ...Object.values(labels)),
    gauge: (name, read) =>
      registry.collector(() => [
        { name, help: help[name] ?? name, type: 'gauge', points: [{ labels: {}, value: read() }] },
      ]),
  };
}
