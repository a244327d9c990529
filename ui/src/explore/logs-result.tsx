// The answer to a LogQL query: lines with their volume by level, or a chart or table of numbers.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type ApiError, isAbort, toApiError } from '../api/http.ts';
import { logLabelNames, queryLogInstant, queryLogRange } from '../api/loki.ts';
import { useRequest } from '../api/use-request.ts';
import { useParam } from '../app/router.tsx';
import { Chart } from '../charts/chart.tsx';
import { matrixToColumns } from '../charts/columns.ts';
import { alignDown, chooseStepMs, interpolate } from '../charts/step.ts';
import { formatValue, guessLogqlUnit } from '../charts/units.ts';
import { Button } from '../design/button.tsx';
import { EmptyState, ErrorState, Notice, ProgressLine, Skeleton } from '../design/states.tsx';
import { Tabs } from '../design/tabs.tsx';
import { useWidth } from '../design/use-width.ts';
import { LogList } from '../logs/log-list.tsx';
import { appendRows, type Field, type LogRow, nextPageEnd, toRows } from '../logs/log-model.ts';
import { filterBy, filterLine, isLogQuery, volumeQuery } from '../logs/query-edit.ts';
import { volumeColumns } from '../logs/volume.ts';
import { formatDateTime, formatDurationParam } from '../time/range.ts';
import type { ResultProps } from './explore-page.tsx';
import { InstantTable } from './instant-table.tsx';
import { SeriesView } from './series-view.tsx';

const pageSize = 200;
const maxRows = 20_000;

export default function LogsResult(props: ResultProps) {
  return isLogQuery(props.query) ? <Lines {...props} /> : <LogMetrics {...props} />;
}

function VolumePanel({ query, range, tick, width, onZoom, onQuery }: ResultProps & { width: number }) {
  const stepMs = chooseStepMs(range.toMs - range.fromMs, width, 11);
  const fromMs = alignDown(range.fromMs, stepMs);
  const toMs = alignDown(range.toMs, stepMs) + stepMs;
  const text = volumeQuery(query, formatDurationParam(stepMs));
  const answer = useRequest(
    `volume\n${text}\n${fromMs}\n${toMs}`,
    (signal) => queryLogRange({ query: text, fromMs, toMs, stepMs }, { signal }),
    { tick, keep: true },
  );
  const data = answer.data?.data;
  const volume = useMemo(
    () => (data?.resultType === 'matrix' ? volumeColumns(data.result, { fromMs, toMs }, stepMs) : undefined),
    [data, fromMs, toMs, stepMs],
  );
  if (answer.error)
    return <Notice kind="warn">The volume by level could not be read: {answer.error.message}</Notice>;
  if (!volume) return <Skeleton height={118} />;
  if (volume.columns.series.length === 0) return null;
  return (
    <div className="volume">
      <Chart
        columns={volume.columns}
        range={range}
        unit="none"
        kind="stacked-bars"
        height={92}
        colors={volume.levels.map((level) => `--level-${level}`)}
        stepSeconds={stepMs / 1000}
        onZoom={onZoom}
        label="Lines by level over time"
      />
      <div className="volume-legend">
        {volume.levels.map((level, i) => (
          <button
            key={level}
            type="button"
            title={`Only lines of level ${level}`}
            onClick={() =>
              onQuery(filterBy(query, { name: 'detected_level', value: level, origin: 'metadata' }, 'for'))
            }
          >
            <i style={{ background: `var(--level-${level})` }} /> {level}
            <b>{formatValue(volume.totals[i], 'none')}</b>
          </button>
        ))}
        <span className="muted">per {formatDurationParam(stepMs)}</span>
      </div>
    </div>
  );
}

