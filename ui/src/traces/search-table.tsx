// The list of found traces.
import { useMemo } from 'react';
import { Link } from '../app/router.tsx';
import { formatDateTime } from '../time/range.ts';
import { colourMemory } from './colour-memory.ts';
import type { SortKey, TraceRow } from './search-results.ts';
import { serviceColours } from './service-colours.ts';
import { durationText } from './span-time.ts';

export interface SearchTableProps {
  rows: readonly TraceRow[];
  by: SortKey;
  onSort: (by: SortKey) => void;
  hrefOf: (row: TraceRow) => string;
}

export function SearchTable({ rows, by, onSort, hrefOf }: SearchTableProps) {
  const colours = useMemo(
    () =>
      serviceColours(
        rows.flatMap((r) => [r.service, ...r.services.map((s) => s.service)]),
        colourMemory,
      ),
    [rows],
  );
  const longest = rows.reduce((max, r) => Math.max(max, r.durationMs), 0);
  const withStats = rows.some((r) => r.services.length > 0);
  const heading = (key: SortKey, text: string, className: string) => (
    <th className={className} aria-sort={by === key ? 'descending' : 'none'}>
      <button type="button" onClick={() => onSort(key)} title={`Order by ${text.toLowerCase()}`}>
        {text}
        {by === key && ' ↓'}
      </button>
    </th>
  );
  return (
    <div className="panel search-results">
      <table className="table">
        <thead>
          <tr>
            <th className="col-trace">Trace</th>
            {heading('start', 'Start', 'col-start')}
            {heading('duration', 'Duration', 'col-bar')}
            <th className="num col-small" title="Spans that match the query">
              Matched
            </th>
            {withStats && heading('spans', 'Spans', 'num col-small')}
            {withStats && heading('errors', 'Errors', 'num col-small')}
            {withStats && <th>Services</th>}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.traceId}>
              <td>
                <Link className="found" href={hrefOf(row)} title={row.traceId}>
                  <span className="service-dot" style={{ background: colours.get(row.service) }} />
                  {row.service || 'unknown service'} {row.name}
                  <span className="muted mono">{row.traceId.slice(0, 8)}</span>
                </Link>
              </td>
              <td className="truncate">{formatDateTime(row.startMs, 'ms')}</td>
              <td>
                <div className={row.errors > 0 ? 'duration-bar failed' : 'duration-bar'}>
                  <span>
                    <span style={{ width: `${longest > 0 ? (100 * row.durationMs) / longest : 0}%` }} />
                  </span>
                  <span>{row.durationMs === 0 ? '< 1ms' : durationText(row.durationMs * 1e6)}</span>
                </div>
              </td>
              <td className="num">{row.matched}</td>
              {withStats && <td className="num">{row.spans}</td>}
              {withStats && <td className={row.errors > 0 ? 'num bad' : 'num muted'}>{row.errors}</td>}
              {withStats && (
                <td>
                  <div className="service-list">
                    {row.services.map((s) => (
                      <span key={s.service} title={`${s.spans} spans, ${s.errors} errors`}>
                        <span className="service-dot" style={{ background: colours.get(s.service) }} />
                        {s.service}
                      </span>
                    ))}
                  </div>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
