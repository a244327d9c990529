// The answer to a TraceQL query: traces found, newest first, or the chart of a metrics query.
import { useEffect, useMemo } from 'react';
import { type FoundTrace, fullTraceId, searchTraces, traceMetricsRange } from '../api/tempo.ts';
import { useRequest } from '../api/use-request.ts';
import { traceHref } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { traceMetricsToColumns } from '../charts/columns.ts';
import { traceMetricsDots } from '../charts/exemplars.ts';
import { chooseStepMs, interpolate } from '../charts/step.ts';
import { formatValue, guessTraceqlUnit } from '../charts/units.ts';
import { Badge } from '../design/badge.tsx';
import { EmptyState, ErrorState, Notice, ProgressLine, Skeleton } from '../design/states.tsx';
import { useWidth } from '../design/use-width.ts';
import { formatDateTime, formatDurationParam } from '../time/range.ts';
import type { ResultProps } from './explore-page.tsx';
import { SeriesView } from './series-view.tsx';
import { isTraceMetricsQuery } from './trace-query.ts';

const limit = 100;

export default function TracesResult(props: ResultProps) {
  return isTraceMetricsQuery(props.query) ? <TraceMetrics {...props} /> : <TraceSearch {...props} />;
}

function TraceMetrics({ query, range, tick, onZoom, onError }: ResultProps) {
  const [box, width] = useWidth<HTMLDivElement>(Math.max(400, window.innerWidth - 240));
  // Each point is of its own interval, without a window that smooths: fewer points say more.
  const stepMs = chooseStepMs(range.toMs - range.fromMs, width, 12);
  const text = interpolate(query, { stepMs, rangeMs: range.toMs - range.fromMs });
  const answer = useRequest(
    `metrics\n${text}\n${range.fromMs}\n${range.toMs}\n${stepMs}`,
    (signal) => traceMetricsRange({ q: text, ...range, stepMs, exemplars: 100 }, { signal }),
    { tick, keep: true },
  );
  const message = answer.error?.message;
  useEffect(() => onError(message), [message, onError]);
  const quantiles = /\|\s*quantile_over_time\s*\(/.test(query);
  const columns = useMemo(
    () => (answer.data ? traceMetricsToColumns(answer.data, stepMs / 1000, quantiles) : undefined),
    [answer.data, stepMs, quantiles],
  );
  const dots = useMemo(() => traceMetricsDots(answer.data ?? []), [answer.data]);
  const unit = guessTraceqlUnit(query);
  return (
    <div className="explore-result" ref={box}>
      <ProgressLine active={answer.loading} />
      {answer.error ? (
        <ErrorState title="The query failed" message={answer.error.message} hint={answer.error.hint} />
      ) : columns === undefined ? (
        <Skeleton height={320} />
      ) : columns.series.length === 0 ? (
        <EmptyState title="No span matches the query in this range" />
      ) : (
        <>
          <div className="explore-bar muted">
            <div className="spacer" />
            {columns.series.length} series, a point each {formatDurationParam(stepMs)}
          </div>
          <SeriesView
            columns={columns}
            range={range}
            stepMs={stepMs}
            unit={unit}
            dots={dots}
            dotsOnAxis={unit === 'seconds'}
            onZoom={onZoom}
            label={query}
          />
        </>
      )}
    </div>
  );
}

function TraceSearch({ query, range, tick, onError }: ResultProps) {
  const answer = useRequest(
    `search\n${query}\n${range.fromMs}\n${range.toMs}`,
    (signal) => searchTraces({ q: query, ...range, limit, spansPerSet: 3 }, { signal }),
    { tick, keep: true },
  );
  const message = answer.error?.message;
  useEffect(() => onError(message), [message, onError]);
  const traces = answer.data?.traces;
  return (
    <div className="explore-result">
      <ProgressLine active={answer.loading} />
      {answer.error ? (
        <ErrorState title="The query failed" message={answer.error.message} hint={answer.error.hint} />
      ) : traces === undefined ? (
        <Skeleton lines={8} />
      ) : traces.length === 0 ? (
        <EmptyState title="No trace matches the query in this range">
          Try a longer range or fewer conditions.
        </EmptyState>
      ) : (
        <>
          <div className="explore-bar muted">
            {traces.length} {traces.length === 1 ? 'trace' : 'traces'}
          </div>
          {traces.length >= limit && (
            <Notice>
              Shown are {limit} traces; more may match. Narrow the range or the conditions to see others.
            </Notice>
          )}
          <TraceTable traces={traces} />
        </>
      )}
    </div>
  );
}

function matchedSpans(trace: FoundTrace): number {
  const sets = trace.spanSets ?? (trace.spanSet ? [trace.spanSet] : []);
  return sets.reduce((sum, set) => sum + set.matched, 0);
}

function errorCount(trace: FoundTrace): number {
  return Object.values(trace.serviceStats ?? {}).reduce((sum, stats) => sum + (stats.errorCount ?? 0), 0);
}

function TraceTable({ traces }: { traces: readonly FoundTrace[] }) {
  const longest = Math.max(1, ...traces.map((trace) => trace.durationMs ?? 0));
  return (
    <table className="table trace-table">
      <thead>
        <tr>
          <th>Start</th>
          <th>Trace</th>
          <th>Service</th>
          <th>Name</th>
          <th className="num">Spans matched</th>
          <th>Duration</th>
        </tr>
      </thead>
      <tbody>
        {traces.map((trace) => {
          const id = fullTraceId(trace.traceID);
          const durationMs = trace.durationMs ?? 0;
          const errors = errorCount(trace);
          return (
            <tr key={id}>
              <td className="nowrap">
                {formatDateTime(Number(BigInt(trace.startTimeUnixNano) / 1_000_000n), 'ms')}
              </td>
              <td>
                <Link className="mono" href={traceHref(id)} title={id}>
                  {id.slice(0, 16)}…
                </Link>
              </td>
              <td className="truncate trace-cell" title={trace.rootServiceName}>
                {trace.rootServiceName || <span className="muted">not received</span>}
              </td>
              <td className="truncate trace-cell" title={trace.rootTraceName}>
                {trace.rootTraceName}{' '}
                {errors > 0 && <Badge tone="bad">{errors === 1 ? '1 error' : `${errors} errors`}</Badge>}
              </td>
              <td className="num">{matchedSpans(trace)}</td>
              <td className="trace-duration">
                <span className="num">
                  {durationMs < 1 ? '< 1 ms' : formatValue(durationMs, 'milliseconds')}
                </span>
                <i style={{ width: `${Math.max(1, (durationMs / longest) * 100)}%` }} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
