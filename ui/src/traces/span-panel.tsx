// All that is known of one span: times, errors, its log lines, attributes by scope, events, links.
import { useMemo, useState } from 'react';
import { exploreHref, searchHref, traceHref } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { Badge } from '../design/badge.tsx';
import { IconButton } from '../design/button.tsx';
import { CopyButton } from '../design/copy-button.tsx';
import { Notice } from '../design/states.tsx';
import type { TraceAnalysis } from './analysis.ts';
import { AttributeTable } from './attribute-table.tsx';
import { EventList } from './event-list.tsx';
import { spanLogAttempts } from './log-lines.ts';
import { LogList } from './log-list.tsx';
import type { Span } from './model.ts';
import { operationMetrics, similarSpansQuery, spanGist } from './span-metrics.ts';
import { durationText, exactDurationText } from './span-time.ts';
import { exactMomentText } from './trace-facts.tsx';
import { CYCLE, DUPLICATE_ID, NO_START, ORPHAN, SHARED_ID, SKEWED, type TraceTree } from './tree.ts';
import { useLogLines } from './use-log-lines.ts';

export interface SpanPanelProps {
  analysis: TraceAnalysis;
  row: number;
  onClose: () => void;
  onSelect: (row: number) => void;
}

export function SpanPanel({ analysis, row, onClose, onSelect }: SpanPanelProps) {
  const { tree, colours } = analysis;
  const span = tree.spans[row]!;
  const gist = spanGist(span);
  return (
    <aside className="span-panel" aria-label="Span details">
      <header className="span-head">
        <div className="span-title">
          <h2 title={span.name}>{span.name}</h2>
          <div className="span-tags">
            <span className="service-dot" style={{ background: colours.get(span.resource.service) }} />
            <span>{span.resource.service}</span>
            {span.kind !== 'unspecified' && <Badge>{span.kind}</Badge>}
            {span.status !== 'unset' && (
              <Badge tone={span.status === 'error' ? 'bad' : 'good'}>{span.status}</Badge>
            )}
          </div>
        </div>
        <IconButton icon="close" size="small" label="Close details (Escape)" onClick={onClose} />
      </header>
      <div className="span-body">
        {gist !== '' && gist !== span.name && <code className="span-gist">{gist}</code>}
        {span.status === 'error' && span.statusMessage !== '' && (
          <Notice kind="error">{span.statusMessage}</Notice>
        )}
        <Warnings span={span} tree={tree} row={row} />
        <Times analysis={analysis} row={row} onSelect={onSelect} />
        <Actions span={span} />
        {span.events.length > 0 && (
          <Section title="Events" count={span.events.length}>
            <EventList span={span} />
          </Section>
        )}
        <SpanLogs key={row} analysis={analysis} row={row} />
        <Section title="Attributes" count={span.attributes.length}>
          <AttributeTable attributes={span.attributes} scope="span" />
        </Section>
        {span.links.length > 0 && (
          <Section title="Links" count={span.links.length}>
            <Links span={span} tree={tree} onSelect={onSelect} />
          </Section>
        )}
        <Section title="Resource" count={span.resource.attributes.length}>
          <AttributeTable attributes={span.resource.attributes} scope="resource" />
        </Section>
        {(span.scope.name !== '' || span.scope.attributes.length > 0) && (
          <Section title="Instrumentation scope">
            <p className="span-scope mono">
              {span.scope.name} {span.scope.version}
            </p>
            <AttributeTable attributes={span.scope.attributes} scope={null} />
          </Section>
        )}
        {span.dropped !== null && (
          <Notice kind="warn">
            The SDK dropped {span.dropped.attributes} attributes, {span.dropped.events} events and{' '}
            {span.dropped.links} links of this span.
          </Notice>
        )}
      </div>
    </aside>
  );
}

interface SectionProps {
  title: string;
  count?: number;
  children: React.ReactNode;
}

function Section({ title, count, children }: SectionProps) {
  return (
    <details className="span-section" open>
      <summary>
        {title} {count !== undefined && <span className="muted">{count}</span>}
      </summary>
      {children}
    </details>
  );
}

function Warnings({ span, tree, row }: { span: Span; tree: TraceTree; row: number }) {
  const flags = tree.flags[row]!;
  const skew = tree.skewNs[row]!;
  const told: [flag: number, text: string][] = [
    [
      ORPHAN,
      `Its parent ${span.parentSpanId} is not in this trace: it has not arrived, was not sampled, or the context was lost on the way.`,
    ],
    [CYCLE, 'It was its own ancestor by the parent ids; the circle is cut here.'],
    [SKEWED, `Drawn ${durationText(Math.abs(skew))} ${skew > 0 ? 'later' : 'earlier'} than its clock says.`],
    [SHARED_ID, 'It has the same span id as its caller (one id for client and server).'],
    [DUPLICATE_ID, 'Another, different span of this trace has the same span id.'],
    [NO_START, 'It came without a start time and is drawn where its parent starts.'],
  ];
  const shown = told.filter(([flag]) => (flags & flag) !== 0);
  if (shown.length === 0) return null;
  return (
    <Notice kind="warn">
      {shown.map(([flag, text]) => (
        <p key={flag}>{text}</p>
      ))}
    </Notice>
  );
}

