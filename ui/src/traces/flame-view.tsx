// The flame tab: operations by path, wide where time was spent. A click looks closer.
import { useMemo, useState } from 'react';
import { Button } from '../design/button.tsx';
import { EmptyState } from '../design/states.tsx';
import type { TraceAnalysis } from './analysis.ts';
import { type FlameNode, flameBoxes, flameOf } from './flame.ts';
import { durationText } from './span-time.ts';

const ROW_PX = 22;

export interface FlameViewProps {
  analysis: TraceAnalysis;
  onSelect: (row: number) => void;
}

export function FlameView({ analysis, onSelect }: FlameViewProps) {
  const { tree, selfNs, colours } = analysis;
  const top = useMemo(() => flameOf(tree, selfNs), [tree, selfNs]);
  const [focus, setFocus] = useState<FlameNode>(top);
  const current = focus === top || rootOf(focus) === top ? focus : top;
  const boxes = useMemo(() => flameBoxes(current), [current]);
  if (boxes.length === 0)
    return <EmptyState title="Nothing to draw">All spans of this trace have no duration.</EmptyState>;
  let levels = 0;
  for (const box of boxes) levels = Math.max(levels, box.level + 1);
  const share = (ns: number): string => `${((100 * ns) / top.totalNs).toFixed(1)} %`;
  return (
    <div className="trace-scroll">
      <div className="flame-bar">
        {current === top ? (
          <span className="muted">
            Own time of all spans: {durationText(top.totalNs)}. Parallel work adds up. Click to look closer.
          </span>
        ) : (
          <>
            <span className="service-dot" style={{ background: colours.get(current.service) }} />
            <span className="truncate">
              {current.service} <strong>{current.name}</strong>
            </span>
            <span className="muted">
              {current.spans.toLocaleString('en')} {current.spans === 1 ? 'span' : 'spans'} · own{' '}
              {durationText(current.selfNs)} ({share(current.selfNs)}) · with all below{' '}
              {durationText(current.totalNs)} ({share(current.totalNs)})
              {current.errors > 0 && ` · ${current.errors} errors`}
            </span>
            <Button size="small" onClick={() => onSelect(current.longestRow)}>
              Show its longest span
            </Button>
            <Button size="small" icon="zoomOut" onClick={() => setFocus(top)}>
              Whole trace
            </Button>
          </>
        )}
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: boxes of a drawing, not a form */}
      <div className="flame" style={{ height: levels * ROW_PX }} role="group" aria-label="Flame graph">
        {boxes.map((box) => (
          <button
            key={`${box.level}/${box.from}`}
            type="button"
            className={box.node === current ? 'flame-box current' : 'flame-box'}
            style={{
              top: box.level * ROW_PX,
              left: `${box.from * 100}%`,
              width: `${(box.to - box.from) * 100}%`,
              borderColor: colours.get(box.node.service),
              background: `color-mix(in srgb, ${colours.get(box.node.service)} 34%, var(--surface))`,
            }}
            title={`${box.node.service}: ${box.node.name}\n${box.node.spans} spans, own ${durationText(box.node.selfNs)}, with all below ${durationText(box.node.totalNs)} (${share(box.node.totalNs)})`}
            onClick={() => setFocus(box.node === current ? top : box.node)}
          >
            {box.to - box.from > 0.03 && (
              <>
                {box.node.name} <span className="muted">{durationText(box.node.totalNs)}</span>
              </>
            )}
          </button>
        ))}
      </div>
    </div>
  );
}

function rootOf(node: FlameNode): FlameNode {
  let at = node;
  while (at.parent !== null) at = at.parent;
  return at;
}
