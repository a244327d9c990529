// One row of the waterfall: name, duration, bar with critical path and events. Kept small: a screen shows
// some forty of them and a held scroll key makes hundreds in a second.
import { memo } from 'react';
import { Icon } from '../design/icon.tsx';
import type { TraceAnalysis } from './analysis.ts';
import { repeatedCallsText } from './findings.ts';
import type { View } from './minimap.tsx';
import type { Span } from './model.ts';
import { fullName } from './span-metrics.ts';
import { durationText } from './span-time.ts';
import type { Interval } from './timing.ts';
import { CYCLE, ORPHAN, type TraceTree } from './tree.ts';

export const ROW_PX = 26;
const INDENT_PX = 12;
/** Deeper levels are not indented further (they would leave no room for names); a number says how deep. */
const MOST_INDENTED = 14;

export interface SpanRowProps {
  analysis: TraceAnalysis;
  row: number;
  top: number;
  view: View;
  selected: boolean;
  matched: boolean;
  closed: boolean;
  showPath: boolean;
}

export const SpanRow = memo(function SpanRow(props: SpanRowProps) {
  const { analysis, row, top, selected, matched, closed } = props;
  const { tree, colours, errors } = analysis;
  const span = tree.spans[row]!;
  const { service } = span.resource;
  const colour = colours.get(service);
  const depth = tree.depth[row]!;
  const inside = tree.size[row]! - 1;
  const hiddenErrors = closed ? errors.below[row]! : 0;
  const failed = span.status === 'error';
  // What the name leaves out: "POST" becomes "POST /v1/charges 502".
  const gist = fullName(span).slice(span.name.length);
  return (
    <div
      role="treeitem"
      id={`span-row-${row}`}
      data-row={row}
      className={`wf-row${selected ? ' selected' : ''}${matched ? ' matched' : ''}${failed ? ' failed' : ''}`}
      style={{ transform: `translateY(${top}px)` }}
      aria-level={depth + 1}
      aria-selected={selected}
      aria-expanded={inside > 0 ? !closed : undefined}
      tabIndex={-1}
    >
      <div
        className="wf-name"
        style={{ paddingLeft: Math.min(depth, MOST_INDENTED) * INDENT_PX + 4 }}
        title={`${service}: ${span.name}${gist}`}
      >
        {inside > 0 ? (
          <span className={`wf-fold${closed ? ' closed' : ''}`} data-fold={row} aria-hidden="true">
            <Icon name="chevronDown" size={12} />
          </span>
        ) : (
          <span className="wf-fold" aria-hidden="true" />
        )}
        {depth > MOST_INDENTED && <span className="wf-deep">{depth}</span>}
        <span className="wf-colour" style={{ background: colour }} />
        <span className="wf-service">{service}</span>
        <span className="wf-operation">
          {span.name}
          {gist !== '' && <span className="wf-gist">{gist}</span>}
        </span>
        <Marks analysis={analysis} span={span} row={row} hiddenErrors={hiddenErrors} />
        {closed && <span className="wf-inside">+{inside}</span>}
      </div>
      <div className="wf-duration">{durationText(tree.durationNs[row]!)}</div>
      <div className="wf-time">
        <Bar {...props} span={span} colour={colour} />
      </div>
    </div>
  );
});

interface MarksProps {
  analysis: TraceAnalysis;
  span: Span;
  row: number;
  hiddenErrors: number;
}

function Marks({ analysis, span, row, hiddenErrors }: MarksProps) {
  const flags = analysis.tree.flags[row]!;
  const repeated = analysis.repeatedAt.get(row);
  return (
    <>
      {span.status === 'error' && (
        <span className="wf-error" role="img" aria-label="error" title={span.statusMessage || 'error'}>
          <Icon name="alert" size={13} />
        </span>
      )}
      {hiddenErrors > 0 && (
        <span className="wf-inside bad" title={`${hiddenErrors} error(s) inside`}>
          {hiddenErrors} err
        </span>
      )}
      {repeated !== undefined && (
        <span className="wf-inside warn" title={repeatedCallsText(repeated)}>
          {repeated.rows.indexOf(row) + 1}/{repeated.rows.length}
        </span>
      )}
      {(flags & ORPHAN) !== 0 && (
        <span className="wf-inside warn" title={`The parent ${span.parentSpanId} is not in this trace`}>
          orphan
        </span>
      )}
      {(flags & CYCLE) !== 0 && (
        <span className="wf-inside warn" title="Was its own ancestor; cut here">
          cycle
        </span>
      )}
    </>
  );
}