function Times({ analysis, row, onSelect }: Omit<SpanPanelProps, 'onClose'>) {
  const { tree, selfNs, path, errors } = analysis;
  const span = tree.spans[row]!;
  const duration = tree.durationNs[row]!;
  let critical = 0;
  for (const part of path.segments.get(row) ?? []) critical += part.toNs - part.fromNs;
  const share = (ns: number, whole: number): string =>
    whole > 0 ? ` (${((100 * ns) / whole).toFixed(1)} %)` : '';
  const parent = tree.parent[row]!;
  return (
    <dl className="span-times">
      <dt>Start</dt>
      <dd>{span.startNs === 0n ? 'not given' : exactMomentText(span.startNs)}</dd>
      <dt>In the trace</dt>
      <dd>+{durationText(tree.offsetNs[row]!)}</dd>
      <dt>Duration</dt>
      <dd title={`${duration} ns`}>
        {exactDurationText(duration)}
        <span className="muted">{share(duration, tree.lengthNs)}</span>
      </dd>
      <dt>Own time</dt>
      <dd title="Duration less the time covered by child spans">
        {durationText(selfNs[row]!)}
        <span className="muted">{share(selfNs[row]!, duration)}</span>
      </dd>
      <dt>Critical path</dt>
      <dd title="The part of its own time that the whole trace waited for">
        {critical > 0 ? (
          <>
            {durationText(critical)}
            <span className="muted">{share(critical, path.totalNs)}</span>
          </>
        ) : (
          'not on it'
        )}
      </dd>
      {errors.below[row]! > 0 && (
        <>
          <dt>Errors below</dt>
          <dd>
            <button
              type="button"
              className="link-button"
              onClick={() => onSelect(errors.rows.find((r) => r > row) ?? row)}
            >
              {errors.below[row]}
            </button>
          </dd>
        </>
      )}
      <dt>Span id</dt>
      <dd>
        <code>{span.spanId}</code> <CopyButton text={span.spanId} label="Copy id" />
        <CopyButton text={linkTo(span)} label="Copy link" />
      </dd>
      {parent !== -1 && (
        <>
          <dt>Parent</dt>
          <dd>
            <button type="button" className="link-button" onClick={() => onSelect(parent)}>
              {tree.spans[parent]!.name}
            </button>
          </dd>
        </>
      )}
      {span.traceState !== '' && (
        <>
          <dt>Trace state</dt>
          <dd>
            <code>{span.traceState}</code>
          </dd>
        </>
      )}
    </dl>
  );
}

function linkTo(span: Span): string {
  return new URL(traceHref(span.traceId, { spanId: span.spanId }), window.location.href).href;
}

const AROUND_MS = 15 * 60_000;

function Actions({ span }: { span: Span }) {
  const metrics = operationMetrics(span);
  const range = {
    from: String(Number(span.startNs / 1_000_000n) - AROUND_MS),
    to: String(Number(span.endNs / 1_000_000n) + AROUND_MS),
  };
  return (
    <div className="span-actions">
      {metrics !== null && (
        <>
          <Link
            className="button plain small"
            href={exploreHref({ lang: 'promql', q: metrics.quantile, ...range })}
            title={`95th percentile from ${metrics.metric}`}
          >
            Metrics of this operation
          </Link>
          <Link
            className="button plain small"
            href={exploreHref({ lang: 'promql', q: metrics.rate, ...range })}
            title={`Calls a second from ${metrics.metric}`}
          >
            Rate
          </Link>
        </>
      )}
      <Link className="button plain small" href={searchHref({ q: similarSpansQuery(span), ...range })}>
        Similar spans
      </Link>
    </div>
  );
}

const LOG_LIMIT = 200;

function SpanLogs({ analysis, row }: { analysis: TraceAnalysis; row: number }) {
  const { tree, colours } = analysis;
  const span = tree.spans[row]!;
  const attempts = useMemo(
    () =>
      spanLogAttempts(
        {
          traceId: span.traceId,
          spanId: span.spanId,
          service: span.resource.service,
          startNs: span.startNs === 0n ? tree.startNs : span.startNs,
          endNs: span.endNs === 0n ? tree.startNs : span.endNs,
        },
        { startNs: tree.startNs, endNs: tree.startNs + BigInt(Math.round(tree.lengthNs)) },
      ),
    [span, tree],
  );
  const [tick, setTick] = useState(0);
  const state = useLogLines(attempts, LOG_LIMIT, tick);
  const { data } = state;
  return (
    <details className="span-section" open>
      <summary>
        Logs of this span{' '}
        {data !== undefined && data.attempt.told === '' && <span className="muted">{data.lines.length}</span>}
      </summary>
      <LogList
        label="Logs of this span"
        state={state}
        onRetry={() => setTick((t) => t + 1)}
        currentSpanId={span.spanId}
        {...(data !== undefined && data.attempt.told !== '' ? { colours } : {})}
        emptyText={`No line carries this span’s or this trace’s id, and ${span.resource.service} wrote nothing at that time.`}
      />
    </details>
  );
}

function Links({ span, tree, onSelect }: { span: Span; tree: TraceTree; onSelect: (row: number) => void }) {
  return (
    <ul className="span-links">
      {span.links.map((link, i) => {
        const here = link.traceId === span.traceId ? tree.rowOf(link.spanId) : -1;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: links never move
          <li key={i}>
            {here !== -1 ? (
              <button type="button" className="link-button" onClick={() => onSelect(here)}>
                {tree.spans[here]!.name} (in this trace)
              </button>
            ) : (
              <Link href={traceHref(link.traceId, { spanId: link.spanId })}>
                trace <code>{link.traceId}</code> span <code>{link.spanId}</code>
              </Link>
            )}
            <AttributeTable attributes={link.attributes} scope={null} />
          </li>
        );
      })}
    </ul>
  );
}
