// Search, jumps and switches above the waterfall.
import type { KeyboardEvent, RefObject } from 'react';
import { Button, IconButton } from '../design/button.tsx';
import type { TraceTree } from './tree.ts';
import { collapsedBelow } from './visible-rows.ts';

export interface WaterfallToolbarProps {
  searchBox: RefObject<HTMLInputElement | null>;
  query: string;
  onQuery: (query: string) => void;
  matches: number;
  onMatch: (step: 1 | -1) => void;
  /** Escape: back to the rows. */
  onLeave: () => void;
  errors: number;
  onError: (step: 1 | -1) => void;
  tree: TraceTree;
  collapsed: ReadonlySet<number>;
  setCollapsed: (collapsed: ReadonlySet<number>) => void;
  showPath: boolean;
  setShowPath: (on: boolean) => void;
  zoomed: boolean;
  onResetZoom: () => void;
  /** null when no clock needed correction. */
  clocks: { adjusted: boolean; set: (on: boolean) => void } | null;
}

export function WaterfallToolbar(props: WaterfallToolbarProps) {
  const { query, matches, onMatch, tree, clocks } = props;
  const searching = query.trim() !== '';
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key === 'Enter') {
      event.preventDefault();
      onMatch(event.shiftKey ? -1 : 1);
    } else if (event.key === 'Escape') {
      event.preventDefault();
      if (searching) props.onQuery('');
      props.onLeave();
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      props.onLeave();
    }
  };
  return (
    <div className="wf-toolbar" role="toolbar" aria-label="Waterfall">
      <input
        ref={props.searchBox}
        className="input wf-search"
        type="search"
        placeholder="Search in spans  ( / )"
        aria-label="Search in spans"
        title='Words match names, attributes and events; also key=value, status=error, duration>100ms, "two words"'
        value={query}
        onChange={(e) => props.onQuery(e.target.value)}
        onKeyDown={onKeyDown}
        spellCheck={false}
      />
      {searching && (
        <>
          <span className={matches === 0 ? 'wf-count none' : 'wf-count'} role="status">
            {matches === 0 ? 'no match' : `${matches.toLocaleString('en')} match${matches === 1 ? '' : 'es'}`}
          </span>
          <IconButton
            size="small"
            icon="chevronLeft"
            label="Previous match (Shift Enter)"
            disabled={matches === 0}
            onClick={() => onMatch(-1)}
          />
          <IconButton
            size="small"
            icon="chevronRight"
            label="Next match (Enter)"
            disabled={matches === 0}
            onClick={() => onMatch(1)}
          />
        </>
      )}
      {props.errors > 0 && (
        <Button size="small" icon="alert" onClick={() => props.onError(1)} title="Jump to the next error (e)">
          Next error
        </Button>
      )}
      <Button
        size="small"
        aria-pressed={props.showPath}
        onClick={() => props.setShowPath(!props.showPath)}
        title="Mark the chain of work that decided how long the trace took"
      >
        Critical path
      </Button>
      {clocks !== null && (
        <Button
          size="small"
          aria-pressed={clocks.adjusted}
          onClick={() => clocks.set(!clocks.adjusted)}
          title="Draw spans whose clock contradicts causality at corrected times"
        >
          Correct clocks
        </Button>
      )}
      <Button size="small" kind="ghost" onClick={() => props.setCollapsed(collapsedBelow(tree, 2))}>
        Collapse
      </Button>
      <Button
        size="small"
        kind="ghost"
        disabled={props.collapsed.size === 0}
        onClick={() => props.setCollapsed(new Set())}
      >
        Expand all
      </Button>
      {props.zoomed && (
        <Button size="small" icon="zoomOut" onClick={props.onResetZoom} title="Show the whole trace (0)">
          Whole trace
        </Button>
      )}
      <span className="spacer" />
      <span className="wf-keys muted" title="z zooms to the span, 0 shows all, n and N go through matches">
        ↑↓ move · ←→ fold · Enter details · e next error
      </span>
    </div>
  );
}
