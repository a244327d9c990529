// Trace search: a form that writes TraceQL, the query itself, a scatter plot to brush over, and the list.
// The URL holds the query (`q`), the time range, the order and the limit.
import { useCallback, useMemo } from 'react';
import './traces.css';
import { type SearchAnswer, searchTraces } from '../api/tempo.ts';
import { type RequestState, useRequest } from '../api/use-request.ts';
import { exploreHref, traceHref } from '../app/links.ts';
import { Page } from '../app/page.tsx';
import { Link, navigate, updateSearch, useParam } from '../app/router.tsx';
import { Button } from '../design/button.tsx';
import { EmptyState, ErrorState, Notice, ProgressLine, Skeleton } from '../design/states.tsx';
import { absoluteRange, defaultRange, type ResolvedRange } from '../time/range.ts';
import { useTime } from '../time/time-context.tsx';
import { TimePicker } from '../time/time-picker.tsx';
import { Scatter } from './scatter.tsx';
import { SearchForm } from './search-form.tsx';
import { type SortKey, sortRows, type TraceRow, toRows } from './search-results.ts';
import { SearchTable } from './search-table.tsx';

const LIMITS = ['20', '50', '100', '200', '500', '1000'];
const SORTS: readonly SortKey[] = ['start', 'duration', 'spans', 'errors'];

export default function SearchPage() {
  const { range, tick, setRange, reload, raw } = useTime();
  const [query, setQuery] = useParam('q', '{}');
  const [limit, setLimit] = useParam('limit', '100');
  const [sort, setSort] = useParam('sort', 'start');
  const by = SORTS.find((s) => s === sort) ?? 'start';
  const state = useRequest<SearchAnswer>(
    `${query}|${limit}|${range.fromMs}|${range.toMs}`,
    (signal) =>
      searchTraces(
        { q: query, fromMs: range.fromMs, toMs: range.toMs, limit: Number(limit) || 100, spansPerSet: 1 },
        { signal },
      ),
    { tick, keep: true },
  );
  const rows = useMemo(() => toRows(state.data?.traces ?? []), [state.data]);
  const sorted = useMemo(() => sortRows(rows, by), [rows, by]);
  // Every span matches the empty query: then there is none to point at.
  const everything = /^\s*\{\s*(true)?\s*\}\s*$/.test(query);
  const hrefOf = useCallback(
    (row: TraceRow) =>
      traceHref(row.traceId, {
        spanId: everything ? undefined : row.firstSpanId,
        // The trace page has no range of its own; the way back to the lists keeps this one.
        ...(raw.from === defaultRange.from && raw.to === defaultRange.to ? {} : raw),
      }),
    [everything, raw],
  );
  const run = useCallback(
    (next: string) => {
      if (next === query) reload();
      else setQuery(next);
    },
    [query, reload, setQuery],
  );
  return (
    <Page title="Traces" actions={<TimePicker />}>
      <div className="search-page">
        <SearchForm query={query} error={state.error?.message} range={range} onRun={run} />
        <ProgressLine active={state.loading} />
        <Results
          state={state}
          rows={rows}
          sorted={sorted}
          query={query}
          limit={Number(limit) || 100}
          range={range}
          hrefOf={hrefOf}
          by={by}
          onSort={setSort}
          onRange={(next) => setRange(absoluteRange(next))}
          onRetry={reload}
        />
        <div className="search-fields">
          <label className="search-field">
            At most
            <select className="input" value={limit} onChange={(e) => setLimit(e.target.value)}>
              {(LIMITS.includes(limit) ? LIMITS : [limit, ...LIMITS]).map((n) => (
                <option key={n} value={n}>
                  {n} traces
                </option>
              ))}
            </select>
          </label>
          <Link
            className="button plain normal"
            href={exploreHref({ lang: 'traceql', q: query, from: raw.from, to: raw.to })}
          >
            Open in Explore
          </Link>
        </div>
      </div>
    </Page>
  );
}

interface ResultsProps {
  state: RequestState<SearchAnswer>;
  rows: readonly TraceRow[];
  sorted: readonly TraceRow[];
  query: string;
  limit: number;
  range: ResolvedRange;
  hrefOf: (row: TraceRow) => string;
  by: SortKey;
  onSort: (by: SortKey) => void;
  onRange: (range: ResolvedRange) => void;
  onRetry: () => void;
}

function Results(props: ResultsProps) {
  const { state, rows, sorted, limit, range, hrefOf } = props;
  if (state.error !== undefined)
    return (
      <ErrorState
        title="The search failed"
        message={state.error.message}
        hint={state.error.hint}
        action={<Button onClick={props.onRetry}>Try again</Button>}
      />
    );
  if (state.data === undefined)
    return (
      <>
        <Skeleton height={190} />
        <Skeleton lines={8} />
      </>
    );
  if (rows.length === 0)
    return (
      <EmptyState
        title="No trace matches in this time range"
        action={
          <Button onClick={() => updateSearch({ q: null, from: 'now-24h', to: 'now' })}>
            All traces of the last 24 hours
          </Button>
        }
      >
        Attribute comparisons are strict about types: <code>= 500</code> does not find the text{' '}
        <code>"500"</code>.
      </EmptyState>
    );
  return (
    <>
      <Scatter rows={rows} range={range} onOpen={(row) => navigate(hrefOf(row))} onRange={props.onRange} />
      {rows.length >= limit && (
        <Notice>
          {limit} traces are shown; there may be more. Raise the limit below, or narrow the query or the time
          range.
        </Notice>
      )}
      <SearchTable rows={sorted} by={props.by} onSort={props.onSort} hrefOf={hrefOf} />
    </>
  );
}
