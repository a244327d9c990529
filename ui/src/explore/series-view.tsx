// A chart with its legend, in a panel that grows with the window; the same for all three languages.
import { useMemo, useState } from 'react';
import { Chart } from '../charts/chart.tsx';
import { type Columns, largestSeries } from '../charts/columns.ts';
import type { Dot } from '../charts/exemplars.ts';
import { Legend } from '../charts/legend.tsx';
import type { Unit } from '../charts/units.ts';
import { Button } from '../design/button.tsx';
import { Notice } from '../design/states.tsx';
import type { ResolvedRange } from '../time/range.ts';

/** More lines than this are neither legible nor quick to draw. */
const maxDrawn = 100;

export function SeriesView(props: {
  columns: Columns;
  range: ResolvedRange;
  stepMs: number;
  unit: Unit;
  dots?: readonly Dot[];
  dotsOnAxis?: boolean;
  onZoom: (range: ResolvedRange) => void;
  label: string;
}) {
  const { columns, range, stepMs, unit, dots, dotsOnAxis = false, onZoom, label } = props;
  const [all, setAll] = useState(false);
  const drawn = useMemo(() => (all ? columns : largestSeries(columns, maxDrawn)), [columns, all]);
  const identity = drawn.series.map((series) => series.name).join('\n');
  const [hidden, setHidden] = useState<{ identity: string; shown: boolean[] }>({ identity: '', shown: [] });
  const shown = useMemo(
    () => (hidden.identity === identity ? hidden.shown : drawn.series.map(() => true)),
    [hidden, identity, drawn],
  );
  const [focused, setFocused] = useState<number | null>(null);
  return (
    <div className="series-view">
      {drawn.series.length < columns.series.length && (
        <Notice>
          Drawn are the {maxDrawn} largest of {columns.series.length} series.{' '}
          <Button size="small" onClick={() => setAll(true)}>
            Draw all
          </Button>
        </Notice>
      )}
      <Chart
        columns={drawn}
        range={range}
        unit={unit}
        height={320}
        shown={shown}
        focused={focused}
        dots={dots ?? []}
        dotsOnAxis={dotsOnAxis}
        stepSeconds={stepMs / 1000}
        onZoom={onZoom}
        syncKey="explore"
        label={label}
      />
      <Legend
        columns={drawn}
        unit={unit}
        shown={shown}
        onShown={(next) => setHidden({ identity, shown: next })}
        onFocus={setFocused}
      />
    </div>
  );
}
