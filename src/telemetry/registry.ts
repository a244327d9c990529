/**
 * Trivium's own metrics: counters, gauges and histograms in memory, collected on demand. It knows neither how they
 * are exposed nor where they are stored.
 */

/** What a family holds when it is collected. Histograms come as their classic parts (cumulative buckets). */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly points: readonly MetricPoint[];
}

export interface MetricPoint {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Set for histograms, whose `value` is then the sum. */
  readonly histogram?: {
    readonly bounds: readonly number[];
    /** Cumulative; one more than bounds (+Inf). */
    readonly counts: readonly number[];
  };
}

interface Collectable {
  collect(): MetricFamily;
}

/** Seconds, from half a millisecond to ten seconds. */
export const DURATION_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

class Cells {
  readonly labelNames: readonly string[];
  readonly #cells = new Map<string, { labels: Record<string, string>; value: number }>();

  constructor(labelNames: readonly string[]) {
    this.labelNames = labelNames;
  }

  cell(values: readonly string[]): { labels: Record<string, string>; value: number } {
    const key = values.length === 1 ? (values[0] as string) : values.join('\u0001');
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      const labels: Record<string, string> = {};
      this.labelNames.forEach((name, i) => {
        labels[name] = values[i] ?? '';
      });
      cell = { labels, value: 0 };
      this.#cells.set(key, cell);
    }
    return cell;
  }

  points(): MetricPoint[] {
    return [...this.#cells.values()].map(({ labels, value }) => ({ labels, value }));
  }
}

/** Only goes up. Label values are given in the order of the label names. */
export class Counter implements Collectable {
  readonly #head: { name: string; help: string };
  readonly #cells: Cells;

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.#head = { name, help };
    this.#cells = new Cells(labelNames);
    if (labelNames.length === 0) this.#cells.cell([]);
  }

  add(count: number, ...labelValues: string[]): void {
    this.#cells.cell(labelValues).value += count;
  }

  get(...labelValues: string[]): number {
    return this.#cells.cell(labelValues).value;
  }

  collect(): MetricFamily {
    return { ...this.#head, type: 'counter', points: this.#cells.points() };
  }
}

/** Goes up and down. */
export class Gauge implements Collectable {
  readonly #head: { name: string; help: string };
  readonly #cells: Cells;

  constructor(name: string, help: string, labelNames: readonly string[]) {
    this.#head = { name, help };
    this.#cells = new Cells(labelNames);
  }

  set(value: number, ...labelValues: string[]): void {
    this.#cells.cell(labelValues).value = value;
  }

  add(value: number, ...labelValues: string[]): void {
    this.#cells.cell(labelValues).value += value;
  }

  collect(): MetricFamily {
    return { ...this.#head, type: 'gauge', points: this.#cells.points() };
  }
}

/** A classic histogram with fixed bounds. */
export class HistogramMetric implements Collectable {
  readonly #head: { name: string; help: string };
  readonly #labelNames: readonly string[];
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, { labels: Record<string, string>; counts: number[]; sum: number }>();

  constructor(name: string, help: string, labelNames: readonly string[], bounds: readonly number[]) {
    this.#head = { name, help };
    this.#labelNames = labelNames;
    this.#bounds = bounds;
  }

  observe(value: number, ...labelValues: string[]): void {
    const key = labelValues.join('\u0001');
    let series = this.#series.get(key);
    if (series === undefined) {
      const labels: Record<string, string> = {};
      this.#labelNames.forEach((name, i) => {
        labels[name] = labelValues[i] ?? '';
      });
      series = { labels, counts: new Array<number>(this.#bounds.length + 1).fill(0), sum: 0 };
      this.#series.set(key, series);
    }
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++;
    series.counts[bucket] = (series.counts[bucket] as number) + 1;
    series.sum += value;
  }

  collect(): MetricFamily {
    const points: MetricPoint[] = [];
    for (const { labels, counts, sum } of this.#series.values()) {
      let total = 0;
      const cumulative = counts.map((count) => (total += count));
      points.push({ labels, value: sum, histogram: { bounds: this.#bounds, counts: cumulative } });
    }
    return { ...this.#head, type: 'histogram', points };
  }
}

/** All metrics of the process. Asking twice for one name gives the same metric. */
export class Registry {
  readonly #metrics = new Map<string, Collectable>();
  readonly #collectors: (() => readonly MetricFamily[] | Promise<readonly MetricFamily[]>)[] = [];

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return this.#once(name, () => new Counter(name, help, labelNames), Counter);
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return this.#once(name, () => new Gauge(name, help, labelNames), Gauge);
  }

  histogram(
    name: string,
    help: string,
    labelNames: readonly string[] = [],
    bounds: readonly number[] = DURATION_BUCKETS,
  ): HistogramMetric {
    return this.#once(name, () => new HistogramMetric(name, help, labelNames, bounds), HistogramMetric);
  }

  /** Families that are made when they are asked for (memory, disk, ...). */
  collector(collect: () => readonly MetricFamily[] | Promise<readonly MetricFamily[]>): void {
    this.#collectors.push(collect);
  }

  /** Everything, sorted by name. */
  async collect(): Promise<MetricFamily[]> {
    const families = [...this.#metrics.values()].map((metric) => metric.collect());
    for (const collect of this.#collectors) families.push(...(await collect()));
    return families.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #once<T extends Collectable>(name: string, make: () => T, kind: abstract new (...args: never[]) => T): T {
    const existing = this.#metrics.get(name);
    if (existing !== undefined) {
      if (!(existing instanceof kind)) throw new TypeError(`metric ${name} exists already with another type`);
      return existing;
    }
    const metric = make();
    this.#metrics.set(name, metric);
    return metric;
  }
}