/** The pages after the first. Dropped when the first page changes. */
function useOlderRows(first: readonly LogRow[], query: string, fromMs: number, toMs: number) {
  const [state, setState] = useState<{
    first: readonly LogRow[];
    rows: readonly LogRow[];
    complete: boolean;
  }>();
  const [loading, setLoading] = useState(false);
  const [error, setError] = useState<ApiError>();
  const abort = useRef<AbortController>(null);
  const current = state?.first === first ? state : { first, rows: first, complete: first.length < pageSize };

  // biome-ignore lint/correctness/useExhaustiveDependencies: another first page ends what is under way
  useEffect(() => {
    setError(undefined);
    setLoading(false);
    return () => abort.current?.abort();
  }, [first]);

  const more = useCallback(() => {
    const endNs = nextPageEnd(current.rows);
    if (endNs === undefined) return;
    abort.current?.abort();
    const controller = new AbortController();
    abort.current = controller;
    setLoading(true);
    queryLogRange({ query, fromMs, toMs, endNs, limit: pageSize }, { signal: controller.signal }).then(
      (answer) => {
        if (controller.signal.aborted) return;
        const page = answer.data.resultType === 'streams' ? toRows(answer.data.result) : [];
        const rows = appendRows(current.rows, page);
        // A page without a new line: all of one time, more than a page holds.
        const complete =
          page.length < pageSize || rows.length === current.rows.length || rows.length >= maxRows;
        setState({ first, rows, complete });
        setLoading(false);
      },
      (failure: unknown) => {
        if (controller.signal.aborted || isAbort(failure)) return;
        setError(toApiError(failure));
        setLoading(false);
      },
    );
  }, [current.rows, first, query, fromMs, toMs]);

  return { rows: current.rows, complete: current.complete, loading, error, more };
}

const noRows: readonly LogRow[] = [];

function Lines(props: ResultProps) {
  const { query, range, tick, onQuery, onError } = props;
  const [box, width] = useWidth<HTMLDivElement>(Math.max(400, window.innerWidth - 240));
  const [wrap, setWrap] = useParam('wrap', '');
  const [pretty, setPretty] = useParam('pretty', '');
  const text = interpolate(query, { stepMs: 60_000, rangeMs: range.toMs - range.fromMs });
  const answer = useRequest(
    `lines\n${text}\n${range.fromMs}\n${range.toMs}`,
    (signal) => queryLogRange({ query: text, ...range, limit: pageSize }, { signal }),
    { tick, keep: true },
  );
  const message = answer.error?.message;
  useEffect(() => onError(message), [message, onError]);

  const data = answer.data?.data;
  const first = useMemo(() => (data?.resultType === 'streams' ? toRows(data.result) : noRows), [data]);
  const categorized =
    data?.resultType === 'streams' && (data.encodingFlags?.includes('categorize-labels') ?? false);
  const older = useOlderRows(first, text, range.fromMs, range.toMs);

  const onFilter = useCallback(
    async (field: Field, mode: 'for' | 'out', format: 'json' | 'logfmt' | null) => {
      let edited = field;
      if (field.origin === 'label' && !categorized) {
        // The answer does not tell labels from metadata; the list of labels does.
        const names = await logLabelNames(range).catch(() => [field.name]);
        if (!names.includes(field.name)) edited = { ...field, origin: 'metadata' };
      }
      onQuery(filterBy(query, edited, mode, format));
    },
    [query, range, categorized, onQuery],
  );

  const oldest = older.rows.at(-1);
  const footer = older.error ? (
    <Notice kind="error">
      Older lines could not be read: {older.error.message}{' '}
      <Button size="small" onClick={older.more}>
        Try again
      </Button>
    </Notice>
  ) : older.rows.length >= maxRows ? (
    `The list ends at ${maxRows} lines. Narrow the range or the query to see older ones.`
  ) : (
    'All lines of the range are shown.'
  );
  return (
    <div className="explore-result logs" ref={box}>
      <ProgressLine active={answer.loading} />
      {answer.error ? (
        <ErrorState title="The query failed" message={answer.error.message} hint={answer.error.hint} />
      ) : answer.data === undefined ? (
        <Skeleton lines={12} />
      ) : (
        <>
          <VolumePanel {...props} width={width} />
          <div className="explore-bar">
            <Button size="small" aria-pressed={wrap !== ''} onClick={() => setWrap(wrap ? '' : '1')}>
              Wrap
            </Button>
            <Button size="small" aria-pressed={pretty !== ''} onClick={() => setPretty(pretty ? '' : '1')}>
              Pretty JSON
            </Button>
            <div className="spacer" />
            {oldest && (
              <span className="muted">
                {older.rows.length} lines, newest first, back to {formatDateTime(oldest.ms)}
              </span>
            )}
          </div>
          {answer.data.warnings.map((warning) => (
            <Notice key={warning} kind="warn">
              {warning}
            </Notice>
          ))}
          {older.rows.length === 0 ? (
            <EmptyState title="No line matches the query in this range">
              Nothing is wrong with the query. Try a longer range or fewer conditions.
            </EmptyState>
          ) : (
            <LogList
              rows={older.rows}
              wrap={wrap !== ''}
              pretty={pretty !== ''}
              withDate={range.toMs - range.fromMs > 86_400_000}
              onFilter={onFilter}
              onFilterLine={(selected, mode) => onQuery(filterLine(query, selected, mode))}
              onMore={older.complete || older.error ? undefined : older.more}
              loadingMore={older.loading}
              footer={footer}
            />
          )}
        </>
      )}
    </div>
  );
}

