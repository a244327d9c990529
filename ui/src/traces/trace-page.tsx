// One trace: loads it, says honestly when it is not there, and puts its parts together.
// The selected span (`?span=`) and the tab (`?tab=`) live in the URL.
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import './traces.css';
import { toApiError } from '../api/http.ts';
import { useRequest } from '../api/use-request.ts';
import { searchHref } from '../app/links.ts';
import { Page } from '../app/page.tsx';
import { Link, updateSearch, useSearchParams } from '../app/router.tsx';
import { Button } from '../design/button.tsx';
import { CopyButton } from '../design/copy-button.tsx';
import { EmptyState, ErrorState, Notice, Skeleton } from '../design/states.tsx';
import { Tabs } from '../design/tabs.tsx';
import { analyseTrace, type TraceAnalysis } from './analysis.ts';
import { colourMemory } from './colour-memory.ts';
import { fetchTrace, traceUrl } from './fetch-trace.ts';
import { FindingsBar } from './findings-bar.tsx';
import { FlameView } from './flame-view.tsx';
import type { DecodedTrace } from './model.ts';
import { ServiceTable } from './service-table.tsx';
import { durationText } from './span-time.ts';
import { TraceFacts } from './trace-facts.tsx';
import { TraceLogs } from './trace-logs.tsx';
import type { TraceTree } from './tree.ts';
import { Waterfall } from './waterfall.tsx';

type TabId = 'waterfall' | 'flame' | 'services' | 'logs';

/** A trace that was just linked to may still be on its way: asked again by itself for a while. */
const RETRIES = 5;
const RETRY_MS = 2000;

export default function TracePage({ traceId }: { traceId: string }) {
  const [tick, setTick] = useState(0);
  const retry = useCallback(() => setTick((t) => t + 1), []);
  const { data, error, loading } = useRequest(traceId, (signal) => fetchTrace(traceId, { signal }), { tick });
  const missing = data !== undefined && data.spans.length === 0;

  useEffect(() => {
    if (!missing || loading || tick >= RETRIES) return;
    const timer = setTimeout(retry, RETRY_MS);
    return () => clearTimeout(timer);
  }, [missing, loading, tick, retry]);

  if (data !== undefined && !missing) return <LoadedTrace traceId={traceId} trace={data} />;
  return (
    <Page title={`Trace ${traceId}`} lead={<CopyButton text={traceId} label="Copy id" />}>
      {error !== undefined && !missing ? (
        <ErrorState
          title="The trace could not be loaded"
          message={error.message}
          hint={error.hint}
          action={<Button onClick={retry}>Try again</Button>}
        />
      ) : missing ? (
        <NotFound
          traceId={traceId}
          message={data.message}
          retrying={loading || tick < RETRIES}
          retry={retry}
        />
      ) : (
        <LoadingTrace />
      )}
    </Page>
  );
}

function LoadingTrace() {
  return (
    <div className="trace-loading">
      <Skeleton lines={2} />
      <Skeleton height={56} />
      <Skeleton lines={12} />
    </div>
  );
}

interface NotFoundProps {
  traceId: string;
  message: string;
  retrying: boolean;
  retry: () => void;
}

function NotFound({ traceId, message, retrying, retry }: NotFoundProps) {
  const odd = !/^[0-9a-fA-F]{1,32}$/.test(traceId);
  return (
    <EmptyState
      title="This trace is not stored here"
      action={
        <div className="state-actions">
          <Button kind="primary" icon="refresh" onClick={retry}>
            Look again
          </Button>
          <Link className="button plain normal" href={searchHref({ q: '{}', from: 'now-1h', to: 'now' })}>
            Search recent traces
          </Link>
        </div>
      }
    >
      <p>
        <code>{traceId}</code> was not found in Trivium’s span storage.
      </p>
      {odd ? (
        <p>A trace id is 16 or 32 hexadecimal digits; this is something else.</p>
      ) : (
        <p>
          It may not have arrived yet (SDKs send spans in batches, some seconds after they end), it may not
          have been sampled, or its retention may be over.
        </p>
      )}
      {message !== '' && <p className="muted">The server says: {message}</p>}
      <p className="muted">{retrying ? 'Looking again by itself …' : ' '}</p>
    </EmptyState>
  );
}

