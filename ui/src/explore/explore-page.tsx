// Explore: one query in one of three languages. The URL holds language, query and range, so that a
// link shows the same and the back button returns to the query before.
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import type { QueryLanguage } from '../app/links.ts';
import { Page } from '../app/page.tsx';
import { updateSearch, useSearchParams } from '../app/router.tsx';
import { Button } from '../design/button.tsx';
import { Popover } from '../design/popover.tsx';
import { Skeleton } from '../design/states.tsx';
import { Tabs } from '../design/tabs.tsx';
import { absoluteRange, formatAgo, type ResolvedRange } from '../time/range.ts';
import { useTime } from '../time/time-context.tsx';
import { TimePicker } from '../time/time-picker.tsx';
import { type PastQuery, readHistory, remember } from './query-history.ts';
import '../editor/editor.css'; // the plain field that stands in for the editor needs it first
import './explore.css';

const QueryEditor = lazy(() => import('../editor/query-editor.tsx'));
const MetricsResult = lazy(() => import('./metrics-result.tsx'));
const LogsResult = lazy(() => import('./logs-result.tsx'));
const TracesResult = lazy(() => import('./traces-result.tsx'));
const Start = lazy(() => import('./start.tsx'));

const languages: readonly { id: QueryLanguage; label: string; title: string }[] = [
  { id: 'promql', label: 'Metrics', title: 'PromQL' },
  { id: 'logql', label: 'Logs', title: 'LogQL' },
  { id: 'traceql', label: 'Traces', title: 'TraceQL' },
];

const placeholders: Record<QueryLanguage, string> = {
  promql: 'PromQL, for instance: sum by (job) (rate(http_requests_total[5m]))',
  logql: 'LogQL, for instance: {service_name="checkout"} |= "error"',
  traceql: 'TraceQL, for instance: { resource.service.name = "checkout" && duration > 500ms }',
};

export interface ResultProps {
  query: string;
  range: ResolvedRange;
  /** Grows when the same is to be asked again. */
  tick: number;
  onZoom: (range: ResolvedRange) => void;
  /** Puts a query into the editor and runs it. */
  onQuery: (query: string) => void;
  /** Tells the editor what the server said about the query. */
  onError: (message: string | undefined) => void;
}

function toLanguage(text: string | null): QueryLanguage {
  return text === 'logql' || text === 'traceql' ? text : 'promql';
}

function HistoryButton({ lang, onPick }: { lang: QueryLanguage; onPick: (query: string) => void }) {
  const [open, setOpen] = useState(false);
  const [list, setList] = useState<PastQuery[]>([]);
  const close = useCallback(() => setOpen(false), []);
  const toggle = () => {
    if (!open) setList(readHistory().filter((past) => past.lang === lang));
    setOpen(!open);
  };
  return (
    <Popover
      open={open}
      onClose={close}
      label="Past queries"
      align="right"
      anchor={
        <Button
          icon="history"
          aria-label="Past queries"
          title="Past queries"
          aria-expanded={open}
          onClick={toggle}
        />
      }
    >
      <div className="history">
        {list.length === 0 && <p className="muted">No query has run in this language yet.</p>}
        {list.map((past) => (
          <button
            key={past.query}
            type="button"
            className="menu-item history-item"
            title={past.query}
            onClick={() => {
              onPick(past.query);
              close();
            }}
          >
            <span className="truncate mono">{past.query}</span>
            <span className="muted">{formatAgo(past.atMs, Date.now())}</span>
          </button>
        ))}
      </div>
    </Popover>
  );
}

export default function ExplorePage() {
  const params = useSearchParams();
  const lang = toLanguage(params.get('lang'));
  const query = params.get('q') ?? '';
  const { range, tick, reload, setRange } = useTime();
  const [draft, setDraft] = useState(query);
  const [problem, setProblem] = useState<{ query: string; message: string }>();
  const drafts = useRef<Partial<Record<QueryLanguage, string>>>({});

  // The URL may change under the page: back, forward, a link.
  const [seen, setSeen] = useState({ lang, query });
  if (seen.lang !== lang || seen.query !== query) {
    setSeen({ lang, query });
    setDraft(query);
    setProblem(undefined);
  }

  useEffect(() => {
    if (query !== '') remember(lang, query);
  }, [lang, query]);

  const run = useCallback(
    (text: string) => {
      const next = text.trim();
      if (next === query.trim()) reload();
      else updateSearch({ lang, q: next, view: null });
    },
    [lang, query, reload],
  );

  const switchTo = (next: QueryLanguage) => {
    drafts.current[lang] = draft;
    updateSearch({ lang: next, q: drafts.current[next]?.trim() ?? '', view: null });
  };

  const onZoom = useCallback((next: ResolvedRange) => setRange(absoluteRange(next)), [setRange]);
  const onError = useCallback(
    (message: string | undefined) => setProblem(message === undefined ? undefined : { query, message }),
    [query],
  );

  const fallback = (
    <textarea
      className="query-editor-fallback"
      aria-label="Query"
      rows={1}
      value={draft}
      placeholder={placeholders[lang]}
      onChange={(event) => setDraft(event.target.value)}
    />
  );

  const result = { query, range, tick, onZoom, onQuery: run, onError };
  return (
    <Page
      title="Explore"
      flush
      lead={<Tabs kind="segments" label="Query language" tabs={languages} value={lang} onChange={switchTo} />}
      actions={<TimePicker />}
    >
      <div className="explore-query">
        <span className="explore-lang muted">{languages.find((l) => l.id === lang)?.title}</span>
        <Suspense fallback={fallback}>
          <QueryEditor
            language={lang}
            value={draft}
            onChange={setDraft}
            onRun={() => run(draft)}
            error={problem?.query.trim() === draft.trim() ? problem.message : undefined}
            range={range}
            placeholder={placeholders[lang]}
            autoFocus={query === ''}
          />
        </Suspense>
        <HistoryButton lang={lang} onPick={run} />
        <Button kind="primary" icon="play" title="Run (Ctrl+Enter)" onClick={() => run(draft)}>
          Run
        </Button>
      </div>
      <Suspense
        fallback={
          <div className="explore-result">
            <Skeleton height={240} />
          </div>
        }
      >
        {query.trim() === '' ? (
          <Start lang={lang} range={range} tick={tick} onQuery={run} />
        ) : lang === 'promql' ? (
          <MetricsResult {...result} />
        ) : lang === 'logql' ? (
          <LogsResult {...result} />
        ) : (
          <TracesResult {...result} />
        )}
      </Suspense>
    </Page>
  );
}