interface BarProps extends SpanRowProps {
  span: Span;
  colour: string | undefined;
}

function Bar({ analysis, row, view, showPath, span, colour }: BarProps) {
  const { tree, path, gapAt } = analysis;
  const gap = gapAt.get(row);
  const length = view.toNs - view.fromNs;
  const percent = (ns: number): number => (100 * (ns - view.fromNs)) / length;
  const start = tree.offsetNs[row]!;
  const left = percent(start);
  const right = percent(start + tree.durationNs[row]!);
  if (right < 0) return <span className="wf-outside left" title="Before the part shown" />;
  if (left > 100) return <span className="wf-outside right" title="After the part shown" />;
  // Far ends are cut: browsers lose precision in huge widths.
  const from = Math.max(-1, left);
  const to = Math.min(101, right);
  const parts = showPath ? path.segments.get(row) : undefined;
  return (
    <>
      <span
        className="wf-bar"
        style={{ left: `${from}%`, width: `max(2px, ${to - from}%)`, background: colour }}
      />
      {gap !== undefined && gap.toNs > view.fromNs && gap.fromNs < view.toNs && (
        <span
          className="wf-gap"
          style={{
            left: `${Math.max(0, percent(gap.fromNs))}%`,
            width: `${Math.min(100, percent(gap.toNs)) - Math.max(0, percent(gap.fromNs))}%`,
          }}
          title={`${durationText(gap.toNs - gap.fromNs)} without a child span`}
        />
      )}
      {parts !== undefined &&
        mergeClose(parts, length / 2000, view).map((part) => (
          <span
            key={part.fromNs}
            className="wf-critical"
            style={{
              left: `${percent(part.fromNs)}%`,
              width: `max(1px, ${percent(part.toNs) - percent(part.fromNs)}%)`,
            }}
          />
        ))}
      {span.events.length > 0 &&
        eventTicks(span, tree, row, percent).map((tick) => (
          <span
            key={tick.at}
            className={tick.exception ? 'wf-event exception' : 'wf-event'}
            style={{ left: `${tick.at}%` }}
            title={tick.title}
          />
        ))}
    </>
  );
}

/** Parts in view; those less than `closeNs` apart (below a pixel) become one. */
function mergeClose(parts: readonly Interval[], closeNs: number, view: View): Interval[] {
  const out: { fromNs: number; toNs: number }[] = [];
  for (const part of parts) {
    const fromNs = Math.max(part.fromNs, view.fromNs);
    const toNs = Math.min(part.toNs, view.toNs);
    if (toNs <= fromNs) continue;
    const last = out.at(-1);
    if (last !== undefined && fromNs - last.toNs < closeNs) last.toNs = toNs;
    else out.push({ fromNs, toNs });
  }
  return out;
}

interface Tick {
  at: number;
  title: string;
  exception: boolean;
}

/** One tick per half percent of the width at most. */
function eventTicks(span: Span, tree: TraceTree, row: number, percent: (ns: number) => number): Tick[] {
  const ticks = new Map<number, Tick>();
  for (const event of span.events) {
    const ns = Number(event.timeNs - tree.startNs) + tree.skewNs[row]!;
    const at = Math.round(percent(ns) * 2) / 2;
    if (at < 0 || at > 100) continue;
    const known = ticks.get(at);
    const exception = event.name === 'exception' || known?.exception === true;
    const title = known === undefined ? event.name : `${known.title}\n${event.name}`.slice(0, 400);
    ticks.set(at, { at, title, exception });
  }
  return [...ticks.values()];
}
