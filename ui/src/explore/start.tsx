// Explore before the first query: what there is to ask for, one click each.
import { useMemo, useState } from 'react';
import { logLabelNames, logLabelValues } from '../api/loki.ts';
import { labelValues, metadata } from '../api/prometheus.ts';
import { tagValues } from '../api/tempo.ts';
import { useRequest } from '../api/use-request.ts';
import { type QueryLanguage, quoteLiteral } from '../app/links.ts';
import { Link } from '../app/router.tsx';
import { Badge } from '../design/badge.tsx';
import { EmptyState, ErrorState, Skeleton } from '../design/states.tsx';
import type { ResolvedRange } from '../time/range.ts';
import { familyOf, suggestMetricQuery } from './suggest.ts';

interface StartProps {
  range: ResolvedRange;
  tick: number;
  onQuery: (query: string) => void;
}

const maxListed = 300;

function NothingYet({ what }: { what: string }) {
  return (
    <EmptyState title={`No ${what} in this range`} action={<Link href="/">How to send data</Link>}>
      Choose a longer range, or connect something that sends {what}.
    </EmptyState>
  );
}

function List(props: {
  items: readonly { text: string; query: string; badge?: string | undefined; title?: string | undefined }[];
  filterLabel: string;
  onQuery: (query: string) => void;
}) {
  const { items, filterLabel, onQuery } = props;
  const [filter, setFilter] = useState('');
  const needle = filter.trim().toLowerCase();
  const found = needle === '' ? items : items.filter((item) => item.text.toLowerCase().includes(needle));
  return (
    <>
      <div className="start-head">
        <input
          className="input"
          placeholder={filterLabel}
          aria-label={filterLabel}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <span className="muted">
          {found.length > maxListed ? `the first ${maxListed} of ${found.length}` : found.length}
        </span>
      </div>
      <div className="start-grid">
        {found.slice(0, maxListed).map((item) => (
          <button
            key={item.text}
            type="button"
            className="menu-item start-item"
            title={item.title ?? item.text}
            onClick={() => onQuery(item.query)}
          >
            <span className="truncate mono">{item.text}</span>
            {item.badge && <Badge>{item.badge}</Badge>}
          </button>
        ))}
      </div>
    </>
  );
}

function MetricsStart({ range, tick, onQuery }: StartProps) {
  const names = useRequest(
    `names\n${range.fromMs}\n${range.toMs}`,
    (signal) => labelValues('__name__', { ...range }, { signal }),
    { tick, keep: true },
  );
  // Types and help are an extra: the list works without.
  const families = useRequest('metadata', (signal) => metadata({ signal }), { tick, keep: true });
  const items = useMemo(
    () =>
      (names.data ?? []).map((name) => {
        const family = familyOf(name, families.data ?? {})?.[0];
        const kind = family?.type ?? 'unknown';
        return {
          text: name,
          query: suggestMetricQuery(name, kind),
          badge: kind === 'unknown' ? undefined : kind,
          title: family?.help ? `${name}\n${family.help}` : name,
        };
      }),
    [names.data, families.data],
  );
  if (names.error)
    return <ErrorState title="The metrics' names could not be read" message={names.error.message} />;
  if (!names.data) return <Skeleton lines={8} />;
  if (items.length === 0) return <NothingYet what="metrics" />;
  return <List items={items} filterLabel="Find a metric" onQuery={onQuery} />;
}

function LogsStart({ range, tick, onQuery }: StartProps) {
  const labels = useRequest(
    `labels\n${range.fromMs}\n${range.toMs}`,
    async (signal) => {
      const names = await logLabelNames(range, { signal });
      const preferred = ['service_name', 'app', 'job', 'namespace', 'container'].filter((n) =>
        names.includes(n),
      );
      const chosen = (preferred.length > 0 ? preferred : names).slice(0, 3);
      return Promise.all(
        chosen.map(async (name) => ({ name, values: await logLabelValues(name, range, { signal }) })),
      );
    },
    { tick, keep: true },
  );
  if (labels.error)
    return <ErrorState title="The logs' labels could not be read" message={labels.error.message} />;
  if (!labels.data) return <Skeleton lines={8} />;
  const items = labels.data.flatMap(({ name, values }) =>
    values.map((value) => ({
      text: `{${name}=${quoteLiteral(value)}}`,
      query: `{${name}=${quoteLiteral(value)}}`,
    })),
  );
  if (items.length === 0) return <NothingYet what="logs" />;
  return <List items={items} filterLabel="Find a stream" onQuery={onQuery} />;
}

const traceExamples = [
  '{ status = error }',
  '{ duration > 1s }',
  '{ kind = server } | rate() by (resource.service.name)',
  '{ kind = server } | quantile_over_time(duration, .95) by (resource.service.name)',
];

function TracesStart({ range, tick, onQuery }: StartProps) {
  const services = useRequest(
    `services\n${range.fromMs}\n${range.toMs}`,
    (signal) => tagValues({ tag: 'resource.service.name', ...range }, { signal }),
    { tick, keep: true },
  );
  if (services.error)
    return <ErrorState title="The services could not be read" message={services.error.message} />;
  if (!services.data) return <Skeleton lines={8} />;
  if (services.data.length === 0) return <NothingYet what="traces" />;
  const items = services.data.map(({ value }) => ({
    text: value,
    query: `{ resource.service.name = ${quoteLiteral(value)} }`,
  }));
  return (
    <>
      <div className="start-examples">
        {traceExamples.map((query) => (
          <button
            key={query}
            type="button"
            className="menu-item mono truncate"
            onClick={() => onQuery(query)}
          >
            {query}
          </button>
        ))}
      </div>
      <List items={items} filterLabel="Find a service" onQuery={onQuery} />
    </>
  );
}

export default function Start({ lang, ...rest }: StartProps & { lang: QueryLanguage }) {
  return (
    <div className="start">
      {lang === 'promql' ? (
        <MetricsStart {...rest} />
      ) : lang === 'logql' ? (
        <LogsStart {...rest} />
      ) : (
        <TracesStart {...rest} />
      )}
    </div>
  );
}
