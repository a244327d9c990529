// The whole trace in small, with a brush: drag to look at a part, drag the part or its edges to move it,
// double-click for all. Draws on canvas: one thin line per span, tens of thousands in a few milliseconds.
import { type PointerEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { cssColor, useTheme } from '../app/theme.ts';
import type { TraceAnalysis } from './analysis.ts';
import { axisTicks, durationText } from './span-time.ts';

export interface View {
  readonly fromNs: number;
  readonly toNs: number;
}

export interface MinimapProps {
  analysis: TraceAnalysis;
  view: View;
  onView: (view: View) => void;
}

const HEIGHT = 64;
const AXIS = 14;
const GRIP_PX = 6;

type Drag =
  | { kind: 'new'; anchorNs: number }
  | { kind: 'move'; graspNs: number; view: View }
  | { kind: 'edge'; fixedNs: number };

export function Minimap({ analysis, view, onView }: MinimapProps) {
  const { tree } = analysis;
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const drag = useRef<Drag | null>(null);
  const [width, setWidth] = useState(0);
  const theme = useTheme();
  const lengthNs = Math.max(1, tree.lengthNs);

  useLayoutEffect(() => {
    const element = box.current!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme's colours are read while drawing
  useEffect(() => {
    if (width > 0) draw(canvas.current!, width, analysis);
  }, [analysis, width, theme]);

  const nsAt = (event: PointerEvent): number => {
    const rect = box.current!.getBoundingClientRect();
    return clamp(((event.clientX - rect.left) / rect.width) * lengthNs, 0, lengthNs);
  };
  const onPointerDown = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    const at = nsAt(event);
    const gripNs = (GRIP_PX / Math.max(1, width)) * lengthNs;
    const zoomed = view.fromNs > 0 || view.toNs < lengthNs;
    if (zoomed && Math.abs(at - view.fromNs) < gripNs) drag.current = { kind: 'edge', fixedNs: view.toNs };
    else if (zoomed && Math.abs(at - view.toNs) < gripNs)
      drag.current = { kind: 'edge', fixedNs: view.fromNs };
    else if (zoomed && at > view.fromNs && at < view.toNs) drag.current = { kind: 'move', graspNs: at, view };
    else drag.current = { kind: 'new', anchorNs: at };
    event.currentTarget.setPointerCapture(event.pointerId);
  };
  const onPointerMove = (event: PointerEvent): void => {
    const state = drag.current;
    if (state === null) return;
    const at = nsAt(event);
    if (state.kind === 'move') {
      const size = state.view.toNs - state.view.fromNs;
      const fromNs = clamp(state.view.fromNs + at - state.graspNs, 0, lengthNs - size);
      onView({ fromNs, toNs: fromNs + size });
      return;
    }
    const other = state.kind === 'new' ? state.anchorNs : state.fixedNs;
    const least = (3 / Math.max(1, width)) * lengthNs;
    if (Math.abs(at - other) >= least) onView({ fromNs: Math.min(at, other), toNs: Math.max(at, other) });
  };
  const onPointerUp = (): void => {
    drag.current = null;
  };

  const left = (100 * view.fromNs) / lengthNs;
  const right = (100 * view.toNs) / lengthNs;
  const ticks = axisTicks(0, tree.lengthNs, Math.max(2, Math.floor(width / 140)));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: by keyboard, z and 0 in the rows below zoom
    <div
      className="minimap"
      ref={box}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={onPointerUp}
      onPointerCancel={onPointerUp}
      onDoubleClick={() => onView({ fromNs: 0, toNs: lengthNs })}
      title="Drag to zoom, double-click for the whole trace"
    >
      <canvas ref={canvas} style={{ width: '100%', height: HEIGHT }} />
      {ticks.map((ns) => (
        <span key={ns} className="minimap-tick" style={{ left: `${(100 * ns) / lengthNs}%` }}>
          {durationText(ns)}
        </span>
      ))}
      <div className="minimap-shade" style={{ left: 0, width: `${left}%` }} />
      <div className="minimap-shade" style={{ left: `${right}%`, right: 0 }} />
      {(left > 0 || right < 100) && (
        <div className="minimap-window" style={{ left: `${left}%`, width: `${right - left}%` }} />
      )}
    </div>
  );
}

function draw(canvas: HTMLCanvasElement, width: number, { tree, colours }: TraceAnalysis): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(HEIGHT * scale);
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(scale, scale);
  context.clearRect(0, 0, width, HEIGHT);
  const n = tree.spans.length;
  const room = HEIGHT - AXIS - 4;
  const step = Math.min(4, room / Math.max(1, n));
  const thick = Math.max(1, Math.min(3, step * 0.8));
  const perNs = width / Math.max(1, tree.lengthNs);
  const bad = cssColor('--bad');
  for (let row = 0; row < n; row++) {
    const span = tree.spans[row]!;
    context.fillStyle = span.status === 'error' ? bad : (colours.get(span.resource.service) ?? bad);
    const x = tree.offsetNs[row]! * perNs;
    context.fillRect(x, AXIS + row * step, Math.max(1, tree.durationNs[row]! * perNs), thick);
  }
}

function clamp(x: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, x));
}
