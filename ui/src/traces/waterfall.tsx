// The waterfall: toolbar, minimap, virtualised rows, span panel; keyboard and mouse meet here.
// Rows are plain elements: with 10,000 spans, software rendering and two busy cores, frames take 17 ms (median)
// to 24 ms (95 %) while scrolling, and none is blank. Rendering must stay synchronous with the scroll event
// (the virtualizer's default): deferred, rows appear a frame late from 400 px a frame on.
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { TraceAnalysis } from './analysis.ts';
import { Minimap, type View } from './minimap.tsx';
import { SpanPanel } from './span-panel.tsx';
import { ROW_PX, SpanRow } from './span-row.tsx';
import { axisTicks, durationText } from './span-time.ts';
import { SKEWED } from './tree.ts';
import { nextOf, positionOf, revealed, searchSpans, visibleRows } from './visible-rows.ts';
import { WaterfallToolbar } from './waterfall-toolbar.tsx';

export interface WaterfallProps {
  analysis: TraceAnalysis;
  /** The row whose details are open; -1 = none. */
  selected: number;
  onSelect: (row: number) => void;
  adjustClocks: boolean;
  setAdjustClocks: (on: boolean) => void;
}

const HEAD_PX = 26;
const NONE: ReadonlySet<number> = new Set();

export function Waterfall({ analysis, selected, onSelect, adjustClocks, setAdjustClocks }: WaterfallProps) {
  const { tree, errors } = analysis;
  const whole = useMemo<View>(() => ({ fromNs: 0, toNs: Math.max(1, tree.lengthNs) }), [tree]);
  const [zoom, setZoom] = useState<View | null>(null);
  const view = zoom ?? whole;
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(NONE);
  const [cursor, setCursor] = useState(Math.max(0, selected));
  const [query, setQuery] = useState('');
  const [showPath, setShowPath] = useState(true);
  const [target, setTarget] = useState<{ row: number } | null>(selected === -1 ? null : { row: selected });
  const scroller = useRef<HTMLDivElement>(null);
  const searchBox = useRef<HTMLInputElement>(null);

  const rows = useMemo(() => visibleRows(tree, collapsed), [tree, collapsed]);
  const wantedText = useDeferredValue(query);
  const matches = useMemo(() => searchSpans(tree, wantedText), [tree, wantedText]);
  const matched = useMemo(() => new Set(matches), [matches]);

  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
    paddingStart: HEAD_PX,
    scrollPaddingStart: HEAD_PX,
  });

  /** Moves the cursor to a row, opens what hides it and scrolls to it. */
  const goTo = useCallback(
    (row: number) => {
      setCursor(row);
      setCollapsed((closed) => revealed(tree, closed, row));
      setTarget({ row });
    },
    [tree],
  );

  // A selection from elsewhere (URL, findings, another tab) moves the cursor.
  const [seen, setSeen] = useState(selected);
  if (seen !== selected) {
    setSeen(selected);
    if (selected !== -1 && selected !== cursor) goTo(selected);
  }

  useLayoutEffect(() => {
    if (target === null) return;
    const at = positionOf(rows, target.row);
    if (at !== -1) virtualizer.scrollToIndex(at, { align: 'auto' });
  }, [target, rows, virtualizer]);

  const move = useCallback(
    (row: number) => {
      goTo(row);
      if (selected !== -1) onSelect(row);
    },
    [goTo, selected, onSelect],
  );
  const jump = useCallback(
    (targets: readonly number[], step: 1 | -1) => {
      const row = nextOf(targets, cursor, step);
      if (row !== -1) move(row);
    },
    [cursor, move],
  );
  const fold = useCallback((row: number, closed: boolean) => {
    setCollapsed((before) => {
      if (before.has(row) === closed) return before;
      const next = new Set(before);
      if (closed) next.add(row);
      else next.delete(row);
      return next;
    });
  }, []);

  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
      if ((event.target as HTMLElement | null)?.closest('input, textarea, select, [contenteditable="true"]'))
        return;
      event.preventDefault();
      searchBox.current?.focus();
      searchBox.current?.select();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = Math.max(0, positionOf(rows, cursor));
    const page = Math.max(1, Math.floor((scroller.current!.clientHeight - HEAD_PX) / ROW_PX) - 1);
    const to = (position: number): void =>
      move(rows[Math.min(rows.length - 1, Math.max(0, position))] ?? cursor);
    const act = (): boolean => {
      switch (event.key) {
        case 'ArrowDown':
          to(at + 1);
          return true;
        case 'ArrowUp':
          to(at - 1);
          return true;
        case 'PageDown':
          to(at + page);
          return true;
        case 'PageUp':
          to(at - page);
          return true;
        case 'Home':
          to(0);
          return true;
        case 'End':
          to(rows.length - 1);
          return true;
        case 'ArrowLeft':
          if (tree.size[cursor]! > 1 && !collapsed.has(cursor)) fold(cursor, true);
          else if (tree.parent[cursor]! !== -1) move(tree.parent[cursor]!);
          return true;
        case 'ArrowRight':
          if (collapsed.has(cursor)) fold(cursor, false);
          else if (tree.size[cursor]! > 1) move(cursor + 1);
          return true;
        case 'Enter':
          onSelect(selected === cursor ? -1 : cursor);
          return true;
        case 'Escape':
          onSelect(-1);
          return true;
        case 'e':
        case 'E':
          jump(errors.rows, event.key === 'e' ? 1 : -1);
          return true;
        case 'n':
        case 'N':
          jump(matches, event.key === 'n' ? 1 : -1);
          return true;
        case 'z':
          zoomTo(cursor);
          return true;
        case '0':
          setZoom(null);
          return true;
        default:
          return false;
      }
    };
    if (act()) event.preventDefault();
  };

  const zoomTo = (row: number): void => {
    const from = tree.offsetNs[row]!;
    const length = tree.durationNs[row]!;
    if (length > 0)
      setZoom({
        fromNs: Math.max(0, from - length * 0.05),
        toNs: Math.min(whole.toNs, from + length * 1.05),
      });
  };

  const onClick = (event: MouseEvent): void => {
    const element = event.target as HTMLElement;
    // A row that scrolls away would take the focus with it.
    scroller.current?.focus({ preventScroll: true });
    const folded = element.closest<HTMLElement>('[data-fold]');
    if (folded !== null) {
      const row = Number(folded.dataset.fold);
      setCursor(row);
      fold(row, !collapsed.has(row));
      return;
    }
    const rowElement = element.closest<HTMLElement>('[data-row]');
    if (rowElement === null) return;
    const row = Number(rowElement.dataset.row);
    setCursor(row);
    onSelect(row);
  };

  const skewed = useMemo(() => tree.flags.some((f) => (f & SKEWED) !== 0), [tree]);
  const ticks = axisTicks(view.fromNs, view.toNs, 6);
  const percent = (ns: number): string => `${(100 * (ns - view.fromNs)) / (view.toNs - view.fromNs)}%`;
  const setView = useCallback(
    (next: View) => setZoom(next.fromNs <= 0 && next.toNs >= whole.toNs ? null : next),
    [whole],
  );
  const { frame, onGrip } = useNameWidth();

  return (
    <div className="waterfall">
      <div className="wf-left">
        <WaterfallToolbar
          searchBox={searchBox}
          query={query}
          onQuery={setQuery}
          matches={matches.length}
          onMatch={(step) => jump(matches, step)}
          onLeave={() => scroller.current?.focus()}
          errors={errors.rows.length}
          onError={(step) => jump(errors.rows, step)}
          collapsed={collapsed}
          setCollapsed={setCollapsed}
          tree={tree}
          showPath={showPath}
          setShowPath={setShowPath}
          zoomed={zoom !== null}
          onResetZoom={() => setZoom(null)}
          clocks={skewed || !adjustClocks ? { adjusted: adjustClocks, set: setAdjustClocks } : null}
        />
        <Minimap analysis={analysis} view={view} onView={setView} />
        <div className="wf-frame" ref={frame}>
          <div
            className="wf-scroll"
            ref={scroller}
            role="tree"
            aria-label="Spans"
            aria-activedescendant={`span-row-${cursor}`}
            tabIndex={0}
            onKeyDown={onKeyDown}
            onClick={onClick}
          >
            <div className="wf-head" aria-hidden="true">
              <div className="wf-name">Service and operation</div>
              <div className="wf-duration">Duration</div>
              <div className="wf-time">
                {ticks.map((ns) => (
                  <span
                    key={ns}
                    className="wf-tick"
                    style={{ left: percent(ns), transform: `translateX(-${tickShift(ns, view)}%)` }}
                  >
                    {durationText(ns)}
                  </span>
                ))}
              </div>
            </div>
            <div className="wf-rows" style={{ height: virtualizer.getTotalSize() - HEAD_PX }}>
              <div className="wf-grid" aria-hidden="true">
                {ticks.map((ns) => (
                  <span key={ns} style={{ left: percent(ns) }} />
                ))}
              </div>
              {virtualizer.getVirtualItems().map((item) => {
                const row = rows[item.index];
                if (row === undefined) return null;
                return (
                  <SpanRow
                    key={row}
                    analysis={analysis}
                    row={row}
                    top={item.start - HEAD_PX}
                    view={view}
                    selected={row === cursor}
                    matched={matched.has(row)}
                    closed={collapsed.has(row)}
                    showPath={showPath}
                  />
                );
              })}
            </div>
          </div>
          <div
            className="wf-grip"
            onPointerDown={onGrip}
            aria-hidden="true"
            title="Drag to make names wider"
          />
        </div>
      </div>
      {selected !== -1 && (
        <SpanPanel
          analysis={analysis}
          row={selected}
          onClose={() => {
            onSelect(-1);
            scroller.current?.focus();
          }}
          onSelect={move}
        />
      )}
    </div>
  );
}

