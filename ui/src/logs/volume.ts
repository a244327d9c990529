// The histogram above a log list: counts by level from a matrix of Loki. Pure.
import type { MatrixSeries } from '../api/prometheus.ts';
import { type Columns, parseSample } from '../charts/columns.ts';
import { type Level, levelOf, levels } from './log-model.ts';

export interface Volume {
  columns: Columns;
  /** Levels in the order of the columns' series. */
  levels: readonly Level[];
  totals: readonly number[];
}

/**
 * One series per level, most severe first, on the whole grid from `fromMs` to `toMs`. A count at
 * time t is of the step before t, so bars begin at t - step.
 */
export function volumeColumns(
  matrix: readonly MatrixSeries[],
  range: { fromMs: number; toMs: number },
  stepMs: number,
): Volume {
  const first = Math.floor(range.fromMs / stepMs) * stepMs;
  const count = Math.max(1, Math.ceil((range.toMs - first) / stepMs) + 1);
  const times = Array.from({ length: count }, (_, i) => (first + (i - 1) * stepMs) / 1000);
  const byLevel = new Map<Level, number[]>();
  for (const series of matrix) {
    const known = levelOf(series.metric.detected_level);
    const level = (known === 'unknown' ? undefined : known) ?? levelOf(series.metric.level) ?? 'unknown';
    let sums = byLevel.get(level);
    if (!sums) {
      sums = new Array<number>(count).fill(0);
      byLevel.set(level, sums);
    }
    for (const [time, text] of series.values ?? []) {
      const index = Math.round((time * 1000 - first) / stepMs);
      const value = parseSample(text);
      if (index >= 0 && index < count && Number.isFinite(value)) sums[index] = (sums[index] ?? 0) + value;
    }
  }
  const present = levels.filter((level) => byLevel.has(level));
  return {
    columns: {
      times,
      series: present.map((level) => ({ name: level, labels: { level }, values: byLevel.get(level) ?? [] })),
    },
    levels: present,
    totals: present.map((level) => (byLevel.get(level) ?? []).reduce((sum, value) => sum + value, 0)),
  };
}
