// An instant vector as a table: a column per label and the value; sorted by any; virtualised.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import type { HistogramPoint, QueryResult } from '../api/prometheus.ts';
import { parseSample } from '../charts/columns.ts';
import { formatValue, type Unit } from '../charts/units.ts';
import { CopyButton } from '../design/copy-button.tsx';
import { EmptyState } from '../design/states.tsx';

interface Row {
  labels: Readonly<Record<string, string>>;
  value: number;
  text: string;
  histogram?: HistogramPoint | undefined;
}

const valueColumn = '\u0000value';
const maxLabelColumns = 12;

function rowsOf(result: QueryResult): Row[] {
  if (result.resultType === 'scalar' || result.resultType === 'string') {
    const text = result.result[1];
    return [{ labels: {}, value: result.resultType === 'scalar' ? parseSample(text) : Number.NaN, text }];
  }
  if (result.resultType === 'matrix') {
    return result.result.flatMap((series) =>
      (series.values ?? []).map(([time, text]) => ({
        labels: { ...series.metric, '(time)': new Date(time * 1000).toISOString() },
        value: parseSample(text),
        text,
      })),
    );
  }
  return result.result.map((sample) => {
    const histogram = sample.histogram?.[1];
    const text = sample.value?.[1] ?? (histogram ? `count ${histogram.count}, sum ${histogram.sum}` : '');
    return {
      labels: sample.metric,
      value: parseSample(sample.value?.[1] ?? histogram?.count ?? 'NaN'),
      text,
      histogram,
    };
  });
}

export function InstantTable({ result, unit }: { result: QueryResult; unit: Unit }) {
  const rows = useMemo(() => rowsOf(result), [result]);
  const names = useMemo(() => {
    const all = new Set(rows.flatMap((row) => Object.keys(row.labels)));
    const first = all.has('__name__') ? ['__name__'] : [];
    return [...first, ...[...all].filter((name) => name !== '__name__').sort()];
  }, [rows]);
  const [sort, setSort] = useState<{ column: string; down: boolean }>({ column: valueColumn, down: true });
  const sorted = useMemo(() => {
    const sign = sort.down ? -1 : 1;
    return [...rows].sort((a, b) => {
      if (sort.column === valueColumn) return sign * ((a.value || 0) - (b.value || 0));
      return (
        sign *
        (a.labels[sort.column] ?? '').localeCompare(b.labels[sort.column] ?? '', undefined, { numeric: true })
      );
    });
  }, [rows, sort]);
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => 30,
    overscan: 20,
  });
  if (rows.length === 0) return <EmptyState title="The query selects nothing at this time" />;
  const shownNames = names.slice(0, maxLabelColumns);
  const items = virtual.getVirtualItems();
  const padTop = items[0]?.start ?? 0;
  const padBottom = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const head = (column: string, name: string, numeric: boolean) => (
    <th
      key={column}
      className={numeric ? 'num' : ''}
      aria-sort={sort.column === column ? (sort.down ? 'descending' : 'ascending') : undefined}
    >
      <button
        type="button"
        className="sort-button"
        onClick={() => setSort({ column, down: sort.column === column ? !sort.down : numeric })}
      >
        {name}
        {sort.column === column ? (sort.down ? ' ↓' : ' ↑') : ''}
      </button>
    </th>
  );
  return (
    <div className="instant">
      <div className="explore-bar muted">
        {rows.length} {rows.length === 1 ? 'row' : 'rows'}
        {names.length > maxLabelColumns && `, ${names.length - maxLabelColumns} further labels not shown`}
        <div className="spacer" />
        <CopyButton text={JSON.stringify(result, null, 2)} label="Copy as JSON" />
      </div>
      <div className="instant-scroll" ref={scroll}>
        <table className="table">
          <thead>
            <tr>
              {shownNames.map((name) => head(name, name === '__name__' ? 'metric' : name, false))}
              {head(valueColumn, 'value', true)}
            </tr>
          </thead>
          <tbody>
            {padTop > 0 && (
              <tr>
                <td style={{ height: padTop, padding: 0 }} />
              </tr>
            )}
            {items.map((item) => {
              const row = sorted[item.index];
              if (!row) return null;
              return (
                <tr key={item.key}>
                  {shownNames.map((name) => (
                    <td key={name} className="truncate instant-cell" title={row.labels[name]}>
                      {row.labels[name]}
                    </td>
                  ))}
                  <td className="num mono" title={row.text}>
                    {row.histogram || Number.isNaN(row.value) ? row.text : formatValue(row.value, unit, 6)}
                  </td>
                </tr>
              );
            })}
            {padBottom > 0 && (
              <tr>
                <td style={{ height: padBottom, padding: 0 }} />
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}