/** Labels stand in the middle of their line, at the ends inside of the axis. */
function tickShift(ns: number, view: View): number {
  const at = (ns - view.fromNs) / (view.toNs - view.fromNs);
  return at < 0.03 ? 0 : at > 0.97 ? 100 : 50;
}

const LEAST_NAME_PX = 140;

/** The width of the name column, as a CSS variable that is changed without rendering. */
function useNameWidth() {
  const frame = useRef<HTMLDivElement>(null);
  const onGrip = useCallback((event: PointerEvent<HTMLDivElement>) => {
    const element = frame.current!;
    const grip = event.currentTarget;
    const rect = element.getBoundingClientRect();
    grip.setPointerCapture(event.pointerId);
    const onMove = (e: globalThis.PointerEvent): void => {
      const width = Math.min(rect.width - 220, Math.max(LEAST_NAME_PX, e.clientX - rect.left));
      element.style.setProperty('--name-width', `${width}px`);
    };
    const onUp = (): void => {
      grip.removeEventListener('pointermove', onMove);
      grip.removeEventListener('pointerup', onUp);
      grip.removeEventListener('pointercancel', onUp);
    };
    grip.addEventListener('pointermove', onMove);
    grip.addEventListener('pointerup', onUp);
    grip.addEventListener('pointercancel', onUp);
  }, []);
  return { frame, onGrip };
}
