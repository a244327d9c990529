// A list of log lines: virtualised, coloured by level, each row opens to show all that is known of
// it. Takes rows; knows neither the query nor the API.
import { useVirtualizer } from '@tanstack/react-virtual';
import { type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { traceHref } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { Button, IconButton } from '../design/button.tsx';
import { CopyButton } from '../design/copy-button.tsx';
import { formatClock, formatDateTime } from '../time/range.ts';
import {
  type Field,
  fieldsOf,
  type LogRow,
  lineFormat,
  prettyLine,
  rowTraceId,
  splitTraceIds,
  traceIdOf,
} from './log-model.ts';
import './log-list.css';

export type FilterAction = (field: Field, mode: 'for' | 'out', format: 'json' | 'logfmt' | null) => void;

export interface LogListProps {
  rows: readonly LogRow[];
  wrap: boolean;
  pretty: boolean;
  /** Shows dates as well: for ranges beyond a day. */
  withDate?: boolean;
  onFilter?: FilterAction | undefined;
  onFilterLine?: ((text: string, mode: 'for' | 'out') => void) | undefined;
  /** Asks for the lines before the last one shown; absent when there are none. */
  onMore?: (() => void) | undefined;
  loadingMore?: boolean;
  /** What stands below the last line. */
  footer?: ReactNode;
}

const maxCollapsedChars = 3000;
const ansi = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, 'g');

const originNames: Record<Field['origin'], string> = {
  label: 'label',
  metadata: 'metadata',
  parsed: 'parsed',
  line: 'in the line',
};

function LineText({ line }: { line: string }) {
  return splitTraceIds(line).map((part, i) =>
    'traceId' in part ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of a fixed text
      <Link key={i} href={traceHref(part.traceId)} title="Open the trace">
        {part.text}
      </Link>
    ) : (
      part.text
    ),
  );
}

function FieldTable({ row, onFilter }: { row: LogRow; onFilter: FilterAction | undefined }) {
  const fields = fieldsOf(row);
  const format = lineFormat(row.line);
  return (
    <table className="log-fields">
      <tbody>
        {fields.map((field) => {
          const traceId = traceIdOf(field.name, field.value);
          return (
            <tr key={field.name}>
              <td className="log-field-actions">
                {onFilter && (
                  <>
                    <IconButton
                      size="small"
                      icon="plus"
                      label={`Filter for ${field.name}`}
                      onClick={() => onFilter(field, 'for', format)}
                    />
                    <IconButton
                      size="small"
                      icon="minus"
                      label={`Filter out ${field.name}`}
                      onClick={() => onFilter(field, 'out', format)}
                    />
                  </>
                )}
              </td>
              <th scope="row" className="truncate" title={`${field.name} (${originNames[field.origin]})`}>
                {field.name}
              </th>
              <td className="log-field-value mono">
                {traceId ? (
                  <Link href={traceHref(traceId)} title="Open the trace">
                    {field.value}
                  </Link>
                ) : (
                  field.value
                )}
              </td>
              <td className="log-field-origin muted">{originNames[field.origin]}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Detail({
  row,
  onFilter,
  onFilterLine,
}: { row: LogRow } & Pick<LogListProps, 'onFilter' | 'onFilterLine'>) {
  const traceId = rowTraceId(row);
  const addSelected = (mode: 'for' | 'out') => {
    const text = window.getSelection()?.toString().trim() ?? '';
    if (text !== '' && !text.includes('\n')) onFilterLine?.(text, mode);
  };
  return (
    <div className="log-detail">
      <div className="log-detail-bar">
        <span className="muted">{formatDateTime(row.ms, 'ms')}</span>
        <span className="muted mono" title="Nanoseconds since 1970">
          {row.ns}
        </span>
        <div className="spacer" />
        {onFilterLine && (
          <Button
            size="small"
            kind="ghost"
            title="Select a part of the line first"
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => addSelected('for')}
          >
            Lines with the selected text
          </Button>
        )}
        <CopyButton text={row.line} label="Copy line" />
        {traceId && (
          <Link className="button small" href={traceHref(traceId)}>
            Open trace
          </Link>
        )}
      </div>
      <pre className="log-detail-line">
        <LineText line={prettyLine(row.line.replace(ansi, ''))} />
      </pre>
      <FieldTable row={row} onFilter={onFilter} />
    </div>
  );
}

function Row(props: {
  row: LogRow;
  open: boolean;
  onToggle: () => void;
  options: Pick<LogListProps, 'wrap' | 'pretty' | 'withDate' | 'onFilter' | 'onFilterLine'>;
}) {
  const { row, open, onToggle, options } = props;
  const { wrap, pretty, withDate = false } = options;
  const text = useMemo(() => {
    const plain = row.line.replace(ansi, '');
    const shown = pretty ? prettyLine(plain) : plain;
    return shown.length > maxCollapsedChars ? `${shown.slice(0, maxCollapsedChars)} …` : shown;
  }, [row.line, pretty]);
  const onClick = (event: MouseEvent) => {
    if ((event.target as Element).closest('a, button')) return;
    if (window.getSelection()?.isCollapsed === false) return; // the user marks text
    onToggle();
  };
  return (
    <div className={`log-row level-${row.level}${open ? ' open' : ''}`}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button inside does the same for the keyboard */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: see above */}
      <div className="log-row-head" onClick={onClick}>
        <IconButton
          size="small"
          icon={open ? 'chevronDown' : 'chevronRight'}
          label={open ? 'Close' : 'Show fields'}
          aria-expanded={open}
          onClick={onToggle}
        />
        <time className="log-time" title={formatDateTime(row.ms, 'ms')}>
          {withDate ? formatDateTime(row.ms, 'ms') : formatClock(row.ms, 'ms')}
        </time>
        <span className="log-level" title={row.level}>
          {row.level === 'unknown' ? '' : row.level}
        </span>
        <span className={wrap || pretty ? 'log-line wrap' : 'log-line'}>
          <LineText line={text} />
        </span>
      </div>
      {open && <Detail row={row} onFilter={options.onFilter} onFilterLine={options.onFilterLine} />}
    </div>
  );
}

export function LogList(props: LogListProps) {
  const { rows, wrap, pretty, onMore, loadingMore = false, footer } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 23,
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 24,
  });
  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? -1;

  // biome-ignore lint/correctness/useExhaustiveDependencies: heights change with the way lines are shown
  useEffect(() => virtual.measure(), [wrap, pretty]);

  useEffect(() => {
    if (onMore && !loadingMore && rows.length > 0 && lastShown >= rows.length - 10) onMore();
  }, [onMore, loadingMore, rows.length, lastShown]);

  const toggle = (key: string) =>
    setOpen((before) => {
      const next = new Set(before);
      if (!next.delete(key)) next.add(key);
      return next;
    });

  return (
    <section className="log-list" ref={scroll} aria-label="Log lines">
      <div className="log-list-inner" style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div
              key={item.key}
              className="log-item"
              data-index={item.index}
              ref={virtual.measureElement}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Row row={row} open={open.has(row.key)} onToggle={() => toggle(row.key)} options={props} />
            </div>
          );
        })}
      </div>
      <div className="log-list-footer muted">{loadingMore ? 'Loading older lines …' : footer}</div>
    </section>
  );
}
