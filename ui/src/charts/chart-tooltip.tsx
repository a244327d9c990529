// What stands under the cursor of a chart: the time and the values of the series nearest to it.
import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import type uPlot from 'uplot';
import { formatDateTime } from '../time/range.ts';
import type { Columns } from './columns.ts';
import { formatValue, type Unit } from './units.ts';

export interface HoverPosition {
  index: number;
  left: number;
  top: number;
}

const maxRows = 12;

interface Row {
  index: number;
  name: string;
  value: number;
}

/** Up to `maxRows` values at a time, the nearest to the cursor among them, in descending order. */
function rowsAt(
  columns: Columns,
  index: number,
  shown: readonly boolean[] | undefined,
  cursorValue: number,
): Row[] {
  const rows: Row[] = [];
  columns.series.forEach((series, i) => {
    const value = series.values[index];
    if (value !== null && value !== undefined && (shown?.[i] ?? true))
      rows.push({ index: i, name: series.name, value });
  });
  rows.sort((a, b) => b.value - a.value);
  if (rows.length <= maxRows) return rows;
  let nearest = 0;
  rows.forEach((row, i) => {
    if (Math.abs(row.value - cursorValue) < Math.abs((rows[nearest]?.value ?? 0) - cursorValue)) nearest = i;
  });
  const start = Math.max(0, Math.min(rows.length - maxRows, nearest - maxRows / 2));
  return rows.slice(start, start + maxRows);
}

export function ChartTooltip(props: {
  plot: uPlot;
  register: (listener: (position: HoverPosition | null) => void) => void;
  columns: Columns;
  unit: Unit;
  shown: readonly boolean[] | undefined;
  colorVars: readonly string[];
  withTotal: boolean;
  stepSeconds: number;
}) {
  const { plot, register, columns, unit, shown, colorVars, withTotal } = props;
  const [position, setPosition] = useState<HoverPosition | null>(null);
  useEffect(() => {
    register(setPosition);
    return () => register(() => {});
  }, [register]);
  if (!position || columns.series.length === 0) return null;
  const time = columns.times[position.index];
  if (time === undefined) return null;
  const rows = rowsAt(columns, position.index, shown, plot.posToVal(position.top, 'y'));
  if (rows.length === 0) return null;
  const cursorValue = plot.posToVal(position.top, 'y');
  let nearest = rows[0];
  for (const row of rows) {
    if (nearest && Math.abs(row.value - cursorValue) < Math.abs(nearest.value - cursorValue)) nearest = row;
  }
  const present = columns.series.filter(
    (s, i) => s.values[position.index] != null && (shown?.[i] ?? true),
  ).length;
  const total = rows.reduce((sum, row) => sum + row.value, 0);
  const leftSide = position.left > plot.over.clientWidth / 2;
  return createPortal(
    <div
      className="chart-tooltip"
      style={leftSide ? { right: plot.over.clientWidth - position.left + 14 } : { left: position.left + 14 }}
    >
      <div className="chart-tooltip-time">{formatDateTime(time * 1000)}</div>
      {rows.map((row) => (
        <div
          key={row.index}
          className={
            !withTotal && row === nearest && rows.length > 1
              ? 'chart-tooltip-row nearest'
              : 'chart-tooltip-row'
          }
        >
          <i style={{ background: `var(${colorVars[row.index] ?? '--text-3'})` }} />
          <span className="truncate">{row.name}</span>
          <b>{formatValue(row.value, unit)}</b>
        </div>
      ))}
      {withTotal && rows.length > 1 && (
        <div className="chart-tooltip-row total">
          <i />
          <span>Total</span>
          <b>{formatValue(total, unit)}</b>
        </div>
      )}
      {present > rows.length && <div className="muted">and {present - rows.length} more</div>}
    </div>,
    plot.over,
  );
}
