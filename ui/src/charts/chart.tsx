// A time-series chart on uPlot: lines or stacked bars, synchronised cursor with a tooltip, drag to
// zoom, exemplar dots as real links. Draws what it is given; knows no query and no API.
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { cssColor, useTheme } from '../app/theme.ts';
import type { ResolvedRange } from '../time/range.ts';
import { ChartTooltip, type HoverPosition } from './chart-tooltip.tsx';
import { type Columns, stackFromTop } from './columns.ts';
import { DotLayer } from './dot-layer.tsx';
import { type Dot, thinDots } from './exemplars.ts';
import { formatTicks, tickIncrements, type Unit } from './units.ts';

export const seriesColorCount = 12;

/** The CSS variable of the colour of the nth series. */
export function seriesColorVar(index: number): string {
  return `--series-${(index % seriesColorCount) + 1}`;
}

export interface ChartProps {
  columns: Columns;
  range: ResolvedRange;
  unit: Unit;
  kind?: 'lines' | 'stacked-bars' | 'stacked-areas';
  height: number;
  /** Which series are drawn, by index; all if absent. */
  shown?: readonly boolean[];
  /** Series to bring forward (hovered in the legend). */
  focused?: number | null;
  /** CSS variables of the series' colours; by index if absent. */
  colors?: readonly string[];
  dots?: readonly Dot[];
  /** Whether the dots' values are of the axis' unit; else they stand in a row at the top. */
  dotsOnAxis?: boolean;
  stepSeconds: number;
  onZoom?: (range: ResolvedRange) => void;
  /** Charts with the same key share the cursor. */
  syncKey?: string;
  label: string;
}

const isStacked = (kind: ChartProps['kind']) => kind === 'stacked-bars' || kind === 'stacked-areas';

function plotData(
  columns: Columns,
  kind: ChartProps['kind'],
  shown: readonly boolean[] | undefined,
): uPlot.AlignedData {
  if (!isStacked(kind)) return [columns.times, ...columns.series.map((series) => series.values)];
  const visible = columns.series.map((_, i) => shown?.[i] ?? true);
  return [columns.times, ...stackFromTop(columns.series, visible)];
}

/** Colour with an opacity, for fills under lines. */
function withAlpha(color: string, percent: number): string {
  return `color-mix(in srgb, ${color} ${percent}%, transparent)`;
}

/** Upper end of the dots that the axis should make room for: far outliers stay clipped to the top. */
function dotsCeiling(dots: readonly Dot[], seriesMax: number): number {
  const sorted = dots.map((dot) => dot.value).sort((a, b) => a - b);
  const top = sorted.at(-1) ?? 0;
  return seriesMax > 0 ? Math.min(top, seriesMax * 4) : top;
}