type View = 'chart' | 'table';

const views: readonly { id: View; label: string }[] = [
  { id: 'chart', label: 'Chart' },
  { id: 'table', label: 'Table' },
];

function LogMetrics({ query, range, tick, onZoom, onError }: ResultProps) {
  const [view, setView] = useParam('view', 'chart');
  const [box, width] = useWidth<HTMLDivElement>(Math.max(400, window.innerWidth - 240));
  const stepMs = chooseStepMs(range.toMs - range.fromMs, width);
  const fromMs = alignDown(range.fromMs, stepMs);
  const { toMs } = range;
  const chart = view !== 'table';
  const rangeMs = range.toMs - range.fromMs;
  const text = interpolate(query, { stepMs, rangeMs });
  const series = useRequest(
    chart ? `range\n${text}\n${fromMs}\n${toMs}\n${stepMs}` : null,
    (signal) => queryLogRange({ query: text, fromMs, toMs, stepMs }, { signal }),
    { tick, keep: true },
  );
  const instant = useRequest(
    chart ? null : `instant\n${text}\n${toMs}`,
    (signal) => queryLogInstant({ query: text, timeMs: toMs }, { signal }),
    { tick, keep: true },
  );
  const active = chart ? series : instant;
  const message = active.error?.message;
  useEffect(() => onError(message), [message, onError]);
  const data = series.data?.data;
  const columns = useMemo(
    () => (data?.resultType === 'matrix' ? matrixToColumns(data.result, stepMs / 1000) : undefined),
    [data, stepMs],
  );
  const table = instant.data?.data;
  const unit = guessLogqlUnit(query);
  return (
    <div className="explore-result" ref={box}>
      <ProgressLine active={active.loading} />
      <div className="explore-bar">
        <Tabs label="View" tabs={views} value={chart ? 'chart' : 'table'} onChange={setView} />
        <div className="spacer" />
        {chart && columns && (
          <span className="muted">
            {columns.series.length} series, a point each {formatDurationParam(stepMs)}
          </span>
        )}
      </div>
      {active.error ? (
        <ErrorState title="The query failed" message={active.error.message} hint={active.error.hint} />
      ) : active.data === undefined ? (
        <Skeleton height={320} />
      ) : chart && columns && columns.times.length > 0 ? (
        <SeriesView
          columns={columns}
          range={range}
          stepMs={stepMs}
          unit={unit}
          onZoom={onZoom}
          label={query}
        />
      ) : !chart && table && table.resultType !== 'streams' ? (
        <InstantTable result={table} unit={unit} />
      ) : (
        <EmptyState title="The query selects no data in this range" />
      )}
    </div>
  );
}
