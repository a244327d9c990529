// Start time against duration, a dot per trace, on uPlot: a click opens the trace, dragging takes a window of
// time. The list below says the same for the keyboard.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { cssColor, useTheme } from '../app/theme.ts';
import { formatClock, formatDateTime, type ResolvedRange } from '../time/range.ts';
import { scatterColumns, type TraceRow } from './search-results.ts';
import { durationText } from './span-time.ts';

export interface ScatterProps {
  rows: readonly TraceRow[];
  range: ResolvedRange;
  onOpen: (row: TraceRow) => void;
  onRange: (range: ResolvedRange) => void;
}

const HEIGHT = 190;
const REACH_PX = 14;

export function Scatter({ rows, range, onOpen, onRange }: ScatterProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const theme = useTheme();
  const [near, setNear] = useState<TraceRow | null>(null);
  const columns = useMemo(() => scatterColumns(rows), [rows]);
  const live = useRef({ columns, range, onOpen, onRange, near });
  live.current = { columns, range, onOpen, onRange, near };

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme's colours are read while building
  useLayoutEffect(() => {
    const element = box.current!;
    const made = new uPlot(
      options(element.clientWidth, {
        range: () => live.current.range,
        onNear: (at) => setNear(at === null ? null : (live.current.columns.rows[at] ?? null)),
        onSelect: (next) => live.current.onRange(next),
      }),
      data(live.current.columns),
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [theme]);

  useEffect(() => {
    plot.current?.setData(data(columns));
    setNear(null);
  }, [columns]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: uPlot reads the range while drawing
  useEffect(() => {
    plot.current?.redraw(true, true);
  }, [range]);

  return (
    <div className="panel">
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the list below opens the same traces by keyboard */}
      <div
        className="scatter"
        ref={box}
        role="img"
        aria-label={`Start time and duration of ${rows.length} traces`}
        onClick={() => {
          const { near: row } = live.current;
          if (row !== null && !dragged(plot.current)) live.current.onOpen(row);
        }}
      />
      <div className="scatter-tip truncate" aria-live="polite">
        {near === null ? (
          <span className="muted">
            Each dot is a trace: click to open it, drag to look at a part of the time.
          </span>
        ) : (
          <>
            {near.service} <strong>{near.name}</strong> {durationText(near.durationMs * 1e6)}{' '}
            <span className="muted">
              {formatDateTime(near.startMs, 'ms')}
              {near.errors > 0 && `, ${near.errors} errors`}
            </span>
          </>
        )}
      </div>
    </div>
  );
}

/** Whether the pointer just drew a window (its release is a click as well). */
function dragged(plot: uPlot | null): boolean {
  return plot !== null && plot.select.width > 3;
}

function data(columns: ReturnType<typeof scatterColumns>): uPlot.AlignedData {
  return [columns.x, columns.fine, columns.failed];
}

interface Hooks {
  range: () => ResolvedRange;
  onNear: (index: number | null) => void;
  onSelect: (range: ResolvedRange) => void;
}

function options(width: number, hooks: Hooks): uPlot.Options {
  const axisText = cssColor('--text-3');
  const grid = { stroke: cssColor('--grid'), width: 1 };
  const font = `11px ${cssColor('--font')}`;
  const dots = (colour: string): uPlot.Series => ({
    stroke: colour,
    paths: () => null,
    points: {
      show: true,
      size: 6,
      fill: `color-mix(in srgb, ${colour} 60%, transparent)`,
      stroke: colour,
      width: 1,
    },
  });
  return {
    width: Math.max(120, width),
    height: HEIGHT,
    padding: [8, 26, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      y: false,
    },
    scales: {
      x: { time: true, range: () => [hooks.range().fromMs / 1000, hooks.range().toMs / 1000] },
      y: { distr: 3, range: (_u, low, high) => logRange(low, high) },
    },
    axes: [
      {
        stroke: axisText,
        grid,
        ticks: { ...grid, size: 4 },
        font,
        size: 24,
        values: (_u, splits, _axis, _space, stepSeconds) =>
          splits.map((s) => timeText(s * 1000, stepSeconds)),
      },
      {
        stroke: axisText,
        // Only whole powers of ten have a line.
        grid: { ...grid, filter: (_u, splits) => splits.map((ms) => (isPowerOfTen(ms) ? ms : null)) },
        ticks: {
          ...grid,
          size: 4,
          filter: (_u, splits) => splits.map((ms) => (isPowerOfTen(ms) ? ms : null)),
        },
        filter: (_u, splits) => splits,
        font,
        size: 62,
        values: (_u, splits) => splits.map((ms) => (isPowerOfTen(ms) ? durationText(ms * 1e6) : '')),
      },
    ],
    series: [{}, dots(cssColor('--accent')), dots(cssColor('--bad'))],
    hooks: {
      setCursor: [(u) => hooks.onNear(nearest(u))],
      setSelect: [
        (u) => {
          if (u.select.width <= 3) return;
          const fromMs = u.posToVal(u.select.left, 'x') * 1000;
          const toMs = u.posToVal(u.select.left + u.select.width, 'x') * 1000;
          // After the click that ends the drag, so that it does not open a trace.
          setTimeout(() => {
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            hooks.onSelect({ fromMs, toMs });
          });
        },
      ],
    },
  };
}

/** The clock on a time axis, the date where ticks are days apart. */
function timeText(ms: number, stepSeconds: number): string {
  if (stepSeconds >= 86_400) return formatDateTime(ms, 'minutes').slice(0, 10);
  return formatClock(ms, stepSeconds >= 60 ? 'minutes' : stepSeconds >= 1 ? 'seconds' : 'ms');
}

/** Whole powers of ten around the data, in milliseconds. */
function logRange(low: number | null, high: number | null): [number, number] {
  const from = 10 ** Math.floor(Math.log10(low ?? 1));
  const to = 10 ** Math.ceil(Math.log10(Math.max(high ?? 10, (low ?? 1) * 1.01)));
  return [from, to <= from ? from * 10 : to];
}

function isPowerOfTen(x: number): boolean {
  const power = Math.log10(x);
  return Math.abs(power - Math.round(power)) < 1e-6;
}

/** Index of the dot next to the cursor, within reach; null if there is none. */
function nearest(u: uPlot): number | null {
  const { left, top } = u.cursor;
  if (left === undefined || top === undefined || left < 0 || top < 0) return null;
  const [x, fine, failed] = u.data;
  let best: number | null = null;
  let bestDistance = REACH_PX * REACH_PX;
  for (let i = 0; i < x.length; i++) {
    const dx = u.valToPos(x[i]!, 'x') - left;
    if (Math.abs(dx) > REACH_PX) continue;
    const y = fine?.[i] ?? failed?.[i];
    if (y === null || y === undefined) continue;
    const dy = u.valToPos(y, 'y') - top;
    const distance = dx * dx + dy * dy;
    if (distance < bestDistance) {
      bestDistance = distance;
      best = i;
    }
  }
  return best;
}
