// The legend of a chart: every series with last, mean, maximum; the swatch switches one off, the
// name shows it alone.
import { useState } from 'react';
import { Button } from '../design/button.tsx';
import { seriesColorVar } from './chart.tsx';
import { type Columns, formatLabels, summarize } from './columns.ts';
import { formatValue, type Unit } from './units.ts';

const firstShown = 40;

export function Legend(props: {
  columns: Columns;
  unit: Unit;
  shown: readonly boolean[];
  onShown: (shown: boolean[]) => void;
  onFocus: (index: number | null) => void;
  colors?: readonly string[];
}) {
  const { columns, unit, shown, onShown, onFocus, colors } = props;
  const [all, setAll] = useState(false);
  const toggle = (index: number) => onShown(shown.map((on, i) => (i === index ? !on : on)));
  const isolate = (index: number) => {
    const alone = shown.every((on, i) => on === (i === index));
    onShown(shown.map((_, i) => alone || i === index));
  };
  const listed = all ? columns.series : columns.series.slice(0, firstShown);
  return (
    <div className="legend">
      <div className="legend-scroll">
        <table className="legend-table">
          <thead>
            <tr>
              <th aria-label="Shown" />
              <th>Series</th>
              <th className="num">Last</th>
              <th className="num">Mean</th>
              <th className="num">Max</th>
            </tr>
          </thead>
          <tbody>
            {listed.map((series, i) => {
              const summary = summarize(series.values);
              const on = shown[i] ?? true;
              const text = formatLabels(series.labels);
              return (
                <tr
                  key={text}
                  className={on ? '' : 'off'}
                  onMouseEnter={() => onFocus(on ? i : null)}
                  onMouseLeave={() => onFocus(null)}
                >
                  <td>
                    <button
                      type="button"
                      className="legend-swatch"
                      aria-pressed={on}
                      aria-label={`${on ? 'Hide' : 'Show'} ${series.name}`}
                      title={on ? 'Hide' : 'Show'}
                      style={{ color: `var(${colors?.[i] ?? seriesColorVar(i)})` }}
                      onClick={() => toggle(i)}
                    />
                  </td>
                  <td className="legend-name">
                    <button
                      type="button"
                      className="truncate mono"
                      title={`${text}\nClick: this series alone; Ctrl-click: show or hide`}
                      onClick={(event) =>
                        event.ctrlKey || event.metaKey || event.shiftKey ? toggle(i) : isolate(i)
                      }
                    >
                      {series.name}
                    </button>
                  </td>
                  <td className="num">{formatValue(summary.last, unit)}</td>
                  <td className="num">{formatValue(summary.mean, unit)}</td>
                  <td className="num">{formatValue(summary.max, unit)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {columns.series.length > firstShown && (
        <Button kind="ghost" size="small" onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${columns.series.length} series`}
        </Button>
      )}
    </div>
  );
}
