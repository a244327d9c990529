// Exemplars over a chart: each a link to its trace. Filled circles were sent by clients, hollow
// diamonds were found by Trivium among the spans.
import { useState } from 'react';
import { createPortal } from 'react-dom';
import type uPlot from 'uplot';
import { traceHref } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { formatDateTime } from '../time/range.ts';
import type { Dot } from './exemplars.ts';
import { formatValue, type Unit } from './units.ts';

export interface PlacedDot {
  dot: Dot;
  left: number;
  top: number;
  /** Lies above the axis. */
  clipped: boolean;
}

const hiddenLabels = new Set(['le', '__name__', 'inferred', 'trivium_inferred']);

function DotCard({
  placed,
  plot,
  unit,
  onAxis,
}: {
  placed: PlacedDot;
  plot: uPlot;
  unit: Unit;
  onAxis: boolean;
}) {
  const { dot, left, top } = placed;
  const labels = Object.entries({ ...dot.seriesLabels, ...dot.labels }).filter(
    ([name]) => !hiddenLabels.has(name),
  );
  const style =
    left > plot.over.clientWidth / 2 ? { right: plot.over.clientWidth - left + 10 } : { left: left + 10 };
  return (
    <div className="dot-card" style={{ ...style, top: Math.min(top, plot.over.clientHeight / 2) }}>
      <div className="dot-card-head">
        <b>{onAxis ? formatValue(dot.value, unit) : formatValue(dot.value, 'none')}</b>
        <span className="muted">{formatDateTime(dot.seconds * 1000, 'ms')}</span>
      </div>
      {dot.inferred && <div className="muted">Inferred: a span that fits this series and bucket.</div>}
      <dl>
        {labels.slice(0, 14).map(([name, value]) => (
          <div key={name}>
            <dt className="truncate">{name}</dt>
            <dd className="truncate mono">{value}</dd>
          </div>
        ))}
      </dl>
      <div className="muted">Click to open the trace</div>
    </div>
  );
}

/** What the two forms of dots mean; nothing if there are none. */
export function DotKey({ dots }: { dots: readonly Dot[] }) {
  const inferred = dots.some((dot) => dot.inferred);
  const sent = dots.some((dot) => !dot.inferred);
  if (!inferred && !sent) return null;
  return (
    <span className="dot-key muted">
      {sent && (
        <span title="An exemplar: a request that the service reported with its metric. Click one to see its trace.">
          <i className="dot-sample" /> exemplar
        </span>
      )}
      {inferred && (
        <span title="Found by Trivium among the spans, where the service reported none. Click one to see its trace.">
          <i className="dot-sample inferred" /> inferred exemplar
        </span>
      )}
    </span>
  );
}

export function DotLayer(props: { plot: uPlot; placed: readonly PlacedDot[]; unit: Unit; onAxis: boolean }) {
  const { plot, placed, unit, onAxis } = props;
  const [active, setActive] = useState<PlacedDot | null>(null);
  if (placed.length === 0) return null;
  return createPortal(
    <>
      {placed.map((entry, i) => {
        const { dot, left, top } = entry;
        return (
          <Link
            // biome-ignore lint/suspicious/noArrayIndexKey: one trace may have several dots at one time
            key={`${dot.traceId}${dot.seconds}${i}`}
            href={traceHref(dot.traceId, { spanId: dot.spanId })}
            className={`exemplar-dot${dot.inferred ? ' inferred' : ''}${entry.clipped ? ' clipped' : ''}`}
            style={{ left, top }}
            aria-label={`Trace ${dot.traceId}, ${formatValue(dot.value, onAxis ? unit : 'none')}`}
            draggable={false}
            onMouseDown={(event) => event.stopPropagation()}
            onMouseEnter={() => setActive(entry)}
            onMouseLeave={() => setActive(null)}
            onFocus={() => setActive(entry)}
            onBlur={() => setActive(null)}
          />
        );
      })}
      {active && placed.includes(active) && (
        <DotCard placed={active} plot={plot} unit={unit} onAxis={onAxis} />
      )}
    </>,
    plot.over,
  );
}