function LoadedTrace({ traceId, trace }: { traceId: string; trace: DecodedTrace }) {
  const [adjustClocks, setAdjustClocks] = useState(true);
  const analysed = useMemo((): TraceAnalysis | Error => {
    try {
      return analyseTrace(trace.spans, { adjustClocks, colourMemory });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }, [trace, adjustClocks]);
  if (analysed instanceof Error)
    return (
      <Page title={`Trace ${traceId}`}>
        <ErrorState title="The trace could not be drawn" message={toApiError(analysed).message} />
      </Page>
    );
  return (
    <TraceView
      traceId={traceId}
      trace={trace}
      analysis={analysed}
      adjustClocks={adjustClocks}
      setAdjustClocks={setAdjustClocks}
    />
  );
}

interface TraceViewProps {
  traceId: string;
  trace: DecodedTrace;
  analysis: TraceAnalysis;
  adjustClocks: boolean;
  setAdjustClocks: (on: boolean) => void;
}

function TraceView({ traceId, trace, analysis, adjustClocks, setAdjustClocks }: TraceViewProps) {
  const params = useSearchParams();
  const tab = tabOf(params.get('tab'));
  const { tree } = analysis;
  const { wanted, selected, select } = useSelectedSpan(tree);
  const show = useCallback(
    (row: number) => {
      select(row);
      updateSearch({ tab: null }, { replace: true });
    },
    [select],
  );
  const root = tree.spans[tree.main]!;
  const views: Record<TabId, () => ReactNode> = {
    waterfall: () => (
      <Waterfall
        analysis={analysis}
        selected={selected}
        onSelect={select}
        adjustClocks={adjustClocks}
        setAdjustClocks={setAdjustClocks}
      />
    ),
    flame: () => <FlameView analysis={analysis} onSelect={show} />,
    services: () => <ServiceTable analysis={analysis} onSelect={show} />,
    logs: () => <TraceLogs traceId={traceId} analysis={analysis} />,
  };
  return (
    <Page
      title={`${root.resource.service}: ${root.name}`}
      lead={<span className="trace-duration">{durationText(tree.lengthNs)}</span>}
      actions={
        <>
          <CopyButton text={traceId} label="Copy trace id" />
          <a
            className="button ghost small"
            href={traceUrl(traceId)}
            download={`trace-${traceId}.json`}
            title="Download the trace as OTLP JSON"
          >
            Download JSON
          </a>
        </>
      }
      flush
    >
      <div className="trace-page">
        <TraceFacts traceId={traceId} analysis={analysis} />
        {trace.partial && (
          <Notice kind="warn">This trace is partial: spans are missing. {trace.message}</Notice>
        )}
        {wanted !== '' && selected === -1 && (
          <Notice kind="warn">
            Span <code>{wanted}</code> is not in this trace; it may not have arrived yet.
          </Notice>
        )}
        <FindingsBar analysis={analysis} onSelect={show} />
        <Tabs
          label="Views of the trace"
          value={tab}
          onChange={(id) => updateSearch({ tab: id === 'waterfall' ? null : id }, { replace: true })}
          tabs={[
            { id: 'waterfall', label: 'Waterfall' },
            { id: 'flame', label: 'Flame' },
            { id: 'services', label: `Services (${analysis.services.length})` },
            { id: 'logs', label: 'Logs' },
          ]}
        />
        {views[tab]()}
      </div>
    </Page>
  );
}

/**
 * The selected row, in step with `?span=`. The URL follows a moment later: browsers allow only some hundred
 * changes of it in a while, and a held arrow key makes more.
 */
function useSelectedSpan(tree: TraceTree): {
  wanted: string;
  selected: number;
  select: (row: number) => void;
} {
  const wanted = useSearchParams().get('span') ?? '';
  const rowOf = (id: string): number => (id === '' ? -1 : tree.rowOf(id.toLowerCase().padStart(16, '0')));
  const [seen, setSeen] = useState({ wanted, tree });
  const [selected, select] = useState(() => rowOf(wanted));
  const [settled, setSettled] = useState(true);
  if (seen.wanted !== wanted || seen.tree !== tree) {
    setSeen({ wanted, tree });
    // Rows that share a span id (Zipkin's pairs) are not confused by the URL catching up.
    if (seen.tree !== tree || tree.spans[selected]?.spanId !== wanted) select(rowOf(wanted));
  }
  const id = selected === -1 ? '' : tree.spans[selected]!.spanId;
  useEffect(() => {
    if (settled || id === wanted) return;
    const timer = setTimeout(() => updateSearch({ span: id }, { replace: true }), 120);
    return () => clearTimeout(timer);
  }, [id, wanted, settled]);
  return {
    wanted,
    selected,
    select: useCallback((row: number) => {
      setSettled(false);
      select(row);
    }, []),
  };
}

function tabOf(text: string | null): TabId {
  return text === 'flame' || text === 'services' || text === 'logs' ? text : 'waterfall';
}
