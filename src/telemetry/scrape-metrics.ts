/** Scraping's own metrics in the registry, under Prometheus's names. Names and help texts are scraping's. */

import type { Counter, Gauge, MetricPoint, Registry } from './registry.ts';

type Labels = Readonly<Record<string, string>>;

/** Structurally what scraping asks for. */
export interface ScrapeMetricsSink {
  add(name: string, count: number, labels?: Labels): void;
  set(name: string, value: number, labels?: Labels): void;
  interval(seconds: number, interval: string): void;
}

const QUANTILES = [0.01, 0.05, 0.5, 0.9, 0.99];
/** Intervals of which quantiles are taken, for each configured interval. */
const WINDOW = 500;

/** Seconds between scrapes: the last ones for quantiles, and their number and sum since the start. */
class Intervals {
  readonly #last = new Float64Array(WINDOW);
  count = 0;
  sum = 0;

  add(seconds: number): void {
    this.#last[this.count % WINDOW] = seconds;
    this.count++;
    this.sum += seconds;
  }

  quantiles(): number[] {
    const sorted = this.#last.slice(0, Math.min(this.count, WINDOW)).sort();
    return QUANTILES.map((q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0);
  }
}

/** Counters without labels are there from the start, so that rates of them begin at 0. */
export function scrapeMetrics(
  registry: Registry,
  counters: Readonly<Record<string, string>>,
  gauges: Readonly<Record<string, string>>,
): ScrapeMetricsSink {
  const known = new Map<string, Counter | Gauge>();
  const intervals = new Map<string, Intervals>();
  for (const [name, help] of Object.entries(counters)) {
    if (/exceeded|sample_/.test(name)) known.set(name, registry.counter(name, help));
  }
  registry.collector(() => {
    const points = (of: (entry: Intervals) => MetricPoint[]) =>
      [...intervals].flatMap(([interval, entry]) =>
        of(entry).map(({ labels, value }) => ({ labels: { ...labels, interval }, value })),
      );
    const help = 'Actual intervals between scrapes.';
    const name = 'prometheus_target_interval_length_seconds';
    const exceeded = known.get('prometheus_target_scrape_pool_exceeded_target_limit_total')?.collect();
    return [
      {
        name,
        help,
        type: 'gauge',
        points: points((entry) =>
          entry.quantiles().map((value, i) => ({ labels: { quantile: String(QUANTILES[i]) }, value })),
        ),
      },
      {
        name: `${name}_count`,
        help,
        type: 'counter',
        points: points(({ count }) => [{ labels: {}, value: count }]),
      },
      {
        name: `${name}_sum`,
        help,
        type: 'counter',
        points: points(({ sum }) => [{ labels: {}, value: sum }]),
      },
      // Many runbooks ask for it without its suffix.
      ...(exceeded === undefined ? [] : [{ ...exceeded, name: exceeded.name.replace(/_total$/, '') }]),
    ];
  });
  return {
    add(name, count, labels = {}) {
      let counter = known.get(name) as Counter | undefined;
      if (counter === undefined) {
        counter = registry.counter(name, counters[name] ?? name, Object.keys(labels));
        known.set(name, counter);
      }
      counter.add(count, ...Object.values(labels));
    },
    set(name, value, labels = {}) {
      let gauge = known.get(name) as Gauge | undefined;
      if (gauge === undefined) {
        gauge = registry.gauge(name, gauges[name] ?? name, Object.keys(labels));
        known.set(name, gauge);
      }
      gauge.set(value, ...Object.values(labels));
    },
    interval(seconds, interval) {
      let entry = intervals.get(interval);
      if (entry === undefined) {
        entry = new Intervals();
        intervals.set(interval, entry);
      }
      entry.add(seconds);
    },
  };
}
