// Log lines beside a trace: level, time, text; ids link back to trace and span.
import { Fragment } from 'react';
import type { RequestState } from '../api/use-request.ts';
import { exploreHref, traceHref } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { Button } from '../design/button.tsx';
import { EmptyState, ErrorState, Notice, Skeleton } from '../design/states.tsx';
import { splitTraceIds } from '../logs/log-model.ts';
import { formatClock } from '../time/range.ts';
import type { LogLine } from './log-lines.ts';
import { exactMomentText } from './trace-facts.tsx';
import type { FoundLines } from './use-log-lines.ts';

export interface LogListProps {
  label: string;
  state: RequestState<FoundLines>;
  onRetry: () => void;
  /** Colour per service; the service is shown only with it. */
  colours?: ReadonlyMap<string, string>;
  /** Lines of this span are not linked to it once more. */
  currentSpanId?: string;
  emptyText: string;
}

export function LogList({ label, state, onRetry, colours, currentSpanId, emptyText }: LogListProps) {
  const { data, error } = state;
  if (error !== undefined)
    return (
      <ErrorState
        title="The log lines could not be loaded"
        message={error.message}
        hint={error.hint}
        action={
          <Button size="small" onClick={onRetry}>
            Try again
          </Button>
        }
      />
    );
  if (data === undefined) return <Skeleton lines={3} />;
  const { attempt } = data;
  const explore = exploreHref({
    lang: 'logql',
    q: attempt.query,
    from: String(attempt.fromMs),
    to: String(attempt.toMs),
  });
  if (data.lines.length === 0)
    return (
      <EmptyState
        title="No log lines"
        action={
          <div className="state-actions">
            <Button size="small" icon="refresh" onClick={onRetry}>
              Look again
            </Button>
            <Link className="button plain small" href={explore}>
              Open in Explore
            </Link>
          </div>
        }
      >
        {emptyText}
      </EmptyState>
    );
  return (
    <div className="log-list">
      {attempt.told !== '' && <Notice>{attempt.told}</Notice>}
      <ol aria-label={label} className="log-lines">
        {data.lines.map((line) => (
          <Line key={line.key} line={line} colours={colours} currentSpanId={currentSpanId} />
        ))}
      </ol>
      <div className="log-foot">
        <code className="truncate muted" title={attempt.query}>
          {attempt.query}
        </code>
        <Link href={explore}>Open in Explore</Link>
      </div>
      {data.cut && <Notice>Only the first {data.lines.length} lines are shown.</Notice>}
    </div>
  );
}

interface LineProps {
  line: LogLine;
  colours: ReadonlyMap<string, string> | undefined;
  currentSpanId: string | undefined;
}

function Line({ line, colours, currentSpanId }: LineProps) {
  const spanId = line.spanId === '' ? undefined : line.spanId;
  return (
    <li className="log-line" data-level={line.level}>
      <time className="muted" title={exactMomentText(line.timeNs)}>
        {formatClock(Number(line.timeNs / 1_000_000n), 'ms')}
      </time>
      <span className="log-level">{line.level === 'unknown' ? '' : line.level}</span>
      {colours !== undefined && (
        <span className="log-service truncate" title={line.service}>
          <span className="service-dot" style={{ background: colours.get(line.service) }} />
          {line.service}
        </span>
      )}
      <span className="log-text">
        {splitTraceIds(line.text).map((part, i) =>
          'traceId' in part ? (
            // biome-ignore lint/suspicious/noArrayIndexKey: parts of one line never move
            <Link key={i} href={traceHref(part.traceId, { spanId })}>
              {part.text}
            </Link>
          ) : (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <Fragment key={i}>{part.text}</Fragment>
          ),
        )}
        {line.traceId !== '' && !line.text.includes(line.traceId) && (
          <Link
            className="log-trace"
            href={traceHref(line.traceId, { spanId })}
            title={`trace ${line.traceId}${spanId === undefined ? '' : `, span ${spanId}`}`}
          >
            {spanId === undefined || spanId === currentSpanId
              ? `trace ${line.traceId.slice(0, 8)}`
              : `span ${spanId.slice(0, 8)}`}
          </Link>
        )}
      </span>
    </li>
  );
}
