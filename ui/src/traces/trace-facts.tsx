// The line below the title: what a person wants to know of a trace before looking into it.
import { CopyButton } from '../design/copy-button.tsx';
import { formatDateTime } from '../time/range.ts';
import type { TraceAnalysis } from './analysis.ts';
import { durationText, subSecondText } from './span-time.ts';

/** Local date and time of a moment, to the millisecond. */
export function momentText(ns: bigint): string {
  return formatDateTime(Number(ns / 1_000_000n), 'ms');
}

/** The same to the nanosecond. */
export function exactMomentText(ns: bigint): string {
  return `${formatDateTime(Number(ns / 1_000_000n))}.${subSecondText(ns)}`;
}

export function TraceFacts({ traceId, analysis }: { traceId: string; analysis: TraceAnalysis }) {
  const { tree, errors, services } = analysis;
  let depth = 0;
  for (const d of tree.depth) if (d > depth) depth = d;
  return (
    <dl className="trace-facts">
      <div className="trace-id">
        <dt>Trace</dt>
        <dd>
          <code title={traceId}>{traceId}</code>
          <CopyButton text={window.location.href} label="Copy link" />
        </dd>
      </div>
      <div>
        <dt>Start</dt>
        <dd title={exactMomentText(tree.startNs)}>{momentText(tree.startNs)}</dd>
      </div>
      <div>
        <dt>Duration</dt>
        <dd>{durationText(tree.lengthNs)}</dd>
      </div>
      <div>
        <dt>Spans</dt>
        <dd>{tree.spans.length.toLocaleString('en')}</dd>
      </div>
      <div>
        <dt>Services</dt>
        <dd>{services.length}</dd>
      </div>
      <div>
        <dt>Errors</dt>
        <dd className={errors.rows.length > 0 ? 'bad' : ''}>{errors.rows.length.toLocaleString('en')}</dd>
      </div>
      <div>
        <dt>Depth</dt>
        <dd>{depth + 1}</dd>
      </div>
    </dl>
  );
}
