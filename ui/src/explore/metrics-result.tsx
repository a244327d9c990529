// The answer to a PromQL query: a chart over the range with exemplars, or a table at its end.
import { useEffect, useMemo } from 'react';
import { queryExemplars, queryInstant, queryRange } from '../api/prometheus.ts';
import { useRequest } from '../api/use-request.ts';
import { useParam } from '../app/router.tsx';
import { matrixToColumns } from '../charts/columns.ts';
import { DotKey } from '../charts/dot-layer.tsx';
import { toDots } from '../charts/exemplars.ts';
import { alignDown, chooseStepMs, interpolate } from '../charts/step.ts';
import { guessPromqlUnit } from '../charts/units.ts';
import { Button } from '../design/button.tsx';
import { EmptyState, ErrorState, Notice, ProgressLine, Skeleton } from '../design/states.tsx';
import { Tabs } from '../design/tabs.tsx';
import { useWidth } from '../design/use-width.ts';
import { formatDurationParam } from '../time/range.ts';
import type { ResultProps } from './explore-page.tsx';
import { InstantTable } from './instant-table.tsx';
import { SeriesView } from './series-view.tsx';

type View = 'chart' | 'table';

const views: readonly { id: View; label: string }[] = [
  { id: 'chart', label: 'Chart' },
  { id: 'table', label: 'Table' },
];

/** Whether exemplars' values (of a histogram's observations) are of the kind that the query draws. */
function drawsObservations(query: string): boolean {
  return /\bhistogram_(quantile|avg)\b|_sum\b[\s\S]*\/[\s\S]*_count\b/.test(query);
}

export default function MetricsResult({ query, range, tick, onZoom, onError }: ResultProps) {
  const [view, setView] = useParam('view', 'chart');
  const [box, width] = useWidth<HTMLDivElement>(Math.max(400, window.innerWidth - 240));
  const stepMs = chooseStepMs(range.toMs - range.fromMs, width);
  const fromMs = alignDown(range.fromMs, stepMs);
  const { toMs } = range;
  const text = interpolate(query, { stepMs, rangeMs: range.toMs - range.fromMs });
  const chart = view !== 'table';

  const series = useRequest(
    chart ? `range\n${text}\n${fromMs}\n${toMs}\n${stepMs}` : null,
    (signal) => queryRange({ query: text, fromMs, toMs, stepMs }, { signal }),
    { tick, keep: true },
  );
  const exemplars = useRequest(
    chart ? `exemplars\n${text}\n${fromMs}\n${toMs}` : null,
    (signal) => queryExemplars({ query: text, fromMs, toMs }, { signal }),
    { tick, keep: true },
  );
  const instant = useRequest(
    chart ? null : `instant\n${text}\n${toMs}`,
    (signal) => queryInstant({ query: text, timeMs: toMs }, { signal }),
    { tick, keep: true },
  );
  const active = chart ? series : instant;
  const message = active.error?.message;
  useEffect(() => onError(message), [message, onError]);

  const data = series.data?.data;
  const matrix = data?.resultType === 'matrix' ? data.result : undefined;
  const columns = useMemo(
    () => (matrix ? matrixToColumns(matrix, stepMs / 1000) : undefined),
    [matrix, stepMs],
  );
  const dots = useMemo(() => toDots(exemplars.data ?? []), [exemplars.data]);
  const histograms = matrix?.filter((one) => (one.histograms?.length ?? 0) > 0).length ?? 0;
  const unit = guessPromqlUnit(query);

  return (
    <div className="explore-result" ref={box}>
      <ProgressLine active={active.loading} />
      <div className="explore-bar">
        <Tabs label="View" tabs={views} value={chart ? 'chart' : 'table'} onChange={setView} />
        <div className="spacer" />
        {chart && <DotKey dots={dots} />}
        {chart && matrix && (
          <span className="muted">
            {matrix.length} series, a point each {formatDurationParam(stepMs)}
          </span>
        )}
      </div>
      {active.error ? (
        <ErrorState
          title="The query failed"
          message={active.error.message}
          hint={active.error.hint}
          action={
            /for range query/.test(active.error.message) && (
              <Button onClick={() => setView('table')}>
                Show the answer at the end of the range as a table
              </Button>
            )
          }
        />
      ) : active.data === undefined ? (
        <Skeleton height={320} />
      ) : (
        <>
          {active.data.warnings.map((warning) => (
            <Notice key={warning} kind="warn">
              {warning}
            </Notice>
          ))}
          {chart && exemplars.error && <Notice kind="warn">Exemplars: {exemplars.error.message}</Notice>}
          {histograms > 0 && chart && (
            <Notice>
              {histograms} of the series hold native histograms, which a line chart cannot show. Wrap the
              query in histogram_quantile(0.95, …), histogram_avg(…) or histogram_count(…).
            </Notice>
          )}
          {chart && columns && columns.times.length > 0 && (
            <SeriesView
              columns={columns}
              range={range}
              stepMs={stepMs}
              unit={unit}
              dots={dots}
              dotsOnAxis={drawsObservations(query)}
              onZoom={onZoom}
              label={query}
            />
          )}
          {chart && columns?.times.length === 0 && histograms === 0 && (
            <EmptyState title="The query selects no data in this range">
              Nothing is wrong with the query; no series matches it, or none has samples here. Try a longer
              range.
            </EmptyState>
          )}
          {!chart && instant.data && <InstantTable result={instant.data.data} unit={unit} />}
        </>
      )}
    </div>
  );
}