export function Chart(props: ChartProps) {
  const {
    columns,
    range,
    unit,
    kind = 'lines',
    height,
    shown,
    focused = null,
    colors,
    dots,
    stepSeconds,
  } = props;
  const { dotsOnAxis = false, syncKey, label } = props;
  const box = useRef<HTMLDivElement>(null);
  const plotRef = useRef<uPlot | null>(null);
  const [plot, setPlot] = useState<uPlot | null>(null);
  const [scaleVersion, setScaleVersion] = useState(0);
  const hover = useRef<(position: HoverPosition | null) => void>(() => {});
  const theme = useTheme();
  const onZoom = useRef(props.onZoom);
  onZoom.current = props.onZoom;
  const rangeRef = useRef(range);
  rangeRef.current = range;

  const data = useMemo(() => plotData(columns, kind, shown), [columns, kind, shown]);
  const dataRef = useRef(data);
  dataRef.current = data;
  const shownDots = useMemo(() => dots ?? [], [dots]);
  const dotsRef = useRef<readonly Dot[]>(shownDots);
  dotsRef.current = dotsOnAxis ? shownDots : [];

  const colorKey = columns.series.map((_, i) => colors?.[i] ?? seriesColorVar(i)).join();
  const names = columns.series.map((series) => series.name).join('\n');

  // biome-ignore lint/correctness/useExhaustiveDependencies: `theme` and `names` stand for what is read inside
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const colorNames = colorKey.split(',');
    const axisText = cssColor('--text-3');
    const grid = { stroke: cssColor('--grid'), width: 1 };
    const font = `11px ${cssColor('--font')}`;
    const options: uPlot.Options = {
      width: Math.max(80, element.clientWidth),
      height,
      padding: [10, 8, 0, 0],
      legend: { show: false },
      cursor: {
        points: { size: 7, width: 1.5 },
        drag: { x: Boolean(onZoom.current), y: false, setScale: false },
        focus: { prox: 16 },
        ...(syncKey ? { sync: { key: syncKey, setSeries: false } } : {}),
      },
      focus: { alpha: isStacked(kind) ? 1 : 0.25 },
      scales: {
        x: { time: true, range: () => [rangeRef.current.fromMs / 1000, rangeRef.current.toMs / 1000] },
        y: {
          range: (_u, dataMin, dataMax) => {
            let min = dataMin ?? 0;
            let max = dataMax ?? 1;
            if (dotsRef.current.length > 0) max = Math.max(max, dotsCeiling(dotsRef.current, max));
            if (isStacked(kind)) min = 0;
            // Zero is in view unless all values lie in a narrow band far from it.
            if (min > 0 && (max - min) / max > 0.1) min = 0;
            if (min === max) {
              if (min === 0) max = 1;
              else if (min > 0) {
                min = 0;
                max *= 1.2;
              } else max = 0;
            }
            const room = (max - min) * 0.06;
            return [min === 0 ? 0 : min - room, max + room];
          },
        },
      },
      axes: [
        {
          stroke: axisText,
          grid,
          ticks: { ...grid, size: 4 },
          font,
          space: 70,
          values: timeAxisValues,
          size: 26,
          gap: 4,
        },
        {
          stroke: axisText,
          grid,
          ticks: { show: false },
          font,
          space: 32,
          incrs: tickIncrements(unit),
          values: (_u, splits) => formatTicks(splits, unit),
          size: (self, values) => {
            const longest = Math.max(0, ...(values ?? []).map((text) => text?.length ?? 0));
            const context = self.ctx;
            context.save();
            context.font = font;
            const width = context.measureText('0'.repeat(longest)).width;
            context.restore();
            return Math.ceil(Math.max(40, width + 14));
          },
        },
      ],
      series: [
        {},
        ...colorNames.slice(0, dataRef.current.length - 1).map((name, i): uPlot.Series => {
          const color = cssColor(name);
          const bars = kind === 'stacked-bars';
          const series: uPlot.Series = {
            label: String(i),
            stroke: color,
            width: bars ? 0 : 1.5,
            points: { show: false },
            show: true,
          };
          if (bars) {
            series.fill = color;
            if (uPlot.paths.bars) series.paths = uPlot.paths.bars({ size: [0.85, 60], align: 1, gap: 1 });
          } else if (kind === 'stacked-areas') {
            series.fill = withAlpha(color, 45);
          } else {
            if (dataRef.current.length === 2) series.fill = withAlpha(color, 10);
            // A value between two gaps would be invisible as a line.
            series.points = { show: true, filter: isolatedPoints, size: 4, fill: color };
          }
          return series;
        }),
      ],
      hooks: {
        setCursor: [
          (u) => {
            const { idx, left, top } = u.cursor;
            if (idx === null || idx === undefined || left === undefined || left < 0) hover.current(null);
            else hover.current({ index: idx, left, top: top ?? 0 });
          },
        ],
        setScale: [() => setScaleVersion((version) => version + 1)],
        setSize: [() => setScaleVersion((version) => version + 1)],
        setSelect: [
          (u) => {
            if (u.select.width < 4) return;
            const fromMs = Math.round(u.posToVal(u.select.left, 'x') * 1000);
            const toMs = Math.round(u.posToVal(u.select.left + u.select.width, 'x') * 1000);
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (toMs - fromMs >= 1000) onZoom.current?.({ fromMs, toMs });
          },
        ],
      },
    };
    const created = new uPlot(options, dataRef.current, element);
    plotRef.current = created;
    setPlot(created);
    const resize = new ResizeObserver(() => {
      const width = Math.max(80, element.clientWidth);
      if (width !== created.width) created.setSize({ width, height: created.height });
    });
    resize.observe(element);
    return () => {
      resize.disconnect();
      created.destroy();
      plotRef.current = null;
      setPlot(null);
      hover.current(null);
    };
  }, [names, colorKey, kind, unit, theme, syncKey]);

  useEffect(() => {
    const current = plotRef.current;
    if (current && current.height !== height) current.setSize({ width: current.width, height });
  }, [height]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new plot has the data already, new dots move the axis
  useEffect(() => {
    const current = plotRef.current;
    if (!current || current.series.length !== data.length) return;
    current.setData(data, true);
  }, [data, range, shownDots, dotsOnAxis]);

  useEffect(() => {
    if (!plot || isStacked(kind)) return;
    columns.series.forEach((_, i) => {
      const show = shown?.[i] ?? true;
      if (plot.series[i + 1] && plot.series[i + 1]?.show !== show) plot.setSeries(i + 1, { show });
    });
  }, [plot, shown, columns, kind]);

  useEffect(() => {
    if (!plot || isStacked(kind)) return;
    plot.setSeries(focused === null ? null : focused + 1, { focus: focused !== null });
  }, [plot, focused, kind]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `scaleVersion` says that positions have changed
  const placed = useMemo(() => {
    const area = plot?.over;
    if (!plot || !area || shownDots.length === 0) return [];
    const width = area.clientWidth || 1;
    const areaHeight = area.clientHeight || 1;
    const spanSeconds = (range.toMs - range.fromMs) / 1000;
    const { min = 0, max = 1 } = plot.scales.y ?? {};
    const cell = {
      seconds: (spanSeconds / width) * 9,
      value: dotsOnAxis ? (((max ?? 1) - (min ?? 0)) / areaHeight) * 14 || 1 : Number.MAX_VALUE,
    };
    return thinDots(
      shownDots.filter((dot) => dot.seconds * 1000 >= range.fromMs && dot.seconds * 1000 <= range.toMs),
      cell,
    ).map((dot) => ({
      dot,
      left: plot.valToPos(dot.seconds, 'x'),
      top: dotsOnAxis ? Math.max(4, Math.min(areaHeight - 3, plot.valToPos(dot.value, 'y'))) : 5,
      clipped: dotsOnAxis && dot.value > (max ?? 1),
    }));
  }, [plot, shownDots, range, dotsOnAxis, scaleVersion, height]);

  const registerHover = useCallback((listener: (position: HoverPosition | null) => void) => {
    hover.current = listener;
  }, []);

  return (
    <figure className="chart" aria-label={label}>
      <div className="chart-plot" ref={box} style={{ height }} />
      {plot && <DotLayer plot={plot} placed={placed} unit={unit} onAxis={dotsOnAxis} />}
      {plot && (
        <ChartTooltip
          plot={plot}
          register={registerHover}
          columns={columns}
          unit={unit}
          shown={shown}
          colorVars={colorKey.split(',')}
          withTotal={isStacked(kind)}
          stepSeconds={stepSeconds}
        />
      )}
    </figure>
  );
}

/** Points only where a value has no neighbour to draw a line to. */
const isolatedPoints: uPlot.Series.Points.Filter = (u, seriesIdx) => {
  const values = u.data[seriesIdx] ?? [];
  const out: number[] = [];
  for (let i = 0; i < values.length; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) out.push(i);
  }
  return out;
};

const two = (n: number) => String(n).padStart(2, '0');

/** Times on the axis: 24-hour clock, the date where the day changes or ticks are days apart. */
function timeAxisValues(
  _u: uPlot,
  splits: number[],
  _axis: number,
  _space: number,
  increment: number,
): string[] {
  let lastDay = '';
  return splits.map((seconds, i) => {
    const date = new Date(seconds * 1000);
    const day = `${date.getMonth() + 1}/${date.getDate()}`;
    const dayText = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const newDay = day !== lastDay;
    lastDay = day;
    if (increment >= 86_400) return dayText;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    const text = increment < 60 ? `${clock}:${two(date.getSeconds())}` : clock;
    return newDay && i > 0 ? `${text}\n${dayText}` : text;
  });
}
